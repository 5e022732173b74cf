//! A statistical check of timing after dudect: do inputs of two classes take different times? `cargo xtask timing` runs
//! it, `docs/timing.md` says what it found and what it cannot find.
//!
//! `cargo bench -p sotto-crypto --bench timing -- [--share PERCENT] [PART OF A NAME]`
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a measurement, built as tests are"
)]

#[allow(dead_code, reason = "shared with the tests, which use more of it")]
#[path = "../../tests/it/common.rs"]
mod common;
mod measure;
mod subjects;
mod welch;

use std::process::ExitCode;

use measure::Bench;
use subjects::{SUBJECTS, Subject};

/// Measurements from which the cropping bounds are taken.
const CALIBRATION: usize = 5_000;

/// A smaller share than this would find nothing, the controls included.
const LEAST: u32 = 2_000;

fn main() -> ExitCode {
    let (share, part) = arguments();
    let mut wrong = 0;
    for subject in SUBJECTS.iter().filter(|subject| subject.name.contains(&part)) {
        let as_expected = judge(subject, share);
        wrong += usize::from(!as_expected);
    }
    println!("{wrong} of the operations not as expected (|t| beyond {} is a difference)", welch::THRESHOLD);
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Percentage of the measurements to take, and what the names of the subjects must contain.
fn arguments() -> (u32, String) {
    let (mut share, mut part) = (100, String::new());
    // cargo adds `--bench`.
    let mut given = std::env::args().skip(1).filter(|argument| argument != "--bench");
    while let Some(argument) = given.next() {
        match argument.as_str() {
            "--share" => share = given.next().and_then(|text| text.parse().ok()).expect("--share PERCENT"),
            _ => part = argument,
        }
    }
    (share, part)
}

/// Measures one operation; whether it came out as it should.
fn judge(subject: &Subject, share: u32) -> bool {
    let mut bench = Bench::new(common::rng(0), CALIBRATION);
    (subject.run)(&mut bench, (subject.measurements / 100 * share).max(LEAST));
    let verdict = bench.verdict().expect("calibrated");
    let as_expected = verdict.differs() == subject.control;
    let found = if verdict.differs() { "DIFFERENT" } else { "no difference found" };
    let note = if as_expected { "" } else { "  <- not as expected" };
    println!("timing: {}\n  {}\n  {verdict}\n  {found}{note}", subject.name, subject.classes);
    as_expected
}
