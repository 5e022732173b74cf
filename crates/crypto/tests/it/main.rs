//! The public interface, used as the rest of the project uses it. Runs natively and, but for the property tests, in
//! wasm.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "the lints know test functions, but not the helpers beside them"
)]

mod backup;
#[cfg(not(target_arch = "wasm32"))]
mod backup_schedules;
mod common;
mod envelope;
mod file;
mod invite;
mod keys;
mod passphrase;
mod ratchet;
#[cfg(not(target_arch = "wasm32"))]
mod ratchet_schedules;
mod secrets;
mod sender_key;
#[cfg(not(target_arch = "wasm32"))]
mod timing;
mod vault_record;
mod vault_slot;
#[cfg(not(target_arch = "wasm32"))]
mod vault_slot_schedules;
mod x3dh;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
