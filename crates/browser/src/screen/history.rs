//! The browser's history, so that Back works. Addresses never change: who one talks to does not belong into the
//! browser's record of visited pages. An entry carries two small numbers only.

use gloo_events::EventListener;
use wasm_bindgen::JsValue;

/// What an entry of the history carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryState {
    /// How many entries of this page are below it.
    pub depth: u16,
    /// Rank of the contact on the screen, so that a reload comes back to it.
    pub rank: Option<u16>,
}

impl HistoryState {
    fn to_js(self) -> JsValue {
        let rank = self.rank.map_or(-1.0, f64::from);
        js_sys::Array::of2(&JsValue::from_f64(f64::from(self.depth)), &JsValue::from_f64(rank)).into()
    }

    fn from_js(state: &JsValue) -> Self {
        let field = |index| {
            let number = js_sys::Reflect::get_u32(state, index).ok()?.as_f64()?;
            #[expect(clippy::as_conversions, reason = "checked to be in range")]
            (0.0..=65_535.0).contains(&number).then_some(number as u16)
        };
        if !js_sys::Array::is_array(state) {
            return Self::default();
        }
        Self { depth: field(0).unwrap_or(0), rank: field(1) }
    }
}

/// Listens to Back and Forward until dropped.
#[derive(Debug)]
pub struct History {
    _listener: Option<EventListener>,
}

impl History {
    /// Calls `on_pop` with the entry that Back or Forward led to.
    pub fn new(on_pop: impl Fn(HistoryState) + 'static) -> Self {
        let listener = web_sys::window()
            .map(|window| EventListener::new(&window, "popstate", move |_| on_pop(Self::current())));
        Self { _listener: listener }
    }

    /// The present entry.
    #[must_use]
    pub fn current() -> HistoryState {
        web_sys::window()
            .and_then(|window| window.history().ok()?.state().ok())
            .map(|state| HistoryState::from_js(&state))
            .unwrap_or_default()
    }

    /// Adds an entry.
    pub fn push(state: HistoryState) {
        if let Some(history) = web_sys::window().and_then(|window| window.history().ok()) {
            // A browser that limits how many entries a page may add keeps the last one.
            let _ = history.push_state(&state.to_js(), "");
        }
    }

    /// Changes the present entry.
    pub fn replace(state: HistoryState) {
        if let Some(history) = web_sys::window().and_then(|window| window.history().ok()) {
            let _ = history.replace_state(&state.to_js(), "");
        }
    }

    /// Goes back by so many entries.
    pub fn rewind(entries: u16) {
        if let Some(history) = web_sys::window().and_then(|window| window.history().ok()) {
            let _ = history.go_with_delta(-i32::from(entries));
        }
    }
}
