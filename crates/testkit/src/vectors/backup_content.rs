//! What a backup says: every entry, and rows of them.

use serde_json::{Value, json};
use sotto_crypto::keys::AccountKey;
use sotto_crypto::{AccountId, DeliveryToken, MailboxId};
use sotto_wire::backup::{BackupContent, BackupEntry, ContentError, Milestone, Said, Standing};
use sotto_wire::peer::{DeviceList, Name, PeerError, Text, limits};

use super::form::{Case, Cases, Structure, counting, hex};
use super::people::Person;

pub(super) const BACKUP_CONTENT: Structure = Structure {
    name: "backup_content",
    sections: "22.3",
    about: "`entry` is the encoding of what is given, or bytes that are refused. `entries` are the items of a backup in \
            their order: accepted as a whole, or refused because of the last one (or, by account-place, because there \
            is none). Texts of `length` consist of as many letters x.",
    fill,
};

fn fill(cases: &mut Cases) {
    entries(cases);
    refused_entries(cases);
    rows(cases);
}

/// Somebody with an account key and a device list, told.
struct Owner {
    key: AccountKey,
    list: DeviceList,
}

impl Owner {
    fn new(case: &mut Case, name: &str) -> Self {
        let person = Person::draw(case, name);
        let list = person.list(case);
        case.drawn();
        case.given(
            name,
            json!({
                "AIK": { "private": hex(person.account.to_bytes().as_slice()),
                         "public": hex(person.account.public().as_bytes()) },
                "account_id": hex(person.account.public().id().as_bytes()),
                "device_list": hex(list.as_bytes()),
            }),
        );
        Self { key: person.account, list }
    }

    fn id(&self) -> AccountId {
        self.key.public().id()
    }

    fn account(&self) -> BackupEntry {
        BackupEntry::Account {
            version: limits::VERSION,
            key: AccountKey::from_bytes(&self.key.to_bytes()).expect("a scalar"),
            list: self.list.clone(),
            name: text("Ann"),
            created: 1_800_000_000_000,
        }
    }

    fn contact(&self) -> BackupEntry {
        contact(&self.list, "Ben", "", true, Standing::Confirmed)
    }
}

fn contact(list: &DeviceList, name: &str, petname: &str, verified: bool, standing: Standing) -> BackupEntry {
    BackupEntry::Contact {
        list: list.clone(),
        name: text(name),
        petname: text(petname),
        verified,
        standing,
        mailbox: MailboxId::from_bytes([6; 16]),
        token: DeliveryToken::from_bytes(&[7; 32]),
    }
}

fn text(name: &str) -> Name {
    Name::new(name.to_owned()).expect("short")
}

fn message(lamport: u64, author: AccountId, sequence: u64, said: Said) -> BackupEntry {
    BackupEntry::Message { lamport, author, sequence, message_id: [9; 16], sent_at: 1_800_000_000_123, said }
}

fn missing(lamport: u64, author: AccountId, sequence: u64) -> BackupEntry {
    message(lamport, author, sequence, Said::Missing { count: 1 })
}

fn entries(cases: &mut Cases) {
    cases.case("account", |case| {
        let ann = Owner::new(case, "A");
        case.given("account", json!({ "key": "A", "name": "Ann", "created": 1_800_000_000_000_u64 }));
        case.expect("entry", hex(&*ann.account().encode()));
    });
    for (name, own, verified, standing, number) in [
        ("contact, awaiting theirs", "", false, Standing::AwaitingTheirs, 0),
        ("contact, awaiting ours", "", false, Standing::AwaitingOurs, 1),
        ("contact, confirmed and verified", "Benjamin \u{1f512}", true, Standing::Confirmed, 2),
        ("contact, ended", "", true, Standing::Ended, 3),
    ] {
        cases.case(name, |case| {
            let ben = Owner::new(case, "B");
            let entry = contact(&ben.list, "Ben", own, verified, standing);
            case.given(
                "contact",
                json!({ "of": "B", "name": "Ben", "own_name": own, "verified": verified, "standing": number,
                        "mailbox": hex([6; 16]), "token": hex([7; 32]) }),
            );
            case.expect("entry", hex(&*entry.encode()));
        });
    }
    let forms: [(&str, Said, Value); 8] = [
        (
            "text",
            Said::Text { text: Text::new("hello".to_owned()).expect("short") },
            json!([0, { "text": "hello" }]),
        ),
        (
            "file",
            Said::File {
                name: Text::new("a.txt".to_owned()).expect("short"),
                size: limits::FILE_SIZE_MAX,
                mime: Text::new(String::new()).expect("short"),
            },
            json!([1, { "name": "a.txt", "size": limits::FILE_SIZE_MAX, "media_type": "" }]),
        ),
        ("missing", Said::Missing { count: 3 }, json!([2, { "count": 3 }])),
        (
            "missing, the most",
            Said::Missing { count: u64::MAX },
            json!([2, { "count": u64::MAX.to_string() }]),
        ),
        ("came by our link", Said::Milestone { kind: Milestone::CameByOurLink }, json!([3, { "kind": 0 }])),
        ("came by theirs", Said::Milestone { kind: Milestone::CameByTheirLink }, json!([3, { "kind": 1 }])),
        ("confirmed", Said::Milestone { kind: Milestone::Confirmed }, json!([3, { "kind": 2 }])),
        ("ended", Said::Milestone { kind: Milestone::Ended }, json!([3, { "kind": 3 }])),
    ];
    for (name, said, told) in forms {
        cases.case(&format!("message, {name}"), |case| {
            let author = AccountId::from_bytes([4; 16]);
            let entry = message(70_000, author, 24, said);
            case.given(
                "message",
                json!({ "lamport": 70_000, "author": hex([4; 16]), "sequence": 24, "message_id": hex([9; 16]),
                        "sent_at": 1_800_000_000_123_u64, "what": told }),
            );
            case.expect("entry", hex(&*entry.encode()));
        });
    }
}

fn refused_entries(cases: &mut Cases) {
    fn refused(
        cases: &mut Cases,
        name: &str,
        rule: &'static str,
        make: impl FnOnce(&Owner, &Owner) -> Vec<u8>,
    ) {
        cases.case(&format!("entry, {name}"), |case| {
            let (ann, ben) = (Owner::new(case, "A"), Owner::new(case, "B"));
            let entry = make(&ann, &ben);
            case.given("entry", hex(&entry));
            case.refused(rule, BackupEntry::decode(&entry));
        });
    }
    let bytes = |entry: BackupEntry| entry.encode().to_vec();
    refused(cases, "nothing", "malformed", |_, _| Vec::new());
    refused(cases, "of another version", "unknown-version", |ann, _| {
        let mut entry = bytes(ann.account());
        assert_eq!(entry[..5], [0x82, 0, 0xa5, 0, 1]);
        entry[4] = 2;
        entry
    });
    refused(cases, "an unknown variant", "unknown-type", |_, ben| {
        let mut entry = bytes(ben.contact());
        entry[1] = 3;
        entry
    });
    refused(cases, "the device list of another account", "wrong-account", |ann, ben| {
        bytes(BackupEntry::Account {
            version: limits::VERSION,
            key: AccountKey::from_bytes(&ann.key.to_bytes()).expect("a scalar"),
            list: ben.list.clone(),
            name: text("Ann"),
            created: 0,
        })
    });
    refused(cases, "an account key that is no scalar", "bad-key", |ann, _| {
        let mut entry = bytes(ann.account());
        entry[8..40].fill(0);
        entry
    });
    refused(cases, "a device list whose signature was altered", "bad-signature", |_, ben| {
        let mut entry = bytes(ben.contact());
        // `[1, {0: bytes …`: the list's last byte is the signature's.
        let end = 7 + ben.list.as_bytes().len();
        assert_eq!(entry[7..end], *ben.list.as_bytes());
        entry[end - 1] ^= 1;
        entry
    });
    refused(cases, "an unknown field", "unknown-field", |_, ben| {
        let entry = bytes(ben.contact());
        assert_eq!(entry[2], 0xa7);
        [&entry[..2], &[0xa8], &entry[3..], &[7, 0]].concat()
    });
    refused(cases, "a field that is missing", "malformed", |_, ben| {
        let entry = bytes(ben.contact());
        [&entry[..2], &[0xa6], &entry[3..entry.len() - 35]].concat()
    });
    refused(cases, "a byte after the end", "malformed", |_, ben| [bytes(ben.contact()), vec![0]].concat());
    refused(cases, "a longer head than needed", "not-deterministic", |_, _| {
        let entry = bytes(missing(1, AccountId::from_bytes([4; 16]), 1));
        assert_eq!(entry[..5], [0x82, 2, 0xa6, 0, 1]);
        [&entry[..4], &[0x18, 1], &entry[5..]].concat()
    });
    refused(cases, "a message of a form that does not exist", "unknown-type", |_, _| {
        let mut entry = bytes(missing(1, AccountId::from_bytes([4; 16]), 1));
        let said = entry.len() - 5;
        assert_eq!(entry[said..], [0x82, 2, 0xa1, 0, 1]);
        entry[said + 1] = 4;
        entry
    });
    refused(cases, "a field more in what is said", "unknown-field", |_, _| {
        let entry = bytes(missing(1, AccountId::from_bytes([4; 16]), 1));
        let said = entry.len() - 5;
        [&entry[..said], &[0x82, 2, 0xa2, 0, 1, 1, 10]].concat()
    });
    refused(cases, "a file that is too large", "out-of-bounds", |_, _| {
        let file = Said::File {
            name: Text::new("a".to_owned()).expect("short"),
            size: limits::FILE_SIZE_MAX,
            mime: Text::new(String::new()).expect("short"),
        };
        let mut entry = bytes(message(1, AccountId::from_bytes([4; 16]), 1, file));
        let size = entry.len() - 3;
        entry[size] |= 1;
        entry
    });
    cases.case("entry, longer than any item", |case| {
        let entry = counting(61_441);
        case.given("entry", super::form::counting_json(entry.len()));
        case.refused("too-large", BackupEntry::decode(&entry));
    });
}

fn rows(cases: &mut Cases) {
    type Row = fn(&Owner, &Owner, &Owner) -> Vec<BackupEntry>;
    let rows: [(&str, Option<&'static str>, Row); 16] = [
        ("account alone", None, |a, _, _| vec![a.account()]),
        ("two contacts and what they said", None, |a, b, c| {
            let mut row = vec![a.account(), b.contact(), missing(1, a.id(), 1), missing(2, a.id(), 2)];
            let mut authors = [a.id(), b.id()];
            authors.sort();
            row.extend([missing(3, authors[0], 9), missing(3, authors[1], 3), missing(3, authors[1], 4)]);
            row.extend([c.contact(), missing(1, c.id(), 1)]);
            row
        }),
        ("nothing", Some("account-place"), |_, _, _| Vec::new()),
        ("a contact first", Some("account-place"), |_, b, _| vec![b.contact()]),
        ("a message first", Some("account-place"), |a, _, _| vec![missing(1, a.id(), 1)]),
        ("two accounts", Some("account-place"), |a, b, _| vec![a.account(), b.account()]),
        ("an account behind a contact", Some("account-place"), |a, b, _| {
            vec![a.account(), b.contact(), a.account()]
        }),
        ("a message without a contact", Some("message-order"), |a, _, _| {
            vec![a.account(), missing(1, a.id(), 1)]
        }),
        ("contacts falling", Some("contact-order"), |a, b, c| vec![a.account(), c.contact(), b.contact()]),
        ("a contact twice", Some("contact-order"), |a, b, _| vec![a.account(), b.contact(), b.contact()]),
        ("the account as a contact", Some("own-account"), |a, _, _| vec![a.account(), a.contact()]),
        ("a message of another contact", Some("foreign-author"), |a, b, c| {
            vec![a.account(), b.contact(), missing(1, c.id(), 1)]
        }),
        ("a message twice", Some("message-order"), |a, b, _| {
            vec![a.account(), b.contact(), missing(1, a.id(), 1), missing(1, a.id(), 1)]
        }),
        ("Lamport times falling", Some("message-order"), |a, b, _| {
            vec![a.account(), b.contact(), missing(2, a.id(), 1), missing(1, a.id(), 2)]
        }),
        ("authors falling", Some("message-order"), |a, b, _| {
            let (first, last) = (a.id().min(b.id()), a.id().max(b.id()));
            vec![a.account(), b.contact(), missing(1, last, 1), missing(1, first, 2)]
        }),
        ("sequences falling", Some("message-order"), |a, b, _| {
            vec![a.account(), b.contact(), missing(1, a.id(), 2), missing(1, a.id(), 1)]
        }),
    ];
    for (name, rule, row) in rows {
        cases.case(&format!("row, {name}"), |case| {
            let a = Owner::new(case, "A");
            let (b, c) = (Owner::new(case, "B"), Owner::new(case, "C"));
            let (b, c) = if b.id() < c.id() { (b, c) } else { (c, b) };
            let items: Vec<_> = row(&a, &b, &c).iter().map(BackupEntry::encode).collect();
            case.given("entries", items.iter().map(|item| hex(&**item).into()).collect::<Vec<Value>>());
            let outcome = read(&items.iter().map(|item| item.as_slice()).collect::<Vec<_>>());
            match (rule, outcome) {
                (None, outcome) => case.expect("accepted", outcome.expect("a row in order")),
                (Some(rule), Err(Refusal::Place(error))) => case.refused(rule, Err::<(), _>(error)),
                (Some(rule), Err(Refusal::Entry(error))) => case.refused(rule, Err::<(), _>(error)),
                (Some(rule), Ok(_)) => panic!("accepted, against {rule}"),
            }
        });
    }
}

/// Why a row was refused: the rule is the entry's own, or the row's.
#[derive(Debug)]
enum Refusal {
    Entry(PeerError),
    Place(ContentError),
}

impl From<ContentError> for Refusal {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::Entry(error) => Self::Entry(error),
            error => Self::Place(error),
        }
    }
}

fn read(items: &[&[u8]]) -> Result<usize, Refusal> {
    let mut content = BackupContent::new();
    for item in items {
        content.read(item)?;
    }
    content.finish()?;
    Ok(items.len())
}
