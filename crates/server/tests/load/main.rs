//! The rows of `cargo xtask load` in small: they still run, and what they promise holds. Nothing here is about
//! speed.
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "../client/mod.rs"]
mod client;
mod ledger;
#[path = "../../benches/load/rows/mod.rs"]
mod rows;

use rows::ROWS;
use rows::place::Place;

/// Percentage of the load.
const SHARE: u32 = 2;

fn small(name: &str) {
    let row = ROWS.iter().find(|row| row.name == name).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let figures = runtime.block_on((row.run)(&Place::anywhere(), SHARE, 1));
    assert!(!figures.is_empty());
    for figure in figures {
        println!("{}: {} {}", figure.what, figure.value, figure.unit);
        assert!(figure.sound(), "{}: {figure:?}", row.what);
    }
}

#[test]
fn kill() {
    small("kill");
}

#[test]
fn full() {
    small("full");
}

#[test]
fn idle() {
    small("idle");
}

#[test]
fn durable() {
    small("durable");
}

#[test]
fn relay() {
    small("relay");
}

#[test]
fn floods() {
    small("floods");
}

#[test]
fn malformed() {
    small("malformed");
}

#[test]
fn canaries() {
    small("canaries");
}

#[test]
fn storm() {
    small("storm");
}
