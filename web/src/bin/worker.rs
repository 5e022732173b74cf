//! The worker: files, chunks and channels off the main thread.

use wasm_bindgen::prelude::*;

fn main() {
    std::panic::set_hook(Box::new(|info| web_sys::console::error_1(&info.to_string().into())));
    let scope: web_sys::DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    if let Err(error) = scope.post_message(&JsValue::from_str("the worker answers")) {
        web_sys::console::error_1(&error);
    }
}
