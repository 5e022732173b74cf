//! The devices of an account, signed by its account key.

use crate::FixedBytes;
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use sotto_crypto::keys::{
    AccountKey, AccountPublic, DeviceIdentityPublic, DevicePublic, DeviceSigningPublic,
};
use sotto_crypto::{AccountId, CryptoRng, DeviceId, Purpose, Signature};

use super::codec::{self, decode, decode_signed, encode};
use super::{PeerError, limits};
use crate::server::List;

/// One device of an account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ListedDevice {
    /// The device's id.
    #[n(0)]
    #[cbor(with = "codec::item")]
    pub id: DeviceId,
    /// Its signing key.
    #[n(1)]
    #[cbor(with = "codec::item")]
    pub signing: DeviceSigningPublic,
    /// Its identity key.
    #[n(2)]
    #[cbor(with = "codec::item")]
    pub identity: DeviceIdentityPublic,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Signed {
    #[n(0)]
    version: u8,
    #[n(1)]
    #[cbor(with = "codec::item")]
    account_id: AccountId,
    #[n(2)]
    #[cbor(with = "codec::item")]
    account: AccountPublic,
    #[n(3)]
    list_version: u32,
    #[n(4)]
    previous: FixedBytes<32>,
    #[n(5)]
    devices: List<ListedDevice, { limits::DEVICES_MAX }>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Envelope {
    #[n(0)]
    signed: ByteVec,
    #[n(1)]
    signature: FixedBytes<64>,
}

/// A device list whose signature was verified under the account key it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceList {
    account: AccountPublic,
    version: u32,
    previous: [u8; 32],
    devices: Vec<DevicePublic>,
    hash: [u8; 32],
    encoded: Vec<u8>,
}

impl DeviceList {
    /// Signs a list.
    ///
    /// # Errors
    /// [`PeerError::OutOfBounds`] for none or more than [`limits::DEVICES_MAX`] devices, [`PeerError::ReusedKey`] if
    /// keys repeat.
    pub fn sign(
        key: &AccountKey,
        version: u32,
        previous: [u8; 32],
        devices: Vec<ListedDevice>,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Self, PeerError> {
        let account = key.public();
        let signed = encode(&Signed {
            version: limits::VERSION,
            account_id: account.id(),
            account,
            list_version: version,
            previous: previous.into(),
            devices: List::new(devices).map_err(|_| PeerError::OutOfBounds)?,
        });
        let signature = key.sign_device_list(&signed, rng).to_bytes().into();
        Self::decode(&encode(&Envelope { signed: signed.into(), signature }))
    }

    /// Reads a list and verifies its signature under the account key in it. Whether that key is the right one is for
    /// the caller to compare.
    ///
    /// # Errors
    /// [`PeerError`], also for a list without devices, of version 0, or with a key or id that appears twice.
    pub fn decode(bytes: &[u8]) -> Result<Self, PeerError> {
        let outer: Envelope = decode(bytes, limits::DEVICE_LIST_MAX)?;
        let signed: Signed = decode_signed(&outer.signed, limits::DEVICE_LIST_MAX)?;
        if signed.version != limits::VERSION {
            return Err(PeerError::UnknownVersion);
        }
        if signed.account.id() != signed.account_id {
            return Err(PeerError::WrongAccount);
        }
        let signature = Signature::from_bytes(&outer.signature)?;
        signed.account.verify_device_list(&outer.signed, &signature)?;
        let listed = signed.devices.as_slice();
        if listed.is_empty() || signed.list_version == 0 {
            return Err(PeerError::OutOfBounds);
        }
        let mut devices: Vec<DevicePublic> = Vec::with_capacity(listed.len());
        for entry in listed {
            let repeated = devices.iter().any(|known| {
                known.device_id() == entry.id
                    || known.signing().as_bytes() == entry.signing.as_bytes()
                    || known.identity().as_bytes() == entry.identity.as_bytes()
                    || known.signing().as_bytes() == entry.identity.as_bytes()
                    || known.identity().as_bytes() == entry.signing.as_bytes()
            });
            if repeated {
                return Err(PeerError::ReusedKey);
            }
            devices.push(DevicePublic::new(signed.account, entry.id, entry.signing, entry.identity)?);
        }
        Ok(Self {
            account: signed.account,
            version: signed.list_version,
            previous: *signed.previous,
            devices,
            hash: Purpose::DEVICE_LIST_HASH.hash(&[&outer.signed]),
            encoded: bytes.to_vec(),
        })
    }

    /// The bytes to send and to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.encoded
    }

    /// The account key that signed it.
    #[must_use]
    pub const fn account(&self) -> &AccountPublic {
        &self.account
    }

    /// Its version, from 1 and only rising.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// Hash of the list before it; zeros for the first.
    #[must_use]
    pub const fn previous(&self) -> &[u8; 32] {
        &self.previous
    }

    /// Hash of the signed bytes, as bodies and the next list name it.
    #[must_use]
    pub const fn hash(&self) -> &[u8; 32] {
        &self.hash
    }

    /// All devices; at least one.
    #[must_use]
    pub fn devices(&self) -> &[DevicePublic] {
        &self.devices
    }

    /// The device of this id.
    #[must_use]
    pub fn device(&self, id: DeviceId) -> Option<&DevicePublic> {
        self.devices.iter().find(|device| device.device_id() == id)
    }
}
