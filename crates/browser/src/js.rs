//! Small conversions between JavaScript and Rust.

use js_sys::Reflect;
use wasm_bindgen::JsValue;

/// The `name` of an exception, such as `QuotaExceededError`; empty when it has none.
pub(crate) fn name_of(error: &JsValue) -> String {
    Reflect::get(error, &"name".into()).ok().and_then(|name| name.as_string()).unwrap_or_default()
}
