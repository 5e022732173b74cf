//! What is fuzzed: one function for each group of decoders, and one that plays whole conversations.
//!
//! Each takes any bytes and panics when a property does not hold: nothing panics or hangs by itself, signed structures
//! have one encoding, what was read is written again as something that reads the same, limits hold, and what was refused
//! leaves the state byte-identical. Each says whether the bytes were accepted, so that a test can tell that its seeds
//! reach the inside.
//!
//! `fuzz/` wraps these for libFuzzer. Ordinary tests replay the corpora in `fuzz/corpus/` natively.

mod conversation;
mod envelope;
mod file;
mod group;
mod input;
mod peer;
mod ratchet;
mod scene;
mod server;
mod someone;
mod storage;

pub use conversation::{Played, conversation, play};
pub use envelope::envelope;
pub use file::file;
pub use group::group;
pub use peer::peer;
pub use ratchet::ratchet;
pub use server::server;
pub use storage::storage;

/// Inputs worth beginning with, each with its name. Those whose name begins with `refused` must be refused, all others
/// accepted.
pub type Seeds = Vec<(String, Vec<u8>)>;

/// One fuzz target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, that of its corpus directory too.
    pub name: &'static str,
    /// Plays one input; whether it was accepted.
    pub play: fn(&[u8]) -> bool,
    /// Inputs to begin with.
    pub seeds: fn() -> Seeds,
}

/// Every target.
pub const TARGETS: [Target; 8] = [
    Target { name: "peer", play: peer, seeds: peer::seeds },
    Target { name: "envelope", play: envelope, seeds: envelope::seeds },
    Target { name: "ratchet", play: ratchet, seeds: ratchet::seeds },
    Target { name: "server", play: server, seeds: server::seeds },
    Target { name: "file", play: file, seeds: file::seeds },
    Target { name: "group", play: group, seeds: group::seeds },
    Target { name: "storage", play: storage, seeds: storage::seeds },
    Target { name: "conversation", play: conversation, seeds: conversation::seeds },
];
