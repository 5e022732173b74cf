//! `cargo xtask fuzz`: the targets of `fuzz/`, by cargo-fuzz.

use std::fs;
use std::process::Command;

use crate::apt;
use crate::setup::{self, path_with_tools};
use crate::step::{Failure, Outcome, lines_of, quiet_output, step, watch};
use crate::suite::Suite;
use crate::workspace::Workspace;

/// libFuzzer is asked for at most so long at once; longer runs are several, which share what they found.
const SLICE: u64 = 30 * 60;

/// Runs every target, or one, for so many minutes each.
pub fn fuzz(workspace: &Workspace, minutes: u64, only: Option<&str>) -> Outcome<()> {
    let mut suite = Suite::default();
    let ready = suite.work("set up and build the fuzz targets", || {
        let fuzzer = Fuzzer::new(workspace)?;
        fuzzer.build().map(|()| Vec::new())
    });
    if !ready {
        return suite.finish();
    }
    let fuzzer = Fuzzer::new(workspace)?;
    let targets = fuzzer.targets()?;
    if only.is_some_and(|only| !targets.iter().any(|target| target == only)) {
        return Err(Failure::new(format!("there is no such target; there are {}", targets.join(", "))));
    }
    for target in targets.iter().filter(|target| only.is_none_or(|only| *target == only)) {
        suite.work(&format!("fuzz {target} for {minutes} minutes"), || {
            fuzzer.run_for(target, minutes.saturating_mul(60))
        });
    }
    suite.finish()
}

/// Every target for a few seconds: that they build, run and find nothing at once.
pub fn smoke(workspace: &Workspace, seconds: u64) -> Outcome<Vec<String>> {
    let fuzzer = Fuzzer::new(workspace)?;
    fuzzer.build()?;
    let mut told = Vec::new();
    for target in fuzzer.targets()? {
        told.extend(fuzzer.run_for(&target, seconds)?);
    }
    Ok(told)
}

struct Fuzzer<'a> {
    workspace: &'a Workspace,
    /// Otherwise the pinned toolchain is told to behave like one.
    has_nightly: bool,
}

impl<'a> Fuzzer<'a> {
    /// Sets cargo-fuzz up.
    fn new(workspace: &'a Workspace) -> Outcome<Self> {
        compiler()?;
        setup::cargo_fuzz(workspace)?;
        let nightly = quiet_output(Command::new("rustup").args(["run", "nightly", "rustc", "--version"]));
        let has_nightly = nightly.is_some();
        match nightly {
            Some(version) => {
                println!("── fuzzing with the nightly toolchain, {}, without sanitizer", version.trim())
            }
            None => println!(
                "── no nightly toolchain: fuzzing with the pinned one (RUSTC_BOOTSTRAP=1), without sanitizer"
            ),
        }
        Ok(Self { workspace, has_nightly })
    }

    /// `cargo fuzz` with this and the arguments that all of it takes.
    fn command(&self, what: &str) -> Command {
        let mut command = if self.has_nightly {
            let mut command = Command::new("rustup");
            command.args(["run", "nightly", "cargo"]);
            command
        } else {
            let mut command = Command::new("cargo");
            command.env("RUSTC_BOOTSTRAP", "1");
            command
        };
        command.args(["fuzz", what, "--fuzz-dir", "fuzz"]);
        command.env("PATH", path_with_tools(self.workspace)).current_dir(&self.workspace.root);
        if what != "list" {
            // Our crates forbid unsafe code, which sanitizers look for. Which assertions are on is for the profile in
            // fuzz/Cargo.toml to say, hence -O; tracing compares took two fifths of the time and found nothing.
            command
                .args(["-O", "--no-trace-compares", "--sanitizer", "none", "--target-dir"])
                .arg(self.workspace.target.join("fuzz"));
        }
        command
    }

    fn build(&self) -> Outcome<()> {
        lines_of(&mut self.command("build")).map(|_| ())
    }

    fn targets(&self) -> Outcome<Vec<String>> {
        let told = quiet_output(&mut self.command("list"))
            .ok_or_else(|| Failure::new("`cargo fuzz list` failed"))?;
        Ok(told.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect())
    }

    /// Runs a target; the figures it ends with.
    fn run_for(&self, target: &str, seconds: u64) -> Outcome<Vec<String>> {
        // New inputs go here; those in the repository are chosen by people.
        let scratch = self.workspace.target.join("fuzz-corpus").join(target);
        fs::create_dir_all(&scratch).map_err(|error| Failure::at(&scratch, &error))?;
        let (mut left, mut executed, mut covered) = (seconds, 0_u64, String::new());
        while left > 0 {
            let slice = left.min(SLICE);
            left = left.saturating_sub(slice);
            let mut command = self.command("run");
            command
                .arg(target)
                .arg(&scratch)
                .arg(format!("fuzz/corpus/{target}"))
                // Long inputs from the start: there is no time to grow them, and schedules are long.
                .args(["--", "-rss_limit_mb=2048", "-timeout=60", "-len_control=0", "-print_final_stats=1"])
                .arg(format!("-max_len={}", longest(target)))
                .arg(format!("-max_total_time={slice}"));
            let (lines, succeeded) = step(&format!("{target}, {slice} s"), || watch(&mut command))?;
            if !succeeded {
                return Err(Failure::new(format!(
                    "{target} found something, see above; the input lies in fuzz/artifacts/{target}"
                )));
            }
            executed = executed.saturating_add(figure(&lines, "stat::number_of_executed_units:"));
            let last = lines.iter().rev().find(|line| line.contains(" cov: "));
            covered = last.map_or(covered, |line| {
                line.split_whitespace()
                    .skip_while(|word| *word != "cov:")
                    .take(4)
                    .collect::<Vec<_>>()
                    .join(" ")
            });
        }
        Ok(vec![format!("fuzz {target}: {executed} executions in {seconds} s, {covered}, nothing found")])
    }
}

/// libFuzzer is written in C++.
fn compiler() -> Outcome<()> {
    if apt::is_there("c++") {
        return Ok(());
    }
    let advice = "fuzzing needs a C++ compiler as `c++`: on Debian, as root, `apt-get install g++`";
    apt::install(&["g++"], Failure::new(advice))
}

/// Longest input worth trying, in bytes: what is longer only takes longer.
fn longest(target: &str) -> u32 {
    match target {
        "conversation" => 200,
        "file" => 512,
        _ => 3_000,
    }
}

/// The number behind this word.
fn figure(lines: &[String], word: &str) -> u64 {
    let line = lines.iter().rev().find_map(|line| line.trim().strip_prefix(word));
    line.and_then(|rest| rest.trim().parse().ok()).unwrap_or(0)
}
