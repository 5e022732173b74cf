//! Keys that sign. Each can sign the types its purpose allows and nothing else.

use super::{private_key, public_key};
use crate::id::{AccountId, truncate};
use crate::label::Purpose;
use crate::point::KeyPair;
use crate::signature::{self, Signature, SignatureError};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;

/// Key of an account: signs its device lists, nothing else.
pub struct AccountKey(pub(crate) KeyPair);
private_key!(AccountKey, AccountPublic);
public_key! {
    /// Public half of [`AccountKey`] (`AIK`). A contact *is* this key.
    AccountPublic
}

/// Key of a device: signs its bundles, roster entries and answers to server challenges.
pub struct DeviceSigningKey(pub(crate) KeyPair);
private_key!(DeviceSigningKey, DeviceSigningPublic);
public_key! {
    /// Public half of [`DeviceSigningKey`] (`DSK`).
    DeviceSigningPublic
}

/// Key of one sender chain of one device: signs its group messages, nothing else.
pub struct GroupSigningKey(pub(crate) KeyPair);
private_key!(GroupSigningKey, GroupSigningPublic);
public_key! {
    /// Public half of [`GroupSigningKey`] (`GSK`).
    GroupSigningPublic
}

macro_rules! signs {
    ($secret:ident, $public:ident, $($sign:ident, $verify:ident, $purpose:ident, $what:literal;)*) => {
        impl $secret {$(
            #[doc = concat!("Signs the exact bytes of ", $what, ".")]
            pub fn $sign<R: CryptoRng + ?Sized>(&self, bytes: &[u8], rng: &mut R) -> Signature {
                signature::sign(&self.0, Purpose::$purpose, bytes, rng)
            }
        )*}

        impl $public {$(
            #[doc = concat!("Verifies the signature over the exact bytes of ", $what, ".")]
            ///
            /// # Errors
            /// [`SignatureError::Invalid`] if bytes, type or key differ from what was signed.
            pub fn $verify(&self, bytes: &[u8], signature: &Signature) -> Result<(), SignatureError> {
                signature::verify(&self.0, Purpose::$purpose, bytes, signature)
            }
        )*}
    };
}

signs! { AccountKey, AccountPublic,
    sign_device_list, verify_device_list, DEVICE_LIST, "a device list";
}

signs! { DeviceSigningKey, DeviceSigningPublic,
    sign_bundle, verify_bundle, BUNDLE, "a prekey bundle";
    sign_challenge, verify_challenge, SERVER_CHALLENGE, "an answer to a server's challenge";
    sign_roster_entry, verify_roster_entry, ROSTER_ENTRY, "a roster entry";
}

signs! { GroupSigningKey, GroupSigningPublic,
    sign_group_message, verify_group_message, GROUP_MESSAGE, "a group message";
}

impl AccountPublic {
    /// `SHA-256(label ‖ AIK)[..16]`.
    pub fn id(&self) -> AccountId {
        AccountId::from_bytes(truncate(Purpose::ACCOUNT_ID.hash(&[self.as_bytes()])))
    }

    /// `SHA-256(label ‖ AIK)` as an invite link carries it: by it the invitee knows the inviter.
    pub fn hash(&self) -> AccountHash {
        AccountHash(Purpose::INVITE_ACCOUNT.hash(&[self.as_bytes()]))
    }
}

/// Hash of an account key inside an invite link, compared in constant time. It names a person: `Debug` does not.
#[derive(Clone, Copy)]
pub struct AccountHash([u8; 32]);

impl core::fmt::Debug for AccountHash {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("AccountHash(..)")
    }
}

impl AccountHash {
    /// Takes the 32 bytes from a link.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes, for a link.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for AccountHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for AccountHash {}
