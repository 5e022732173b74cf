//! Set-up, run, test, check and bench: the only scripts. `cargo xtask help` lists them.

mod apt;
mod bench;
mod check;
mod fuzz;
mod load;
mod models;
mod page;
mod run;
mod second;
mod setup;
mod simulate;
mod step;
mod suite;
mod tests;
mod timing;
mod vectors;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::page::Quality;
use crate::workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "What is done with Sotto's sources")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Set up what is missing, build the page and the server, start it with its data in ./data
    Run {
        /// Passed on to the server, after `--`
        #[arg(last = true)]
        server: Vec<String>,
    },
    /// Set up what tests need and run everything: checks, unit, property, wasm and browser tests
    Test,
    /// Format, lints with warnings denied, direction of dependencies, licences and sources
    Check,
    /// Sizes of the page, rates of cryptography and of a transfer in Chromium
    Bench,
    /// Write the test vectors, into docs/vectors/
    Vectors {
        /// Overwrite those that differ: only before the first release of their version
        #[arg(long)]
        unreleased: bool,
    },
    /// Verify the models of the protocol, in docs/models/, by Verifpal
    Models,
    /// Feed decoders and conversations with altered inputs, in fuzz/, by cargo-fuzz
    Fuzz {
        /// How long each target runs
        #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
        minutes: u64,
        /// Only this target
        #[arg(long)]
        target: Option<String>,
    },
    /// Play random scenarios of the simulated network, native, or one of them again
    Simulate {
        #[command(flatten)]
        scenarios: simulate::Scenarios,
    },
    /// Whether comparisons of secrets and scalar multiplication take the same time for all inputs, native
    Timing {
        /// Percentage of the measurements to take; all of them take a quarter of an hour
        #[arg(long, default_value_t = 100)]
        share: u32,
    },
    /// The server under load and faults: kill -9, idle sockets, durable messages, relay, floods, bad input, canaries
    Load {
        /// Rows to run, `--runs N`, `--share PERCENT`; see `cargo xtask load -- --help`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Only build the page, into dist/
    Page {
        /// Unoptimised and uncompressed, for work on it: minutes faster, larger, slower; no proof of anything
        #[arg(long)]
        quick: bool,
    },
}

fn main() -> ExitCode {
    let outcome = Workspace::find().and_then(|workspace| match Arguments::parse().task {
        Task::Run { server } => run::run(&workspace, &server),
        Task::Test => tests::test(&workspace),
        Task::Check => check::check(&workspace),
        Task::Bench => bench::bench(&workspace),
        Task::Models => models::models(&workspace),
        Task::Fuzz { minutes, target } => fuzz::fuzz(&workspace, minutes, target.as_deref()),
        Task::Vectors { unreleased } => vectors::vectors(&workspace, unreleased),
        Task::Simulate { scenarios } => simulate::simulate(&workspace, &scenarios),
        Task::Timing { share } => timing::timing(&workspace, share),
        Task::Load { arguments } => load::load(&workspace, &arguments),
        Task::Page { quick } => {
            let quality = if quick { Quality::Quick } else { Quality::Release };
            setup::for_page(&workspace).and_then(|tools| page::build(&workspace, &tools, quality))
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::FAILURE
        }
    }
}
