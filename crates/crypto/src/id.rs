//! Identifiers: 16-byte names and the numbers of prekeys.
//!
//! None of them is secret. `Debug` still prints four hex digits only, because logs must not name people.

use core::fmt;
use rand_core::CryptoRng;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Takes the 16 bytes as they are.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let [first, second, ..] = self.0;
                write!(f, concat!(stringify!($name), "({:02x}{:02x}…)"), first, second)
            }
        }
    )*};
}

ids! {
    /// An account: the first 16 bytes of a hash of its account key. Obtain it from
    /// [`crate::keys::AccountPublic::id`]; one that came from outside is a claim to be compared with that.
    AccountId;
    /// A device of an account, chosen at random by the device.
    DeviceId;
    /// A ratchet session, derived from X3DH's transcript.
    SessionId;
    /// An invite, derived from the link's secret.
    InviteId;
    /// A mailbox on a server, random.
    MailboxId;
    /// A file, random, one per encryption: never reused with another content.
    FileId;
    /// An envelope: `SHA-256(blob)[..16]`.
    EnvelopeId;
    /// A ratchet message: `SHA-256(message)[..16]`, by which duplicates are recognised.
    MessageHash;
}

macro_rules! random_ids {
    ($($name:ident),*) => {$(
        impl $name {
            /// A random id.
            pub fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
                let mut bytes = [0; 16];
                rng.fill_bytes(&mut bytes);
                Self(bytes)
            }
        }
    )*};
}

random_ids!(DeviceId, MailboxId, FileId);

/// Number of a signed or one-time prekey, unique per device and kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PreKeyId(pub u32);

/// Number of a delivery key, unique per device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryKeyId(pub u32);

/// The first 16 bytes of a 32-byte hash.
pub(crate) fn truncate(hash: [u8; 32]) -> [u8; 16] {
    crate::bytes::join(&[&hash])
}
