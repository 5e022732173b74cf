//! Encoding and decoding shared by frames and bodies: CBOR (RFC 8949) with integer keys.

use minicbor::decode::{Decoder, Error};
use minicbor::encode::{Encoder, Write};
use minicbor::{Decode, Encode};

use super::FrameError;
use crate::deterministic;
pub(super) use crate::fixed_bytes::OutOfBounds;

/// A frame or body of the protocol: one way to write it, one way to read it.
///
/// Written deterministically (RFC 8949 §4.2.1), and read only so. Unknown keys are ignored when reading.
pub trait Message: Sized {
    /// Most bytes an encoded message of this type may have.
    const MAX: usize;

    /// The bytes to send.
    #[must_use]
    fn encode(&self) -> Vec<u8>;

    /// Reads exactly one message.
    ///
    /// # Errors
    /// [`FrameError`] for anything that is not exactly one message within the limits.
    fn decode(bytes: &[u8]) -> Result<Self, FrameError>;
}

pub(super) fn encode<T: Encode<()>>(message: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    match minicbor::encode(message, &mut bytes) {
        Ok(()) => bytes,
        // Our `Encode` implementations return no error of their own, and a `Vec` accepts every write.
        Err(_) => Vec::new(),
    }
}

pub(super) fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8], max: usize) -> Result<T, FrameError> {
    if bytes.len() > max {
        return Err(FrameError::TooLarge);
    }
    let message = Decoder::new(bytes).decode()?;
    deterministic::check(bytes)?;
    Ok(message)
}

/// Implements [`Message`] for types that derive `Encode` and `Decode`.
macro_rules! message {
    ($($type:ty: $max:expr),+ $(,)?) => {$(
        impl $crate::server::Message for $type {
            const MAX: usize = $max;

            fn encode(&self) -> Vec<u8> {
                $crate::server::codec::encode(self)
            }

            fn decode(bytes: &[u8]) -> Result<Self, $crate::server::FrameError> {
                $crate::server::codec::decode(bytes, Self::MAX)
            }
        }
    )+};
}
pub(super) use message;

/// A byte string of `MIN..=MAX` bytes that only the peers understand.
#[derive(Clone, PartialEq, Eq)]
pub struct Opaque<const MIN: usize, const MAX: usize>(Vec<u8>);

impl<const MIN: usize, const MAX: usize> Opaque<MIN, MAX> {
    /// Takes bytes within the bounds of this field.
    ///
    /// # Errors
    /// [`FrameError::OutOfBounds`] for any other length.
    pub fn new(bytes: Vec<u8>) -> Result<Self, FrameError> {
        if (MIN..=MAX).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(FrameError::OutOfBounds) }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

impl<const MIN: usize, const MAX: usize> core::fmt::Debug for Opaque<MIN, MAX> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Opaque({} bytes)", self.0.len())
    }
}

impl<C, const MIN: usize, const MAX: usize> Encode<C> for Opaque<MIN, MAX> {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C, const MIN: usize, const MAX: usize> Decode<'b, C> for Opaque<MIN, MAX> {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        let bytes = d.bytes()?;
        if (MIN..=MAX).contains(&bytes.len()) {
            Ok(Self(bytes.to_vec()))
        } else {
            Err(Error::custom(OutOfBounds))
        }
    }
}

/// A text of at most `MAX` UTF-8 bytes. `Debug` prints its length only.
#[derive(Clone, PartialEq, Eq)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> Text<MAX> {
    /// Takes a text within the bound of this field.
    ///
    /// # Errors
    /// [`FrameError::OutOfBounds`] for a longer one.
    pub fn new(text: String) -> Result<Self, FrameError> {
        if text.len() <= MAX { Ok(Self(text)) } else { Err(FrameError::OutOfBounds) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, without a copy.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl<const MAX: usize> core::fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

impl<C, const MAX: usize> Encode<C> for Text<MAX> {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.str(&self.0)?.ok()
    }
}

impl<'b, C, const MAX: usize> Decode<'b, C> for Text<MAX> {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        let text = d.str()?;
        if text.len() <= MAX { Ok(Self(text.to_owned())) } else { Err(Error::custom(OutOfBounds)) }
    }
}

/// A list of at most `MAX` items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T, const MAX: usize>(Vec<T>);

impl<T, const MAX: usize> List<T, MAX> {
    /// Takes at most `MAX` items.
    ///
    /// # Errors
    /// [`FrameError::OutOfBounds`] for more.
    pub fn new(items: Vec<T>) -> Result<Self, FrameError> {
        if items.len() <= MAX { Ok(Self(items)) } else { Err(FrameError::OutOfBounds) }
    }

    /// The items.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        &self.0
    }

    /// The items, without a copy.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<C, T: Encode<C>, const MAX: usize> Encode<C> for List<T, MAX> {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        self.0.encode(e, ctx)
    }
}

impl<'b, C, T: Decode<'b, C>, const MAX: usize> Decode<'b, C> for List<T, MAX> {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, Error> {
        // Only definite lengths: the bound is known before the first item is read.
        let Some(announced) = d.array()? else { return Err(Error::message("indefinite length")) };
        let count = usize::try_from(announced).ok().filter(|count| *count <= MAX);
        let count = count.ok_or_else(|| Error::custom(OutOfBounds))?;
        let mut items = Vec::with_capacity(count);
        for _ in 0..count {
            items.push(d.decode_with(ctx)?);
        }
        Ok(Self(items))
    }
}
