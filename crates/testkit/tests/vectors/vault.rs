//! Records, passphrases and slot tables, read back.

use serde_json::Value;
use sotto_crypto::passphrase::{Passphrase, Stretch, StretchedKey};
use sotto_crypto::vault::{OpenTable, RecordPlace, Role, SlotError, SlotTable, VaultKey};
use sotto_testkit::vectors::form::unhex;

use crate::given::{Draws, Given, each};

#[test]
fn records() {
    each("vault_record", "", |case| {
        let key = case.bytes("/given/key");
        let place = RecordPlace {
            key: &key,
            schema: case.number("/given/schema"),
            revision: case.number("/given/revision").into(),
        };
        let store = VaultKey::from_bytes(&case.array("/given/vault_key")).store(case.text("/given/store"));
        if case.has("/given/record") {
            case.judge(store.open(&place, &case.bytes("/given/record")));
            return;
        }
        let record = case.bytes("/expect/record");
        assert_eq!(*store.open(&place, &record).unwrap(), case.bytes("/given/content"));
        let mut nonce = Draws::of(case, "/random", "nonce");
        assert_eq!(store.seal(&place, &case.bytes("/given/content"), &mut nonce), record);
        assert_eq!(store.name(&key), case.array("/expect/name"));
    });
}

#[test]
fn passphrases() {
    each("vault_slot", "passphrase,", |case| {
        let Some(passphrase) = case.judge(Passphrase::new(case.text("/given/passphrase"))) else { return };
        let stretch = Stretch::from_bytes(&case.array("/given/stretch")).unwrap();
        assert_eq!(*stretch.run(&passphrase).unwrap().to_bytes(), case.array("/expect/pk"));
    });
    each("vault_slot", "cost,", |case| {
        case.judge(Stretch::from_bytes(&case.array("/given/stretch")));
    });
}

fn key(table: &SlotTable, case: &Given, path: &str) -> StretchedKey {
    StretchedKey::from_bytes(*table.stretch().unwrap(), &case.array(path))
}

#[test]
fn what_opens_tables() {
    each("vault_slot", "", |case| {
        if !case.has("/expect/table") {
            return;
        }
        let table = SlotTable::from_bytes(&case.bytes("/expect/table")).unwrap();
        for opens in case.at("/expect/opens").as_array().unwrap() {
            let opened = match opens["pk"].as_str().unwrap() {
                "none" => table.clone().open_without_passphrase(),
                pk => {
                    let key = unhex(pk).try_into().unwrap();
                    table.open(&StretchedKey::from_bytes(*table.stretch().unwrap(), &key))
                }
            };
            let opened = opened.unwrap();
            assert_eq!(opened.vault().to_bytes().as_slice(), unhex(opens["vault_key"].as_str().unwrap()));
            assert_eq!(opens["role"], Value::from(if opened.role() == Role::Main { 1 } else { 2 }));
        }
    });
}

#[test]
fn new_tables() {
    each("vault_slot", "new,", |case| {
        let mut draws = Draws::of(case, "/random", "");
        drop(VaultKey::generate(&mut draws));
        let open = OpenTable::new(VaultKey::from_bytes(&case.array("/given/vault_key")), &mut draws);
        assert_eq!(open.table().to_bytes()[..], case.bytes("/expect/table"));
    });
    each("vault_slot", "with passphrase,", |case| {
        // Setting the first passphrase makes everything anew: what stood there before is of no matter.
        let vault = VaultKey::from_bytes(&case.array("/given/vault_key"));
        let mut open = OpenTable::new(vault, &mut rand_chacha_zero());
        let mut draws = Draws::of(case, "/random", "slot").and(Draws::of(case, "/random", "r"));
        let stretch = Stretch::from_bytes(&case.array("/given/stretch")).unwrap();
        let key = StretchedKey::from_bytes(stretch, &case.array("/given/pk"));
        open.set_passphrase(&key, &mut draws).unwrap();
        assert_eq!(open.table().to_bytes()[..], case.bytes("/expect/table"));
    });
}

fn rand_chacha_zero() -> rand_chacha::ChaCha12Rng {
    <rand_chacha::ChaCha12Rng as rand_chacha::rand_core::SeedableRng>::from_seed([0; 32])
}

#[test]
fn changes() {
    each("vault_slot", "", |case| {
        if !case.has("/given/do") {
            return;
        }
        let table = SlotTable::from_bytes(&case.bytes("/given/table")).unwrap();
        let step = case.text("/given/do");
        let opener = if step.contains("opened with duress_pk") { "/given/duress_pk" } else { "/given/pk" };
        let mut open = table.open(&key(&table, case, opener)).unwrap();
        let result = change(case, &table, &mut open, step);
        if case.judge(result).is_some() {
            assert_eq!(open.table().to_bytes()[..], case.bytes("/expect/table"));
        } else {
            assert_eq!(open.table().to_bytes(), table.to_bytes());
        }
    });
}

fn change(case: &Given, table: &SlotTable, open: &mut OpenTable, step: &str) -> Result<(), SlotError> {
    let named = |step: &str| {
        let name = if step.contains("to duress_pk") {
            "/given/duress_pk"
        } else if step.contains("to pk") {
            "/given/pk"
        } else if step.starts_with("set passphrase") {
            "/given/new_pk"
        } else {
            "/given/duress_pk"
        };
        key(table, case, name)
    };
    let decoy = || VaultKey::from_bytes(&case.array("/given/decoy_vault_key"));
    let draws = |purpose: &str| Draws::of(case, "/random", purpose);
    if step.starts_with("set passphrase") {
        open.set_passphrase(&named(step), &mut draws("r"))
    } else if step.starts_with("set duress") {
        open.set_duress(&named(step), &decoy(), &mut draws("r"))
    } else if step.starts_with("remove duress") {
        open.remove_duress(&mut draws("slot"))
    } else {
        open.remove_passphrases(&mut draws("slot").and(draws("r")))
    }
}

#[test]
fn refused_tables() {
    each("vault_slot", "table,", |case| {
        case.judge(SlotTable::from_bytes(&case.bytes("/given/table")));
    });
    each("vault_slot", "opening,", |case| {
        let table = SlotTable::from_bytes(&case.bytes("/given/table")).unwrap();
        if case.has("/given/pk") {
            case.judge(table.open(&key(&table, case, "/given/pk")));
        } else {
            case.judge(table.open_without_passphrase());
        }
    });
}
