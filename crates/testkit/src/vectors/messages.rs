//! Encodings of everything that is said inside the ratchet, carried, or framed on a link; and what readers refuse.

use serde_json::{Map, Value, json};
use sotto_crypto::file::FileKey;
use sotto_crypto::keys::{DeliveryKey, EphemeralPublic};
use sotto_crypto::x3dh::FirstKeys;
use sotto_crypto::{DeliveryKeyId, DeliveryToken, FileId, InviteId, MailboxId, MessageHash, PreKeyId};
use sotto_wire::peer::{
    Body, CancelReason, Carried, Content, DescriptionKind, Ephemeral, FirstPrefix, LinkFrame, Manifest,
    Message, MessageIds, Name, Signal, Text,
};
use sotto_wire::server::{List, Opaque};

use super::form::{Case, Cases, Structure, hex};
use super::people::Person;

pub(super) const MESSAGES: Structure = Structure {
    name: "messages",
    sections: "7.1, 8.1, 8.2, 12, 13.1, 1.4",
    about: "`kind` says what reads the bytes: message (8.1), ephemeral (8.2), carried (7.1), link_frame (12). `fields` are \
            named as in the document, a variant by `type`. Refused cases give the `encoded` bytes.",
    fill,
};

/// The file id of every case that needs one.
pub(super) const FILE: [u8; 16] = [1; 16];

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
    super::messages_refused::refused(cases);
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
        (
            "Devices",
            Content::Devices {
                lists: List::new(vec![
                    Opaque::new(vec![1, 2]).expect("short"),
                    Opaque::new(vec![3]).expect("short"),
                ])
                .expect("two"),
            },
            json!({ "type": "Devices", "lists": ["0102", "03"] }),
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
        CancelReason::DeviceFailed,
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
        key: FileKey::from_bytes(&[2; 32]),
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
        ("Path", LinkFrame::Path { relayed: true }, json!({ "type": "Path", "relayed": true })),
    ] {
        cases.case(name, |case| {
            LinkFrame::decode(&frame.encode()).expect("reads");
            encodes(case, "link_frame", fields, &frame.encode());
        });
    }
}
