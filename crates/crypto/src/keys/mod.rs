//! Keys, one type per purpose.
//!
//! | key | kind | does |
//! |---|---|---|
//! | [`AccountKey`] | ECDSA | signs device lists, nothing else |
//! | [`DeviceSigningKey`] | ECDSA | signs bundles, roster entries and server challenges |
//! | [`GroupSigningKey`] | ECDSA | signs the messages of one sender chain |
//! | [`DeviceIdentityKey`] | ECDH | X3DH, envelope tags |
//! | [`SignedPreKey`] | ECDH | X3DH, first ratchet key of the responder |
//! | [`OneTimePreKey`] | ECDH | X3DH, once |
//! | [`DeliveryKey`] | HPKE | opens envelopes |
//! | [`EphemeralPublic`] | ECDH | the initiator's half of X3DH; its private half lives inside one call |
//!
//! Private keys are wiped on drop, have a redacted `Debug` and are not `Clone`; store [`to_bytes`] encrypted.
//! Public keys parse from 33 bytes with first byte 02 or 03 only.
//!
//! Keys of one kind are not confused either, because none is taken for another:
//!
//! ```compile_fail,E0308
//! # use sotto_crypto::{envelope::TagKey, keys::{DeviceIdentityPublic, SignedPreKey}};
//! # fn confuse(prekey: &SignedPreKey, theirs: &DeviceIdentityPublic) {
//! let key = TagKey::between(prekey, theirs); // a prekey for the identity key
//! # }
//! ```
//! ```compile_fail,E0308
//! # use sotto_crypto::{keys::{SignedPreKeyPublic, BundleSigner}, x3dh::PeerKeys};
//! # fn confuse(signer: BundleSigner, prekey: SignedPreKeyPublic) {
//! let keys = PeerKeys::new(signer, prekey, Some(prekey)); // a signed prekey for a one-time one
//! # }
//! ```
//! ```compile_fail,E0599
//! # use sotto_crypto::keys::AccountKey;
//! # fn confuse(account: &AccountKey, bundle: &[u8], rng: &mut impl sotto_crypto::CryptoRng) {
//! let signature = account.sign_bundle(bundle, rng); // the account key signs device lists only
//! # }
//! ```
//! ```compile_fail,E0308
//! # use sotto_crypto::{file::{FileHeader, FileOpener}, vault::VaultKey};
//! # fn confuse(header: FileHeader, key: &VaultKey) {
//! let opener = FileOpener::new(header, key); // the vault's key for a file's
//! # }
//! ```
//!
//! [`to_bytes`]: DeviceIdentityKey::to_bytes

mod agreement;
mod device;
mod signing;

pub use crate::point::KeyError;
pub(crate) use agreement::EphemeralKey;
pub use agreement::{
    DeliveryKey, DeliveryPublic, DeviceIdentityKey, DeviceIdentityPublic, EphemeralPublic, OneTimePreKey,
    OneTimePreKeyPublic, SignedPreKey, SignedPreKeyPublic,
};
pub use device::{BundleSigner, DevicePublic, ReusedKey};
pub use signing::{
    AccountHash, AccountKey, AccountPublic, DeviceSigningKey, DeviceSigningPublic, GroupSigningKey,
    GroupSigningPublic,
};

/// The parts common to every private key type: one key pair inside a newtype.
macro_rules! private_key {
    ($secret:ident, $public:ident) => {
        impl $secret {
            /// A new random key.
            pub fn generate<R: rand_core::CryptoRng + ?Sized>(rng: &mut R) -> Self {
                Self(crate::point::KeyPair::generate(rng))
            }

            /// Takes the key back from storage.
            ///
            /// # Errors
            /// [`crate::keys::KeyError::BadSecret`] if the bytes are zero or not below the order of the curve.
            pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, crate::keys::KeyError> {
                crate::point::KeyPair::from_bytes(bytes).map(Self)
            }

            /// The secret scalar, big-endian, for encrypted storage; wiped when dropped.
            pub fn to_bytes(&self) -> zeroize::Zeroizing<[u8; 32]> {
                self.0.to_bytes()
            }

            /// The public half.
            pub fn public(&self) -> $public {
                $public(*self.0.public())
            }
        }

        impl core::fmt::Debug for $secret {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($secret), "(..)"))
            }
        }
    };
}

/// The parts common to every public key type: one point inside a newtype.
macro_rules! public_key {
    ($(#[$doc:meta])* $public:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $public(pub(crate) crate::point::Point);

        impl $public {
            /// Parses 33 bytes (SEC 1 §2.3.4, compressed).
            ///
            /// # Errors
            /// [`crate::keys::KeyError::BadPoint`] unless the first byte is 02 or 03 and the point is on P-256.
            pub fn from_bytes(bytes: &[u8; 33]) -> Result<Self, crate::keys::KeyError> {
                crate::point::Point::from_bytes(bytes).map(Self)
            }

            /// The 33-byte compressed point.
            pub const fn as_bytes(&self) -> &[u8; 33] {
                self.0.as_bytes()
            }
        }
    };
}

/// The same for keys that carry their number.
macro_rules! numbered_key {
    ($(#[$sdoc:meta])* $secret:ident, $(#[$pdoc:meta])* $public:ident, $id:ident) => {
        $(#[$sdoc])*
        pub struct $secret {
            id: crate::$id,
            pub(crate) pair: crate::point::KeyPair,
        }

        impl $secret {
            /// A new random key under this number; numbers are never used twice by a device.
            pub fn generate<R: rand_core::CryptoRng + ?Sized>(id: crate::$id, rng: &mut R) -> Self {
                Self { id, pair: crate::point::KeyPair::generate(rng) }
            }

            /// Takes the key back from storage.
            ///
            /// # Errors
            /// [`crate::keys::KeyError::BadSecret`] if the bytes are zero or not below the order of the curve.
            pub fn from_bytes(id: crate::$id, bytes: &[u8; 32]) -> Result<Self, crate::keys::KeyError> {
                Ok(Self { id, pair: crate::point::KeyPair::from_bytes(bytes)? })
            }

            /// The secret scalar, big-endian, for encrypted storage; wiped when dropped.
            pub fn to_bytes(&self) -> zeroize::Zeroizing<[u8; 32]> {
                self.pair.to_bytes()
            }

            /// The number under which peers name this key.
            pub const fn id(&self) -> crate::$id {
                self.id
            }

            /// The public half, with the number.
            pub fn public(&self) -> $public {
                $public { id: self.id, point: *self.pair.public() }
            }
        }

        impl core::fmt::Debug for $secret {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_struct(stringify!($secret)).field("id", &self.id.0).finish_non_exhaustive()
            }
        }

        $(#[$pdoc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $public {
            id: crate::$id,
            pub(crate) point: crate::point::Point,
        }

        impl $public {
            /// Parses 33 bytes (SEC 1 §2.3.4, compressed).
            ///
            /// # Errors
            /// [`crate::keys::KeyError::BadPoint`] unless the first byte is 02 or 03 and the point is on P-256.
            pub fn from_bytes(id: crate::$id, bytes: &[u8; 33]) -> Result<Self, crate::keys::KeyError> {
                Ok(Self { id, point: crate::point::Point::from_bytes(bytes)? })
            }

            /// The 33-byte compressed point.
            pub const fn as_bytes(&self) -> &[u8; 33] {
                self.point.as_bytes()
            }

            /// The number of this key at its owner.
            pub const fn id(&self) -> crate::$id {
                self.id
            }
        }
    };
}

pub(crate) use {numbered_key, private_key, public_key};
