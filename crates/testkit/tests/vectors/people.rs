//! People as the files tell them.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use sotto_crypto::invite::InviteSecret;
use sotto_crypto::keys::{
    AccountKey, DeliveryKey, DeviceIdentityKey, DevicePublic, DeviceSigningKey, OneTimePreKey, SignedPreKey,
};
use sotto_crypto::x3dh::{FirstKeys, PeerKeys, ResponderAgreement, ResponderKeys, X3dhError, respond};
use sotto_crypto::{DeliveryKeyId, DeviceId, MailboxId, PreKeyId};

use crate::given::Given;

pub struct Person {
    pub identity: DeviceIdentityKey,
    pub signed_prekey: SignedPreKey,
    pub one_time_prekey: OneTimePreKey,
    pub delivery: DeliveryKey,
    pub mailbox: MailboxId,
    pub device: DevicePublic,
    signing: DeviceSigningKey,
}

impl Person {
    pub fn of(case: &Given, name: &str) -> Self {
        let key = |key: &str| case.array(&format!("/given/{name}/{key}/private"));
        let id = |key: &str| case.number(&format!("/given/{name}/{key}/id"));
        let account = AccountKey::from_bytes(&key("AIK")).unwrap();
        let signing = DeviceSigningKey::from_bytes(&key("DSK")).unwrap();
        let identity = DeviceIdentityKey::from_bytes(&key("DIK")).unwrap();
        let device_id = DeviceId::from_bytes(case.array(&format!("/given/{name}/device_id")));
        let device =
            DevicePublic::new(account.public(), device_id, signing.public(), identity.public()).unwrap();
        let person = Self {
            device,
            signing,
            identity,
            signed_prekey: SignedPreKey::from_bytes(PreKeyId(id("SPK")), &key("SPK")).unwrap(),
            one_time_prekey: OneTimePreKey::from_bytes(PreKeyId(id("OPK")), &key("OPK")).unwrap(),
            delivery: DeliveryKey::from_bytes(DeliveryKeyId(id("DK")), &key("DK")).unwrap(),
            mailbox: MailboxId::from_bytes(case.array(&format!("/given/{name}/mailbox"))),
        };
        for (key, public) in [
            ("AIK", account.public().as_bytes()),
            ("DSK", person.signing.public().as_bytes()),
            ("DIK", person.identity.public().as_bytes()),
            ("SPK", person.signed_prekey.public().as_bytes()),
            ("OPK", person.one_time_prekey.public().as_bytes()),
            ("DK", person.delivery.public().as_bytes()),
        ] {
            assert_eq!(*public, case.array(&format!("/given/{name}/{key}/public")), "{key} of {name}");
        }
        assert_eq!(*account.public().id().as_bytes(), case.array(&format!("/given/{name}/account_id")));
        person
    }

    pub fn peer_keys(&self, one_time: bool) -> PeerKeys {
        let signature = self.signing.sign_bundle(b"bundle", &mut ChaCha12Rng::seed_from_u64(0));
        let signer = self.device.verify_bundle(b"bundle", &signature).unwrap();
        let one_time = one_time.then(|| self.one_time_prekey.public());
        PeerKeys::new(signer, self.signed_prekey.public(), one_time)
    }

    pub fn respond(
        &self,
        peer: &DevicePublic,
        first: &FirstKeys,
        one_time: bool,
        invite: Option<&InviteSecret>,
    ) -> Result<ResponderAgreement, X3dhError> {
        let credential = invite.map(InviteSecret::credential);
        let keys = ResponderKeys {
            device: &self.device,
            identity: &self.identity,
            signed_prekey: &self.signed_prekey,
            one_time_prekey: one_time.then_some(&self.one_time_prekey),
            invite: credential.as_ref(),
        };
        respond(&keys, peer, first)
    }
}

pub fn invite(case: &Given) -> Option<InviteSecret> {
    case.has("/given/s").then(|| InviteSecret::from_bytes(&case.array("/given/s")))
}
