//! The connection to the server, and what is asked over it: tokens, prekeys, acknowledgements.

use core::cmp::Ordering;
use core::time::Duration;

use sotto_crypto::TokenHash;
use sotto_wire::server::{
    Class, ClientFrame, ListedToken, Message as _, OneTimePreKeyEntry, OneTimePreKeys, Opaque, Sequence,
    ServerFrame, TokenHashes, limits,
};

use super::{Asked, Client};
use crate::contact::Contact;
use crate::socket::{Asked as SocketAsked, Phase, TokenOwner};
use crate::timers::Timer;
use crate::turn::{Key, Turn};
use crate::{
    ContactId, InviteId, Output, RequestId, Response, ServerStatus, SocketAction, SocketEvent, Standing,
    policy,
};

impl Client {
    pub(super) fn socket_event(&mut self, event: SocketEvent, turn: &mut Turn<'_>) {
        match event {
            SocketEvent::Opened => {}
            SocketEvent::Message(bytes) => match ServerFrame::decode(&bytes) {
                Ok(frame) => {
                    self.socket.lives(turn);
                    self.frame(frame, turn);
                }
                Err(_) => turn.log("server: malformed frame"),
            },
            SocketEvent::Closed { code } => {
                let displaced = self.socket.phase == Phase::Displaced;
                self.socket.closed(code, turn);
                self.here.clear();
                turn.timers.clear(Timer::Here);
                turn.shown.extend(self.contacts.keys());
                if self.socket.phase == Phase::Displaced && !displaced {
                    for id in self.links.contacts() {
                        self.close_link(id, turn);
                    }
                }
            }
        }
    }

    fn frame(&mut self, frame: ServerFrame, turn: &mut Turn<'_>) {
        match (frame, self.socket.phase) {
            (ServerFrame::Challenge { version, nonce }, Phase::Opening) => {
                if version != limits::VERSION {
                    turn.log("server: another version");
                    self.socket.give_up(turn);
                    return;
                }
                let frame = self.socket.authenticate(&nonce, &self.account, &self.config.origin, turn);
                turn.output(Output::Socket(SocketAction::Send(frame)));
            }
            (ServerFrame::Welcome { acknowledged_through, one_time_left, .. }, Phase::Authenticating) => {
                self.socket.one_time_left = one_time_left;
                self.socket.welcomed(turn);
                self.compare_cursor(acknowledged_through.0, turn);
                self.resume(turn);
            }
            (ServerFrame::Deliver { sequence, class, blob, .. }, Phase::Open) => {
                self.envelope(blob.as_bytes(), turn);
                if class == Class::Stored {
                    self.delivered(sequence.0, turn);
                }
            }
            (ServerFrame::Done { request }, Phase::Open) => self.server_did(request, turn),
            (ServerFrame::Failed { request, .. }, Phase::Open) => {
                turn.log("server: a request was refused");
                self.socket.asked.remove(&request);
                let later = turn.jittered(policy::BACKOFF_MAX);
                turn.timers.set_earlier(Timer::ServerRequests, later);
            }
            (ServerFrame::Pong { .. }, Phase::Open) => {}
            (ServerFrame::Drained {}, Phase::Open) => {
                self.socket.drained = true;
                self.account.drained(turn);
                self.forget_invites(turn);
            }
            _ => turn.log("server: a frame out of place"),
        }
    }

    fn send(&self, frame: &ClientFrame, turn: &mut Turn<'_>) {
        turn.output(Output::Socket(SocketAction::Send(frame.encode())));
    }

    /// Everything that waited for the server.
    fn resume(&mut self, turn: &mut Turn<'_>) {
        self.ask_server(turn);
        self.hurry(turn);
        turn.shown.extend(self.contacts.keys());
        for id in self.invites.keys().copied().collect::<Vec<InviteId>>() {
            self.attend_invite(id, turn);
        }
        for id in self.acceptances.keys().copied().collect::<Vec<InviteId>>() {
            self.redeem(id, turn);
        }
        self.say_farewells(turn);
        self.tell_all(turn);
    }

    /// Compares what was ever acknowledged with what the server remembers of it.
    fn compare_cursor(&mut self, acknowledged: u64, turn: &mut Turn<'_>) {
        match acknowledged.cmp(&self.account.acknowledged) {
            Ordering::Equal => return,
            Ordering::Greater => self.rolled_back(turn),
            Ordering::Less => self.server_rolled_back(turn),
        }
        self.account.acknowledged = acknowledged;
        turn.dirty(Key::Cursor);
    }

    /// The server remembers more than this device: its state was rolled back, by a restored profile for instance. The
    /// sessions here may have been used beyond what is known, so nothing is sent in them any more.
    fn rolled_back(&mut self, turn: &mut Turn<'_>) {
        turn.log("server: this device's state was rolled back; beginning fresh sessions");
        self.state_was_lost(turn);
    }

    /// Keys or sessions of this device are not what they were: none of them is gone on with.
    pub(super) fn state_was_lost(&mut self, turn: &mut Turn<'_>) {
        for (id, contact) in &mut self.contacts {
            if contact.standing == Standing::Ended {
                continue;
            }
            contact.needs_fresh = true;
            contact.conversation.rolled_back();
            turn.dirty(Key::Contact(*id));
            if let Some(sessions) = self.sessions.get_mut(id) {
                sessions.give_up_current(*id, turn);
            }
        }
        // Contacts may seal to a delivery key that was lost with the state.
        self.account.renew_after_roll_back(turn);
        self.tell_delivery_key(self.account.delivery().map_or(0, |key| key.id().0), turn);
    }

    /// Tells the newest delivery key to the contacts that were told none of this number or a higher one.
    pub(super) fn tell_delivery_key(&mut self, number: u32, turn: &mut Turn<'_>) {
        let unaware: Vec<ContactId> = self
            .contacts
            .values()
            // Also to one that is still to be confirmed: what it writes must not be lost meanwhile.
            .filter(|contact| contact.standing != Standing::Ended && contact.delivery_told < number)
            .map(Contact::id)
            .collect();
        for id in unaware {
            self.say_name(id, turn);
        }
    }

    /// The server remembers less: the last acknowledgement was lost, or its database was restored from an older copy.
    /// Everything it should have is given to it again; repeating does no harm.
    fn server_rolled_back(&mut self, turn: &mut Turn<'_>) {
        turn.log("server: it may have forgotten something; giving it everything again");
        for (id, contact) in &mut self.contacts {
            contact.issued.iter_mut().for_each(|issued| issued.registered = false);
            turn.dirty(Key::Contact(*id));
        }
        for (id, invite) in &mut self.invites {
            invite.uploaded = false;
            if let Some(token) = &mut invite.token {
                token.registered = false;
            }
            turn.dirty(Key::Invite(*id));
        }
        self.account.prekeys.published = false;
        turn.dirty(Key::PreKeys);
    }

    /// A stored envelope was dealt with. The mailbox is told after a while, and the change is stored before that.
    fn delivered(&mut self, sequence: u64, turn: &mut Turn<'_>) {
        self.socket.received.push(sequence);
        if self.socket.received.len() >= limits::ACKNOWLEDGE_MAX {
            self.acknowledge(turn);
        } else if !turn.timers.is_set(Timer::Acknowledge) {
            let at = turn.between(policy::ACKNOWLEDGE_MIN, policy::ACKNOWLEDGE_MAX);
            turn.timers.set(Timer::Acknowledge, at);
        }
        self.socket.used = self.socket.used.saturating_add(1);
        if self.socket.used >= policy::CREDIT_BATCH {
            let n = core::mem::take(&mut self.socket.used);
            self.send(&ClientFrame::Credit { n }, turn);
        }
    }

    pub(super) fn acknowledge(&mut self, turn: &mut Turn<'_>) {
        turn.timers.clear(Timer::Acknowledge);
        let received = core::mem::take(&mut self.socket.received);
        let Some(newest) = received.iter().copied().max() else { return };
        if newest > self.account.acknowledged {
            self.account.acknowledged = newest;
            turn.dirty(Key::Cursor);
        }
        if let Ok(frame) = ClientFrame::acknowledge(received.into_iter().map(Sequence).collect()) {
            self.send(&frame, turn);
        }
    }

    pub(super) fn ping(&mut self, patience: Duration, turn: &mut Turn<'_>) {
        if self.socket.is_open() {
            let n = self.socket.ping(patience, turn);
            self.send(&ClientFrame::Ping { n }, turn);
        }
    }

    /// Tells the server which tokens count and which do not, and gives it prekeys; all of it until it says so.
    pub(super) fn ask_server(&mut self, turn: &mut Turn<'_>) {
        if !self.socket.is_open() {
            return;
        }
        self.add_tokens(turn);
        self.revoke_tokens(turn);
        self.publish(turn);
    }

    fn add_tokens(&mut self, turn: &mut Turn<'_>) {
        let under_way: Vec<[u8; 32]> = self
            .socket
            .asked
            .values()
            .filter_map(|asked| match asked {
                SocketAsked::AddTokens(tokens) => Some(tokens.iter().map(|(_, hash)| *hash)),
                _ => None,
            })
            .flatten()
            .collect();
        let invites = self.invites.values().filter_map(|invite| {
            let token = invite.token.as_ref().filter(|_| invite.is_open())?;
            Some((TokenOwner::Invite(invite.id), token))
        });
        let contacts = self
            .contacts
            .iter()
            .flat_map(|(id, contact)| contact.issued.iter().map(|token| (TokenOwner::Contact(*id), token)));
        let tokens: Vec<(TokenOwner, [u8; 32])> = invites
            .chain(contacts)
            .filter(|(_, token)| !token.registered)
            .map(|(owner, token)| (owner, token.hash()))
            .filter(|(_, hash)| !under_way.contains(hash))
            .take(limits::TOKENS_PER_FRAME_MAX)
            .collect();
        if tokens.is_empty() {
            return;
        }
        let listed = tokens.iter().map(|(_, hash)| ListedToken(TokenHash::from_bytes(*hash))).collect();
        let Ok(hashes) = TokenHashes::new(listed) else { return };
        let request = self.socket.number();
        self.socket.asked.insert(request, SocketAsked::AddTokens(tokens));
        self.send(&ClientFrame::AddTokens { request, hashes }, turn);
    }

    fn revoke_tokens(&mut self, turn: &mut Turn<'_>) {
        let busy = self.socket.asked.values().any(|asked| matches!(asked, SocketAsked::RevokeTokens(_)));
        if busy || self.account.prekeys.revoking.is_empty() {
            return;
        }
        let revoked: Vec<[u8; 32]> = self
            .account
            .prekeys
            .revoking
            .iter()
            .take(limits::TOKENS_PER_FRAME_MAX)
            .map(|hash| **hash)
            .collect();
        let listed = revoked.iter().map(|hash| ListedToken(TokenHash::from_bytes(*hash))).collect();
        let Ok(hashes) = TokenHashes::new(listed) else { return };
        let request = self.socket.number();
        self.socket.asked.insert(request, SocketAsked::RevokeTokens(revoked));
        self.send(&ClientFrame::RevokeTokens { request, hashes }, turn);
    }

    fn publish(&mut self, turn: &mut Turn<'_>) {
        let busy = self.socket.asked.values().any(|asked| matches!(asked, SocketAsked::Publish));
        let low = self.socket.one_time_left < policy::ONE_TIME_LOW;
        if busy || (self.account.prekeys.published && !low) {
            return;
        }
        let made = if low { self.account.refill(turn) } else { Vec::new() };
        let entries = made
            .iter()
            .filter_map(|id| self.account.one_time.get(id))
            .map(|key| OneTimePreKeyEntry { id: key.id().0, key: (*key.public().as_bytes()).into() })
            .collect();
        let Ok(one_time) = OneTimePreKeys::new(entries) else { return };
        let Ok(bundle) = Opaque::new(self.account.prekeys.bundle.clone()) else { return };
        let request = self.socket.number();
        self.socket.asked.insert(request, SocketAsked::Publish);
        self.send(&ClientFrame::PublishPreKeys { request, bundle, one_time }, turn);
    }

    fn server_did(&mut self, request: u32, turn: &mut Turn<'_>) {
        match self.socket.asked.remove(&request) {
            Some(SocketAsked::AddTokens(tokens)) => {
                for (owner, hash) in tokens {
                    self.token_registered(owner, hash, turn);
                }
            }
            Some(SocketAsked::RevokeTokens(revoked)) => {
                self.account.prekeys.revoking.retain(|hash| !revoked.contains(hash));
                turn.dirty(Key::PreKeys);
            }
            Some(SocketAsked::Publish) => {
                self.account.prekeys.published = true;
                self.socket.one_time_left = self.socket.one_time_left.max(policy::ONE_TIME_LOW);
                turn.dirty(Key::PreKeys);
            }
            None => turn.log("server: answers what nobody asked"),
        }
        self.ask_server(turn);
    }

    fn token_registered(&mut self, owner: TokenOwner, hash: [u8; 32], turn: &mut Turn<'_>) {
        if let TokenOwner::Invite(id) = owner
            && let Some(invite) = self.invites.get_mut(&id)
            && let Some(token) = invite.token.as_mut().filter(|token| token.hash() == hash)
        {
            token.registered = true;
            turn.dirty(Key::Invite(id));
            self.show_invite(id, turn);
            self.attend_invite(id, turn);
            return;
        }
        // A token of an invite may have moved to the contact that came by it meanwhile.
        for (id, contact) in &mut self.contacts {
            for issued in contact.issued.iter_mut().filter(|issued| issued.hash() == hash) {
                issued.registered = true;
                turn.touch(*id);
            }
        }
    }

    /// An answer to a request over HTTP or to the storage.
    pub(super) fn done(&mut self, id: RequestId, response: Response, turn: &mut Turn<'_>) {
        match self.asked.remove(&id) {
            Some(Asked::Entry { contact, place, hash }) => {
                self.entry_posted(contact, place, hash, &response, turn);
            }
            Some(Asked::Owed { contact }) => self.owed_posted(contact, &response, turn),
            Some(Asked::Signals { contact }) => self.signals_posted(contact, &response, turn),
            Some(Asked::Turn) => self.ice_came(&response, turn),
            Some(Asked::Control) => {}
            Some(Asked::Retry { contact, hash }) => self.retry_posted(contact, hash, &response, turn),
            Some(Asked::Farewell(number)) => self.farewell_posted(number, &response, turn),
            Some(Asked::UploadInvite(invite)) => self.invite_uploaded(invite, &response, turn),
            Some(Asked::RevokeInvite(invite)) => self.invite_revoked(invite, &response, turn),
            Some(Asked::Card(invite)) => self.card_came(invite, &response, turn),
            Some(Asked::Redeem(invite)) => self.redeemed(invite, &response, turn),
            Some(Asked::PreKeys(contact)) => self.prekeys_came(contact, &response, turn),
            Some(Asked::DeliveryKey(contact)) => self.delivery_key_came(contact, &response, turn),
            Some(Asked::History { contact, limit }) => self.history_came(contact, limit, response, turn),
            None => turn.log("driver: an answer to nothing"),
        }
    }

    /// What looks connected may be dead.
    pub(super) fn wake(&mut self, network_changed: bool, turn: &mut Turn<'_>) {
        match self.socket.phase {
            Phase::Open => self.ping(policy::WAKE_PATIENCE, turn),
            Phase::Closed => self.socket.open(turn),
            Phase::Opening | Phase::Authenticating | Phase::Closing | Phase::Displaced => {}
        }
        self.wake_links(network_changed, turn);
    }

    pub(super) fn online(&mut self, online: bool, turn: &mut Turn<'_>) {
        self.socket.offline = !online;
        match (online, self.socket.phase) {
            (true, _) => self.wake(true, turn),
            (false, Phase::Closed | Phase::Opening) => self.socket.show(ServerStatus::Offline, turn),
            (false, _) => {}
        }
    }
}
