//! Byte strings of one length.

use core::ops::{Deref, DerefMut};
use minicbor::decode::{Decode, Decoder, Error};
use minicbor::encode::{self, Encode, Encoder, Write};

/// A field is longer, shorter or more numerous than the protocol allows.
#[derive(Debug, thiserror::Error)]
#[error("out of bounds")]
pub(crate) struct OutOfBounds;

/// A byte string of exactly `N` bytes; another length is out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedBytes<const N: usize>([u8; N]);

impl<const N: usize> Deref for FixedBytes<N> {
    type Target = [u8; N];

    fn deref(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> DerefMut for FixedBytes<N> {
    fn deref_mut(&mut self) -> &mut [u8; N] {
        &mut self.0
    }
}

impl<const N: usize> From<[u8; N]> for FixedBytes<N> {
    fn from(bytes: [u8; N]) -> Self {
        Self(bytes)
    }
}

impl<const N: usize> From<FixedBytes<N>> for [u8; N] {
    fn from(bytes: FixedBytes<N>) -> Self {
        bytes.0
    }
}

impl<C, const N: usize> Encode<C> for FixedBytes<N> {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C, const N: usize> Decode<'b, C> for FixedBytes<N> {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        d.bytes()?.try_into().map(Self).map_err(|_| Error::custom(OutOfBounds))
    }
}
