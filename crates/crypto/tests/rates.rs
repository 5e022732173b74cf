//! How fast the cryptography runs in a browser. `cargo xtask bench` runs it.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "the lints know test functions, but not the helpers beside them"
)]

#[allow(dead_code, reason = "shared with the tests, which use more of it")]
#[path = "it/common.rs"]
mod common;

use common::{NOW, rng, sessions};
use sotto_crypto::file::{CHUNK, CHUNK_OVERHEAD, FileOpener, FileSealer};
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const ROUNDS: usize = 5;
const CHUNKS: u32 = 1024;
const MESSAGES: u32 = 100;

/// Milliseconds that `work` takes.
fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let begun = js_sys::Date::now();
    let done = work();
    (js_sys::Date::now() - begun, done)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn tell(what: &str, unit: &str, values: Vec<f64>) {
    let (least, most) =
        values.iter().fold((f64::MAX, 0.0_f64), |(least, most), value| (least.min(*value), most.max(*value)));
    let middle = median(values);
    console_log!("rate: {what}: {middle:.2} {unit} (median of {ROUNDS}; {least:.2} to {most:.2})");
}

#[wasm_bindgen_test]
fn rate_of_chunks() {
    let size = u64::from(CHUNKS) * u64::try_from(CHUNK).unwrap();
    let megabytes = f64::from(CHUNKS) * f64::from(u32::try_from(CHUNK).unwrap()) / 1e6;
    let (mut sealing, mut opening) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (mut sealer, key) = FileSealer::start(size, &mut rng(1)).unwrap();
        let mut buffer = vec![7; CHUNK + CHUNK_OVERHEAD];
        let (took, ()) = timed(|| {
            for _ in 0..CHUNKS {
                sealer.seal_next(&mut buffer).unwrap();
            }
        });
        sealing.push(megabytes / took * 1e3);

        // One chunk many times: opening keeps nothing between chunks.
        let (mut sealer, key_of_one) = FileSealer::start(size, &mut rng(2)).unwrap();
        let mut sealed = vec![7; CHUNK + CHUNK_OVERHEAD];
        sealer.seal_next(&mut sealed).unwrap();
        let opener = FileOpener::new(*sealer.header(), &key_of_one);
        let (took, ()) = timed(|| {
            for _ in 0..CHUNKS {
                buffer.copy_from_slice(&sealed);
                opener.open(0, &mut buffer).unwrap();
            }
        });
        opening.push(megabytes / took * 1e3);
        drop(key);
    }
    tell("seal 64 KiB chunks, with their leaves", "MB/s", sealing);
    tell("open 64 KiB chunks, with their leaves", "MB/s", opening);
}

#[wasm_bindgen_test]
fn rate_of_messages() {
    let (mut along, mut turning) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (mut alice, mut bob) = sessions(1);
        let rng = &mut rng(3);
        let (took, ()) = timed(|| {
            for _ in 0..MESSAGES {
                let message = alice.seal(&[7; 200], rng).unwrap();
                bob.open(&message, NOW).unwrap();
            }
        });
        along.push(took / f64::from(MESSAGES));
        let (took, ()) = timed(|| {
            for _ in 0..MESSAGES {
                let message = bob.seal(&[7; 200], rng).unwrap();
                alice.open(&message, NOW).unwrap();
                let message = alice.seal(&[7; 200], rng).unwrap();
                bob.open(&message, NOW).unwrap();
            }
        });
        turning.push(took / f64::from(MESSAGES) / 2.0);
    }
    tell("seal and open a message, same chain", "ms", along);
    tell("seal and open a message, with a DH step", "ms", turning);
}
