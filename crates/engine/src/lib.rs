//! The client as a state machine: input in, output out; no I/O and no clock.
//!
//! Whoever drives a [`Client`] gives it one [`Input`] at a time through [`Client::handle`], then drains
//! [`Client::poll`] and carries the [`Output`]s out in that order, and comes back with [`Input::Timeout`] at
//! [`Client::next_timeout`]. Time and randomness are arguments, so a year of bad network can be simulated in a
//! second and any failure replayed from a seed.

mod command;
mod event;
mod id;
mod input;
mod output;
mod storage;
mod time;
mod view;

pub use command::Command;
pub use event::{Comparison, Event, Notice, ServerStatus};
pub use id::{ContactId, FileId, InviteId, LinkId, LocalFile, MessageId, ParseIdError, RequestId};
pub use input::{Input, LinkEvent, LinkPath, Response, SocketEvent, TransferEvent, TransferFailure};
pub use output::{IceServer, LinkAction, Output, Request, SocketAction, TransferAction};
pub use storage::{Change, Changes, Record, Store};
pub use time::Timestamp;
pub use view::{
    CardRefusal, CardView, ContactView, Content, Delivery, FileFailure, FileState, FileView, InviteView,
    MessageOrder, MessageView, Milestone, Profile, Route, Standing,
};

use rand_core::CryptoRng;

/// What a client has to know about where it runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// The page's origin, such as `https://sotto.example`: where invites lead and what challenges are bound to.
    pub origin: String,
    /// STUN servers for direct links; may be empty.
    pub ice_servers: Vec<IceServer>,
}

/// A person's client on one device.
#[derive(Debug)]
pub struct Client {
    config: Config,
}

impl Client {
    /// Rebuilds a client from all records of the stores that are loaded at start; with none, makes a new account.
    ///
    /// # Errors
    /// [`RestoreError`] when a record is not of this version or does not fit the others. Nothing was changed.
    pub fn restore(
        records: Vec<Record>,
        config: Config,
        now: Timestamp,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, RestoreError> {
        let _ = (records, now, rng);
        Ok(Self { config })
    }

    /// Takes one input. Everything that should happen because of it is then polled.
    pub fn handle(&mut self, input: Input, now: Timestamp, rng: &mut dyn CryptoRng) {
        let _ = (&self.config, input, now, rng);
    }

    /// The next thing to do, in order; `None` when there is nothing more until the next input.
    pub fn poll(&mut self) -> Option<Output> {
        None
    }

    /// When to come back with [`Input::Timeout`], at the latest; `None` when nothing is waited for.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Timestamp> {
        None
    }
}

/// The stored state cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// A record was written by a newer version of Sotto.
    #[error("a record in {0} was written by a newer version")]
    Newer(&'static str),
    /// A record does not parse or contradicts others.
    #[error("a record in {0} is damaged")]
    Damaged(&'static str),
}
