//! A link of one's own, waiting to be opened.

use leptos::{html, prelude::*, task::spawn_local};
use sotto_browser::{page, screen};
use sotto_engine::{Command, InviteId, InviteView, ServerStatus};

use crate::{
    components::{Bar, Glyph, Icon, Qr},
    i18n::*,
    state::{NoticeKind, use_state},
    texts,
};

/// One invite.
#[component]
pub fn InvitePage(id: InviteId) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let invite =
        Memo::new(move |_| state.invites.with(|all| all.iter().find(|invite| invite.id == id).cloned()));
    view! {
        <Bar title=move || t!(i18n, invite.link) />
        <div class="page scroll">
            {move || match invite.get() {
                Some(invite) => view! { <Open invite=invite /> }.into_any(),
                None => view! { <p class="column soft center">{tu_string!(i18n, invite.gone)}</p> }.into_any(),
            }}
        </div>
    }
}

#[component]
fn Open(invite: InviteView) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let InviteView { id, link, expires_at, ready } = invite;
    let qr = link.clone().into_bytes();
    let waiting_text = move || match (ready, state.server.get()) {
        (true, _) => t_string!(i18n, invite.waiting),
        (false, ServerStatus::Connected | ServerStatus::Connecting) => t_string!(i18n, invite.preparing),
        (false, _) => t_string!(i18n, invite.preparing_offline),
    };
    view! {
        <div class="column invite" data-testid="invite" data-ready=ready.to_string()>
            <h2 class="title">{tu_string!(i18n, invite.title)}</h2>
            <p class="lead">{tu_string!(i18n, invite.lead)}</p>
            <LinkField link=link />
            <figure class="qr-card">
                <Qr
                    data=qr
                    label=tu_string!(i18n, invite.qr)
                    test_id="invite-qr"
                />
                <figcaption class="soft small">{tu_string!(i18n, invite.scan)}</figcaption>
            </figure>
            <p class="waiting-line" role="status" data-testid="invite-waiting">
                <span class="pulse" aria-hidden="true"></span>
                {waiting_text}
            </p>
            {move || {
                let names = state.held.names(id);
                (!names.is_empty())
                    .then(|| {
                        view! {
                            <div class="panel small">
                                <p class="soft">{tu_string!(i18n, invite.files)}</p>
                                <ul>
                                    {names.into_iter().map(|name| view! { <li><bdi>{name}</bdi></li> }).collect_view()}
                                </ul>
                            </div>
                        }
                    })
            }}
            <p class="soft small center">{tu_string!(i18n, invite.waiting_more)}</p>
            <footer class="invite-foot">
                <p class="soft small" data-testid="invite-expires">
                    {tu_string!(i18n, invite.expires, when = texts::until(i18n, expires_at)).to_string()}
                </p>
                <button
                    type="button"
                    class="button plain danger-text"
                    data-testid="revoke-link"
                    on:click=move |_| {
                        state.held.take(id);
                        state.client.send(Command::RevokeInvite(id));
                        state.navigator.back_home();
                    }
                >
                    {tu_string!(i18n, invite.revoke)}
                </button>
            </footer>
        </div>
    }
}

/// The link, and the ways to hand it on.
#[component]
fn LinkField(link: String) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let field = NodeRef::<html::Input>::new();
    let copied = RwSignal::new(false);
    let link = StoredValue::new(link);
    let select = move || {
        if let Some(field) = field.get_untracked() {
            screen::select_text(&field);
        }
    };
    let copy = move |_| {
        spawn_local(async move {
            if page::copy(&link.get_value()).await {
                copied.try_set(true);
            } else {
                select();
                state.notices.say(NoticeKind::CopyFailed);
            }
        });
    };
    let share = move |_| {
        let (title, text) = (tu_string!(i18n, app.name), tu_string!(i18n, invite.share_text));
        spawn_local(async move {
            // Whatever came of it, the link is still on the screen.
            let _ = page::share(title, text, &link.get_value()).await;
        });
    };
    view! {
        <div class="link-field">
            <input
                node_ref=field
                class="input mono"
                data-testid="invite-link"
                type="text"
                readonly
                dir="ltr"
                aria-label=tu_string!(i18n, invite.link)
                value=link.get_value()
                on:focus=move |_| select()
            />
            <div class="row">
                <button type="button" class="button primary grow" data-testid="copy-link" on:click=copy>
                    <Icon glyph=Signal::derive(move || if copied.get() { Glyph::Check } else { Glyph::Copy }) />
                    <span aria-live="polite">
                        {move || {
                            if copied.get() { t_string!(i18n, invite.copied) } else { t_string!(i18n, invite.copy) }
                        }}
                    </span>
                </button>
                {page::can_share()
                    .then(|| {
                        view! {
                            <button type="button" class="button quiet grow" data-testid="share-link" on:click=share>
                                <Icon glyph=Glyph::Share />
                                {tu_string!(i18n, invite.share)}
                            </button>
                        }
                    })}
            </div>
        </div>
    }
}
