//! Someone with an account, one device and its prekeys, all private keys told.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::{Value, json};
use sotto_crypto::keys::{
    AccountKey, DeliveryKey, DeviceIdentityKey, DevicePublic, DeviceSigningKey, OneTimePreKey, SignedPreKey,
};
use sotto_crypto::x3dh::PeerKeys;
use sotto_crypto::{DeliveryKeyId, DeviceId, MailboxId, PreKeyId};
use sotto_wire::peer::{DeviceList, ListedDevice};

use super::form::{Case, hex};

/// One device of one account.
#[derive(Debug)]
pub struct Person {
    /// AIK.
    pub account: AccountKey,
    /// DSK.
    pub signing: DeviceSigningKey,
    /// DIK.
    pub identity: DeviceIdentityKey,
    /// SPK, number 7.
    pub signed_prekey: SignedPreKey,
    /// OPK, number 100.
    pub one_time_prekey: OneTimePreKey,
    /// DK, number 9.
    pub delivery: DeliveryKey,
    /// The device's id.
    pub device_id: DeviceId,
    /// Where it receives.
    pub mailbox: MailboxId,
}

impl Person {
    /// Draws everything and gives it to the case under `name`, where the keys are told, so that their draws are not.
    pub fn new(case: &mut Case, name: &str) -> Self {
        let before = case.drawn();
        let person = Self::draw(case, name);
        case.drawn();
        case.restore(before);
        case.given(name, person.json());
        person
    }

    /// Draws everything, in the order of the fields.
    pub fn draw(case: &mut Case, name: &str) -> Self {
        let draws = ["AIK", "DSK", "DIK", "SPK", "OPK", "DK", "device id", "mailbox"];
        let draws = draws.map(|what| format!("{what} of {name}"));
        let rng = case.random(draws.iter().map(String::as_str));
        Self {
            account: AccountKey::generate(rng),
            signing: DeviceSigningKey::generate(rng),
            identity: DeviceIdentityKey::generate(rng),
            signed_prekey: SignedPreKey::generate(PreKeyId(7), rng),
            one_time_prekey: OneTimePreKey::generate(PreKeyId(100), rng),
            delivery: DeliveryKey::generate(DeliveryKeyId(9), rng),
            device_id: DeviceId::generate(rng),
            mailbox: MailboxId::generate(rng),
        }
    }

    /// What others see of it.
    #[must_use]
    pub fn device(&self) -> DevicePublic {
        let (account, signing, identity) =
            (self.account.public(), self.signing.public(), self.identity.public());
        DevicePublic::new(account, self.device_id, signing, identity).expect("three keys")
    }

    /// All of it.
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "AIK": pair(self.account.to_bytes(), self.account.public().as_bytes()),
            "DSK": pair(self.signing.to_bytes(), self.signing.public().as_bytes()),
            "DIK": pair(self.identity.to_bytes(), self.identity.public().as_bytes()),
            "SPK": numbered(self.signed_prekey.id().0, self.signed_prekey.to_bytes(), self.signed_prekey.public().as_bytes()),
            "OPK": numbered(self.one_time_prekey.id().0, self.one_time_prekey.to_bytes(), self.one_time_prekey.public().as_bytes()),
            "DK": numbered(self.delivery.id().0, self.delivery.to_bytes(), self.delivery.public().as_bytes()),
            "device_id": hex(self.device_id.as_bytes()),
            "mailbox": hex(self.mailbox.as_bytes()),
            "account_id": hex(self.account.public().id().as_bytes()),
        })
    }

    /// Its entry in a device list.
    #[must_use]
    pub fn listed(&self) -> ListedDevice {
        ListedDevice { id: self.device_id, signing: self.signing.public(), identity: self.identity.public() }
    }

    /// Its first device list, with itself alone.
    pub fn list(&self, case: &mut Case) -> DeviceList {
        let rng = case.random(["device list signature"]);
        DeviceList::sign(&self.account, 1, [0; 32], vec![self.listed()], rng).expect("a list")
    }

    /// What others fetch of it, with or without the one-time prekey.
    #[must_use]
    pub fn peer_keys(&self, one_time: bool) -> PeerKeys {
        // No draw of a vector: the signature goes nowhere.
        let signature = self.signing.sign_bundle(b"bundle", &mut ChaCha12Rng::seed_from_u64(0));
        let signer = self.device().verify_bundle(b"bundle", &signature).expect("signed");
        let one_time = one_time.then(|| self.one_time_prekey.public());
        PeerKeys::new(signer, self.signed_prekey.public(), one_time)
    }
}

/// A key pair.
pub(super) fn pair(private: impl AsRef<[u8]>, public: &[u8; 33]) -> Value {
    json!({ "private": hex(private.as_ref()), "public": hex(public) })
}

/// A key pair with its number.
pub(super) fn numbered(id: u32, private: impl AsRef<[u8]>, public: &[u8; 33]) -> Value {
    json!({ "id": id, "private": hex(private.as_ref()), "public": hex(public) })
}
