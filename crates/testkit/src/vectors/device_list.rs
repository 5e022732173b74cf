//! Device lists: valid ones, and one refused for each rule.

use serde_json::{Value, json};
use sotto_crypto::keys::AccountKey;
use sotto_wire::peer::DeviceList;

use super::cbor;
use super::form::{Case, Cases, Structure, hex};
use super::people::Person;
use super::primitives::hash;

pub(super) const DEVICE_LIST: Structure = Structure {
    name: "device_list",
    sections: "3.1, 1.4, 2",
    about: "The `account`'s list of these `devices` (people, whose DSK, DIK and device id count; their AIKs do not). \
            Refused cases give the `device_list` alone, which breaks one rule.",
    fill,
};

type Fields = Vec<(u64, Vec<u8>)>;

/// A list's fields, to be altered.
fn fields(account: &AccountKey, version: u32, previous: [u8; 32], devices: &[&Person]) -> Fields {
    let account = account.public();
    let devices: Vec<Vec<u8>> = devices.iter().map(|device| entry(device)).collect();
    vec![
        (0, cbor::uint(1)),
        (1, cbor::bytes(account.id().as_bytes())),
        (2, cbor::bytes(account.as_bytes())),
        (3, cbor::uint(version.into())),
        (4, cbor::bytes(&previous)),
        (5, cbor::list(&devices)),
    ]
}

fn entry(device: &Person) -> Vec<u8> {
    entry_of(
        device.device_id.as_bytes(),
        device.signing.public().as_bytes(),
        device.identity.public().as_bytes(),
    )
}

fn entry_of(id: &[u8], signing: &[u8], identity: &[u8]) -> Vec<u8> {
    cbor::map(&[(0, cbor::bytes(id)), (1, cbor::bytes(signing)), (2, cbor::bytes(identity))])
}

fn devices_json(devices: &[&Person]) -> Value {
    let one = |device: &&Person| {
        json!({
            "id": hex(device.device_id.as_bytes()),
            "DSK": hex(device.signing.public().as_bytes()),
            "DIK": hex(device.identity.public().as_bytes()),
        })
    };
    devices.iter().map(one).collect()
}

fn fill(cases: &mut Cases) {
    cases.case("first, of one device", |case| {
        let a = Person::new(case, "A");
        valid(case, &a.account, 1, [0; 32], &[&a]);
    });
    cases.case("second, of two devices", |case| {
        let a = Person::new(case, "A");
        let second = Person::new(case, "second");
        let before = a.list(case);
        case.given("before", hex(before.as_bytes()));
        valid(case, &a.account, 2, *before.hash(), &[&a, &second]);
    });
    cases.case("of eight devices, a high version", |case| {
        let people: Vec<Person> =
            (0..8).map(|number| Person::draw(case, &format!("device {number}"))).collect();
        let devices: Vec<&Person> = people.iter().collect();
        case.given("A", people[0].json());
        valid(case, &people[0].account, u32::MAX, [7; 32], &devices);
    });
    cases.case("an unknown field in the outer, plain map", |case| {
        let a = Person::new(case, "A");
        let inner = cbor::map(&fields(&a.account, 1, [0; 32], &[&a]));
        let signature = a.account.sign_device_list(&inner, case.random(["signature"])).to_bytes();
        let outer =
            cbor::map(&[(0, cbor::bytes(&inner)), (1, cbor::bytes(&signature)), (99, cbor::list(&[]))]);
        let list = DeviceList::decode(&outer).expect("unknown fields are ignored where nothing is signed");
        case.expect("device_list", hex(&outer));
        case.expect("hash", hex(list.hash()));
    });
    refused(cases);
}

fn valid(case: &mut Case, account: &AccountKey, version: u32, previous: [u8; 32], devices: &[&Person]) {
    let listed = devices.iter().map(|device| device.listed()).collect();
    let rng = case.random(["signature"]);
    let list = DeviceList::sign(account, version, previous, listed, rng).expect("a list");
    let signed = cbor::map(&fields(account, version, previous, devices));
    assert_eq!(*list.hash(), hash("device-list-hash", &[&signed]));
    case.given("version", version);
    case.given("previous", hex(previous));
    case.given("devices", devices_json(devices));
    case.expect("signed", hex(&signed));
    case.expect("device_list", hex(list.as_bytes()));
    case.expect("hash", hex(list.hash()));
}

/// A list of A alone, altered before it is signed.
fn altered(
    cases: &mut Cases,
    name: &str,
    rule: &'static str,
    alter: impl FnOnce(&Person, &Person, Fields) -> Vec<u8>,
) {
    cases.case(name, |case| {
        let a = Person::draw(case, "A");
        let second = Person::draw(case, "second");
        let inner = alter(&a, &second, fields(&a.account, 1, [0; 32], &[&a]));
        let signature = a.account.sign_device_list(&inner, case.random(["signature"])).to_bytes();
        let encoded = cbor::signed(&inner, &signature);
        case.given("device_list", hex(&encoded));
        case.refused(rule, DeviceList::decode(&encoded));
    });
}

/// The same with one field replaced.
fn replaced(
    cases: &mut Cases,
    name: &str,
    rule: &'static str,
    key: u64,
    value: impl FnOnce(&Person, &Person) -> Vec<u8>,
) {
    altered(cases, name, rule, |a, second, fields| cbor::map(&cbor::with(&fields, key, value(a, second))));
}

/// A list that is valid, altered after it was signed.
fn damaged(
    cases: &mut Cases,
    name: &str,
    rule: &'static str,
    damage: impl FnOnce(&[u8], &[u8; 64]) -> Vec<u8>,
) {
    cases.case(name, |case| {
        let a = Person::draw(case, "A");
        let inner = cbor::map(&fields(&a.account, 1, [0; 32], &[&a]));
        let signature = a.account.sign_device_list(&inner, case.random(["signature"])).to_bytes();
        let encoded = damage(&inner, &signature);
        case.given("device_list", hex(&encoded));
        case.refused(rule, DeviceList::decode(&encoded));
    });
}

fn refused(cases: &mut Cases) {
    replaced(cases, "version 2", "unknown-version", 0, |_, _| cbor::uint(2));
    replaced(cases, "account id of another key", "wrong-account", 1, |_, second| {
        cbor::bytes(second.account.public().id().as_bytes())
    });
    replaced(cases, "list version 0", "out-of-bounds", 3, |_, _| cbor::uint(0));
    replaced(cases, "no devices", "out-of-bounds", 5, |_, _| cbor::list(&[]));
    replaced(cases, "nine devices", "out-of-bounds", 5, |a, _| cbor::list(&vec![entry(a); 9]));
    replaced(cases, "one device id twice", "reused-key", 5, |a, second| {
        let (signing, identity) = (second.signing.public(), second.identity.public());
        cbor::list(&[entry(a), entry_of(a.device_id.as_bytes(), signing.as_bytes(), identity.as_bytes())])
    });
    replaced(cases, "one DSK twice", "reused-key", 5, |a, second| {
        let (signing, identity) = (a.signing.public(), second.identity.public());
        cbor::list(&[
            entry(a),
            entry_of(second.device_id.as_bytes(), signing.as_bytes(), identity.as_bytes()),
        ])
    });
    replaced(cases, "one DIK twice", "reused-key", 5, |a, second| {
        let (signing, identity) = (second.signing.public(), a.identity.public());
        cbor::list(&[
            entry(a),
            entry_of(second.device_id.as_bytes(), signing.as_bytes(), identity.as_bytes()),
        ])
    });
    replaced(cases, "the DIK of one is the DSK of another", "reused-key", 5, |a, second| {
        let (signing, identity) = (second.signing.public(), a.signing.public());
        cbor::list(&[
            entry(a),
            entry_of(second.device_id.as_bytes(), signing.as_bytes(), identity.as_bytes()),
        ])
    });
    replaced(cases, "DSK and DIK are one key", "reused-key", 5, |a, _| {
        let signing = a.signing.public();
        cbor::list(&[entry_of(a.device_id.as_bytes(), signing.as_bytes(), signing.as_bytes())])
    });
    replaced(cases, "the DSK is the AIK", "reused-key", 5, |a, _| {
        let (signing, identity) = (a.account.public(), a.identity.public());
        cbor::list(&[entry_of(a.device_id.as_bytes(), signing.as_bytes(), identity.as_bytes())])
    });
    replaced(cases, "a DIK that begins with 05", "bad-key", 5, |a, second| {
        let mut identity = *second.identity.public().as_bytes();
        identity[0] = 5;
        cbor::list(&[entry_of(a.device_id.as_bytes(), a.signing.public().as_bytes(), &identity)])
    });
    replaced(cases, "a device id of 15 bytes", "out-of-bounds", 5, |a, _| {
        let (signing, identity) = (a.signing.public(), a.identity.public());
        cbor::list(&[entry_of(&a.device_id.as_bytes()[..15], signing.as_bytes(), identity.as_bytes())])
    });
    altered(cases, "an unknown field in what is signed", "unknown-field", |_, _, mut fields| {
        fields.push((6, cbor::uint(0)));
        cbor::map(&fields)
    });
    altered(cases, "an unknown field that is null", "unknown-field", |_, _, mut fields| {
        fields.push((6, vec![0xf6]));
        cbor::map(&fields)
    });
    altered(cases, "a field missing", "malformed", |_, _, mut fields| {
        fields.remove(4);
        cbor::map(&fields)
    });
    altered(cases, "a key twice", "not-deterministic", |_, _, mut fields| {
        fields.insert(1, (0, cbor::uint(1)));
        cbor::map(&fields)
    });
    altered(cases, "keys out of order", "not-deterministic", |_, _, mut fields| {
        fields.swap(3, 4);
        cbor::map(&fields)
    });
    replaced(cases, "an integer longer than needed", "not-deterministic", 3, |_, _| vec![0x18, 1]);
    altered(cases, "a map of indefinite length", "not-deterministic", |_, _, fields| {
        [&[0xbf], &cbor::map(&fields)[1..], &[0xff]].concat()
    });
    altered(cases, "a byte behind what is signed", "malformed", |_, _, fields| {
        [cbor::map(&fields), vec![0]].concat()
    });
    damaged(cases, "cut short", "malformed", |inner, signature| {
        let mut encoded = cbor::signed(inner, signature);
        encoded.pop();
        encoded
    });
    damaged(cases, "a byte too many", "malformed", |inner, signature| {
        [cbor::signed(inner, signature), vec![0]].concat()
    });
    damaged(cases, "too large", "too-large", |inner, signature| {
        let mut encoded = cbor::signed(inner, signature);
        encoded.resize(2_049, 0);
        encoded
    });
    damaged(cases, "the outer keys out of order", "not-deterministic", |inner, signature| {
        cbor::map(&[(1, cbor::bytes(signature)), (0, cbor::bytes(inner))])
    });
    damaged(cases, "a bit of the signature", "bad-signature", |inner, signature| {
        let mut altered = *signature;
        altered[40] ^= 1;
        cbor::signed(inner, &altered)
    });
    damaged(cases, "high s", "bad-signature", |inner, signature| {
        cbor::signed(inner, &super::signatures::with_high_s(signature))
    });
    damaged(cases, "a bit of the hash of the list before", "bad-signature", |inner, signature| {
        let mut altered = inner.to_vec();
        let place = altered.len() - 3 - 18 - 35 - 35 - 3;
        altered[place] ^= 1;
        cbor::signed(&altered, signature)
    });
    cases.case("signed by another account", |case| {
        let a = Person::draw(case, "A");
        let other = Person::draw(case, "other");
        let inner = cbor::map(&fields(&a.account, 1, [0; 32], &[&a]));
        let signature = other.account.sign_device_list(&inner, case.random(["signature"])).to_bytes();
        let encoded = cbor::signed(&inner, &signature);
        case.given("device_list", hex(&encoded));
        case.refused("bad-signature", DeviceList::decode(&encoded));
    });
    cases.case("signed as a bundle", |case| {
        let a = Person::draw(case, "A");
        let signing = sotto_crypto::keys::DeviceSigningKey::from_bytes(&a.account.to_bytes()).expect("a key");
        let inner = cbor::map(&fields(&a.account, 1, [0; 32], &[&a]));
        let signature = signing.sign_bundle(&inner, case.random(["signature"])).to_bytes();
        let encoded = cbor::signed(&inner, &signature);
        case.given("device_list", hex(&encoded));
        case.refused("bad-signature", DeviceList::decode(&encoded));
    });
}
