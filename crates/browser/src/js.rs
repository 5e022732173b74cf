//! Small conversions between JavaScript and Rust.

use std::future::Future;

use futures_channel::mpsc;
use futures_util::{
    StreamExt,
    future::{AbortHandle, Abortable},
};
use gloo_events::EventListener;
use js_sys::Reflect;
use sotto_engine::Timestamp;
use wasm_bindgen::JsValue;
use web_sys::{Event, EventTarget};

/// The `name` of an exception, such as `QuotaExceededError`; empty when it has none.
pub(crate) fn name_of(error: &JsValue) -> String {
    get(error, "name").as_string().unwrap_or_default()
}

/// A property; undefined when there is none.
pub(crate) fn get(object: &JsValue, property: &str) -> JsValue {
    Reflect::get(object, &property.into()).unwrap_or(JsValue::UNDEFINED)
}

/// An object with these properties.
pub(crate) fn object(properties: &[(&str, JsValue)]) -> js_sys::Object {
    let object = js_sys::Object::new();
    for (name, value) in properties {
        // Setting a property of a fresh object cannot fail.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object
}

/// A double from JavaScript as a whole number: a size, a count or milliseconds; never negative.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates and turns NaN into 0"
)]
pub(crate) fn whole(number: f64) -> u64 {
    number as u64
}

/// A whole number as JavaScript's double; exact up to 2⁵³.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "sizes and times stay far below 2^53")]
pub(crate) fn double(number: u64) -> f64 {
    number as f64
}

/// This device's clock.
pub(crate) fn now() -> Timestamp {
    Timestamp(whole(js_sys::Date::now()))
}

/// The browser's generator.
pub(crate) fn rng() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}

/// Waits for the first of these events. The listeners are gone when it has come or the wait is dropped.
pub(crate) async fn first_event(target: &EventTarget, kinds: &[&'static str]) -> Option<Event> {
    let (sender, mut events) = mpsc::unbounded();
    let _listeners: Vec<_> = kinds
        .iter()
        .map(|kind| {
            let sender = sender.clone();
            EventListener::new(target, *kind, move |event| {
                // Nobody listens any more: the wait is over.
                let _ = sender.unbounded_send(event.clone());
            })
        })
        .collect();
    drop(sender);
    events.next().await
}

/// A task that ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Task(AbortHandle);

impl Task {
    pub(crate) fn spawn(future: impl Future<Output = ()> + 'static) -> Self {
        let (handle, registration) = AbortHandle::new_pair();
        wasm_bindgen_futures::spawn_local(async move {
            // Aborted: its owner does not want it any more.
            let _ = Abortable::new(future, registration).await;
        });
        Self(handle)
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
