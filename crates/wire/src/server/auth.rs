//! What a device signs to open its mailbox, and what the server keeps of an invite owner's secret.

use sotto_crypto::keys::DeviceSigningPublic;
use sotto_crypto::{Purpose, Signature};

use super::{Authentication, Nonce, OwnerHash, OwnerSecret};

/// The bytes a device signs with [`DeviceSigningKey::sign_challenge`]:
/// `version u16 ‖ role 01 ‖ len(origin) u16 ‖ origin ‖ device_id ‖ mailbox ‖ signing_key ‖ server nonce ‖ client
/// nonce`. `origin` is the page's own, as the browser writes it (`https://example.org`), so that a signature
/// made for one server is worth nothing at another.
///
/// [`DeviceSigningKey::sign_challenge`]: sotto_crypto::keys::DeviceSigningKey::sign_challenge
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

/// The signature of an [`Authentication`] is not the device's over this challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the answer to the challenge does not verify")]
pub struct NotAuthentic;

impl Authentication {
    /// Verifies that whoever holds `signing_key` answered this challenge of this origin.
    ///
    /// # Errors
    /// [`NotAuthentic`] for a bad point, a high s, or a signature over anything else.
    pub fn verify(&self, origin: &str, challenge: &Nonce) -> Result<(), NotAuthentic> {
        let key = DeviceSigningPublic::from_bytes(&self.signing_key).map_err(|_| NotAuthentic)?;
        let signature = Signature::from_bytes(&self.signature).map_err(|_| NotAuthentic)?;
        let signed = challenge_bytes(origin, challenge, self);
        key.verify_challenge(&signed, &signature).map_err(|_| NotAuthentic)
    }
}

impl OwnerSecret {
    /// What the server keeps of this secret.
    #[must_use]
    pub fn hash(&self) -> OwnerHash {
        OwnerHash(Purpose::INVITE_OWNER.hash(&[self.expose()]))
    }
}
