//! What was said before, and who said it: pages of history, what was read, safety numbers.

use sotto_crypto::safety_number::{Fingerprint, SafetyNumber, ScanError};

use super::records::{message_key, message_order};
use super::{Asked, Client};
use crate::record::read;
use crate::turn::{Key, Turn};
use crate::{
    Comparison, ContactId, Content, Delivery, Event, FileFailure, FileState, MessageId, MessageOrder,
    MessageView, Notice, Request, Response, Store, Timestamp, policy,
};

impl Client {
    pub(super) fn load_history(
        &mut self,
        id: ContactId,
        before: Option<MessageOrder>,
        limit: u32,
        turn: &mut Turn<'_>,
    ) {
        let reading = self.asked.values().filter(|asked| matches!(asked, Asked::History { .. })).count();
        if !self.contacts.contains_key(&id) || reading >= policy::HISTORY_REQUESTS_MAX {
            return;
        }
        let limit = limit.clamp(1, policy::HISTORY_PAGE_MAX);
        let request = Request::Read {
            store: Store::Message,
            prefix: id.0.to_vec(),
            before: before.map(|order| message_key(id, order)),
            // One more than is shown says whether there are older ones.
            limit: limit.saturating_add(1),
        };
        self.request(Asked::History { contact: id, limit }, request, turn);
    }

    pub(super) fn history_came(
        &mut self,
        id: ContactId,
        limit: u32,
        response: Response,
        turn: &mut Turn<'_>,
    ) {
        let Response::Records(records) = response else {
            turn.event(Event::Notice(Notice::HistoryUnreadable(id)));
            return;
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let older = records.len().saturating_sub(limit);
        let mut messages: Vec<MessageView> = Vec::with_capacity(records.len());
        for record in records.iter().skip(older) {
            let view = read(record).ok().map(|view| self.as_it_stands(id, view));
            let before = messages.last().map_or(Timestamp(0), |message| message.sent_at);
            match view.or_else(|| self.unreadable(&record.key, before)) {
                Some(view) => messages.push(view),
                None => turn.log("history: a record under no message's key"),
            }
        }
        // The first have none before them to take their time from.
        let first = messages.iter().map(|message| message.sent_at).find(|at| *at > Timestamp(0));
        for message in messages.iter_mut().take_while(|message| message.sent_at == Timestamp(0)) {
            message.sent_at = first.unwrap_or(turn.now);
        }
        turn.event(Event::History { contact: id, messages, more: older > 0 });
    }

    /// What waits, is on its way or is kept according to the history alone is not any more: its record could not be read.
    fn as_it_stands(&self, id: ContactId, mut view: MessageView) -> MessageView {
        let waits = self.outbox.get(&id).is_some_and(|queue| queue.contains_key(&view.order.lamport));
        let was_sent = matches!(view.content, Content::Text(_) | Content::File(_));
        if view.delivery == Delivery::Waiting && was_sent && !waits {
            view.delivery = Delivery::Undeliverable;
        }
        if let Content::File(file) = &mut view.content
            && !self.transfers.by_file.contains_key(&file.id)
        {
            match file.state {
                FileState::Offered | FileState::Accepted | FileState::Transferring => {
                    file.state = FileState::Failed(FileFailure::DeviceFailed);
                }
                FileState::Verified if !view.mine => file.state = FileState::Deleted,
                _ => {}
            }
        }
        view
    }

    /// The place of a message that cannot be read: its key says where it stands and who wrote it.
    fn unreadable(&self, key: &[u8], sent_at: Timestamp) -> Option<MessageView> {
        let order = message_order(key)?;
        let mine = order.author == self.account.id().0;
        Some(MessageView {
            id: MessageId((u128::from(order.lamport) << 64 | u128::from(order.sequence)).to_be_bytes()),
            order,
            mine,
            sent_at,
            content: Content::Unreadable,
            delivery: if mine { Delivery::Sent } else { Delivery::Incoming },
        })
    }

    pub(super) fn mark_read(&mut self, id: ContactId, up_to: MessageOrder, turn: &mut Turn<'_>) {
        let Some(contact) = self.contacts.get_mut(&id) else { return };
        if contact.conversation.read_up_to >= Some(up_to) {
            return;
        }
        contact.conversation.read(up_to);
        turn.dirty(Key::Contact(id));
        turn.shown.insert(id);
    }

    fn safety_number(&self, id: ContactId) -> Option<SafetyNumber> {
        let theirs = Fingerprint::of(self.contacts.get(&id)?.list.account());
        Some(SafetyNumber::new(Fingerprint::of(self.account.device().account()), theirs))
    }

    pub(super) fn show_safety_number(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        if let Some(number) = self.safety_number(id) {
            let digits: Vec<char> = number.digits().chars().collect();
            let groups: Vec<String> = digits.chunks(5).map(|group| group.iter().collect()).collect();
            let qr = number.qr().to_vec();
            turn.event(Event::SafetyNumber { contact: id, digits: groups.join(" "), qr });
        }
    }

    pub(super) fn compare_safety_number(&mut self, id: ContactId, scanned: &[u8], turn: &mut Turn<'_>) {
        let Some(number) = self.safety_number(id) else { return };
        let outcome = match number.verify_scanned(scanned) {
            Ok(()) => Comparison::Match,
            Err(ScanError::Differs) => Comparison::Mismatch,
            Err(ScanError::Malformed) => Comparison::Unreadable,
        };
        if outcome == Comparison::Match {
            self.set_verified(id, true, turn);
        }
        turn.event(Event::SafetyNumberCompared { contact: id, outcome });
    }

    pub(super) fn set_verified(&mut self, id: ContactId, verified: bool, turn: &mut Turn<'_>) {
        if let Some(contact) = self.contacts.get_mut(&id) {
            contact.verified = verified;
            turn.touch(id);
        }
    }
}
