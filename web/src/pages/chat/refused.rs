//! The server refuses what is written to a contact: what happened, and the step out of it.

use leptos::prelude::*;
use reactive_stores::Store;
use sotto_engine::Standing;

use crate::{
    components::{Glyph, Icon},
    i18n::*,
    pages::ask_for_link,
    state::{Contact, ContactStoreFields, use_state},
    texts,
};

/// Says that the contact cannot be reached, as long as it cannot.
#[component]
pub fn RefusedBanner(contact: Store<Contact>) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let refused = Memo::new(move |_| contact.refused().get());
    let name = move || texts::name(i18n, contact.name().get());
    let words = move || match contact.standing().get() {
        Standing::AwaitingTheirs => {
            view! { {t!(i18n, chat.refused_link, name = name, <bdi> = <bdi dir="auto" />)} }.into_any()
        }
        _ => view! { {t!(i18n, chat.refused, name = name, <bdi> = <bdi dir="auto" />)} }.into_any(),
    };
    view! {
        <Show when=move || refused.get()>
            <section class="confirm" data-testid="refused-banner" role="status">
                <p class="confirm-question refused-line">
                    <Icon glyph=Glyph::Warning />
                    <span>{words}</span>
                </p>
                <p class="soft small">{tu_string!(i18n, chat.refused_kept)}</p>
                <div class="actions">
                    <button
                        type="button"
                        class="button quiet"
                        data-testid="ask-new-link"
                        on:click=move |_| ask_for_link(i18n, state)
                    >
                        {tu_string!(i18n, refusal.ask)}
                    </button>
                </div>
            </section>
        </Show>
    }
}
