//! Messages, ephemeral messages, what is carried, and link frames: read, written again, and compared with what the file
//! says is in them.

use serde_json::{Value, json};
use sotto_testkit::vectors::form::hex;
use sotto_wire::peer::{Carried, Content, Ephemeral, LinkFrame, Message, PeerError, Signal};

use crate::given::{Given, each};

/// What a reader gives: the bytes it would write, and some of what it has read.
fn read(kind: &str, encoded: &[u8]) -> Result<(Vec<u8>, Value), PeerError> {
    match kind {
        "message" => {
            Message::decode(encoded).map(|message| (message.encode().to_vec(), message_json(&message)))
        }
        "ephemeral" => Ephemeral::decode(encoded).map(|said| (said.encode().to_vec(), ephemeral_json(&said))),
        "carried" => Carried::decode(encoded).map(|carried| {
            (Carried::encode(carried.first.as_ref(), &carried.ratchet), carried_json(&carried))
        }),
        "link_frame" => LinkFrame::decode(encoded).map(|frame| (frame.encode(), frame_json(&frame))),
        other => panic!("{other}"),
    }
}

fn message_json(message: &Message) -> Value {
    match message {
        Message::Acknowledge { ids } => {
            let ids: Vec<String> = ids.as_slice().iter().map(|id| hex(id.as_slice())).collect();
            json!({ "type": "Acknowledge", "ids": ids })
        }
        Message::Retry { hash } => json!({ "type": "Retry", "hash": hex(hash.as_bytes()) }),
        Message::End {} => json!({ "type": "End" }),
        Message::Body(body) => {
            let mut told = json!({
                "type": "Body",
                "message_id": hex(body.message_id),
                "sequence": body.sequence,
                "previous": hex(body.previous),
                "lamport": body.lamport,
                "sent_at": body.sent_at,
                "list_version": body.list_version,
                "list_hash": hex(body.list_hash),
                "content": content_json(&body.content),
            });
            if let Some(key) = &body.delivery {
                told["delivery_key"] = json!({ "id": key.id().0, "public": hex(key.as_bytes()) });
            }
            if let Some(token) = &body.token {
                told["delivery_token"] = hex(token.to_bytes().as_slice()).into();
            }
            if let Some(mailbox) = &body.mailbox {
                told["mailbox"] = hex(mailbox.as_bytes()).into();
            }
            if let Some(era) = body.era {
                told["era"] = era.into();
            }
            told
        }
    }
}

fn content_json(content: &Content) -> Value {
    match content {
        Content::Hello { name, mailbox, token, bundle } => json!({
            "type": "Hello", "name": name.as_str(), "mailbox": hex(mailbox.as_bytes()),
            "delivery_token": hex(token.to_bytes().as_slice()), "bundle": hex(bundle.as_bytes()),
        }),
        Content::Confirmed { name, token } => json!({
            "type": "Confirmed", "name": name.as_str(), "delivery_token": hex(token.to_bytes().as_slice()),
        }),
        Content::Profile { name } => json!({ "type": "Profile", "name": name.as_str() }),
        Content::Text { text } => json!({ "type": "Text", "text": text.as_str() }),
        Content::FileOffer(manifest) => {
            let mut told = json!({
                "version": manifest.version, "file_id": hex(manifest.file.as_bytes()),
                "file_key": hex(manifest.key.to_bytes().as_slice()), "size": manifest.size,
                "name": manifest.name.as_str(), "media_type": manifest.mime.as_str(),
            });
            if let Some(root) = manifest.root {
                told["root"] = hex(root).into();
            }
            json!({ "type": "File offer", "manifest": told })
        }
        Content::FileAccept { file } => json!({ "type": "File accept", "file_id": hex(file.as_bytes()) }),
        Content::FileDecline { file } => json!({ "type": "File decline", "file_id": hex(file.as_bytes()) }),
        Content::FileCancel { file, reason } => {
            json!({ "type": "File cancel", "file_id": hex(file.as_bytes()), "reason": *reason as u8 })
        }
        Content::FileRoot { file, root } => {
            json!({ "type": "File root", "file_id": hex(file.as_bytes()), "root": hex(root) })
        }
        Content::Devices { lists } => {
            let lists: Vec<String> = lists.as_slice().iter().map(|list| hex(list.as_bytes())).collect();
            json!({ "type": "Devices", "lists": lists })
        }
    }
}

fn ephemeral_json(said: &Ephemeral) -> Value {
    let number =
        |attempt: u64| if attempt < 1 << 53 { attempt.into() } else { Value::from(attempt.to_string()) };
    match said {
        Ephemeral::Here {} => json!({ "type": "Here" }),
        Ephemeral::HangUp { attempt } => json!({ "type": "Hang up", "attempt": number(*attempt) }),
        Ephemeral::Signal { attempt, signals } => {
            let signals: Vec<Value> = signals.as_slice().iter().map(signal_json).collect();
            json!({ "type": "Signals", "attempt": number(*attempt), "signals": signals })
        }
    }
}

fn signal_json(signal: &Signal) -> Value {
    match signal {
        Signal::Description { kind, sdp } => {
            json!({ "type": "Description", "kind": *kind as u8, "sdp": sdp })
        }
        Signal::Candidate { candidate, mid, line_index } => {
            let mut told = json!({ "type": "Candidate", "candidate": candidate });
            if let Some(mid) = mid {
                told["media_id"] = mid.as_str().into();
            }
            if let Some(index) = line_index {
                told["line_index"] = (*index).into();
            }
            told
        }
    }
}

fn carried_json(carried: &Carried) -> Value {
    let mut told = json!({ "ratchet_message": hex(&carried.ratchet) });
    if let Some(first) = &carried.first {
        let mut prefix = json!({
            "AIK": hex(first.device_list.account().as_bytes()),
            "device_list": hex(first.device_list.as_bytes()),
            "EK": hex(first.keys.ephemeral.as_bytes()),
            "spk_id": first.keys.spk_id.0,
            "flags": first.keys.flags(),
        });
        if let Some(id) = first.keys.opk_id {
            prefix["opk_id"] = id.0.into();
        }
        if let Some(id) = first.keys.invite_id {
            prefix["invite_id"] = hex(id.as_bytes()).into();
        }
        told["prefix"] = prefix;
    }
    told
}

fn frame_json(frame: &LinkFrame) -> Value {
    match frame {
        LinkFrame::Carried(carried) => json!({ "type": "Carried", "carried": hex(carried.as_bytes()) }),
        LinkFrame::Ping { n } => json!({ "type": "Ping", "n": n }),
        LinkFrame::Pong { n } => json!({ "type": "Pong", "n": n }),
        LinkFrame::FileStart { file } => json!({ "type": "File start", "file_id": hex(file.as_bytes()) }),
        LinkFrame::FileReady { file } => json!({ "type": "File ready", "file_id": hex(file.as_bytes()) }),
        LinkFrame::Path { relayed } => json!({ "type": "Path", "relayed": relayed }),
    }
}

#[test]
fn what_is_said_reads_as_the_file_says() {
    each("messages", "", |case: &Given| {
        let kind = case.text("/given/kind").to_owned();
        if case.has("/expect/encoded") {
            let encoded = case.bytes("/expect/encoded");
            let (written, told) = case.judge(read(&kind, &encoded)).unwrap();
            assert_eq!(written, encoded);
            assert_eq!(&told, case.at("/given/fields"));
            if case.has("/expect/body_hash") {
                assert_eq!(Message::body_hash(&encoded), case.array("/expect/body_hash"));
            }
        } else {
            case.judge(read(&kind, &case.filled("/given/encoded")));
        }
    });
}
