//! What was written while the storage is full: it stays in sight, and is neither stored nor sent.

use leptos::prelude::*;
use sotto_engine::ContactId;

use crate::{i18n::*, state::use_state};

/// The texts that wait for room.
#[component]
pub fn Unstored(contact: ContactId) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let texts = Memo::new(move |_| state.room.unstored(contact));
    view! {
        <Show when=move || texts.with(|texts| !texts.is_empty())>
            <section class="unstored" data-testid="unstored" role="status">
                <p class="soft small">{tu_string!(i18n, chat.unstored)}</p>
                <ul>
                    {move || {
                        texts
                            .get()
                            .into_iter()
                            .map(|text| view! { <li data-testid="unstored-text" dir="auto">{text}</li> })
                            .collect_view()
                    }}
                </ul>
            </section>
        </Show>
    }
}
