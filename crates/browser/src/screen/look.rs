//! The only things the page keeps unencrypted: light or dark, which the boot script reads before the first paint,
//! and which suggestions were answered.

const KEY: &str = "sotto.theme";
const HINTS: &str = "sotto.hints";

/// Which appearance was chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    fn attribute(self) -> Option<&'static str> {
        match self {
            Self::Auto => None,
            Self::Light => Some("light"),
            Self::Dark => Some("dark"),
        }
    }
}

/// The remembered choice.
#[must_use]
pub fn theme() -> Theme {
    let stored = web_sys::window().and_then(|window| window.local_storage().ok()??.get_item(KEY).ok()?);
    match stored.as_deref() {
        Some("light") => Theme::Light,
        Some("dark") => Theme::Dark,
        _ => Theme::Auto,
    }
}

/// Applies a choice and remembers it where the browser allows.
pub fn remember_theme(theme: Theme) {
    let Some(window) = web_sys::window() else { return };
    let root = window.document().and_then(|document| document.document_element());
    let storage = window.local_storage().ok().flatten();
    // Without storage the choice lasts until the page is left, which is all that can be done.
    if let Some(value) = theme.attribute() {
        let _ = root.map(|root| root.set_attribute("data-theme", value));
        let _ = storage.map(|storage| storage.set_item(KEY, value));
    } else {
        let _ = root.map(|root| root.remove_attribute("data-theme"));
        let _ = storage.map(|storage| storage.remove_item(KEY));
    }
}

/// Whether a suggestion was answered before.
#[must_use]
pub fn hint_given(name: &str) -> bool {
    web_sys::window()
        .and_then(|window| window.local_storage().ok()??.get_item(HINTS).ok()?)
        .is_some_and(|given| given.split(' ').any(|hint| hint == name))
}

/// Remembers that a suggestion was answered, where the browser allows.
pub fn remember_hint(name: &str) {
    let storage = web_sys::window().and_then(|window| window.local_storage().ok().flatten());
    if let Some(storage) = storage.filter(|_| !hint_given(name)) {
        let given = storage.get_item(HINTS).ok().flatten().unwrap_or_default();
        // Where it cannot be stored, the suggestion comes again.
        let _ = storage.set_item(HINTS, format!("{given} {name}").trim());
    }
}
