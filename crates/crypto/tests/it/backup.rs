//! Backups: what went in comes out, and whatever was cut, moved or altered is refused by name.

use crate::common::rng;
use sotto_crypto::backup::{
    BackupError, BackupHead, BackupOpener, BackupSealer, CHUNK, ITEM_MAX, RecoveryKey, RecoveryKeyError,
    SEALED_CHUNK,
};
use sotto_crypto::passphrase::{Cost, Stretch, StretchedKey};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const HEAD: usize = BackupHead::LENGTH;

fn seal(mut sealer: BackupSealer, items: &[Vec<u8>]) -> Vec<u8> {
    let mut backup = sealer.head().to_vec();
    for item in items {
        let chunk = sealer.push(item).unwrap();
        assert!(chunk.as_ref().is_none_or(|chunk| chunk.len() == SEALED_CHUNK));
        backup.extend(chunk.unwrap_or_default());
    }
    for chunk in sealer.finish() {
        backup.extend(chunk);
    }
    backup
}

fn key() -> RecoveryKey {
    RecoveryKey::from_bytes(&[7; 32])
}

fn make(items: &[Vec<u8>], seed: u64) -> Vec<u8> {
    seal(BackupSealer::with_recovery_key(&key(), &mut rng(seed)), items)
}

fn begin(backup: &[u8]) -> Result<BackupOpener, BackupError> {
    BackupHead::from_bytes(backup.get(..HEAD).unwrap_or(backup))?.open_with_recovery_key(&key())
}

fn read(mut opener: BackupOpener, chunks: &[u8]) -> Result<Vec<Vec<u8>>, BackupError> {
    let mut items = Vec::new();
    let mut chunks = chunks.chunks(SEALED_CHUNK).peekable();
    while let Some(chunk) = chunks.next() {
        if chunks.peek().is_none() {
            items.extend(opener.open_last(chunk)?);
            return Ok(items.iter().map(|item| item.to_vec()).collect());
        }
        items.extend(opener.open(chunk)?);
    }
    Err(BackupError::WrongLength)
}

/// All of a backup, as one who knows its size reads it.
fn open(backup: &[u8]) -> Result<Vec<Vec<u8>>, BackupError> {
    let opener = begin(backup)?;
    BackupHead::chunks(u64::try_from(backup.len()).unwrap())?;
    read(opener, &backup[HEAD..])
}

fn items(lengths: &[usize]) -> Vec<Vec<u8>> {
    lengths.iter().zip((1..=250).cycle()).map(|(length, byte)| vec![byte; *length]).collect()
}

#[test]
fn what_went_in_comes_out() {
    // One chunk holds 65,536 bytes with 4 for each item and 4 for the end.
    let full = [ITEM_MAX, CHUNK - ITEM_MAX - 12];
    let over = [ITEM_MAX, CHUNK - ITEM_MAX - 11];
    for (lengths, chunks) in [
        (vec![], 1),
        (vec![1], 1),
        (full.to_vec(), 1),
        (over.to_vec(), 2),
        (vec![ITEM_MAX, CHUNK - ITEM_MAX - 8], 2),
        (vec![ITEM_MAX; 2], 2),
        (vec![ITEM_MAX; 8], 8),
        (vec![ITEM_MAX; 9], 10),
        ((1..300).collect(), 1),
        ((1..1_000).collect(), 8),
    ] {
        let items = items(&lengths);
        let backup = make(&items, 1);
        assert_eq!(backup.len(), HEAD + chunks * SEALED_CHUNK, "{} items", items.len());
        assert_eq!(
            BackupHead::chunks(u64::try_from(backup.len()).unwrap()),
            Ok(u32::try_from(chunks).unwrap())
        );
        assert_eq!(open(&backup), Ok(items));
    }
}

#[test]
fn items_have_bounds() {
    let mut sealer = BackupSealer::with_recovery_key(&key(), &mut rng(2));
    assert_eq!(sealer.push(&[]), Err(BackupError::ItemLength));
    assert_eq!(sealer.push(&vec![0; ITEM_MAX + 1]), Err(BackupError::ItemLength));
    assert_eq!(sealer.push(b"item"), Ok(None));
    let backup = seal(sealer, &[]);
    assert_eq!(open(&backup), Ok(vec![b"item".to_vec()]));
}

#[test]
fn two_backups_of_the_same_have_nothing_in_common() {
    let (one, other) = (make(&[], 3), make(&[], 4));
    assert_eq!(one[..30], other[..30]);
    for (one, other) in one[30..].chunks(16).zip(other[30..].chunks(16)) {
        assert_ne!(one, other);
    }
    // Not even under the same stretched passphrase.
    let stretched = StretchedKey::from_bytes(Stretch::generate(Cost::DEFAULT, &mut rng(5)), &[1; 32]);
    let rng = &mut rng(6);
    let one = seal(BackupSealer::with_passphrase(&stretched, rng), &[]);
    let other = seal(BackupSealer::with_passphrase(&stretched, rng), &[]);
    assert_ne!(one[HEAD..], other[HEAD..]);
}

#[test]
fn a_passphrase_opens_what_it_sealed() {
    let stretch = Stretch::generate(Cost::new(19_456, 2).unwrap(), &mut rng(7));
    let right = StretchedKey::from_bytes(stretch, &[1; 32]);
    let backup = seal(BackupSealer::with_passphrase(&right, &mut rng(8)), &items(&[5]));
    let head = BackupHead::from_bytes(&backup[..HEAD]).unwrap();
    assert_eq!(head.stretch(), Some(&stretch));
    assert_eq!(read(head.open_with_passphrase(&right).unwrap(), &backup[HEAD..]), Ok(items(&[5])));
    let wrong = StretchedKey::from_bytes(stretch, &[2; 32]);
    assert_eq!(head.open_with_passphrase(&wrong).err(), Some(BackupError::WrongKey));
    let elsewhere = StretchedKey::from_bytes(Stretch::generate(Cost::DEFAULT, &mut rng(9)), &[1; 32]);
    assert_eq!(head.open_with_passphrase(&elsewhere).err(), Some(BackupError::WrongKey));
    assert_eq!(
        head.open_with_recovery_key(&RecoveryKey::from_bytes(&[1; 32])).err(),
        Some(BackupError::WrongKey)
    );
    let other = BackupHead::from_bytes(&make(&[], 10)[..HEAD]).unwrap();
    assert_eq!(other.stretch(), None);
    assert_eq!(other.open_with_passphrase(&right).err(), Some(BackupError::WrongKey));
}

#[test]
fn every_bit_of_the_head_counts() {
    let backup = make(&items(&[5]), 11);
    for bit in 0..HEAD * 8 {
        let mut altered = backup.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let expected = match bit / 8 {
            0..4 => BackupError::NotABackup,
            4 => BackupError::NewerVersion,
            // A kdf of Argon2id with all zeros after it.
            5 if bit % 8 == 0 => BackupError::TooWeak,
            5..30 => BackupError::NotABackup,
            _ => BackupError::WrongKey,
        };
        assert_eq!(open(&altered), Err(expected), "bit {bit}");
    }
    for length in 0..HEAD {
        assert_eq!(begin(&backup[..length]).err(), Some(BackupError::NotABackup), "{length}");
    }
    let longer = BackupHead::from_bytes(&backup[..=HEAD]);
    assert_eq!(longer.err(), Some(BackupError::NotABackup));
    assert_eq!(begin(b"SOTB\x02").err(), Some(BackupError::NewerVersion), "whatever follows");
}

#[test]
fn stored_costs_are_refused_before_they_are_paid() {
    let stretch = Stretch::generate(Cost::DEFAULT, &mut rng(12));
    let sealer = BackupSealer::with_passphrase(&StretchedKey::from_bytes(stretch, &[1; 32]), &mut rng(13));
    let cost = |memory: u32, passes: u32| {
        let mut head = *sealer.head();
        head[6..10].copy_from_slice(&memory.to_be_bytes());
        head[10..14].copy_from_slice(&passes.to_be_bytes());
        BackupHead::from_bytes(&head).err()
    };
    assert_eq!(cost(65_536, 3), None);
    assert_eq!(cost(19_455, 3), Some(BackupError::TooWeak));
    assert_eq!(cost(19_456, 1), Some(BackupError::TooWeak));
    assert_eq!(cost(u32::MAX, u32::MAX), Some(BackupError::TooCostly));
}

#[test]
fn altered_chunks_do_not_open_and_the_right_one_still_does() {
    let (content, backup) = (items(&[ITEM_MAX, ITEM_MAX, 9]), make(&items(&[ITEM_MAX, ITEM_MAX, 9]), 14));
    let (first, last) = backup[HEAD..].split_at(SEALED_CHUNK);
    for at in [0, 1, 4, 5_000, CHUNK - 1, CHUNK, SEALED_CHUNK - 1] {
        let mut opener = begin(&backup).unwrap();
        for bit in 0..8 {
            let mut altered = first.to_vec();
            altered[at] ^= 1 << bit;
            assert_eq!(opener.open(&altered).err(), Some(BackupError::BadChunk), "byte {at}");
        }
        // Refusals left it as it was.
        for wrong in [&first[1..], &backup[HEAD..=HEAD + SEALED_CHUNK], &[], last] {
            assert!(opener.open(wrong).is_err());
        }
        let mut read = opener.open(first).unwrap();
        read.extend(opener.open_last(last).unwrap());
        assert!(read.iter().map(|item| item.to_vec()).eq(content.iter().cloned()));
    }
}

#[test]
fn cut_extended_reordered_and_spliced_backups_are_refused() {
    let backup = make(&items(&[ITEM_MAX; 3]), 15);
    let chunks: Vec<&[u8]> = backup[HEAD..].chunks(SEALED_CHUNK).collect();
    let [a, b, c]: [&[u8]; 3] = chunks.try_into().unwrap();
    let with = |chunks: &[&[u8]]| open(&[&backup[..HEAD], &chunks.concat()].concat());
    assert!(with(&[a, b, c]).is_ok());

    // Cut at every chunk, and within one.
    assert_eq!(with(&[]), Err(BackupError::WrongLength));
    assert_eq!(with(&[a]), Err(BackupError::BadChunk));
    assert_eq!(with(&[a, b]), Err(BackupError::BadChunk));
    assert_eq!(with(&[a, b, &c[..SEALED_CHUNK - 1]]), Err(BackupError::WrongLength));
    // Extended by a byte, by a chunk again, by one of its own.
    assert_eq!(with(&[a, b, c, &[0]]), Err(BackupError::WrongLength));
    assert_eq!(with(&[a, b, c, c]), Err(BackupError::BadChunk));
    assert_eq!(with(&[a, b, b, c]), Err(BackupError::BadChunk));
    // In another order.
    for order in [[b, a, c], [a, c, b], [c, a, b], [c, b, a], [b, c, a]] {
        assert_eq!(with(&order), Err(BackupError::BadChunk));
    }
    // Of another backup under the same key, whose head says so.
    let other = make(&items(&[ITEM_MAX; 3]), 16);
    for chunk in other[HEAD..].chunks(SEALED_CHUNK) {
        assert_eq!(with(&[chunk, b, c]), Err(BackupError::BadChunk));
        assert_eq!(with(&[a, b, chunk]), Err(BackupError::BadChunk));
    }
    let mixed = [&other[..HEAD], &backup[HEAD..]].concat();
    assert_eq!(open(&mixed), Err(BackupError::BadChunk));

    // Taken as last too early, and not taken as last.
    let mut opener = begin(&backup).unwrap();
    opener.open(a).unwrap();
    opener.open(b).unwrap();
    assert_eq!(opener.open(c).err(), Some(BackupError::BadChunk));
    assert_eq!(begin(&backup).unwrap().open_last(a).err(), Some(BackupError::BadChunk));
}

#[test]
fn sizes_that_no_backup_has() {
    let [head, chunk] = [HEAD, SEALED_CHUNK].map(|length| u64::try_from(length).unwrap());
    let size = |chunks: u64, more: u64| head + chunks * chunk + more;
    for chunks in [1, 2, 8, 10, 65_536] {
        assert_eq!(BackupHead::chunks(size(chunks, 0)), Ok(u32::try_from(chunks).unwrap()));
        assert_eq!(BackupHead::chunks(size(chunks, 1)), Err(BackupError::WrongLength));
    }
    for chunks in [0, 9, 11, 17, 65_535, 65_537, 1 << 32, 1 << 40] {
        assert_eq!(BackupHead::chunks(size(chunks, 0)), Err(BackupError::WrongLength), "{chunks}");
    }
    for size in [0, 1, 77, u64::MAX] {
        assert_eq!(BackupHead::chunks(size), Err(BackupError::WrongLength));
    }
}

#[test]
fn a_recovery_key_survives_being_written_down() {
    let key = RecoveryKey::generate(&mut rng(20));
    let text = key.to_text();
    assert_eq!(text.len(), 107);
    let groups: Vec<&str> = text.split(' ').collect();
    assert_eq!(groups.len(), 18);
    for typed in [
        text.to_string(),
        groups.concat(),
        groups.join("-"),
        format!("\t{}\r\n", groups.join(" \n")),
        groups.chunks(6).map(|row| row.join(" ")).collect::<Vec<_>>().join("\n"),
    ] {
        assert_eq!(*RecoveryKey::from_text(&typed).unwrap().to_bytes(), *key.to_bytes());
    }
    assert_eq!(format!("{key:?}"), "RecoveryKey(..)");
    let ends = [[0; 32], [255; 32]].map(|bytes| RecoveryKey::from_bytes(&bytes).to_text());
    assert!(ends[0].starts_with("00000 00000") && ends[1].starts_with("65535 65535"));
}

#[test]
fn mistyped_recovery_keys_are_refused() {
    let text = RecoveryKey::generate(&mut rng(21)).to_text();
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_digit).collect();
    let read = |digits: &[u8]| RecoveryKey::from_text(core::str::from_utf8(digits).unwrap()).err();
    for at in 0..digits.len() {
        for digit in b'0'..=b'9' {
            let mut typed = digits.clone();
            typed[at] = digit;
            let expected = (digit != digits[at]).then_some(RecoveryKeyError::Mistyped);
            assert_eq!(read(&typed), expected, "digit {at}");
        }
        let mut missing = digits.clone();
        missing.remove(at);
        assert_eq!(read(&missing), Some(RecoveryKeyError::WrongLength));
    }
    for (at, pair) in digits.windows(2).enumerate().filter(|(_, pair)| pair[0] != pair[1]) {
        let mut typed = digits.clone();
        typed.swap(at, at + 1);
        assert_eq!(read(&typed), Some(RecoveryKeyError::Mistyped), "{at}: {pair:?}");
    }
    for groups in 1..17 {
        let mut typed = digits.clone();
        typed.rotate_left(groups * 5);
        assert_eq!(read(&typed), Some(RecoveryKeyError::Mistyped));
    }
    for typed in ["", " ", "0"] {
        assert_eq!(RecoveryKey::from_text(typed).err(), Some(RecoveryKeyError::WrongLength));
    }
    for strange in ["x", "٣", "０", "1,2", "1.2", "\u{2003}"] {
        assert_eq!(RecoveryKey::from_text(strange).err(), Some(RecoveryKeyError::NotADigit), "{strange}");
    }
    assert_eq!(RecoveryKey::from_text(&"9".repeat(90)).err(), Some(RecoveryKeyError::Mistyped));
    assert_eq!(RecoveryKey::from_text(&"9".repeat(100_000)).err(), Some(RecoveryKeyError::WrongLength));
}
