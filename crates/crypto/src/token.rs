//! Delivery tokens: who may post to a mailbox; and the names of envelopes and messages.

use crate::id::{EnvelopeId, MessageHash, truncate};
use crate::label::Purpose;
use crate::secret::secrets;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

secrets! {
    /// Authorises its holder to post to one mailbox; issued to one contact, revocable.
    DeliveryToken;
}

impl DeliveryToken {
    /// `SHA-256(label ‖ token)`: what the mailbox's server stores.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Purpose::DELIVERY_TOKEN.hash(&[&self.0]))
    }
}

/// Stored form of a delivery token, compared in constant time.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Takes the hash from storage or from the mailbox's owner.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for TokenHash {}

impl core::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

impl EnvelopeId {
    /// `SHA-256(blob)[..16]`; the server checks it.
    pub fn of(blob: &[u8]) -> Self {
        Self::from_bytes(truncate(Sha256::digest(blob).into()))
    }
}

impl MessageHash {
    /// `SHA-256(ratchet message)[..16]`.
    pub fn of(message: &[u8]) -> Self {
        Self::from_bytes(truncate(Sha256::digest(message).into()))
    }
}
