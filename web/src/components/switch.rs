//! One thing that is on or off.

use leptos::prelude::*;

/// A switch with its label and a hint.
#[component]
pub fn Switch(
    label: &'static str,
    #[prop(into)] hint: Signal<String>,
    #[prop(into)] on: Signal<bool>,
    #[prop(into)] on_toggle: Callback<bool>,
    /// Also what its label and hint are called for assistive technology.
    test_id: &'static str,
) -> impl IntoView {
    let (label_id, hint_id) = (format!("{test_id}-label"), format!("{test_id}-hint"));
    view! {
        <div class="switch-row">
            <div>
                <p class="switch-label" id=label_id.clone()>{label}</p>
                <p class="soft small" id=hint_id.clone()>{move || hint.get()}</p>
            </div>
            <button
                type="button"
                class="switch"
                role="switch"
                data-testid=test_id
                aria-labelledby=label_id
                aria-describedby=hint_id
                aria-checked=move || on.get().to_string()
                on:click=move |_| on_toggle.run(!on.get_untracked())
            >
                <span class="switch-knob" aria-hidden="true"></span>
            </button>
        </div>
    }
}
