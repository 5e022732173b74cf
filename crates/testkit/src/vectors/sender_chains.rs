//! Announcements of sender chains as bytes: read, and one refused for each rule.

use sotto_crypto::keys::GroupSigningKey;
use sotto_wire::peer::decode_sender_chain;

use super::cbor;
use super::form::{Cases, hex};

type Fields = Vec<(u64, Vec<u8>)>;

pub(super) fn announcements(cases: &mut Cases) {
    let point = *GroupSigningKey::from_bytes(&[7; 32]).expect("a scalar").public().as_bytes();
    let fields: Fields = vec![
        (0, cbor::uint(1)),
        (1, cbor::bytes(&[1; 16])),
        (2, cbor::uint(300)),
        (3, cbor::bytes(&[2; 32])),
        (4, cbor::uint(99)),
        (5, cbor::bytes(&[3; 32])),
        (6, cbor::bytes(&point)),
    ];
    let mut read = |name: &str, rule: Option<&'static str>, bytes: Vec<u8>| {
        cases.case(&format!("announcement: {name}"), |case| {
            case.given("announcement", hex(&bytes));
            let outcome = decode_sender_chain(&bytes);
            let Some(rule) = rule else {
                let read = outcome.expect("an announcement");
                case.expect("group_id", hex(read.group.as_bytes()));
                case.expect("epoch", read.made.epoch);
                case.expect("roster_hash", hex(read.made.hash.as_bytes()));
                case.expect("n", read.next);
                case.expect("CK", hex(read.key.to_bytes().as_slice()));
                case.expect("GSK", hex(read.signing.as_bytes()));
                return;
            };
            case.refused(rule, outcome);
        });
    };
    let good = cbor::map(&fields);
    let with = |key, value| cbor::map(&cbor::with(&fields, key, value));
    let mut twice = fields.clone();
    twice.insert(1, (0, cbor::uint(1)));
    let mut more = fields.clone();
    more.push((7, cbor::text("later")));
    let mut swapped = fields.clone();
    swapped.swap(0, 1);
    let mut tagged = point;
    tagged[0] = 5;
    read("good", None, good.clone());
    read("an unknown field", None, cbor::map(&more));
    read("of another version", Some("unknown-version"), with(0, cbor::uint(2)));
    read("n = 100", Some("out-of-bounds"), with(4, cbor::uint(100)));
    read("CK of 31 bytes", Some("out-of-bounds"), with(5, cbor::bytes(&[3; 31])));
    read("GSK beginning with 05", Some("bad-key"), with(6, cbor::bytes(&tagged)));
    read("GSK off the curve", Some("bad-key"), {
        let mut off = [0xff; 33];
        off[0] = 2;
        with(6, cbor::bytes(&off))
    });
    read("without GSK", Some("malformed"), cbor::map(&fields[..6]));
    read("a field twice", Some("not-deterministic"), cbor::map(&twice));
    read("fields out of order", Some("not-deterministic"), cbor::map(&swapped));
    read("an integer too long", Some("not-deterministic"), with(2, vec![0x1a, 0, 0, 1, 44]));
    read("cut short", Some("malformed"), good[..good.len() - 1].to_vec());
    read("something behind it", Some("malformed"), [good.clone(), vec![0]].concat());
    read("larger than an announcement", Some("too-large"), {
        let mut long = fields.clone();
        long.push((7, cbor::bytes(&[0; 120])));
        cbor::map(&long)
    });
}
