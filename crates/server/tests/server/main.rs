//! The server over real sockets.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod abuse;
mod bad_input;
#[path = "../client/mod.rs"]
mod client;
mod crash;
mod delivery;
mod disk;
mod faults;
mod floods;
mod invites;
mod page;
mod sockets;
mod strangers;
mod support;
mod turn;
mod watched;

use client::device;
