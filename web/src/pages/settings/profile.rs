//! One's own name.

use leptos::prelude::*;
use sotto_engine::Command;

use crate::{components::NameField, i18n::*, state::use_state};

/// One's own name.
#[component]
pub fn ProfileSection() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let name = RwSignal::new(state.profile.with_untracked(|profile| profile.name.clone()));
    let saved = Memo::new(move |_| {
        state.profile.with(|profile| profile.name == name.with(|name| name.trim().to_owned()))
    });
    view! {
        <section class="section">
            <h2>{tu_string!(i18n, settings.profile)}</h2>
            <form
                class="stack"
                on:submit=move |event| {
                    event.prevent_default();
                    state.client.send(Command::SetName(name.get_untracked().trim().to_owned()));
                }
            >
                <NameField
                    value=name
                    label=tu_string!(i18n, settings.name)
                    hint=tu_string!(i18n, settings.name_hint)
                />
                <button type="submit" class="button quiet" data-testid="save-name" prop:disabled=move || saved.get()>
                    {move || {
                        if saved.get() { t_string!(i18n, settings.name_saved) } else { t_string!(i18n, settings.name_save) }
                    }}
                </button>
            </form>
        </section>
    }
}
