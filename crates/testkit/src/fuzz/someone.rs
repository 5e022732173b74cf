//! Somebody with all keys, the same in every run, so that corpora stay valid.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use sotto_crypto::keys::{
    AccountKey, DeliveryKey, DeviceIdentityKey, DevicePublic, DeviceSigningKey, OneTimePreKey, SignedPreKey,
};
use sotto_crypto::x3dh::PeerKeys;
use sotto_crypto::{DeliveryKeyId, DeviceId, PreKeyId, Timestamp};
use sotto_wire::peer::{Bundle, DeviceList, ListedDevice, UnsignedBundle};

pub(super) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

pub(super) fn rng(seed: u64) -> ChaCha12Rng {
    ChaCha12Rng::seed_from_u64(seed)
}

pub(super) struct Someone {
    pub(super) account: AccountKey,
    pub(super) signing: DeviceSigningKey,
    pub(super) identity: DeviceIdentityKey,
    pub(super) list: DeviceList,
    pub(super) signed_prekey: SignedPreKey,
    pub(super) one_time: OneTimePreKey,
    pub(super) delivery: DeliveryKey,
}

impl Someone {
    pub(super) fn new(seed: u64) -> Self {
        let rng = &mut rng(seed);
        let account = AccountKey::generate(rng);
        let signing = DeviceSigningKey::generate(rng);
        let identity = DeviceIdentityKey::generate(rng);
        let id = DeviceId::generate(rng);
        let listed = ListedDevice { id, signing: signing.public(), identity: identity.public() };
        let list = DeviceList::sign(&account, 1, [0; 32], vec![listed], rng).unwrap();
        Self {
            account,
            signing,
            identity,
            list,
            signed_prekey: SignedPreKey::generate(PreKeyId(3), rng),
            one_time: OneTimePreKey::generate(PreKeyId(9), rng),
            delivery: DeliveryKey::generate(DeliveryKeyId(4), rng),
        }
    }

    pub(super) fn device(&self) -> &DevicePublic {
        &self.list.devices()[0]
    }

    /// What others begin a session with.
    pub(super) fn peer_keys(&self, one_time: bool) -> PeerKeys {
        let bundle = self.bundle().sign(&self.signing, &mut rng(9));
        let bundle = Bundle::decode(&bundle, &self.list, NOW).expect("its own");
        bundle.peer_keys(one_time.then(|| self.one_time.public()))
    }

    pub(super) fn bundle(&self) -> UnsignedBundle {
        UnsignedBundle {
            device: *self.device(),
            signed_prekey: self.signed_prekey.public(),
            delivery: self.delivery.public(),
            created: NOW,
        }
    }
}
