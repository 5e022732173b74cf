//! End-to-end scenarios in real browsers: the machinery. A scenario has a server, a proxy in front of it where it
//! needs one, and people, each of whom is a browser process with a profile of their own.
//!
//! Nothing here sleeps for luck: everything waits for a condition, until a deadline.

mod acting;
mod browser;
mod console;
mod handing;
mod inside;
mod internet;
mod look;
mod meeting;
mod memory;
mod network;
mod person;
mod processes;
mod proxy;
mod sample;
mod server;
mod stage;
mod standstill;
mod turn;
mod wait;
mod watch;

pub use browser::Kind;
pub use console::Entry;
pub use handing::{LONG, accept, file_card, has_state, offer, save_and_compare};
pub use internet::{Firewall, Home, Internet, Nat};
pub use look::Review;
pub use meeting::{get_to_know, meet, meet_by};
pub use memory::MemoryWatch;
pub use person::{Person, Scheme};
pub use proxy::{Proxy, Recording};
pub use sample::{Sample, digest_of};
pub use server::{Page, Server};
pub use sotto_testkit::relay::Conditions;
pub use stage::{Stage, scenario, scenario_on_internet};
pub use standstill::Standstill;
pub use turn::Turn;
pub use wait::{Outcome, PATIENCE, Trouble, trouble, until};
