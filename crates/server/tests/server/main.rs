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
mod crash;
mod delivery;
mod device;
mod disk;
mod faults;
mod floods;
mod invites;
mod page;
mod sockets;
mod support;
mod turn;
mod watched;
