//! Encodings of everything that is said inside the ratchet, carried, or framed on a link; and what readers refuse.

use serde_json::{Map, Value, json};
use sotto_crypto::keys::{DeliveryKey, EphemeralPublic};
use sotto_crypto::x3dh::FirstKeys;
use sotto_crypto::{DeliveryKeyId, DeliveryToken, FileId, InviteId, MailboxId, MessageHash, PreKeyId};
use sotto_wire::peer::{
    Body, CancelReason, Carried, Content, DescriptionKind, Ephemeral, FirstPrefix, LinkFrame, Manifest,
    Message, MessageIds, Name, PeerError, Signal, Text,
};
use sotto_wire::server::{List, Opaque};
use zeroize::Zeroizing;

use super::cbor;
use super::form::{Case, Cases, Structure, hex};
use super::people::Person;

pub(super) const MESSAGES: Structure = Structure {
    name: "messages",
    sections: "7.1, 8.1, 8.2, 12, 13.1, 1.4",
    about: "`kind` says what reads the bytes: message (8.1), ephemeral (8.2), carried (7.1), link_frame (12). `fields` are \
            named as in the document, a variant by `type`. Refused cases give the `encoded` bytes.",
    fill,
};

const FILE: [u8; 16] = [1; 16];

/// A body around a content, with everything optional or with nothing of it.
fn body(case: &mut Case, content: Content, told: Value, optional: bool) {
    let delivery = DeliveryKey::generate(DeliveryKeyId(6), case.random(["DK"])).public();
    let body = Body {
        message_id: [1; 16],
        sequence: 2,
        previous: [3; 32],
        lamport: 4,
        sent_at: super::NOW.as_millis(),
        list_version: 1,
        list_hash: [5; 32],
        content,
        delivery: optional.then_some(delivery),
        token: optional.then(|| DeliveryToken::from_bytes(&[7; 32])),
        mailbox: optional.then(|| MailboxId::from_bytes([8; 16])),
        era: optional.then_some(1),
    };
    let mut fields = json!({
        "type": "Body",
        "message_id": hex(body.message_id),
        "sequence": body.sequence,
        "previous": hex(body.previous),
        "lamport": body.lamport,
        "sent_at": body.sent_at,
        "list_version": body.list_version,
        "list_hash": hex(body.list_hash),
        "content": told,
    });
    if optional {
        fields["delivery_key"] = json!({ "id": 6, "public": hex(delivery.as_bytes()) });
        fields["delivery_token"] = hex([7; 32]).into();
        fields["mailbox"] = hex([8; 16]).into();
        fields["era"] = 1.into();
    }
    let encoded = Message::Body(body).encode();
    Message::decode(&encoded).expect("reads");
    encodes(case, "message", fields, &encoded);
    case.expect("body_hash", hex(Message::body_hash(&encoded)));
}

fn encodes(case: &mut Case, kind: &str, fields: Value, encoded: &[u8]) {
    case.given("kind", kind);
    case.given("fields", fields);
    case.expect("encoded", hex(encoded));
}

fn fill(cases: &mut Cases) {
    contents(cases);
    for (name, message, fields) in [
        (
            "Acknowledge",
            Message::Acknowledge { ids: MessageIds::new(vec![[1; 16].into(), [2; 16].into()]).expect("two") },
            json!({ "type": "Acknowledge", "ids": [hex([1; 16]), hex([2; 16])] }),
        ),
        (
            "Acknowledge of nothing",
            Message::Acknowledge { ids: MessageIds::new(Vec::new()).expect("none") },
            json!({ "type": "Acknowledge", "ids": [] }),
        ),
        (
            "Retry",
            Message::Retry { hash: MessageHash::from_bytes([3; 16]) },
            json!({ "type": "Retry", "hash": hex([3; 16]) }),
        ),
        ("End", Message::End {}, json!({ "type": "End" })),
    ] {
        cases.case(name, |case| encodes(case, "message", fields, &message.encode()));
    }
    ephemerals(cases);
    carried(cases);
    frames(cases);
    refused(cases);
}

fn contents(cases: &mut Cases) {
    let name = || Name::new("Änna".to_owned()).expect("short");
    let token = || DeliveryToken::from_bytes(&[9; 32]);
    let file = FileId::from_bytes(FILE);
    let text = |text: &str| Content::Text { text: Text::new(text.to_owned()).expect("short") };
    let all: Vec<(&str, Content, Value, bool)> = vec![
        (
            "Hello",
            Content::Hello {
                name: name(),
                mailbox: MailboxId::from_bytes([8; 16]),
                token: token(),
                bundle: Opaque::new(vec![1, 2, 3]).expect("short"),
            },
            json!({ "type": "Hello", "name": "Änna", "mailbox": hex([8; 16]), "delivery_token": hex([9; 32]), "bundle": "010203" }),
            false,
        ),
        (
            "Confirmed",
            Content::Confirmed { name: name(), token: token() },
            json!({ "type": "Confirmed", "name": "Änna", "delivery_token": hex([9; 32]) }),
            true,
        ),
        ("Profile", Content::Profile { name: name() }, json!({ "type": "Profile", "name": "Änna" }), true),
        ("Text", text("hi 🙂"), json!({ "type": "Text", "text": "hi 🙂" }), false),
        ("Text with every optional field", text("hi 🙂"), json!({ "type": "Text", "text": "hi 🙂" }), true),
        ("File offer", Content::FileOffer(manifest(None)), manifest_json(None), false),
        (
            "File offer with a root",
            Content::FileOffer(manifest(Some([3; 32]))),
            manifest_json(Some([3; 32])),
            false,
        ),
        (
            "File accept",
            Content::FileAccept { file },
            json!({ "type": "File accept", "file_id": hex(FILE) }),
            false,
        ),
        (
            "File decline",
            Content::FileDecline { file },
            json!({ "type": "File decline", "file_id": hex(FILE) }),
            false,
        ),
        (
            "File root",
            Content::FileRoot { file, root: [4; 32] },
            json!({ "type": "File root", "file_id": hex(FILE), "root": hex([4; 32]) }),
            false,
        ),
    ];
    for (name, content, told, optional) in all {
        cases.case(name, |case| body(case, content, told, optional));
    }
    let reasons = [
        CancelReason::Stopped,
        CancelReason::Interrupted,
        CancelReason::Unreadable,
        CancelReason::NoSpace,
        CancelReason::Corrupt,
    ];
    for (number, reason) in reasons.into_iter().enumerate() {
        cases.case(&format!("File cancel, reason {number}"), |case| {
            let told = json!({ "type": "File cancel", "file_id": hex(FILE), "reason": number });
            body(case, Content::FileCancel { file, reason }, told, false);
        });
    }
}

fn manifest(root: Option<[u8; 32]>) -> Manifest {
    Manifest {
        version: 1,
        file: FileId::from_bytes(FILE),
        key: Zeroizing::new([2; 32]),
        size: 65_537,
        root,
        name: Text::new("naïve.txt".to_owned()).expect("short"),
        mime: Text::new("text/plain".to_owned()).expect("short"),
    }
}

fn manifest_json(root: Option<[u8; 32]>) -> Value {
    let mut told = json!({
        "version": 1,
        "file_id": hex(FILE),
        "file_key": hex([2; 32]),
        "size": 65_537,
        "name": "naïve.txt",
        "media_type": "text/plain",
    });
    if let Some(root) = root {
        told["root"] = hex(root).into();
    }
    json!({ "type": "File offer", "manifest": told })
}

fn ephemerals(cases: &mut Cases) {
    let description = |kind| Signal::Description { kind, sdp: "v=0\r\n".to_owned() };
    let candidate = |text: &str, mid: Option<&str>, line_index| Signal::Candidate {
        candidate: text.to_owned(),
        mid: mid.map(str::to_owned),
        line_index,
    };
    let signals = vec![
        description(DescriptionKind::Offer),
        description(DescriptionKind::Answer),
        candidate("candidate:1", Some("0"), Some(0)),
        candidate("", None, None),
    ];
    let told = json!([
        { "type": "Description", "kind": 0, "sdp": "v=0\r\n" },
        { "type": "Description", "kind": 1, "sdp": "v=0\r\n" },
        { "type": "Candidate", "candidate": "candidate:1", "media_id": "0", "line_index": 0 },
        { "type": "Candidate", "candidate": "" },
    ]);
    let attempt = u64::MAX - 1;
    for (name, ephemeral, fields) in [
        ("Here", Ephemeral::Here {}, json!({ "type": "Here" })),
        (
            "Signals",
            Ephemeral::Signal { attempt, signals: List::new(signals).expect("few") },
            json!({ "type": "Signals", "attempt": attempt.to_string(), "signals": told }),
        ),
        ("Hang up", Ephemeral::HangUp { attempt: 7 }, json!({ "type": "Hang up", "attempt": 7 })),
    ] {
        cases.case(name, |case| {
            Ephemeral::decode(&ephemeral.encode()).expect("reads");
            encodes(case, "ephemeral", fields, &ephemeral.encode());
        });
    }
}

fn carried(cases: &mut Cases) {
    cases.case("carried", |case| {
        let fields = json!({ "ratchet_message": "010203" });
        encodes(case, "carried", fields, &Carried::encode(None, &[1, 2, 3]));
    });
    for (name, opk, invite) in [
        ("carried with a prefix", None, None),
        ("carried with a prefix, one-time prekey", Some(2), None),
        ("carried with a prefix, invite", None, Some([3; 16])),
        ("carried with a prefix, one-time prekey and invite", Some(2), Some([3; 16])),
    ] {
        cases.case(name, |case| {
            let (prefix, told) = prefix(case, opk, invite);
            let fields = json!({ "prefix": told, "ratchet_message": "010203" });
            encodes(case, "carried", fields, &Carried::encode(Some(&prefix), &[1, 2, 3]));
        });
    }
}

fn prefix(case: &mut Case, opk: Option<u32>, invite: Option<[u8; 16]>) -> (FirstPrefix, Value) {
    let a = Person::new(case, "A");
    let list = a.list(case);
    let ephemeral = *a.one_time_prekey.public().as_bytes();
    let keys = FirstKeys {
        ephemeral: EphemeralPublic::from_bytes(&ephemeral).expect("a point"),
        spk_id: PreKeyId(1),
        opk_id: opk.map(PreKeyId),
        invite_id: invite.map(InviteId::from_bytes),
    };
    let mut told = Map::new();
    told.insert("AIK".to_owned(), hex(a.account.public().as_bytes()).into());
    told.insert("device_list".to_owned(), hex(list.as_bytes()).into());
    told.insert("EK".to_owned(), hex(ephemeral).into());
    told.insert("spk_id".to_owned(), 1.into());
    if let Some(id) = opk {
        told.insert("opk_id".to_owned(), id.into());
    }
    if let Some(id) = invite {
        told.insert("invite_id".to_owned(), hex(id).into());
    }
    told.insert("flags".to_owned(), keys.flags().into());
    (FirstPrefix { device_list: list, keys }, told.into())
}

fn frames(cases: &mut Cases) {
    let file = FileId::from_bytes(FILE);
    for (name, frame, fields) in [
        (
            "Carried on a link",
            LinkFrame::Carried(Opaque::new(vec![1, 2, 3]).expect("short")),
            json!({ "type": "Carried", "carried": "010203" }),
        ),
        ("Ping", LinkFrame::Ping { n: 1 }, json!({ "type": "Ping", "n": 1 })),
        ("Pong", LinkFrame::Pong { n: u32::MAX }, json!({ "type": "Pong", "n": u32::MAX })),
        ("File start", LinkFrame::FileStart { file }, json!({ "type": "File start", "file_id": hex(FILE) })),
        ("File ready", LinkFrame::FileReady { file }, json!({ "type": "File ready", "file_id": hex(FILE) })),
    ] {
        cases.case(name, |case| {
            LinkFrame::decode(&frame.encode()).expect("reads");
            encodes(case, "link_frame", fields, &frame.encode());
        });
    }
}

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

fn refused(cases: &mut Cases) {
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
    let offer = |size: u64, name: usize, media_type: usize| {
        let fields = [
            (0, cbor::uint(1)),
            (1, cbor::bytes(&FILE)),
            (2, cbor::bytes(&[2; 32])),
            (3, cbor::uint(size)),
            (5, text(name)),
            (6, text(media_type)),
        ];
        body(variant(4, &[(0, cbor::map(&fields))]), &[])
    };
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
