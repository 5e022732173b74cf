//! Backups and recovery keys, read back.

use serde_json::Value;
use sha2::{Digest, Sha256};
use sotto_crypto::backup::{BackupError, BackupHead, BackupOpener, BackupSealer, RecoveryKey, SEALED_CHUNK};
use sotto_crypto::passphrase::{Stretch, StretchedKey};
use sotto_testkit::vectors::form::{hex, unhex};
use sotto_wire::backup::{BackupContent, BackupEntry, ContentError};

use crate::given::{Draws, Given, each};

#[test]
fn recovery_keys() {
    each("recovery_key", "", |case| {
        if case.has("/given/key") {
            let key = RecoveryKey::from_bytes(&case.array("/given/key"));
            assert_eq!(key.to_text().as_str(), case.text("/expect/text"));
            assert_eq!(*RecoveryKey::from_text(&key.to_text()).unwrap().to_bytes(), *key.to_bytes());
        } else if let Some(key) = case.judge(RecoveryKey::from_text(case.text("/given/text"))) {
            assert_eq!(*key.to_bytes(), case.array("/expect/key"));
        }
    });
}

fn digest(bytes: &[u8]) -> String {
    hex(Sha256::digest(bytes))
}

fn items(case: &Given) -> Vec<Vec<u8>> {
    let count = case.at("/given/items").as_array().unwrap().len();
    (0..count).map(|item| case.filled(&format!("/given/items/{item}"))).collect()
}

/// The backup's parts, head first, made once more.
fn parts(case: &Given) -> Vec<Vec<u8>> {
    let mut draws = Draws::of(case, "/random", "r").only(1);
    let mut sealer = if case.has("/given/stretch") {
        let stretch = Stretch::from_bytes(&case.array("/given/stretch")).unwrap();
        BackupSealer::with_passphrase(
            &StretchedKey::from_bytes(stretch, &case.array("/given/pk")),
            &mut draws,
        )
    } else {
        let key = RecoveryKey::from_bytes(&case.array("/given/recovery_key"));
        BackupSealer::with_recovery_key(&key, &mut draws)
    };
    let mut parts = vec![sealer.head().to_vec()];
    for item in items(case) {
        parts.extend(sealer.push(&item).unwrap());
    }
    parts.extend(sealer.finish());
    parts
}

fn read(opener: &mut Option<BackupOpener>, chunks: &[u8]) -> Result<Vec<Vec<u8>>, BackupError> {
    let mut items = Vec::new();
    let mut chunks = chunks.chunks(SEALED_CHUNK).peekable();
    while let Some(chunk) = chunks.next() {
        items.extend(if chunks.peek().is_some() {
            opener.as_mut().unwrap().open(chunk)?
        } else {
            opener.take().unwrap().open_last(chunk)?
        });
    }
    Ok(items.iter().map(|item| item.to_vec()).collect())
}

/// A whole backup under a recovery key.
fn read_whole(backup: &[u8], key: &RecoveryKey) -> Result<Vec<Vec<u8>>, BackupError> {
    let head = BackupHead::from_bytes(&backup[..BackupHead::LENGTH.min(backup.len())])?;
    BackupHead::chunks(u64::try_from(backup.len()).unwrap())?;
    read(&mut Some(head.open_with_recovery_key(key)?), &backup[BackupHead::LENGTH..])
}

#[test]
fn backups() {
    each("backup", "", |case| {
        if !case.has("/expect/backup") {
            return;
        }
        let parts = parts(case);
        assert_eq!(parts[0], case.bytes("/expect/head"));
        let digests: Vec<Value> = parts[1..].iter().map(|chunk| digest(chunk).into()).collect();
        assert_eq!(&Value::from(digests), case.at("/expect/chunks"));
        let backup = parts.concat();
        assert_eq!(case.at("/expect/backup/length"), backup.len());
        assert_eq!(case.text("/expect/backup/sha256"), digest(&backup));

        let head = BackupHead::from_bytes(&parts[0]).unwrap();
        let opener = match head.stretch() {
            Some(stretch) => {
                head.open_with_passphrase(&StretchedKey::from_bytes(*stretch, &case.array("/given/pk")))
            }
            None => head.open_with_recovery_key(&RecoveryKey::from_bytes(&case.array("/given/recovery_key"))),
        };
        assert_eq!(read(&mut opener.ok(), &backup[parts[0].len()..]), Ok(items(case)));
    });
}

#[test]
fn refused_backups() {
    each("backup", "head,", |case| {
        case.judge(BackupHead::from_bytes(&case.bytes("/given/head")));
    });
    each("backup", "size,", |case| {
        case.judge(BackupHead::chunks(case.at("/given/size").as_u64().unwrap()));
    });
    each("backup", "edited,", |case| {
        let parts = parts(case);
        let mut backup = parts[0].clone();
        for number in case.at("/given/edit/chunks").as_array().unwrap() {
            backup.extend(&parts[1 + number.as_u64().unwrap() as usize]);
        }
        let edit = case.at("/given/edit");
        backup.truncate(backup.len() - edit["cut"].as_u64().unwrap_or(0) as usize);
        backup.extend(unhex(edit["append"].as_str().unwrap_or("")));
        if let Some(at) = edit["xor"]["at"].as_u64() {
            backup[at as usize] ^= edit["xor"]["with"].as_u64().unwrap() as u8;
        }
        case.judge(read_whole(&backup, &RecoveryKey::from_bytes(&case.array("/given/key"))));
    });
}

#[test]
fn entries() {
    each("backup_content", "", |case| {
        if case.has("/expect/entry") {
            let bytes = case.bytes("/expect/entry");
            assert_eq!(*BackupEntry::decode(&bytes).unwrap().encode(), bytes);
        } else if case.has("/given/entry") {
            case.judge(BackupEntry::decode(&case.filled("/given/entry")));
        }
    });
}

#[test]
fn rows() {
    each("backup_content", "row,", |case| {
        let items = case.at("/given/entries").as_array().unwrap();
        let read = || -> Result<usize, ContentError> {
            let mut content = BackupContent::new();
            for item in items {
                content.read(&unhex(item.as_str().unwrap()))?;
            }
            content.finish()?;
            Ok(items.len())
        };
        if let Some(accepted) = case.judge(read()) {
            assert_eq!(case.at("/expect/accepted"), accepted);
        }
    });
}
