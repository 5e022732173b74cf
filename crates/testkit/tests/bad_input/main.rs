//! Bad input, for every structure alike: each is bent in every way this protocol forbids, and every decoder must refuse it
//! and name the rule.
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests"
)]

mod bend;
mod cbor;
#[path = "../scenarios/common.rs"]
#[expect(dead_code, reason = "the scenarios need more of it")]
mod common;
mod fixed;
mod listed;
mod state;
mod structures;
