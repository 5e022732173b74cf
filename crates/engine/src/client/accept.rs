//! Using somebody's link: the card, the bundle, the first message.

use sotto_crypto::invite::InviteError;
use sotto_crypto::keys::AccountHash;
use sotto_crypto::ratchet::Session;
use sotto_crypto::x3dh;
use sotto_crypto::{DeliveryToken, MailboxId, MessageHash};
use sotto_wire::peer::{
    Bundle, Content as Said, InviteContents, InviteLink, LinkError, Message, MessageIds, Name, PeerError,
};
use sotto_wire::server::{
    Class, FetchPreKeys, FetchedPreKeys, InviteCardAnswer, LookAtInvite, Message as _, Opaque, RedeemId,
    RedeemInvite, RedeemedInvite, path,
};

use super::deliver::Answer;
use super::{Asked, Client};
use crate::Timestamp;
use crate::contact::{Contact, Issued};
use crate::conversation::Conversation;
use crate::invite::{Acceptance, Looked, copy};
use crate::session::Held;
use crate::timers::Timer;
use crate::turn::{Key, Turn};
use crate::{
    CardRefusal, CardView, ContactId, Content, Delivery, Event, InviteId, MessageId, MessageView, Milestone,
    Notice, Request, Response, Standing, policy, text,
};

/// Longest answers worth reading, in bytes.
const CARD_MAX: usize = 1024;
const BUNDLE_MAX: usize = 8 * 1024;

impl Client {
    pub(super) fn look_at_invite(&mut self, link: &str, turn: &mut Turn<'_>) {
        self.looked = None;
        let link = match InviteLink::parse(link, &self.config.origin) {
            Ok(link) => link,
            Err(error) => {
                let refusal = match error {
                    LinkError::Malformed => CardRefusal::Malformed,
                    LinkError::NewerVersion => CardRefusal::NewerVersion,
                    LinkError::OtherServer { host } => CardRefusal::OtherServer { host },
                };
                turn.event(Event::Card(CardView::Refused(refusal)));
                return;
            }
        };
        if let Some(card) = self.known_card(&link.account) {
            turn.event(Event::Card(card));
            return;
        }
        let id = InviteId(*link.secret.id().as_bytes());
        if let Some(acceptance) = self.acceptances.get(&id) {
            turn.event(Event::Card(CardView::Accepting { name: acceptance.name.clone() }));
            return;
        }
        let body = LookAtInvite { invite_id: sotto_crypto::InviteId::from_bytes(id.0) }.encode();
        self.looked = Some(Looked { link, id, name: None });
        turn.event(Event::Card(CardView::Looking));
        let request = Request::Post { path: path::INVITE_CARD, body, limit: CARD_MAX };
        self.request(Asked::Card(id), request, turn);
    }

    /// Whether a link leads to oneself or to somebody who is a contact already. A contact that cannot be reached is met
    /// anew.
    fn known_card(&self, account: &AccountHash) -> Option<CardView> {
        if self.account.device().account().hash() == *account {
            return Some(CardView::Refused(CardRefusal::Own));
        }
        let known = self.contacts.values().find(|contact| contact.list.account().hash() == *account)?;
        if let Some(card) = self.beginning_card(known.id()) {
            return Some(card);
        }
        (!known.is_lost()).then(|| CardView::AlreadyContact(known.id()))
    }

    pub(super) fn card_came(&mut self, id: InviteId, response: &Response, turn: &mut Turn<'_>) {
        let Some(looked) = self.looked.as_mut().filter(|looked| looked.id == id) else { return };
        let card = match response {
            Response::Http { status: 200, body, .. } => {
                let name = InviteCardAnswer::decode(body)
                    .ok()
                    .and_then(|answer| looked.link.secret.open_name(answer.card.as_bytes()).ok())
                    .and_then(|name| String::from_utf8(name.to_vec()).ok());
                match name {
                    Some(name) => {
                        let name = text::clean_name(&name);
                        looked.name = Some(name.clone());
                        CardView::Open { name }
                    }
                    None => CardView::Refused(CardRefusal::Tampered),
                }
            }
            other => CardView::Refused(refusal(other)),
        };
        if matches!(card, CardView::Refused(_)) {
            self.looked = None;
        }
        turn.event(Event::Card(card));
    }

    /// The user pressed the button: from here on the invite is being used up.
    pub(super) fn accept_invite(&mut self, name: &str, turn: &mut Turn<'_>) {
        if !self.set_name(name, turn) {
            return;
        }
        let Some(looked) = self.looked.take() else { return };
        let Looked { link, id, name: Some(inviter) } = looked else {
            self.looked = Some(looked);
            return;
        };
        if self.contacts.len() >= policy::CONTACTS_MAX || self.acceptances.len() >= policy::ACCEPTANCES_MAX {
            turn.event(Event::Notice(Notice::TooManyContacts { limit: policy::CONTACTS_MAX }));
            return;
        }
        let acceptance = Acceptance {
            secret: link.secret,
            account: *link.account.as_bytes(),
            redeem_id: turn.random(),
            name: inviter.clone(),
            failures: 0,
        };
        self.acceptances.insert(id, acceptance);
        turn.dirty(Key::Acceptance(id));
        turn.event(Event::Card(CardView::Accepting { name: inviter }));
        self.redeem(id, turn);
    }

    /// Fetches the bundle, under the same redeem id until it has come.
    pub(super) fn redeem(&mut self, id: InviteId, turn: &mut Turn<'_>) {
        let asked = self.asked.values().any(|asked| matches!(asked, Asked::Redeem(redeem) if *redeem == id));
        let Some(acceptance) = self.acceptances.get(&id).filter(|_| !asked) else { return };
        let body = RedeemInvite {
            invite_id: sotto_crypto::InviteId::from_bytes(id.0),
            redeem_id: RedeemId(acceptance.redeem_id),
        }
        .encode();
        let request = Request::Post { path: path::INVITE_REDEEM, body, limit: BUNDLE_MAX };
        self.request(Asked::Redeem(id), request, turn);
    }

    pub(super) fn redeemed(&mut self, id: InviteId, response: &Response, turn: &mut Turn<'_>) {
        let Some(acceptance) = self.acceptances.get_mut(&id) else { return };
        let card = match response {
            Response::Http { status: 200, body, .. } => {
                let contents = open_bundle(acceptance, body, turn);
                match contents.and_then(|contents| self.meet(id, contents, turn)) {
                    Ok(card) => card,
                    Err(line) => {
                        turn.log(line);
                        CardView::Refused(CardRefusal::Tampered)
                    }
                }
            }
            other => CardView::Refused(refusal(other)),
        };
        if let CardView::Refused(CardRefusal::Unreachable | CardRefusal::TooMany { .. }) = &card {
            if let Some(acceptance) = self.acceptances.get_mut(&id) {
                let failures = acceptance.failures;
                acceptance.failures = failures.saturating_add(1);
                let at = turn.backoff(failures.saturating_add(1), policy::BACKOFF_FIRST, policy::BACKOFF_MAX);
                turn.timers.set(Timer::Accept(id), at);
            }
        } else {
            self.acceptances.remove(&id);
            turn.dirty(Key::Acceptance(id));
        }
        // That one is on the screen already.
        if !matches!(card, CardView::Accepting { .. }) {
            turn.event(Event::Card(card));
        }
    }

    /// The bundle is the inviter's: makes the contact, the session and the first message.
    fn meet(
        &mut self,
        invite: InviteId,
        contents: InviteContents,
        turn: &mut Turn<'_>,
    ) -> Result<CardView, &'static str> {
        if let Some(card) = self.known_card(&contents.device_list.account().hash()) {
            return Ok(card);
        }
        let held = self.contacts.get(&ContactId(*contents.device_list.account().id().as_bytes()));
        if held.is_some_and(|held| !held.may_be_met_under(&contents.device_list)) {
            turn.log("invite: an earlier device list than the one held or named, or another of its version");
            return Ok(CardView::Refused(CardRefusal::OldDevices));
        }
        let acceptance = self.acceptances.get(&invite).ok_or("invite: not being accepted")?;
        let InviteContents { device_list, bundle, one_time, mailbox, token } = contents;
        let credential = acceptance.secret.credential();
        let peer = bundle.peer_keys(Some(one_time));
        let own = &self.account;
        let (agreement, first) =
            x3dh::initiate(own.device(), &own.identity.identity, &peer, Some(&credential), turn.rng)
                .map_err(|_| "invite: repeated keys")?;
        let session = Session::initiate(&agreement, turn.rng);
        let held = Held::begun(session, first, Some(acceptance.secret.tag_key()));
        let name = acceptance.name.clone();
        let id = ContactId(*device_list.account().id().as_bytes());

        let issued = Issued { token: DeliveryToken::generate(turn.rng), registered: false };
        let own_token = DeliveryToken::from_bytes(&issued.token.to_bytes());
        let old = self.contacts.remove(&id);
        // Whose history is kept here is not new, however little else is left of it.
        let is_new = old.is_none() && !self.damage.has_lost(id);
        let unsent = self.unsent(id);
        self.forget_talk(id, false, turn);
        if self.damage.found(id) {
            turn.dirty(Key::Damage);
        }
        let mut conversation = Conversation::begun(turn.now);
        let (mut petname, mut verified) = (String::new(), false);
        if let Some(old) = old {
            conversation = old.conversation;
            conversation.restart();
            (petname, verified) = (old.petname, old.verified);
        }
        let contact = Contact {
            device: bundle.device().device_id(),
            list: device_list,
            mailbox,
            token,
            delivery: *bundle.delivery(),
            name,
            petname,
            standing: Standing::AwaitingTheirs,
            verified,
            issued: vec![issued],
            conversation,
            delivery_told: self.account.delivery().map_or(0, |key| key.id().0),
            asked_at: None,
            ask_again: Vec::new(),
            needs_fresh: false,
            owed: Vec::new(),
            refused: None,
            named_list: None,
            split: None,
            came_by: None,
        };
        self.contacts.insert(id, contact);
        self.sessions.entry(id).or_default().adopt(held, id, turn);
        turn.touch(id);
        self.greet(id, own_token, turn);
        for entry in unsent {
            self.say_anew(id, entry, turn);
        }
        self.ask_server(turn);
        Ok(if is_new { self.begins(id, turn) } else { CardView::Accepted(id) })
    }

    /// What the first message says: who we are and how to answer.
    pub(super) fn greeting(&self, token: DeliveryToken) -> Option<Said> {
        let name = Name::new(self.account.identity.name.clone()).unwrap_or_default();
        let bundle = Opaque::new(self.account.prekeys.bundle.clone()).ok()?;
        Some(Said::Hello { name, mailbox: self.account.identity.mailbox, token, bundle })
    }

    /// The first message.
    fn greet(&mut self, id: ContactId, token: DeliveryToken, turn: &mut Turn<'_>) {
        let Some(hello) = self.greeting(token) else { return };
        let message = MessageId(turn.random());
        let Some(order) = self.say(id, message, hello, turn) else { return };
        let view = MessageView {
            id: message,
            order,
            mine: true,
            sent_at: turn.now,
            content: Content::Milestone(Milestone::CameByTheirLink),
            delivery: Delivery::Waiting,
        };
        self.show(id, view, turn);
    }

    /// Begins a fresh session with a contact, to ask for a message again or because ours cannot be trusted any more.
    pub(super) fn begin_fresh(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        if !self.knows_devices(id) {
            return;
        }
        let Some(contact) = self.contacts.get(&id) else { return };
        let asks = !contact.ask_again.is_empty();
        if asks && !contact.needs_fresh && !contact.may_ask_again(turn.now) {
            let at = Timestamp(contact.asked_at.unwrap_or(0)).saturating_add(policy::RETRY_EVERY);
            turn.timers.set_earlier(Timer::Fresh(id), at);
            return;
        }
        let wanted = contact.needs_fresh || asks;
        if wanted && self.use_untouched(id, turn) {
            return;
        }
        // One that was begun to ask, and is not answered, serves for asking again: else whoever lets nothing through
        // would use up the contact's one-time prekeys.
        let unanswered = self.sessions.get_mut(&id).is_some_and(crate::session::Sessions::is_unanswered);
        if asks && unanswered && self.contacts.get(&id).is_some_and(|contact| !contact.needs_fresh) {
            if self.socket.is_open() && !turn.timers.is_set(Timer::Fresh(id)) {
                self.ask_again(id, turn);
            }
            return;
        }
        let Some(contact) = self.contacts.get(&id) else { return };
        let lane = self.lanes.entry(id).or_default();
        if !wanted
            || lane.fetching
            || !self.socket.is_open()
            || turn.timers.is_set(Timer::Fresh(id))
            || contact.standing == Standing::Ended
        {
            return;
        }
        lane.fetching = true;
        self.fetch_prekeys(id, Asked::PreKeys(id), turn);
    }

    /// Asks the server for a contact's bundle.
    pub(super) fn fetch_prekeys(&mut self, id: ContactId, asked: Asked, turn: &mut Turn<'_>) {
        let Some(contact) = self.contacts.get(&id) else { return };
        let body = FetchPreKeys {
            mailbox: MailboxId::from_bytes(*contact.mailbox.as_bytes()),
            token: DeliveryToken::from_bytes(&contact.token.to_bytes()),
        }
        .encode();
        self.request(asked, Request::Post { path: path::PREKEYS, body, limit: BUNDLE_MAX }, turn);
    }

    /// If the contact began a session meanwhile, that one will do: two that each side holds for the newer would never
    /// become one.
    fn use_untouched(&mut self, id: ContactId, turn: &mut Turn<'_>) -> bool {
        if !self.sessions.get_mut(&id).is_some_and(crate::session::Sessions::is_untouched) {
            return false;
        }
        if let Some(contact) = self.contacts.get_mut(&id) {
            contact.needs_fresh = false;
        }
        self.ask_again(id, turn);
        turn.touch(id);
        true
    }

    pub(super) fn prekeys_came(&mut self, id: ContactId, response: &Response, turn: &mut Turn<'_>) {
        let lane = self.lanes.entry(id).or_default();
        lane.fetching = false;
        if !self.knows_devices(id) || self.use_untouched(id, turn) {
            return;
        }
        let refused_since = match Answer::of(response) {
            Answer::Refused => Some(self.token_refused(id, turn)),
            Answer::Accepted => {
                self.token_works(id, turn);
                None
            }
            Answer::Full | Answer::Later(_) | Answer::Unknown => None,
        };
        let result = match response {
            Response::Http { status: 200, body, .. } => self.fresh_session(id, body, turn),
            _ => Err("prekeys: not given"),
        };
        let lane = self.lanes.entry(id).or_default();
        if let Err(line) = result {
            turn.log(line);
            let failures = lane.fetch_failures;
            lane.fetch_failures = failures.saturating_add(1);
            let long_refused = refused_since
                .is_some_and(|since| turn.now.saturating_since(since) >= policy::REFUSED_PATIENCE);
            let at = if long_refused {
                turn.jittered(policy::REFUSED_PAUSE)
            } else {
                turn.backoff(failures.saturating_add(2), policy::BACKOFF_FIRST, policy::LINK_BACKOFF_MAX)
            };
            turn.timers.set(Timer::Fresh(id), at);
            return;
        }
        lane.fetch_failures = 0;
        self.ask_again(id, turn);
        turn.touch(id);
    }

    fn fresh_session(&mut self, id: ContactId, body: &[u8], turn: &mut Turn<'_>) -> Result<(), &'static str> {
        let contact = self.contacts.get_mut(&id).ok_or("prekeys: no such contact")?;
        let fetched = FetchedPreKeys::decode(body).map_err(|_| "prekeys: malformed")?;
        let bundle = Bundle::decode(fetched.bundle.as_bytes(), &contact.list, turn.now_crypto())
            .map_err(|_| "prekeys: bad bundle")?;
        if Some(bundle.device()) != contact.device() {
            return Err("prekeys: of another device");
        }
        let one_time = match fetched.one_time {
            Some(entry) => {
                let id = sotto_crypto::PreKeyId(entry.id);
                let key = sotto_crypto::keys::OneTimePreKeyPublic::from_bytes(id, &entry.key);
                Some(key.map_err(|_| "prekeys: bad one-time prekey")?)
            }
            None => None,
        };
        let peer = bundle.peer_keys(one_time);
        let own = &self.account;
        let (agreement, first) = x3dh::initiate(own.device(), &own.identity.identity, &peer, None, turn.rng)
            .map_err(|_| "prekeys: repeated keys")?;
        let session = Session::initiate(&agreement, turn.rng);
        contact.needs_fresh = false;
        self.sessions.entry(id).or_default().adopt(Held::begun(session, first, None), id, turn);
        self.another_delivery_key(id, *bundle.delivery(), turn);
        Ok(())
    }

    /// Says in the fresh session what could not be decrypted, or if there is nothing, at least something: without a
    /// message in it the other side does not know the session.
    fn ask_again(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let Some(contact) = self.contacts.get_mut(&id) else { return };
        let hashes = core::mem::take(&mut contact.ask_again);
        let mut messages: Vec<(Option<MessageHash>, Message)> = hashes
            .iter()
            .map(|hash| MessageHash::from_bytes(**hash))
            .map(|hash| (Some(hash), Message::Retry { hash }))
            .collect();
        if messages.is_empty() {
            messages.extend(MessageIds::new(Vec::new()).map(|ids| (None, Message::Acknowledge { ids })));
        } else {
            contact.asked_at = Some(turn.now.0);
        }
        for (hash, message) in messages {
            let Some((session, ratchet)) = self.encrypt_control(id, &message, turn) else { return };
            let Some(body) = self.sealed_post(id, session, &ratchet, Class::Stored, turn) else { return };
            let asked = hash.map_or(Asked::Control, |hash| Asked::Retry { contact: id, hash });
            self.request(asked, Request::Post { path: path::ENVELOPES, body, limit: 512 }, turn);
        }
    }

    /// The server answered to a posted wish to hear something again: if it did not take it, it is wished again.
    pub(super) fn retry_posted(
        &mut self,
        id: ContactId,
        hash: MessageHash,
        response: &Response,
        turn: &mut Turn<'_>,
    ) {
        let at = match Answer::of(response) {
            Answer::Accepted => return,
            Answer::Refused => {
                self.token_refused(id, turn);
                turn.jittered(policy::REFUSED_PAUSE)
            }
            Answer::Full | Answer::Later(_) | Answer::Unknown => turn.jittered(policy::LINK_BACKOFF_MAX),
        };
        let Some(contact) = self.contacts.get_mut(&id) else { return };
        if contact.ask_again.len() < policy::ASK_AGAIN_MAX {
            contact.ask_again.push((*hash.as_bytes()).into());
            contact.asked_at = None;
            turn.timers.set(Timer::Fresh(id), at);
            turn.dirty(Key::Contact(id));
        }
    }
}

fn open_bundle(
    acceptance: &Acceptance,
    body: &[u8],
    turn: &Turn<'_>,
) -> Result<InviteContents, &'static str> {
    let answer = RedeemedInvite::decode(body).map_err(|_| "invite: malformed answer")?;
    let secret = copy(&acceptance.secret);
    let opened = secret.open_bundle(answer.bundle.as_bytes()).map_err(|error| match error {
        InviteError::BadTag => "invite: its bundle was altered",
        InviteError::Malformed | InviteError::TooLong => "invite: its bundle is malformed",
    })?;
    let account = AccountHash::from_bytes(acceptance.account);
    InviteContents::decode(&opened, &account, turn.now_crypto()).map_err(|error| match error {
        PeerError::WrongAccount => "invite: its bundle is another account's",
        _ => "invite: bad bundle",
    })
}

/// Why a card or a bundle was not given.
fn refusal(response: &Response) -> CardRefusal {
    match response {
        Response::Http { status: 409, .. } => CardRefusal::Used,
        Response::Http { status: 404 | 410, .. } => CardRefusal::Gone,
        Response::Http { status: 429 | 503, .. } => {
            let seconds = if let Answer::Later(Some(seconds)) = Answer::of(response) { seconds } else { 10 };
            CardRefusal::TooMany { retry_after: seconds }
        }
        Response::Http { status: 200..=299, .. } => CardRefusal::Tampered,
        _ => CardRefusal::Unreachable,
    }
}
