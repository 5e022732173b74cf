use minicbor::Encoder;
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use sotto_crypto::backup::{BackupHead, BackupSealer, ITEM_MAX, RecoveryKey};
use sotto_crypto::keys::{AccountKey, DeviceIdentityKey, DeviceSigningKey};
use sotto_crypto::{AccountId, DeliveryToken, DeviceId, MailboxId};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::peer::{DeviceList, ListedDevice, Name, PeerError, Text, limits};

struct Someone {
    key: AccountKey,
    list: DeviceList,
}

fn someone(seed: u64) -> Someone {
    let rng = &mut ChaCha12Rng::seed_from_u64(seed);
    let key = AccountKey::generate(rng);
    let device = ListedDevice {
        id: DeviceId::generate(rng),
        signing: DeviceSigningKey::generate(rng).public(),
        identity: DeviceIdentityKey::generate(rng).public(),
    };
    let list = DeviceList::sign(&key, 1, [0; 32], vec![device], rng).unwrap();
    Someone { key, list }
}

impl Someone {
    fn id(&self) -> AccountId {
        self.key.public().id()
    }

    fn account(&self) -> BackupEntry {
        BackupEntry::Account {
            version: limits::VERSION,
            key: AccountKey::from_bytes(&self.key.to_bytes()).unwrap(),
            list: self.list.clone(),
            name: name("Ann"),
            created: 1_800_000_000_000,
        }
    }

    fn contact(&self) -> BackupEntry {
        BackupEntry::Contact {
            list: self.list.clone(),
            name: name("Ben"),
            petname: name(""),
            verified: true,
            standing: Standing::Confirmed,
            mailbox: MailboxId::from_bytes([6; 16]),
            token: DeliveryToken::from_bytes(&[7; 32]),
        }
    }
}

fn name(name: &str) -> Name {
    Name::new(name.to_owned()).unwrap()
}

fn said(lamport: u64, author: AccountId, sequence: u64, said: Said) -> BackupEntry {
    BackupEntry::Message { lamport, author, sequence, message_id: [9; 16], sent_at: 5, said }
}

fn message(lamport: u64, author: AccountId, sequence: u64) -> BackupEntry {
    said(lamport, author, sequence, Said::Missing { count: 1 })
}

/// Ann, and two contacts in ascending order.
fn people() -> [Someone; 3] {
    let [ann, ben, cem] = [someone(1), someone(2), someone(3)];
    if ben.id() < cem.id() { [ann, ben, cem] } else { [ann, cem, ben] }
}

fn forms(author: AccountId) -> Vec<BackupEntry> {
    let everything = [
        Said::Text { text: Text::new("x".repeat(limits::TEXT_MAX)).unwrap() },
        Said::File {
            name: Text::new("a.txt".to_owned()).unwrap(),
            size: limits::FILE_SIZE_MAX,
            mime: Text::new(String::new()).unwrap(),
        },
        Said::Missing { count: u64::MAX },
        Said::Milestone { kind: Milestone::CameByOurLink },
        Said::Milestone { kind: Milestone::CameByTheirLink },
        Said::Milestone { kind: Milestone::Confirmed },
        Said::Milestone { kind: Milestone::Ended },
    ];
    everything.into_iter().zip(1..).map(|(form, lamport)| said(lamport, author, 1, form)).collect()
}

/// Everything that a backup can hold.
fn row() -> Vec<BackupEntry> {
    let [ann, ben, cem] = people();
    let mut row = vec![ann.account(), ben.contact()];
    row.extend(forms(ben.id()));
    row.push(message(8, ann.id(), 1));
    row.push(cem.contact());
    row.push(message(1, cem.id(), 1));
    row
}

fn write(row: &[BackupEntry]) -> Result<Vec<Vec<u8>>, ContentError> {
    let mut content = BackupContent::new();
    let items = row.iter().map(|entry| content.write(entry).map(|item| item.to_vec())).collect();
    content.finish()?;
    items
}

/// The error of the last entry of a row, the others being in their places, written and read.
fn refused(row: &[BackupEntry]) -> ContentError {
    let (last, before) = row.split_last().unwrap();
    let (mut writing, mut reading) = (BackupContent::new(), BackupContent::new());
    for entry in before {
        reading.read(&writing.write(entry).unwrap()).unwrap();
    }
    let state = format!("{reading:?}");
    let error = reading.read(&last.encode()).unwrap_err();
    assert_eq!(writing.write(last).unwrap_err(), error);
    assert_eq!(format!("{reading:?}"), state, "nothing was changed");
    error
}

#[test]
fn a_backup_holds_what_was_put_in() {
    let items = write(&row()).unwrap();
    assert!(items.iter().all(|item| item.len() <= ITEM_MAX));
    let key = RecoveryKey::from_bytes(&[1; 32]);
    let mut sealer = BackupSealer::with_recovery_key(&key, &mut ChaCha12Rng::seed_from_u64(1));
    let head = BackupHead::from_bytes(sealer.head()).unwrap();
    let mut chunks: Vec<_> = items.iter().filter_map(|item| sealer.push(item).unwrap()).collect();
    chunks.extend(sealer.finish());
    let (last, first) = chunks.split_last().unwrap();
    let mut opener = head.open_with_recovery_key(&key).unwrap();
    let mut opened: Vec<_> = first.iter().flat_map(|chunk| opener.open(chunk).unwrap()).collect();
    opened.extend(opener.open_last(last).unwrap());
    let mut content = BackupContent::new();
    for (item, entry) in opened.iter().zip(row()) {
        assert_eq!(content.read(item).unwrap().encode(), entry.encode());
    }
    assert_eq!(opened.len(), row().len());
    content.finish().unwrap();
}

#[test]
fn entries_out_of_their_places_are_refused() {
    let [ann, ben, cem] = people();
    let (account, contact) = (Someone::account, Someone::contact);
    assert_eq!(BackupContent::new().finish(), Err(ContentError::AccountPlace));
    assert_eq!(refused(&[contact(&ben)]), ContentError::AccountPlace);
    assert_eq!(refused(&[message(1, ann.id(), 1)]), ContentError::AccountPlace);
    assert_eq!(refused(&[account(&ann), account(&ann)]), ContentError::AccountPlace);
    assert_eq!(refused(&[account(&ann), contact(&ben), account(&cem)]), ContentError::AccountPlace);
    assert_eq!(refused(&[account(&ann), message(1, ann.id(), 1)]), ContentError::MessageOrder);
    assert_eq!(refused(&[account(&ann), contact(&ann)]), ContentError::OwnAccount);
    assert_eq!(refused(&[account(&ann), contact(&ben), contact(&ben)]), ContentError::ContactOrder);
    assert_eq!(refused(&[account(&ann), contact(&cem), contact(&ben)]), ContentError::ContactOrder);
    let with = |message| [account(&ann), contact(&ben), message];
    assert_eq!(refused(&with(message(1, cem.id(), 1))), ContentError::ForeignAuthor);
    let first = ann.id().min(ben.id());
    let last = ann.id().max(ben.id());
    for (before, after) in [
        ((2, first, 1), (2, first, 1)),
        ((2, first, 2), (2, first, 1)),
        ((2, last, 1), (2, first, 9)),
        ((2, first, 1), (1, last, 9)),
    ] {
        let [before, after] =
            [before, after].map(|(lamport, author, sequence)| message(lamport, author, sequence));
        let row = [account(&ann), contact(&ben), before, after];
        assert_eq!(refused(&row), ContentError::MessageOrder);
    }
    // The order is that of one conversation.
    let row = [
        account(&ann),
        contact(&ben),
        message(2, ann.id(), 2),
        contact(&cem),
        message(1, ann.id(), 1),
        message(1, ann.id(), 2),
    ];
    assert!(write(&row).is_ok());
}

#[test]
fn contacts_are_bounded() {
    let [ann, ..] = people();
    let mut others: Vec<_> = (10..10 + u64::from(CONTACTS_MAX) + 1).map(someone).collect();
    others.sort_by_key(Someone::id);
    let mut row = vec![ann.account()];
    row.extend(others.iter().map(Someone::contact));
    assert_eq!(refused(&row), ContentError::TooManyContacts);
    row.pop();
    assert!(write(&row).is_ok());
}

/// A name of a field is left; its bytes are written as they are.
fn with_field(bytes: &[u8], fields: u8, extra: &[u8]) -> Vec<u8> {
    // `[n, {` is three bytes while the map has fewer than 24 fields.
    assert_eq!(bytes[2], 0xa0 + fields);
    [&bytes[..2], &[0xa0 + fields + 1], &bytes[3..], extra].concat()
}

#[test]
fn entries_are_read_strictly() {
    let [ann, ben, _] = people();
    let entries = [(ann.account(), 5), (ben.contact(), 7), (message(1, ben.id(), 1), 6)];
    for (entry, fields) in entries {
        let bytes = entry.encode();
        let read = |bytes: &[u8]| BackupEntry::decode(bytes).map(|entry| entry.encode()).err();
        assert_eq!(read(&bytes), None);
        for length in 0..bytes.len() {
            assert_eq!(read(&bytes[..length]), Some(PeerError::Malformed), "{length}");
        }
        assert_eq!(read(&[&bytes[..], &[0]].concat()), Some(PeerError::Malformed), "extended");
        assert_eq!(read(&vec![0; ITEM_MAX + 1]), Some(PeerError::TooLarge));
        // A field this version does not know: there is no room for one, so none for a ratchet.
        let unknown = with_field(&bytes, fields, &[0x17, 0x41, 0]);
        assert_eq!(read(&unknown), Some(PeerError::UnknownField));
        let twice = with_field(&bytes, fields, &[fields - 1, 0]);
        assert!(
            matches!(read(&twice), Some(PeerError::NotDeterministic | PeerError::Malformed)),
            "a key twice"
        );
        let mut missing = bytes.to_vec();
        missing[2] -= 1;
        assert_eq!(read(&missing), Some(PeerError::Malformed));
        for variant in 3..24 {
            let mut other = bytes.to_vec();
            other[1] = variant;
            assert_eq!(read(&other), Some(PeerError::UnknownType));
        }
        let longer = [&bytes[..1], &[0x18, bytes[1]], &bytes[2..]].concat();
        assert_eq!(read(&longer), Some(PeerError::NotDeterministic), "an integer longer than needed");
    }
}

/// `[n, {0: …}]` with fields written by hand.
fn by_hand(variant: u32, fields: u64, write: impl FnOnce(&mut Encoder<Vec<u8>>)) -> Option<PeerError> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.array(2).unwrap().u32(variant).unwrap().map(fields).unwrap();
    write(&mut encoder);
    BackupEntry::decode(&encoder.into_writer()).err()
}

#[test]
fn values_out_of_their_bounds_are_refused() {
    let [ann, ben, _] = people();
    let account = |version: u8, key: &[u8], list: &DeviceList, name: &str| {
        by_hand(0, 5, |e| {
            e.u8(0).unwrap().u8(version).unwrap().u8(1).unwrap().bytes(key).unwrap();
            e.u8(2).unwrap().bytes(list.as_bytes()).unwrap().u8(3).unwrap().str(name).unwrap();
            e.u8(4).unwrap().u8(0).unwrap();
        })
    };
    let key = ann.key.to_bytes();
    assert_eq!(account(1, key.as_slice(), &ann.list, "Ann"), None);
    assert_eq!(account(2, key.as_slice(), &ann.list, "Ann"), Some(PeerError::UnknownVersion));
    assert_eq!(account(1, &[0; 32], &ann.list, "Ann"), Some(PeerError::BadKey));
    assert_eq!(account(1, &[255; 32], &ann.list, "Ann"), Some(PeerError::BadKey));
    assert_eq!(account(1, &key[1..], &ann.list, "Ann"), Some(PeerError::OutOfBounds));
    assert_eq!(account(1, key.as_slice(), &ben.list, "Ann"), Some(PeerError::WrongAccount));
    assert_eq!(account(1, key.as_slice(), &ann.list, &"x".repeat(128)), None);
    assert_eq!(account(1, key.as_slice(), &ann.list, &"x".repeat(129)), Some(PeerError::OutOfBounds));

    let contact = |list: &[u8], verified: u8, standing: u8| {
        by_hand(1, 7, |e| {
            e.u8(0)
                .unwrap()
                .bytes(list)
                .unwrap()
                .u8(1)
                .unwrap()
                .str("")
                .unwrap()
                .u8(2)
                .unwrap()
                .str("")
                .unwrap();
            e.u8(3).unwrap().writer_mut().push(verified);
            e.u8(4).unwrap().u8(standing).unwrap();
            e.u8(5).unwrap().bytes(&[6; 16]).unwrap().u8(6).unwrap().bytes(&[7; 32]).unwrap();
        })
    };
    let list = ben.list.as_bytes();
    assert_eq!(contact(list, 0xf4, 3), None);
    assert_eq!(contact(list, 0xf5, 4), Some(PeerError::UnknownType));
    assert_eq!(contact(list, 1, 3), Some(PeerError::Malformed), "an integer is no truth");
    let mut forged = list.to_vec();
    *forged.last_mut().unwrap() ^= 1;
    assert!(contact(&forged, 0xf4, 3).is_some());

    let message = |said: &[u8]| {
        by_hand(2, 6, |e| {
            e.u8(0)
                .unwrap()
                .u8(1)
                .unwrap()
                .u8(1)
                .unwrap()
                .bytes(&[1; 16])
                .unwrap()
                .u8(2)
                .unwrap()
                .u8(1)
                .unwrap();
            e.u8(3).unwrap().bytes(&[9; 16]).unwrap().u8(4).unwrap().u8(5).unwrap();
            e.u8(5).unwrap().writer_mut().extend(said);
        })
    };
    assert_eq!(message(&[0x82, 2, 0xa1, 0, 1]), None);
    // What expires or may be seen once would need a form or a field of its own.
    assert_eq!(message(&[0x82, 4, 0xa1, 0, 1]), Some(PeerError::UnknownType));
    assert_eq!(message(&[0x82, 2, 0xa2, 0, 1, 1, 1]), Some(PeerError::UnknownField));
    assert_eq!(message(&[0x82, 3, 0xa1, 0, 4]), Some(PeerError::UnknownType));
    let text = |length: usize| {
        let mut encoder = Encoder::new(Vec::new());
        encoder
            .array(2)
            .unwrap()
            .u8(0)
            .unwrap()
            .map(1)
            .unwrap()
            .u8(0)
            .unwrap()
            .str(&"x".repeat(length))
            .unwrap();
        message(&encoder.into_writer())
    };
    assert_eq!(text(limits::TEXT_MAX), None);
    assert_eq!(text(limits::TEXT_MAX + 1), Some(PeerError::OutOfBounds));
    let file = |size: u64| {
        let mut encoder = Encoder::new(Vec::new());
        encoder.array(2).unwrap().u8(1).unwrap().map(3).unwrap().u8(0).unwrap().str("a").unwrap();
        encoder.u8(1).unwrap().u64(size).unwrap().u8(2).unwrap().str("").unwrap();
        message(&encoder.into_writer())
    };
    assert_eq!(file(limits::FILE_SIZE_MAX), None);
    assert_eq!(file(limits::FILE_SIZE_MAX + 1), Some(PeerError::OutOfBounds));
}

#[test]
fn secrets_are_not_printed() {
    let [ann, ben, _] = people();
    let printed = format!("{:?} {:?} {:?}", ann.account(), ben.contact(), forms(ben.id()));
    assert!(!printed.contains("Ann") && !printed.contains("Ben") && !printed.contains("xxx"));
    let key: String = format!("{:?}", ann.key.to_bytes());
    assert!(!printed.contains(key.trim_matches(['[', ']'])));
}
