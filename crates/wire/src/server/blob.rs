//! The envelope as the server sees it: bytes of one of four sizes, named by their hash.

use minicbor::decode::{Decoder, Error};
use minicbor::encode::{Encoder, Write};
use minicbor::{Decode, Encode};

use super::codec::OutOfBounds;
use super::{EnvelopeId, FrameError, limits};

/// A sealed envelope: exactly one of [`limits::ENVELOPE_SIZES`] bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob(Vec<u8>);

impl Blob {
    /// Takes the bytes of an envelope.
    ///
    /// # Errors
    /// [`FrameError::OutOfBounds`] if they are not of an envelope's size.
    pub fn new(bytes: Vec<u8>) -> Result<Self, FrameError> {
        if limits::ENVELOPE_SIZES.contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err(FrameError::OutOfBounds)
        }
    }

    /// The envelope's name: the first 16 bytes of its SHA-256.
    #[must_use]
    pub fn id(&self) -> EnvelopeId {
        EnvelopeId::of(&self.0)
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

impl core::fmt::Debug for Blob {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

impl<C> Encode<C> for Blob {
    fn encode<W: Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Blob {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        let bytes = d.bytes()?;
        if limits::ENVELOPE_SIZES.contains(&bytes.len()) {
            Ok(Self(bytes.to_vec()))
        } else {
            Err(Error::custom(OutOfBounds))
        }
    }
}
