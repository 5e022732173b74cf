//! The client as a state machine: input in, output out; no I/O and no clock.
//!
//! Whoever drives a [`Client`] gives it one [`Input`] at a time through [`Client::handle`], then drains
//! [`Client::poll`] and carries the [`Output`]s out in that order, and comes back with [`Input::Timeout`] at
//! [`Client::next_timeout`]. Time and randomness are arguments, so a year of bad network can be simulated in a
//! second and any failure replayed from a seed.

#[cfg(all(test, target_arch = "wasm32"))]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

mod accepted;
mod account;
mod address;
mod admission;
mod client;
mod command;
mod contact;
mod conversation;
mod damage;
mod event;
mod examination;
mod flood;
pub mod group;
mod ice;
mod id;
mod input;
mod invite;
mod link;
mod outbox;
mod output;
mod path;
mod policy;
mod record;
mod redacted;
mod seen;
mod session;
mod settings;
mod socket;
mod storage;
mod text;
mod time;
mod timers;
mod transfer;
mod turn;
mod view;

pub use client::{Bounded, Client};
pub use command::Command;
pub use damage::{Damage, DamagedPart};
pub use event::{Comparison, Event, Notice, ServerStatus};
pub use examination::{Candidates, Examination, Finding, TurnKnown};
pub use id::{ContactId, FileId, InviteId, LinkId, LocalFile, MessageId, ParseIdError, RequestId};
pub use input::{Input, LinkEvent, LinkFigures, Response, SocketEvent, TransferEvent, TransferFailure};
pub use output::{IceServer, LinkAction, Output, Request, SocketAction, TransferAction};
pub use path::{CandidateKind, LinkPath, PairEnd, RelayTransport};
pub use settings::{Linking, Settings};
pub use storage::{Change, Changes, RECORD_MAX, Record, Store};
pub use time::Timestamp;
pub use view::{
    CardRefusal, CardView, ContactView, Content, Delivery, Devices, FileFailure, FileState, FileView,
    InviteView, MessageOrder, MessageView, Milestone, Profile, Route, Standing,
};

/// What a client has to know about where it runs.
#[derive(Clone, Debug)]
pub struct Config {
    /// The page's origin, such as `https://sotto.example`: where invites lead and what challenges are bound to.
    pub origin: String,
    /// Whether the browser has WebRTC, without which there are no links.
    pub webrtc: bool,
}

/// The stored state cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// A record was written by a newer version of Sotto, or opens and is nothing that this version knows.
    #[error("a record in {0} was written by another version")]
    Newer(&'static str),
    /// A record does not open, or contradicts others.
    #[error("a record in {0} is damaged")]
    Damaged(&'static str),
}
