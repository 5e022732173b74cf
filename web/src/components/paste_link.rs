//! A link that was got elsewhere.

use leptos::prelude::*;

use crate::{i18n::*, pages::look_at, state::use_state};

/// A field to paste a link into.
#[component]
pub fn PasteLink() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let link = RwSignal::new(String::new());
    let empty = move || link.with(|link| link.trim().is_empty());
    view! {
        <form
            class="paste"
            on:submit=move |event| {
                event.prevent_default();
                let link = link.get_untracked().trim().to_owned();
                if !link.is_empty() {
                    look_at(state, link);
                }
            }
        >
            <label for="paste-link">{tu_string!(i18n, welcome.got_link)}</label>
            <div class="row">
                <input
                    id="paste-link"
                    class="input"
                    data-testid="paste-link"
                    type="url"
                    inputmode="url"
                    autocomplete="off"
                    spellcheck="false"
                    placeholder=tu_string!(i18n, welcome.paste)
                    prop:value=move || link.get()
                    on:input=move |event| link.set(event_target_value(&event))
                />
                <button type="submit" class="button quiet" data-testid="open-link" prop:disabled=empty>
                    {tu_string!(i18n, welcome.open)}
                </button>
            </div>
        </form>
    }
}
