//! Introduces people, keeps ciphertext for those who are away, serves the page.
//!
//! One process, one port for people, one for its operator, one database. It reads ids, classes and lengths;
//! envelopes, name cards and bundles are opaque to it, and it keeps nothing that names a sender.

pub mod api;
pub mod app;
pub mod config;
pub mod forwarded;
pub mod health;
pub mod metrics;
pub mod origin;
pub mod page;
pub mod presence;
mod run;
pub mod serve;
pub mod socket;
pub mod store;
pub mod stranger;
pub mod turn;
pub mod web;

pub use run::{Running, StartError};
