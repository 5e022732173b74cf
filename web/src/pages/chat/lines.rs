//! Lines between messages.

use leptos::prelude::*;
use sotto_engine::{ContactId, Milestone, Timestamp};

use crate::{i18n::*, state::use_state, texts};

/// A new day.
#[component]
pub fn Day(at: Timestamp) -> impl IntoView {
    let i18n = use_i18n();
    view! { <li class="day" data-testid="day"><span>{texts::day(i18n, at)}</span></li> }
}

/// What follows was not seen before.
#[component]
pub fn NewLine() -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <li class="new-line" id="new-messages" data-testid="new-messages"><span>{tu_string!(i18n, chat.new_messages)}</span></li>
    }
}

/// Messages are missing.
#[component]
pub fn Gap() -> impl IntoView {
    let i18n = use_i18n();
    view! { <li class="line" data-testid="gap"><span>{tu_string!(i18n, chat.gap)}</span></li> }
}

/// A message is stored here and cannot be read.
#[component]
pub fn Unreadable() -> impl IntoView {
    let i18n = use_i18n();
    view! { <li class="line" data-testid="unreadable"><span>{tu_string!(i18n, chat.unreadable)}</span></li> }
}

/// Something happened in the conversation itself.
#[component]
pub fn MilestoneLine(contact: ContactId, milestone: Milestone, mine: bool) -> impl IntoView {
    let i18n = use_i18n();
    let state = use_state();
    let name = move || texts::contact(i18n, state, contact);
    let (kind, words) = match (milestone, mine) {
        (Milestone::CameByOurLink, _) => {
            ("came-by-our-link", t!(i18n, chat.came_ours, name = name, <bdi> = <bdi dir="auto" />).into_any())
        }
        (Milestone::CameByTheirLink, _) => (
            "came-by-their-link",
            t!(i18n, chat.came_theirs, name = name, <bdi> = <bdi dir="auto" />).into_any(),
        ),
        (Milestone::Confirmed, true) => {
            ("confirmed", t!(i18n, chat.confirmed_by_me, name = name, <bdi> = <bdi dir="auto" />).into_any())
        }
        (Milestone::Confirmed, false) => (
            "confirmed",
            t!(i18n, chat.confirmed_by_them, name = name, <bdi> = <bdi dir="auto" />).into_any(),
        ),
        (Milestone::DevicesChanged, _) => (
            "devices-changed",
            t!(i18n, chat.devices_changed, name = name, <bdi> = <bdi dir="auto" />).into_any(),
        ),
        (Milestone::Newer, _) => {
            ("newer", t!(i18n, chat.newer, name = name, <bdi> = <bdi dir="auto" />).into_any())
        }
        (Milestone::Ended, _) => {
            ("ended", t!(i18n, chat.ended, name = name, <bdi> = <bdi dir="auto" />).into_any())
        }
    };
    view! { <li class="line" data-testid="milestone" data-kind=kind><span>{words}</span></li> }
}
