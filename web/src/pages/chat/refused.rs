//! Nothing that is written reaches a contact: why, and the step out of it.

use leptos::prelude::*;
use reactive_stores::Store;
use sotto_engine::{Devices, Standing};

use crate::{
    components::{Glyph, Icon},
    i18n::*,
    pages::ask_for_link,
    state::{Contact, ContactStoreFields, use_state},
    texts,
};

/// Why a contact cannot be reached.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// The server refuses the token of the link that was used.
    Link,
    /// The server refuses the contact's token.
    Token,
    /// There are two lists of its devices.
    Split,
    /// It has named a newer list that has not arrived.
    List,
    /// The device that was talked with is not one of its devices any more.
    Device,
}

/// Whether and why a contact cannot be reached. Tracked.
pub fn lost(contact: Store<Contact>) -> Option<Lost> {
    let standing = contact.standing().get();
    match contact.devices().get() {
        _ if standing == Standing::Ended => None,
        Devices::Split => Some(Lost::Split),
        Devices::Gone => Some(Lost::Device),
        Devices::Awaited => Some(Lost::List),
        _ if !contact.refused().get() => None,
        _ if standing == Standing::AwaitingTheirs => Some(Lost::Link),
        _ => Some(Lost::Token),
    }
}

/// Says that the contact cannot be reached, as long as it cannot.
#[component]
pub fn RefusedBanner(contact: Store<Contact>) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let why = Memo::new(move |_| lost(contact));
    let name = move || texts::name(i18n, contact.name().get());
    let words = move || match why.get() {
        Some(Lost::Link) => t!(i18n, chat.refused_link, name = name, <bdi> = <bdi dir="auto" />).into_any(),
        Some(Lost::Token) => t!(i18n, chat.refused, name = name, <bdi> = <bdi dir="auto" />).into_any(),
        Some(Lost::Split) => t!(i18n, chat.lists_split, name = name, <bdi> = <bdi dir="auto" />).into_any(),
        Some(Lost::List) => t!(i18n, chat.list_awaited, name = name, <bdi> = <bdi dir="auto" />).into_any(),
        Some(Lost::Device) => t!(i18n, chat.device_gone, name = name, <bdi> = <bdi dir="auto" />).into_any(),
        None => ().into_any(),
    };
    let next = move || match why.get() {
        Some(Lost::Split) => t_string!(i18n, chat.lists_split_next),
        Some(Lost::List) => t_string!(i18n, chat.list_awaited_next),
        Some(Lost::Device) => t_string!(i18n, chat.device_gone_next),
        _ => t_string!(i18n, chat.refused_kept),
    };
    view! {
        <Show when=move || why.get().is_some()>
            <section
                class="confirm"
                data-testid="refused-banner"
                data-reason=move || why.get().map(reason_tag)
                role="status"
            >
                <p class="confirm-question refused-line">
                    <Icon glyph=Glyph::Warning />
                    <span>{words}</span>
                </p>
                <p class="soft small">{next}</p>
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

fn reason_tag(why: Lost) -> &'static str {
    match why {
        Lost::Link => "link",
        Lost::Token => "token",
        Lost::Split => "split",
        Lost::List => "list",
        Lost::Device => "device",
    }
}
