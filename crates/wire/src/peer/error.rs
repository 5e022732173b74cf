//! Why bytes from a peer were refused.

use crate::deterministic::Flaw;
use sotto_crypto::SignatureError;
use sotto_crypto::keys::{KeyError, ReusedKey};

/// Why bytes from a peer were refused. Carries nothing of their content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// More bytes than anything of this type may have.
    #[error("larger than the protocol allows")]
    TooLarge,
    /// A field is longer, shorter or more numerous than the protocol allows.
    #[error("a field is out of its bounds")]
    OutOfBounds,
    /// A type this version does not know.
    #[error("of an unknown type")]
    UnknownType,
    /// A version this one does not know.
    #[error("of an unknown version")]
    UnknownVersion,
    /// Not CBOR, not of the expected shape, or cut short.
    #[error("malformed")]
    Malformed,
    /// Not in the one deterministic encoding (RFC 8949 §4.2.1): a key twice or out of order, a longer head than
    /// needed, an indefinite length, a kind of item that no structure has, or nesting that is too deep.
    #[error("not in deterministic encoding")]
    NotDeterministic,
    /// Something signed has a key this version does not know, or a null.
    #[error("an unknown field in something signed")]
    UnknownField,
    /// A point is not on the curve or not in compressed form.
    #[error("bad public key")]
    BadKey,
    /// One key is presented for two purposes.
    #[error("one key presented for two purposes")]
    ReusedKey,
    /// A signature is not valid for these bytes and this key.
    #[error("bad signature")]
    BadSignature,
    /// An account id is not the hash of the account key beside it.
    #[error("account id and account key do not belong together")]
    WrongAccount,
    /// The device is not in its account's device list, or with other keys.
    #[error("the device is not in the device list")]
    UnlistedDevice,
    /// The bundle is older than 30 days, or from the future.
    #[error("the bundle is out of its time")]
    Expired,
}

impl From<minicbor::decode::Error> for PeerError {
    fn from(error: minicbor::decode::Error) -> Self {
        if error.is_unknown_variant() {
            return Self::UnknownType;
        }
        let rule = core::error::Error::source(&error).and_then(|rule| rule.downcast_ref::<Self>());
        let otherwise = if error.is_custom() { Self::OutOfBounds } else { Self::Malformed };
        rule.copied().unwrap_or(otherwise)
    }
}

impl From<Flaw> for PeerError {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Malformed => Self::Malformed,
            Flaw::NotDeterministic => Self::NotDeterministic,
        }
    }
}

impl From<SignatureError> for PeerError {
    fn from(_: SignatureError) -> Self {
        Self::BadSignature
    }
}

impl From<KeyError> for PeerError {
    fn from(_: KeyError) -> Self {
        Self::BadKey
    }
}

impl From<ReusedKey> for PeerError {
    fn from(_: ReusedKey) -> Self {
        Self::ReusedKey
    }
}
