//! The test vectors of `docs/vectors`: that they are what the code makes, and, without the code that makes them, that
//! what they say is so.
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod backup;
mod current;
mod envelope;
mod file;
mod given;
mod groups;
mod keys;
mod messages;
mod people;
mod ratchet;
mod safety_number;
mod server;
mod signed;
mod vault;
mod x3dh;
