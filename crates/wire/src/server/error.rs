//! Why bytes are not a frame or a body of this protocol.

use super::codec::OutOfBounds;

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
    /// Not CBOR, not of the expected shape, or cut short.
    #[error("the message is malformed")]
    Malformed,
    /// Bytes follow the end of the message.
    #[error("bytes follow the end of the message")]
    Trailing,
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

impl From<OutOfBounds> for FrameError {
    fn from(_: OutOfBounds) -> Self {
        Self::OutOfBounds
    }
}
