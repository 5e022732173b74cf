//! Everything in memory to records, and back.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use rand_core::CryptoRng;
use sotto_crypto::SessionId;
use sotto_crypto::keys::OneTimePreKey;
use sotto_wire::peer::codec;

use super::Client;
use super::drafts::{self, Draft};
use crate::accepted::Accepted;
use crate::account::{Account, Identity, PreKeys};
use crate::contact::Contact;
use crate::invite::{Acceptance, Invite};
use crate::link::Links;
use crate::outbox::{Entry, Stage};
use crate::record::{self, put, put_or_delete, read};
use crate::seen::Segment;
use crate::session::{Held, Stored};
use crate::socket::Socket;
use crate::timers::Timers;
use crate::transfer::{Transfer, Transfers};
use crate::turn::{Key, Turn};
use crate::{Change, Changes, Config, ContactId, FileId, InviteId, MessageOrder, MessageView};
use crate::{Record, RestoreError, Store, Timestamp};

const IDENTITY: &[u8] = b"identity";
const PREKEYS: &[u8] = b"prekeys";
const CURSOR: &[u8] = b"cursor";
const ONE_TIME: &[u8] = b"one-time";
const ACCEPTED: &[u8] = b"accepted";
const ACCEPTANCE: &[u8] = b"accept";
const FAREWELL: &[u8] = b"farewell";

/// The last word to a removed contact, sealed: one record, beside the outbox.
#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct Farewell {
    /// The whole body of the post.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub(super) body: Vec<u8>,
    #[n(1)]
    pub(super) since: Timestamp,
    #[cbor(skip)]
    pub(super) failures: u32,
    #[cbor(skip)]
    pub(super) posting: bool,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct OneTime {
    #[n(0)]
    #[cbor(with = "codec::item")]
    key: OneTimePreKey,
}

/// The key of a message's record: byte order is the order on the screen.
pub(super) fn message_key(contact: ContactId, order: MessageOrder) -> Vec<u8> {
    let (lamport, sequence) = (order.lamport.to_be_bytes(), order.sequence.to_be_bytes());
    record::key(&[&contact.0, &lamport, &order.author, &sequence])
}

pub(super) fn put_message(contact: ContactId, view: &MessageView) -> Change {
    put(Store::Message, message_key(contact, view.order), view)
}

fn damaged<T>(value: Option<T>, store: Store) -> Result<T, RestoreError> {
    value.ok_or(RestoreError::Damaged(store.name()))
}

/// Splits a key of a contact's record.
fn contact_key(record: &Record) -> Result<(ContactId, &[u8]), RestoreError> {
    let (id, rest) = damaged(record.key.split_first_chunk::<16>(), record.store)?;
    Ok((ContactId(*id), rest))
}

fn tail<const N: usize>(rest: &[u8], store: Store) -> Result<[u8; N], RestoreError> {
    damaged(rest.try_into().ok(), store)
}

impl Client {
    /// The changes of a turn: records that were touched are written once, whatever happened to them.
    pub(super) fn changes(&self, turn: &mut Turn<'_>) -> Changes {
        let mut changes = core::mem::take(&mut turn.changes);
        for key in core::mem::take(&mut turn.dirty) {
            changes.push(self.change(key));
        }
        changes
    }

    fn change(&self, key: Key) -> Change {
        let account = &self.account;
        match key {
            Key::Identity => put(Store::Account, IDENTITY.to_vec(), &account.identity),
            Key::PreKeys => put(Store::Account, PREKEYS.to_vec(), &account.prekeys),
            Key::Cursor => put(Store::Account, CURSOR.to_vec(), &account.acknowledged),
            Key::OneTime(id) => {
                let key = record::key(&[ONE_TIME, &id.to_be_bytes()]);
                match account.one_time.get(&id) {
                    Some(one_time) => {
                        let copy = OneTimePreKey::from_bytes(one_time.id(), &one_time.to_bytes());
                        put_or_delete(Store::Account, key, copy.ok().map(|key| OneTime { key }).as_ref())
                    }
                    None => Change::Delete { store: Store::Account, key },
                }
            }
            Key::Accepted(id) => {
                let key = record::key(&[ACCEPTED, &id.0]);
                put_or_delete(Store::Account, key, account.accepted.get(&id))
            }
            Key::Contact(id) => put_or_delete(Store::Contact, id.0.to_vec(), self.contacts.get(&id)),
            Key::Session(contact, id) => {
                let stored =
                    self.sessions.get(&contact).and_then(|sessions| sessions.get(id)).map(Held::stored);
                put_or_delete(Store::Session, record::key(&[&contact.0, id.as_bytes()]), stored.as_ref())
            }
            Key::Invite(id) => put_or_delete(Store::Invite, id.0.to_vec(), self.invites.get(&id)),
            Key::Acceptance(id) => {
                let key = record::key(&[ACCEPTANCE, &id.0]);
                put_or_delete(Store::Invite, key, self.acceptances.get(&id))
            }
            Key::Outbox(contact, place) => {
                let key = record::key(&[&contact.0, &place.to_be_bytes()]);
                let entry = self.outbox.get(&contact).and_then(|queue| queue.get(&place));
                put_or_delete(Store::Outbox, key, entry)
            }
            Key::Farewell(number) => {
                let key = record::key(&[FAREWELL, &number.to_be_bytes()]);
                put_or_delete(Store::Outbox, key, self.farewells.get(&number))
            }
            Key::Seen(contact, number) => {
                let key = record::key(&[&contact.0, &number.to_be_bytes()]);
                let segment = self.seen.get(&contact).and_then(|seen| seen.segment(number));
                put_or_delete(Store::Seen, key, segment)
            }
            Key::Transfer(file) => {
                put_or_delete(Store::Transfer, file.0.to_vec(), self.transfers.by_file.get(&file))
            }
        }
    }

    /// Builds a client from records, or a new one from none, and gives what was being written.
    pub(super) fn load(
        records: Vec<Record>,
        config: Config,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, BTreeMap<ContactId, String>), RestoreError> {
        let is_new = records.is_empty();
        let mut loaded = Loaded::default();
        for record in &records {
            loaded.take(record)?;
        }
        drop(records);
        let account = if is_new {
            Account::create(rng, now)
        } else {
            let identity = damaged(loaded.identity.take(), Store::Account)?;
            let prekeys = damaged(loaded.prekeys.take(), Store::Account)?;
            Account::restore(
                identity,
                prekeys,
                core::mem::take(&mut loaded.one_time),
                core::mem::take(&mut loaded.accepted),
                loaded.cursor,
            )
        };
        let account = account.map_err(|_| RestoreError::Damaged(Store::Account.name()))?;
        let mut client = Self {
            config,
            account,
            contacts: loaded.contacts,
            sessions: BTreeMap::new(),
            seen: BTreeMap::new(),
            outbox: BTreeMap::new(),
            lanes: BTreeMap::new(),
            invites: loaded.invites,
            looked: None,
            acceptances: loaded.acceptances,
            beginnings: BTreeMap::new(),
            farewells: loaded.farewells,
            transfers: Transfers { by_file: loaded.transfers, sending: BTreeMap::new() },
            links: Links::default(),
            socket: Socket::default(),
            here: std::collections::VecDeque::new(),
            asked: BTreeMap::new(),
            last_request: 0,
            timers: Timers::default(),
            outputs: std::collections::VecDeque::new(),
            last_now: now,
        };
        for (contact, id, held) in loaded.sessions {
            if held.session.id() != id {
                return Err(RestoreError::Damaged(Store::Session.name()));
            }
            client.sessions.entry(contact).or_default().restore(held);
        }
        for (contact, number, segment) in loaded.seen {
            client.seen.entry(contact).or_default().restore(number, segment);
        }
        for (contact, place, mut entry) in loaded.outbox {
            // Whether the link carried it before this run cannot be known; the mailbox will.
            if matches!(entry.stage, Stage::Channel { .. }) {
                entry.stage = Stage::Channel { at: Timestamp(0) };
            }
            client.outbox.entry(contact).or_default().insert(place, entry);
        }
        Ok((client, loaded.drafts))
    }
}

#[derive(Default)]
struct Loaded {
    identity: Option<Identity>,
    prekeys: Option<PreKeys>,
    one_time: BTreeMap<u32, OneTimePreKey>,
    accepted: BTreeMap<ContactId, Accepted>,
    cursor: u64,
    contacts: BTreeMap<ContactId, Contact>,
    drafts: BTreeMap<ContactId, String>,
    sessions: Vec<(ContactId, SessionId, Held)>,
    invites: BTreeMap<InviteId, Invite>,
    acceptances: BTreeMap<InviteId, Acceptance>,
    outbox: Vec<(ContactId, u64, Entry)>,
    farewells: BTreeMap<u64, Farewell>,
    seen: Vec<(ContactId, u32, Segment)>,
    transfers: BTreeMap<FileId, Transfer>,
}

impl Loaded {
    fn take(&mut self, record: &Record) -> Result<(), RestoreError> {
        let store = record.store;
        let key = record.key.as_slice();
        match store {
            Store::Account if key == IDENTITY => self.identity = Some(read(record)?),
            Store::Account if key == PREKEYS => self.prekeys = Some(read(record)?),
            Store::Account if key == CURSOR => self.cursor = read(record)?,
            Store::Account => match key.strip_prefix(ACCEPTED) {
                Some(contact) => {
                    self.accepted.insert(ContactId(tail(contact, store)?), read(record)?);
                }
                None => {
                    let one_time: OneTime = read(record)?;
                    self.one_time.insert(one_time.key.id().0, one_time.key);
                }
            },
            Store::Contact => match drafts::contact_of(key) {
                Some(contact) => {
                    let draft: Draft = read(record)?;
                    self.drafts.insert(contact, draft.text);
                }
                None => {
                    let contact: Contact = read(record)?;
                    self.contacts.insert(contact.id(), contact);
                }
            },
            Store::Session => {
                let (contact, rest) = contact_key(record)?;
                let stored: Stored = read(record)?;
                let id = SessionId::from_bytes(tail(rest, store)?);
                self.sessions.push((contact, id, Held::restore(stored)?));
            }
            Store::Invite => match key.strip_prefix(ACCEPTANCE).filter(|_| key.len() != 16) {
                Some(rest) => {
                    self.acceptances.insert(InviteId(tail(rest, store)?), read(record)?);
                }
                None => {
                    let invite: Invite = read(record)?;
                    self.invites.insert(invite.id, invite);
                }
            },
            Store::Outbox => match key.strip_prefix(FAREWELL).filter(|_| key.len() == 16) {
                Some(rest) => {
                    self.farewells.insert(u64::from_be_bytes(tail(rest, store)?), read(record)?);
                }
                None => {
                    let (contact, rest) = contact_key(record)?;
                    self.outbox.push((contact, u64::from_be_bytes(tail(rest, store)?), read(record)?));
                }
            },
            Store::Seen => {
                let (contact, rest) = contact_key(record)?;
                self.seen.push((contact, u32::from_be_bytes(tail(rest, store)?), read(record)?));
            }
            Store::Transfer => {
                self.transfers.insert(FileId(tail(key, store)?), read(record)?);
            }
            Store::Message => {}
        }
        Ok(())
    }
}
