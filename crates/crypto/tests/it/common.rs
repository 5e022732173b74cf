//! People, devices and sessions for the tests, all from seeds.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use sotto_crypto::invite::InviteCredential;
use sotto_crypto::keys::{
    AccountKey, BundleSigner, DeviceIdentityKey, DevicePublic, DeviceSigningKey, OneTimePreKey, SignedPreKey,
};
use sotto_crypto::ratchet::Session;
use sotto_crypto::x3dh::{self, FirstKeys, InitiatorAgreement, PeerKeys, ResponderKeys};
use sotto_crypto::{DeviceId, PreKeyId, Timestamp};

pub const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

pub fn rng(seed: u64) -> ChaCha12Rng {
    ChaCha12Rng::seed_from_u64(seed)
}

/// One device of one account with its prekeys.
pub struct Person {
    pub account: AccountKey,
    pub signing: DeviceSigningKey,
    pub identity: DeviceIdentityKey,
    pub device: DevicePublic,
    pub signed_prekey: SignedPreKey,
    pub one_time_prekey: OneTimePreKey,
}

impl Person {
    pub fn new(seed: u64) -> Self {
        let rng = &mut rng(1_000 + seed);
        let account = AccountKey::generate(rng);
        let signing = DeviceSigningKey::generate(rng);
        let identity = DeviceIdentityKey::generate(rng);
        let device_id = DeviceId::generate(rng);
        let device =
            DevicePublic::new(account.public(), device_id, signing.public(), identity.public()).unwrap();
        let signed_prekey = SignedPreKey::generate(PreKeyId(7), rng);
        let one_time_prekey = OneTimePreKey::generate(PreKeyId(100), rng);
        Self { account, signing, identity, device, signed_prekey, one_time_prekey }
    }

    /// What others fetch of this device.
    pub fn bundle(&self, one_time: bool) -> PeerKeys {
        let one_time = one_time.then(|| self.one_time_prekey.public());
        PeerKeys::new(signer(&self.device, &self.signing), self.signed_prekey.public(), one_time)
    }

    pub fn responder_keys<'a>(
        &'a self,
        one_time: bool,
        invite: Option<&'a InviteCredential>,
    ) -> ResponderKeys<'a> {
        ResponderKeys {
            device: &self.device,
            identity: &self.identity,
            signed_prekey: &self.signed_prekey,
            one_time_prekey: one_time.then_some(&self.one_time_prekey),
            invite,
        }
    }

    pub fn initiate(
        &self,
        peer: &PeerKeys,
        invite: Option<&InviteCredential>,
        seed: u64,
    ) -> (InitiatorAgreement, FirstKeys) {
        x3dh::initiate(&self.device, &self.identity, peer, invite, &mut rng(seed)).unwrap()
    }
}

/// The device, after its signature over a bundle was verified.
pub fn signer(device: &DevicePublic, signing: &DeviceSigningKey) -> BundleSigner {
    device.verify_bundle(b"bundle", &signing.sign_bundle(b"bundle", &mut rng(9))).unwrap()
}

/// Two sessions after the initiator's first message, "hello", was opened by the responder.
pub fn sessions(seed: u64) -> (Session, Session) {
    let (alice, bob) = (Person::new(seed * 2 + 1), Person::new(seed * 2 + 2));
    let (agreement, first) = alice.initiate(&bob.bundle(true), None, seed);
    let mut ours = Session::initiate(&agreement, &mut rng(seed));
    let hello = ours.seal(b"hello", &mut rng(seed + 1)).unwrap();
    let agreement = x3dh::respond(&bob.responder_keys(true, None), &alice.device, &first).unwrap();
    let (theirs, opened) = Session::respond(&agreement, &hello, NOW).unwrap();
    assert_eq!(opened, b"hello");
    (ours, theirs)
}
