//! What is stored here, and whether the browser keeps it.

use leptos::{prelude::*, task::spawn_local};
use sotto_browser::StorageEstimate;

use crate::{
    i18n::*,
    state::use_state,
    texts::{self, Texts},
};

/// Storage: how much, and for how long.
#[component]
pub fn StorageSection() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let estimate = RwSignal::new(None::<StorageEstimate>);
    let denied = RwSignal::new(false);
    let ask = move || {
        spawn_local(async move {
            if let Some(sotto) = state.client.get() {
                estimate.try_set(sotto.storage().await);
            }
        });
    };
    ask();
    let persist = move |_| {
        spawn_local(async move {
            let Some(sotto) = state.client.get() else { return };
            denied.try_set(!sotto.ask_to_persist().await);
            ask();
        });
    };
    let persisted = move || estimate.get().is_some_and(|estimate| estimate.persisted);
    view! {
        <section class="section">
            <h2>{tu_string!(i18n, settings.storage)}</h2>
            <p data-testid="storage-used">{move || used(i18n, estimate.get())}</p>
            {move || {
                if persisted() {
                    view! { <p class="soft" data-testid="persisted">{tu_string!(i18n, settings.persisted)}</p> }.into_any()
                } else {
                    view! {
                        <p class="soft">{tu_string!(i18n, settings.not_persisted)}</p>
                        <button type="button" class="button quiet" data-testid="persist" on:click=persist>
                            {tu_string!(i18n, settings.persist)}
                        </button>
                    }.into_any()
                }
            }}
            <p class="soft small" role="status">
                {move || denied.get().then(|| t_string!(i18n, settings.persist_denied))}
            </p>
        </section>
    }
}

fn used(i18n: Texts, estimate: Option<StorageEstimate>) -> String {
    match estimate {
        None => t_string!(i18n, settings.storage_unknown).to_string(),
        Some(StorageEstimate { used, quota: 0, .. }) => {
            t_string!(i18n, settings.storage_used_only, used = texts::size(i18n, used)).to_string()
        }
        Some(StorageEstimate { used, quota, .. }) => t_string!(
            i18n,
            settings.storage_used,
            used = texts::size(i18n, used),
            quota = texts::size(i18n, quota)
        )
        .to_string(),
    }
}
