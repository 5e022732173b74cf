//! The first moments of a conversation begun by a link. Its card stays until the server has answered to the first
//! message: if it refuses the token in the link, nobody was reached and nothing is kept, as with any link that does not
//! work. A server has that power over every link already; over a conversation it has not, so what is on the screen once
//! is never taken back.

use sotto_wire::peer::Text;

use super::Client;
use super::deliver::Answer;
use super::say::{EntryView, Shown};
use crate::outbox::Stage;
use crate::timers::Timer;
use crate::turn::Turn;
use crate::{CardRefusal, CardView, ContactId, Event, policy};

/// A conversation whose first message the server has not answered yet; in this run only.
#[derive(Debug)]
pub(super) struct Beginning {
    /// What the card called the inviter.
    name: String,
}

impl Client {
    /// The first message to somebody new is on its way.
    pub(super) fn begins(&mut self, id: ContactId, turn: &mut Turn<'_>) -> CardView {
        let name = self.contacts.get(&id).map(|contact| contact.name.clone()).unwrap_or_default();
        self.beginnings.insert(id, Beginning { name: name.clone() });
        let at = turn.now.saturating_add(policy::BEGINNING_PATIENCE);
        turn.timers.set(Timer::Beginning(id), at);
        CardView::Accepting { name }
    }

    /// The card of a conversation that is not shown yet.
    pub(super) fn beginning_card(&self, id: ContactId) -> Option<CardView> {
        self.beginnings.get(&id).map(|beginning| CardView::Accepting { name: beginning.name.clone() })
    }

    /// The conversation stands, or its answer takes so long that there is no more waiting for it.
    pub(super) fn stands(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        turn.timers.clear(Timer::Beginning(id));
        if self.beginnings.remove(&id).is_some() {
            turn.event(Event::Card(CardView::Accepted(id)));
        }
    }

    /// The server answered to the first message. `true` if it refused it and so nothing is left.
    pub(super) fn first_answer(&mut self, id: ContactId, answer: Answer, turn: &mut Turn<'_>) -> bool {
        if !self.beginnings.contains_key(&id) {
            return false;
        }
        if answer != Answer::Refused || self.waiting(id) > 1 {
            self.stands(id, turn);
            return false;
        }
        turn.log("invite: the server refuses its token");
        turn.timers.clear(Timer::Beginning(id));
        self.beginnings.remove(&id);
        self.forget_contact(id, turn);
        turn.event(Event::Card(CardView::Refused(CardRefusal::Gone)));
        true
    }

    /// What was said to a contact and has not left this device, before everything about it begins anew.
    pub(super) fn unsent(&self, id: ContactId) -> Vec<EntryView> {
        let queue = self.outbox.get(&id).into_iter().flatten();
        queue
            .filter(|(_, entry)| entry.stage == Stage::Waiting)
            .map(|(_, entry)| EntryView::of(entry))
            .collect()
    }

    /// Says it again in the new conversation, and takes it out of the place where it waited in vain.
    pub(super) fn say_anew(&mut self, id: ContactId, entry: EntryView, turn: &mut Turn<'_>) {
        match entry.said {
            // However much waits: all of it waited before, and no less than all is said.
            Shown::Text(text) => {
                if let Ok(text) = Text::new(text)
                    && self.put_text(id, text, turn)
                {
                    self.unshow(id, entry.id, entry.order, turn);
                }
            }
            Shown::Milestone(_) => self.unshow(id, entry.id, entry.order, turn),
            // Its transfer has ended with what was before.
            Shown::File(_) | Shown::Nothing => {}
        }
    }
}
