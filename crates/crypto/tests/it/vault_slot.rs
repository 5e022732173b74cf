//! Vault slots: the right passphrase opens the right vault, and nothing tells which slots are used.

use crate::common::rng;
use sotto_crypto::passphrase::{Cost, CostError, Stretch, StretchedKey};
use sotto_crypto::vault::{OpenTable, Role, SLOTS, SlotError, SlotTable, VaultKey};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const HEAD: usize = 26;
const SLOT: usize = 97;
const MAIN: [u8; 32] = [1; 32];
const DECOY: [u8; 32] = [2; 32];

fn vault(bytes: [u8; 32]) -> VaultKey {
    VaultKey::from_bytes(&bytes)
}

/// A key as Argon2id might have given it, under this table's salt.
fn key(stretch: Stretch, passphrase: u8) -> StretchedKey {
    StretchedKey::from_bytes(stretch, &[passphrase; 32])
}

/// A table with passphrase 7, opened.
fn locked(seed: u64) -> (OpenTable, Stretch) {
    let rng = &mut rng(seed);
    let mut open = OpenTable::new(vault(MAIN), rng);
    let stretch = open.stretch_for_new(rng);
    open.set_passphrase(&key(stretch, 7), rng).unwrap();
    (open, stretch)
}

/// A table with passphrase 7 and duress passphrase 8.
fn with_duress(seed: u64) -> (OpenTable, Stretch) {
    let (mut open, stretch) = locked(seed);
    open.set_duress(&key(stretch, 8), &vault(DECOY), &mut rng(seed + 1)).unwrap();
    (open, stretch)
}

fn opened(table: &SlotTable, key: &StretchedKey) -> Result<(Role, [u8; 32]), SlotError> {
    table.open(key).map(|open| (open.role(), *open.vault().to_bytes()))
}

/// The slot in which a table differs from another under the same head.
fn changed(before: &SlotTable, after: &SlotTable) -> Vec<usize> {
    let (before, after) = (before.to_bytes(), after.to_bytes());
    assert_eq!(before[..HEAD], after[..HEAD]);
    let slots = before[HEAD..].chunks(SLOT).zip(after[HEAD..].chunks(SLOT));
    slots.enumerate().filter(|(_, (before, after))| before != after).map(|(number, _)| number).collect()
}

/// The slot of the main vault: the one that changing its passphrase writes.
fn main_slot(open: &OpenTable, stretch: Stretch) -> usize {
    let mut again = open.table().open(&key(stretch, 7)).unwrap();
    again.set_passphrase(&key(stretch, 7), &mut rng(99)).unwrap();
    changed(open.table(), again.table())[0]
}

#[test]
fn without_passphrase_nothing_is_computed() {
    let rng = &mut rng(1);
    let open = OpenTable::new(vault(MAIN), rng);
    let bytes = open.table().to_bytes();
    assert_eq!((bytes.len(), bytes[0], &bytes[1..HEAD]), (414, 1, [0; 25].as_slice()));
    let table = SlotTable::from_bytes(&bytes).unwrap();
    assert_eq!(table.stretch(), None);
    let again = table.clone().open_without_passphrase().unwrap();
    assert_eq!((again.role(), *again.vault().to_bytes()), (Role::Main, MAIN));
    let stretch = again.stretch_for_new(rng);
    assert_eq!(stretch.cost(), Cost::DEFAULT);
    assert_eq!(opened(&table, &key(stretch, 0)), Err(SlotError::OtherStretch));
}

#[test]
fn the_first_passphrase_makes_a_new_table() {
    let (open, stretch) = locked(2);
    let before = OpenTable::new(vault(MAIN), &mut rng(2)).table().to_bytes();
    let bytes = open.table().to_bytes();
    for (before, after) in before[HEAD..].chunks(SLOT).zip(bytes[HEAD..].chunks(SLOT)) {
        assert_ne!(before, after);
    }
    assert_eq!(bytes[..2], [1, 1]);
    assert_eq!(bytes[2..HEAD], stretch.to_bytes());
    let table = SlotTable::from_bytes(&bytes).unwrap();
    assert_eq!(table.stretch(), Some(&stretch));
    assert_eq!(opened(&table, &key(stretch, 7)), Ok((Role::Main, MAIN)));
    assert_eq!(opened(&table, &key(stretch, 6)), Err(SlotError::NoSlot));
    assert_eq!(table.open_without_passphrase().err(), Some(SlotError::Locked));
    assert_eq!(open.stretch_for_new(&mut rng(3)), stretch, "one salt for all slots");
}

#[test]
fn a_key_of_another_salt_is_refused_and_changes_nothing() {
    let (mut open, stretch) = locked(4);
    let other = Stretch::generate(Cost::DEFAULT, &mut rng(5));
    let before = open.table().to_bytes();
    assert_eq!(opened(open.table(), &key(other, 7)), Err(SlotError::OtherStretch));
    assert_eq!(open.set_passphrase(&key(other, 9), &mut rng(6)), Err(SlotError::OtherStretch));
    let refused = open.set_duress(&key(other, 9), &vault(DECOY), &mut rng(6));
    assert_eq!(refused, Err(SlotError::OtherStretch));
    assert_eq!(open.table().to_bytes(), before);
    assert_eq!(opened(open.table(), &key(stretch, 7)), Ok((Role::Main, MAIN)));
}

#[test]
fn two_passphrases_open_two_vaults() {
    for seed in 0..20 {
        let (open, stretch) = with_duress(10 + seed);
        let table = SlotTable::from_bytes(&open.table().to_bytes()).unwrap();
        assert_eq!(opened(&table, &key(stretch, 7)), Ok((Role::Main, MAIN)));
        assert_eq!(opened(&table, &key(stretch, 8)), Ok((Role::Decoy, DECOY)));
        assert_eq!(opened(&table, &key(stretch, 9)), Err(SlotError::NoSlot));
    }
}

#[test]
fn the_main_slot_is_any_of_the_four_and_the_duress_slot_follows_it() {
    let mut seen = [false; SLOTS];
    for seed in 0..40 {
        let (open, stretch) = locked(50 + seed);
        let main = main_slot(&open, stretch);
        seen[main] = true;
        let mut after = open.table().open(&key(stretch, 7)).unwrap();
        after.set_duress(&key(stretch, 8), &vault(DECOY), &mut rng(7)).unwrap();
        assert_eq!(changed(open.table(), after.table()), [(main + 1) % SLOTS]);
    }
    assert_eq!(seen, [true; SLOTS]);
}

#[test]
fn passphrases_change_one_slot_each() {
    let (open, stretch) = with_duress(100);
    let main = main_slot(&open, stretch);
    let rng = &mut rng(101);
    let mut changes = open.table().open(&key(stretch, 7)).unwrap();
    changes.set_passphrase(&key(stretch, 17), rng).unwrap();
    assert_eq!(changed(open.table(), changes.table()), [main]);
    assert_eq!(opened(changes.table(), &key(stretch, 7)), Err(SlotError::NoSlot));
    assert_eq!(opened(changes.table(), &key(stretch, 17)), Ok((Role::Main, MAIN)));
    assert_eq!(opened(changes.table(), &key(stretch, 8)), Ok((Role::Decoy, DECOY)));

    let before = changes.table().clone();
    changes.set_duress(&key(stretch, 18), &vault([3; 32]), rng).unwrap();
    assert_eq!(changed(&before, changes.table()), [(main + 1) % SLOTS], "the same slot again");
    assert_eq!(opened(changes.table(), &key(stretch, 8)), Err(SlotError::NoSlot));
    assert_eq!(opened(changes.table(), &key(stretch, 18)), Ok((Role::Decoy, [3; 32])));

    // The decoy's owner changes its own slot and role stays.
    let mut decoy = changes.table().open(&key(stretch, 18)).unwrap();
    decoy.set_passphrase(&key(stretch, 19), rng).unwrap();
    assert_eq!(opened(decoy.table(), &key(stretch, 19)), Ok((Role::Decoy, [3; 32])));
    assert_eq!(opened(decoy.table(), &key(stretch, 17)), Ok((Role::Main, MAIN)));

    changes.remove_duress(rng).unwrap();
    assert_eq!(opened(changes.table(), &key(stretch, 18)), Err(SlotError::NoSlot));
    assert_eq!(opened(changes.table(), &key(stretch, 17)), Ok((Role::Main, MAIN)));

    changes.remove_passphrases(rng).unwrap();
    let plain = SlotTable::from_bytes(&changes.table().to_bytes()).unwrap();
    let plain = plain.open_without_passphrase().unwrap();
    assert_eq!((plain.role(), *plain.vault().to_bytes()), (Role::Main, MAIN));
}

#[test]
fn what_is_not_allowed_changes_nothing() {
    let (open, stretch) = with_duress(110);
    let rng = &mut rng(111);
    let mut main = open.table().open(&key(stretch, 7)).unwrap();
    let before = main.table().to_bytes();
    assert_eq!(main.set_passphrase(&key(stretch, 8), rng), Err(SlotError::Taken));
    assert_eq!(main.set_duress(&key(stretch, 7), &vault(DECOY), rng), Err(SlotError::Taken));
    assert_eq!(main.table().to_bytes(), before);
    // The same again is no other slot.
    main.set_passphrase(&key(stretch, 7), rng).unwrap();
    main.set_duress(&key(stretch, 8), &vault(DECOY), rng).unwrap();

    let mut decoy = open.table().open(&key(stretch, 8)).unwrap();
    assert_eq!(decoy.set_passphrase(&key(stretch, 7), rng), Err(SlotError::Taken));
    assert_eq!(decoy.set_duress(&key(stretch, 9), &vault([3; 32]), rng), Err(SlotError::NotMain));
    assert_eq!(decoy.remove_duress(rng), Err(SlotError::NotMain));
    assert_eq!(decoy.remove_passphrases(rng), Err(SlotError::NotMain));
    assert_eq!(decoy.table().to_bytes(), before);

    let mut plain = OpenTable::new(vault(MAIN), rng);
    let before = plain.table().to_bytes();
    assert_eq!(plain.set_duress(&key(stretch, 8), &vault(DECOY), rng), Err(SlotError::NoPassphrase));
    assert_eq!(plain.table().to_bytes(), before);
}

#[test]
fn a_slot_opens_in_its_place_only() {
    let (open, stretch) = with_duress(120);
    let main = main_slot(&open, stretch);
    let slots: Vec<Vec<u8>> = open.table().to_bytes()[HEAD..].chunks(SLOT).map(<[u8]>::to_vec).collect();
    for (one, other) in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] {
        let mut swapped = slots.clone();
        swapped.swap(one, other);
        let bytes = [open.table().to_bytes()[..HEAD].to_vec(), swapped.concat()].concat();
        let table = SlotTable::from_bytes(&bytes).unwrap();
        let moved = |slot| slot == one || slot == other;
        for (passphrase, slot) in [(7, main), (8, (main + 1) % SLOTS)] {
            let result = opened(&table, &key(stretch, passphrase));
            assert_eq!(result.is_err(), moved(slot), "{one} {other}");
            assert!(result.is_ok() || result == Err(SlotError::NoSlot));
        }
    }
    // Two copies: only the one in its place fits.
    let copies = [open.table().to_bytes()[..HEAD].to_vec(), slots[main].repeat(SLOTS)].concat();
    let table = SlotTable::from_bytes(&copies).unwrap();
    assert_eq!(opened(&table, &key(stretch, 7)), Ok((Role::Main, MAIN)));
}

#[test]
fn slots_of_another_table_do_not_open() {
    let ((one, stretch), (other, _)) = (locked(130), locked(131));
    let mixed = [&one.table().to_bytes()[..HEAD], &other.table().to_bytes()[HEAD..]].concat();
    let table = SlotTable::from_bytes(&mixed).unwrap();
    assert_eq!(opened(&table, &key(stretch, 7)), Err(SlotError::NoSlot));
}

#[test]
fn every_bit_counts() {
    let (open, stretch) = locked(140);
    let main = main_slot(&open, stretch);
    let bytes = open.table().to_bytes();
    for bit in 0..bytes.len() * 8 {
        let mut altered = bytes;
        altered[bit / 8] ^= 1 << (bit % 8);
        let result = SlotTable::from_bytes(&altered).and_then(|table| {
            // Whoever is asked stretches under what stands there.
            opened(&table, &key(*table.stretch().unwrap(), 7))
        });
        let own = HEAD + main * SLOT;
        let expected = match bit / 8 {
            0 => Err(SlotError::NewerVersion),
            1 => Err(SlotError::Malformed),
            2..10 => match Stretch::from_bytes(altered[2..HEAD].try_into().unwrap()) {
                Err(CostError::TooWeak) => Err(SlotError::TooWeak),
                Err(CostError::TooCostly) => Err(SlotError::TooCostly),
                Ok(_) => Err(SlotError::NoSlot),
            },
            10..HEAD => Err(SlotError::NoSlot),
            at if at < own || at >= own + SLOT => Ok((Role::Main, MAIN)),
            at if at < own + 48 => Err(SlotError::NoSlot),
            _ => Err(SlotError::Damaged),
        };
        assert_eq!(result, expected, "bit {bit}");
    }
}

#[test]
fn tables_have_one_length_and_one_version() {
    let (open, stretch) = locked(150);
    let bytes = open.table().to_bytes();
    let refused = |bytes: &[u8]| SlotTable::from_bytes(bytes).err();
    for length in 0..bytes.len() {
        assert_eq!(refused(&bytes[..length]), Some(SlotError::Malformed), "{length}");
    }
    assert_eq!(refused(&[bytes.as_slice(), &[0]].concat()), Some(SlotError::Malformed));
    for version in (0..=255).filter(|version| *version != 1) {
        let mut altered = bytes;
        altered[0] = version;
        assert_eq!(refused(&altered), Some(SlotError::NewerVersion));
        assert_eq!(refused(&[version]), Some(SlotError::NewerVersion), "whatever its length");
    }
    for kdf in 2..=255 {
        let mut altered = bytes;
        altered[1] = kdf;
        assert_eq!(refused(&altered), Some(SlotError::Malformed));
    }
    let cost = |memory: u32, passes: u32| {
        let mut altered = bytes;
        altered[2..6].copy_from_slice(&memory.to_be_bytes());
        altered[6..10].copy_from_slice(&passes.to_be_bytes());
        refused(&altered)
    };
    assert_eq!(cost(19_456, 2), None);
    assert_eq!(cost(19_455, 2), Some(SlotError::TooWeak));
    assert_eq!(cost(65_536, 1), Some(SlotError::TooWeak));
    assert_eq!(cost(262_145, 2), Some(SlotError::TooCostly));
    assert_eq!(cost(65_536, u32::MAX), Some(SlotError::TooCostly));
    // Without passphrase there is nothing to stretch under.
    let mut plain = OpenTable::new(vault(MAIN), &mut rng(151)).table().to_bytes();
    for at in 2..HEAD {
        plain[at] = 1;
        assert_eq!(refused(&plain), Some(SlotError::Malformed), "{at}");
        plain[at] = 0;
    }
    assert_eq!(opened(open.table(), &key(stretch, 7)), Ok((Role::Main, MAIN)));
}

/// A used slot and an unused one have the same share of ones at every place, as far as many of them can tell.
#[test]
fn used_and_unused_slots_look_alike() {
    const TABLES: u32 = 400;
    let mut ones = [[0_u32; SLOT]; 2];
    for seed in 0..TABLES {
        let (open, stretch) = locked(1_000 + u64::from(seed));
        let main = main_slot(&open, stretch);
        let bytes = open.table().to_bytes();
        for (counts, slot) in ones.iter_mut().zip([main, (main + 2) % SLOTS]) {
            let slot = &bytes[HEAD + slot * SLOT..][..SLOT];
            for (count, byte) in counts.iter_mut().zip(slot) {
                *count += byte.count_ones();
            }
        }
    }
    for (at, (used, unused)) in ones[0].iter().zip(ones[1]).enumerate() {
        // 3,200 coins: seven standard deviations are 198. A fixed or small byte would be off by hundreds.
        for count in [*used, unused] {
            assert!(count.abs_diff(TABLES * 4) < 198, "byte {at}: {count}");
        }
    }
}
