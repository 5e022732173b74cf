//! New messages, for those who listen.

use leptos::prelude::*;

use crate::{
    i18n::*,
    logic::person,
    state::{Said, use_state},
    texts,
};

/// A live region that speaks new messages and nothing else; the history is none.
#[component]
pub fn Announcer() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let words = move |contact, said| {
        let name = texts::contact_now(i18n, state, contact);
        match said {
            Said::Text(text) => t_string!(i18n, chat.announce, name = name, text = text).to_string(),
            Said::File(file) => {
                t_string!(i18n, chat.announce_file, name = name, file = person::isolate(&file)).to_string()
            }
        }
    };
    view! {
        <p class="hush" role="status" aria-live="polite" data-testid="announcer">
            // Each in an element of its own: the same words again would change nothing, and not be spoken.
            <For each=move || state.heard.spoken() key=|(number, ..)| *number let((_, contact, said))>
                <span>{words(contact, said)}</span>
            </For>
        </p>
    }
}
