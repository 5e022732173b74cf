//! Bundles: valid ones, and one refused for each rule.

use sotto_crypto::Timestamp;
use sotto_crypto::keys::DeviceSigningKey;
use sotto_wire::peer::{Bundle, DeviceList, PeerError, UnsignedBundle, limits};

use super::NOW;
use super::cbor;
use super::form::{Case, Cases, Structure, hex};
use super::people::Person;

pub(super) const BUNDLE: Structure = Structure {
    name: "bundle",
    sections: "3.2, 1.4",
    about: "A bundle of A's device, read at the time `now` under A's `device_list`.",
    fill,
};

type Fields = Vec<(u64, Vec<u8>)>;

fn fields(a: &Person) -> Fields {
    let (spk, dk) = (a.signed_prekey.public(), a.delivery.public());
    vec![
        (0, cbor::uint(1)),
        (1, cbor::uint(1)),
        (2, cbor::bytes(a.account.public().as_bytes())),
        (3, cbor::bytes(a.device_id.as_bytes())),
        (4, cbor::bytes(a.signing.public().as_bytes())),
        (5, cbor::bytes(a.identity.public().as_bytes())),
        (6, numbered(spk.id().0, spk.as_bytes())),
        (7, numbered(dk.id().0, dk.as_bytes())),
        (8, cbor::uint(NOW.as_millis())),
    ]
}

fn numbered(id: u32, point: &[u8]) -> Vec<u8> {
    cbor::list(&[cbor::uint(id.into()), cbor::bytes(point)])
}

/// A, its list, and the bundle that it signs.
pub(super) fn bundle(case: &mut Case, a: &Person) -> Vec<u8> {
    let bundle = UnsignedBundle {
        device: a.device(),
        signed_prekey: a.signed_prekey.public(),
        delivery: a.delivery.public(),
        created: NOW,
    };
    bundle.sign(&a.signing, case.random(["bundle signature"]))
}

fn fill(cases: &mut Cases) {
    let life = limits::BUNDLE_LIFETIME + limits::CLOCK_SKEW;
    let millisecond = core::time::Duration::from_millis(1);
    for (name, now) in [
        ("fresh", NOW),
        ("at the end of its life", NOW.saturating_add(life)),
        ("made by a clock that is a day ahead", NOW.saturating_sub(limits::CLOCK_SKEW)),
    ] {
        cases.case(name, |case| {
            let (_, read) = at(case, now);
            let bundle = read.expect("valid");
            case.expect("created", bundle.created().as_millis());
        });
    }
    for (name, now) in [
        ("a millisecond too old", NOW.saturating_add(life + millisecond)),
        ("a millisecond too far in the future", NOW.saturating_sub(limits::CLOCK_SKEW + millisecond)),
    ] {
        cases.case(name, |case| {
            let (bundle, read) = at(case, now);
            case.given("bundle", hex(bundle));
            case.refused("expired", read);
        });
    }
    refused(cases);
}

/// A valid bundle, read at some time.
fn at(case: &mut Case, now: Timestamp) -> (Vec<u8>, Result<Bundle, PeerError>) {
    let a = Person::new(case, "A");
    let list = a.list(case);
    let encoded = bundle(case, &a);
    case.given("device_list", hex(list.as_bytes()));
    case.given("created", NOW.as_millis());
    case.given("now", now.as_millis());
    let read = Bundle::decode(&encoded, &list, now);
    if read.is_ok() {
        case.expect("signed", hex(cbor::map(&fields(&a))));
        case.expect("bundle", hex(&encoded));
    }
    (encoded, read)
}

/// A bundle altered before it is signed.
fn altered(
    cases: &mut Cases,
    name: &str,
    rule: &'static str,
    alter: impl FnOnce(&Person, Fields) -> Vec<u8>,
) {
    cases.case(name, |case| {
        let a = Person::draw(case, "A");
        let list = a.list(case);
        let inner = alter(&a, fields(&a));
        let signature = a.signing.sign_bundle(&inner, case.random(["bundle signature"])).to_bytes();
        judge(case, &list, rule, &cbor::signed(&inner, &signature));
    });
}

fn judge(case: &mut Case, list: &DeviceList, rule: &'static str, encoded: &[u8]) {
    case.given("device_list", hex(list.as_bytes()));
    case.given("now", NOW.as_millis());
    case.given("bundle", hex(encoded));
    case.refused(rule, Bundle::decode(encoded, list, NOW));
}

/// The same with one field replaced.
fn replaced(
    cases: &mut Cases,
    name: &str,
    rule: &'static str,
    key: u64,
    value: impl FnOnce(&Person) -> Vec<u8>,
) {
    altered(cases, name, rule, |a, fields| cbor::map(&cbor::with(&fields, key, value(a))));
}

fn refused(cases: &mut Cases) {
    replaced(cases, "version 2", "unknown-version", 0, |_| cbor::uint(2));
    replaced(cases, "suite 2", "unknown-version", 1, |_| cbor::uint(2));
    replaced(cases, "a device id that is not listed", "unlisted-device", 3, |_| cbor::bytes(&[7; 16]));
    replaced(cases, "another AIK", "unlisted-device", 2, |a| {
        cbor::bytes(a.one_time_prekey.public().as_bytes())
    });
    replaced(cases, "another DSK than listed", "unlisted-device", 4, |a| {
        cbor::bytes(a.one_time_prekey.public().as_bytes())
    });
    replaced(cases, "another DIK than listed", "unlisted-device", 5, |a| {
        cbor::bytes(a.one_time_prekey.public().as_bytes())
    });
    replaced(cases, "the SPK is the DIK", "reused-key", 6, |a| numbered(7, a.identity.public().as_bytes()));
    replaced(cases, "the SPK is the AIK", "reused-key", 6, |a| numbered(7, a.account.public().as_bytes()));
    replaced(cases, "the DK is the SPK", "reused-key", 7, |a| {
        numbered(9, a.signed_prekey.public().as_bytes())
    });
    replaced(cases, "the DK is the DSK", "reused-key", 7, |a| numbered(9, a.signing.public().as_bytes()));
    replaced(cases, "an SPK that begins with 04", "bad-key", 6, |a| {
        let mut point = *a.signed_prekey.public().as_bytes();
        point[0] = 4;
        numbered(7, &point)
    });
    altered(cases, "an unknown field in what is signed", "unknown-field", |_, mut fields| {
        fields.push((9, cbor::uint(0)));
        cbor::map(&fields)
    });
    altered(cases, "keys out of order", "not-deterministic", |_, mut fields| {
        fields.swap(0, 1);
        cbor::map(&fields)
    });
    altered(cases, "without a delivery key", "malformed", |_, mut fields| {
        fields.remove(7);
        cbor::map(&fields)
    });
    for (name, rule) in [
        ("signed by the account key", "bad-signature"),
        ("a bit of the signature", "bad-signature"),
        ("high s", "bad-signature"),
        ("cut short", "malformed"),
        ("too large", "too-large"),
    ] {
        cases.case(name, |case| {
            let a = Person::draw(case, "A");
            let list = a.list(case);
            let encoded = damaged(case, &a, name);
            judge(case, &list, rule, &encoded);
        });
    }
}

fn damaged(case: &mut Case, a: &Person, how: &str) -> Vec<u8> {
    let inner = cbor::map(&fields(a));
    let sign = |key: &DeviceSigningKey, case: &mut Case| {
        key.sign_bundle(&inner, case.random(["bundle signature"])).to_bytes()
    };
    if how == "signed by the account key" {
        let account = DeviceSigningKey::from_bytes(&a.account.to_bytes()).expect("a key");
        return cbor::signed(&inner, &sign(&account, case));
    }
    let mut signature = sign(&a.signing, case);
    let mut encoded = cbor::signed(&inner, &signature);
    match how {
        "cut short" => encoded.truncate(encoded.len() - 1),
        "too large" => encoded.resize(1_025, 0),
        "high s" => encoded = cbor::signed(&inner, &super::signatures::with_high_s(&signature)),
        _ => {
            signature[0] ^= 1;
            encoded = cbor::signed(&inner, &signature);
        }
    }
    encoded
}
