//! A model of the server: the semantics of `sotto_wire::server` in front of a store, which is a model in memory or the
//! real server's.

mod model;
mod store;

use std::collections::{BTreeMap, BTreeSet};

use sotto_crypto::{InviteId, MailboxId};
use sotto_wire::server::{
    Accepted, Blob, Class, ClientFrame, CloseCode, CreateInvite, ErrorCode, Failure, FetchPreKeys,
    LookAtInvite, Message, Nonce, PutEnvelope, RedeemInvite, RedeemedInvite, RequestId, RevokeInvite,
    Sequence, ServerFrame, TokenHash, limits, path,
};
use sotto_wire::server::{FetchTurn, IceUrl, List, TurnAnswer, TurnServer, TurnText};

pub use model::{Mailbox, ModelStore, StoredInvite};
pub use store::{NewEnvelope, Opened, Put, ServerStore};

/// One connection.
pub(crate) type ConnectionId = u64;

/// Envelopes read from the store at once.
const BATCH: u32 = 4;
/// What the ends of envelopes are rounded up to, in seconds.
const HOUR_S: u64 = 3600;

#[derive(Clone, Debug)]
struct Connection {
    nonce: [u8; 32],
    mailbox: Option<MailboxId>,
    credit: u32,
    sent: u64,
    drained: bool,
}

/// What the server does to connections.
#[derive(Clone, Debug)]
pub(crate) enum ToDevice {
    Frame(ConnectionId, Vec<u8>),
    Close(ConnectionId, u16),
}

impl ToDevice {
    pub(crate) fn connection(&self) -> ConnectionId {
        match self {
            Self::Frame(connection, _) | Self::Close(connection, _) => *connection,
        }
    }
}

/// The server.
#[derive(Debug, Default)]
pub struct ModelServer {
    /// The origin devices sign for.
    pub origin: String,
    /// What it keeps, unless it has another store.
    pub model: ModelStore,
    /// The store in the model's place.
    pub other: Option<Box<dyn ServerStore>>,
    /// Every envelope that was accepted, for canary searches and replays.
    pub accepted: Vec<(MailboxId, Vec<u8>)>,
    /// Whether there is a TURN server.
    pub has_turn: bool,
    /// Whether it keeps those who ask for TURN servers waiting for ever.
    pub turn_silent: bool,
    /// How long credentials for it last, in seconds.
    pub turn_lifetime_s: u32,
    /// A request that no client of ours makes is refused, and does not stop the world.
    pub(crate) clients_may_err: bool,
    connections: BTreeMap<ConnectionId, Connection>,
    next_connection: ConnectionId,
    /// Which connection a mailbox's envelopes go to.
    listening: BTreeMap<MailboxId, ConnectionId>,
    now: u64,
    pub(crate) out: Vec<ToDevice>,
}

type Answer = (u16, Vec<u8>);

/// What the server refuses with.
pub(crate) fn refuse(code: ErrorCode, retry_after_s: Option<u32>) -> Answer {
    let failure = Failure { code, request_id: RequestId([0; 8]), retry_after_s };
    (code.status(), failure.encode())
}

fn answer<T: Message>(status: u16, result: Result<T, ErrorCode>) -> Answer {
    match result {
        Ok(message) => (status, message.encode()),
        Err(code) => refuse(code, None),
    }
}

impl ModelServer {
    /// A server of this origin.
    #[must_use]
    pub fn new(origin: &str) -> Self {
        Self { origin: origin.to_owned(), turn_lifetime_s: 3_600, ..Self::default() }
    }

    /// Another server that goes on from what this one's model keeps.
    pub(crate) fn copy(&self) -> Self {
        Self { model: self.model.clone(), accepted: self.accepted.clone(), ..Self::new(&self.origin) }
    }

    /// Its store.
    pub fn store(&mut self) -> &mut dyn ServerStore {
        match &mut self.other {
            Some(other) => other.as_mut(),
            None => &mut self.model,
        }
    }

    /// Forgets which tokens open which mailboxes.
    pub fn take_tokens(&mut self) -> Vec<(MailboxId, BTreeSet<[u8; 32]>)> {
        let mailboxes = self.model.mailboxes.iter_mut();
        mailboxes.map(|(id, mailbox)| (*id, core::mem::take(&mut mailbox.tokens))).collect()
    }

    /// Remembers them again.
    pub fn give_tokens(&mut self, tokens: Vec<(MailboxId, BTreeSet<[u8; 32]>)>) {
        for (id, tokens) in tokens {
            self.model.mailboxes.entry(id).or_default().tokens.extend(tokens);
        }
    }

    /// Loses all but so many one-time prekeys of every mailbox, as if they had been fetched.
    pub fn leave_one_time(&mut self, left: usize) {
        for mailbox in self.model.mailboxes.values_mut() {
            while mailbox.one_time.len() > left {
                mailbox.one_time.pop_first();
            }
        }
    }

    /// Takes an invite that nobody withdraws, and that lasts for ever.
    pub fn offer_invite(&mut self, id: InviteId, card: Vec<u8>, bundle: Vec<u8>) {
        self.model.invites.insert(id, StoredInvite::lasting(card, bundle));
    }

    /// Makes a mailbox that nobody reads, opened by a token of this hash, with a bundle.
    pub fn open_mailbox(&mut self, name: MailboxId, token: [u8; 32], bundle: Vec<u8>) {
        let mailbox = self.model.mailboxes.entry(name).or_default();
        mailbox.tokens.insert(token);
        mailbox.bundle = Some(bundle);
    }

    /// All bytes it holds, for canary searches.
    #[must_use]
    pub fn everything(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.accepted.iter().flat_map(|(_, blob)| blob.clone()).collect();
        for invite in self.model.invites.values() {
            bytes.extend_from_slice(&invite.card);
            bytes.extend_from_slice(&invite.bundle);
        }
        for mailbox in self.model.mailboxes.values() {
            bytes.extend(mailbox.bundle.iter().flatten());
        }
        bytes
    }

    /// It stops at once: connections are gone, what was answered is durable.
    pub(crate) fn kill(&mut self) -> Vec<ConnectionId> {
        self.listening.clear();
        self.out.clear();
        self.store().restart();
        core::mem::take(&mut self.connections).into_keys().collect()
    }

    pub(crate) fn connect(&mut self, nonce: [u8; 32]) -> ConnectionId {
        self.next_connection += 1;
        let id = self.next_connection;
        let connection =
            Connection { nonce, mailbox: None, credit: limits::CREDIT_WINDOW, sent: 0, drained: false };
        self.connections.insert(id, connection);
        self.push(id, &ServerFrame::Challenge { version: limits::VERSION, nonce: Nonce(nonce) });
        id
    }

    pub(crate) fn disconnect(&mut self, id: ConnectionId) {
        if let Some(Connection { mailbox: Some(mailbox), .. }) = self.connections.remove(&id)
            && self.listening.get(&mailbox) == Some(&id)
        {
            self.listening.remove(&mailbox);
        }
    }

    fn push(&mut self, id: ConnectionId, frame: &ServerFrame) {
        self.out.push(ToDevice::Frame(id, frame.encode()));
    }

    fn close(&mut self, id: ConnectionId, code: CloseCode) {
        self.disconnect(id);
        self.out.push(ToDevice::Close(id, code.code()));
    }

    pub(crate) fn receive(&mut self, id: ConnectionId, bytes: &[u8], now_s: u64) {
        self.now = now_s;
        let Some(connection) = self.connections.get(&id) else { return };
        let Ok(frame) = ClientFrame::decode(bytes) else {
            self.close(id, CloseCode::Malformed);
            return;
        };
        match (frame, connection.mailbox) {
            (ClientFrame::Authenticate(authentication), None) => {
                let nonce = Nonce(connection.nonce);
                let (mailbox, key): (_, [u8; 33]) = (authentication.mailbox, *authentication.signing_key);
                let verified = authentication.verify(&self.origin, &nonce).is_ok();
                let opened = if verified { self.store().open(mailbox, key, now_s).ok() } else { None };
                let Some(opened) = opened else {
                    self.close(id, CloseCode::Unauthenticated);
                    return;
                };
                // Whichever came later stays, however long the other's answer was under way.
                if self.listening.get(&mailbox).is_some_and(|there| *there > id) {
                    self.close(id, CloseCode::Displaced);
                    return;
                }
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.mailbox = Some(mailbox);
                }
                if let Some(old) = self.listening.insert(mailbox, id) {
                    self.connections.remove(&old);
                    self.out.push(ToDevice::Close(old, CloseCode::Displaced.code()));
                }
                let Opened { acknowledged, one_time_left, waiting } = opened;
                let acknowledged_through = Sequence(acknowledged);
                self.push(id, &ServerFrame::Welcome { acknowledged_through, one_time_left, waiting });
                self.deliver(mailbox);
            }
            (_, None) | (ClientFrame::Authenticate(_), Some(_)) => self.close(id, CloseCode::Malformed),
            (frame, Some(mailbox)) => self.request(id, mailbox, frame),
        }
    }

    fn request(&mut self, id: ConnectionId, name: MailboxId, frame: ClientFrame) {
        let now = self.now;
        let tokens = |hashes: &[sotto_wire::server::ListedToken]| -> Vec<TokenHash> {
            hashes.iter().map(|listed| listed.0).collect()
        };
        let done = match frame {
            ClientFrame::Credit { n } => {
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.credit += n;
                    assert!(connection.credit <= limits::CREDIT_WINDOW, "never more credit than the window");
                }
                None
            }
            ClientFrame::Acknowledge { sequences } => {
                self.store().acknowledge(name, sequences.as_slice(), now);
                None
            }
            ClientFrame::AddTokens { request, hashes } => {
                Some((request, self.store().add_tokens(name, &tokens(hashes.as_slice()))))
            }
            ClientFrame::RevokeTokens { request, hashes } => {
                self.store().revoke_tokens(name, &tokens(hashes.as_slice()));
                Some((request, Ok(())))
            }
            ClientFrame::PublishPreKeys { request, bundle, one_time } => {
                Some((request, self.store().publish(name, &bundle, one_time.as_slice())))
            }
            ClientFrame::Ping { n } => {
                self.push(id, &ServerFrame::Pong { n });
                return;
            }
            ClientFrame::Authenticate(_) => None,
        };
        match done {
            Some((request, Ok(()))) => self.push(id, &ServerFrame::Done { request }),
            Some((request, Err(code))) => self.push(id, &ServerFrame::Failed { request, code }),
            None => {}
        }
        self.deliver(name);
    }

    fn deliver(&mut self, name: MailboxId) {
        let Some(&id) = self.listening.get(&name) else { return };
        loop {
            let Some(connection) = self.connections.get(&id) else { return };
            let (count, after, now) = (connection.credit.min(BATCH), connection.sent, self.now);
            if count == 0 {
                return;
            }
            let found = self.store().fetch(name, after, count, now);
            let drained = found.len() < count as usize;
            for (sequence, blob) in &found {
                self.push(id, &deliver_frame(*sequence, Class::Stored, blob.clone()));
            }
            let Some(connection) = self.connections.get_mut(&id) else { return };
            connection.credit -= found.len() as u32;
            connection.sent = found.last().map_or(after, |(sequence, _)| sequence.0);
            if drained {
                if !core::mem::replace(&mut connection.drained, true) {
                    self.push(id, &ServerFrame::Drained {});
                }
                return;
            }
        }
    }

    pub(crate) fn inject(&mut self, name: MailboxId, blob: Vec<u8>) {
        self.model.mailboxes.entry(name).or_default().slip_in(blob);
        self.deliver(name);
    }

    /// Hands something short-lived to whoever listens, as a sender with a token does.
    pub(crate) fn pass_on(&mut self, name: MailboxId, blob: Vec<u8>) {
        if let Some(&connection) = self.listening.get(&name) {
            let blob = Blob::new(blob).expect("of an envelope's size");
            self.push(connection, &deliver_frame(Sequence(0), Class::Ephemeral, blob));
        }
    }

    /// The reaper, which the server runs now and then.
    pub(crate) fn reap(&mut self, now_s: u64) {
        self.now = now_s;
        self.store().reap(now_s);
    }

    fn turn(&mut self, body: &[u8]) -> Answer {
        let Ok(FetchTurn {}) = FetchTurn::decode(body) else { return refuse(ErrorCode::Malformed, None) };
        let text = |text: &str| TurnText::new(text.to_owned()).ok();
        let server = TurnServer {
            urls: IceUrl::new("turn:relay.example".to_owned())
                .and_then(|url| List::new(vec![url]))
                .expect("a URL"),
            username: text("1800000000:00"),
            credential: text("secret"),
        };
        let servers = if self.has_turn { vec![server] } else { Vec::new() };
        let answer =
            TurnAnswer { servers: List::new(servers).expect("one"), lifetime_s: self.turn_lifetime_s };
        (200, answer.encode())
    }

    pub(crate) fn http(&mut self, path: &str, body: &[u8], now_s: u64) -> Answer {
        self.now = now_s;
        let malformed = |_| ErrorCode::Malformed;
        match path {
            path::ENVELOPES => self.put_envelope(body),
            path::INVITES => {
                let created = CreateInvite::decode(body).map_err(malformed);
                let created = created.and_then(|create| self.store().create_invite(&create, now_s));
                answer(201, created.map(|()| Accepted::default()))
            }
            path::INVITE_CARD => {
                let look = LookAtInvite::decode(body).map_err(malformed);
                answer(200, look.and_then(|look| self.store().invite_card(look.invite_id, now_s)))
            }
            path::INVITE_REDEEM => {
                let redeemed = RedeemInvite::decode(body).map_err(malformed);
                let redeemed = redeemed
                    .and_then(|redeem| self.store().redeem_invite(redeem.invite_id, redeem.redeem_id, now_s));
                answer(200, redeemed.map(|bundle| RedeemedInvite { bundle }))
            }
            path::INVITE_REVOKE => {
                let revoked = RevokeInvite::decode(body).map_err(malformed).and_then(|revoke| {
                    self.store().revoke_invite(revoke.invite_id, revoke.owner_secret.hash(), now_s)
                });
                answer(200, revoked.map(|()| Accepted::default()))
            }
            path::TURN => self.turn(body),
            path::PREKEYS => {
                let fetch = FetchPreKeys::decode(body).map_err(malformed);
                let found = fetch
                    .and_then(|fetch| self.store().take_prekeys(fetch.mailbox, fetch.token.hash(), now_s));
                answer(200, found)
            }
            other => panic!("no such path: {other}"),
        }
    }

    fn put_envelope(&mut self, body: &[u8]) -> Answer {
        let Ok(put) = PutEnvelope::decode(body) else { return refuse(ErrorCode::Malformed, None) };
        if put.envelope_id != put.blob.id() {
            assert!(self.clients_may_err, "the envelope's id is its hash");
            return refuse(ErrorCode::Malformed, None);
        }
        let (token, now) = (put.token.hash(), self.now);
        if !self.store().authorise(put.mailbox, token) {
            return refuse(ErrorCode::Forbidden, None);
        }
        if put.class == Class::Ephemeral {
            self.pass_on(put.mailbox, put.blob.into_bytes());
            return (202, Accepted::default().encode());
        }
        let blob = put.blob.as_bytes().to_vec();
        let envelope = NewEnvelope {
            mailbox: put.mailbox,
            token,
            envelope_id: put.envelope_id,
            expires: (now + u64::from(put.lifetime_s)).next_multiple_of(HOUR_S),
            blob: put.blob,
        };
        match self.store().put(&envelope, now) {
            Ok(Put::Stored(_)) => {
                self.accepted.push((put.mailbox, blob));
                self.deliver(put.mailbox);
            }
            Ok(Put::Repeated(_)) => {}
            Err(code) => return refuse(code, None),
        }
        (202, Accepted::default().encode())
    }
}

fn deliver_frame(sequence: Sequence, class: Class, blob: Blob) -> ServerFrame {
    ServerFrame::Deliver { sequence, envelope_id: blob.id(), class, blob }
}
