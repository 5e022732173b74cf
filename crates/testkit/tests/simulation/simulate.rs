//! Plays scenarios of the simulation for a time or a number, or one again; `cargo xtask simulate` runs it.
#![allow(clippy::expect_used, missing_docs, reason = "a program for tests")]

#[allow(clippy::as_conversions, clippy::unwrap_used, reason = "tests")]
mod sqlite;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use sotto_testkit::ServerStore;
use sotto_testkit::simulation::{Failure, Figures, try_seed};

use crate::sqlite::Sqlite;

/// One scenario in so many keeps what the server keeps in the real store.
const REAL_STORE_EVERY: u64 = 50;

#[derive(Parser)]
struct Arguments {
    /// For so many hours
    #[arg(long)]
    hours: Option<f64>,
    /// So many scenarios
    #[arg(long)]
    scenarios: Option<u64>,
    /// The number of the first; alone, that one is played again
    #[arg(long)]
    seed: Option<u64>,
    /// Only these of its steps
    #[arg(long, value_delimiter = ',')]
    steps: Option<Vec<usize>>,
    /// At once
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

fn store(seed: u64) -> Option<Box<dyn ServerStore>> {
    if seed % REAL_STORE_EVERY == REAL_STORE_EVERY - 1 { Some(Box::new(Sqlite::new())) } else { None }
}

fn attempt(seed: u64, steps: Option<&[usize]>) -> Result<Figures, Box<Failure>> {
    try_seed(seed, steps, &|| store(seed))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let (Some(seed), None, None) = (arguments.seed, arguments.hours, arguments.scenarios) {
        return match attempt(seed, arguments.steps.as_deref()) {
            Ok(figures) => {
                println!("seed {seed}: {figures}");
                ExitCode::SUCCESS
            }
            Err(failure) => {
                println!("{failure}");
                ExitCode::FAILURE
            }
        };
    }
    let first = arguments.seed.unwrap_or(0);
    let count = arguments.scenarios.unwrap_or(u64::MAX);
    let until = arguments.hours.map(|hours| Instant::now() + Duration::from_secs_f64(hours * 3600.0));
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let all = Mutex::new(Figures::default());
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads.max(1) {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let over = until.is_some_and(|until| Instant::now() >= until);
                    if place >= count || over || failed.load(Ordering::Relaxed) {
                        return;
                    }
                    match attempt(first + place, None) {
                        Ok(figures) => {
                            let mut all = all.lock().expect("nobody panics with it");
                            *all += figures;
                            if all.scenarios.is_multiple_of(1000) {
                                println!("{all}, {} s", begun.elapsed().as_secs());
                            }
                        }
                        Err(failure) => {
                            failed.store(true, Ordering::Relaxed);
                            println!("{failure}");
                        }
                    }
                }
            });
        }
    });
    let all = all.into_inner().expect("nobody panics with it");
    println!("simulation: seeds from {first}, {all}, {} s", begun.elapsed().as_secs());
    if failed.into_inner() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
