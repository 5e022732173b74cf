//! Names of things on the server, and the secrets that open them.

use crate::FixedBytes;
use core::fmt;
use minicbor::decode::{Decoder, Error};
use minicbor::encode::{Encoder, Write};
use minicbor::{Decode, Encode};

pub use sotto_crypto::{DeliveryToken, DeviceId, EnvelopeId, InviteId, MailboxId, TokenHash};

use super::codec::OutOfBounds;

macro_rules! byte_codec {
    ($name:ident, $length:literal) => {
        impl<C> Encode<C> for $name {
            fn encode<W: Write>(
                &self,
                e: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, Error> {
                let bytes: FixedBytes<$length> = d.decode_with(ctx)?;
                Ok(Self(bytes.into()))
            }
        }
    };
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $length]);

        impl $name {
            /// The bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "("))?;
                for byte in &self.0 {
                    write!(f, "{byte:02x}")?;
                }
                f.write_str(")")
            }
        }

        byte_codec!($name, $length);
    };
}

id!(
    /// One attempt to redeem an invite, at random: repeating it gives the same answer for an hour.
    RedeemId,
    16
);
id!(
    /// What the server knows of the secret that revokes an invite.
    OwnerHash,
    32
);
id!(
    /// Fresh randomness of one side, signed by the device when it authenticates.
    Nonce,
    32
);
id!(
    /// Names one failed request, so that a report can be found in the server's log.
    RequestId,
    8
);

/// Position of a stored envelope in its mailbox, from 1 and only rising. 0 stands for an ephemeral envelope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Sequence(#[n(0)] pub u64);

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(zeroize::ZeroizeOnDrop)]
        pub struct $name([u8; $length]);

        impl $name {
            /// Takes the secret's bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// The secret's bytes.
            #[must_use]
            pub const fn expose(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        byte_codec!($name, $length);
    };
}

secret!(
    /// Lets its holder revoke an invite.
    OwnerSecret,
    32
);

/// A type of the cryptographic crate as one CBOR byte string.
pub(super) trait Item: Sized {
    fn write<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>>;
    fn read(d: &mut Decoder<'_>) -> Result<Self, Error>;
}

fn array<const N: usize>(d: &mut Decoder<'_>) -> Result<[u8; N], Error> {
    d.bytes()?.try_into().map_err(|_| Error::custom(OutOfBounds))
}

macro_rules! items {
    ($($name:ident),+) => {$(
        impl Item for $name {
            fn write<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(self.as_bytes())?.ok()
            }

            fn read(d: &mut Decoder<'_>) -> Result<Self, Error> {
                Ok(Self::from_bytes(array(d)?))
            }
        }
    )+};
}
items!(DeviceId, EnvelopeId, InviteId, MailboxId, TokenHash);

impl Item for DeliveryToken {
    fn write<W: Write>(&self, e: &mut Encoder<W>) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(self.to_bytes().as_slice())?.ok()
    }

    fn read(d: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self::from_bytes(&array(d)?))
    }
}

/// For `#[cbor(with = …)]` on fields of a type that is an [`Item`].
pub(super) mod item {
    use super::{Decoder, Encoder, Error, Item, Write};

    pub(in super::super) fn encode<C, T: Item, W: Write>(
        value: &T,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        value.write(e)
    }

    pub(in super::super) fn decode<C, T: Item>(d: &mut Decoder<'_>, _: &mut C) -> Result<T, Error> {
        T::read(d)
    }
}

/// A token hash as an item of a list.
#[derive(Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct ListedToken(#[cbor(n(0), with = "item")] pub TokenHash);

impl fmt::Debug for ListedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
