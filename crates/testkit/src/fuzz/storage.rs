//! What comes from the disk: sealed records, and the engine's records with anything in them. The first byte chooses.

use std::sync::OnceLock;

use sotto_crypto::vault::{RECORD_OVERHEAD, RecordPlace, StoreCipher, VaultKey};
use sotto_engine::{Change, Command, Record, RestoreError, Store};
use zeroize::Zeroizing;

use super::Seeds;
use super::input::{Choices, alter};
use super::scene::{ANNA, MINUTE, Scene};
use super::someone::rng;
use crate::world::World;

const PLACE: RecordPlace<'_> = RecordPlace { key: b"key", schema: 1, revision: 2 };

/// Reads the bytes as something stored.
pub fn storage(data: &[u8]) -> bool {
    let Some((kind, bytes)) = data.split_first() else { return false };
    let choices = Choices::new(bytes);
    match kind {
        0 => sealed(bytes),
        1 => altered(choices),
        2 => elsewhere(choices),
        3 => record_of(choices),
        4 => altered_record(choices),
        5 => missing_record(choices),
        _ => false,
    }
}

fn cipher() -> &'static StoreCipher {
    static CIPHER: OnceLock<StoreCipher> = OnceLock::new();
    CIPHER.get_or_init(|| VaultKey::from_bytes(&[1; 32]).store("store"))
}

fn seal(content: &[u8]) -> Vec<u8> {
    cipher().seal(&PLACE, content, &mut rng(1))
}

/// Any bytes as a sealed record; nobody sealed them but the corpus.
fn sealed(bytes: &[u8]) -> bool {
    let opened = cipher().open(&PLACE, bytes);
    assert!(opened.is_err() || bytes == seal(b"content"));
    opened.is_ok()
}

fn altered(mut choices: Choices<'_>) -> bool {
    let content = vec![7; choices.below(300)];
    let mut record = seal(&content);
    assert_eq!(record.len(), content.len() + RECORD_OVERHEAD);
    let changed = alter(&mut record, &mut choices);
    match cipher().open(&PLACE, &record) {
        Ok(opened) => assert!(!changed && *opened == content),
        Err(_) => assert!(changed),
    }
    !changed
}

/// A record opens in its own place only.
fn elsewhere(mut choices: Choices<'_>) -> bool {
    let (schema, revision) = (u32::from(choices.u8()), u64::from(choices.u8()));
    let store = ["store", "stor", "estore", ""][usize::from(choices.u8() % 4)];
    let place = RecordPlace { key: choices.rest(), schema, revision };
    let opened = VaultKey::from_bytes(&[1; 32]).store(store).open(&place, &seal(b"content"));
    assert_eq!(opened.is_ok(), place == PLACE && store == "store");
    opened.is_ok()
}

fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(Scene::busy)
}

/// A client on this disk, and a minute of its life: it answers the server, speaks, and reads its history. Whatever the
/// records say, it is refused or it lives.
fn live(records: Vec<Record>) -> Result<(), RestoreError> {
    let mut world = scene().world(1);
    let disk = &mut world.people[ANNA].disk;
    for store in Store::ALL.into_iter().filter(|store| store.is_loaded_at_start()) {
        disk.forget(store);
    }
    disk.apply(records.into_iter().map(Change::Put).collect());
    world.try_open_page(ANNA)?;
    exercise(&mut world);
    // What it stored since is sound.
    world.reload(ANNA);
    world.run_for(MINUTE);
    Ok(())
}

fn exercise(world: &mut World) {
    world.run_for(MINUTE);
    let contacts: Vec<_> = world.people[ANNA].screen.contacts.keys().copied().collect();
    for contact in contacts.into_iter().take(3) {
        world.command(ANNA, Command::SendText { contact, text: "hello".to_owned() });
        world.command(ANNA, Command::LoadHistory { contact, before: None, limit: 50 });
        world.command(ANNA, Command::ShowSafetyNumber(contact));
        world.command(ANNA, Command::ConfirmContact(contact));
    }
    world.run_for(MINUTE);
}

fn records() -> Vec<Record> {
    scene().disk(ANNA).loaded_at_start()
}

/// Places of the records that differ in kind: one-time prekeys are alike, the first stands for all.
fn distinct(records: &[Record]) -> Vec<usize> {
    let one_time = |record: &Record| record.key.starts_with(b"one-time");
    let first = records.iter().position(one_time);
    let places = 0..records.len();
    places.filter(|place| first == Some(*place) || !one_time(&records[*place])).collect()
}

fn chosen(choices: &mut Choices<'_>, records: &[Record]) -> usize {
    let distinct = distinct(records);
    distinct[usize::from(choices.u8()) % distinct.len()]
}

/// A stored record with these bytes as its value.
fn record_of(mut choices: Choices<'_>) -> bool {
    let mut records = records();
    let place = chosen(&mut choices, &records);
    records[place].value = Zeroizing::new(choices.rest().to_vec());
    live(records).is_ok()
}

/// A stored record, altered.
fn altered_record(mut choices: Choices<'_>) -> bool {
    let mut records = records();
    let place = chosen(&mut choices, &records);
    let mut value = records[place].value.to_vec();
    alter(&mut value, &mut choices);
    records[place].value = Zeroizing::new(value);
    live(records).is_ok()
}

/// Records that are gone, or under another key.
fn missing_record(mut choices: Choices<'_>) -> bool {
    let mut records = records();
    for _ in 0..4 {
        if choices.is_empty() || records.is_empty() {
            break;
        }
        let place = chosen(&mut choices, &records);
        if choices.u8().is_multiple_of(2) {
            records.remove(place);
        } else {
            alter(&mut records[place].key, &mut choices);
            records[place].key.truncate(64);
        }
    }
    live(records).is_ok()
}

pub(super) fn seeds() -> Seeds {
    let mut seeds: Seeds = vec![
        ("sealed".to_owned(), [&[0], seal(b"content").as_slice()].concat()),
        ("unchanged".to_owned(), vec![1, 0, 9]),
        ("in-place".to_owned(), [&[2, 1, 2, 0], b"key".as_slice()].concat()),
        ("nothing-missing".to_owned(), vec![5]),
    ];
    let records = records();
    for (number, place) in (0_u8..).zip(distinct(&records)) {
        let Record { store, value, .. } = &records[place];
        seeds.push((format!("{}-{number}", store.name()), [&[3, number], value.as_slice()].concat()));
    }
    seeds.push(("record-unchanged".to_owned(), vec![4, 0]));
    seeds
}
