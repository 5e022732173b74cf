//! The end of everything on this device.

use leptos::{prelude::*, task::spawn_local};

use crate::{
    components::Confirm,
    i18n::*,
    state::{Halt, Phase, use_state},
};

/// Deletes everything, after asking.
#[component]
pub fn Wipe() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let asking = RwSignal::new(false);
    let wipe = move || {
        asking.set(false);
        let Some(sotto) = state.client.take() else { return };
        spawn_local(async move {
            state.phase.try_set(Phase::Halted(Halt::Wiped(sotto.wipe().await)));
        });
    };
    view! {
        <section class="section">
            <h2>{tu_string!(i18n, settings.wipe_head)}</h2>
            <p class="soft">{tu_string!(i18n, settings.wipe_text)}</p>
            <button type="button" class="button quiet danger-text" data-testid="wipe" on:click=move |_| asking.set(true)>
                {tu_string!(i18n, settings.wipe)}
            </button>
            <Show when=move || asking.get()>
                <Confirm
                    title=move || t!(i18n, settings.wipe_title)
                    text=tu_string!(i18n, settings.wipe_warn)
                    action=tu_string!(i18n, settings.wipe_yes)
                    on_yes=move |()| wipe()
                    on_close=move |()| asking.set(false)
                    test_id="wipe-dialog"
                    yes_id="wipe-confirm"
                    no_id="wipe-cancel"
                />
            </Show>
        </section>
    }
}
