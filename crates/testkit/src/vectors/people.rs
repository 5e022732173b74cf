//! Someone with an account, one device and its prekeys, all private keys told.

use serde_json::{Value, json};
use sotto_crypto::keys::{
    AccountKey, DeliveryKey, DeviceIdentityKey, DevicePublic, DeviceSigningKey, OneTimePreKey, SignedPreKey,
};
use sotto_crypto::x3dh::{PeerKeys, ResponderKeys};
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
    /// Where it receives.
    pub mailbox: MailboxId,
    /// What others see of it.
    pub device: DevicePublic,
}

impl Person {
    /// Draws everything, in the order of the fields of [`Person::json`], and gives it to the case under `name`.
    pub fn new(case: &mut Case, name: &str) -> Self {
        let draws = ["AIK", "DSK", "DIK", "SPK", "OPK", "DK", "device id", "mailbox"];
        let draws = draws.map(|what| format!("{what} of {name}"));
        let rng = case.random(draws.iter().map(String::as_str));
        let account = AccountKey::generate(rng);
        let signing = DeviceSigningKey::generate(rng);
        let identity = DeviceIdentityKey::generate(rng);
        let signed_prekey = SignedPreKey::generate(PreKeyId(7), rng);
        let one_time_prekey = OneTimePreKey::generate(PreKeyId(100), rng);
        let delivery = DeliveryKey::generate(DeliveryKeyId(9), rng);
        let device_id = DeviceId::generate(rng);
        let mailbox = MailboxId::generate(rng);
        let device = DevicePublic::new(account.public(), device_id, signing.public(), identity.public())
            .expect("three keys");
        let person =
            Self { account, signing, identity, signed_prekey, one_time_prekey, delivery, mailbox, device };
        case.given(name, person.json());
        person
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
            "device_id": hex(self.device.device_id().as_bytes()),
            "mailbox": hex(self.mailbox.as_bytes()),
            "account_id": hex(self.account.public().id().as_bytes()),
        })
    }

    /// Its entry in a device list.
    #[must_use]
    pub fn listed(&self) -> ListedDevice {
        ListedDevice {
            id: self.device.device_id(),
            signing: self.signing.public(),
            identity: self.identity.public(),
        }
    }

    /// Its first device list, with itself alone.
    pub fn list(&self, case: &mut Case) -> DeviceList {
        let rng = case.random(["device list signature"]);
        DeviceList::sign(&self.account, 1, [0; 32], vec![self.listed()], rng).expect("a list")
    }

    /// What others fetch of it, with or without the one-time prekey.
    #[must_use]
    pub fn peer_keys(&self, one_time: bool) -> PeerKeys {
        PeerKeys {
            device: self.device,
            signed_prekey: self.signed_prekey.public(),
            one_time_prekey: one_time.then(|| self.one_time_prekey.public()),
        }
    }

    /// What it answers a first message with.
    #[must_use]
    pub fn responder_keys<'a>(
        &'a self,
        one_time: bool,
        invite: Option<&'a sotto_crypto::invite::InviteCredential>,
    ) -> ResponderKeys<'a> {
        ResponderKeys {
            device: &self.device,
            identity: &self.identity,
            signed_prekey: &self.signed_prekey,
            one_time_prekey: one_time.then_some(&self.one_time_prekey),
            invite,
        }
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
