//! People in groups, all from seeds.

mod chains;
mod roster;
#[cfg(not(target_arch = "wasm32"))]
mod schedules;
mod splits;
mod stored;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use sotto_crypto::keys::{AccountKey, AccountPublic, DeviceIdentityKey, DevicePublic, DeviceSigningKey};
use sotto_crypto::{AccountId, DeviceId, Timestamp};
use sotto_wire::peer::{
    DeviceList, ListedDevice, Operation, ReceivedEntry, Role, RosterEntry, VerifiedEntry,
};

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

struct Person {
    key: AccountKey,
    signing: DeviceSigningKey,
    list: DeviceList,
    rng: ChaCha12Rng,
}

fn person(seed: u64) -> Person {
    let mut rng = ChaCha12Rng::seed_from_u64(seed);
    let key = AccountKey::generate(&mut rng);
    let signing = DeviceSigningKey::generate(&mut rng);
    let identity = DeviceIdentityKey::generate(&mut rng).public();
    let listed = ListedDevice { id: DeviceId::generate(&mut rng), signing: signing.public(), identity };
    let list = DeviceList::sign(&key, 1, [0; 32], vec![listed], &mut rng).unwrap();
    Person { key, signing, list, rng }
}

fn people<const N: usize>(seed: u64) -> [Person; N] {
    core::array::from_fn(|number| person(seed * 1_000 + u64::try_from(number).unwrap()))
}

impl Person {
    fn account(&self) -> AccountPublic {
        self.key.public()
    }

    fn id(&self) -> AccountId {
        self.account().id()
    }

    fn device(&self) -> DevicePublic {
        self.list.devices()[0]
    }

    fn found(&mut self) -> Roster {
        let device = self.device().device_id();
        let genesis = VerifiedEntry::found(&self.list, device, &self.signing, &mut self.rng).unwrap();
        Roster::begin(&genesis, Some(genesis.group())).unwrap()
    }

    /// Signs an entry, which then goes over the wire to whoever applies it.
    fn sign(&mut self, entry: RosterEntry) -> VerifiedEntry {
        let device = self.device().device_id();
        let signed = VerifiedEntry::sign(entry, &self.list, device, &self.signing, &mut self.rng).unwrap();
        let received = ReceivedEntry::decode(signed.as_bytes()).unwrap();
        let verified = received.verify(&self.list, &self.list).unwrap();
        assert_eq!(verified, signed);
        verified
    }

    /// Does something to a roster.
    fn act(&mut self, roster: &mut Roster, operation: Operation) -> Result<VerifiedEntry, RosterError> {
        let entry = self.sign(roster.next(operation));
        let before = roster.clone();
        let applied = roster.apply(&entry);
        match applied {
            Ok(applied) => assert_eq!(applied, Applied::New),
            Err(_) => assert_eq!(*roster, before, "a refused entry changed the roster"),
        }
        applied.map(|_| entry)
    }

    /// A group of this roster on this person's device.
    fn group(&self, roster: &Roster) -> Group {
        Group::new(roster.clone(), self.id(), self.device().device_id())
    }
}

fn add(person: &Person, role: Role) -> Operation {
    Operation::Add { account: person.account(), role }
}

fn remove(person: &Person) -> Operation {
    Operation::Remove { account: person.account() }
}

fn role(person: &Person, role: Role) -> Operation {
    Operation::Role { account: person.account(), role }
}

fn leave() -> Operation {
    Operation::Leave {}
}

fn role_of(roster: &Roster, person: &Person) -> Option<Role> {
    roster.members().get(person.id()).map(Member::role)
}
