//! What the plaintexts of a contact mean.

use sotto_crypto::MessageHash;
use sotto_wire::peer::{Body, Content as Said, Message, Newer, PeerError};

use super::receive::Via;
use super::records::{message_key, put_message};
use super::say::EntryView;
use super::{Asked, Client};
use crate::conversation::{Place, Stated};
use crate::turn::{Key, Turn};
use crate::{
    Change, ContactId, Content, Delivery, Event, MessageId, MessageOrder, MessageView, Milestone, Standing,
    Store, Timestamp, text,
};

impl Client {
    /// Something was decrypted.
    pub(super) fn message(
        &mut self,
        id: ContactId,
        plaintext: &[u8],
        hash: MessageHash,
        via: Via,
        turn: &mut Turn<'_>,
    ) {
        match Message::decode(plaintext) {
            Ok(Message::Body(body)) => self.body(id, body.map(Some), plaintext, hash, via, turn),
            Ok(Message::Acknowledge { ids }) => {
                self.remember(id, hash, None, turn);
                self.acknowledged_by(id, &ids, turn);
            }
            Ok(Message::Retry { hash: wanted }) => {
                self.remember(id, hash, None, turn);
                self.say_again(id, wanted, turn);
            }
            Ok(Message::End {}) => self.end(id, turn),
            Err(error) => self.unread(id, error, plaintext, hash, via, turn),
        }
    }

    /// Something was decrypted that this version cannot read. What a newer one says has its place and is acknowledged, or
    /// it would come again and again.
    fn unread(
        &mut self,
        id: ContactId,
        error: PeerError,
        plaintext: &[u8],
        hash: MessageHash,
        via: Via,
        turn: &mut Turn<'_>,
    ) {
        if matches!(error, PeerError::UnknownType | PeerError::UnknownVersion)
            && let Ok(body) = Message::decode_newer(plaintext)
        {
            self.body(id, body.map(|Newer| None), plaintext, hash, via, turn);
            return;
        }
        // Its key is used up; without this it would be asked for again.
        self.remember(id, hash, None, turn);
        turn.log("message: malformed content");
    }

    fn remember(
        &mut self,
        id: ContactId,
        hash: MessageHash,
        message: Option<MessageId>,
        turn: &mut Turn<'_>,
    ) {
        self.seen.entry(id).or_default().insert(hash, message, id, turn);
    }

    /// A message is to be acknowledged the way it came.
    pub(super) fn owe(&mut self, id: ContactId, message: [u8; 16], via: Via, turn: &mut Turn<'_>) {
        turn.pump.insert(id);
        if via == Via::Link && self.links.open(id).is_some() {
            let lane = self.lanes.entry(id).or_default();
            if !lane.link_owed.contains(&message) {
                lane.link_owed.push(message);
            }
        } else if let Some(contact) = self.contacts.get_mut(&id) {
            contact.owe(message);
            turn.dirty(Key::Contact(id));
        }
    }

    /// Something was said; it has no content if a newer version said it.
    pub(super) fn body(
        &mut self,
        id: ContactId,
        body: Body<Option<Said>>,
        plaintext: &[u8],
        hash: MessageHash,
        via: Via,
        turn: &mut Turn<'_>,
    ) {
        let gap_id = MessageId(turn.random());
        let Some(contact) = self.contacts.get_mut(&id) else { return };
        let message = MessageId(body.message_id);
        let mut stated = Stated::of(&contact.conversation, id, &body, plaintext);
        let sent_at = stated.sent_at;
        let has_lost = contact.conversation.is_new_era(stated.era);
        stated.known = contact.conversation.is_unexpected(stated.era, body.sequence)
            && self.seen.get(&id).is_some_and(|seen| seen.has_id(message));
        let order = match contact.conversation.place(stated, gap_id) {
            Err(_) => {
                turn.log("message: out of place");
                return;
            }
            Ok(Place::Known) => {
                self.remember(id, hash, Some(message), turn);
                self.owe(id, message.0, via, turn);
                return;
            }
            Ok(Place::New { order, gaps, fits }) => {
                if !fits {
                    turn.log("message: its author names another message before it");
                }
                for gap in gaps {
                    self.show_gap(id, gap, turn);
                }
                order
            }
        };
        self.remember(id, hash, Some(message), turn);
        turn.touch(id);
        if has_lost {
            self.say_waiting_again(id, turn);
        }
        let Body { content, delivery, token, mailbox, list_version, list_hash, .. } = body;
        self.list_named(id, list_version, &list_hash, turn);
        if let Some(mailbox) = mailbox
            && let Some(contact) = self.contacts.get_mut(&id)
        {
            contact.mailbox = mailbox;
        }
        if let Some(key) = delivery {
            self.another_delivery_key(id, key, turn);
        }
        if let Some(token) = token {
            self.another_token(id, token, turn);
        }
        self.said(id, message, order, sent_at, content, turn);
        self.owe(id, message.0, via, turn);
    }

    /// Takes something off the screen and out of the history.
    pub(super) fn unshow(
        &mut self,
        id: ContactId,
        message: MessageId,
        order: MessageOrder,
        turn: &mut Turn<'_>,
    ) {
        let content = Content::Gap { missing: 0 };
        let (mine, sent_at, delivery) = (true, turn.now, Delivery::Undeliverable);
        self.show_gap(id, MessageView { id: message, order, mine, sent_at, content, delivery }, turn);
    }

    fn show_gap(&mut self, id: ContactId, gap: MessageView, turn: &mut Turn<'_>) {
        if gap.content == (Content::Gap { missing: 0 }) {
            turn.change(Change::Delete { store: Store::Message, key: message_key(id, gap.order) });
        } else {
            turn.change(put_message(id, &gap));
        }
        turn.event(Event::Message(id, gap));
    }

    fn said(
        &mut self,
        id: ContactId,
        message: MessageId,
        order: MessageOrder,
        sent_at: Timestamp,
        content: Option<Said>,
        turn: &mut Turn<'_>,
    ) {
        let incoming = |content| MessageView {
            id: message,
            order,
            mine: false,
            sent_at,
            content,
            delivery: Delivery::Incoming,
        };
        let Some(content) = content else {
            turn.log("message: said by a newer version");
            if let Some(contact) = self.contacts.get_mut(&id) {
                contact.conversation.unread(order);
            }
            self.show(id, incoming(Content::Milestone(Milestone::Newer)), turn);
            return;
        };
        match content {
            Said::Text { text } => {
                if let Some(contact) = self.contacts.get_mut(&id) {
                    contact.conversation.unread(order);
                }
                self.show(id, incoming(Content::Text(text.into_string())), turn);
            }
            Said::Hello { .. } => {
                self.show(id, incoming(Content::Milestone(Milestone::CameByOurLink)), turn);
            }
            Said::Confirmed { name, token } => {
                let Some(contact) = self.contacts.get_mut(&id) else { return };
                if !matches!(contact.standing, Standing::AwaitingTheirs | Standing::Confirmed) {
                    turn.log("message: a confirmation that nobody waits for");
                    return;
                }
                let first = contact.standing == Standing::AwaitingTheirs;
                contact.standing = Standing::Confirmed;
                let name = text::clean_name(name.as_str());
                if !name.is_empty() {
                    contact.name = name;
                }
                self.another_token(id, token, turn);
                // It may be said again by who does not know whether it was heard.
                if first {
                    self.show(id, incoming(Content::Milestone(Milestone::Confirmed)), turn);
                    self.want_link(id, turn);
                }
            }
            Said::Profile { name } => {
                if let Some(contact) = self.contacts.get_mut(&id) {
                    contact.name = text::clean_name(name.as_str());
                }
            }
            Said::FileOffer(manifest) => self.file_offered(id, message, order, sent_at, manifest, turn),
            Said::FileAccept { file } => self.file_accepted(id, file, turn),
            Said::FileDecline { file } => self.file_declined(id, file, turn),
            Said::FileCancel { file, reason } => self.file_cancelled(id, file, reason, turn),
            Said::FileRoot { file, root } => self.file_root(id, file, root, turn),
            Said::Devices { lists } => self.lists_announced(id, &lists, turn),
        }
    }

    /// The conversation is over: its keys are destroyed, what was not delivered will not be.
    pub(super) fn end(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let author = id.0;
        let Some(contact) = self.contacts.get_mut(&id) else { return };
        if contact.standing == Standing::Ended {
            return;
        }
        contact.standing = Standing::Ended;
        contact.needs_fresh = false;
        contact.refused = None;
        contact.ask_again.clear();
        let order = contact.conversation.local(author);
        let tokens: Vec<[u8; 32]> =
            core::mem::take(&mut contact.issued).iter().map(crate::contact::Issued::hash).collect();
        for token in tokens {
            self.account.revoke(token, turn);
        }
        self.close_link(id, turn);
        self.forget_talk(id, true, turn);
        let view = MessageView {
            id: MessageId(turn.random()),
            order,
            mine: false,
            sent_at: turn.now,
            content: Content::Milestone(Milestone::Ended),
            delivery: Delivery::Incoming,
        };
        self.show(id, view, turn);
        self.ask_server(turn);
    }

    /// Forgets sessions, what waits, and what is on its way with somebody; the history stays.
    pub(super) fn forget_talk(&mut self, id: ContactId, tell: bool, turn: &mut Turn<'_>) {
        if let Some(sessions) = self.sessions.remove(&id) {
            for session in sessions.ids() {
                turn.dirty(Key::Session(id, session));
            }
        }
        if let Some(seen) = self.seen.remove(&id) {
            for number in seen.numbers() {
                turn.dirty(Key::Seen(id, number));
            }
        }
        if let Some(queue) = self.outbox.remove(&id) {
            for (place, entry) in queue {
                turn.dirty(Key::Outbox(id, place));
                if tell {
                    let view = EntryView::of(&entry);
                    self.show_delivery(id, &view, Delivery::Undeliverable, turn);
                }
            }
        }
        if let Some(contact) = self.contacts.get_mut(&id) {
            contact.owed.clear();
        }
        self.lanes.remove(&id);
        // An answer that is still to come is to what was before.
        for asked in self.asked.values_mut().filter(|asked| asked.talk() == Some(id)) {
            *asked = Asked::Control;
        }
        self.stop_files(id, turn);
    }
}
