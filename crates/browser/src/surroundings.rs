//! What the browser says about the network and about sleeping and waking.

use std::cell::Cell;

use gloo_events::EventListener;
use gloo_timers::callback::Interval;
use sotto_engine::Input;
use wasm_bindgen::JsCast;
use web_sys::EventTarget;

use crate::js;

/// How often the clock is looked at, in milliseconds.
const LOOK_EVERY: u32 = 5_000;
/// By how much a look may come late before it counts as sleep, in milliseconds.
const MAY_BE_LATE: u64 = 5_000;

/// Listens until it is dropped.
#[derive(Debug)]
pub(crate) struct Surroundings {
    _listeners: Vec<EventListener>,
    _clock: Interval,
}

impl Surroundings {
    /// Reports `Online` and `Wake`.
    pub(crate) fn listen(report: impl Fn(Input) + Clone + 'static) -> Self {
        let mut listeners = Vec::new();
        let mut on = |target: &EventTarget, kind: &'static str, input: fn() -> Option<Input>| {
            let report = report.clone();
            listeners.push(EventListener::new(target, kind, move |_| {
                if let Some(input) = input() {
                    report(input);
                }
            }));
        };
        if let Some(window) = web_sys::window() {
            on(&window, "online", || Some(Input::Online(true)));
            on(&window, "offline", || Some(Input::Online(false)));
            on(&window, "pageshow", || Some(Input::Wake));
            // Only some browsers say when the network changed under a page that stayed online.
            if let Ok(connection) = js::get(&window.navigator(), "connection").dyn_into::<EventTarget>() {
                on(&connection, "change", || Some(Input::Wake));
            }
            if let Some(document) = window.document() {
                on(&document, "visibilitychange", || is_visible().then_some(Input::Wake));
                on(&document, "resume", || Some(Input::Wake));
            }
        }
        Self { _listeners: listeners, _clock: watch_clock(report) }
    }
}

/// No browser says that the device has slept, but timers stand still meanwhile and the clock does not. Timers of a page
/// that is not looked at are slow anyway, and it is told when it is looked at again.
fn watch_clock(report: impl Fn(Input) + 'static) -> Interval {
    let looked = Cell::new(js::now());
    Interval::new(LOOK_EVERY, move || {
        let now = js::now();
        let passed = now.saturating_since(looked.replace(now)).as_millis();
        if is_visible() && passed > u128::from(u64::from(LOOK_EVERY) + MAY_BE_LATE) {
            report(Input::Wake);
        }
    })
}

/// Whether the browser believes that there is a network.
pub(crate) fn is_online() -> bool {
    web_sys::window().is_none_or(|window| window.navigator().on_line())
}

/// Whether the browser has WebRTC at all; some take it away, to show no addresses.
pub(crate) fn has_webrtc() -> bool {
    js::get(&js_sys::global(), "RTCPeerConnection").is_function()
}

fn is_visible() -> bool {
    web_sys::window().and_then(|window| window.document()).is_some_and(|document| !document.hidden())
}
