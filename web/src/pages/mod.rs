//! The screens.

mod card;
mod chat;
mod file_sheet;
mod halted;
mod invite;
mod list;
mod refusal;
mod settings;
mod verify;
mod welcome;

use leptos::prelude::*;
use sotto_engine::{Command, ContactId, Standing};

pub use card::CardPage;
pub use chat::{ChatPage, lost};
pub use file_sheet::FileSheet;
pub use halted::Halted;
pub use invite::InvitePage;
pub use list::{ListPage, is_empty, route_tag, standing_tag};
pub use refusal::ask_for_link;
pub use settings::SettingsPage;
pub use verify::VerifyPage;
pub use welcome::Welcome;

use crate::state::{ContactStoreFields, Place, State};

/// Whether files can be sent to this contact now. Tracked.
pub fn can_receive(state: State, contact: ContactId) -> bool {
    state.contacts.get(contact).is_some_and(|contact| contact.standing().get() == Standing::Confirmed)
}

/// Looks at a link without using it up.
pub fn look_at(state: State, link: String) {
    state.card.set(None);
    state.card_link.set(Some(link.clone()));
    state.navigator.go(Place::Card);
    state.client.send(Command::LookAtInvite(link));
}
