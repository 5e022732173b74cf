//! A link that was opened: who invites, and one button.

use leptos::{prelude::*, task::spawn_local};
use sotto_browser::{page, screen};
use sotto_engine::{CardView, Command, ServerStatus};

use crate::{
    components::{Brand, NameField, Pair},
    i18n::*,
    logic::person,
    pages::refusal::Refusal,
    state::{NoticeKind, use_state},
    texts,
};

/// The card behind the link that is being looked at. Nothing is used up before the button is pressed.
#[component]
pub fn CardPage() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    view! {
        <header class="bar bar-brand"><Brand /></header>
        <div class="page scroll">
            <div class="column card-column">
                {move || match state.card.get() {
                    None | Some(CardView::Looking) => {
                        view! {
                            <section class="card" data-testid="card" data-state="looking">
                                <Pair />
                                <p class="lead" role="status">{tu_string!(i18n, card.looking)}</p>
                            </section>
                        }.into_any()
                    }
                    Some(CardView::Open { name }) => view! { <Invitation name=name accepting=false /> }.into_any(),
                    Some(CardView::Accepting { name }) => view! { <Invitation name=name accepting=true /> }.into_any(),
                    Some(CardView::Refused(why)) => view! { <Refusal why=why /> }.into_any(),
                    // The conversation is on its way to the screen.
                    Some(CardView::Accepted(_) | CardView::AlreadyContact(_)) => ().into_any(),
                }}
            </div>
        </div>
    }
}

#[component]
fn Invitation(name: String, accepting: bool) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let own = RwSignal::new(state.profile.with_untracked(|profile| profile.name.clone()));
    if own.with_untracked(String::is_empty) {
        own.set(suggested(i18n));
    }
    let start = move |_| {
        state.client.send(Command::AcceptInvite { name: own.get_untracked().trim().to_owned() });
    };
    let headline = if name.trim().is_empty() {
        view! { <h1 class="card-title" data-testid="card-name">{tu_string!(i18n, card.invites_nameless)}</h1> }
            .into_any()
    } else {
        view! {
            <h1 class="card-title">
                {t!(
                    i18n,
                    card.invites,
                    name = name,
                    <bdi> = <bdi dir="auto" data-testid="card-name" />,
                    <em> = <span class="unverified" />
                )}
            </h1>
        }
        .into_any()
    };
    view! {
        <section class="card" data-testid="card" data-state=if accepting { "accepting" } else { "open" }>
            <Pair />
            {headline}
            <p class="soft">{tu_string!(i18n, card.lead)}</p>
            {page::in_app_browser().then(|| view! { <InApp /> })}
            <form
                class="stack"
                on:submit=move |event| {
                    event.prevent_default();
                    if !accepting {
                        start(());
                    }
                }
            >
                <NameField
                    value=own
                    label=tu_string!(i18n, card.your_name)
                    hint=tu_string!(i18n, card.your_name_hint)
                />
                <button
                    type="submit"
                    class="button primary wide"
                    data-testid="start-talking"
                    disabled=accepting
                >
                    {move || match (accepting, state.server.get()) {
                        (false, _) => t_string!(i18n, card.start),
                        (true, ServerStatus::Connected) => t_string!(i18n, card.starting),
                        (true, _) => t_string!(i18n, card.starting_offline),
                    }}
                </button>
                {(!accepting)
                    .then(|| {
                        view! {
                            <button
                                type="button"
                                class="button plain wide"
                                data-testid="card-close"
                                on:click=move |_| state.navigator.back()
                            >
                                {tu_string!(i18n, card.not_now)}
                            </button>
                            <p class="soft small center">{tu_string!(i18n, card.unused)}</p>
                        }
                    })}
            </form>
        </section>
    }
}

/// Where what is stored would be lost together with the other app's window.
#[component]
fn InApp() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let copied = RwSignal::new(false);
    let copy = move |_| {
        let Some(link) = state.card_link.get_untracked() else { return };
        spawn_local(async move {
            if page::copy(&texts::whole_link(&link)).await {
                copied.try_set(true);
            } else {
                state.notices.say(NoticeKind::CopyFailed);
            }
        });
    };
    view! {
        <div class="hint" data-testid="in-app-browser">
            <p>{tu_string!(i18n, card.in_app)}</p>
            <button type="button" class="button quiet" data-testid="copy-link" on:click=copy>
                {move || if copied.get() { t_string!(i18n, app.copied) } else { t_string!(i18n, card.in_app_copy) }}
            </button>
        </div>
    }
}

/// Two friendly words; the clock is random enough for this.
fn suggested(i18n: texts::Texts) -> String {
    let (adjective, animal) = person::suggestion(
        tu_string!(i18n, suggest.adjectives),
        tu_string!(i18n, suggest.animals),
        screen::now().0 / 7,
    );
    tu_string!(i18n, suggest.order, adjective = adjective, animal = animal).to_string()
}
