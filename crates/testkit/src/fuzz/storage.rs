//! What comes from the disk: sealed records, and the engine's records with anything in them. The first byte chooses.

use std::sync::OnceLock;

use sotto_crypto::backup::{BackupError, BackupHead, BackupSealer, RecoveryKey};
use sotto_crypto::keys::AccountKey;
use sotto_crypto::passphrase::{Cost, Stretch, StretchedKey};
use sotto_crypto::vault::{OpenTable, RECORD_OVERHEAD, RecordPlace, Role, SlotTable, StoreCipher, VaultKey};
use sotto_engine::{Change, Command, Record, RestoreError, Store};
use sotto_wire::backup::{BackupContent, BackupEntry};
use sotto_wire::peer::Name;
use zeroize::Zeroizing;

use super::Seeds;
use super::input::{Choices, alter};
use super::scene::{ANNA, MINUTE, Scene};
use super::someone::{Someone, rng};
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
        6 => slots(bytes),
        7 => altered_slots(choices),
        8 => recovery_key(bytes),
        9 => backup_head(bytes),
        10 => altered_backup(choices),
        11 => backup_content(choices),
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

fn stretched() -> &'static StretchedKey {
    static KEY: OnceLock<StretchedKey> = OnceLock::new();
    // Stretching itself takes a second, and nothing of it comes from outside but numbers that are checked before.
    KEY.get_or_init(|| {
        StretchedKey::from_bytes(Stretch::generate(Cost::new(19_456, 2).unwrap(), &mut rng(20)), &[4; 32])
    })
}

/// A slot table with a passphrase, and its vault.
fn table() -> &'static SlotTable {
    static TABLE: OnceLock<SlotTable> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut open = OpenTable::new(VaultKey::from_bytes(&[1; 32]), &mut rng(21));
        open.set_passphrase(stretched(), &mut rng(22)).unwrap();
        open.table().clone()
    })
}

/// Bytes that are accepted as a slot table are what it is stored as, at a cost within the bounds.
fn slots(bytes: &[u8]) -> bool {
    let Ok(read) = SlotTable::from_bytes(bytes) else { return false };
    assert_eq!(read.to_bytes()[..], *bytes, "one encoding");
    if let Some(stretch) = read.stretch() {
        let cost = stretch.cost();
        assert!((Cost::MEMORY_MIN..=Cost::MEMORY_MAX).contains(&cost.memory()));
        assert!(cost.passes() >= Cost::PASSES_MIN && cost.memory() * cost.passes() <= Cost::WORK_MAX);
    }
    // What lies in slots that are not used says nothing to anybody; all else must be as it was made.
    if let Ok(opened) = read.open(stretched()) {
        assert!(opened.role() == Role::Main && *opened.vault().to_bytes() == [1; 32]);
    }
    assert!(read.open_without_passphrase().is_err());
    true
}

fn altered_slots(mut choices: Choices<'_>) -> bool {
    let mut bytes = table().to_bytes().to_vec();
    let changed = alter(&mut bytes, &mut choices);
    let read = slots(&bytes);
    assert!(changed || read);
    read
}

/// What a person types as a recovery key; written out again, it is the same key.
fn recovery_key(bytes: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(bytes) else { return false };
    let Ok(key) = RecoveryKey::from_text(text) else { return false };
    let written = key.to_text();
    assert_eq!(RecoveryKey::from_text(&written).map(|key| key.to_text()), Ok(written.clone()));
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    assert_eq!(digits(text), digits(&written));
    true
}

fn recovery() -> &'static (RecoveryKey, Vec<Vec<u8>>) {
    static BACKUP: OnceLock<(RecoveryKey, Vec<Vec<u8>>)> = OnceLock::new();
    BACKUP.get_or_init(|| {
        let key = RecoveryKey::generate(&mut rng(23));
        let content = [vec![1; 60_000], vec![2; 60_000], vec![3]];
        let pieces = sealed_backup(&key, content.iter().map(Vec::as_slice));
        (key, pieces)
    })
}

/// Head and chunks.
fn sealed_backup<'a>(key: &RecoveryKey, items: impl Iterator<Item = &'a [u8]>) -> Vec<Vec<u8>> {
    let mut sealer = BackupSealer::with_recovery_key(key, &mut rng(24));
    let mut pieces = vec![sealer.head().to_vec()];
    for item in items {
        pieces.extend(sealer.push(item).unwrap());
    }
    pieces.extend(sealer.finish());
    pieces
}

fn backup_head(bytes: &[u8]) -> bool {
    let Ok(head) = BackupHead::from_bytes(bytes) else { return false };
    assert_eq!(head.to_bytes()[..], *bytes, "one encoding");
    let (key, pieces) = recovery();
    let opened = head.open_with_recovery_key(key);
    assert_eq!(opened.is_ok(), *bytes == pieces[0]);
    assert!(head.open_with_passphrase(stretched()).is_err());
    true
}

/// Opens a whole backup.
fn open_backup(key: &RecoveryKey, pieces: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, BackupError> {
    let (head, chunks) = pieces.split_first().ok_or(BackupError::NotABackup)?;
    let mut opener = BackupHead::from_bytes(head)?.open_with_recovery_key(key)?;
    let (last, rest) = chunks.split_last().ok_or(BackupError::WrongLength)?;
    let mut items: Vec<Vec<u8>> = Vec::new();
    for chunk in rest {
        items.extend(opener.open(chunk)?.iter().map(|item| item.to_vec()));
    }
    items.extend(opener.open_last(last)?.iter().map(|item| item.to_vec()));
    Ok(items)
}

/// Chunks altered, swapped, repeated or left out: refused, unless nothing changed.
fn altered_backup(mut choices: Choices<'_>) -> bool {
    let (key, whole) = recovery();
    let mut pieces = whole.clone();
    for _ in 0..3 {
        if choices.is_empty() {
            break;
        }
        let (at, other) = (choices.below(pieces.len().max(1)), choices.below(whole.len()));
        match choices.u8() % 4 {
            0 if !pieces.is_empty() => drop(pieces.remove(at)),
            1 => pieces.insert(at, whole[other].clone()),
            2 if !pieces.is_empty() => drop(alter(&mut pieces[at], &mut choices)),
            _ => {}
        }
    }
    let opened = open_backup(key, &pieces);
    assert_eq!(opened.is_ok(), pieces == *whole);
    opened.is_ok()
}

/// Any items in a backup that is sealed as it should be: they come back as they were, and are read or refused.
fn backup_content(mut choices: Choices<'_>) -> bool {
    let mut items: Vec<Vec<u8>> = Vec::new();
    while !choices.is_empty() && items.len() < 16 {
        let length = usize::from(choices.u16()).clamp(1, 4_000);
        items.push((0..length).map(|_| choices.u8()).collect());
    }
    let (key, _) = recovery();
    let pieces = sealed_backup(key, items.iter().map(Vec::as_slice));
    assert_eq!(open_backup(key, &pieces).as_ref(), Ok(&items));
    let mut content = BackupContent::new();
    let mut read = 0;
    for item in &items {
        if let Ok(entry) = content.read(item) {
            read += 1;
            assert_eq!(*entry.encode(), *item.as_slice(), "one encoding");
        }
    }
    content.finish().is_ok() && read == items.len()
}

fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(Scene::busy)
}

/// A client on this disk, and a minute of its life: it answers the server, speaks, and reads its history. Whatever the
/// records say, it is refused or it lives.
fn live(records: Vec<Record>) -> Result<(), RestoreError> {
    let mut world = scene().world(1);
    world.server.clients_may_err = true;
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
        ("refused-altered".to_owned(), vec![1, 0, 9, 3, 0, 20, 1]),
        ("refused-elsewhere".to_owned(), [&[2, 1, 3, 0], b"key".as_slice()].concat()),
        ("refused-stretch".to_owned(), vec![7, 3, 0, 3, 0xff]),
        ("refused-backup-swapped".to_owned(), vec![10, 0, 1, 0, 1, 1]),
        ("refused-backup-altered".to_owned(), vec![10, 0, 1, 0, 0, 2, 3, 0, 9, 1]),
        ("nothing-missing".to_owned(), vec![5]),
    ];
    let records = records();
    for (number, place) in (0_u8..).zip(distinct(&records)) {
        let Record { store, value, .. } = &records[place];
        seeds.push((format!("{}-{number}", store.name()), [&[3, number], value.as_slice()].concat()));
    }
    seeds.push(("slots".to_owned(), [&[6], table().to_bytes().as_slice()].concat()));
    seeds.push(("slots-unchanged".to_owned(), vec![7]));
    let (key, pieces) = recovery();
    seeds.push(("recovery-key".to_owned(), [&[8], key.to_text().as_bytes()].concat()));
    seeds.push(("backup-head".to_owned(), [&[9], pieces[0].as_slice()].concat()));
    seeds.push(("backup-unchanged".to_owned(), vec![10]));
    let anna = Someone::new(1);
    let account = BackupEntry::Account {
        version: 1,
        key: AccountKey::from_bytes(&anna.account.to_bytes()).unwrap(),
        list: anna.list.clone(),
        name: Name::new("Anna".to_owned()).unwrap(),
        created: 5,
    };
    let account = account.encode();
    let length = u16::try_from(account.len()).unwrap().to_be_bytes();
    seeds.push(("backup-content".to_owned(), [&[11], &length[..], &account].concat()));
    seeds.push(("record-unchanged".to_owned(), vec![4, 0]));
    seeds
}
