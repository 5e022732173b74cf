//! The server over real sockets.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod abuse;
mod crash;
mod delivery;
mod device;
mod invites;
mod page;
mod sockets;
mod support;
