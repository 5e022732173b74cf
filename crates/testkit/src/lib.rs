//! Simulated network and time: several clients, a model of the server, links and disks, all in one thread and from one
//! seed. Nothing there sleeps; a scenario that failed fails again. For real programs there are real networks, between
//! namespaces of the kernel's, with a relay that makes them bad.
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test tool: it stops at the first thing that is not as it should be"
)]

mod disk;
mod files;
pub mod fuzz;
#[cfg(unix)]
pub mod namespace;
mod network;
mod person;
pub mod relay;
mod screen;
mod server;
pub mod simulation;
mod tricks;
pub mod vectors;
mod world;

pub use disk::Disk;
pub use network::{Network, Party};
pub use person::{CrashAt, Person};
pub use screen::Screen;
pub use server::{Mailbox, ModelServer, ModelStore, NewEnvelope, Opened, Put, ServerStore, StoredInvite};
pub use world::{Who, World};
