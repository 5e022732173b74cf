//! Tests that need a browser.

mod files;
mod keyring;
mod links;
mod locks;
mod migrations;
mod pair;
mod passphrase;
#[cfg(feature = "bench")]
mod rate;
mod scroll;
mod sotto;
mod storage;

use js_sys::Array;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use wasm_bindgen_test::wasm_bindgen_test_configure;
use web_sys::{Blob, Url};

wasm_bindgen_test_configure!(run_in_browser);

/// What a worker of these tests runs: the same module in a worker of its own.
#[wasm_bindgen]
pub fn run_worker_of_tests() {
    crate::worker::run();
}

/// Address of a script that runs [`run_worker_of_tests`].
fn worker_url() -> String {
    let origin = web_sys::window().unwrap().location().origin().unwrap();
    let script = format!(
        "import('{origin}/wasm-bindgen-test').then(async module => {{
            await module.default('{origin}/wasm-bindgen-test_bg.wasm');
            module.run_worker_of_tests();
        }});"
    );
    let blob = Blob::new_with_str_sequence(&Array::of1(&JsValue::from_str(&script))).unwrap();
    Url::create_object_url_with_blob(&blob).unwrap()
}

/// A name that no other test uses.
fn unique(purpose: &str) -> String {
    format!("{purpose}-{}", js_sys::Math::random())
}
