//! What stands at the very start of a conversation.

use leptos::prelude::*;
use reactive_stores::Store;
use sotto_engine::{Route, Standing};

use crate::{
    components::{Avatar, Glyph, Icon},
    i18n::*,
    pages::{lost, route_tag},
    state::{Contact, ContactStoreFields, Place, use_state},
    texts,
};

/// Who it is, and what protects the conversation.
#[component]
pub fn Opening(contact: Store<Contact>) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let id = contact.id().get_untracked();
    let name = Signal::derive(move || texts::name(i18n, contact.name().get()));
    let path = move || {
        if contact.standing().get() != Standing::Confirmed {
            return "";
        }
        if lost(contact).is_some() {
            return t_string!(i18n, chat.line_waiting);
        }
        match contact.route().get() {
            Route::Direct => t_string!(i18n, chat.line_direct),
            Route::Relayed => t_string!(i18n, chat.line_relayed),
            Route::Connecting => t_string!(i18n, chat.line_connecting),
            Route::Server => t_string!(i18n, chat.line_server),
            Route::Away => t_string!(i18n, chat.line_away),
            Route::Waiting => t_string!(i18n, chat.line_waiting),
        }
    };
    view! {
        <div class="opening">
            <Avatar id=id name=name large=true />
            <p class="opening-name"><bdi dir="auto">{name}</bdi></p>
            <p
                class="opening-line"
                data-testid="encrypted-line"
                data-route=move || route_tag(contact.route().get())
            >
                <Icon glyph=Glyph::Lock />
                <span>{tu_string!(i18n, chat.encrypted)}" "{path}</span>
            </p>
            <Show when=move || !contact.verified().get() && contact.standing().get() == Standing::Confirmed>
                <button
                    type="button"
                    class="button small-button quiet"
                    data-testid="opening-verify"
                    on:click=move |_| state.navigator.go(Place::Verify(id))
                >
                    <Icon glyph=Glyph::Shield />
                    {tu_string!(i18n, chat.verify)}
                </button>
            </Show>
        </div>
    }
}
