//! One suggestion at a time, after something has happened that makes it useful.

use leptos::{prelude::*, task::spawn_local};
use reactive_stores::Store;
use sotto_engine::{Delivery, Standing};

use crate::{
    i18n::*,
    state::{Contact, ContactStoreFields, NoticeKind, Place, use_state},
};

/// Once something was delivered, the conversation is worth keeping.
#[component]
pub fn Suggestion(contact: Store<Contact>) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let id = contact.id().get_untracked();
    let worth = Memo::new(move |_| {
        contact.standing().get() == Standing::Confirmed
            && contact
                .last()
                .with(|last| last.as_ref().is_some_and(|last| last.delivery == Delivery::Delivered))
    });
    Effect::new(move |_| {
        if worth.get() {
            state.keeping.learn(state.client);
        }
    });
    let row = move |kind: &'static str,
                    words: &'static str,
                    yes: &'static str,
                    act: Callback<()>,
                    no: Callback<()>| {
        view! {
            <div class="suggestion" data-testid="suggestion" data-kind=kind>
                <p>{words}</p>
                <button
                    type="button"
                    class="button plain small-button"
                    data-testid="suggestion-dismiss"
                    on:click=move |_| no.run(())
                >
                    {tu_string!(i18n, suggestion.later)}
                </button>
                <button
                    type="button"
                    class="button quiet small-button"
                    data-testid="suggestion-accept"
                    on:click=move |_| act.run(())
                >
                    {yes}
                </button>
            </div>
        }
        .into_any()
    };
    let persist = Callback::new(move |()| {
        spawn_local(async move {
            let Some(sotto) = state.client.get() else { return };
            if !sotto.ask_to_persist().await {
                state.notices.say(NoticeKind::PersistDenied);
            }
            state.keeping.persist_answered();
        });
    });
    move || {
        if !worth.get() {
            return ().into_any();
        }
        if state.keeping.suggests_persist() {
            return row(
                "persist",
                t_string!(i18n, suggestion.persist),
                t_string!(i18n, suggestion.persist_yes),
                persist,
                Callback::new(move |()| state.keeping.persist_answered()),
            );
        }
        if state.keeping.suggests_verify() && !contact.verified().get() {
            return row(
                "verify",
                t_string!(i18n, suggestion.verify),
                t_string!(i18n, suggestion.verify_yes),
                Callback::new(move |()| {
                    state.keeping.verify_answered();
                    state.navigator.go(Place::Verify(id));
                }),
                Callback::new(move |()| state.keeping.verify_answered()),
            );
        }
        ().into_any()
    }
}
