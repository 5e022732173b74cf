//! Keys, X3DH, Double Ratchet, sealed envelopes, files, vault, backups and safety numbers on P-256.
//!
//! Byte formats are those of `docs/protocol.md`. The crate has no source of randomness and no clock: both are
//! passed in. Whatever comes from outside is parsed into a type first, and bad input is a typed error that changes
//! no state.

mod aead;
pub mod backup;
mod bytes;
pub mod envelope;
pub mod file;
mod id;
pub mod invite;
mod kdf;
pub mod keys;
mod label;
pub mod passphrase;
mod point;
pub mod ratchet;
pub mod safety_number;
mod secret;
pub mod sender_key;
mod signature;
#[cfg(test)]
mod testing;
mod time;
mod token;
pub mod vault;
#[cfg(test)]
mod vectors;
#[cfg(all(test, target_arch = "wasm32"))]
mod webcrypto;
pub mod x3dh;

pub use id::{
    AccountId, ChainId, DeliveryKeyId, DeviceId, EnvelopeId, FileId, GroupId, InviteId, MailboxId,
    MessageHash, PreKeyId, RosterHash, SessionId,
};
pub use label::Purpose;
pub use rand_core::CryptoRng;
pub use signature::{Signature, SignatureError};
pub use time::Timestamp;
pub use token::{DeliveryToken, TokenHash};

#[cfg(all(test, target_arch = "wasm32"))]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
