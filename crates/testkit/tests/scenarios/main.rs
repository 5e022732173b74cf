//! Scenarios of two and three people, one file each, played in simulated time.
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests"
)]

mod anew;
mod away;
mod common;
mod crash;
mod damage;
mod devices;
mod drafts;
mod envelopes;
mod faults;
mod files;
mod floods;
mod hostile;
mod invites;
mod keys;
mod links;
mod parting;
mod paths;
mod puppet;
mod repair;
mod scene;
mod server;
mod strangers;
mod talk;
