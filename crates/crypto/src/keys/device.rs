//! One device of one account, as everybody else sees it.

use super::{AccountPublic, DeviceIdentityPublic, DeviceSigningPublic};
use crate::DeviceId;
use crate::signature::{Signature, SignatureError};

/// Two of the keys that should be independent are the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("one key presented for two purposes")]
pub struct ReusedKey;

/// Account key, device id and the two long-lived keys of a device. Account, signing and identity key differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DevicePublic {
    account: AccountPublic,
    device_id: DeviceId,
    signing: DeviceSigningPublic,
    identity: DeviceIdentityPublic,
}

impl DevicePublic {
    /// Puts the parts together. Whether the account key vouches for the device is the device list's matter.
    ///
    /// # Errors
    /// [`ReusedKey`] if one point serves as two of the three keys.
    pub fn new(
        account: AccountPublic,
        device_id: DeviceId,
        signing: DeviceSigningPublic,
        identity: DeviceIdentityPublic,
    ) -> Result<Self, ReusedKey> {
        if account.0 == signing.0 || account.0 == identity.0 || signing.0 == identity.0 {
            return Err(ReusedKey);
        }
        Ok(Self { account, device_id, signing, identity })
    }

    /// The account key (`AIK`).
    pub const fn account(&self) -> &AccountPublic {
        &self.account
    }

    /// The device id.
    pub const fn device_id(&self) -> DeviceId {
        self.device_id
    }

    /// The device signing key (`DSK`).
    pub const fn signing(&self) -> &DeviceSigningPublic {
        &self.signing
    }

    /// The device identity key (`DIK`).
    pub const fn identity(&self) -> &DeviceIdentityPublic {
        &self.identity
    }

    /// Verifies the device's signature over the exact bytes of a bundle.
    ///
    /// # Errors
    /// [`SignatureError::Invalid`] if bytes, type or key differ from what was signed.
    pub fn verify_bundle(&self, bytes: &[u8], signature: &Signature) -> Result<BundleSigner, SignatureError> {
        self.signing.verify_bundle(bytes, signature)?;
        Ok(BundleSigner(*self))
    }

    /// Whether a point is one of the device's long-lived keys.
    pub(crate) fn holds(&self, point: &crate::point::Point) -> bool {
        [&self.account.0, &self.signing.0, &self.identity.0].contains(&point)
    }
}

/// A device whose signature over a bundle was verified; made by [`DevicePublic::verify_bundle`] and by nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BundleSigner(DevicePublic);

impl BundleSigner {
    /// The device.
    pub const fn device(&self) -> &DevicePublic {
        &self.0
    }
}
