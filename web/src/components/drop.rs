//! Files held over the page.

use leptos::prelude::*;
use sotto_browser::{dropped_files, screen};
use sotto_engine::Command;

use crate::{
    components::{Glyph, Icon},
    i18n::*,
    pages::can_receive,
    state::{Outgoing, State, use_state},
    texts,
};

/// What a drop would do, here and now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    /// Send to the conversation on the screen.
    Contact(sotto_engine::ContactId),
    /// Make a link and send to whoever comes by it.
    NewLink,
    /// Nothing: this conversation is not ready.
    NotYet,
}

fn target(state: State) -> Target {
    match state.navigator.place().contact() {
        Some(contact) if can_receive(state, contact) => Target::Contact(contact),
        Some(_) => Target::NotYet,
        None => Target::NewLink,
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
            let files = dropped_files(event);
            if files.is_empty() {
                return;
            }
            match untrack(|| target(state)) {
                Target::Contact(contact) => {
                    state.outgoing.set(Some(Outgoing { contact: Some(contact), files }))
                }
                Target::NewLink => {
                    state.outgoing.set(Some(Outgoing { contact: None, files }));
                    state.client.send(Command::CreateInvite);
                }
                Target::NotYet => {}
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
                            Target::NewLink => t_string!(i18n, file.drop_new).to_string(),
                            Target::NotYet => t_string!(i18n, file.drop_not_yet).to_string(),
                        }}
                    </p>
                </div>
            </div>
        </Show>
    }
}
