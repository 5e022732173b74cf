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
use crate::damage::Damages;
use crate::ice::Ice;
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
use crate::{Change, Changes, Config, ContactId, DamagedPart, FileId, InviteId, MessageOrder, MessageView};
use crate::{Record, RestoreError, Settings, Store, Timestamp};

const IDENTITY: &[u8] = b"identity";
const PREKEYS: &[u8] = b"prekeys";
const CURSOR: &[u8] = b"cursor";
const SETTINGS: &[u8] = b"settings";
const ONE_TIME: &[u8] = b"one-time";
const ACCEPTED: &[u8] = b"accepted";
const ACCEPTANCE: &[u8] = b"accept";
const DAMAGE: &[u8] = b"damage";
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

/// The place in the key of a message's record; `None` for what is no such key.
pub(super) fn message_order(key: &[u8]) -> Option<MessageOrder> {
    let (_, rest) = key.split_first_chunk::<16>()?;
    let (lamport, rest) = rest.split_first_chunk()?;
    let (author, sequence) = rest.split_first_chunk()?;
    let (lamport, sequence) = (u64::from_be_bytes(*lamport), u64::from_be_bytes(sequence.try_into().ok()?));
    Some(MessageOrder { lamport, author: *author, sequence })
}

pub(super) fn put_message(contact: ContactId, view: &MessageView) -> Change {
    put(Store::Message, message_key(contact, view.order), view)
}

fn sound<T>(value: Option<T>, store: Store) -> Result<T, RestoreError> {
    value.ok_or(RestoreError::Damaged(store.name()))
}

fn fits(is_so: bool, store: Store) -> Result<(), RestoreError> {
    sound(is_so.then_some(()), store)
}

/// Without this record nobody is anybody.
fn is_identity(record: &Record) -> bool {
    record.store == Store::Account && record.key == IDENTITY
}

/// Where a record lies.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) store: Store,
    pub(super) key: Vec<u8>,
}

impl Place {
    /// What was in the record, and whom it concerns.
    pub(super) fn part(&self) -> (DamagedPart, Option<ContactId>) {
        let contact = self.key.first_chunk::<16>().map(|id| ContactId(*id));
        match self.store {
            Store::Contact if drafts::contact_of(&self.key).is_some() => (DamagedPart::Draft, contact),
            Store::Contact if self.key.len() == 16 => (DamagedPart::Contact, contact),
            Store::Session => (DamagedPart::Session, contact),
            Store::Outbox if !self.is_farewell() => (DamagedPart::Waiting, contact),
            Store::Invite => (DamagedPart::Link, None),
            Store::Transfer => (DamagedPart::File, None),
            Store::Account if self.are_prekeys() || self.key.starts_with(ONE_TIME) => {
                (DamagedPart::Keys, None)
            }
            Store::Account | Store::Contact | Store::Outbox | Store::Seen | Store::Message => {
                (DamagedPart::Notes, None)
            }
        }
    }

    /// The place in the queue of a message that waited.
    pub(super) fn waiting(&self) -> Option<u64> {
        let (_, place) = self.key.split_first_chunk::<16>()?;
        place.try_into().ok().map(u64::from_be_bytes)
    }

    pub(super) fn are_prekeys(&self) -> bool {
        self.store == Store::Account && self.key == PREKEYS
    }

    pub(super) fn are_settings(&self) -> bool {
        self.store == Store::Account && self.key == SETTINGS
    }

    fn is_farewell(&self) -> bool {
        self.key.len() == 16 && self.key.starts_with(FAREWELL)
    }
}

/// Splits a key of a contact's record.
fn contact_key(record: &Record) -> Result<(ContactId, &[u8]), RestoreError> {
    let (id, rest) = sound(record.key.split_first_chunk::<16>(), record.store)?;
    Ok((ContactId(*id), rest))
}

fn tail<const N: usize>(rest: &[u8], store: Store) -> Result<[u8; N], RestoreError> {
    sound(rest.try_into().ok(), store)
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
            Key::Settings => put(Store::Account, SETTINGS.to_vec(), &self.settings),
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
            Key::Damage => put(Store::Account, DAMAGE.to_vec(), &self.damage),
            Key::Transfer(file) => {
                put_or_delete(Store::Transfer, file.0.to_vec(), self.transfers.by_file.get(&file))
            }
        }
    }

    /// Builds a client from records, or a new one from none.
    pub(super) fn load(
        records: Vec<Record>,
        config: Config,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Restored, RestoreError> {
        let is_new = records.is_empty();
        let mut loaded = Loaded::default();
        let mut damaged = Vec::new();
        for record in &records {
            match loaded.take(record) {
                Ok(()) => {}
                // What opens was written as it is, by another version or by a fault of this one: it is no damage, and to
                // go on without it would destroy it.
                Err(RestoreError::Damaged(store)) if !record.value.is_empty() => {
                    return Err(RestoreError::Newer(store));
                }
                Err(RestoreError::Damaged(_)) if !is_identity(record) => {
                    damaged.push(Place { store: record.store, key: record.key.clone() });
                }
                Err(error) => return Err(error),
            }
        }
        drop(records);
        let account = if is_new {
            Account::create(rng, now)
        } else {
            let identity = sound(loaded.identity.take(), Store::Account)?;
            Account::restore(
                identity,
                loaded.prekeys.take().unwrap_or_default(),
                core::mem::take(&mut loaded.one_time),
                core::mem::take(&mut loaded.accepted),
                loaded.cursor,
            )
        };
        let account = account.map_err(|_| RestoreError::Damaged(Store::Account.name()))?;
        let mut client = Self {
            webrtc: config.webrtc,
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
            damage: loaded.damage,
            links: Links::default(),
            ice: Ice::default(),
            settings: loaded.settings,
            linking_told: None,
            socket: Socket::default(),
            here: std::collections::VecDeque::new(),
            asked: BTreeMap::new(),
            last_request: 0,
            timers: Timers::default(),
            outputs: std::collections::VecDeque::new(),
            last_now: now,
        };
        for (contact, held) in loaded.sessions {
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
        Ok(Restored { client, drafts: loaded.drafts, damaged })
    }
}

/// What records are restored to.
pub(super) struct Restored {
    pub(super) client: Client,
    /// What was being written.
    pub(super) drafts: BTreeMap<ContactId, String>,
    /// The records that cannot be read.
    pub(super) damaged: Vec<Place>,
}

#[derive(Default)]
struct Loaded {
    identity: Option<Identity>,
    prekeys: Option<PreKeys>,
    one_time: BTreeMap<u32, OneTimePreKey>,
    accepted: BTreeMap<ContactId, Accepted>,
    cursor: u64,
    settings: Settings,
    contacts: BTreeMap<ContactId, Contact>,
    drafts: BTreeMap<ContactId, String>,
    sessions: Vec<(ContactId, Held)>,
    invites: BTreeMap<InviteId, Invite>,
    acceptances: BTreeMap<InviteId, Acceptance>,
    outbox: Vec<(ContactId, u64, Entry)>,
    farewells: BTreeMap<u64, Farewell>,
    seen: Vec<(ContactId, u32, Segment)>,
    damage: Damages,
    transfers: BTreeMap<FileId, Transfer>,
}

impl Loaded {
    fn take(&mut self, record: &Record) -> Result<(), RestoreError> {
        let store = record.store;
        let key = record.key.as_slice();
        match store {
            Store::Account if key == IDENTITY => self.identity = Some(read(record)?),
            Store::Account if key == PREKEYS => self.prekeys = Some(read(record)?),
            Store::Account if key == DAMAGE => self.damage = read(record)?,
            Store::Account if key == CURSOR => self.cursor = read(record)?,
            Store::Account if key == SETTINGS => self.settings = read(record)?,
            Store::Account => match key.strip_prefix(ACCEPTED) {
                Some(contact) => {
                    self.accepted.insert(ContactId(tail(contact, store)?), read(record)?);
                }
                None => {
                    fits(key.starts_with(ONE_TIME), store)?;
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
                    fits(contact.id().0 == key, store)?;
                    self.contacts.insert(contact.id(), contact);
                }
            },
            Store::Session => {
                let (contact, rest) = contact_key(record)?;
                let stored: Stored = read(record)?;
                let id = SessionId::from_bytes(tail(rest, store)?);
                let held = Held::restore(stored)?;
                fits(held.session.id() == id, store)?;
                self.sessions.push((contact, held));
            }
            Store::Invite => match key.strip_prefix(ACCEPTANCE).filter(|_| key.len() != 16) {
                Some(rest) => {
                    self.acceptances.insert(InviteId(tail(rest, store)?), read(record)?);
                }
                None => {
                    let invite: Invite = read(record)?;
                    fits(invite.id.0 == key, store)?;
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
