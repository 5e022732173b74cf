//! The list of conversations.

use leptos::prelude::*;
use reactive_stores::Store;
use sotto_engine::{ContactId, InviteView, LinkPath, RelayTransport, Route, Standing};

use crate::{
    components::{Avatar, Brand, Glyph, Icon, PasteLink, Ticks},
    i18n::*,
    logic::{
        last::{Last, last},
        person,
    },
    pages::{create_link, lost},
    state::{Contact, ContactStoreFields, Place, State, use_state},
    texts::{self, Texts},
};

/// Everybody one talks to, and links that wait.
#[component]
pub fn ListPage() -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    view! {
        <header class="bar bar-brand">
            <Brand />
            <button
                type="button"
                class="icon-button"
                data-testid="create-link"
                aria-label=tu_string!(i18n, invite.new)
                title=tu_string!(i18n, invite.new)
                on:click=move |_| create_link(state, Vec::new())
            >
                <Icon glyph=Glyph::Plus />
            </button>
            <button
                type="button"
                class="icon-button"
                data-testid="settings-open"
                aria-label=tu_string!(i18n, app.settings)
                title=tu_string!(i18n, app.settings)
                on:click=move |_| state.navigator.go(Place::Settings)
            >
                <Icon glyph=Glyph::Sliders />
            </button>
        </header>
        <nav class="list scroll" data-testid="list" aria-label=tu_string!(i18n, app.conversations)>
            <ul>
                <For each=move || state.contacts.order() key=|id| *id let(id)>
                    <ContactRow id=id />
                </For>
                <For each=move || state.invites.get() key=|invite| (invite.id, invite.ready) let(invite)>
                    <InviteRow invite=invite />
                </For>
            </ul>
            <details class="list-foot">
                <summary>{tu_string!(i18n, welcome.got_link)}</summary>
                <PasteLink />
            </details>
        </nav>
    }
}

#[component]
fn ContactRow(id: ContactId) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let Some(contact) = state.contacts.get(id) else { return ().into_any() };
    let contact = Store::from(contact);
    let name = Signal::derive(move || texts::name(i18n, contact.name().get()));
    let here = move || state.navigator.place().contact() == Some(id);
    let unread = Memo::new(move |_| contact.unread().get());
    view! {
        <li>
            <button
                type="button"
                class="contact"
                data-testid="contact"
                data-contact=id.to_string()
                data-route=move || route_tag(contact.route().get())
                data-standing=move || standing_tag(contact.standing().get())
                data-refused=move || contact.refused().get().to_string()
                aria-current=move || here().then_some("true")
                on:click=move |_| state.navigator.go(Place::Chat(id))
            >
                <span class="avatar-place">
                    <Avatar id=id name=name />
                    <PathDot contact=contact />
                </span>
                <span class="contact-top">
                    <bdi class="contact-name" data-testid="contact-name">{name}</bdi>
                    <Show when=move || contact.verified().get()>
                        <span class="verified-mark" role="img" aria-label=tu_string!(i18n, list.verified)>
                            <Icon glyph=Glyph::ShieldCheck />
                        </span>
                    </Show>
                    <span class="contact-time" data-testid="contact-time">
                        {move || contact.last().with(|last| last.as_ref().map(|last| texts::moment(i18n, last.sent_at)))}
                    </span>
                </span>
                <span class="contact-bottom">
                    <span class="contact-last" data-testid="contact-last">
                        {move || last_line(i18n, contact)}
                    </span>
                    <Show when=move || { unread.get() > 0 }>
                        <span class="unread" data-testid="unread">
                            <span aria-hidden="true">{unread}</span>
                            <span class="hush">
                                {move || t_string!(i18n, list.unread, count = unread.get()).to_string()}
                            </span>
                        </span>
                    </Show>
                </span>
            </button>
        </li>
    }
    .into_any()
}

/// A dot for a direct path; nothing else is worth a colour in a list.
#[component]
fn PathDot(contact: Store<Contact>) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <Show when=move || contact.route().get() == Route::Direct>
            <span class="path-dot" role="img" aria-label=tu_string!(i18n, list.direct)></span>
        </Show>
    }
}

#[component]
fn InviteRow(invite: InviteView) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let InviteView { id, ready, .. } = invite;
    let here = move || state.navigator.place() == Place::Invite(id);
    view! {
        <li>
            <button
                type="button"
                class="contact"
                data-testid="invite-row"
                aria-current=move || here().then_some("true")
                on:click=move |_| state.navigator.go(Place::Invite(id))
            >
                <span class="avatar-place"><span class="avatar open" aria-hidden="true"><Icon glyph=Glyph::Link /></span></span>
                <span class="contact-top">
                    <span class="contact-name">{tu_string!(i18n, invite.row)}</span>
                </span>
                <span class="contact-bottom">
                    <span class="contact-last">
                        {move || {
                            if ready { t_string!(i18n, invite.row_waiting) } else { t_string!(i18n, invite.row_preparing) }
                        }}
                    </span>
                </span>
            </button>
        </li>
    }
}

fn last_line(i18n: Texts, contact: Store<Contact>) -> AnyView {
    match contact.standing().get() {
        Standing::AwaitingOurs => return view! { <em>{t_string!(i18n, list.awaiting_ours)}</em> }.into_any(),
        Standing::Ended => return view! { <span>{t_string!(i18n, list.ended)}</span> }.into_any(),
        Standing::AwaitingTheirs | Standing::Confirmed => {}
    }
    if lost(contact).is_some() {
        return view! { <em>{t_string!(i18n, list.refused)}</em> }.into_any();
    }
    let (delivery, last) = contact.last().with(|entry| {
        (entry.as_ref().map(|entry| entry.delivery), last(entry.as_ref().map(|entry| &entry.content)))
    });
    let said = |words: String| {
        view! {
            {delivery.map(|delivery| view! { <Ticks delivery=delivery /> })}
            <bdi>{words}</bdi>
        }
        .into_any()
    };
    match last {
        Last::Text(text) => said(text),
        Last::File(name) => said(t_string!(i18n, list.file, name = person::isolate(&name)).to_string()),
        Last::DevicesChanged => view! { <em>{t_string!(i18n, list.devices_changed)}</em> }.into_any(),
        Last::Newer => view! { <em>{t_string!(i18n, list.newer)}</em> }.into_any(),
        Last::Nothing if contact.standing().get() == Standing::AwaitingTheirs => {
            view! { <span>{t_string!(i18n, list.awaiting_theirs)}</span> }.into_any()
        }
        Last::Nothing => view! { <span>{t_string!(i18n, list.new_contact)}</span> }.into_any(),
    }
}

/// The name of a path in attributes.
pub fn path_tag(path: Option<LinkPath>) -> Option<&'static str> {
    Some(match path? {
        LinkPath::Local => "local",
        LinkPath::Internet => "internet",
        LinkPath::Relayed(RelayTransport::Udp) => "turn-udp",
        LinkPath::Relayed(RelayTransport::Tcp) => "turn-tcp",
        LinkPath::Relayed(RelayTransport::Tls) => "turn-tls",
        LinkPath::Relayed(RelayTransport::Theirs) => "turn-theirs",
    })
}

/// A route, for tests and styles.
pub fn route_tag(route: Route) -> &'static str {
    match route {
        Route::Direct => "direct",
        Route::Relayed => "relayed",
        Route::Connecting => "connecting",
        Route::Server => "server",
        Route::Away => "away",
        Route::Waiting => "waiting",
    }
}

/// A standing, for tests and styles.
pub fn standing_tag(standing: Standing) -> &'static str {
    match standing {
        Standing::AwaitingTheirs => "awaiting-theirs",
        Standing::AwaitingOurs => "awaiting-ours",
        Standing::Confirmed => "confirmed",
        Standing::Ended => "ended",
    }
}

/// Whether the list has anything to show. Tracked.
pub fn is_empty(state: State) -> bool {
    state.contacts.is_empty() && state.invites.with(Vec::is_empty)
}
