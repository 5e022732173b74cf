//! Who it is, where messages go, and what can be done with the conversation.

use core::time::Duration;

use leptos::{html, prelude::*};
use reactive_stores::Store;
use sotto_browser::screen;
use sotto_engine::{Command, Route, ServerStatus, Standing};

use crate::{
    components::{Avatar, Confirm, Dialog, Glyph, Icon, NameField},
    i18n::*,
    logic::person,
    pages::{lost, path_tag, route_tag},
    state::{Contact, ContactStoreFields, Place, use_state},
    texts,
};

/// Trouble shorter than this is not worth a word.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is asked above the conversation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asking {
    Rename,
    Remove,
}

/// The head of a conversation.
#[component]
pub fn Head(contact: Store<Contact>) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let id = contact.id().get_untracked();
    let name = Signal::derive(move || texts::name(i18n, contact.name().get()));
    let verified = Memo::new(move |_| contact.verified().get());
    let asking = RwSignal::new(None::<Asking>);
    view! {
        <header class="bar chat-head">
            <button
                type="button"
                class="icon-button back narrow-only"
                data-testid="back"
                aria-label=tu_string!(i18n, app.back)
                on:click=move |_| state.navigator.back()
            >
                <Icon glyph=Glyph::Back />
            </button>
            <Avatar id=id name=name />
            <div class="chat-who">
                <h1 class="chat-name"><bdi dir="auto" data-testid="chat-name">{name}</bdi></h1>
                <StatusLine contact=contact />
            </div>
            <button
                type="button"
                class="icon-button"
                class:good=move || verified.get()
                data-testid="verify-open"
                aria-label=move || {
                    if verified.get() { t_string!(i18n, chat.verified) } else { t_string!(i18n, chat.verify) }
                }
                title=move || {
                    if verified.get() { t_string!(i18n, chat.verified) } else { t_string!(i18n, chat.verify) }
                }
                on:click=move |_| state.navigator.go(Place::Verify(id))
            >
                <Icon glyph=Signal::derive(move || {
                    if verified.get() { Glyph::ShieldCheck } else { Glyph::Shield }
                }) />
            </button>
            <Menu asking=asking />
        </header>
        {move || match asking.get() {
            Some(Asking::Rename) => view! { <Rename contact=contact asking=asking /> }.into_any(),
            Some(Asking::Remove) => {
                view! {
                    <Confirm
                        title=move || t!(i18n, chat.remove_title)
                        text=tu_string!(i18n, chat.remove_text)
                        action=tu_string!(i18n, chat.remove_yes)
                        on_yes=move |()| {
                            asking.set(None);
                            state.client.send(Command::RemoveContact(id));
                        }
                        on_close=move |()| asking.set(None)
                        test_id="remove-dialog"
                        yes_id="remove-confirm"
                        no_id="remove-cancel"
                    />
                }
                    .into_any()
            }
            None => ().into_any(),
        }}
    }
}

/// Where messages go; a press tells more. Told only when it has been so for a second, so that a short break does not flicker; the
/// attribute is always the present truth.
#[component]
fn StatusLine(contact: Store<Contact>) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let id = contact.id().get_untracked();
    let told = RwSignal::new(contact.route().get_untracked());
    let is_fine = |route| matches!(route, Route::Direct | Route::Relayed);
    Effect::new(move |timer: Option<Option<TimeoutHandle>>| {
        let timer = timer.flatten();
        let route = contact.route().get();
        // One kind of trouble after the other is still the same trouble: it is told a second after it began.
        if timer.is_some() && !is_fine(route) && is_fine(told.get_untracked()) {
            return timer;
        }
        if let Some(timer) = timer {
            timer.clear();
        }
        if is_fine(route) {
            told.set(route);
            return None;
        }
        set_timeout_with_handle(
            move || {
                if let Some(route) = contact.route().try_get_untracked() {
                    told.try_set(route);
                }
            },
            PATIENCE,
        )
        .ok()
    });
    // Nothing goes anywhere then, whatever the connection to the server is like.
    let dot = move || if lost(contact).is_some() { Route::Waiting } else { told.get() };
    let words = move || {
        let name = person::isolate(&texts::name(i18n, contact.name().get()));
        match contact.standing().get() {
            Standing::AwaitingOurs => t_string!(i18n, status.awaiting_ours).to_string(),
            Standing::Ended => t_string!(i18n, status.ended).to_string(),
            _ if lost(contact).is_some() => t_string!(i18n, status.refused).to_string(),
            Standing::AwaitingTheirs => t_string!(i18n, status.awaiting_theirs, name = name).to_string(),
            Standing::Confirmed => match told.get() {
                Route::Direct => t_string!(i18n, status.direct).to_string(),
                Route::Relayed => t_string!(i18n, status.relayed).to_string(),
                Route::Connecting => t_string!(i18n, status.connecting).to_string(),
                Route::Server => t_string!(i18n, status.server).to_string(),
                Route::Away => t_string!(i18n, status.away, name = name).to_string(),
                Route::Waiting => match state.server.get() {
                    ServerStatus::Offline => t_string!(i18n, status.offline).to_string(),
                    // Why is said above everything.
                    ServerStatus::Refused => t_string!(i18n, chat.line_waiting).to_string(),
                    ServerStatus::Unreachable => t_string!(i18n, status.unreachable).to_string(),
                    _ => t_string!(i18n, status.connecting).to_string(),
                },
            },
        }
    };
    view! {
        <button
            type="button"
            class="status"
            data-testid="status"
            data-route=move || route_tag(contact.route().get())
            data-path=move || path_tag(contact.path().get())
            title=tu_string!(i18n, status.more)
            prop:disabled=move || contact.standing().get() != Standing::Confirmed || lost(contact).is_some()
            on:click=move |_| state.navigator.go(Place::Connection(id))
        >
            <span class="status-dot" data-route=move || route_tag(dot()) aria-hidden="true"></span>
            <span class="status-words">{words}</span>
        </button>
    }
}

#[component]
fn Menu(asking: RwSignal<Option<Asking>>) -> impl IntoView {
    let i18n = use_i18n();
    let open = RwSignal::new(false);
    let button = NodeRef::<html::Button>::new();
    let choose = move |what| {
        // What is chosen goes with the menu; the focus comes back to what opened it.
        if let Some(button) = button.get_untracked() {
            screen::focus(&button);
        }
        open.set(false);
        asking.set(Some(what));
    };
    view! {
        <div
            class="menu-place"
            on:keydown=move |event| {
                if event.key() == "Escape" && open.get_untracked() {
                    event.stop_propagation();
                    if let Some(button) = button.get_untracked() {
                        screen::focus(&button);
                    }
                    open.set(false);
                }
            }
        >
            <button
                node_ref=button
                type="button"
                class="icon-button"
                data-testid="chat-menu"
                aria-label=tu_string!(i18n, chat.menu)
                aria-expanded=move || open.get().to_string()
                on:click=move |_| open.update(|open| *open = !*open)
            >
                <Icon glyph=Glyph::More />
            </button>
            <Show when=move || open.get()>
                <div class="menu-scrim" on:click=move |_| open.set(false)></div>
                <ul class="menu">
                    <li>
                        <button type="button" data-testid="rename-open" on:click=move |_| choose(Asking::Rename)>
                            <Icon glyph=Glyph::Pencil />
                            {tu_string!(i18n, chat.rename)}
                        </button>
                    </li>
                    <li>
                        <button
                            type="button"
                            class="danger-text"
                            data-testid="remove-contact"
                            on:click=move |_| choose(Asking::Remove)
                        >
                            <Icon glyph=Glyph::Trash />
                            {tu_string!(i18n, chat.remove)}
                        </button>
                    </li>
                </ul>
            </Show>
        </div>
    }
}

#[component]
fn Rename(contact: Store<Contact>, asking: RwSignal<Option<Asking>>) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let id = contact.id().get_untracked();
    let value = RwSignal::new(contact.name().get_untracked());
    view! {
        <Dialog
            title=move || t!(i18n, chat.rename_title)
            on_close=move |()| asking.set(None)
            test_id="rename-dialog"
        >
            <form
                class="stack"
                on:submit=move |event| {
                    event.prevent_default();
                    let name = value.get_untracked().trim().to_owned();
                    state.client.send(Command::RenameContact { contact: id, name });
                    asking.set(None);
                }
            >
                <NameField
                    value=value
                    label=tu_string!(i18n, chat.rename_title)
                    hint=tu_string!(i18n, chat.rename_hint)
                    test_id="rename-input"
                />
                <button type="submit" class="button primary wide" data-testid="rename-save">
                    {tu_string!(i18n, chat.save)}
                </button>
            </form>
        </Dialog>
    }
}
