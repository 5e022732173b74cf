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
    /// A group: the first 16 bytes of a hash of its genesis.
    GroupId;
    /// A sender chain, derived from its group, its device and its signing key.
    ChainId;
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

/// Hash of a roster entry, which stands for the whole log up to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RosterHash([u8; 32]);

impl RosterHash {
    /// Takes the 32 bytes as they are.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The hash of an entry's signed bytes.
    pub fn of(signed: &[u8]) -> Self {
        Self(crate::label::Purpose::ROSTER_HASH.hash(&[signed]))
    }
}

impl fmt::Debug for RosterHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, ..] = self.0;
        write!(f, "RosterHash({first:02x}{second:02x}…)")
    }
}

impl GroupId {
    /// The id of the group that a genesis with these signed bytes founds.
    pub fn of(genesis: &[u8]) -> Self {
        Self(truncate(crate::label::Purpose::GROUP_ID.hash(&[genesis])))
    }
}

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
