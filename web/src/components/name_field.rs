//! The field for one's own name.

use leptos::prelude::*;

/// A labelled field with a hint.
#[component]
pub fn NameField(
    value: RwSignal<String>,
    label: &'static str,
    hint: &'static str,
    #[prop(default = "own-name")] test_id: &'static str,
) -> impl IntoView {
    let hint_id = format!("{test_id}-hint");
    view! {
        <div class="field">
            <label for=test_id>{label}</label>
            <input
                id=test_id
                class="input"
                data-testid=test_id
                type="text"
                dir="auto"
                maxlength="64"
                autocomplete="nickname"
                autocapitalize="words"
                spellcheck="false"
                aria-describedby=hint_id.clone()
                prop:value=move || value.get()
                on:input=move |event| value.set(event_target_value(&event))
            />
            <p class="soft small" id=hint_id>{hint}</p>
        </div>
    }
}
