//! Every type of `wire` and `engine` that holds a secret, by itself or in what it is made of: none can be cloned without
//! a reason that stands here, and none prints bytes or texts of its own by a derived `Debug`. The sources are searched,
//! so that a new one is noticed; for `crypto`, its own test does so with the types themselves.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What is known to hold a secret, by crate.
const HOLDING: [(&str, &[&str]); 2] = [
    (
        "wire",
        &[
            "BackupEntry",
            "Body",
            "Content",
            "FetchPreKeys",
            "InviteContents",
            "InviteLink",
            "Manifest",
            "Message",
            "Placed",
            "PutEnvelope",
            "RevokeInvite",
            "SenderChain",
            "Wiping",
        ],
    ),
    (
        "engine",
        &[
            "Acceptance",
            "Account",
            "Change",
            "Client",
            "Contact",
            "DeviceChains",
            "Entry",
            "Group",
            "Held",
            "Identity",
            "Input",
            "Invite",
            "Issued",
            "Lane",
            "Loaded",
            "Looked",
            "MemberChains",
            "OneTime",
            "Output",
            "OwnChain",
            "PreKeys",
            "Record",
            "Response",
            "Restored",
            "Sessions",
            "Stage",
            "Stored",
            "StoredChain",
            "StoredGroup",
            "StoredOwn",
            "Transfer",
            "TransferAction",
            "Transfers",
            "Turn",
        ],
    ),
];

/// Fields of those that a derived `Debug` prints and may: ids, hashes, ciphertext, keys of records.
const PRINTED: [(&str, &[&str]); 6] = [
    ("BackupEntry", &["message_id"]),
    ("Body", &["message_id", "previous", "list_hash"]),
    ("Change", &["key", "prefix"]),
    ("Content", &["root"]),
    ("PreKeys", &["bundle"]),
    ("Stage", &["card", "bundle"]),
];

/// Types that hold a secret and are `Clone`, and why.
const CLONED: [(&str, &str); 0] = [];

/// A type's declaration.
struct Declared {
    name: String,
    derives: String,
    body: Vec<String>,
    wipes: bool,
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if name.ends_with(".rs") && name != "tests.rs" && !name.ends_with("attacks.rs") {
            found.push(path);
        }
    }
}

fn declared(source: &str) -> Vec<Declared> {
    let source = source.split("\n#[cfg(test)]\nmod tests {").next().unwrap();
    let lines: Vec<&str> = source.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let Some(place) =
            words.iter().position(|word| ["struct", "enum"].contains(word)).filter(|place| *place < 2)
        else {
            continue;
        };
        if line.starts_with(' ') || (place == 1 && !words[0].starts_with("pub")) {
            continue;
        }
        let name: String =
            words[place + 1].chars().take_while(|sign| sign.is_alphanumeric() || *sign == '_').collect();
        let is_attribute = |line: &&&str| line.starts_with('#') || line.starts_with("///");
        let before: Vec<&str> = lines[..at].iter().rev().take_while(is_attribute).copied().collect();
        let end =
            lines[at..].iter().position(|line| *line == "}" || line.ends_with(';') && !line.starts_with(' '));
        let body = lines[at..=at + end.unwrap()].iter().map(|line| (*line).trim().to_owned()).collect();
        let wipes = source.contains(&format!("impl Drop for {name} "));
        found.push(Declared { name, derives: before.join(" "), body, wipes });
    }
    found
}

/// Names that stand where a type stands.
fn types(line: &str) -> Vec<&str> {
    if line.starts_with("//") || line.starts_with('#') {
        return Vec::new();
    }
    let is_part = |sign: char| sign.is_alphanumeric() || sign == '_';
    let begins = |at: usize| !line[..at].ends_with(is_part);
    let is_type = |at: usize| line[..at].trim_end().ends_with([':', '<', '(', ',', '&', '[', ']']);
    line.match_indices(is_part)
        .filter(|(at, _)| begins(*at) && is_type(*at))
        .filter_map(|(at, _)| line[at..].split(|sign: char| !is_part(sign)).next())
        .collect()
}

/// Places of those that hold one of `secrets`, or of one another.
fn holding(declared: &[Declared], secrets: &BTreeSet<String>) -> BTreeSet<usize> {
    // A name that this crate gives to a type of its own is not the other's.
    let own: BTreeSet<&String> = declared.iter().map(|declared| &declared.name).collect();
    let mut known: BTreeSet<&str> =
        secrets.iter().filter(|name| !own.contains(name)).map(String::as_str).collect();
    let mut found = BTreeSet::new();
    loop {
        let before = found.len();
        for (place, one) in declared.iter().enumerate() {
            let has = one.wipes
                || one.derives.contains("ZeroizeOnDrop")
                || one.body.iter().flat_map(|line| types(line)).any(|name| known.contains(name));
            if has && found.insert(place) {
                known.insert(&one.name);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

fn of(name: &str) -> (Vec<Declared>, String) {
    let root = [env!("CARGO_MANIFEST_DIR"), "..", name, "src"].iter().collect::<PathBuf>();
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    let texts: Vec<String> = paths.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    (texts.iter().flat_map(|text| declared(text)).collect(), texts.concat())
}

/// The types of `crypto`, from its own list, and what wipes by itself.
fn of_crypto() -> BTreeSet<String> {
    let list =
        [env!("CARGO_MANIFEST_DIR"), "..", "crypto", "tests", "it", "secrets.rs"].iter().collect::<PathBuf>();
    let text = fs::read_to_string(list).unwrap();
    let list = text.split("secret_types! {\n").nth(1).and_then(|rest| rest.split('}').next()).unwrap();
    let names = list.split_whitespace().chain(["Zeroizing", "OwnerSecret"]).map(str::to_owned);
    names.collect()
}

#[test]
fn what_holds_secrets_is_known_and_neither_cloned_nor_printed() {
    let mut secrets = of_crypto();
    assert!(secrets.len() > 30, "{secrets:?}");
    for (name, expected) in HOLDING {
        let (declared, text) = of(name);
        let found: Vec<&Declared> =
            holding(&declared, &secrets).into_iter().map(|place| &declared[place]).collect();
        let names: BTreeSet<&str> = found.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, expected.iter().copied().collect(), "what holds secrets in {name}");
        for one in &found {
            let cloned = one.derives.contains("Clone") || text.contains(&format!("Clone for {} ", one.name));
            let reason = CLONED.iter().any(|(name, _)| *name == one.name);
            assert!(!cloned || reason, "{} holds a secret and is Clone", one.name);
            printed(one);
        }
        secrets.extend(found.iter().map(|one| one.name.clone()));
    }
}

/// A derived `Debug` prints what is not a type of its own.
fn printed(one: &Declared) {
    if !one.derives.contains("Debug") {
        return;
    }
    let may: BTreeMap<&str, &[&str]> = PRINTED.into_iter().collect();
    let may = may.get(one.name.as_str()).copied().unwrap_or_default();
    for line in one.body.iter().filter(|line| !line.starts_with("//") && !line.starts_with('#')) {
        let raw = ["[u8;", "Vec<u8>", "String", "Zeroizing<", "ByteVec"].iter().any(|raw| line.contains(raw));
        let field =
            line.trim_start_matches("pub(crate) ").trim_start_matches("pub ").split(':').next().unwrap();
        assert!(!raw || may.contains(&field), "{} would print {field}", one.name);
    }
}
