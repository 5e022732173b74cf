//! Saying things: bodies get their place and name, are encrypted, and wait in the outbox.

use sotto_crypto::envelope::{self, TagKey};
use sotto_crypto::{EnvelopeId, SessionId};
use sotto_wire::peer::{Body, Carried, Content as Said, FirstPrefix, Message};
use sotto_wire::server::{Blob, Class, Message as _, PutEnvelope};

use super::records::put_message;
use super::{Client, Lane};
use crate::contact::Contact;
use crate::outbox::{Entry, Stage};
use crate::turn::{Key, Turn};
use crate::{
    ContactId, Content, Delivery, Event, FileId, MessageId, MessageOrder, MessageView, Milestone, policy,
};

impl Client {
    /// Puts something said into the outbox. Nothing is sent before it is stored with everything else of this turn.
    pub(super) fn say(
        &mut self,
        id: ContactId,
        message_id: MessageId,
        content: Said,
        turn: &mut Turn<'_>,
    ) -> Option<MessageOrder> {
        let author = self.account.id().0;
        let delivery = self.account.delivery().map(sotto_crypto::keys::DeliveryKey::public);
        let contact = self.contacts.get_mut(&id)?;
        let order = contact.conversation.next(author);
        let delivery = delivery.filter(|key| key.id().0 > contact.delivery_told);
        if let Some(key) = &delivery {
            contact.delivery_told = key.id().0;
        }
        let list = &self.account.identity.list;
        let message = Message::Body(Body {
            message_id: message_id.0,
            sequence: order.sequence,
            previous: contact.conversation.previous,
            lamport: contact.conversation.travelling(order),
            sent_at: turn.now.0,
            list_version: list.version(),
            list_hash: *list.hash(),
            content,
            delivery,
            token: None,
            mailbox: None,
            era: contact.conversation.era(),
        });
        let mut plaintext = message.encode();
        contact.conversation.previous = Message::body_hash(&plaintext);
        let entry = Entry {
            id: message_id,
            order,
            sent_at: turn.now,
            plaintext: core::mem::take(&mut *plaintext),
            session: None,
            ratchet: Vec::new(),
            stage: Stage::Waiting,
            retries: 0,
            reposts: 0,
        };
        self.outbox.entry(id).or_default().insert(order.lamport, entry);
        turn.dirty(Key::Outbox(id, order.lamport));
        turn.touch(id);
        self.encrypt(id, order.lamport, turn);
        Some(order)
    }

    /// How many messages wait for a contact.
    pub(super) fn waiting(&self, id: ContactId) -> usize {
        self.outbox.get(&id).map_or(0, std::collections::BTreeMap::len)
    }

    /// Encrypts an entry in the session that sends, if there is one.
    pub(super) fn encrypt(&mut self, id: ContactId, place: u64, turn: &mut Turn<'_>) {
        let Some(entry) = self.outbox.get_mut(&id).and_then(|queue| queue.get_mut(&place)) else { return };
        if self.contacts.get(&id).is_none_or(|contact| contact.needs_fresh) {
            return;
        }
        let Some(held) = self.sessions.get_mut(&id).and_then(|sessions| sessions.current_mut()) else {
            return;
        };
        match held.session.seal(&entry.plaintext, turn.rng) {
            Ok(ratchet) => {
                held.sent = true;
                entry.session = Some(held.session.id());
                entry.ratchet = ratchet;
                turn.dirty(Key::Session(id, held.session.id()));
                turn.dirty(Key::Outbox(id, place));
            }
            Err(_) => turn.log("outbox: a message could not be encrypted"),
        }
    }

    /// Encrypts something that has no place of its own and is not kept.
    pub(super) fn encrypt_control(
        &mut self,
        id: ContactId,
        message: &Message,
        turn: &mut Turn<'_>,
    ) -> Option<(SessionId, Vec<u8>)> {
        if self.contacts.get(&id)?.needs_fresh {
            return None;
        }
        let held = self.sessions.get_mut(&id)?.current_mut()?;
        let session = held.session.id();
        let ratchet = held.session.seal(&message.encode(), turn.rng).ok()?;
        held.sent = true;
        turn.dirty(Key::Session(id, session));
        Some((session, ratchet))
    }

    /// What an envelope or link carries for a ratchet message: first messages repeat who began, until an answer.
    pub(super) fn carried(&self, id: ContactId, session: SessionId, ratchet: &[u8]) -> Vec<u8> {
        let first =
            self.sessions.get(&id).and_then(|sessions| sessions.get(session)).and_then(|held| held.first);
        let prefix = first.map(|keys| FirstPrefix { device_list: self.account.identity.list.clone(), keys });
        Carried::encode(prefix.as_ref(), ratchet)
    }

    /// Seals a ratchet message to the contact and gives the body that posts it.
    pub(super) fn sealed_post(
        &mut self,
        id: ContactId,
        session: SessionId,
        ratchet: &[u8],
        class: Class,
        turn: &mut Turn<'_>,
    ) -> Option<Vec<u8>> {
        let carried = self.carried(id, session, ratchet);
        let contact = self.contacts.get(&id)?;
        let lane = self.lanes.entry(id).or_default();
        // With a prefix that names an invite the tag's key comes from the link, else from both identity keys.
        let from_link = self.sessions.get(&id)?.get(session).and_then(|held| held.tag.as_ref());
        let tag = match from_link {
            Some(tag) => tag,
            None => pairwise(lane, &self.account, contact)?,
        };
        let blob = envelope::seal(&contact.address(), self.account.sender(), tag, &carried, turn.rng).ok()?;
        let lifetime_s = u32::try_from(policy::ENVELOPE_LIFETIME.as_secs()).unwrap_or(u32::MAX);
        let put = PutEnvelope {
            mailbox: contact.mailbox,
            token: sotto_crypto::DeliveryToken::from_bytes(&contact.token.to_bytes()),
            envelope_id: EnvelopeId::of(&blob),
            class,
            lifetime_s,
            blob: Blob::new(blob).ok()?,
        };
        Some(put.encode())
    }

    /// Stores a message of the conversation and shows it.
    pub(super) fn show(&mut self, id: ContactId, view: MessageView, turn: &mut Turn<'_>) {
        if let Some(contact) = self.contacts.get_mut(&id) {
            contact.conversation.shown(&view);
            turn.touch(id);
        }
        turn.change(put_message(id, &view));
        turn.event(Event::Message(id, view));
    }

    /// Shows an entry of the outbox again because its delivery changed.
    pub(super) fn show_delivery(
        &mut self,
        id: ContactId,
        entry: &EntryView,
        delivery: Delivery,
        turn: &mut Turn<'_>,
    ) {
        let content = match &entry.said {
            Shown::Text(text) => Content::Text(text.clone()),
            Shown::Milestone(milestone) => Content::Milestone(*milestone),
            Shown::File(file) => {
                if let Some(transfer) = self.transfers.by_file.get_mut(file) {
                    transfer.delivery = delivery;
                    let view = transfer.message_view();
                    turn.dirty(Key::Transfer(*file));
                    self.drop_transfer_if_done(*file, turn);
                    self.show(id, view, turn);
                }
                return;
            }
            Shown::Nothing => return,
        };
        let EntryView { id: message, order, sent_at, .. } = *entry;
        let view = MessageView { id: message, order, mine: true, sent_at, content, delivery };
        self.show(id, view, turn);
    }
}

/// What of an entry the screen knows.
pub(super) struct EntryView {
    pub(super) id: MessageId,
    pub(super) order: MessageOrder,
    pub(super) sent_at: crate::Timestamp,
    pub(super) said: Shown,
}

pub(super) enum Shown {
    Text(String),
    File(FileId),
    Milestone(Milestone),
    Nothing,
}

impl EntryView {
    pub(super) fn of(entry: &Entry) -> Self {
        let said = match Message::decode(&entry.plaintext) {
            Ok(Message::Body(Body { content, .. })) => match content {
                Said::Text { text } => Shown::Text(text.into_string()),
                Said::FileOffer(manifest) => Shown::File(FileId(*manifest.file.as_bytes())),
                Said::Hello { .. } => Shown::Milestone(Milestone::CameByTheirLink),
                Said::Confirmed { .. } => Shown::Milestone(Milestone::Confirmed),
                _ => Shown::Nothing,
            },
            _ => Shown::Nothing,
        };
        Self { id: entry.id, order: entry.order, sent_at: entry.sent_at, said }
    }
}

/// The key of sender tags between this device and the contact's, computed once a run.
pub(super) fn pairwise<'l>(
    lane: &'l mut Lane,
    account: &crate::account::Account,
    contact: &Contact,
) -> Option<&'l TagKey> {
    // Also when the key is known: a device that is not listed any more has none.
    let device = contact.device()?;
    Some(lane.tag.get_or_insert_with(|| TagKey::between(&account.identity.identity, device.identity())))
}
