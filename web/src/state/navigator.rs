//! Where on the screen, and Back.

use leptos::prelude::*;
use sotto_browser::screen::{History, HistoryState};
use sotto_engine::{ContactId, InviteId};

use super::Contacts;

/// A place on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// The list, or the welcome where it is empty.
    #[default]
    Home,
    /// One invite.
    Invite(InviteId),
    /// The link that was opened.
    Card,
    /// A conversation.
    Chat(ContactId),
    /// The safety number with somebody.
    Verify(ContactId),
    /// How somebody is reached.
    Connection(ContactId),
    /// Settings.
    Settings,
}

impl Place {
    /// How deep below the list it lies.
    fn level(self) -> u8 {
        match self {
            Self::Home => 0,
            Self::Invite(_) | Self::Card | Self::Chat(_) | Self::Settings => 1,
            Self::Verify(_) | Self::Connection(_) => 2,
        }
    }

    /// The contact it is about.
    pub fn contact(self) -> Option<ContactId> {
        match self {
            Self::Chat(contact) | Self::Verify(contact) | Self::Connection(contact) => Some(contact),
            _ => None,
        }
    }
}

/// Where on the screen. Places are kept here; the browser's history only counts.
#[derive(Clone, Copy)]
pub struct Navigator {
    place: RwSignal<Place>,
    stack: StoredValue<Vec<Place>>,
    contacts: Contacts,
}

impl Navigator {
    /// At the list.
    pub fn new(contacts: Contacts) -> Self {
        Self { place: RwSignal::default(), stack: StoredValue::new(vec![Place::Home]), contacts }
    }

    /// Where now. Tracked.
    pub fn place(&self) -> Place {
        self.place.get()
    }

    /// Where now. Not tracked.
    pub fn here(&self) -> Place {
        self.place.get_untracked()
    }

    /// After a reload, comes back to the conversation that was open.
    pub fn restore(&self) {
        let HistoryState { depth, rank } = History::current();
        let mut stack = vec![Place::Home; usize::from(depth)];
        stack.push(rank.and_then(|rank| self.contacts.at_rank(rank)).map_or(Place::Home, Place::Chat));
        self.place.set(stack.last().copied().unwrap_or_default());
        self.stack.set_value(stack);
    }

    /// Goes somewhere: deeper adds an entry to the history, anything else changes the present one.
    pub fn go(&self, to: Place) {
        let here = self.here();
        if here == to {
            return;
        }
        let deeper = to.level() > here.level();
        let depth = self.stack.try_update_value(|stack| {
            if !deeper {
                stack.pop();
            }
            stack.push(to);
            stack.len().saturating_sub(1)
        });
        let depth = depth.and_then(|depth| u16::try_from(depth).ok()).unwrap_or_default();
        let state = HistoryState { depth, rank: to.contact().and_then(|id| self.contacts.rank(id)) };
        if deeper {
            History::push(state)
        } else {
            History::replace(state)
        }
        self.place.set(to);
    }

    /// Notes the present place anew for a reload: a conversation can be gone to before its contact is known here, and
    /// a new contact moves the ranks of others.
    pub fn remember(&self) {
        let depth = self.stack.with_value(|stack| stack.len().saturating_sub(1));
        let rank = self.here().contact().and_then(|id| self.contacts.rank(id));
        History::replace(HistoryState { depth: depth.try_into().unwrap_or_default(), rank });
    }

    /// One step back, as the browser's own button.
    pub fn back(&self) {
        if self.stack.with_value(Vec::len) > 1 {
            History::rewind(1);
        } else {
            self.go(Place::Home);
        }
    }

    /// Back or Forward was pressed.
    pub fn popped(&self, to: HistoryState) {
        let depth = usize::from(to.depth);
        let place = self.stack.try_update_value(|stack| {
            if stack.len() > depth {
                stack.truncate(depth.saturating_add(1));
            } else {
                // Forward, to what is not remembered any more.
                stack.resize(depth.saturating_add(1), Place::Home);
                if let (Some(top), Some(contact)) =
                    (stack.last_mut(), to.rank.and_then(|rank| self.contacts.at_rank(rank)))
                {
                    *top = Place::Chat(contact);
                }
            }
            stack.last().copied().unwrap_or_default()
        });
        self.place.set(place.unwrap_or_default());
    }

    /// Leaves every place that is about somebody who is gone.
    pub fn forget(&self, contact: ContactId) {
        self.stack.update_value(|stack| {
            for place in stack.iter_mut().filter(|place| place.contact() == Some(contact)) {
                *place = Place::Home;
            }
        });
        if self.here().contact() == Some(contact) {
            self.back_home();
        }
    }

    /// To the list, taking back what was added to the history.
    pub fn back_home(&self) {
        let depth = self.stack.with_value(|stack| stack.len().saturating_sub(1));
        self.stack.set_value(vec![Place::Home]);
        self.place.set(Place::Home);
        if let Some(depth) = u16::try_from(depth).ok().filter(|depth| *depth > 0) {
            History::rewind(depth);
        }
    }
}
