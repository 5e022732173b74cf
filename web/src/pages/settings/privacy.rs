//! What others learn.

use leptos::prelude::*;
use sotto_engine::{Command, Linking};

use crate::{components::Switch, i18n::*, state::use_state};

/// Whether contacts may learn this device's network address.
#[component]
pub fn Privacy() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let on = Memo::new(move |_| state.settings.get().relay_only);
    view! {
        <section class="section">
            <h2>{tu_string!(i18n, settings.privacy)}</h2>
            <Switch
                label=tu_string!(i18n, settings.relay_only)
                hint=Signal::derive(move || t_string!(i18n, settings.relay_only_hint).to_owned())
                on=on
                on_toggle=move |on| state.client.send(Command::SetRelayOnly(on))
                test_id="relay-only"
            />
            <p class="soft small" role="status" data-testid="relay-only-state">
                {move || match state.linking.get() {
                    Linking::NoRelay => t_string!(i18n, settings.relay_only_server),
                    Linking::Blocked => t_string!(i18n, settings.relay_only_blocked),
                    Linking::Possible => "",
                }}
            </p>
        </section>
    }
}
