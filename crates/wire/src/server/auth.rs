//! What a device signs to open its mailbox, and how the server's hashes of secrets are made.

use sha2::{Digest, Sha256};

use super::{Authentication, DeliveryToken, Nonce, OwnerHash, OwnerSecret, TokenHash};

/// Label of the signature in [`Authentication`].
pub const CHALLENGE_LABEL: &str = "server-challenge";

/// The bytes a device signs under [`CHALLENGE_LABEL`]:
/// `version u16 ‖ role 01 ‖ len(origin) u16 ‖ origin ‖ device_id ‖ mailbox ‖ signing_key ‖ server nonce ‖ client
/// nonce`. `origin` is the page's own, as the browser writes it (`https://example.org`), so that a signature
/// made for one server is worth nothing at another.
#[must_use]
pub fn challenge_bytes(origin: &str, challenge: &Nonce, authentication: &Authentication) -> Vec<u8> {
    // An origin longer than a host name can be (253 bytes) signs as an impossible length and never verifies.
    let length = u16::try_from(origin.len()).unwrap_or(u16::MAX);
    let mut bytes = Vec::with_capacity(origin.len().saturating_add(160));
    bytes.extend_from_slice(&authentication.version.to_be_bytes());
    bytes.push(1);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(origin.as_bytes());
    bytes.extend_from_slice(authentication.device_id.as_bytes());
    bytes.extend_from_slice(authentication.mailbox.as_bytes());
    bytes.extend_from_slice(&*authentication.signing_key);
    bytes.extend_from_slice(challenge.as_bytes());
    bytes.extend_from_slice(authentication.client_nonce.as_bytes());
    bytes
}

impl DeliveryToken {
    /// What the server keeps of this token.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(labelled(b"sotto/v1/delivery-token\0", self.expose()))
    }
}

impl OwnerSecret {
    /// What the server keeps of this secret.
    #[must_use]
    pub fn hash(&self) -> OwnerHash {
        OwnerHash(labelled(b"sotto/v1/invite-owner\0", self.expose()))
    }
}

fn labelled(label: &[u8], secret: &[u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(label).chain_update(secret).finalize().into()
}
