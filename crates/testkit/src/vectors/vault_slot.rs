//! Passphrases, slot tables and what may be done to them.

use sotto_crypto::passphrase::{Cost, Passphrase, Stretch, StretchedKey};
use sotto_crypto::vault::{OpenTable, Role, SlotError, SlotTable, VaultKey};

use super::form::{Case, Cases, Structure, hex};
use super::primitives::{hkdf, open};

pub(super) const VAULT_SLOT: Structure = Structure {
    name: "vault_slot",
    sections: "15.2, 15.3",
    about: "Cases with `passphrase` and `stretch` (m u32 ‖ t u32 ‖ salt 16) expect `pk`, or are refused. The others are \
            slot tables: `table` before and `pk` (absent without passphrase), what is done, and what comes of it. \
            `number` is the slot of the main vault. Where `pk` is given without a passphrase it is any 32 bytes, as \
            Argon2id might have given them. A draw for a slot number is one byte, modulo 4. In `opens`, the key is a \
            pk, or `none` without passphrase.",
    fill,
};

const HEAD: usize = 26;
const SLOT: usize = 97;

fn fill(cases: &mut Cases) {
    passphrases(cases);
    tables(cases);
    changes(cases);
    refused_tables(cases);
    refused_keys(cases);
}

fn passphrases(cases: &mut Cases) {
    for (name, typed, memory, passes) in [
        ("passphrase, ASCII", "correct horse battery staple", 65_536, 3),
        ("passphrase, composed", "p\u{e4}ssword", 19_456, 2),
        ("passphrase, decomposed", "pa\u{308}ssword", 19_456, 2),
        ("passphrase, ligature, no-break space and wide letter", "\u{fb01}\u{a0}\u{ff21}", 19_456, 2),
        ("passphrase, spaces at its ends", "  x ", 19_456, 2),
        ("passphrase, beyond the basic plane", "\u{1f512}\u{1d504}", 19_456, 2),
    ] {
        cases.case(name, |case| {
            let cost = Cost::new(memory, passes).expect("within bounds");
            let stretch = Stretch::generate(cost, case.random(["salt"]));
            let passphrase = Passphrase::new(typed).expect("a passphrase");
            case.given("passphrase", typed);
            case.given("stretch", hex(stretch.to_bytes()));
            case.expect("pk", hex(stretch.run(&passphrase).expect("memory").to_bytes().as_slice()));
        });
    }
    for (name, typed, rule) in [
        ("passphrase, empty", String::new(), "empty"),
        ("passphrase, too long", "x".repeat(1025), "too-long"),
    ] {
        cases.case(name, |case| {
            case.given("passphrase", typed.as_str());
            case.refused(rule, Passphrase::new(&typed));
        });
    }
    for (name, memory, passes, rule) in [
        ("cost, too little memory", 19_455_u32, 2_u32, "too-weak"),
        ("cost, one pass", 65_536, 1, "too-weak"),
        ("cost, too much memory", 262_145, 2, "too-costly"),
        ("cost, too many passes", 65_536, 17, "too-costly"),
        ("cost, all ones", u32::MAX, u32::MAX, "too-costly"),
    ] {
        cases.case(name, |case| {
            let stretch = [&memory.to_be_bytes(), &passes.to_be_bytes(), [5; 16].as_slice()].concat();
            case.given("stretch", hex(&stretch));
            case.refused(rule, Stretch::from_bytes(&stretch.try_into().expect("24 bytes")));
        });
    }
}

/// A vault key, and how it would be stretched for.
fn vault(case: &mut Case) -> VaultKey {
    let vault = VaultKey::generate(case.random(["vault key"]));
    case.given("vault_key", hex(vault.to_bytes().as_slice()));
    vault
}

const TABLE: [&str; 6] = ["slot 0", "slot 1", "slot 2", "slot 3", "slot number", "r"];

fn new_table(case: &mut Case, vault: &VaultKey) -> OpenTable {
    OpenTable::new(VaultKey::from_bytes(&vault.to_bytes()), case.random(TABLE))
}

fn pk(case: &mut Case, what: &str, stretch: Stretch) -> StretchedKey {
    let mut bytes = [0; 32];
    rand_core::Rng::fill_bytes(case.random([what]), &mut bytes);
    StretchedKey::from_bytes(stretch, &bytes)
}

/// A table with a passphrase, and its pk; the draws before the last step are told with it.
fn locked(case: &mut Case) -> (OpenTable, StretchedKey) {
    let main = vault(case);
    let mut table = new_table(case, &main);
    case.drawn();
    let stretch = Stretch::generate(Cost::DEFAULT, case.random(["salt"]));
    let key = pk(case, "pk", stretch);
    table.set_passphrase(&key, case.random(TABLE)).expect("the first");
    (table, key)
}

fn with_duress(case: &mut Case) -> (OpenTable, StretchedKey, StretchedKey) {
    let (mut table, key) = locked(case);
    let decoy = VaultKey::generate(case.random(["decoy's vault key"]));
    let duress = pk(case, "duress pk", *key.stretch());
    table.set_duress(&duress, &decoy, case.random(["r of the duress slot"])).expect("another");
    case.given("decoy_vault_key", hex(decoy.to_bytes().as_slice()));
    (table, key, duress)
}

/// Tells a table by what each key opens in it, computed apart.
fn tell(case: &mut Case, open_table: &OpenTable, keys: &[Option<&StretchedKey>]) {
    let bytes = open_table.table().to_bytes();
    let mut opens = Vec::new();
    for key in keys {
        let opened = match key {
            None => open_table.table().clone().open_without_passphrase(),
            Some(key) => open_table.table().open(key),
        };
        let opened = opened.expect("opens");
        let pk = key.map_or([0; 32], |key| *key.to_bytes());
        let (number, content) = slot_of(&bytes, &pk);
        let role = if opened.role() == Role::Main { 1 } else { 2 };
        assert_eq!(content, [&[role], opened.vault().to_bytes().as_slice()].concat());
        opens.push(serde_json::json!({
            "pk": key.map_or("none".to_owned(), |_| hex(pk)),
            "number": number,
            "role": role,
            "vault_key": hex(opened.vault().to_bytes().as_slice()),
        }));
    }
    case.expect("table", hex(bytes));
    case.expect("opens", opens);
}

/// The slot that commits to a pk, and what is in it, straight on the primitives.
fn slot_of(table: &[u8], pk: &[u8; 32]) -> (usize, Vec<u8>) {
    let head = &table[..HEAD];
    for (number, slot) in table[HEAD..].chunks(SLOT).enumerate() {
        let place = [head, &[u8::try_from(number).expect("small")]].concat();
        let material = hkdf::<64>(&slot[..16], pk, "vault-slot", &[&place]);
        if material[32..] == slot[16..48] {
            return (number, open(&material[..32], &[0; 12], &slot[48..], &place));
        }
    }
    panic!("no slot commits to this key")
}

fn tables(cases: &mut Cases) {
    cases.case("new, without passphrase", |case| {
        let main = vault(case);
        let table = new_table(case, &main);
        tell(case, &table, &[None]);
    });
    for number in 0..4 {
        // Until the byte drawn for the slot number gives this one.
        let name = format!("with passphrase, slot {number}");
        cases.case(&name, |case| {
            let main = vault(case);
            let before = case.drawn();
            let (table, key) = loop {
                let mut table = new_table(case, &main);
                case.drawn();
                let stretch = Stretch::generate(Cost::DEFAULT, case.random(["salt"]));
                let key = pk(case, "pk", stretch);
                table.set_passphrase(&key, case.random(TABLE)).expect("the first");
                if slot_of(&table.table().to_bytes(), &key.to_bytes()).0 == number {
                    break (table, key);
                }
                case.drawn();
            };
            let drawn = case.drawn();
            let told = [before.as_array().expect("draws").clone(), drawn.as_array().expect("draws").clone()];
            case.restore(told.concat().into());
            case.given("stretch", hex(key.stretch().to_bytes()));
            case.given("pk", hex(key.to_bytes().as_slice()));
            tell(case, &table, &[Some(&key)]);
        });
    }
}

fn changes(cases: &mut Cases) {
    fn begin(case: &mut Case) -> (OpenTable, StretchedKey, StretchedKey) {
        let (table, key, duress) = with_duress(case);
        case.drawn();
        case.given("table", hex(table.table().to_bytes()));
        case.given("pk", hex(key.to_bytes().as_slice()));
        case.given("duress_pk", hex(duress.to_bytes().as_slice()));
        (table, key, duress)
    }
    cases.case("duress passphrase", |case| {
        let (mut table, key) = locked(case);
        case.drawn();
        case.given("table", hex(table.table().to_bytes()));
        case.given("pk", hex(key.to_bytes().as_slice()));
        let decoy = VaultKey::generate(case.random(["decoy's vault key"]));
        let duress = pk(case, "duress pk", *key.stretch());
        table.set_duress(&duress, &decoy, case.random(["r"])).expect("another");
        case.given("do", "set duress");
        case.given("decoy_vault_key", hex(decoy.to_bytes().as_slice()));
        case.given("duress_pk", hex(duress.to_bytes().as_slice()));
        tell(case, &table, &[Some(&key), Some(&duress)]);
    });
    cases.case("passphrase changed", |case| {
        let (mut table, key, duress) = begin(case);
        let new = pk(case, "new pk", *key.stretch());
        table.set_passphrase(&new, case.random(["r"])).expect("free");
        case.given("do", "set passphrase");
        case.given("new_pk", hex(new.to_bytes().as_slice()));
        tell(case, &table, &[Some(&new), Some(&duress)]);
    });
    cases.case("decoy's passphrase changed by the decoy", |case| {
        let (table, key, duress) = begin(case);
        let mut decoy = table.table().open(&duress).expect("opens");
        let new = pk(case, "new pk", *key.stretch());
        decoy.set_passphrase(&new, case.random(["r"])).expect("free");
        case.given("do", "set passphrase, opened with duress_pk");
        case.given("new_pk", hex(new.to_bytes().as_slice()));
        tell(case, &decoy, &[Some(&key), Some(&new)]);
    });
    cases.case("duress passphrase taken away", |case| {
        let (mut table, key, _) = begin(case);
        table.remove_duress(case.random(["slot"])).expect("the main vault");
        case.given("do", "remove duress");
        tell(case, &table, &[Some(&key)]);
    });
    cases.case("all passphrases taken away", |case| {
        let (mut table, _, _) = begin(case);
        table.remove_passphrases(case.random(TABLE)).expect("the main vault");
        case.given("do", "remove passphrases");
        tell(case, &table, &[None]);
    });
    type Change = fn(&mut OpenTable, &StretchedKey, &mut super::Recorder) -> Result<(), SlotError>;
    let refused: [(&str, bool, &str, bool, &'static str, Change); 5] = [
        (
            "the decoy's passphrase for the main vault",
            false,
            "set passphrase to duress_pk",
            true,
            "taken",
            |t, k, r| t.set_passphrase(k, r),
        ),
        (
            "the main passphrase for the decoy",
            true,
            "set passphrase to pk, opened with duress_pk",
            false,
            "taken",
            |t, k, r| t.set_passphrase(k, r),
        ),
        ("the main passphrase as duress passphrase", false, "set duress to pk", false, "taken", |t, k, r| {
            t.set_duress(k, &VaultKey::from_bytes(&[1; 32]), r)
        }),
        (
            "a duress passphrase from the decoy",
            true,
            "set duress, opened with duress_pk",
            true,
            "not-main",
            |t, k, r| t.set_duress(k, &VaultKey::from_bytes(&[1; 32]), r),
        ),
        (
            "passphrases taken away from the decoy",
            true,
            "remove passphrases, opened with duress_pk",
            true,
            "not-main",
            |t, _, r| t.remove_passphrases(r),
        ),
    ];
    for (name, as_decoy, what, with_duress_key, rule, change) in refused {
        cases.case(name, |case| {
            let (table, key, duress) = begin(case);
            let mut open = table.table().open(if as_decoy { &duress } else { &key }).expect("opens");
            let with = if with_duress_key { &duress } else { &key };
            let changed = change(&mut open, with, case.random([]));
            assert_eq!(open.table().to_bytes(), table.table().to_bytes(), "nothing was changed");
            case.given("do", what);
            case.refused(rule, changed);
        });
    }
}

fn refused_tables(cases: &mut Cases) {
    type Alter = fn(&mut Vec<u8>);
    let altered: [(&str, &'static str, Alter); 12] = [
        ("nothing", "malformed", |table| table.clear()),
        ("cut by a byte", "malformed", |table| table.truncate(413)),
        ("longer by a byte", "malformed", |table| table.push(0)),
        ("of the next version", "newer-version", |table| table[0] = 2),
        ("of the next version and another length", "newer-version", |table| {
            table[0] = 2;
            table.truncate(30);
        }),
        ("of version 0", "newer-version", |table| table[0] = 0),
        ("an unknown kdf", "malformed", |table| table[1] = 2),
        ("no kdf, with a cost", "malformed", |table| table[1] = 0),
        ("no kdf, with a salt", "malformed", |table| table[1..10].fill(0)),
        ("too little memory", "too-weak", |table| table[2..6].copy_from_slice(&19_455_u32.to_be_bytes())),
        ("one pass", "too-weak", |table| table[6..10].copy_from_slice(&1_u32.to_be_bytes())),
        ("too many passes", "too-costly", |table| table[6..10].copy_from_slice(&17_u32.to_be_bytes())),
    ];
    for (name, rule, alter) in altered {
        cases.case(&format!("table, {name}"), |case| {
            let (table, _) = locked(case);
            let mut bytes = table.table().to_bytes().to_vec();
            alter(&mut bytes);
            case.drawn();
            case.given("table", hex(&bytes));
            case.refused(rule, SlotTable::from_bytes(&bytes));
        });
    }
}

fn refused_keys(cases: &mut Cases) {
    /// Gives a table altered by hand, and tries a key on it.
    fn tried(
        cases: &mut Cases,
        name: &str,
        rule: &'static str,
        alter: impl FnOnce(&mut Vec<u8>, usize, &StretchedKey),
    ) {
        cases.case(&format!("opening, {name}"), |case| {
            let (table, key) = locked(case);
            case.drawn();
            let mut bytes = table.table().to_bytes().to_vec();
            let number = slot_of(&bytes, &key.to_bytes()).0;
            alter(&mut bytes, number, &key);
            case.given("table", hex(&bytes));
            case.given("pk", hex(key.to_bytes().as_slice()));
            let opened = SlotTable::from_bytes(&bytes).and_then(|table| {
                // Whoever opens stretches under what stands in the head.
                let stretch = *table.stretch().expect("a passphrase");
                table.open(&StretchedKey::from_bytes(stretch, &key.to_bytes()))
            });
            case.refused(rule, opened);
        });
    }
    cases.case("opening, wrong passphrase", |case| {
        let (table, key) = locked(case);
        let wrong = pk(case, "wrong pk", *key.stretch());
        case.drawn();
        case.given("table", hex(table.table().to_bytes()));
        case.given("pk", hex(wrong.to_bytes().as_slice()));
        case.refused("no-slot", table.table().open(&wrong));
    });
    tried(cases, "slots swapped", "no-slot", |table, number, _| {
        let (one, other) = (HEAD + number * SLOT, HEAD + (number + 1) % 4 * SLOT);
        for at in 0..SLOT {
            table.swap(one + at, other + at);
        }
    });
    tried(cases, "another salt", "no-slot", |table, _, _| table[10] ^= 1);
    tried(cases, "another cost", "no-slot", |table, _, _| table[9] ^= 1);
    tried(cases, "one bit of r", "no-slot", |table, number, _| table[HEAD + number * SLOT] ^= 1);
    tried(cases, "one bit of the commitment", "no-slot", |table, number, _| {
        table[HEAD + number * SLOT + 47] ^= 1
    });
    tried(cases, "one bit of the ciphertext", "damaged", |table, number, _| {
        table[HEAD + number * SLOT + 48] ^= 1
    });
    tried(cases, "one bit of the tag", "damaged", |table, number, _| table[HEAD + number * SLOT + 96] ^= 1);
    tried(cases, "a role of no meaning", "damaged", |table, number, key| {
        seal_by_hand(table, number, &key.to_bytes(), &[3; 33]);
    });
    tried(cases, "two slots that open", "damaged", |table, number, key| {
        seal_by_hand(table, (number + 2) % 4, &key.to_bytes(), &[1; 33]);
    });
    cases.case("opening, decoy without passphrase", |case| {
        let main = vault(case);
        let table = new_table(case, &main);
        case.drawn();
        let mut bytes = table.table().to_bytes().to_vec();
        let number = slot_of(&bytes, &[0; 32]).0;
        seal_by_hand(&mut bytes, number, &[0; 32], &[2; 33]);
        case.given("table", hex(&bytes));
        let opened = SlotTable::from_bytes(&bytes).and_then(SlotTable::open_without_passphrase);
        case.refused("damaged", opened);
    });
}

/// Seals a content of any kind into a slot, as somebody would who has the key and another program.
fn seal_by_hand(table: &mut [u8], number: usize, pk: &[u8; 32], content: &[u8; 33]) {
    use aes_gcm::aead::{Aead, Payload};
    use aes_gcm::{Aes256Gcm, KeyInit};
    let place = [&table[..HEAD], &[u8::try_from(number).expect("small")]].concat();
    let slot = &mut table[HEAD + number * SLOT..][..SLOT];
    let material = hkdf::<64>(&slot[..16], pk, "vault-slot", &[&place]);
    let cipher = Aes256Gcm::new_from_slice(&material[..32]).expect("32 bytes");
    let sealed = cipher.encrypt(&[0; 12].into(), Payload { msg: content, aad: &place }).expect("short");
    slot[16..48].copy_from_slice(&material[32..]);
    slot[48..].copy_from_slice(&sealed);
}
