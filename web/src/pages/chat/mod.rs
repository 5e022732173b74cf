//! A conversation.

mod composer;
mod file_actions;
mod file_card;
mod head;
mod lines;
mod message;
mod opening;
mod refused;
mod standing;
mod suggestion;
mod timeline;
mod unstored;

use leptos::prelude::*;
use reactive_stores::Store;
use sotto_engine::{ContactId, MessageOrder};

use crate::{
    pages::standing_tag,
    state::{ContactStoreFields, use_state},
};
use composer::Composer;
use head::Head;
use refused::RefusedBanner;
pub use refused::lost;
use standing::StandingBanner;
use suggestion::SuggestionRow;
use timeline::Timeline;
use unstored::Unstored;

/// The conversation with a contact.
#[component]
pub fn ChatPage(contact: ContactId) -> impl IntoView {
    let state = use_state();
    let Some(known) = state.contacts.get(contact) else { return ().into_any() };
    let known = Store::from(known);
    let unread = known.unread().get_untracked() > 0;
    // Where nothing was seen yet, all of it is new.
    let seen = unread.then(|| known.read_up_to().get_untracked().unwrap_or(MessageOrder::START));
    let command = state.chat.open(contact, seen);
    state.client.send(command);
    on_cleanup(move || {
        // The next conversation may be open already.
        if state.chat.shows(contact) {
            state.chat.close();
        }
    });
    view! {
        <div
            class="chat"
            data-testid="chat"
            data-contact=contact.to_string()
            data-standing=move || standing_tag(known.standing().get())
            data-refused=move || known.refused().get().to_string()
        >
            <Head contact=known />
            <Timeline contact=known />
            <SuggestionRow contact=known />
            <Unstored contact=contact />
            <StandingBanner contact=known />
            <RefusedBanner contact=known />
            <Composer contact=known />
        </div>
    }
    .into_any()
}
