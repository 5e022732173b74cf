//! The mark: a voice that gets quieter.

use leptos::prelude::*;

use crate::i18n::*;

/// Mark and name, where the static shell has them too.
#[component]
pub fn Brand() -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <span class="brand">
            <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
                <path
                    class="mark-ground"
                    d="M16 2.5C8 2.5 2 8 2 15.2c0 4 1.9 7.5 5 9.8l-.8 4.5 5.3-2.4c1.4.4 2.9.6 4.5.6 8 0 14-5.4 14-12.5S24 2.5 16 2.5Z"
                />
                <circle class="mark-dot" cx="9.8" cy="15.2" r="3.1" />
                <circle class="mark-dot" cx="17.1" cy="15.2" r="2.1" />
                <circle class="mark-dot" cx="22.8" cy="15.2" r="1.2" />
            </svg>
            <span class="brand-name">{tu_string!(i18n, app.name)}</span>
        </span>
    }
}

/// Two people, and what goes between them.
#[component]
pub fn Pair() -> impl IntoView {
    view! {
        <svg class="pair" viewBox="0 0 240 96" aria-hidden="true">
            <path class="pair-way" d="M70 48h100" />
            <circle class="pair-one" cx="44" cy="48" r="27" />
            <circle class="pair-other" cx="196" cy="48" r="27" />
            <circle class="pair-dot" cx="34" cy="48" r="5" />
            <circle class="pair-dot" cx="46" cy="48" r="3.4" />
            <circle class="pair-dot" cx="55.5" cy="48" r="2" />
            <path class="pair-smile" d="M186 46.5c2.5 8.5 17.5 8.5 20 0" />
            <circle class="pair-ground" cx="120" cy="48" r="15" />
            <path class="pair-lock" d="M113.5 46.5h13v9h-13zM116 46.5V43a4 4 0 0 1 8 0v3.5" />
        </svg>
    }
}
