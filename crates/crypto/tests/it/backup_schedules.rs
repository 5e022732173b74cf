//! Any items in any number come back as they were; any one change of the backup is refused.

use crate::common::rng;
use proptest::prelude::*;
use sotto_crypto::backup::{BackupError, BackupHead, BackupSealer, ITEM_MAX, RecoveryKey, SEALED_CHUNK};

fn key() -> RecoveryKey {
    RecoveryKey::from_bytes(&[7; 32])
}

fn items() -> impl Strategy<Value = Vec<Vec<u8>>> {
    // Mostly short ones; long ones make several chunks.
    let length = prop_oneof![8 => 1..200_usize, 1 => 1..=ITEM_MAX, 1 => ITEM_MAX - 9..=ITEM_MAX];
    let item = (length, any::<u8>()).prop_map(|(length, byte)| vec![byte; length]);
    prop::collection::vec(item, 0..60)
}

fn make(items: &[Vec<u8>], seed: u64) -> Vec<Vec<u8>> {
    let mut sealer = BackupSealer::with_recovery_key(&key(), &mut rng(seed));
    let mut parts = vec![sealer.head().to_vec()];
    for item in items {
        parts.extend(sealer.push(item).unwrap());
    }
    parts.extend(sealer.finish());
    parts
}

fn open(parts: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, BackupError> {
    let [head, chunks @ .., last] = parts else { return Err(BackupError::WrongLength) };
    let mut opener = BackupHead::from_bytes(head)?.open_with_recovery_key(&key())?;
    let mut items = Vec::new();
    for chunk in chunks {
        items.extend(opener.open(chunk)?);
    }
    items.extend(opener.open_last(last)?);
    Ok(items.iter().map(|item| item.to_vec()).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn items_come_back(items in items(), seed: u64) {
        let parts = make(&items, seed);
        prop_assert!(parts[1..].iter().all(|chunk| chunk.len() == SEALED_CHUNK));
        let size = parts.iter().map(Vec::len).sum::<usize>();
        let chunks = BackupHead::chunks(u64::try_from(size).unwrap()).unwrap();
        prop_assert_eq!(usize::try_from(chunks).unwrap(), parts.len() - 1);
        prop_assert_eq!(open(&parts).unwrap(), items);
    }

    #[test]
    fn any_change_is_refused(
        items in items(),
        seed: u64,
        change in 0..4_u8,
        part: prop::sample::Index,
        place: prop::sample::Index,
        bit in 0..8_u8,
    ) {
        let mut parts = make(&items, seed);
        let part = part.index(parts.len());
        match change {
            0 => {
                let place = place.index(parts[part].len());
                parts[part][place] ^= 1 << bit;
            }
            1 => drop(parts.remove(part)),
            2 => parts.insert(part, parts[part].clone()),
            _ => {
                let length = place.index(parts[part].len());
                parts[part].truncate(length);
            }
        }
        prop_assert!(open(&parts).is_err());
    }
}
