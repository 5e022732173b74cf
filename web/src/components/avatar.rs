//! Somebody without a picture.

use leptos::prelude::*;
use sotto_engine::ContactId;

use crate::logic::person;

/// Initials on a hue of one's own. The name stands beside it, so it says nothing to screen readers.
#[component]
pub fn Avatar(
    id: ContactId,
    #[prop(into)] name: Signal<String>,
    #[prop(optional)] large: bool,
) -> impl IntoView {
    let initials = Memo::new(move |_| person::initials(&name.get()));
    let hue = person::hue(id).to_string();
    view! {
        <span class="avatar" class:large=large style:--hue=hue aria-hidden="true">
            {move || {
                let initials = initials.get();
                if initials.is_empty() {
                    view! {
                        <svg viewBox="0 0 24 24">
                            <path d="M12 12.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4.5 20a7.5 7.5 0 0 1 15 0" />
                        </svg>
                    }.into_any()
                } else {
                    initials.into_any()
                }
            }}
        </span>
    }
}
