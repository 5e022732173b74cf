//! A link that cannot be used: what happened, and the next step.

use leptos::{prelude::*, task::spawn_local};
use sotto_browser::{page, screen};
use sotto_engine::CardRefusal;

use crate::{
    components::{Glyph, Icon},
    i18n::*,
    pages::look_at,
    state::{NoticeKind, State, use_state},
    texts::Texts,
};

/// The one step that makes sense.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Ask for a new link.
    Ask,
    /// Try the same link again.
    Again,
    /// Load a newer version.
    Reload,
    /// Nothing but to go on.
    Home,
}

/// The page of a refused link.
#[component]
pub fn Refusal(why: CardRefusal) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let (reason, next) = kind(&why);
    let said = Memo::new(move |_| words(i18n, &why));
    let action = match next {
        Next::Ask => Some(view! {
            <button type="button" class="button primary wide" data-testid="ask-new-link" on:click=move |_| ask_for_link(i18n, state)>
                {tu_string!(i18n, refusal.ask)}
            </button>
        }.into_any()),
        Next::Again => Some(view! {
            <button
                type="button"
                class="button primary wide"
                data-testid="try-again"
                on:click=move |_| {
                    if let Some(link) = state.card_link.get_untracked() {
                        look_at(state, link);
                    }
                }
            >
                {tu_string!(i18n, refusal.again)}
            </button>
        }.into_any()),
        Next::Reload => Some(view! {
            <button type="button" class="button primary wide" data-testid="reload" on:click=move |_| screen::reload()>
                {tu_string!(i18n, refusal.reload)}
            </button>
        }.into_any()),
        Next::Home => None,
    };
    view! {
        <section class="card refusal" data-testid="card-refusal" data-reason=reason>
            <span class="seal" aria-hidden="true">
                <Icon glyph=if reason == "tampered" { Glyph::Warning } else { Glyph::Link } />
            </span>
            <h1 class="card-title">{move || said.get().0}</h1>
            <p>{move || said.get().1}</p>
            <p class="soft">{move || said.get().2}</p>
            <div class="stack">
                {action}
                <button
                    type="button"
                    class="button plain wide"
                    data-testid="card-close"
                    on:click=move |_| {
                        state.card.set(None);
                        state.card_link.set(None);
                        state.navigator.back();
                    }
                >
                    {tu_string!(i18n, refusal.home)}
                </button>
            </div>
        </section>
    }
}

/// Hands on a request where the browser can share; else copies it.
pub fn ask_for_link(i18n: Texts, state: State) {
    let (title, text) = (tu_string!(i18n, app.name), tu_string!(i18n, refusal.ask_text));
    spawn_local(async move {
        if page::can_share() && page::share(title, text, "").await != page::ShareOutcome::Failed {
            return;
        }
        let copied = page::copy(text).await;
        state.notices.say(if copied { NoticeKind::RequestCopied } else { NoticeKind::CopyFailed });
    });
}

fn kind(why: &CardRefusal) -> (&'static str, Next) {
    match why {
        CardRefusal::Malformed => ("malformed", Next::Ask),
        CardRefusal::NewerVersion => ("newer-version", Next::Reload),
        CardRefusal::OtherServer { .. } => ("other-server", Next::Home),
        CardRefusal::Used => ("used", Next::Ask),
        CardRefusal::Gone => ("gone", Next::Ask),
        CardRefusal::OldDevices => ("old-devices", Next::Ask),
        CardRefusal::Own => ("own", Next::Home),
        CardRefusal::Tampered => ("tampered", Next::Ask),
        CardRefusal::Unreachable => ("unreachable", Next::Again),
        CardRefusal::TooMany { .. } => ("too-many", Next::Again),
    }
}

fn words(i18n: Texts, why: &CardRefusal) -> (&'static str, String, &'static str) {
    let (title, text, next) = match why {
        CardRefusal::Malformed => (
            t_string!(i18n, refusal.malformed_title),
            t_string!(i18n, refusal.malformed),
            t_string!(i18n, refusal.malformed_next),
        ),
        CardRefusal::NewerVersion => (
            t_string!(i18n, refusal.newer_title),
            t_string!(i18n, refusal.newer),
            t_string!(i18n, refusal.newer_next),
        ),
        CardRefusal::OtherServer { host } => {
            let text = t_string!(i18n, refusal.other, host = host.clone()).to_string();
            return (t_string!(i18n, refusal.other_title), text, t_string!(i18n, refusal.other_next));
        }
        CardRefusal::Used => (
            t_string!(i18n, refusal.used_title),
            t_string!(i18n, refusal.used),
            t_string!(i18n, refusal.used_next),
        ),
        CardRefusal::Gone => (
            t_string!(i18n, refusal.gone_title),
            t_string!(i18n, refusal.gone),
            t_string!(i18n, refusal.gone_next),
        ),
        CardRefusal::OldDevices => (
            t_string!(i18n, refusal.old_devices_title),
            t_string!(i18n, refusal.old_devices),
            t_string!(i18n, refusal.old_devices_next),
        ),
        CardRefusal::Own => (
            t_string!(i18n, refusal.own_title),
            t_string!(i18n, refusal.own),
            t_string!(i18n, refusal.own_next),
        ),
        CardRefusal::Tampered => (
            t_string!(i18n, refusal.tampered_title),
            t_string!(i18n, refusal.tampered),
            t_string!(i18n, refusal.tampered_next),
        ),
        CardRefusal::Unreachable => (
            t_string!(i18n, refusal.unreachable_title),
            t_string!(i18n, refusal.unreachable),
            t_string!(i18n, refusal.unreachable_next),
        ),
        CardRefusal::TooMany { retry_after } => {
            let text = t_string!(i18n, refusal.too_many, seconds = *retry_after).to_string();
            return (t_string!(i18n, refusal.too_many_title), text, t_string!(i18n, refusal.too_many_next));
        }
    };
    (title, text.to_owned(), next)
}
