//! Records that cannot be read: set aside, as they are, with what they leave behind; everything else goes on. Nothing is
//! guessed, and nothing goes on in a state of which a part is missing: what would have been told by it is begun anew.

use std::collections::BTreeSet;

use super::Client;
use super::records::Place;
use crate::conversation::Conversation;
use crate::record;
use crate::turn::{Key, Turn};
use crate::{Change, ContactId, DamagedPart, Delivery, Event, Settings, Store};

impl Client {
    /// Sets damaged records aside, together with all that must not be used without them.
    pub(super) fn set_aside(&mut self, damaged: Vec<Place>, turn: &mut Turn<'_>) {
        let lost_prekeys = damaged.iter().any(Place::are_prekeys);
        if damaged.iter().any(Place::are_settings) {
            // Nobody who hid the address is shown because a disk is bad.
            self.settings = Settings { relay_only: true };
            turn.dirty(Key::Settings);
        }
        for place in damaged {
            let (part, contact) = place.part();
            match (part, contact) {
                (DamagedPart::Contact, Some(contact)) => self.damage.lose(contact),
                (DamagedPart::Waiting, Some(contact)) => {
                    self.damage.add(part, Some(contact));
                    self.is_not_waiting(contact, place.waiting(), turn);
                }
                _ => self.damage.add(part, contact),
            }
            turn.dirty(Key::Damage);
            turn.change(Change::SetAside { store: place.store, key: place.key });
        }
        self.set_orphans_aside(turn);
        if self.account.delivery().is_none() || lost_prekeys {
            // Contacts may seal to keys that are gone, as after a roll-back.
            turn.log("storage: prekeys are missing; making new ones");
            self.state_was_lost(turn);
        }
    }

    /// Whoever has sessions or messages that wait, and no record, was lost. Without the record nothing of it can be used:
    /// it holds the sequences. Its history stays and is shown again once both have met anew.
    fn set_orphans_aside(&mut self, turn: &mut Turn<'_>) {
        let known = self.sessions.keys().chain(self.outbox.keys());
        let orphans: BTreeSet<ContactId> =
            known.filter(|id| !self.contacts.contains_key(*id)).copied().collect();
        for id in orphans {
            self.damage.lose(id);
            turn.dirty(Key::Damage);
            let mut aside = |store, rest: &[u8]| {
                turn.change(Change::SetAside { store, key: record::key(&[&id.0, rest]) });
            };
            for session in self.sessions.remove(&id).unwrap_or_default().ids() {
                aside(Store::Session, session.as_bytes());
            }
            for place in self.outbox.remove(&id).unwrap_or_default().keys() {
                aside(Store::Outbox, &place.to_be_bytes());
            }
            for number in self.seen.remove(&id).unwrap_or_default().numbers() {
                aside(Store::Seen, &number.to_be_bytes());
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

    /// How a conversation with somebody who is no contact begins. If it was lost, it is found again.
    pub(super) fn lost_or_new(&mut self, id: ContactId, turn: &mut Turn<'_>) -> Conversation {
        let conversation = self.damage.conversation(id, turn.now);
        if self.damage.found(id) {
            turn.dirty(Key::Damage);
        }
        conversation
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
        turn.event(Event::Damage(Vec::new()));
    }
}
