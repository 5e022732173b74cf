//! One suggestion at a time, after something has happened that makes it useful.

use leptos::{prelude::*, task::spawn_local};
use reactive_stores::Store;
use sotto_engine::{Content, Delivery, FileState, MessageOrder, MessageView, Standing};

use crate::{
    i18n::*,
    logic::suggestion::{Suggestion, suggestion},
    state::{Contact, ContactStoreFields, NoticeKind, Place, use_state},
};

/// Something arrived: what was said here, or a file there.
fn is_worth_keeping(last: &MessageView) -> bool {
    let is_kept_file =
        matches!(&last.content, Content::File(file) if !last.mine && file.state == FileState::Verified);
    last.delivery == Delivery::Delivered || is_kept_file
}

/// Once something was delivered, the conversation is worth keeping.
#[component]
pub fn SuggestionRow(contact: Store<Contact>) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let id = contact.id().get_untracked();
    let delivered = Memo::new(move |before: Option<&Option<MessageOrder>>| {
        if contact.standing().get() != Standing::Confirmed {
            return None;
        }
        let last = contact
            .last()
            .with(|last| last.as_ref().filter(|last| is_worth_keeping(last)).map(|last| last.order));
        last.or(before.copied().flatten())
    });
    Effect::new(move |_| {
        if delivered.get().is_some() {
            state.keeping.learn(state.client);
        }
    });
    let shown = Memo::new(move |shown: Option<&Option<Suggestion>>| {
        suggestion(shown.copied().flatten(), delivered.get(), state.keeping.answered(), |other| {
            state.keeping.is_of_use(other) && (other != Suggestion::Verify || !contact.verified().get())
        })
    });
    let answer = move |other| state.keeping.answer(other, delivered.get_untracked());
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
            state.keeping.answer(Suggestion::Persist, delivered.try_get_untracked().flatten());
        });
    });
    move || match shown.get() {
        None => ().into_any(),
        Some(Suggestion::Persist) => row(
            "persist",
            t_string!(i18n, suggestion.persist),
            t_string!(i18n, suggestion.persist_yes),
            persist,
            Callback::new(move |()| answer(Suggestion::Persist)),
        ),
        Some(Suggestion::Verify) => row(
            "verify",
            t_string!(i18n, suggestion.verify),
            t_string!(i18n, suggestion.verify_yes),
            Callback::new(move |()| {
                answer(Suggestion::Verify);
                state.navigator.go(Place::Verify(id));
            }),
            Callback::new(move |()| answer(Suggestion::Verify)),
        ),
    }
}
