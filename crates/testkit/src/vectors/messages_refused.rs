//! What readers of messages, ephemeral messages, of what is carried, and of link frames refuse, and what they just take.

use serde_json::json;
use sotto_wire::peer::{Carried, Ephemeral, LinkFrame, Message, PeerError};

use super::cbor;
use super::form::{Cases, hex};
use super::messages::FILE;
use super::people::Person;

/// What the reader of this kind says.
fn read(kind: &str, encoded: &[u8]) -> Result<(), PeerError> {
    match kind {
        "message" => Message::decode(encoded).map(|_| ()),
        "ephemeral" => Ephemeral::decode(encoded).map(|_| ()),
        "carried" => Carried::decode(encoded).map(|_| ()),
        _ => LinkFrame::decode(encoded).map(|_| ()),
    }
}

fn refuses(cases: &mut Cases, name: &str, kind: &str, rule: Option<&'static str>, encoded: &[u8]) {
    cases.case(name, |case| {
        case.given("kind", kind);
        // What is long ends in zeros.
        let end = encoded.iter().rposition(|byte| *byte != 0).map_or(0, |place| place + 1);
        let told = json!({ "prefix": hex(&encoded[..end]), "length": encoded.len() });
        case.given("encoded", if encoded.len() > 4_096 { told } else { hex(encoded).into() });
        match rule {
            Some(rule) => case.refused(rule, read(kind, encoded)),
            None => {
                read(kind, encoded).expect("reads");
                case.expect("accepted", true);
            }
        }
    });
}

/// Every rule once.
pub(super) fn refused(cases: &mut Cases) {
    let variant =
        |number: u64, fields: &[(u64, Vec<u8>)]| cbor::list(&[cbor::uint(number), cbor::map(fields)]);
    let end = variant(3, &[]);
    let retry = |hash: Vec<u8>| variant(2, &[(0, hash)]);
    let ids = |count: usize| variant(1, &[(0, cbor::list(&vec![cbor::bytes(&[1; 16]); count]))]);
    let here = |fields: &[(u64, Vec<u8>)]| variant(0, fields);
    let odd = |bytes: &[u8]| here(&[(99, bytes.to_vec())]);

    refuses(cases, "unknown field, ignored", "ephemeral", None, &odd(&[0x01]));
    refuses(
        cases,
        "unknown field with lists and maps, ignored",
        "ephemeral",
        None,
        &odd(&[0x82, 0xa1, 0x00, 0xf5, 0x80]),
    );
    refuses(
        cases,
        "unknown field that is a negative number",
        "ephemeral",
        Some("not-deterministic"),
        &odd(&[0x20]),
    );
    refuses(
        cases,
        "unknown field that is a float",
        "ephemeral",
        Some("not-deterministic"),
        &odd(&[0xf9, 0x00, 0x00]),
    );
    refuses(
        cases,
        "unknown field that is tagged",
        "ephemeral",
        Some("not-deterministic"),
        &odd(&[0xc0, 0x60]),
    );
    refuses(
        cases,
        "unknown field of indefinite length",
        "ephemeral",
        Some("not-deterministic"),
        &odd(&[0x9f, 0xff]),
    );
    refuses(
        cases,
        "unknown field that is longer than needed",
        "ephemeral",
        Some("not-deterministic"),
        &odd(&[0x18, 0x01]),
    );
    let nested = |depth: usize| odd(&[vec![0x81; depth - 3], vec![0x80]].concat());
    refuses(cases, "eight lists and maps in one another", "ephemeral", None, &nested(8));
    refuses(cases, "nine lists and maps in one another", "ephemeral", Some("not-deterministic"), &nested(9));
    refuses(cases, "a negative key", "ephemeral", Some("not-deterministic"), &[0x82, 0x00, 0xa1, 0x20, 0x00]);
    refuses(
        cases,
        "unknown field with a text as key",
        "ephemeral",
        Some("not-deterministic"),
        &odd(&[0xa1, 0x61, 0x61, 0]),
    );
    refuses(
        cases,
        "an unknown key twice",
        "ephemeral",
        Some("not-deterministic"),
        &here(&[(9, vec![0]), (9, vec![0])]),
    );
    refuses(
        cases,
        "unknown keys out of order",
        "ephemeral",
        Some("not-deterministic"),
        &here(&[(9, vec![0]), (8, vec![0])]),
    );
    refuses(cases, "unknown variant of a message", "message", Some("unknown-type"), &variant(99, &[]));
    refuses(
        cases,
        "unknown variant of an ephemeral message",
        "ephemeral",
        Some("unknown-type"),
        &variant(99, &[]),
    );
    refuses(cases, "unknown variant of a link frame", "link_frame", Some("unknown-type"), &variant(99, &[]));
    refuses(cases, "nothing", "message", Some("malformed"), &[]);
    refuses(cases, "cut short", "message", Some("malformed"), &end[..end.len() - 1]);
    refuses(cases, "a byte too many", "message", Some("malformed"), &[end.as_slice(), &[0]].concat());
    refuses(
        cases,
        "a variant without its fields",
        "message",
        Some("malformed"),
        &cbor::list(&[cbor::uint(3)]),
    );
    refuses(
        cases,
        "a variant with a third item",
        "message",
        Some("malformed"),
        &cbor::list(&[cbor::uint(3), cbor::map(&[]), cbor::uint(0)]),
    );
    refuses(cases, "a map in place of a variant", "message", Some("malformed"), &cbor::map(&[]));
    refuses(cases, "a field missing", "message", Some("malformed"), &variant(2, &[]));
    refuses(cases, "a field of another type", "message", Some("malformed"), &retry(cbor::uint(1)));
    refuses(cases, "a hash of 15 bytes", "message", Some("out-of-bounds"), &retry(cbor::bytes(&[3; 15])));
    refuses(cases, "a hash of 17 bytes", "message", Some("out-of-bounds"), &retry(cbor::bytes(&[3; 17])));
    refuses(cases, "256 acknowledged", "message", None, &ids(256));
    refuses(cases, "257 acknowledged", "message", Some("out-of-bounds"), &ids(257));
    let announced = [0x82, 0x01, 0xa1, 0x00, 0x9a, 0xff, 0xff, 0xff, 0xff];
    refuses(
        cases,
        "a list that announces what it does not hold",
        "message",
        Some("out-of-bounds"),
        &announced,
    );
    refuses(cases, "a message of 61,441 bytes", "message", Some("too-large"), &[0; 61_441]);
    refuses(cases, "an ephemeral message of 36,865 bytes", "ephemeral", Some("too-large"), &[0; 36_865]);
    refuses(cases, "carried, of 64,513 bytes", "carried", Some("too-large"), &[0; 64_513]);
    refuses(cases, "a link frame of 65,537 bytes", "link_frame", Some("too-large"), &[0; 65_537]);
    refuses(
        cases,
        "a ping beyond 32 bits",
        "link_frame",
        Some("malformed"),
        &variant(1, &[(0, cbor::uint(1 << 32))]),
    );
    let signals = |count: usize| {
        let signal = variant(1, &[(0, cbor::text(""))]);
        variant(1, &[(0, cbor::uint(7)), (1, cbor::list(&vec![signal; count]))])
    };
    refuses(cases, "16 signals", "ephemeral", None, &signals(16));
    refuses(cases, "17 signals", "ephemeral", Some("out-of-bounds"), &signals(17));
    let candidate = |text: &str| {
        variant(1, &[(0, cbor::uint(7)), (1, cbor::list(&[variant(1, &[(0, cbor::text(text))])]))])
    };
    refuses(cases, "a candidate of 1,024 bytes", "ephemeral", None, &candidate(&"c".repeat(1_024)));
    refuses(
        cases,
        "a candidate of 1,025 bytes",
        "ephemeral",
        Some("out-of-bounds"),
        &candidate(&"c".repeat(1_025)),
    );
    let not_utf8 = [candidate("c"), Vec::new()].concat();
    let not_utf8: Vec<u8> = not_utf8.iter().map(|byte| if *byte == b'c' { 0xff } else { *byte }).collect();
    refuses(cases, "a text that is not UTF-8", "ephemeral", Some("malformed"), &not_utf8);
    bounds(cases);
    prefixes(cases);
}

/// The longest of everything, and one more. Texts are of zero bytes, which are UTF-8 as well.
fn bounds(cases: &mut Cases) {
    let variant =
        |number: u64, fields: &[(u64, Vec<u8>)]| cbor::list(&[cbor::uint(number), cbor::map(fields)]);
    let text = |length: usize| cbor::text(&"\0".repeat(length));
    let body = |content: Vec<u8>, more: &[(u64, Vec<u8>)]| {
        let mut fields = vec![
            (0, cbor::bytes(&[1; 16])),
            (1, cbor::uint(2)),
            (2, cbor::bytes(&[3; 32])),
            (3, cbor::uint(4)),
            (4, cbor::uint(5)),
            (5, cbor::uint(1)),
            (6, cbor::bytes(&[6; 32])),
            (7, content),
        ];
        fields.extend_from_slice(more);
        variant(0, &[(0, cbor::map(&fields))])
    };
    let manifest = |version: u64, size: u64, name: usize, media_type: usize| {
        let fields = [
            (0, cbor::uint(version)),
            (1, cbor::bytes(&FILE)),
            (2, cbor::bytes(&[2; 32])),
            (3, cbor::uint(size)),
            (5, text(name)),
            (6, text(media_type)),
        ];
        body(variant(4, &[(0, cbor::map(&fields))]), &[])
    };
    let offer = |size, name, media_type| manifest(1, size, name, media_type);
    let profile = |length| body(variant(2, &[(0, text(length))]), &[]);
    let said = |length| body(variant(3, &[(0, text(length))]), &[]);
    for (what, longest, beyond) in [
        ("a name of 128 bytes", profile(128), profile(129)),
        ("a text of 57,344 bytes", said(57_344), said(57_345)),
        ("a file of 2^38 bytes", offer(1 << 38, 0, 0), offer((1 << 38) + 1, 0, 0)),
        ("a file name of 1,024 bytes", offer(0, 1_024, 0), offer(0, 1_025, 0)),
        ("a media type of 255 bytes", offer(0, 0, 255), offer(0, 0, 256)),
    ] {
        refuses(cases, what, "message", None, &longest);
        refuses(cases, &format!("{what}, and one more"), "message", Some("out-of-bounds"), &beyond);
    }
    refuses(cases, "a manifest of version 0", "message", Some("unknown-version"), &manifest(0, 0, 0, 0));
    refuses(cases, "a manifest of version 2", "message", Some("unknown-version"), &manifest(2, 0, 0, 0));
    refuses(cases, "a manifest of version 256", "message", Some("malformed"), &manifest(256, 0, 0, 0));
    let described = |length: usize| {
        let signal = variant(0, &[(0, cbor::uint(0)), (1, text(length))]);
        variant(1, &[(0, cbor::uint(7)), (1, cbor::list(&[signal]))])
    };
    refuses(cases, "SDP of 16,384 bytes", "ephemeral", None, &described(16_384));
    refuses(cases, "SDP of 16,385 bytes", "ephemeral", Some("out-of-bounds"), &described(16_385));
    let null = || vec![0xf6];
    refuses(
        cases,
        "null in place of an optional field",
        "message",
        None,
        &body(variant(2, &[(0, text(0))]), &[(8, null())]),
    );
    refuses(cases, "null in place of a field", "message", Some("malformed"), &variant(2, &[(0, null())]));
}

/// Prefixes that say what is not so.
fn prefixes(cases: &mut Cases) {
    let mut altered = |name: &str, rule: &'static str, key: u64, value: &dyn Fn(&Person) -> Vec<u8>| {
        cases.case(name, |case| {
            let a = Person::new(case, "A");
            let list = a.list(case);
            let fields = vec![
                (0, cbor::bytes(a.account.public().as_bytes())),
                (1, cbor::bytes(list.as_bytes())),
                (2, cbor::bytes(a.one_time_prekey.public().as_bytes())),
                (3, cbor::uint(1)),
                (4, cbor::uint(2)),
                (6, cbor::uint(1)),
            ];
            let prefix = cbor::map(&cbor::with(&fields, key, value(&a)));
            let encoded = cbor::map(&[(0, prefix), (1, cbor::bytes(&[1, 2, 3]))]);
            case.given("kind", "carried");
            case.given("encoded", hex(&encoded));
            case.refused(rule, Carried::decode(&encoded));
        });
    };
    altered("prefix: flags without the one-time prekey", "malformed", 6, &|_| cbor::uint(0));
    altered("prefix: flags with an invite that is not named", "malformed", 6, &|_| cbor::uint(3));
    altered("prefix: flags with a bit unknown", "malformed", 6, &|_| cbor::uint(5));
    altered("prefix: AIK of another account", "wrong-account", 0, &|a| {
        cbor::bytes(a.signing.public().as_bytes())
    });
    altered("prefix: EK that begins with 04", "bad-key", 2, &|a| {
        let mut point = *a.one_time_prekey.public().as_bytes();
        point[0] = 4;
        cbor::bytes(&point)
    });
}
