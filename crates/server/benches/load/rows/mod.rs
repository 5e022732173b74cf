//! What is measured, a file for each row of the table.

mod attack;
mod canaries;
mod disk;
mod durable;
pub mod figure;
mod floods;
mod full;
mod idle;
mod kill;
pub mod ledger;
mod malformed;
mod mutate;
mod others;
mod person;
pub mod place;
mod post;
mod relay;
mod samples;
mod server;
mod stamp;
mod storm;

use std::pin::Pin;

use figure::Figure;
use place::Place;

type Figures<'a> = Pin<Box<dyn Future<Output = Vec<Figure>> + 'a>>;

/// One row: its name on the command line, what it does, and how.
pub struct Row {
    pub name: &'static str,
    pub what: &'static str,
    /// Runs it once, with this percentage of the load; the number of the run is a seed.
    pub run: for<'a> fn(&'a Place, u32, u32) -> Figures<'a>,
}

pub const ROWS: &[Row] = &[
    Row {
        name: "kill",
        what: "kill -9 under load",
        run: |place, share, run| Box::pin(kill::run(place, share, run)),
    },
    Row {
        name: "full",
        what: "a full disk, kill -9 in that state, and room again",
        run: |place, share, run| Box::pin(full::run(place, share, run)),
    },
    Row {
        name: "idle",
        what: "sockets that wait",
        run: |place, share, run| Box::pin(idle::run(place, share, run)),
    },
    Row {
        name: "durable",
        what: "envelopes of 1 KiB put, pushed, acknowledged",
        run: |place, share, run| Box::pin(durable::run(place, share, run)),
    },
    Row {
        name: "relay",
        what: "pairs exchanging ephemeral envelopes",
        run: |place, share, run| Box::pin(relay::run(place, share, run)),
    },
    Row {
        name: "floods",
        what: "connections, readers that never read, slow requests",
        run: |place, share, run| Box::pin(floods::run(place, share, run)),
    },
    Row {
        name: "malformed",
        what: "frames, bodies and raw bytes made wrong",
        run: |place, share, run| Box::pin(malformed::run(place, share, run)),
    },
    Row {
        name: "canaries",
        what: "addresses, tokens and names on disk, in the log, in memory",
        run: |place, share, run| Box::pin(canaries::run(place, share, run)),
    },
    Row {
        name: "storm",
        what: "everyone back at once after each crash, putting everything again",
        run: |place, share, run| Box::pin(storm::run(place, share, run)),
    },
];

/// This percentage of a number, but at least one.
fn part(of: usize, share: u32) -> usize {
    (of * share as usize / 100).max(1)
}
