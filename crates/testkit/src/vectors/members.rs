//! Members of groups: an account with one device, and what it needs to sign entries.

use serde_json::{Map, Value, json};
use sotto_crypto::DeviceId;
use sotto_crypto::keys::{AccountKey, AccountPublic, DeviceIdentityKey, DevicePublic, DeviceSigningKey};
use sotto_wire::peer::{DeviceList, ListedDevice, ReceivedEntry, RosterEntry, VerifiedEntry};

use super::form::{Case, hex};
use super::people::pair;
use super::primitives::hash;

/// An account with one device.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) account: AccountKey,
    pub(super) signing: DeviceSigningKey,
    identity: DeviceIdentityKey,
    device_id: DeviceId,
    /// Its first device list, with this device alone.
    pub(super) list: DeviceList,
}

impl Member {
    /// Draws everything. What was drawn is not told: the keys are, and the list.
    pub(super) fn draw(case: &mut Case, name: &str) -> Self {
        let draws = ["AIK", "DSK", "DIK", "device id", "device list signature"];
        let draws = draws.map(|what| format!("{what} of {name}"));
        let rng = case.random(draws.iter().map(String::as_str));
        let account = AccountKey::generate(rng);
        let signing = DeviceSigningKey::generate(rng);
        let identity = DeviceIdentityKey::generate(rng);
        let device_id = DeviceId::generate(rng);
        let listed = ListedDevice { id: device_id, signing: signing.public(), identity: identity.public() };
        let list = DeviceList::sign(&account, 1, [0; 32], vec![listed], rng).expect("a list");
        let _ = case.drawn();
        Self { account, signing, identity, device_id, list }
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "AIK": pair(self.account.to_bytes(), self.account.public().as_bytes()),
            "DSK": pair(self.signing.to_bytes(), self.signing.public().as_bytes()),
            "device_id": hex(self.device_id.as_bytes()),
            "device_list": hex(self.list.as_bytes()),
        })
    }

    pub(super) fn public(&self) -> AccountPublic {
        self.account.public()
    }

    pub(super) fn device(&self) -> DevicePublic {
        self.list.devices()[0]
    }

    pub(super) fn listed(&self) -> ListedDevice {
        ListedDevice { id: self.device_id, signing: self.signing.public(), identity: self.identity.public() }
    }

    /// Signs an entry and tells it.
    pub(super) fn sign(&self, case: &mut Case, by: &str, entry: RosterEntry) -> (VerifiedEntry, Value) {
        let before = case.drawn();
        let (list, device, key) = (&self.list, self.device_id, &self.signing);
        let entry =
            VerifiedEntry::sign(entry, list, device, key, case.random(["signature"])).expect("signed");
        let told = self.tell(by, &entry, case.drawn());
        case.restore(before);
        (entry, told)
    }

    /// Founds a group and tells its genesis.
    pub(super) fn found(&self, case: &mut Case, by: &str) -> (VerifiedEntry, Value) {
        let before = case.drawn();
        let rng = case.random(["salt", "signature"]);
        let entry = VerifiedEntry::found(&self.list, self.device_id, &self.signing, rng).expect("signed");
        let told = self.tell(by, &entry, case.drawn());
        case.restore(before);
        (entry, told)
    }

    fn tell(&self, by: &str, entry: &VerifiedEntry, drawn: Value) -> Value {
        let received = ReceivedEntry::decode(entry.as_bytes()).expect("an entry");
        assert_eq!(received.verify(&self.list, &self.list).as_ref(), Ok(entry));
        let signed = signed_bytes(entry.as_bytes());
        assert_eq!(*entry.hash().as_bytes(), hash("roster-hash", &[&signed]));
        let mut told = Map::new();
        told.insert("by".to_owned(), by.into());
        told.insert("random".to_owned(), drawn);
        told.insert("entry".to_owned(), hex(entry.as_bytes()).into());
        told.insert("hash".to_owned(), hex(entry.hash().as_bytes()).into());
        told.into()
    }
}

/// What is signed in `{0: signed, 1: signature}`.
pub(super) fn signed_bytes(entry: &[u8]) -> Vec<u8> {
    let mut decoder = minicbor::Decoder::new(entry);
    decoder.map().expect("a map");
    decoder.u8().expect("its first key");
    decoder.bytes().expect("bytes").to_vec()
}

/// A role as it stands in an entry.
pub(super) fn number(role: sotto_wire::peer::Role) -> u8 {
    match role {
        sotto_wire::peer::Role::Member => 0,
        sotto_wire::peer::Role::Admin => 1,
        sotto_wire::peer::Role::Owner => 2,
    }
}
