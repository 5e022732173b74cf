//! The whole screen.

use leptos::{prelude::*, task::spawn_local};
use sotto_browser::{Options, Sotto, page, screen};
use sotto_engine::InviteId;

use crate::{
    components::{Announcer, Banner, DropTarget, Glyph, Icon, NoticeBoard, Pair},
    i18n::*,
    pages::{
        CardPage, ChatPage, ConnectionPage, DamageSheet, FileSheet, Halted, InvitePage, ListPage,
        SettingsPage, VerifyPage, Welcome, create_link, is_empty, look_at,
    },
    state::{Halt, Phase, Place, State, apply, use_state},
    texts,
};

/// The root: language and state around everything.
#[component]
pub fn App() -> impl IntoView {
    let state = State::new();
    provide_context(state);
    state.arrived.set(page::take_fragment());
    // A take-over is decided by the user; until then nothing of another tab is touched.
    start(state, false);
    Effect::new(move |_| {
        if state.phase.with(|phase| *phase != Phase::Starting) {
            screen::remove_shell();
        }
    });
    let history = screen::History::new(move |to| state.navigator.popped(to));
    let fragments = screen::on_fragment(move |link| {
        if state.phase.with_untracked(|phase| *phase == Phase::Running) {
            look_at(state, link);
        } else {
            state.arrived.set(Some(link));
        }
    });
    // A page that is put away may never be looked at again.
    let put_away = screen::on_visibility(move |seen| {
        if seen {
            state.room.look(state.client);
        } else {
            state.drafts.keep(state.client);
        }
    });
    let _kept = StoredValue::new_local((history, fragments, put_away, screen::on_keyboard()));
    view! {
        <I18nContextProvider>
            <Title />
            <LeaveGuard />
            <Screens />
            <NoticeBoard />
        </I18nContextProvider>
    }
}

/// What is shown, by how far the start got. Another language builds it anew, so that texts need not be tracked one
/// by one.
#[component]
fn Screens() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    move || {
        i18n.get_locale();
        match state.phase.get() {
            Phase::Starting => ().into_any(),
            Phase::Running => view! { <Running /> }.into_any(),
            Phase::Halted(why) => {
                view! { <Halted why=why on_use_here=move |()| start(state, true) /> }.into_any()
            }
        }
    }
}

/// Starts the client; what comes of it is on the screen.
fn start(state: State, take_over: bool) {
    spawn_local(async move {
        let Some(worker_url) = page::worker_url() else {
            let missing = sotto_browser::StartError::Unsupported("the boot script");
            state.phase.try_set(Phase::Halted(Halt::NotStarted(missing)));
            return;
        };
        match Sotto::start(Options { take_over, worker_url }, move |event| apply(state, event)).await {
            Ok(sotto) => {
                state.client.set(sotto);
            }
            Err(error) => {
                state.phase.try_set(Phase::Halted(Halt::NotStarted(error)));
            }
        }
    });
}

/// The app itself: the list beside what was chosen, or one above the other where it is narrow.
#[component]
fn Running() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    if let Some(link) = state.arrived.try_update(Option::take).flatten() {
        look_at(state, link);
    }
    let place = Memo::new(move |_| state.navigator.place());
    let empty = Memo::new(move |_| is_empty(state));
    // Someone who is new sees one thing at a time.
    let alone = Memo::new(move |_| match place.get() {
        Place::Card => true,
        Place::Home | Place::Settings => empty.get(),
        _ => false,
    });
    // The focus follows to where one went, so that Escape and what is read aloud begin there; back in the list, to the row
    // one came from. After all else: a page may have put it where one writes.
    Effect::new(move |before: Option<Place>| {
        let here = place.get();
        if let Some(before) = before.filter(|before| *before != here) {
            request_animation_frame(move || {
                let row = before.contact().map(|contact| format!(".list [data-contact='{contact}']"));
                match (here, row) {
                    (Place::Home, Some(row)) => screen::enter(&[row.as_str(), "#main", "#side"]),
                    (Place::Home, None) => screen::enter(&["#main", "#side"]),
                    _ => screen::enter(&["#main"]),
                }
            });
        }
        here
    });
    view! {
        <div
            class="app"
            data-testid="app"
            data-screen=move || screen_tag(place.get())
            data-alone=move || alone.get().then_some("")
            on:keydown=move |event| {
                if event.key() == "Escape" && !event.default_prevented() && place.get_untracked() != Place::Home {
                    state.navigator.back();
                }
            }
        >
            <button type="button" class="skip" data-testid="skip" on:click=move |_| screen::focus_id("main")>
                {tu_string!(i18n, app.skip)}
            </button>
            <Banner />
            <Show when=move || !alone.get()>
                <div class="side" id="side" tabindex="-1"><ListPage /></div>
            </Show>
            <main class="main" id="main" tabindex="-1">
                {move || match place.get() {
                    Place::Home if empty.get() => view! { <Welcome /> }.into_any(),
                    Place::Home => view! { <Choose /> }.into_any(),
                    Place::Invite(id) => view! { <InvitePage id=id /> }.into_any(),
                    Place::Card => view! { <CardPage /> }.into_any(),
                    Place::Chat(contact) => view! { <ChatPage contact=contact /> }.into_any(),
                    Place::Verify(contact) => view! { <VerifyPage contact=contact /> }.into_any(),
                    Place::Connection(contact) => view! { <ConnectionPage contact=contact /> }.into_any(),
                    Place::Settings => view! { <SettingsPage /> }.into_any(),
                }}
            </main>
            <FileSheet />
            <DamageSheet />
            <DropTarget />
            <Announcer />
        </div>
    }
}

/// Beside the list, while nothing is chosen.
#[component]
fn Choose() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    view! {
        <div class="choose">
            <Pair />
            <p class="soft">{tu_string!(i18n, app.choose)}</p>
            <button type="button" class="button quiet" on:click=move |_| create_link(state, Vec::new())>
                <Icon glyph=Glyph::Link />
                {tu_string!(i18n, welcome.create)}
            </button>
        </div>
    }
}

/// Transfers and unread messages, where they are seen while another page is in front.
#[component]
fn Title() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    Effect::new(move |_| {
        let title = if let Some((name, percent)) = state.transfers.headline() {
            t_string!(i18n, app.title_transfer, percent = percent, name = name).to_string()
        } else {
            match state.contacts.unread() {
                0 => t_string!(i18n, app.name).to_owned(),
                count => t_string!(i18n, app.title_unread, count = count).to_string(),
            }
        };
        page::set_title(&title);
    });
    Effect::new(move |_| {
        let right_to_left =
            leptos_i18n::Locale::direction(i18n.get_locale()) == leptos_i18n::Direction::RightToLeft;
        screen::set_language(texts::language(i18n), right_to_left);
    });
}

/// While something cannot be stored, or files move, or wait here for somebody who may still come, the browser asks before the page is left.
#[component]
fn LeaveGuard() -> impl IntoView {
    let state = use_state();
    let guard = StoredValue::new_local(None::<screen::Watch>);
    let lost_by_leaving = Memo::new(move |_| {
        let may_come = |invite: &InviteId| {
            state.invites.with(|all| all.iter().any(|open| open.id == *invite))
                || state.contacts.came_by().contains(invite)
        };
        state.room.full.get() || state.transfers.any() || state.held.invites().iter().any(may_come)
    });
    Effect::new(move |_| guard.set_value(lost_by_leaving.get().then(screen::leave_guard)));
}

fn screen_tag(place: Place) -> &'static str {
    match place {
        Place::Home => "home",
        Place::Invite(_) => "invite",
        Place::Card => "card",
        Place::Chat(_) => "chat",
        Place::Verify(_) => "verify",
        Place::Connection(_) => "connection",
        Place::Settings => "settings",
    }
}
