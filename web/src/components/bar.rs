//! The head of a page below the list.

use leptos::prelude::*;

use crate::{
    components::{Glyph, Icon},
    i18n::*,
    state::use_state,
};

/// Back, and the page's title.
#[component]
pub fn Bar(#[prop(into)] title: ViewFn) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    view! {
        <header class="bar">
            <button
                type="button"
                class="icon-button back"
                data-testid="back"
                aria-label=tu_string!(i18n, app.back)
                on:click=move |_| state.navigator.back()
            >
                <Icon glyph=Glyph::Back />
            </button>
            <h1 class="bar-title">{title.run()}</h1>
        </header>
    }
}
