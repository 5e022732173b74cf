//! What the user wants.

use sotto_crypto::DeliveryToken;
use sotto_wire::peer::{Content as Said, Message, Name, Text, limits};
use sotto_wire::server::{Class, path};

use super::deliver::Answer;
use super::drafts;
use super::records::Farewell;
use super::{Asked, Client};
use crate::contact::{Contact, Issued};
use crate::timers::Timer;
use crate::turn::{Key, Turn};
use crate::{
    Change, Command, ContactId, Content, Delivery, Event, MessageId, MessageView, Milestone, Notice, Request,
    Response, Standing, Store, policy, text,
};

/// A text as it travels.
type TextBody = Text<{ limits::TEXT_MAX }>;

impl Client {
    pub(super) fn command(&mut self, command: Command, turn: &mut Turn<'_>) {
        match command {
            Command::SetName(name) => {
                self.set_name(&name, turn);
            }
            Command::SetRelayOnly(relay_only) => self.set_relay_only(relay_only, turn),
            Command::Examine(id) => self.examine(id, turn),
            Command::CreateInvite => self.create_invite(turn),
            Command::RevokeInvite(id) => self.revoke_invite(id, turn),
            Command::LookAtInvite(link) => self.look_at_invite(&link, turn),
            Command::AcceptInvite { name } => self.accept_invite(&name, turn),
            Command::ConfirmContact(id) => self.confirm(id, turn),
            Command::RemoveContact(id) => self.remove_contact(id, turn),
            Command::RenameContact { contact, name } => self.rename(contact, &name, turn),
            Command::SendText { contact, text } => self.send_text(contact, text, turn),
            Command::KeepDraft { contact, text } => self.keep_draft(contact, &text, turn),
            Command::LoadHistory { contact, before, limit } => {
                self.load_history(contact, before, limit, turn)
            }
            Command::MarkRead { contact, up_to } => self.mark_read(contact, up_to, turn),
            Command::OfferFile { contact, file, name, size, mime } => {
                self.offer_file(contact, file, &name, size, &mime, turn);
            }
            Command::AcceptFile(id, message) => self.accept_file(id, message, turn),
            Command::DeclineFile(id, message) => self.decline_file(id, message, turn),
            Command::CancelFile(id, message) => self.cancel_file(id, message, turn),
            Command::OpenFile(id, file) => self.open_file(id, file, turn),
            Command::DeleteFile(id, file) => self.delete_file(id, file, turn),
            Command::DismissDamage => self.dismiss_damage(turn),
            Command::ShowSafetyNumber(id) => self.show_safety_number(id, turn),
            Command::CompareSafetyNumber { contact, scanned } => {
                self.compare_safety_number(contact, &scanned, turn);
            }
            Command::SetVerified { contact, verified } => self.set_verified(contact, verified, turn),
        }
    }

    /// Sets one's own name and tells contacts. `false` if it is too long.
    pub(super) fn set_name(&mut self, name: &str, turn: &mut Turn<'_>) -> bool {
        let name = text::clean_name(name);
        if name.len() > limits::NAME_MAX {
            turn.event(Event::Notice(Notice::NameTooLong { limit: limits::NAME_MAX }));
            return false;
        }
        if name == self.account.identity.name {
            return true;
        }
        self.account.identity.name.clone_from(&name);
        turn.dirty(Key::Identity);
        turn.event(Event::Profile(self.profile()));
        let told: Vec<ContactId> =
            self.contacts.values().filter(|contact| contact.may_be_written_to()).map(Contact::id).collect();
        for id in told {
            self.say_name(id, turn);
        }
        true
    }

    /// Says one's own name, and with it whatever else a contact should know and does not.
    pub(super) fn say_name(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        if let Ok(name) = Name::new(self.account.identity.name.clone())
            && self.waiting(id) < policy::WAITING_MAX
        {
            let message = MessageId(turn.random());
            self.say(id, message, Said::Profile { name }, turn);
        }
    }

    /// Says what was written, or gives it back: nobody should have to write it again.
    fn send_text(&mut self, id: ContactId, text: String, turn: &mut Turn<'_>) {
        if self.say_text(id, &text, turn) {
            drafts::forget(id, turn);
        } else {
            turn.event(Event::TextReturned { contact: id, text });
        }
    }

    /// `false` if it cannot be said; the user was told why, unless the screen shows it anyway.
    fn say_text(&mut self, id: ContactId, text: &str, turn: &mut Turn<'_>) -> bool {
        let text = text.trim();
        if text.is_empty() || !self.contacts.get(&id).is_some_and(Contact::may_be_written_to) {
            return false;
        }
        let Ok(body) = TextBody::new(text.to_owned()) else {
            turn.event(Event::Notice(Notice::TextTooLong { limit: limits::TEXT_MAX }));
            return false;
        };
        if self.waiting(id) >= policy::WAITING_MAX {
            turn.event(Event::Notice(Notice::TooManyWaiting(id)));
            return false;
        }
        self.put_text(id, body, turn)
    }

    /// Says a text however much waits. `false` if there is no such contact.
    pub(super) fn put_text(&mut self, id: ContactId, body: TextBody, turn: &mut Turn<'_>) -> bool {
        let message = MessageId(turn.random());
        let text = body.as_str().to_owned();
        let Some(order) = self.say(id, message, Said::Text { text: body }, turn) else { return false };
        let view = MessageView {
            id: message,
            order,
            mine: true,
            sent_at: turn.now,
            content: Content::Text(text),
            delivery: Delivery::Waiting,
        };
        self.show(id, view, turn);
        true
    }

    /// The one who came is the one who was meant: it gets a token of its own, and from now on addresses.
    fn confirm(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let name = Name::new(self.account.identity.name.clone()).unwrap_or_default();
        let Some(contact) = self.contacts.get_mut(&id) else { return };
        if contact.standing != Standing::AwaitingOurs {
            return;
        }
        contact.standing = Standing::Confirmed;
        let issued = Issued { token: DeliveryToken::generate(turn.rng), registered: false };
        let token = DeliveryToken::from_bytes(&issued.token.to_bytes());
        let surplus = contact.issue(issued);
        turn.touch(id);
        if let Some(surplus) = surplus {
            self.account.revoke(surplus.hash(), turn);
        }
        let message = MessageId(turn.random());
        let Some(order) = self.say(id, message, Said::Confirmed { name, token }, turn) else { return };
        let view = MessageView {
            id: message,
            order,
            mine: true,
            sent_at: turn.now,
            content: Content::Milestone(Milestone::Confirmed),
            delivery: Delivery::Waiting,
        };
        self.show(id, view, turn);
        self.ask_server(turn);
    }

    fn rename(&mut self, id: ContactId, name: &str, turn: &mut Turn<'_>) {
        let name = text::clean_name(name);
        if name.len() > limits::NAME_MAX {
            turn.event(Event::Notice(Notice::NameTooLong { limit: limits::NAME_MAX }));
        } else if let Some(contact) = self.contacts.get_mut(&id) {
            contact.petname = name;
            turn.touch(id);
        }
    }

    fn remove_contact(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        if !self.contacts.contains_key(&id) {
            if self.damage.found(id) {
                turn.dirty(Key::Damage);
                self.forget_contact(id, turn);
            }
            return;
        }
        self.prepare_farewell(id, turn);
        self.forget_contact(id, turn);
        self.say_farewells(turn);
    }

    /// Leaves nothing of a contact on this device.
    pub(super) fn forget_contact(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        self.close_link(id, turn);
        self.delete_files(id, turn);
        self.forget_talk(id, false, turn);
        self.delete_files(id, turn);
        self.links.remove(id);
        if let Some(contact) = self.contacts.remove(&id) {
            for issued in &contact.issued {
                self.account.revoke(issued.hash(), turn);
            }
        }
        turn.dirty(Key::Contact(id));
        drafts::forget(id, turn);
        // What this turn has put into the history goes too: the deletion comes after it.
        turn.change(Change::DeletePrefix { store: Store::Message, prefix: id.0.to_vec() });
        turn.change(Change::ForgetAside { prefix: id.0.to_vec() });
        for timer in
            [Timer::Outbox(id), Timer::Owed(id), Timer::Fresh(id), Timer::LinkRetry(id), Timer::Silence(id)]
        {
            turn.timers.clear(timer);
        }
        turn.pump.remove(&id);
        turn.event(Event::ContactRemoved(id));
        self.ask_server(turn);
    }

    /// Seals the last word to a contact while there is still a session.
    fn prepare_farewell(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let ended = self.contacts.get(&id).is_none_or(|contact| contact.standing == Standing::Ended);
        if ended || !self.knows_devices(id) || self.farewells.len() >= policy::FAREWELLS_MAX {
            return;
        }
        let sealed = self.encrypt_control(id, &Message::End {}, turn);
        let Some((session, ratchet)) = sealed else { return };
        let Some(body) = self.sealed_post(id, session, &ratchet, Class::Stored, turn) else { return };
        let number = u64::from_be_bytes(turn.random());
        self.farewells.insert(number, Farewell { body, since: turn.now, failures: 0, posting: false });
        turn.dirty(Key::Farewell(number));
    }

    /// Posts farewells that wait.
    pub(super) fn say_farewells(&mut self, turn: &mut Turn<'_>) {
        if !self.socket.is_open() {
            return;
        }
        let waiting: Vec<u64> = self
            .farewells
            .iter()
            .filter(|(_, farewell)| !farewell.posting)
            .map(|(number, _)| *number)
            .collect();
        for number in waiting {
            let Some(farewell) = self.farewells.get_mut(&number) else { continue };
            farewell.posting = true;
            let body = farewell.body.clone();
            let request = Request::Post { path: path::ENVELOPES, body, limit: 512 };
            self.request(Asked::Farewell(number), request, turn);
        }
    }

    pub(super) fn farewell_posted(&mut self, number: u64, response: &Response, turn: &mut Turn<'_>) {
        let Some(farewell) = self.farewells.get_mut(&number) else { return };
        farewell.posting = false;
        let old = turn.now.saturating_since(farewell.since) >= policy::FAREWELL_LIFETIME;
        if old || matches!(Answer::of(response), Answer::Accepted | Answer::Refused) {
            self.farewells.remove(&number);
            turn.dirty(Key::Farewell(number));
            return;
        }
        farewell.failures = farewell.failures.saturating_add(1);
        let failures = farewell.failures.saturating_add(4);
        let at = turn.backoff(failures, policy::BACKOFF_FIRST, policy::LINK_BACKOFF_MAX);
        turn.timers.set_earlier(Timer::Farewell, at);
    }
}
