//! The screens.

mod card;
mod chat;
mod connection;
mod damage_sheet;
mod file_sheet;
mod halted;
mod invite;
mod list;
mod refusal;
mod settings;
mod verify;
mod welcome;

use leptos::prelude::*;
use sotto_browser::{HandedFiles, PickedFile};
use sotto_engine::{Command, ContactId, Linking, Standing};

pub use card::CardPage;
pub use chat::{ChatPage, lost};
pub use connection::ConnectionPage;
pub use damage_sheet::DamageSheet;
pub use file_sheet::FileSheet;
pub use halted::Halted;
pub use invite::InvitePage;
pub use list::{ListPage, is_empty, path_tag, route_tag, standing_tag};
pub use refusal::ask_for_link;
pub use settings::SettingsPage;
pub use verify::VerifyPage;
pub use welcome::Welcome;

use crate::state::{ContactStoreFields, NoticeKind, Outgoing, Place, State};

/// Whether files can be sent to this contact now. Tracked.
pub fn can_receive(state: State, contact: ContactId) -> bool {
    state.contacts.get(contact).is_some_and(|contact| contact.standing().get() == Standing::Confirmed)
}

/// Whether files can be moved by this browser as it is set; if not, says so.
pub fn can_move_files(state: State) -> bool {
    let possible = state.linking.get_untracked() == Linking::Possible;
    if !possible {
        state.notices.say(NoticeKind::FilesNeedLink);
    }
    possible
}

/// Looks at a link without using it up.
pub fn look_at(state: State, link: String) {
    state.card.set(None);
    state.card_link.set(Some(link.clone()));
    state.navigator.go(Place::Card);
    state.client.send(Command::LookAtInvite(link));
}

/// Takes files for a contact: they are shown once more before anything is sent. Says why, where they cannot be sent.
pub fn take_files(state: State, contact: ContactId, handed: HandedFiles) {
    let files = without_folders(state, handed);
    if files.is_empty() || !can_move_files(state) {
        return;
    }
    if untrack(|| can_receive(state, contact)) {
        state.outgoing.set(Some(Outgoing { contact, files }));
    } else {
        state.notices.say(NoticeKind::NoFilesNow(contact));
    }
}

/// The files among what was handed over; says so, where a folder is left out.
pub fn without_folders(state: State, handed: HandedFiles) -> Vec<PickedFile> {
    if handed.has_folder {
        state.notices.say(NoticeKind::FolderLeftOut);
    }
    handed.files
}

/// Makes a link; whoever comes by it is offered these files.
pub fn create_link(state: State, files: Vec<PickedFile>) {
    state.held.ask(files);
    state.client.send(Command::CreateInvite);
}
