//! A model of the server in memory: the semantics of `sotto_wire::server`, durable in an instant.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use sotto_crypto::{EnvelopeId, InviteId, MailboxId};
use sotto_wire::server::{
    Accepted, Class, ClientFrame, CloseCode, CreateInvite, ErrorCode, Failure, FetchPreKeys, FetchedPreKeys,
    InviteCardAnswer, LookAtInvite, Message, Nonce, OneTimePreKeyEntry, PutEnvelope, RedeemId, RedeemInvite,
    RedeemedInvite, RequestId, RevokeInvite, Sequence, ServerFrame, limits, path,
};

/// One connection.
pub(crate) type ConnectionId = u64;

/// One mailbox.
#[derive(Clone, Debug, Default)]
pub struct Mailbox {
    owner: Option<[u8; 33]>,
    tokens: BTreeSet<[u8; 32]>,
    /// Stored envelopes by sequence.
    pub stored: BTreeMap<u64, Vec<u8>>,
    known: BTreeMap<EnvelopeId, u64>,
    last: u64,
    acknowledged: u64,
    bundle: Option<Vec<u8>>,
    one_time: VecDeque<OneTimePreKeyEntry>,
    connection: Option<ConnectionId>,
}

/// One invite.
#[derive(Clone, Debug)]
pub struct StoredInvite {
    owner: [u8; 32],
    expires_at: u64,
    /// The encrypted name.
    pub card: Vec<u8>,
    /// The encrypted bundle.
    pub bundle: Vec<u8>,
    redeemed: Option<(RedeemId, u64)>,
}

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

/// The server.
#[derive(Clone, Debug, Default)]
pub struct ModelServer {
    /// The origin devices sign for.
    pub origin: String,
    /// All mailboxes.
    pub mailboxes: BTreeMap<MailboxId, Mailbox>,
    /// All invites.
    pub invites: BTreeMap<InviteId, StoredInvite>,
    /// Every envelope that was accepted, for canary searches and replays.
    pub accepted: Vec<(MailboxId, Vec<u8>)>,
    /// A request that no client of ours makes is refused, and does not stop the world.
    pub(crate) clients_may_err: bool,
    connections: BTreeMap<ConnectionId, Connection>,
    next_connection: ConnectionId,
    pub(crate) out: Vec<ToDevice>,
}

type Answer = (u16, Vec<u8>);

fn refuse(code: ErrorCode) -> Answer {
    let failure = Failure { code, request_id: RequestId([0; 8]), retry_after_s: None };
    (code.status(), failure.encode())
}

impl Mailbox {
    /// One-time prekeys that are left.
    #[must_use]
    pub fn one_time_left(&self) -> usize {
        self.one_time.len()
    }

    /// The published bundle.
    #[must_use]
    pub fn bundle(&self) -> Option<Vec<u8>> {
        self.bundle.clone()
    }
}

impl Mailbox {
    /// Keeps so many one-time prekeys, and tells which.
    pub(crate) fn trim_one_time(&mut self, keep: usize) -> BTreeSet<u32> {
        self.one_time.truncate(keep);
        self.one_time.iter().map(|entry| entry.id).collect()
    }
}

impl StoredInvite {
    pub(crate) fn reopen(&mut self) {
        self.redeemed = None;
    }
}

impl ModelServer {
    /// A server of this origin.
    #[must_use]
    pub fn new(origin: &str) -> Self {
        Self { origin: origin.to_owned(), ..Self::default() }
    }

    /// Forgets which tokens open which mailboxes.
    pub fn take_tokens(&mut self) -> Vec<(MailboxId, BTreeSet<[u8; 32]>)> {
        self.mailboxes.iter_mut().map(|(id, mailbox)| (*id, core::mem::take(&mut mailbox.tokens))).collect()
    }

    /// Remembers them again.
    pub fn give_tokens(&mut self, tokens: Vec<(MailboxId, BTreeSet<[u8; 32]>)>) {
        for (id, tokens) in tokens {
            self.mailboxes.entry(id).or_default().tokens.extend(tokens);
        }
    }

    /// Loses all but so many one-time prekeys of every mailbox, as if they had been fetched.
    pub fn leave_one_time(&mut self, left: usize) {
        for mailbox in self.mailboxes.values_mut() {
            let surplus = mailbox.one_time.len().saturating_sub(left);
            mailbox.one_time.drain(..surplus);
        }
    }

    /// Takes an invite that nobody withdraws, and that lasts for ever.
    pub fn offer_invite(&mut self, id: InviteId, card: Vec<u8>, bundle: Vec<u8>) {
        let invite = StoredInvite { owner: [0; 32], expires_at: u64::MAX, card, bundle, redeemed: None };
        self.invites.insert(id, invite);
    }

    /// Makes a mailbox that nobody reads, opened by a token of this hash, with a bundle.
    pub fn open_mailbox(&mut self, name: MailboxId, token: [u8; 32], bundle: Vec<u8>) {
        let mailbox = self.mailboxes.entry(name).or_default();
        mailbox.tokens.insert(token);
        mailbox.bundle = Some(bundle);
    }

    /// All bytes it holds, for canary searches.
    #[must_use]
    pub fn everything(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.accepted.iter().flat_map(|(_, blob)| blob.clone()).collect();
        for invite in self.invites.values() {
            bytes.extend_from_slice(&invite.card);
            bytes.extend_from_slice(&invite.bundle);
        }
        for mailbox in self.mailboxes.values() {
            bytes.extend(mailbox.bundle.iter().flatten());
        }
        bytes
    }

    /// It stops at once: connections are gone, what was answered is durable.
    pub(crate) fn kill(&mut self) -> Vec<ConnectionId> {
        for mailbox in self.mailboxes.values_mut() {
            mailbox.connection = None;
        }
        self.out.clear();
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
            && let Some(mailbox) = self.mailboxes.get_mut(&mailbox)
            && mailbox.connection == Some(id)
        {
            mailbox.connection = None;
        }
    }

    fn push(&mut self, id: ConnectionId, frame: &ServerFrame) {
        self.out.push(ToDevice::Frame(id, frame.encode()));
    }

    fn close(&mut self, id: ConnectionId, code: CloseCode) {
        self.disconnect(id);
        self.out.push(ToDevice::Close(id, code.code()));
    }

    pub(crate) fn receive(&mut self, id: ConnectionId, bytes: &[u8]) {
        let Some(connection) = self.connections.get(&id) else { return };
        let Ok(frame) = ClientFrame::decode(bytes) else {
            self.close(id, CloseCode::Malformed);
            return;
        };
        match (frame, connection.mailbox) {
            (ClientFrame::Authenticate(authentication), None) => {
                let nonce = Nonce(connection.nonce);
                let key: [u8; 33] = *authentication.signing_key;
                let mailbox = self.mailboxes.entry(authentication.mailbox).or_default();
                if authentication.verify(&self.origin, &nonce).is_err()
                    || mailbox.owner.is_some_and(|owner| owner != key)
                {
                    self.close(id, CloseCode::Unauthenticated);
                    return;
                }
                mailbox.owner = Some(key);
                let displaced = mailbox.connection.replace(id);
                let welcome = ServerFrame::Welcome {
                    acknowledged_through: Sequence(mailbox.acknowledged),
                    one_time_left: mailbox.one_time.len() as u32,
                    waiting: mailbox.stored.len() as u32,
                };
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.mailbox = Some(authentication.mailbox);
                }
                if let Some(old) = displaced {
                    self.connections.remove(&old);
                    self.out.push(ToDevice::Close(old, CloseCode::Displaced.code()));
                }
                self.push(id, &welcome);
                self.deliver(authentication.mailbox);
            }
            (_, None) | (ClientFrame::Authenticate(_), Some(_)) => self.close(id, CloseCode::Malformed),
            (frame, Some(mailbox)) => self.request(id, mailbox, frame),
        }
    }

    fn request(&mut self, id: ConnectionId, name: MailboxId, frame: ClientFrame) {
        let mailbox = self.mailboxes.get_mut(&name).expect("authenticated");
        let done = match frame {
            ClientFrame::Credit { n } => {
                if let Some(connection) = self.connections.get_mut(&id) {
                    connection.credit += n;
                    assert!(connection.credit <= limits::CREDIT_WINDOW, "never more credit than the window");
                }
                None
            }
            ClientFrame::Acknowledge { sequences } => {
                for sequence in sequences.as_slice() {
                    mailbox.stored.remove(&sequence.0);
                    mailbox.acknowledged = mailbox.acknowledged.max(sequence.0);
                }
                None
            }
            ClientFrame::AddTokens { request, hashes } => {
                mailbox.tokens.extend(hashes.as_slice().iter().map(|listed| *listed.0.as_bytes()));
                Some(request)
            }
            ClientFrame::RevokeTokens { request, hashes } => {
                for listed in hashes.as_slice() {
                    mailbox.tokens.remove(listed.0.as_bytes());
                }
                Some(request)
            }
            ClientFrame::PublishPreKeys { request, bundle, one_time } => {
                mailbox.bundle = Some(bundle.into_bytes());
                mailbox.one_time.extend(one_time.into_vec());
                Some(request)
            }
            ClientFrame::Ping { n } => {
                self.push(id, &ServerFrame::Pong { n });
                return;
            }
            ClientFrame::Authenticate(_) => None,
        };
        if let Some(request) = done {
            self.push(id, &ServerFrame::Done { request });
        }
        self.deliver(name);
    }

    fn deliver(&mut self, name: MailboxId) {
        let Some(mailbox) = self.mailboxes.get(&name) else { return };
        let Some(id) = mailbox.connection else { return };
        let Some(connection) = self.connections.get_mut(&id) else { return };
        let mut frames = Vec::new();
        for (sequence, blob) in mailbox.stored.range(connection.sent + 1..) {
            if connection.credit == 0 {
                break;
            }
            connection.credit -= 1;
            connection.sent = *sequence;
            frames.push(deliver_frame(*sequence, Class::Stored, blob));
        }
        if mailbox.stored.range(connection.sent + 1..).next().is_none() && !connection.drained {
            connection.drained = true;
            frames.push(ServerFrame::Drained {});
        }
        for frame in frames {
            self.push(id, &frame);
        }
    }

    pub(crate) fn inject(&mut self, name: MailboxId, blob: Vec<u8>) {
        let mailbox = self.mailboxes.entry(name).or_default();
        mailbox.last += 1;
        mailbox.stored.insert(mailbox.last, blob);
        self.deliver(name);
    }

    pub(crate) fn http(&mut self, path: &str, body: &[u8], now_s: u64) -> Answer {
        match path {
            path::ENVELOPES => self.put_envelope(body),
            path::INVITES => self.create_invite(body, now_s),
            path::INVITE_CARD => self.card(body, now_s),
            path::INVITE_REDEEM => self.redeem(body, now_s),
            path::INVITE_REVOKE => self.revoke(body),
            path::PREKEYS => self.prekeys(body),
            other => panic!("no such path: {other}"),
        }
    }

    fn put_envelope(&mut self, body: &[u8]) -> Answer {
        let Ok(put) = PutEnvelope::decode(body) else { return refuse(ErrorCode::Malformed) };
        if put.envelope_id != put.blob.id() {
            assert!(self.clients_may_err, "the envelope's id is its hash");
            return refuse(ErrorCode::Malformed);
        }
        let opens = |mailbox: &&mut Mailbox| mailbox.tokens.contains(put.token.hash().as_bytes());
        let Some(mailbox) = self.mailboxes.get_mut(&put.mailbox).filter(opens) else {
            return refuse(ErrorCode::Forbidden);
        };
        let blob = put.blob.as_bytes().to_vec();
        if put.class == Class::Ephemeral {
            if let Some(connection) = mailbox.connection {
                let frame = deliver_frame(0, Class::Ephemeral, &blob);
                self.push(connection, &frame);
            }
            return (202, Accepted::default().encode());
        }
        if mailbox.known.contains_key(&put.envelope_id) {
            return (202, Accepted::default().encode());
        }
        if mailbox.stored.len() >= limits::MAILBOX_ENVELOPES_MAX as usize {
            return refuse(ErrorCode::Quota);
        }
        mailbox.last += 1;
        mailbox.known.insert(put.envelope_id, mailbox.last);
        mailbox.stored.insert(mailbox.last, blob.clone());
        self.accepted.push((put.mailbox, blob));
        self.deliver(put.mailbox);
        (202, Accepted::default().encode())
    }

    fn create_invite(&mut self, body: &[u8], now_s: u64) -> Answer {
        let Ok(create) = CreateInvite::decode(body) else { return refuse(ErrorCode::Malformed) };
        let owner = *create.owner_hash.as_bytes();
        assert!(create.expires_at <= now_s + limits::INVITE_LIFETIME_MAX_S + 24 * 3600, "at most seven days");
        let known = self.invites.entry(create.invite_id).or_insert_with(|| StoredInvite {
            owner,
            expires_at: create.expires_at,
            card: create.card.as_bytes().to_vec(),
            bundle: create.bundle.as_bytes().to_vec(),
            redeemed: None,
        });
        if known.owner == owner { (201, Accepted::default().encode()) } else { refuse(ErrorCode::Conflict) }
    }

    fn card(&mut self, body: &[u8], now_s: u64) -> Answer {
        let Ok(look) = LookAtInvite::decode(body) else { return refuse(ErrorCode::Malformed) };
        match self.invites.get(&look.invite_id).filter(|invite| invite.expires_at > now_s) {
            None => refuse(ErrorCode::InviteGone),
            Some(invite) if invite.redeemed.is_some() => refuse(ErrorCode::InviteUsed),
            Some(invite) => {
                let card = sotto_wire::server::Opaque::new(invite.card.clone()).expect("was accepted");
                (200, InviteCardAnswer { card, expires_at: invite.expires_at }.encode())
            }
        }
    }

    fn redeem(&mut self, body: &[u8], now_s: u64) -> Answer {
        let Ok(redeem) = RedeemInvite::decode(body) else { return refuse(ErrorCode::Malformed) };
        let Some(invite) = self.invites.get_mut(&redeem.invite_id).filter(|invite| invite.expires_at > now_s)
        else {
            return refuse(ErrorCode::InviteGone);
        };
        let (first, at) = invite.redeemed.get_or_insert((redeem.redeem_id, now_s));
        if *first != redeem.redeem_id || now_s > *at + limits::INVITE_REDEEM_AGAIN_S {
            return refuse(ErrorCode::InviteUsed);
        }
        let bundle = sotto_wire::server::Opaque::new(invite.bundle.clone()).expect("was accepted");
        (200, RedeemedInvite { bundle }.encode())
    }

    fn revoke(&mut self, body: &[u8]) -> Answer {
        let Ok(revoke) = RevokeInvite::decode(body) else { return refuse(ErrorCode::Malformed) };
        match self.invites.get(&revoke.invite_id) {
            Some(invite) if invite.owner != *revoke.owner_secret.hash().as_bytes() => {
                refuse(ErrorCode::InviteGone)
            }
            Some(invite) if invite.redeemed.is_some() => refuse(ErrorCode::InviteUsed),
            Some(_) => {
                self.invites.remove(&revoke.invite_id);
                (200, Accepted::default().encode())
            }
            None => refuse(ErrorCode::InviteGone),
        }
    }

    fn prekeys(&mut self, body: &[u8]) -> Answer {
        let Ok(fetch) = FetchPreKeys::decode(body) else { return refuse(ErrorCode::Malformed) };
        let opens = |mailbox: &&mut Mailbox| mailbox.tokens.contains(fetch.token.hash().as_bytes());
        let Some(mailbox) = self.mailboxes.get_mut(&fetch.mailbox).filter(opens) else {
            return refuse(ErrorCode::Forbidden);
        };
        let Some(bundle) = mailbox.bundle.clone() else { return refuse(ErrorCode::NotFound) };
        let bundle = sotto_wire::server::Opaque::new(bundle).expect("was accepted");
        (200, FetchedPreKeys { bundle, one_time: mailbox.one_time.pop_front() }.encode())
    }
}

fn deliver_frame(sequence: u64, class: Class, blob: &[u8]) -> ServerFrame {
    let blob = sotto_wire::server::Blob::new(blob.to_vec()).expect("of an envelope's size");
    ServerFrame::Deliver { sequence: Sequence(sequence), envelope_id: blob.id(), class, blob }
}
