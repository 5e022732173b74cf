//! Random scenarios in simulated time, each from a seed: thousands with a model of the server's store, a part with the
//! real one; and the model held against the real one.
//!
//! `cargo xtask simulate` plays more of them, or one again.
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests"
)]

mod model;
mod sqlite;

use std::io::Write as _;

use sotto_testkit::ServerStore;
use sotto_testkit::simulation::{Figures, try_seed};

use crate::sqlite::Sqlite;

/// Plays scenarios and says what they were.
fn play(seeds: core::ops::Range<u64>, store: impl Fn() -> Option<Box<dyn ServerStore>>) {
    let mut all = Figures::default();
    for seed in seeds {
        match try_seed(seed, None, &store) {
            Ok(figures) => all += figures,
            Err(failure) => panic!("{failure}"),
        }
    }
    // Not through what captures the output of tests that pass: it is one of the closing lines.
    let mut out = std::io::stdout();
    writeln!(out, "simulation: {all}").unwrap();
}

/// In parts, so that they are played side by side.
macro_rules! scenarios {
    ($($name:ident: $seeds:expr, $store:expr;)+) => {$(
        #[test]
        fn $name() {
            play($seeds, $store);
        }
    )+};
}

scenarios! {
    scenarios_one: 0..500, || None;
    scenarios_two: 500..1_000, || None;
    scenarios_three: 1_000..1_500, || None;
    scenarios_four: 1_500..2_000, || None;
    scenarios_with_the_servers_own_store: 1_000_000..1_000_012, || Some(Box::new(Sqlite::new()));
}
