//! A person's client: the modules composed.

mod accept;
mod beginning;
mod body;
mod bounded;
#[cfg(test)]
mod bounds;
mod commands;
mod damage;
mod deliver;
mod delivery_key;
mod devices;
mod drafts;
mod examine;
mod files;
mod history;
mod ice;
mod invites;
mod links;
mod receive;
mod records;
mod say;
mod server;
mod signals;

pub use bounded::Bounded;

use core::fmt;
use std::collections::{BTreeMap, VecDeque};

use rand_core::CryptoRng;
use sotto_crypto::MessageHash;
use sotto_crypto::envelope::TagKey;

use crate::account::Account;
use crate::contact::Contact;
use crate::damage::Damages;
use crate::ice::Ice;
use crate::invite::{Acceptance, Invite, Looked};
use crate::link::Links;
use crate::outbox::Queue;
use crate::seen::Seen;
use crate::session::Sessions;
use crate::socket::Socket;
use crate::timers::{Timer, Timers};
use crate::transfer::Transfers;
use crate::turn::{Key, Turn};
use crate::{
    Config, ContactId, Event, Input, InviteId, Linking, Output, Profile, Record, RequestId, RestoreError,
    Settings, Timestamp, policy,
};

/// A person's client on one device.
pub struct Client {
    config: Config,
    account: Account,
    contacts: BTreeMap<ContactId, Contact>,
    sessions: BTreeMap<ContactId, Sessions>,
    seen: BTreeMap<ContactId, Seen>,
    outbox: BTreeMap<ContactId, Queue>,
    lanes: BTreeMap<ContactId, Lane>,
    invites: BTreeMap<InviteId, Invite>,
    looked: Option<Looked>,
    acceptances: BTreeMap<InviteId, Acceptance>,
    beginnings: BTreeMap<ContactId, beginning::Beginning>,
    farewells: BTreeMap<u64, records::Farewell>,
    transfers: Transfers,
    damage: Damages,
    links: Links,
    ice: Ice,
    settings: Settings,
    /// Whether the browser can make links.
    webrtc: bool,
    /// What the screen was told of that.
    linking_told: Option<Linking>,
    socket: Socket,
    /// Contacts still to be told that this device is online.
    here: VecDeque<ContactId>,
    asked: BTreeMap<RequestId, Asked>,
    last_request: u64,
    timers: Timers,
    outputs: VecDeque<Output>,
    last_now: Timestamp,
}

/// What is known of sending to one contact, in this run only.
#[derive(Default)]
struct Lane {
    tag: Option<TagKey>,
    /// A post of an entry is under way.
    posting: bool,
    /// The last post of an entry, as long as it may have to be repeated byte for byte.
    post: Option<Post>,
    failures: u32,
    not_before: Timestamp,
    full_told: bool,
    /// A post of acknowledgements is under way.
    owed_posting: bool,
    owed: Option<(Vec<[u8; 16]>, Vec<u8>)>,
    owed_failures: u32,
    owed_not_before: Timestamp,
    /// Acknowledgements that go over the link.
    link_owed: Vec<[u8; 16]>,
    /// What is still listened to of what it says in passing.
    passing: crate::flood::Passing,
    /// Signals on their way to the server.
    posted: signals::Posted,
    /// How often it was answered about a file that is not known.
    unknown_files: usize,
    /// Prekeys for a fresh session are being fetched.
    fetching: bool,
    fetch_failures: u32,
    /// When a newer delivery key was last asked for.
    looked_up: Option<Timestamp>,
}

/// An entry as it was posted.
struct Post {
    hash: MessageHash,
    delivery_key: u32,
    token: [u8; 32],
    body: Vec<u8>,
}

impl fmt::Debug for Post {
    /// Without the body and the hash of the token that are in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post").field("delivery_key", &self.delivery_key).finish_non_exhaustive()
    }
}

/// What a request was for.
#[derive(Debug)]
enum Asked {
    Entry { contact: ContactId, place: u64, hash: MessageHash },
    Owed { contact: ContactId },
    Signals { contact: ContactId },
    Turn,
    Control,
    Retry { contact: ContactId, hash: MessageHash },
    Farewell(u64),
    UploadInvite(InviteId),
    RevokeInvite(InviteId),
    Card(InviteId),
    Redeem(InviteId),
    PreKeys(ContactId),
    DeliveryKey(ContactId),
    History { contact: ContactId, limit: u32 },
}

impl Asked {
    /// Whose talk it belongs to, and ends with.
    fn talk(&self) -> Option<ContactId> {
        match self {
            Self::Entry { contact, .. }
            | Self::Owed { contact }
            | Self::Signals { contact }
            | Self::Retry { contact, .. }
            | Self::PreKeys(contact)
            | Self::DeliveryKey(contact) => Some(*contact),
            Self::Control
            | Self::Turn
            | Self::Farewell(_)
            | Self::UploadInvite(_)
            | Self::RevokeInvite(_)
            | Self::Card(_)
            | Self::Redeem(_)
            | Self::History { .. } => None,
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("contacts", &self.contacts.len()).finish_non_exhaustive()
    }
}

impl Client {
    /// Rebuilds a client from all records of the stores that are loaded at start; with none, makes a new account.
    ///
    /// # Errors
    /// [`RestoreError`] when a record is of a newer version, or one cannot be read without which nothing goes on. Nothing
    /// was changed. Any other record that cannot be read is set aside, and [`Event::Damage`] tells of it.
    pub fn restore(
        records: Vec<Record>,
        config: Config,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, RestoreError> {
        let is_new = records.is_empty();
        let records::Restored { mut client, drafts, damaged } = Self::load(records, config, now, rng)?;
        let mut turn = Turn::new(now, rng, Timers::default());
        if is_new {
            turn.dirty(Key::Identity);
            turn.dirty(Key::PreKeys);
            turn.dirty(Key::Cursor);
        }
        client.account.migrate(&mut turn);
        client.set_aside(damaged, &mut turn);
        turn.event(Event::Ready {
            profile: client.profile(),
            contacts: client.contacts.values().map(|contact| client.view_of(contact)).collect(),
            invites: client
                .invites
                .values()
                .filter(|invite| invite.is_offered(now))
                .filter_map(|invite| client.invite_view(invite))
                .collect(),
            drafts,
        });
        client.tell_damage(&mut turn);
        turn.event(Event::Settings(client.settings));
        client.show_linking(&mut turn);
        client.look_after(&mut turn);
        client.fail_interrupted(&mut turn);
        client.socket.open(&mut turn);
        let accepted: Vec<InviteId> = client.acceptances.keys().copied().collect();
        for id in accepted {
            client.redeem(id, &mut turn);
        }
        client.finish(turn);
        Ok(client)
    }

    /// Takes one input. Everything that should happen because of it is then polled.
    pub fn handle(&mut self, input: Input, now: Timestamp, rng: &mut dyn CryptoRng) {
        if now < self.last_now {
            let back = self.last_now.0.saturating_sub(now.0);
            self.timers.rewind(back);
            self.ice.rewind(back);
            for lane in self.lanes.values_mut() {
                lane.not_before = Timestamp(lane.not_before.0.saturating_sub(back));
                lane.owed_not_before = Timestamp(lane.owed_not_before.0.saturating_sub(back));
                lane.posted.rewind(back);
            }
        }
        self.last_now = now;
        let mut turn = Turn::new(now, rng, core::mem::take(&mut self.timers));
        match input {
            Input::Command(command) => self.command(command, &mut turn),
            Input::Socket(event) => self.socket_event(event, &mut turn),
            Input::Link(id, event) => self.link_event(id, event, &mut turn),
            Input::Transfer(file, event) => self.transfer_event(file, event, &mut turn),
            Input::Done(id, response) => self.done(id, response, &mut turn),
            Input::Timeout => {}
            Input::Wake => self.wake(false, &mut turn),
            Input::Online(online) => self.online(online, &mut turn),
        }
        while let Some(timer) = turn.timers.take_due(now) {
            self.timeout(timer, &mut turn);
        }
        self.finish(turn);
    }

    /// The next thing to do, in order; `None` when there is nothing more until the next input.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to come back with [`Input::Timeout`], at the latest; `None` when nothing is waited for.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Timestamp> {
        self.timers.next()
    }

    /// The signed list of this account's devices, which is no secret.
    #[must_use]
    pub fn device_list(&self) -> &sotto_wire::peer::DeviceList {
        &self.account.identity.list
    }

    fn timeout(&mut self, timer: Timer, turn: &mut Turn<'_>) {
        match timer {
            Timer::SocketRetry => self.socket.open(turn),
            Timer::SocketDeadline => self.socket.give_up(turn),
            Timer::SocketPing => self.ping(policy::PONG_PATIENCE, turn),
            Timer::Acknowledge => self.acknowledge(turn),
            Timer::ServerRequests => self.ask_server(turn),
            Timer::Housekeeping => self.look_after(turn),
            Timer::Here => self.tell_next(turn),
            Timer::Outbox(contact) | Timer::Owed(contact) => {
                turn.pump.insert(contact);
            }
            Timer::Fresh(contact) => self.begin_fresh(contact, turn),
            Timer::LinkDeadline(contact) => self.link_overdue(contact, turn),
            Timer::LinkRetry(contact) => self.want_link(contact, turn),
            Timer::Silence(contact) => self.silent(contact, turn),
            Timer::LinkTrouble(contact) => self.restart_link(contact, turn),
            Timer::LinkBetter(contact) => self.seek_better(contact, turn),
            Timer::Ice => self.go_on(turn),
            Timer::Invite(id) => self.attend_invite(id, turn),
            Timer::Accept(id) => self.redeem(id, turn),
            Timer::Beginning(contact) => self.stands(contact, turn),
            Timer::InviteExpiry => self.expire_invites(turn),
            Timer::Farewell => self.say_farewells(turn),
        }
    }

    /// Ends a turn: what can be sent now is sent, what changed is stored before that, and the screen is told.
    fn finish(&mut self, mut turn: Turn<'_>) {
        // Sending may make more to be sent, such as a file's turn after its acceptance; never without end.
        for _ in 0..8 {
            let contacts = core::mem::take(&mut turn.pump);
            if contacts.is_empty() {
                break;
            }
            for contact in contacts {
                self.pump(contact, &mut turn);
            }
        }
        let changes = self.changes(&mut turn);
        if !changes.is_empty() {
            self.outputs.push_back(Output::Persist(changes));
        }
        let shown = core::mem::take(&mut turn.shown);
        self.outputs.extend(turn.outputs);
        for contact in shown.iter().filter_map(|id| self.contacts.get(id)) {
            let event = Event::Contact(self.view_of(contact));
            self.outputs.push_back(Output::Event(event));
        }
        self.timers = turn.timers;
    }

    /// Looks after everything that grows old, at start and then some times a day.
    fn look_after(&mut self, turn: &mut Turn<'_>) {
        let next = turn.now.saturating_add(policy::HOUSEKEEPING);
        turn.timers.set(Timer::Housekeeping, next);
        if self.socket.is_open() && self.socket.drained {
            self.account.drained(turn);
        }
        self.account.look_after_keys(turn);
        self.tell_delivery_key(self.account.due_to_be_told(turn.now), turn);
        for (contact, sessions) in &mut self.sessions {
            sessions.prune(*contact, turn);
            sessions.forget_skipped(turn.now);
        }
        for (contact, seen) in &mut self.seen {
            seen.prune(*contact, turn);
        }
        self.expire_invites(turn);
        self.ask_server(turn);
    }

    fn profile(&self) -> Profile {
        Profile { name: self.account.identity.name.clone() }
    }

    fn request(&mut self, asked: Asked, request: crate::Request, turn: &mut Turn<'_>) {
        self.last_request = self.last_request.saturating_add(1);
        let id = RequestId(self.last_request);
        self.asked.insert(id, asked);
        turn.output(Output::Request(id, request));
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_body_that_may_be_posted_again_is_not_printed() {
        let hash = MessageHash::from_bytes([1; 16]);
        let post = Post { hash, delivery_key: 7, token: [99; 32], body: vec![97; 64] };
        let printed = format!("{post:?}");
        assert!(!printed.contains("99, 99") && !printed.contains("97, 97"), "{printed}");
    }
}
