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
    let risk = move || {
        let estimate = estimate.get()?;
        Some(if estimate.private {
            ("private", t_string!(i18n, settings.private))
        } else if estimate.persisted {
            ("kept", t_string!(i18n, settings.persisted))
        } else {
            ("evictable", t_string!(i18n, settings.not_persisted))
        })
    };
    let persisted = move || estimate.get().is_some_and(|estimate| estimate.persisted);
    view! {
        <section class="section">
            <h2>{tu_string!(i18n, settings.storage)}</h2>
            <p data-testid="storage-used">{move || used(i18n, estimate.get())}</p>
            {move || risk().map(|(risk, words)| view! {
                <p class="soft" data-testid="storage-risk" data-risk=risk>{words}</p>
            })}
            <Show when=move || !persisted()>
                <button type="button" class="button quiet" data-testid="persist" on:click=persist>
                    {tu_string!(i18n, settings.persist)}
                </button>
            </Show>
            <p class="soft small" role="status">
                {move || denied.get().then(|| t_string!(i18n, settings.persist_denied))}
            </p>
        </section>
    }
}

fn used(i18n: Texts, estimate: Option<StorageEstimate>) -> String {
    let Some(StorageEstimate { used, quota, files, .. }) = estimate else {
        return t_string!(i18n, settings.storage_unknown).to_string();
    };
    let all = texts::size(i18n, used);
    match (quota, files.filter(|files| *files > 0)) {
        (0, _) => t_string!(i18n, settings.storage_used_only, used = all).to_string(),
        (quota, None) => {
            t_string!(i18n, settings.storage_used, used = all, quota = texts::size(i18n, quota)).to_string()
        }
        (quota, Some(files)) => t_string!(
            i18n,
            settings.storage_used_files,
            used = all,
            files = texts::size(i18n, files),
            quota = texts::size(i18n, quota)
        )
        .to_string(),
    }
}
