//! The devices of an account, signed by its account key.

use crate::FixedBytes;
use minicbor::{Decode, Encode};
use sotto_crypto::keys::{
    AccountKey, AccountPublic, DeviceIdentityPublic, DevicePublic, DeviceSigningPublic,
};
use sotto_crypto::{AccountId, CryptoRng, DeviceId, Purpose, Signature};

use super::codec::{self, decode, decode_signed, encode};
use super::signed::SignedBytes;
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

/// How a device list stands to the one of the same account that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Succession {
    /// It is the same.
    Same,
    /// It is the next version and names the held one as the one before it: it takes its place.
    Next,
    /// It is older than the held one.
    Earlier,
    /// Versions between the two are missing.
    Ahead,
    /// There are two lists of one version, or a device has other keys than before.
    Split,
}

impl DeviceList {
    /// How this list stands to the one that is held.
    ///
    /// # Errors
    /// [`PeerError::WrongAccount`] if it is another account's.
    pub fn after(&self, held: &Self) -> Result<Succession, PeerError> {
        if self.account != held.account {
            return Err(PeerError::WrongAccount);
        }
        let named = held.names(self.version, &self.hash);
        if named != Succession::Ahead || Some(self.version) != held.version.checked_add(1) {
            return Ok(named);
        }
        let other_keys =
            |device: &DevicePublic| held.device(device.device_id()).is_some_and(|known| known != device);
        let follows = self.previous == held.hash && !self.devices.iter().any(other_keys);
        Ok(if follows { Succession::Next } else { Succession::Split })
    }

    /// How a list of this version and hash, named without being shown, stands to this one; never
    /// [`Succession::Next`]. Of earlier lists only the hash of the last is known.
    #[must_use]
    pub fn names(&self, version: u32, hash: &[u8; 32]) -> Succession {
        if version > self.version {
            return Succession::Ahead;
        }
        let known = if version == self.version {
            Some(&self.hash)
        } else if Some(version) == self.version.checked_sub(1) {
            Some(&self.previous)
        } else {
            None
        };
        match known {
            Some(known) if known != hash => Succession::Split,
            Some(_) if version == self.version => Succession::Same,
            _ => Succession::Earlier,
        }
    }

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
        Self::decode(&encode(&SignedBytes { signed: signed.into(), signature }))
    }

    /// Reads a list and verifies its signature under the account key in it. Whether that key is the right one is for
    /// the caller to compare.
    ///
    /// # Errors
    /// [`PeerError`], also for a list without devices, of version 0, or with a key or id that appears twice.
    pub fn decode(bytes: &[u8]) -> Result<Self, PeerError> {
        let outer: SignedBytes = decode(bytes, limits::DEVICE_LIST_MAX)?;
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

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha12Rng;
    use rand_chacha::rand_core::SeedableRng;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;
    use sotto_crypto::keys::{DeviceIdentityKey, DeviceSigningKey};

    fn device(rng: &mut ChaCha12Rng) -> ListedDevice {
        ListedDevice {
            id: DeviceId::generate(rng),
            signing: DeviceSigningKey::generate(rng).public(),
            identity: DeviceIdentityKey::generate(rng).public(),
        }
    }

    #[test]
    fn lists_follow_one_another_version_by_version() {
        let rng = &mut ChaCha12Rng::seed_from_u64(1);
        let key = AccountKey::generate(rng);
        let (old, new) = (device(rng), device(rng));
        let first = DeviceList::sign(&key, 1, [0; 32], vec![old.clone()], rng).unwrap();
        let both = vec![old.clone(), new.clone()];
        let second = DeviceList::sign(&key, 2, first.hash, both.clone(), rng).unwrap();
        let third = DeviceList::sign(&key, 3, second.hash, vec![new.clone()], rng).unwrap();
        assert_eq!(first.after(&first), Ok(Succession::Same));
        assert_eq!(second.after(&first), Ok(Succession::Next));
        assert_eq!(third.after(&second), Ok(Succession::Next));
        assert_eq!(third.after(&first), Ok(Succession::Ahead), "the second is missing");
        assert_eq!(first.after(&second), Ok(Succession::Earlier));
        assert_eq!(first.after(&third), Ok(Succession::Earlier));
        assert_eq!(second.names(4, &[7; 32]), Succession::Ahead);
        assert_eq!(second.names(3, third.hash()), Succession::Ahead, "named is not yet shown");

        // Two of one version: beside the held one, before it, or after it with another one before.
        let other = DeviceList::sign(&key, 2, first.hash, vec![new.clone()], rng).unwrap();
        assert_eq!(other.after(&second), Ok(Succession::Split));
        assert_eq!(other.after(&third), Ok(Succession::Split));
        assert_eq!(third.after(&other), Ok(Succession::Split));
        assert_eq!(second.names(1, other.hash()), Succession::Split);
        // The same content signed anew is the same list: its hash is over what is signed.
        let again = DeviceList::sign(&key, 2, first.hash, both, rng).unwrap();
        assert_eq!(again.after(&second), Ok(Succession::Same));
        // A device with other keys than before.
        let changed = ListedDevice { id: old.id, ..device(rng) };
        let changed = DeviceList::sign(&key, 2, first.hash, vec![changed], rng).unwrap();
        assert_eq!(changed.after(&first), Ok(Succession::Split));
        // Somebody else's.
        let foreign = DeviceList::sign(&AccountKey::generate(rng), 2, first.hash, vec![old], rng).unwrap();
        assert_eq!(foreign.after(&first), Err(PeerError::WrongAccount));
        // The last version there is.
        let last = DeviceList::sign(&key, u32::MAX, [0; 32], vec![new], rng).unwrap();
        assert_eq!(last.after(&last), Ok(Succession::Same));
        assert_eq!(last.after(&first), Ok(Succession::Ahead));
    }
}
