//! Keeps the screen from going dark, and the page with it, while files move (W3C Screen Wake Lock).

use std::{cell::RefCell, rc::Rc};

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::js;

/// For how long the screen is kept on while nothing moves, in milliseconds: a contact that begins a file and sends nothing
/// must not empty the battery.
const QUIET: u32 = 30_000;

/// Keeps the screen on as long as something moves.
#[derive(Debug, Default)]
pub(crate) struct Awake {
    lock: Rc<RefCell<Option<WakeLock>>>,
    quiet: Option<Timeout>,
}

impl Awake {
    /// Something moved just now.
    pub(crate) fn moved(&mut self) {
        if self.lock.borrow().is_none() {
            self.lock.replace(WakeLock::hold());
        }
        let lock = Rc::clone(&self.lock);
        self.quiet = Some(Timeout::new(QUIET, move || drop(lock.take())));
    }
}

/// A lock, until it is dropped. The browser takes it away when the page is hidden; it is asked for again when it is
/// seen.
#[derive(Debug)]
struct WakeLock {
    held: Rc<RefCell<Option<JsValue>>>,
    _visible: Option<EventListener>,
}

impl WakeLock {
    /// Asks for a lock; `None` where the browser has none.
    fn hold() -> Option<Self> {
        let window = web_sys::window()?;
        let locks = js::get(&window.navigator(), "wakeLock");
        let request: Function = js::get(&locks, "request").dyn_into().ok()?;
        let held = Rc::<RefCell<Option<JsValue>>>::default();
        ask(&held, &locks, &request);
        let visible = window.document().map(|document| {
            let held = Rc::clone(&held);
            EventListener::new(&document.clone(), "visibilitychange", move |_| {
                if !document.hidden() {
                    ask(&held, &locks, &request);
                }
            })
        });
        Some(Self { held, _visible: visible })
    }
}

fn ask(held: &Rc<RefCell<Option<JsValue>>>, locks: &JsValue, request: &Function) {
    let Ok(asked) = request.call1(locks, &"screen".into()) else { return };
    let Ok(promise) = asked.dyn_into::<Promise>() else { return };
    let keep = Rc::downgrade(held);
    // It is waited for also when nobody wants it any more: only then can it be given back.
    wasm_bindgen_futures::spawn_local(async move {
        // Refused, for instance while the battery is low: files move on without.
        let Ok(sentinel) = JsFuture::from(promise).await else { return };
        let unwanted = match keep.upgrade() {
            Some(held) => held.borrow_mut().replace(sentinel),
            None => Some(sentinel),
        };
        unwanted.iter().for_each(release);
    });
}

fn release(sentinel: &JsValue) {
    if let Ok(release) = js::get(sentinel, "release").dyn_into::<Function>() {
        // It may have been taken away already.
        let _ = release.call0(sentinel);
    }
}

impl Drop for WakeLock {
    fn drop(&mut self) {
        if let Some(sentinel) = self.held.borrow_mut().take() {
            release(&sentinel);
        }
    }
}
