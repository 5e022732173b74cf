//! Files held over the page.

use leptos::prelude::*;
use sotto_browser::{dropped_files, screen};
use sotto_engine::{ContactId, InviteId};

use crate::{
    components::{Glyph, Icon},
    i18n::*,
    pages::{can_receive, create_link, take_files, without_folders},
    state::{Place, State, use_state},
    texts,
};

/// What a drop would do, here and now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    /// Send to the conversation on the screen.
    Contact(ContactId),
    /// Hold for whoever comes by the link on the screen.
    Link(InviteId),
    /// Make a link and hold for whoever comes by it.
    NewLink,
    /// Nothing: this conversation is not ready.
    NotYet(ContactId),
}

fn target(state: State) -> Target {
    match state.navigator.place() {
        Place::Invite(id) if state.invites.with(|all| all.iter().any(|invite| invite.id == id)) => {
            Target::Link(id)
        }
        place => match place.contact() {
            Some(contact) if can_receive(state, contact) => Target::Contact(contact),
            Some(contact) => Target::NotYet(contact),
            None => Target::NewLink,
        },
    }
}

/// Takes drops anywhere on the page and shows to whom they would go.
#[component]
pub fn DropTarget() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let over = RwSignal::new(false);
    let watch = screen::on_drag(
        move |held| {
            over.try_set(held);
        },
        move |event| {
            let handed = dropped_files(event);
            match untrack(|| target(state)) {
                Target::Contact(contact) | Target::NotYet(contact) => take_files(state, contact, handed),
                Target::Link(invite) => state.held.add(invite, without_folders(state, handed)),
                Target::NewLink => {
                    let files = without_folders(state, handed);
                    if !files.is_empty() {
                        create_link(state, files);
                    }
                }
            }
        },
    );
    let _kept = StoredValue::new_local(watch);
    view! {
        <Show when=move || over.get()>
            <div class="drop" data-testid="drop-target">
                <div class="drop-inside">
                    <Icon glyph=Glyph::Download />
                    <p>
                        {move || match target(state) {
                            Target::Contact(contact) => {
                                let name = texts::contact_isolated(i18n, state, contact);
                                t_string!(i18n, file.drop_for, name = name).to_string()
                            }
                            Target::Link(_) => t_string!(i18n, file.drop_link).to_string(),
                            Target::NewLink => t_string!(i18n, file.drop_new).to_string(),
                            Target::NotYet(_) => t_string!(i18n, file.drop_not_yet).to_string(),
                        }}
                    </p>
                </div>
            </div>
        </Show>
    }
}
