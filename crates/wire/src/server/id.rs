//! Names of things on the server, and the secrets that open them.

use core::fmt;
use minicbor::bytes::ByteArray;
use minicbor::decode::{Decoder, Error};
use minicbor::encode::{Encoder, Write};
use minicbor::{Decode, Encode};

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
                let bytes: ByteArray<$length> = d.decode_with(ctx)?;
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
    /// A mailbox: chosen at random by the device that owns it, bound to its signing key when it first
    /// authenticates.
    MailboxId,
    16
);
id!(
    /// A device, as its device list names it.
    DeviceId,
    16
);
id!(
    /// What the server knows of a delivery token.
    TokenHash,
    32
);
id!(
    /// An invite, derived from the secret of its link.
    InviteId,
    16
);
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
    /// The first 16 bytes of the SHA-256 of an envelope.
    EnvelopeId,
    16
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
        #[derive(Clone, zeroize::ZeroizeOnDrop)]
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
    /// Lets its holder put envelopes into one mailbox; issued to one contact, revocable.
    DeliveryToken,
    32
);
secret!(
    /// Lets its holder revoke an invite.
    OwnerSecret,
    32
);
