//! The public interface, used as the rest of the project uses it. Runs natively and, but for the property tests, in
//! wasm.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "the lints know test functions, but not the helpers beside them"
)]

mod common;
mod envelope;
mod file;
mod invite;
mod keys;
mod ratchet;
#[cfg(not(target_arch = "wasm32"))]
mod ratchet_schedules;
mod vault;
mod x3dh;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
