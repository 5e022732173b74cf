//! A line above everything, while something concerns everything.

use leptos::prelude::*;
use sotto_engine::ServerStatus;

use crate::{
    components::{Glyph, Icon},
    i18n::*,
    state::use_state,
    texts,
};

/// Says that this device is offline or refused, or the server out of reach.
#[component]
pub fn Banner() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let shown = Memo::new(move |_| match state.server.get() {
        // Nothing else happens meanwhile.
        _ if state.room.full.get() => None,
        ServerStatus::Offline => Some(("offline", t_string!(i18n, banner.offline))),
        ServerStatus::Unreachable => Some(("unreachable", t_string!(i18n, banner.unreachable))),
        ServerStatus::Refused => Some(("refused", t_string!(i18n, banner.refused))),
        ServerStatus::Connected | ServerStatus::Connecting | ServerStatus::Displaced => None,
    });
    view! {
        <div class="banner-place" role="status">
            <StorageBanner />
            {move || {
                shown
                    .get()
                    .map(|(id, text)| {
                        view! {
                            <p class="banner" data-testid=id>
                                <Icon glyph=Glyph::Warning />
                                <span>{text}</span>
                            </p>
                        }
                    })
            }}
        </div>
    }
}

/// Says that the storage is full, or will soon be.
#[component]
fn StorageBanner() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let again = move |_| {
        if let Some(sotto) = state.client.get() {
            sotto.store_again();
        }
    };
    move || {
        match (state.room.full.get(), state.room.little.get()) {
        (true, _) => view! {
            <p class="banner banner-bad" data-testid="storage-full">
                <Icon glyph=Glyph::Warning />
                <span>{tu_string!(i18n, banner.full)}</span>
                <button type="button" class="button quiet small-button" data-testid="store-again" on:click=again>
                    {tu_string!(i18n, banner.full_again)}
                </button>
            </p>
        }
        .into_any(),
        (false, Some(left)) => view! {
            <p class="banner" data-testid="storage-low">
                <Icon glyph=Glyph::Warning />
                <span>{tu_string!(i18n, banner.low, size = texts::size(i18n, left)).to_string()}</span>
            </p>
        }
        .into_any(),
        (false, None) => ().into_any(),
    }
    }
}
