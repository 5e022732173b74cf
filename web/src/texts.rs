//! Texts that take more than a key.

use leptos_i18n::I18nContext;
use sotto_engine::{ContactId, Timestamp};

use crate::{
    i18n::*,
    logic::{bytes, person, timeline},
    state::{ContactStoreFields, State},
};
use leptos::prelude::*;
use sotto_browser::screen;

/// The texts of the present language.
pub type Texts = I18nContext<Locale>;

/// The language's tag, such as `en`.
pub fn language(i18n: Texts) -> &'static str {
    leptos_i18n::Locale::as_str(i18n.get_locale_untracked())
}

/// An amount of data.
pub fn size(i18n: Texts, size: u64) -> String {
    match bytes::amount(size) {
        bytes::Amount::Bytes(count) => tu_string!(i18n, file.bytes, count = count).to_string(),
        bytes::Amount::Kilo(count) => tu_string!(i18n, file.kb, count = count).to_string(),
        bytes::Amount::Mega(count) => tu_string!(i18n, file.mb, count = count).to_string(),
        bytes::Amount::Giga(count) => tu_string!(i18n, file.gb, count = count).to_string(),
    }
}

/// A time that is left.
pub fn left(i18n: Texts, seconds: u64) -> String {
    let time = match bytes::left(seconds) {
        bytes::Left::Seconds(count) => tu_string!(i18n, file.seconds, count = count).to_string(),
        bytes::Left::Minutes(count) => tu_string!(i18n, file.minutes, count = count).to_string(),
        bytes::Left::Hours { hours, minutes } => {
            tu_string!(i18n, file.hours, hours = hours, minutes = minutes).to_string()
        }
    };
    tu_string!(i18n, file.left, time = time).to_string()
}

/// A name, or what stands for one that is empty.
pub fn name(i18n: Texts, name: String) -> String {
    if name.trim().is_empty() { tu_string!(i18n, app.nameless).to_string() } else { name }
}

/// A contact's name, for markup. Tracked.
pub fn contact(i18n: Texts, state: State, id: ContactId) -> String {
    name(i18n, state.contacts.name(id))
}

/// A contact's name, for a text in which it must not turn what is around it. Tracked.
pub fn contact_isolated(i18n: Texts, state: State, id: ContactId) -> String {
    person::isolate(&contact(i18n, state, id))
}

/// A contact's name now. Not tracked.
pub fn contact_now(i18n: Texts, state: State, id: ContactId) -> String {
    let known = state.contacts.get(id).map(|known| known.name().get_untracked());
    person::isolate(&name(i18n, known.unwrap_or_default()))
}

/// A moment in a list: the time today, the date before.
pub fn moment(i18n: Texts, at: Timestamp) -> String {
    match days_ago(at) {
        0 => screen::format_time(at, language(i18n)),
        1 => tu_string!(i18n, chat.yesterday).to_string(),
        _ => screen::format_date(at, language(i18n), false, true),
    }
}

/// A day in a conversation.
pub fn day(i18n: Texts, at: Timestamp) -> String {
    match days_ago(at) {
        0 => tu_string!(i18n, chat.today).to_string(),
        1 => tu_string!(i18n, chat.yesterday).to_string(),
        days => screen::format_date(at, language(i18n), days > 300, false),
    }
}

/// A day and time to come.
pub fn until(i18n: Texts, at: Timestamp) -> String {
    let date = screen::format_date(at, language(i18n), false, false);
    format!("{date}, {}", screen::format_time(at, language(i18n)))
}

/// The number of the local day.
pub fn local_day(at: Timestamp) -> i64 {
    timeline::day(at, screen::utc_offset_minutes(at))
}

fn days_ago(at: Timestamp) -> i64 {
    (local_day(screen::now()) - local_day(at)).max(0)
}

/// The whole address of a link of which perhaps only the fragment is known.
pub fn whole_link(link: &str) -> String {
    if link.contains("://") {
        link.to_owned()
    } else {
        screen::address_with(link).unwrap_or_else(|| link.to_owned())
    }
}
