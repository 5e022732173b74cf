//! Every byte format of Sotto once, with every size limit.

pub mod backup;
mod deterministic;
mod fixed_bytes;
pub mod peer;
pub mod server;

pub use fixed_bytes::FixedBytes;

#[cfg(all(test, target_arch = "wasm32"))]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
