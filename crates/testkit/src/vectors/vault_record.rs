//! Records of the vault, and what opening refuses.

use sotto_crypto::vault::{RecordPlace, VaultKey};

use super::form::{Case, Cases, Structure, hex};
use super::primitives::{hkdf, hmac, open};

pub(super) const VAULT_RECORD: Structure = Structure {
    name: "vault_record",
    sections: "15.1, 20",
    about: "A record sealed for its place: store, record key, schema, revision. `name` is the one of section 20 \
            (vault-names). Refused cases give the place that is read and the bytes found there.",
    fill,
};

fn fill(cases: &mut Cases) {
    for (name, content) in [("empty", ""), ("short", "content"), ("a block and a byte", "0123456789abcdef!")]
    {
        cases.case(name, |case| sealed(case, "contact", b"key", content.as_bytes()));
    }
    cases.case("empty record key", |case| sealed(case, "account", b"", b"content"));
    let moved: [(&str, &str, &[u8], u32, u64); 4] = [
        ("of another store", "message", b"key", 1, 0),
        ("under another key", "contact", b"kez", 1, 0),
        ("of another schema", "contact", b"key", 2, 0),
        ("of another revision", "contact", b"key", 1, 1),
    ];
    for (name, store, key, schema, revision) in moved {
        cases.case(name, |case| {
            let (vault, record) = record(case);
            refused(case, &vault, store, &RecordPlace { key, schema, revision }, &record, "bad-tag");
        });
    }
    let place = RecordPlace { key: b"key", schema: 1, revision: 0 };
    for (name, at) in
        [("one bit of the nonce", 1), ("one bit of the ciphertext", 13), ("one bit of the tag", 35)]
    {
        cases.case(name, |case| {
            let (vault, mut record) = record(case);
            record[at] ^= 1;
            refused(case, &vault, "contact", &place, &record, "bad-tag");
        });
    }
    cases.case("of another vault", |case| {
        let (_, record) = record(case);
        let vault = VaultKey::generate(case.random(["another vault key"]));
        refused(case, &vault, "contact", &place, &record, "bad-tag");
    });
    cases.case("of another version", |case| {
        let (vault, mut record) = record(case);
        record[0] = 2;
        refused(case, &vault, "contact", &place, &record, "malformed");
    });
    cases.case("too short for a tag", |case| {
        let (vault, record) = record(case);
        refused(case, &vault, "contact", &place, &record[..28], "malformed");
    });
    cases.case("nothing", |case| {
        let (vault, _) = record(case);
        refused(case, &vault, "contact", &place, &[], "malformed");
    });
}

fn sealed(case: &mut Case, store: &str, key: &[u8], content: &[u8]) {
    let vault = VaultKey::generate(case.random(["vault key"]));
    let cipher = vault.store(store);
    let record = cipher.seal(&RecordPlace { key, schema: 1, revision: 0 }, content, case.random(["nonce"]));
    let vault = vault.to_bytes();
    let store_key = hkdf::<32>(&[], vault.as_slice(), "vault-store", &[store.as_bytes()]);
    let mut aad = Vec::new();
    for part in [store.as_bytes(), key, &1_u32.to_be_bytes(), &0_u64.to_be_bytes()] {
        aad.extend(u32::try_from(part.len()).expect("short").to_be_bytes());
        aad.extend(part);
    }
    assert_eq!(open(&store_key, &record[1..13], &record[13..], &aad), content);
    let names = hkdf::<32>(&[], vault.as_slice(), "vault-names", &[store.as_bytes()]);
    let name = &hmac(&names, &[key])[..16];
    assert_eq!(cipher.name(key), name);
    tell(case, vault.as_slice(), store, key, 1, 0);
    case.given("content", hex(content));
    case.expect("store_key", hex(store_key));
    case.expect("aad", hex(aad));
    case.expect("record", hex(record));
    case.expect("name", hex(name));
}

/// The record that refused cases begin with: "content" under `key` of `contact`.
fn record(case: &mut Case) -> (VaultKey, Vec<u8>) {
    let vault = VaultKey::generate(case.random(["vault key"]));
    let place = RecordPlace { key: b"key", schema: 1, revision: 0 };
    let record = vault.store("contact").seal(&place, b"content", case.random(["nonce"]));
    (vault, record)
}

fn refused(
    case: &mut Case,
    vault: &VaultKey,
    store: &str,
    place: &RecordPlace<'_>,
    record: &[u8],
    rule: &'static str,
) {
    tell(case, vault.to_bytes().as_slice(), store, place.key, place.schema, place.revision);
    case.given("record", hex(record));
    case.refused(rule, vault.store(store).open(place, record));
}

fn tell(case: &mut Case, vault: &[u8], store: &str, key: &[u8], schema: u32, revision: u64) {
    case.given("vault_key", hex(vault));
    case.given("store", store);
    case.given("key", hex(key));
    case.given("schema", schema);
    case.given("revision", revision);
}
