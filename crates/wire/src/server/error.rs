//! Why bytes are not a frame or a body of this protocol.

use super::codec::OutOfBounds;
use crate::deterministic::Flaw;

/// Why bytes were refused. Carries nothing of their content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// More bytes than any frame or body may have.
    #[error("the message is larger than the protocol allows")]
    TooLarge,
    /// A field is longer, shorter or more numerous than the protocol allows, or not one of the allowed sizes.
    #[error("a field of the message is out of its bounds")]
    OutOfBounds,
    /// A frame type or a code this version does not know.
    #[error("the message is of an unknown type")]
    UnknownType,
    /// Not CBOR, not of the expected shape, cut short, or followed by further bytes.
    #[error("the message is malformed")]
    Malformed,
    /// Not in the one deterministic encoding (RFC 8949 §4.2.1).
    #[error("the message is not in deterministic encoding")]
    NotDeterministic,
}

impl From<minicbor::decode::Error> for FrameError {
    fn from(error: minicbor::decode::Error) -> Self {
        if error.is_unknown_variant() {
            Self::UnknownType
        } else if error.is_custom() {
            Self::from(OutOfBounds)
        } else {
            Self::Malformed
        }
    }
}

impl From<Flaw> for FrameError {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Malformed => Self::Malformed,
            Flaw::NotDeterministic => Self::NotDeterministic,
        }
    }
}

impl From<OutOfBounds> for FrameError {
    fn from(_: OutOfBounds) -> Self {
        Self::OutOfBounds
    }
}
