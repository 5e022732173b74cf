//! Bringing the outbox to the contact: one ciphertext, over the link, or through the mailbox.

use sotto_crypto::{DeliveryToken, MessageHash};
use sotto_wire::peer::{LinkFrame, Message, MessageIds};
use sotto_wire::server::{Class, Failure, Message as _, Opaque, path};

use super::say::EntryView;
use super::{Asked, Client, Post};
use crate::outbox::{self, Stage};
use crate::timers::Timer;
use crate::turn::{Key, Turn};
use crate::{
    ContactId, Delivery, Devices, Event, LinkAction, LinkId, MessageId, Notice, Output, Request, Response,
    Standing, Timestamp, policy,
};

/// Longest answer to a post worth reading, in bytes.
const ANSWER_MAX: usize = 512;

/// What an answer to a post means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It is done, now or before.
    Accepted,
    /// The token does not open the mailbox.
    Refused,
    /// The mailbox is full.
    Full,
    /// The server cannot now; perhaps it says for how many seconds.
    Later(Option<u32>),
    /// Nobody answered, or not so that it could be understood.
    Unknown,
}

impl Answer {
    pub(super) fn of(response: &Response) -> Self {
        let Response::Http { status, retry_after, body } = response else { return Self::Unknown };
        match status {
            200..=299 => Self::Accepted,
            403 => Self::Refused,
            507 => Self::Full,
            408 | 429 | 500..=599 => {
                let stated = Failure::decode(body).ok().and_then(|failure| failure.retry_after_s);
                Self::Later(retry_after.or(stated))
            }
            _ => Self::Unknown,
        }
    }
}

impl Client {
    /// Sends whatever can be sent to a contact now.
    pub(super) fn pump(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let has_session = self.sessions.get_mut(&id).is_some_and(|sessions| sessions.current_mut().is_some());
        let Some(contact) = self.contacts.get_mut(&id) else { return };
        if contact.standing == Standing::Ended {
            return;
        }
        if !has_session && !contact.needs_fresh {
            contact.needs_fresh = true;
            turn.dirty(Key::Contact(id));
        }
        if contact.devices() != Devices::Known {
            return;
        }
        if contact.needs_fresh || !contact.ask_again.is_empty() {
            self.begin_fresh(id, turn);
        }
        self.encrypt_waiting(id, turn);
        if let Some(link) = self.links.open(id) {
            self.send_owed_on_link(id, link, turn);
            self.send_on_link(id, link, turn);
            self.start_next_file(id, link, turn);
        }
        self.look_up_delivery_key(id, turn);
        if self.socket.is_open() {
            self.post_owed(id, turn);
            self.post_next(id, turn);
            self.post_signals(id, turn);
        }
        let due = self.outbox.get(&id).and_then(|queue| queue.values().filter_map(outbox::Entry::due).min());
        if let Some(due) = due.filter(|due| *due > turn.now) {
            turn.timers.set_earlier(Timer::Outbox(id), due);
        }
    }

    fn encrypt_waiting(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let plain: Vec<u64> = self
            .outbox
            .get(&id)
            .into_iter()
            .flatten()
            .filter(|(_, entry)| entry.ratchet.is_empty())
            .map(|(place, _)| *place)
            .collect();
        for place in plain {
            self.encrypt(id, place, turn);
        }
    }

    fn send_on_link(&mut self, id: ContactId, link: LinkId, turn: &mut Turn<'_>) {
        let Some(queue) = self.outbox.get(&id) else { return };
        let out = queue.values().filter(|entry| matches!(entry.stage, Stage::Channel { .. })).count();
        let next: Vec<u64> = queue
            .iter()
            .filter(|(_, entry)| entry.stage == Stage::Waiting && !entry.ratchet.is_empty())
            .take(policy::CHANNEL_WINDOW.saturating_sub(out))
            .map(|(place, _)| *place)
            .collect();
        for place in next {
            self.send_entry(id, link, place, turn);
        }
    }

    fn send_entry(&mut self, id: ContactId, link: LinkId, place: u64, turn: &mut Turn<'_>) {
        let Some(entry) = self.outbox.get(&id).and_then(|queue| queue.get(&place)) else { return };
        let Some(session) = entry.session else { return };
        let carried = self.carried(id, session, &entry.ratchet);
        let Ok(carried) = Opaque::new(carried) else { return };
        turn.output(Output::Link(link, LinkAction::Send(LinkFrame::Carried(carried).encode())));
        self.set_stage(id, place, Stage::Channel { at: turn.now }, turn);
        // Its patience ends while nothing else happens.
        turn.timers.set_earlier(Timer::Outbox(id), turn.now.saturating_add(policy::CHANNEL_PATIENCE));
    }

    /// Nobody has what a lost link carried unacknowledged, as far as is known: it waits for the next way there is.
    pub(super) fn take_back(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let Some(queue) = self.outbox.get(&id) else { return };
        let carried = queue.iter().filter(|(_, entry)| matches!(entry.stage, Stage::Channel { .. }));
        for place in carried.map(|(place, _)| *place).collect::<Vec<u64>>() {
            self.set_stage(id, place, Stage::Waiting, turn);
        }
    }

    pub(super) fn set_stage(&mut self, id: ContactId, place: u64, stage: Stage, turn: &mut Turn<'_>) {
        let Some(entry) = self.outbox.get_mut(&id).and_then(|queue| queue.get_mut(&place)) else { return };
        let before = entry.delivery();
        entry.stage = stage;
        turn.dirty(Key::Outbox(id, place));
        let after = entry.delivery();
        if before != after {
            let view = EntryView::of(entry);
            self.show_delivery(id, &view, after, turn);
        }
    }

    /// Posts the next entry that wants the mailbox; one at a time, so that they arrive in order.
    fn post_next(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let linked = self.links.open(id).is_some();
        let Some(contact) = self.contacts.get(&id) else { return };
        let can_answer = contact.can_answer();
        let (delivery_key, token) = (contact.delivery.id().0, *contact.token.hash().as_bytes());
        let lane = self.lanes.entry(id).or_default();
        if lane.posting || !can_answer {
            return;
        }
        if turn.now < lane.not_before {
            let at = lane.not_before;
            turn.timers.set_earlier(Timer::Outbox(id), at);
            return;
        }
        let Some(queue) = self.outbox.get(&id) else { return };
        let next = queue.iter().find(|(_, entry)| entry.wants_mailbox(turn.now, linked));
        let Some((&place, entry)) = next else { return };
        let Some(session) = entry.session else { return };
        let hash = entry.hash();
        let again = lane
            .post
            .as_ref()
            .filter(|post| post.hash == hash && post.delivery_key == delivery_key && post.token == token);
        let body = match again {
            Some(post) => post.body.clone(),
            None => {
                let ratchet = entry.ratchet.clone();
                let Some(body) = self.sealed_post(id, session, &ratchet, Class::Stored, turn) else {
                    turn.log("outbox: a message could not be sealed");
                    return;
                };
                let lane = self.lanes.entry(id).or_default();
                lane.post = Some(Post { hash, delivery_key, token, body: body.clone() });
                body
            }
        };
        self.lanes.entry(id).or_default().posting = true;
        let request = Request::Post { path: path::ENVELOPES, body, limit: ANSWER_MAX };
        self.request(Asked::Entry { contact: id, place, hash }, request, turn);
    }

    /// The server answered to a posted entry.
    pub(super) fn entry_posted(
        &mut self,
        id: ContactId,
        place: u64,
        hash: MessageHash,
        response: &Response,
        turn: &mut Turn<'_>,
    ) {
        let Some(contact) = self.contacts.get(&id) else { return };
        let token = *contact.token.hash().as_bytes();
        let answer = Answer::of(response);
        if self.first_answer(id, answer, turn) {
            return;
        }
        let lane = self.lanes.entry(id).or_default();
        lane.posting = false;
        turn.pump.insert(id);
        if answer == Answer::Accepted {
            lane.failures = 0;
            lane.post = None;
            lane.full_told = false;
            self.token_works(id, turn);
            let current = self.outbox.get(&id).and_then(|queue| queue.get(&place));
            if current.is_some_and(|entry| entry.hash() == hash) {
                self.set_stage(id, place, Stage::Stored { at: turn.now }, turn);
                // An answer to it counts as being heard; without one nobody claims for long that the contact is there.
                turn.timers.set_earlier(Timer::Silence(id), turn.now.saturating_add(policy::AWAY_AFTER));
            }
            return;
        }
        let failures = lane.failures;
        lane.failures = failures.saturating_add(1);
        let mut not_before = turn.backoff(failures, policy::BACKOFF_FIRST, policy::BACKOFF_MAX);
        match answer {
            Answer::Refused => {
                let changed = lane.post.as_ref().is_some_and(|post| post.token != token);
                lane.post = None;
                if changed {
                    // It was the old token; the new one is tried at once.
                    not_before = turn.now;
                } else {
                    let since = self.token_refused(id, turn);
                    if turn.now.saturating_since(since) >= policy::REFUSED_PATIENCE {
                        turn.log("outbox: the contact's mailbox refuses our token");
                        not_before = turn.jittered(policy::REFUSED_PAUSE);
                    }
                }
            }
            Answer::Full => {
                if !lane.full_told {
                    lane.full_told = true;
                    turn.event(Event::Notice(Notice::MailboxFull(id)));
                }
                not_before = turn.jittered(policy::BACKOFF_MAX);
            }
            Answer::Later(Some(seconds)) => {
                let stated = core::time::Duration::from_secs(u64::from(seconds.min(3600)));
                not_before = not_before.max(turn.now.saturating_add(stated));
            }
            Answer::Later(None) | Answer::Unknown | Answer::Accepted => {}
        }
        let lane = self.lanes.entry(id).or_default();
        lane.not_before = not_before;
        turn.timers.set_earlier(Timer::Outbox(id), not_before);
    }

    /// The connection to the server is back: what waited for a better moment is tried at once.
    pub(super) fn hurry(&mut self, turn: &mut Turn<'_>) {
        for (id, lane) in &mut self.lanes {
            lane.failures = 0;
            lane.owed_failures = 0;
            lane.posted.hurry();
            let refused = self.contacts.get(id).is_some_and(|contact| contact.refused.is_some());
            if !refused && !lane.full_told {
                lane.not_before = Timestamp(0);
                lane.owed_not_before = Timestamp(0);
            }
        }
        turn.pump.extend(self.contacts.keys());
    }

    /// The server refuses the token by which we write to a contact; gives since when. Only the contact's own word ends
    /// a conversation, and a server may have lost its tokens: the screen says so, and what waits is tried again.
    pub(super) fn token_refused(&mut self, id: ContactId, turn: &mut Turn<'_>) -> Timestamp {
        let Some(contact) = self.contacts.get_mut(&id) else { return turn.now };
        if contact.refused.is_none() {
            turn.dirty(Key::Contact(id));
            turn.shown.insert(id);
        }
        *contact.refused.get_or_insert(turn.now)
    }

    /// What we say reaches the contact, or may again.
    pub(super) fn token_works(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let Some(contact) = self.contacts.get_mut(&id) else { return };
        if contact.refused.take().is_some() {
            self.lanes.entry(id).or_default().not_before = Timestamp(0);
            turn.touch(id);
        }
    }

    /// The contact has told us another token.
    pub(super) fn another_token(&mut self, id: ContactId, token: DeliveryToken, turn: &mut Turn<'_>) {
        let Some(contact) = self.contacts.get_mut(&id) else { return };
        if contact.token.hash() != token.hash() {
            contact.token = token;
            self.token_works(id, turn);
        }
        turn.touch(id);
    }

    fn acknowledgement(ids: &[[u8; 16]]) -> Option<Message> {
        let ids = ids.iter().map(|id| (*id).into()).collect();
        Some(Message::Acknowledge { ids: MessageIds::new(ids).ok()? })
    }

    fn send_owed_on_link(&mut self, id: ContactId, link: LinkId, turn: &mut Turn<'_>) {
        let lane = self.lanes.entry(id).or_default();
        let owed = core::mem::take(&mut lane.link_owed);
        for ids in owed.chunks(sotto_wire::peer::limits::ACKNOWLEDGE_MAX) {
            let sealed =
                Self::acknowledgement(ids).and_then(|message| self.encrypt_control(id, &message, turn));
            let Some((session, ratchet)) = sealed else { return };
            let Ok(carried) = Opaque::new(self.carried(id, session, &ratchet)) else { return };
            turn.output(Output::Link(link, LinkAction::Send(LinkFrame::Carried(carried).encode())));
        }
    }

    /// Acknowledges what came through the mailbox, there: they stay owed until the server has taken it.
    fn post_owed(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let Some(contact) = self.contacts.get(&id) else { return };
        let lane = self.lanes.entry(id).or_default();
        if lane.owed_posting || contact.owed.is_empty() {
            return;
        }
        if turn.now < lane.owed_not_before {
            let at = lane.owed_not_before;
            turn.timers.set_earlier(Timer::Owed(id), at);
            return;
        }
        if lane.owed.is_none() {
            let ids: Vec<[u8; 16]> =
                contact.owed.iter().take(sotto_wire::peer::limits::ACKNOWLEDGE_MAX).map(|id| **id).collect();
            let sealed =
                Self::acknowledgement(&ids).and_then(|message| self.encrypt_control(id, &message, turn));
            let Some((session, ratchet)) = sealed else { return };
            let Some(body) = self.sealed_post(id, session, &ratchet, Class::Stored, turn) else { return };
            self.lanes.entry(id).or_default().owed = Some((ids, body));
        }
        let lane = self.lanes.entry(id).or_default();
        let Some((_, body)) = &lane.owed else { return };
        let body = body.clone();
        lane.owed_posting = true;
        let request = Request::Post { path: path::ENVELOPES, body, limit: ANSWER_MAX };
        self.request(Asked::Owed { contact: id }, request, turn);
    }

    /// The server answered to posted acknowledgements.
    pub(super) fn owed_posted(&mut self, id: ContactId, response: &Response, turn: &mut Turn<'_>) {
        let Some(contact) = self.contacts.get_mut(&id) else { return };
        let lane = self.lanes.entry(id).or_default();
        lane.owed_posting = false;
        turn.pump.insert(id);
        match Answer::of(response) {
            Answer::Accepted => {
                lane.owed_failures = 0;
                if let Some((ids, _)) = lane.owed.take() {
                    contact.owed.retain(|owed| !ids.contains(owed));
                    turn.dirty(Key::Contact(id));
                }
                return;
            }
            // The token or delivery key may have been replaced: it is made anew.
            Answer::Refused => lane.owed = None,
            Answer::Full | Answer::Later(_) | Answer::Unknown => {}
        }
        let failures = lane.owed_failures;
        lane.owed_failures = failures.saturating_add(1);
        let at = turn.backoff(failures, policy::BACKOFF_FIRST, policy::BACKOFF_MAX);
        self.lanes.entry(id).or_default().owed_not_before = at;
        turn.timers.set_earlier(Timer::Owed(id), at);
    }

    /// The contact has these messages safe.
    pub(super) fn acknowledged_by(&mut self, id: ContactId, ids: &MessageIds, turn: &mut Turn<'_>) {
        for message in ids.as_slice() {
            let Some(queue) = self.outbox.get_mut(&id) else { return };
            let Some(place) = outbox::find(queue, MessageId(**message)) else { continue };
            let Some(entry) = queue.remove(&place) else { continue };
            turn.dirty(Key::Outbox(id, place));
            turn.pump.insert(id);
            self.after_acknowledgement(id, &entry, turn);
            let view = EntryView::of(&entry);
            self.show_delivery(id, &view, Delivery::Delivered, turn);
        }
    }

    /// The contact's new token is known to it: older ones end.
    fn after_acknowledgement(&mut self, id: ContactId, entry: &outbox::Entry, turn: &mut Turn<'_>) {
        let Ok(Message::Body(body)) = Message::decode(&entry.plaintext) else { return };
        if let sotto_wire::peer::Content::Confirmed { token, .. } = body.content
            && let Some(contact) = self.contacts.get_mut(&id)
        {
            let told = token.hash();
            let (kept, old) = core::mem::take(&mut contact.issued)
                .into_iter()
                .partition::<Vec<_>, _>(|issued| issued.token.hash() == told || !issued.registered);
            contact.issued = kept;
            turn.touch(id);
            for issued in old {
                self.account.revoke(issued.hash(), turn);
            }
            self.ask_server(turn);
        }
    }

    /// The contact has lost its state, or its keys have been renewed since long ago: what it has not acknowledged was
    /// perhaps sealed to a key that is gone. It may say so in everything it says: each message is put there again so
    /// often only, which takes nothing from how often it is said again when it cannot be read.
    pub(super) fn say_waiting_again(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let mut places = Vec::new();
        for (place, entry) in self.outbox.get_mut(&id).into_iter().flatten() {
            if entry.stage != Stage::Waiting && entry.reposts < policy::REPOSTS_MAX {
                entry.reposts = entry.reposts.saturating_add(1);
                places.push(*place);
            }
        }
        for place in places {
            self.set_stage(id, place, Stage::Waiting, turn);
        }
        turn.pump.insert(id);
    }

    /// Says an entry again in the present session, because the contact could not decrypt it.
    pub(super) fn say_again(&mut self, id: ContactId, hash: MessageHash, turn: &mut Turn<'_>) {
        let Some(queue) = self.outbox.get_mut(&id) else { return };
        let Some(place) = outbox::find_hash(queue, hash) else {
            turn.log("retry: asked for a message that is not here any more");
            return;
        };
        let Some(entry) = queue.get_mut(&place) else { return };
        if entry.retries >= policy::RETRIES_MAX {
            turn.log("retry: asked too often");
            return;
        }
        entry.retries = entry.retries.saturating_add(1);
        entry.ratchet.clear();
        entry.stage = Stage::Waiting;
        turn.dirty(Key::Outbox(id, place));
        turn.pump.insert(id);
        let Some(session) = entry.session.take() else { return };
        // What else was said in that session cannot be read either, and the contact asks for a few messages an hour.
        for (place, entry) in queue.iter_mut() {
            if entry.session == Some(session)
                && entry.stage != Stage::Waiting
                && entry.reposts < policy::REPOSTS_MAX
            {
                entry.reposts = entry.reposts.saturating_add(1);
                entry.ratchet.clear();
                entry.session = None;
                entry.stage = Stage::Waiting;
                turn.dirty(Key::Outbox(id, *place));
            }
        }
        // A session that the contact never answered, and in which it cannot read, is of no use to either.
        if let Some(sessions) = self.sessions.get_mut(&id)
            && sessions.get(session).is_some_and(|held| held.first.is_some())
        {
            sessions.give_up(session, id, turn);
        }
    }
}
