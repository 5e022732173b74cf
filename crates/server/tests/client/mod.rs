//! A client of the server, for its tests and for the load.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]
#![allow(dead_code, reason = "not every user needs all of it")]

pub mod device;
pub mod http;
