//! Backups as containers: made, and what reading refuses.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use serde_json::{Value, json};
use sotto_crypto::backup::{BackupError, BackupHead, BackupSealer, CHUNK, RecoveryKey, SEALED_CHUNK};
use sotto_crypto::passphrase::{Cost, Stretch, StretchedKey};

use super::form::{Case, Cases, Structure, counting, counting_json, hex};
use super::primitives::{hkdf, open, sha256};

pub(super) const BACKUP: Structure = Structure {
    name: "backup",
    sections: "22.1",
    about: "A backup of `items` under `recovery_key`, or under `pk` with `stretch` (m u32 ‖ t u32 ‖ salt 16; pk is any \
            32 bytes, as Argon2id might have given them). `chunks` tells the SHA-256 of each sealed chunk. Refused \
            cases: a `head` is read alone; a `size` is judged alone; `edit` changes the backup of `items` before it is \
            read with `key`: `chunks` are those that follow the head, by number, `cut` bytes go from the end, `append` \
            is put there, `xor` alters the byte `at`; `plaintext` is what the key's owner sealed in place of items under \
            r: chunks of zeros into which bytes are put.",
    fill,
};

const HEAD: usize = BackupHead::LENGTH;

fn fill(cases: &mut Cases) {
    for (name, lengths) in [
        ("recovery key, empty", vec![]),
        ("recovery key, one item", vec![1]),
        ("recovery key, one chunk to the last byte", vec![61_440, 4_084]),
        ("recovery key, two chunks by one byte", vec![61_440, 4_085]),
        ("recovery key, an end that is cut", vec![61_440, 4_086]),
        ("recovery key, three chunks", vec![61_440, 61_440, 300, 61_440]),
        ("recovery key, nine chunks are ten", vec![61_440; 9]),
    ] {
        cases.case(name, |case| {
            let key = recovery_key(case);
            let sealer = BackupSealer::with_recovery_key(&key, case.random(["r"]));
            made(case, sealer, &lengths, key.to_bytes().as_slice());
        });
    }
    for (name, lengths) in [("passphrase, empty", vec![]), ("passphrase, two chunks", vec![61_440, 61_440])] {
        cases.case(name, |case| {
            let stretch = Stretch::generate(Cost::DEFAULT, case.random(["salt"]));
            let mut pk = [0; 32];
            rand_core::Rng::fill_bytes(case.random(["pk"]), &mut pk);
            case.given("stretch", hex(stretch.to_bytes()));
            case.given("pk", hex(pk));
            let key = StretchedKey::from_bytes(stretch, &pk);
            let sealer = BackupSealer::with_passphrase(&key, case.random(["r"]));
            made(case, sealer, &lengths, &pk);
        });
    }
    heads(cases);
    sizes(cases);
    edits(cases);
    contents(cases);
}

fn recovery_key(case: &mut Case) -> RecoveryKey {
    let key = RecoveryKey::generate(case.random(["recovery key"]));
    case.given("recovery_key", hex(key.to_bytes().as_slice()));
    key
}

/// Seals items that count; the parts of the backup, head first.
fn parts(mut sealer: BackupSealer, lengths: &[usize]) -> Vec<Vec<u8>> {
    let mut parts = vec![sealer.head().to_vec()];
    for length in lengths {
        parts.extend(sealer.push(&counting(*length)).expect("an item"));
    }
    parts.extend(sealer.finish());
    parts
}

fn made(case: &mut Case, sealer: BackupSealer, lengths: &[usize], secret: &[u8]) {
    let parts = parts(sealer, lengths);
    let (head, chunks) = parts.split_first().expect("a head");
    let material = hkdf::<64>(&head[30..46], secret, "backup", &[&head[..30]]);
    assert_eq!(material[32..], head[46..]);
    // The plaintext, straight on the primitives.
    let mut text = Vec::new();
    for (index, chunk) in chunks.iter().enumerate() {
        text.extend(open(&material[..32], &nonce(index, index + 1 == chunks.len()), chunk, head));
    }
    let mut expected = Vec::new();
    for length in lengths {
        expected.extend(u32::try_from(*length).expect("short").to_be_bytes());
        expected.extend(counting(*length));
    }
    expected.resize(chunks.len() * CHUNK, 0);
    assert!(text == expected, "the plaintext");
    case.given("items", lengths.iter().map(|length| counting_json(*length)).collect::<Vec<_>>());
    case.expect("head", hex(head));
    case.expect("K", hex(&material[..32]));
    case.expect("plaintext_sha256", hex(sha256(&[&text])));
    case.expect("chunks", chunks.iter().map(|chunk| hex(sha256(&[chunk])).into()).collect::<Vec<Value>>());
    let backup = parts.concat();
    case.expect("backup", json!({ "length": backup.len(), "sha256": hex(sha256(&[&backup])) }));
}

fn nonce(index: usize, last: bool) -> [u8; 12] {
    let [a, b, c, d] = u32::try_from(index).expect("few").to_be_bytes();
    [0, 0, 0, 0, 0, 0, 0, a, b, c, d, u8::from(last)]
}

fn heads(cases: &mut Cases) {
    type Alter = fn(&mut Vec<u8>);
    let altered: [(&str, bool, &'static str, Alter); 14] = [
        ("nothing", false, "not-a-backup", |head| head.clear()),
        ("magic", false, "not-a-backup", |head| head[3] = b'F'),
        ("magic alone", false, "not-a-backup", |head| head.truncate(4)),
        ("of the next version", false, "newer-version", |head| head[4] = 2),
        ("of the next version, and shorter", false, "newer-version", |head| {
            head[4] = 2;
            head.truncate(5);
        }),
        ("cut by a byte", false, "not-a-backup", |head| head.truncate(77)),
        ("an unknown kdf", false, "not-a-backup", |head| head[5] = 2),
        ("a cost with a recovery key", false, "not-a-backup", |head| head[9] = 1),
        ("a salt with a recovery key", false, "not-a-backup", |head| head[29] = 1),
        ("Argon2id without cost", false, "too-weak", |head| head[5] = 1),
        ("too little memory", true, "too-weak", |head| {
            head[6..10].copy_from_slice(&19_455_u32.to_be_bytes())
        }),
        ("one pass", true, "too-weak", |head| head[10..14].copy_from_slice(&1_u32.to_be_bytes())),
        ("too much memory", true, "too-costly", |head| {
            head[6..10].copy_from_slice(&262_145_u32.to_be_bytes())
        }),
        ("too many passes", true, "too-costly", |head| head[10..14].copy_from_slice(&17_u32.to_be_bytes())),
    ];
    for (name, passphrase, rule, alter) in altered {
        cases.case(&format!("head, {name}"), |case| {
            let sealer = if passphrase {
                let stretch = Stretch::generate(Cost::DEFAULT, case.random(["salt"]));
                BackupSealer::with_passphrase(
                    &StretchedKey::from_bytes(stretch, &[1; 32]),
                    case.random(["r"]),
                )
            } else {
                BackupSealer::with_recovery_key(&RecoveryKey::from_bytes(&[1; 32]), case.random(["r"]))
            };
            let mut head = sealer.head().to_vec();
            alter(&mut head);
            case.drawn();
            case.given("head", hex(&head));
            case.refused(rule, BackupHead::from_bytes(&head));
        });
    }
}

fn sizes(cases: &mut Cases) {
    for (name, chunks, more) in [
        ("no chunk", 0, 0),
        ("a byte more", 1, 1),
        ("nine chunks", 9, 0),
        ("seventeen chunks", 17, 0),
        ("65,537 chunks", 65_537, 0),
    ] {
        cases.case(&format!("size, {name}"), |case| {
            let [head, chunk] = [HEAD, SEALED_CHUNK].map(|length| u64::try_from(length).expect("short"));
            let size = head + chunk * chunks + more;
            case.given("size", size);
            case.refused("wrong-length", BackupHead::chunks(size));
        });
    }
}

/// Reads a whole backup.
fn read(backup: &[u8], key: &RecoveryKey) -> Result<usize, BackupError> {
    let (head, chunks) = backup.split_at_checked(HEAD).ok_or(BackupError::NotABackup)?;
    let head = BackupHead::from_bytes(head)?;
    BackupHead::chunks(u64::try_from(backup.len()).expect("short"))?;
    let mut opener = head.open_with_recovery_key(key)?;
    let chunks: Vec<&[u8]> = chunks.chunks(SEALED_CHUNK).collect();
    let (last, before) = chunks.split_last().expect("judged by the size");
    let mut items = 0;
    for chunk in before {
        items += opener.open(chunk)?.len();
    }
    Ok(items + opener.open_last(last)?.len())
}

fn edits(cases: &mut Cases) {
    for (name, edit, rule) in [
        ("cut to its head", json!({ "chunks": [] }), "wrong-length"),
        ("cut by a byte", json!({ "chunks": [0, 1, 2], "cut": 1 }), "wrong-length"),
        ("longer by a byte", json!({ "chunks": [0, 1, 2], "append": "00" }), "wrong-length"),
        ("cut by its last chunk", json!({ "chunks": [0, 1] }), "bad-chunk"),
        ("cut by its first chunk", json!({ "chunks": [1, 2] }), "bad-chunk"),
        ("the last chunk twice", json!({ "chunks": [0, 1, 2, 2] }), "bad-chunk"),
        ("a chunk twice", json!({ "chunks": [0, 1, 1, 2] }), "bad-chunk"),
        ("chunks swapped", json!({ "chunks": [1, 0, 2] }), "bad-chunk"),
        (
            "one bit of the first chunk",
            json!({ "chunks": [0, 1, 2], "xor": { "at": HEAD, "with": 1 } }),
            "bad-chunk",
        ),
        (
            "one bit of the last tag",
            json!({ "chunks": [0, 1, 2], "xor": { "at": HEAD + 3 * SEALED_CHUNK - 1, "with": 128 } }),
            "bad-chunk",
        ),
        ("one bit of r", json!({ "chunks": [0, 1, 2], "xor": { "at": 30, "with": 1 } }), "wrong-key"),
        (
            "one bit of the commitment",
            json!({ "chunks": [0, 1, 2], "xor": { "at": 77, "with": 1 } }),
            "wrong-key",
        ),
    ] {
        cases.case(&format!("edited, {name}"), |case| {
            let key = recovery_key(case);
            let sealer = BackupSealer::with_recovery_key(&key, case.random(["r"]));
            let lengths = [61_440; 3];
            let parts = parts(sealer, &lengths);
            assert_eq!(parts.len(), 4);
            let (head, chunks) = parts.split_first().expect("a head");
            let mut edited = head.clone();
            for number in edit["chunks"].as_array().expect("numbers") {
                edited.extend(&chunks[usize::try_from(number.as_u64().expect("a number")).expect("small")]);
            }
            edited
                .truncate(edited.len() - usize::try_from(edit["cut"].as_u64().unwrap_or(0)).expect("small"));
            edited.extend(super::form::unhex(edit["append"].as_str().unwrap_or("")));
            if let Some(at) = edit["xor"]["at"].as_u64() {
                let with = u8::try_from(edit["xor"]["with"].as_u64().expect("a byte")).expect("a byte");
                edited[usize::try_from(at).expect("small")] ^= with;
            }
            case.given("items", lengths.map(counting_json).to_vec());
            case.given("edit", edit.clone());
            case.given("key", hex(key.to_bytes().as_slice()));
            case.refused(rule, read(&edited, &key));
        });
    }
    cases.case("edited, another key", |case| {
        let key = recovery_key(case);
        let sealer = BackupSealer::with_recovery_key(&key, case.random(["r"]));
        let wrong = RecoveryKey::generate(case.random(["another key"]));
        case.given("items", Vec::<Value>::new());
        case.given("edit", json!({ "chunks": [0] }));
        case.given("key", hex(wrong.to_bytes().as_slice()));
        case.refused("wrong-key", read(&parts(sealer, &[]).concat(), &wrong));
    });
}

/// What somebody seals who has the key and another program.
fn contents(cases: &mut Cases) {
    let put = |pieces: &[(usize, &str)]| {
        let pieces: Vec<_> = pieces.iter().map(|(at, bytes)| json!({ "at": at, "bytes": bytes })).collect();
        json!({ "length": CHUNK, "put": pieces })
    };
    let one = "0000000178";
    let length = |length: u32| hex(length.to_be_bytes());
    for (name, text) in [
        ("an item longer than any", vec![put(&[(0, &length(61_441))])]),
        ("something right after the end", vec![put(&[(0, one), (9, "01")])]),
        ("something at the end of the chunk", vec![put(&[(0, one), (CHUNK - 1, "01")])]),
        ("something in a chunk after the end", vec![put(&[(0, one)]), put(&[(0, "01")])]),
        ("a chunk more than needed", vec![put(&[(0, one)]), put(&[])]),
        ("no end", vec![put(&[(0, &length(61_440)), (61_444, &length(4_088))])]),
        ("an item that goes on", vec![put(&[(0, &length(61_440)), (61_444, &length(4_089))])]),
        ("three zeros for an end", vec![put(&[(0, &length(61_440)), (61_444, &length(4_085))])]),
    ] {
        cases.case(&format!("content, {name}"), |case| {
            let key = recovery_key(case);
            let sealer = BackupSealer::with_recovery_key(&key, case.random(["r"]));
            let head = sealer.head().to_vec();
            let material = hkdf::<64>(&head[30..46], key.to_bytes().as_slice(), "backup", &[&head[..30]]);
            let cipher = Aes256Gcm::new_from_slice(&material[..32]).expect("32 bytes");
            let mut backup = head.clone();
            for (index, chunk) in text.iter().enumerate() {
                let mut plain = vec![0; CHUNK];
                for piece in chunk["put"].as_array().expect("pieces") {
                    let at = usize::try_from(piece["at"].as_u64().expect("a number")).expect("small");
                    let bytes = super::form::unhex(piece["bytes"].as_str().expect("hexadecimal digits"));
                    plain[at..at + bytes.len()].copy_from_slice(&bytes);
                }
                let nonce = nonce(index, index + 1 == text.len());
                let sealed = cipher.encrypt(&nonce.into(), Payload { msg: &plain, aad: &head });
                backup.extend(sealed.expect("short"));
            }
            case.given("r", hex(&head[30..46]));
            case.given("key", hex(key.to_bytes().as_slice()));
            case.given("plaintext", text.clone());
            case.refused("malformed", read(&backup, &key));
        });
    }
}
