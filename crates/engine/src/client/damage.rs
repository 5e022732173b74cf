//! Records that cannot be read: set aside, as they are, with what they leave behind; everything else goes on. Nothing is
//! guessed, and nothing goes on in a state of which a part is missing: what would have been told by it is begun anew.

use std::collections::BTreeSet;

use sotto_crypto::DeliveryToken;
use sotto_wire::peer::{Content as Said, Name};

use super::Client;
use super::records::Place;
use crate::session::Sessions;
use crate::transfer::Transfer;
use crate::turn::{Key, Turn};
use crate::{
    Change, ContactId, DamagedPart, Delivery, Event, FileId, MessageId, Output, Settings, Standing,
    TransferAction,
};

impl Client {
    /// Sets damaged records aside, together with all that must not be used without them.
    pub(super) fn set_aside(&mut self, damaged: Vec<Place>, turn: &mut Turn<'_>) {
        let lost_prekeys = damaged.iter().any(Place::are_prekeys);
        if damaged.iter().any(Place::are_settings) {
            // Nobody who hid the address is shown because a disk is bad.
            self.settings = Settings { relay_only: true };
            turn.dirty(Key::Settings);
        }
        let mut unsaid = BTreeSet::new();
        for place in damaged {
            let (part, contact) = place.part();
            match (part, contact) {
                (DamagedPart::Contact, Some(contact)) => self.damage.lose(contact),
                (DamagedPart::Waiting, Some(contact)) => {
                    self.damage.add(part, Some(contact));
                    self.is_not_waiting(contact, place.waiting(), turn);
                    self.is_not_offered(contact, place.waiting(), turn);
                    unsaid.insert(contact);
                }
                (DamagedPart::File, _) => {
                    self.damage.add(part, contact);
                    // Nothing opens what is kept of it.
                    if let Ok(file) = place.key.as_slice().try_into() {
                        turn.output(Output::Transfer(FileId(file), TransferAction::Delete));
                    }
                }
                _ => self.damage.add(part, contact),
            }
            turn.dirty(Key::Damage);
            turn.change(Change::SetAside { store: place.store, key: place.key });
        }
        self.forget_orphans(turn);
        if self.account.delivery().is_none() || lost_prekeys {
            // Contacts may seal to keys that are gone, as after a roll-back.
            turn.log("storage: prekeys are missing; making new ones");
            self.state_was_lost(turn);
            for _ in 0..self.withdraw_invites(turn) {
                self.damage.add(DamagedPart::Link, None);
                turn.dirty(Key::Damage);
            }
        }
        for id in unsaid {
            self.introduce_again(id, turn);
        }
    }

    /// What was to be said to a contact before anything else is lost, or may be: without it the other side would never
    /// hear of this one, or wait for ever. Hearing it twice does no harm.
    fn introduce_again(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let Some(contact) = self.contacts.get(&id) else { return };
        let Some(issued) = contact.issued.last() else { return };
        let token = DeliveryToken::from_bytes(&issued.token.to_bytes());
        let unanswered = self.sessions.get_mut(&id).is_some_and(Sessions::is_unanswered);
        let waits =
            self.outbox.get(&id).is_some_and(|queue| queue.values().any(|entry| entry.order.sequence == 1));
        match contact.standing {
            Standing::AwaitingTheirs if unanswered && !waits => {
                let content = self.greeting(token);
                content.into_iter().for_each(|content| self.introduce(id, content, turn));
            }
            // Who came by a link of ours was told by us.
            Standing::Confirmed if contact.came_by.is_some() => {
                let name = Name::new(self.account.identity.name.clone()).unwrap_or_default();
                self.introduce(id, Said::Confirmed { name, token }, turn);
            }
            _ => {}
        }
    }

    fn introduce(&mut self, id: ContactId, content: Said, turn: &mut Turn<'_>) {
        let message = MessageId(turn.random());
        self.say(id, message, content, turn);
    }

    /// An offer that is lost does not keep its file waiting.
    fn is_not_offered(&mut self, id: ContactId, place: Option<u64>, turn: &mut Turn<'_>) {
        let lost = |transfer: &Transfer| {
            transfer.contact == id
                && matches!(transfer.delivery, Delivery::Waiting | Delivery::Sent)
                && Some(transfer.order.lamport) == place
        };
        let mut transfers = self.transfers.by_file.iter_mut();
        let Some((file, transfer)) = transfers.find(|(_, transfer)| lost(transfer)) else { return };
        let file = *file;
        transfer.delivery = Delivery::Undeliverable;
        turn.dirty(Key::Transfer(file));
        self.drop_transfer_if_done(file, turn);
    }

    /// Whoever has sessions, messages that wait or a memory of what came, and no record, was lost. Without the record, which
    /// holds the sequences, nothing of it can be used: it opens, so it is not for anybody to look into, and is deleted.
    /// The history stays and is shown again once both have met anew.
    fn forget_orphans(&mut self, turn: &mut Turn<'_>) {
        let known = self.sessions.keys().chain(self.outbox.keys()).chain(self.seen.keys());
        let orphans: BTreeSet<ContactId> =
            known.filter(|id| !self.contacts.contains_key(*id)).copied().collect();
        for id in orphans {
            if !self.damage.has_lost(id) {
                self.damage.lose(id);
                turn.dirty(Key::Damage);
            }
            for session in self.sessions.remove(&id).unwrap_or_default().ids() {
                turn.dirty(Key::Session(id, session));
            }
            for place in self.outbox.remove(&id).unwrap_or_default().keys() {
                turn.dirty(Key::Outbox(id, *place));
            }
            for number in self.seen.remove(&id).unwrap_or_default().numbers() {
                turn.dirty(Key::Seen(id, number));
            }
        }
    }

    /// What waited cannot be sent any more. Where the history shows it as waiting, that is put right when it is read; the
    /// list shows the newest message without reading it.
    fn is_not_waiting(&mut self, id: ContactId, place: Option<u64>, turn: &mut Turn<'_>) {
        let last = self.contacts.get_mut(&id).and_then(|contact| contact.conversation.last.as_mut());
        if let Some(last) = last
            && last.mine
            && last.delivery == Delivery::Waiting
            && Some(last.order.lamport) == place
        {
            last.delivery = Delivery::Undeliverable;
            turn.dirty(Key::Contact(id));
        }
    }

    /// Tells of what was not taken note of yet.
    pub(super) fn tell_damage(&self, turn: &mut Turn<'_>) {
        if !self.damage.untold.is_empty() {
            turn.event(Event::Damage(self.damage.untold.clone()));
        }
    }

    pub(super) fn dismiss_damage(&mut self, turn: &mut Turn<'_>) {
        self.damage.untold.clear();
        turn.dirty(Key::Damage);
        // Keys may be among it: it is not kept longer than somebody may want help with it.
        turn.change(Change::ForgetAside { prefix: Vec::new() });
        turn.event(Event::Damage(Vec::new()));
    }
}
