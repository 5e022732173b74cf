//! The server under load and faults, driven over loopback by a client of its own. `cargo xtask load` runs it,
//! `docs/reliability.md` has the tables.
//!
//! `cargo bench -p sotto-server --bench load -- [--runs N] [--share PERCENT] [ROW]…`
#![allow(
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a measurement, built as tests are"
)]

#[path = "../../tests/client/mod.rs"]
mod client;
mod rows;
mod table;

use std::process::ExitCode;

use clap::Parser;
use rows::place::Place;
use rows::{ROWS, Row};
use table::Table;

#[derive(Parser)]
#[command(name = "load", about = "The server under load and faults")]
struct Arguments {
    /// Rows to run; all when none is named
    #[arg(value_parser = row)]
    rows: Vec<&'static Row>,
    /// How often each row runs; medians are over these
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    runs: u32,
    /// Percentage of the load to give
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    share: u32,
    /// cargo's own
    #[arg(long, hide = true)]
    bench: bool,
}

fn row(name: &str) -> Result<&'static Row, String> {
    ROWS.iter().find(|row| row.name == name).ok_or_else(|| {
        let names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
        format!("there are {}", names.join(", "))
    })
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let place = Place::two_cores();
    println!("{}", place.describe());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut sound = true;
    for row in ROWS {
        if !arguments.rows.is_empty() && !arguments.rows.iter().any(|chosen| chosen.name == row.name) {
            continue;
        }
        let mut table = Table::default();
        for run in 1..=arguments.runs {
            println!("load: {}, run {run} of {}", row.name, arguments.runs);
            table.add(runtime.block_on((row.run)(&place, arguments.share, run)));
        }
        println!(
            "\nload: {}: {} ({} % of the load, {} runs)",
            row.name, row.what, arguments.share, arguments.runs
        );
        println!("{table}");
        sound &= table.sound();
    }
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
