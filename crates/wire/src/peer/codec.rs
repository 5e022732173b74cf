//! Encoding and decoding shared by everything peers exchange and by records at rest: CBOR (RFC 8949) with integer
//! keys, deterministic.

use minicbor::decode::{Decode, Decoder, Error};
use minicbor::encode::{self, Encode, Encoder, Write};
use sotto_crypto::envelope::TagKey;
use sotto_crypto::file::FileKey;
use sotto_crypto::invite::InviteSecret;
use sotto_crypto::keys::{
    AccountKey, AccountPublic, DeliveryKey, DeliveryPublic, DeviceIdentityKey, DeviceIdentityPublic,
    DeviceSigningKey, DeviceSigningPublic, EphemeralPublic, GroupSigningPublic, OneTimePreKey,
    OneTimePreKeyPublic, SignedPreKey, SignedPreKeyPublic,
};
use sotto_crypto::sender_key::SenderChainKey;
use sotto_crypto::{
    AccountId, DeliveryKeyId, DeliveryToken, DeviceId, FileId, GroupId, InviteId, MailboxId, MessageHash,
    PreKeyId, RosterHash, SessionId,
};

use zeroize::Zeroizing;

use super::{DeviceList, PeerError};
use crate::deterministic;

/// Carries the rule that a field breaks through the decoder.
pub(crate) fn refused(rule: impl Into<PeerError>) -> Error {
    Error::custom(rule.into())
}

pub(super) fn out_of_bounds() -> Error {
    refused(PeerError::OutOfBounds)
}

/// The bytes of a value. They may hold secrets: wrap them in [`Zeroizing`] then.
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    let mut bytes = Wiping(Zeroizing::new(Vec::new()));
    match minicbor::encode(value, &mut bytes) {
        Ok(()) => core::mem::take(&mut *bytes.0),
        // Our `Encode` implementations return no error of their own, and a `Vec` accepts every write.
        Err(_) => Vec::new(),
    }
}

/// A `Vec` that wipes what it leaves behind when it moves to a larger place.
struct Wiping(Zeroizing<Vec<u8>>);

impl Write for Wiping {
    type Error = core::convert::Infallible;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        let needed = self.0.len().saturating_add(bytes.len());
        if needed > self.0.capacity() {
            let capacity = needed.max(self.0.capacity().saturating_mul(2)).max(128);
            let mut larger = Zeroizing::new(Vec::with_capacity(capacity));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Reads exactly one value of at most `max` bytes in deterministic encoding; unknown keys are ignored.
///
/// # Errors
/// [`PeerError`]
pub fn decode<'b, T: Decode<'b, ()>>(bytes: &'b [u8], max: usize) -> Result<T, PeerError> {
    if bytes.len() > max {
        return Err(PeerError::TooLarge);
    }
    let value = Decoder::new(bytes).decode()?;
    deterministic::check(bytes)?;
    Ok(value)
}

/// Reads something signed: the same, and with nothing in it but the keys of this version.
pub(crate) fn decode_signed<'b, T: Decode<'b, ()> + Encode<()>>(
    bytes: &'b [u8],
    max: usize,
) -> Result<T, PeerError> {
    let value = decode(bytes, max)?;
    // What is backed up is read so too, and holds keys.
    let again = Zeroizing::new(encode(&value));
    if *again == bytes { Ok(value) } else { Err(PeerError::UnknownField) }
}

/// A type of the cryptographic crate as one CBOR item.
pub trait Item: Sized {
    /// Writes the item.
    ///
    /// # Errors
    /// Those of the writer only.
    fn write<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), encode::Error<W::Error>>;
    /// Reads the item.
    ///
    /// # Errors
    /// For anything that [`Item::write`] does not write.
    fn read(d: &mut Decoder<'_>) -> Result<Self, Error>;
}

/// A byte string of exactly this length.
fn array<const N: usize>(d: &mut Decoder<'_>) -> Result<[u8; N], Error> {
    d.bytes()?.try_into().map_err(|_| out_of_bounds())
}

macro_rules! plain {
    ($($name:ident),+) => {$(
        impl Item for $name {
            fn write<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), encode::Error<W::Error>> {
                e.bytes(self.as_bytes())?.ok()
            }

            fn read(d: &mut Decoder<'_>) -> Result<Self, Error> {
                Ok(Self::from_bytes(array(d)?))
            }
        }
    )+};
}
plain!(AccountId, DeviceId, FileId, GroupId, InviteId, MailboxId, MessageHash, RosterHash, SessionId);

macro_rules! point {
    ($($name:ident),+) => {$(
        impl Item for $name {
            fn write<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), encode::Error<W::Error>> {
                e.bytes(self.as_bytes())?.ok()
            }

            fn read(d: &mut Decoder<'_>) -> Result<Self, Error> {
                Self::from_bytes(&array(d)?).map_err(refused)
            }
        }
    )+};
}
point!(AccountPublic, DeviceSigningPublic, DeviceIdentityPublic, EphemeralPublic, GroupSigningPublic);

macro_rules! numbered {
    ($($name:ident($id:ident)),+) => {$(
        impl Item for $name {
            fn write<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), encode::Error<W::Error>> {
                e.array(2)?.u32(self.id().0)?.bytes(self.as_bytes())?.ok()
            }

            fn read(d: &mut Decoder<'_>) -> Result<Self, Error> {
                if d.array()? != Some(2) {
                    return Err(out_of_bounds());
                }
                let id = $id(d.u32()?);
                Self::from_bytes(id, &array(d)?).map_err(refused)
            }
        }
    )+};
}
numbered!(SignedPreKeyPublic(PreKeyId), OneTimePreKeyPublic(PreKeyId), DeliveryPublic(DeliveryKeyId));

impl Item for PreKeyId {
    fn write<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), encode::Error<W::Error>> {
        e.u32(self.0)?.ok()
    }

    fn read(d: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self(d.u32()?))
    }
}

macro_rules! secret {
    ($($name:ident),+) => {$(
        impl Item for $name {
            fn write<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), encode::Error<W::Error>> {
                e.bytes(self.to_bytes().as_slice())?.ok()
            }

            fn read(d: &mut Decoder<'_>) -> Result<Self, Error> {
                Ok(Self::from_bytes(&array(d)?))
            }
        }
    )+};
}
secret!(DeliveryToken, FileKey, InviteSecret, SenderChainKey, TagKey);

macro_rules! private {
    ($($name:ident),+) => {$(
        impl Item for $name {
            fn write<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), encode::Error<W::Error>> {
                e.bytes(self.to_bytes().as_slice())?.ok()
            }

            fn read(d: &mut Decoder<'_>) -> Result<Self, Error> {
                let bytes = Zeroizing::new(array(d)?);
                Self::from_bytes(&bytes).map_err(refused)
            }
        }
    )+};
}
private!(AccountKey, DeviceSigningKey, DeviceIdentityKey);

macro_rules! private_numbered {
    ($($name:ident($id:ident)),+) => {$(
        impl Item for $name {
            fn write<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), encode::Error<W::Error>> {
                e.array(2)?.u32(self.id().0)?.bytes(self.to_bytes().as_slice())?.ok()
            }

            fn read(d: &mut Decoder<'_>) -> Result<Self, Error> {
                if d.array()? != Some(2) {
                    return Err(out_of_bounds());
                }
                let id = $id(d.u32()?);
                let bytes = Zeroizing::new(array(d)?);
                Self::from_bytes(id, &bytes).map_err(refused)
            }
        }
    )+};
}
private_numbered!(SignedPreKey(PreKeyId), OneTimePreKey(PreKeyId), DeliveryKey(DeliveryKeyId));

impl Item for DeviceList {
    fn write<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), encode::Error<W::Error>> {
        e.bytes(self.as_bytes())?.ok()
    }

    fn read(d: &mut Decoder<'_>) -> Result<Self, Error> {
        Self::decode(d.bytes()?).map_err(refused)
    }
}

/// For `#[cbor(with = …)]` on fields of a type that is an [`Item`].
pub mod item {
    use super::{Decoder, Encoder, Error, Item, Write};
    use minicbor::encode as encoding;

    /// Writes the field.
    ///
    /// # Errors
    /// Those of the writer only.
    pub fn encode<C, T: Item, W: Write>(
        value: &T,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encoding::Error<W::Error>> {
        value.write(e)
    }

    /// Reads the field.
    ///
    /// # Errors
    /// Those of [`Item::read`].
    pub fn decode<C, T: Item>(d: &mut Decoder<'_>, _: &mut C) -> Result<T, Error> {
        T::read(d)
    }
}

/// For `#[cbor(with = …, has_nil)]` on optional fields of a type that is an [`Item`].
pub mod option {
    use super::{Decoder, Encoder, Error, Item, Write};
    use minicbor::encode as encoding;

    /// Writes the field.
    ///
    /// # Errors
    /// Those of the writer only.
    pub fn encode<C, T: Item, W: Write>(
        value: &Option<T>,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encoding::Error<W::Error>> {
        match value {
            Some(value) => value.write(e),
            None => e.null()?.ok(),
        }
    }

    /// Reads the field.
    ///
    /// # Errors
    /// Those of [`Item::read`].
    pub fn decode<C, T: Item>(d: &mut Decoder<'_>, _: &mut C) -> Result<Option<T>, Error> {
        if d.datatype()? == minicbor::data::Type::Null {
            d.null()?;
            return Ok(None);
        }
        T::read(d).map(Some)
    }

    /// What an absent field is.
    #[must_use]
    pub fn nil<T>() -> Option<Option<T>> {
        Some(None)
    }

    /// Whether the field is left out.
    #[must_use]
    pub fn is_nil<T>(value: &Option<T>) -> bool {
        value.is_none()
    }
}

/// A text of at most `MAX` UTF-8 bytes. `Debug` prints its length only: it is what people say and are called.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> core::fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

impl<const MAX: usize> Text<MAX> {
    /// Takes a text within the bound of this field.
    ///
    /// # Errors
    /// [`PeerError::OutOfBounds`] for a longer one.
    pub fn new(text: String) -> Result<Self, PeerError> {
        if text.len() <= MAX { Ok(Self(text)) } else { Err(PeerError::OutOfBounds) }
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

impl<C, const MAX: usize> Encode<C> for Text<MAX> {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), encode::Error<W::Error>> {
        e.str(&self.0)?.ok()
    }
}

impl<'b, C, const MAX: usize> Decode<'b, C> for Text<MAX> {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        let text = d.str()?;
        if text.len() <= MAX { Ok(Self(text.to_owned())) } else { Err(out_of_bounds()) }
    }
}
