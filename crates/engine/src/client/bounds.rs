//! Every record at its fullest: it can be written, and read again.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use core::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use sotto_crypto::keys::{
    AccountKey, DeliveryKey, DeviceIdentityKey, DevicePublic, DeviceSigningKey, SignedPreKey,
};
use sotto_crypto::ratchet::{MAX_BODY, MAX_JUMP, MAX_SKIPPED, MESSAGE_OVERHEAD, Session};
use sotto_crypto::x3dh::{self, FirstKeys, PeerKeys, ResponderKeys};
use sotto_crypto::{DeliveryKeyId, DeliveryToken, DeviceId, MailboxId, MessageHash, PreKeyId, SessionId};
use sotto_wire::peer::{Bundle, DeviceList, ListedDevice, limits};

use super::Client;
use super::records::Farewell;
use crate::account::Account;
use crate::contact::{Contact, Issued};
use crate::conversation::{Conversation, Stated};
use crate::invite::Acceptance;
use crate::outbox::{Entry, Stage};
use crate::seen::Seen;
use crate::session::{Held, Stored};
use crate::timers::Timers;
use crate::transfer::Transfer;
use crate::turn::{Key, Turn};
use crate::{
    Change, Command, Config, ContactId, Content, Delivery, FileId, FileState, FileView, Input, InviteId,
    MessageId, MessageOrder, MessageView, Output, RECORD_MAX, Record, Standing, Store, Timestamp, policy,
    record,
};

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const CONTACT: ContactId = ContactId([1; 16]);

fn rng(seed: u64) -> ChaCha12Rng {
    ChaCha12Rng::seed_from_u64(seed)
}

fn config() -> Config {
    Config { origin: "https://sotto.example".to_owned(), webrtc: true }
}

fn client(rng: &mut ChaCha12Rng) -> Client {
    Client::restore(Vec::new(), config(), NOW, rng).unwrap()
}

/// The signed prekey that is published.
fn signed_prekey(client: &Client) -> PreKeyId {
    let (now, account) = (sotto_crypto::Timestamp::from_millis(NOW.0), &client.account);
    Bundle::decode(&account.prekeys.bundle, &account.identity.list, now).unwrap().signed_prekey().id()
}

/// The record of a value, which is not too long.
fn written<T: minicbor::Encode<()>>(value: &T) -> Record {
    let Change::Put(record) = record::put(Store::Account, Vec::new(), value) else { panic!("put") };
    assert!(record.value.len() <= RECORD_MAX, "{} bytes", record.value.len());
    record
}

fn order(n: u64) -> MessageOrder {
    MessageOrder { lamport: u64::MAX - n, author: [0xff; 16], sequence: u64::MAX }
}

fn bytes16(n: usize) -> [u8; 16] {
    u128::try_from(n).unwrap().to_be_bytes()
}

/// All records of a client.
fn records(client: &Client, keys: impl IntoIterator<Item = Key>) -> Vec<Record> {
    let rng = &mut rng(0);
    let mut turn = Turn::new(NOW, rng, Timers::default());
    turn.dirty.extend(keys);
    let put = |change| if let Change::Put(record) = change { Some(record) } else { None };
    let records: Vec<Record> = client.changes(&mut turn).into_iter().filter_map(put).collect();
    assert!(records.iter().all(|record| record.value.len() <= RECORD_MAX));
    records
}

#[test]
fn a_thousand_contacts_that_began_all_they_may_are_restored() {
    let rng = &mut rng(1);
    let mut client = client(rng);
    let signed = signed_prekey(&client);
    let mut turn = Turn::new(NOW, rng, Timers::default());
    let contact = |n| ContactId(bytes16(n));
    let session = |n, m| SessionId::from_bytes(bytes16(n * policy::ACCEPTED_MAX + m));
    for n in 0..policy::CONTACTS_MAX {
        for m in 0..policy::ACCEPTED_MAX {
            assert!(client.account.accept_session(session(n, m), contact(n), signed, &mut turn));
        }
    }
    let keys = core::mem::take(&mut turn.dirty);
    let stored = records(&client, keys.into_iter().chain([Key::Identity, Key::PreKeys, Key::Cursor]));
    let again = Client::restore(stored, config(), NOW, rng).unwrap();
    for n in 0..policy::CONTACTS_MAX {
        assert!((0..policy::ACCEPTED_MAX).all(|m| again.account.was_accepted(session(n, m), contact(n))));
    }
}

#[test]
fn the_contacts_of_whom_sessions_are_remembered_have_an_end() {
    let rng = &mut rng(2);
    let mut account = Account::create(rng, NOW).unwrap();
    let mut turn = Turn::new(NOW, rng, Timers::default());
    let most = policy::ACCEPTED_CONTACTS_MAX;
    for n in 0..=most {
        let (id, number) = (SessionId::from_bytes(bytes16(n)), u32::try_from(n).unwrap());
        assert!(account.accept_session(id, ContactId(bytes16(n)), PreKeyId(number), &mut turn));
    }
    assert_eq!(account.accepted.len(), most);
    assert!(!account.accepted.contains_key(&ContactId(bytes16(0))), "who began none for longest goes");
}

/// However long a record of the first schema had become, it is read, and nothing in it is forgotten.
#[test]
fn sessions_stored_with_the_prekeys_are_moved() {
    let rng = &mut rng(3);
    let mut client = client(rng);
    let signed = signed_prekey(&client).0;
    let before = (0..64_000).map(|n| crate::accepted::BegunBefore {
        id: SessionId::from_bytes(bytes16(n)),
        signed_prekey: signed,
        contact: ContactId(bytes16(n / 64)),
    });
    client.account.prekeys.accepted_before = Some(before.collect());
    let mut stored = records(&client, [Key::Identity, Key::Cursor]);
    let Change::Put(mut prekeys) = record::put(Store::Account, b"prekeys".to_vec(), &client.account.prekeys)
    else {
        panic!("put")
    };
    assert!(prekeys.value.len() > 4 * RECORD_MAX);
    stored.push(copied(&prekeys));
    for record in stored.iter_mut().chain([&mut prekeys]) {
        record.value[0] = 1;
    }
    let mut again = Client::restore(stored, config(), NOW, rng).unwrap();
    let Some(Output::Persist(changes)) = again.poll() else { panic!("stored at once") };
    let put: Vec<&Record> = changes
        .iter()
        .filter_map(|change| if let Change::Put(record) = change { Some(record) } else { None })
        .collect();
    assert!(put.iter().all(|record| record.value.len() <= RECORD_MAX));
    assert_eq!(put.len(), 1_001, "a record for each contact, and the prekeys without them");
    let identity = records(&client, [Key::Identity]);
    let third = identity.into_iter().chain(put.into_iter().map(copied)).collect();
    let third = Client::restore(third, config(), NOW, rng).unwrap();
    let known = |n| third.account.was_accepted(SessionId::from_bytes(bytes16(n)), ContactId(bytes16(n / 64)));
    assert!((0..64_000).all(known));
}

#[test]
fn prekeys_of_a_mailbox_that_is_never_empty_have_an_end() {
    let rng = &mut rng(4);
    let mut account = Account::create(rng, NOW).unwrap();
    for week in 1..=210 {
        let now = NOW.saturating_add(Duration::from_secs(week * 7 * 24 * 3600));
        let mut turn = Turn::new(now, rng, Timers::default());
        account.look_after_keys(&mut turn);
        for n in 0..5 {
            account.revoke([n; 32], &mut turn);
        }
    }
    let record = written(&account.prekeys);
    let read: crate::account::PreKeys = record::read(&record).unwrap();
    assert_eq!(read.revoking.len(), policy::REVOKING_MAX);
    let newest = account.delivery().map(DeliveryKey::id);
    assert!(newest.is_some());
    account.prekeys = read;
    assert_eq!(account.delivery().map(DeliveryKey::id), newest);
}

fn full_list(rng: &mut ChaCha12Rng) -> DeviceList {
    let key = AccountKey::generate(rng);
    let devices = (0..limits::DEVICES_MAX)
        .map(|_| ListedDevice {
            id: DeviceId::generate(rng),
            signing: DeviceSigningKey::generate(rng).public(),
            identity: DeviceIdentityKey::generate(rng).public(),
        })
        .collect();
    DeviceList::sign(&key, u32::MAX, [7; 32], devices, rng).unwrap()
}

/// The conversation of a contact that leaves as much missing and unread as it may.
fn full_conversation() -> Conversation {
    let mut conversation = Conversation::default();
    let mut lamport = 0;
    for n in 1..=4_096 {
        let order =
            MessageOrder { lamport: lamport + (1 << 16), author: [0xff; 16], sequence: n * (1 << 16) };
        let stated = Stated {
            order,
            sent_at: Timestamp(u64::MAX),
            previous: [7; 32],
            hash: [7; 32],
            era: 0,
            known: false,
        };
        if conversation.place(stated, MessageId([0xff; 16])).is_ok() {
            lamport = order.lamport;
        }
        conversation.unread(self::order(n));
    }
    conversation.shown(&MessageView {
        id: MessageId([0xff; 16]),
        order: order(0),
        mine: true,
        sent_at: Timestamp(u64::MAX),
        content: Content::File(full_file()),
        delivery: Delivery::Undeliverable,
    });
    conversation
}

fn full_file() -> FileView {
    FileView {
        id: FileId([0xff; 16]),
        name: "n".repeat(limits::FILE_NAME_MAX),
        size: limits::FILE_SIZE_MAX,
        mime: "m".repeat(limits::MIME_MAX),
        state: FileState::Offered,
    }
}

#[test]
fn the_fullest_contact_can_be_written() {
    let rng = &mut rng(5);
    let mut contact = Contact {
        list: full_list(rng),
        device: DeviceId::generate(rng),
        mailbox: MailboxId::generate(rng),
        token: DeliveryToken::generate(rng),
        delivery: DeliveryKey::generate(DeliveryKeyId(u32::MAX), rng).public(),
        name: "n".repeat(limits::NAME_MAX),
        petname: "p".repeat(limits::NAME_MAX),
        standing: Standing::Confirmed,
        verified: true,
        issued: Vec::new(),
        conversation: full_conversation(),
        delivery_told: u32::MAX,
        asked_at: Some(u64::MAX),
        ask_again: vec![[0xff; 16].into(); policy::ASK_AGAIN_MAX],
        needs_fresh: true,
        owed: Vec::new(),
        refused: Some(Timestamp(u64::MAX)),
        named_list: Some(u32::MAX),
        split: Some(Timestamp(u64::MAX)),
        came_by: Some(InviteId([0xff; 16])),
    };
    for n in 0..policy::OWED_MAX + 10 {
        contact.owe(bytes16(n));
    }
    let revoked = (0..100)
        .filter_map(|_| contact.issue(Issued { token: DeliveryToken::generate(rng), registered: true }));
    assert_eq!(revoked.count(), 100 - policy::ISSUED_MAX);
    let read: Contact = record::read(&written(&contact)).unwrap();
    assert_eq!(read.conversation, contact.conversation);
    assert_eq!((read.owed.len(), read.issued.len()), (policy::OWED_MAX, policy::ISSUED_MAX));
}

fn copied(record: &Record) -> Record {
    let Record { store, key, value } = record;
    Record { store: *store, key: key.clone(), value: value.clone() }
}

/// Two ends of a session that the second has begun.
fn sessions(rng: &mut ChaCha12Rng) -> (Session, Session, FirstKeys) {
    let device = |rng: &mut ChaCha12Rng| {
        let (signing, identity) = (DeviceSigningKey::generate(rng), DeviceIdentityKey::generate(rng));
        let account = AccountKey::generate(rng).public();
        let device =
            DevicePublic::new(account, DeviceId::generate(rng), signing.public(), identity.public()).unwrap();
        (device.verify_bundle(b"", &signing.sign_bundle(b"", rng)).unwrap(), identity)
    };
    let ((ours, identity), (theirs, their_identity)) = (device(rng), device(rng));
    let signed = SignedPreKey::generate(PreKeyId(u32::MAX), rng);
    let peer = PeerKeys::new(ours, signed.public(), None);
    let (ours, theirs) = (*ours.device(), *theirs.device());
    let (agreement, first) = x3dh::initiate(&theirs, &their_identity, &peer, None, rng).unwrap();
    let mut begun = Session::initiate(&agreement, rng);
    let keys = ResponderKeys {
        device: &ours,
        identity: &identity,
        signed_prekey: &signed,
        one_time_prekey: None,
        invite: None,
    };
    let agreement = x3dh::respond(&keys, &theirs, &first).unwrap();
    let now = sotto_crypto::Timestamp::from_millis(NOW.0);
    let opened = begun.seal(b"", rng).unwrap();
    let (accepted, _) = Session::respond(&agreement, &opened, now).unwrap();
    (accepted, begun, first)
}

#[test]
fn a_session_with_all_its_skipped_keys_can_be_written() {
    let rng = &mut rng(6);
    let (mut ours, mut theirs, first) = sessions(rng);
    let now = sotto_crypto::Timestamp::from_millis(NOW.0);
    for _ in 0..8 {
        let answer = ours.seal(b"", rng).unwrap();
        theirs.open(&answer, now).unwrap();
        for _ in 0..MAX_JUMP {
            theirs.seal(b"", rng).unwrap();
        }
        let last = theirs.seal(b"", rng).unwrap();
        ours.open(&last, now).unwrap();
    }
    let before = ours.to_bytes().len();
    assert!(before > MAX_SKIPPED * 32, "all are there: {before} bytes");
    let mut held = Held::begun(ours, first, None);
    held.sent = true;
    let record = written(&held.stored());
    let again: Stored = record::read(&record).unwrap();
    assert_eq!(Held::restore(again).unwrap().session.to_bytes().len(), before);
}

#[test]
fn what_waits_what_was_seen_and_what_is_kept_can_be_written() {
    let rng = &mut rng(7);
    let entry = Entry {
        id: MessageId([0xff; 16]),
        order: order(0),
        sent_at: Timestamp(u64::MAX),
        plaintext: vec![0xff; MAX_BODY],
        session: Some(SessionId::from_bytes([0xff; 16])),
        ratchet: vec![0xff; MAX_BODY + MESSAGE_OVERHEAD],
        stage: Stage::Stored { at: Timestamp(u64::MAX) },
        retries: u8::MAX,
        reposts: u8::MAX,
    };
    let read: Entry = record::read(&written(&entry)).unwrap();
    assert_eq!(read.ratchet, entry.ratchet);

    let body = vec![0xff; sotto_wire::server::limits::REQUEST_BODY_MAX];
    let farewell = Farewell { body, since: Timestamp(u64::MAX), failures: 0, posting: false };
    let read: Farewell = record::read(&written(&farewell)).unwrap();
    assert_eq!(read.body, farewell.body);

    let mut seen = Seen::default();
    let mut turn = Turn::new(NOW, rng, Timers::default());
    for n in 0..2 * policy::SEEN_SEGMENT {
        let hash = MessageHash::from_bytes(bytes16(n));
        seen.insert(hash, Some(MessageId([0xff; 16])), CONTACT, &mut turn);
    }
    assert_eq!(seen.numbers().len(), 2);
    let _: crate::seen::Segment = record::read(&written(seen.segment(0).unwrap())).unwrap();

    let transfer = Transfer {
        contact: CONTACT,
        message: MessageId([0xff; 16]),
        order: order(0),
        sent_at: Timestamp(u64::MAX),
        delivery: Delivery::Undeliverable,
        view: full_file(),
        key: sotto_crypto::file::FileKey::from_bytes(&[0xff; 32]),
        own_root: Some([0xff; 32].into()),
        their_root: Some([0xff; 32].into()),
        pass: None,
        local: None,
    };
    let _: Transfer = record::read(&written(&transfer)).unwrap();

    let message = MessageView {
        id: MessageId([0xff; 16]),
        order: order(0),
        mine: true,
        sent_at: Timestamp(u64::MAX),
        content: Content::Text("t".repeat(limits::TEXT_MAX)),
        delivery: Delivery::Undeliverable,
    };
    let _: MessageView = record::read(&written(&message)).unwrap();
}

#[test]
fn an_account_and_its_invites_at_their_fullest_can_be_written() {
    let rng = &mut rng(8);
    let mut client = client(rng);
    client.account.identity.list = full_list(rng);
    client.account.identity.name = "n".repeat(limits::NAME_MAX);
    client.handle(Input::Command(Command::CreateInvite), NOW, rng);
    let invite = *client.invites.keys().next().unwrap();
    let secret = sotto_crypto::invite::InviteSecret::generate(rng);
    // What a card calls its maker is bounded by the answer it comes in.
    let (account, redeem_id, name) = ([0xff; 32], [0xff; 16], "n".repeat(1024));
    client
        .acceptances
        .insert(InviteId([1; 16]), Acceptance { secret, account, redeem_id, name, failures: 0 });
    let keys = [Key::Identity, Key::Invite(invite), Key::Acceptance(InviteId([1; 16]))];
    assert_eq!(records(&client, keys).len(), 3);
}
