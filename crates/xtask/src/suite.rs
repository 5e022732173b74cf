//! A row of steps that all run, whatever becomes of those before, and are told together at the end.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::step::{Failure, Outcome, spell, watch};

/// What became of the steps so far.
#[derive(Default)]
pub struct Suite {
    steps: Vec<Finished>,
}

struct Finished {
    title: String,
    took: Duration,
    trouble: Option<String>,
    /// The runners' own last words.
    summaries: Vec<String>,
}

impl Suite {
    /// Runs a command as a step.
    pub fn command(&mut self, title: &str, command: &mut Command) {
        self.record(title, || match watch(command) {
            Ok((lines, true)) => (lines, None),
            Ok((lines, false)) => (lines, Some("failed, see above".to_owned())),
            Err(failure) => (Vec::new(), Some(failure.to_string())),
        });
    }

    /// Does something as a step; what it hands back are lines worth repeating.
    pub fn work(&mut self, title: &str, work: impl FnOnce() -> Outcome<Vec<String>>) -> bool {
        self.record(title, || match work() {
            Ok(lines) => (lines, None),
            Err(failure) => (Vec::new(), Some(failure.to_string())),
        })
    }

    fn record(&mut self, title: &str, work: impl FnOnce() -> (Vec<String>, Option<String>)) -> bool {
        println!("── {title}");
        let start = Instant::now();
        let (lines, trouble) = work();
        let took = start.elapsed();
        let end = trouble.as_deref().unwrap_or("ok");
        println!("── {title}: {end} ({})", spell(took));
        let summaries = lines.into_iter().filter(|line| is_summary(line)).collect();
        let succeeded = trouble.is_none();
        self.steps.push(Finished { title: title.to_owned(), took, trouble, summaries });
        succeeded
    }

    /// Repeats what each step said at its end.
    ///
    /// # Errors
    ///
    /// When a step failed.
    pub fn finish(self) -> Outcome<()> {
        println!("\n── summary");
        for step in &self.steps {
            let end = step.trouble.as_deref().unwrap_or("ok");
            println!("{:>12}  {}: {end}", spell(step.took), step.title);
            for line in &step.summaries {
                println!("              {line}");
            }
        }
        let total = self.steps.iter().map(|step| step.took).sum();
        let failed = self.steps.iter().filter(|step| step.trouble.is_some()).count();
        println!("{:>12}  in all: {} steps, {failed} failed", spell(total), self.steps.len());
        if failed == 0 { Ok(()) } else { Err(Failure::new(format!("{failed} steps failed"))) }
    }
}

/// What a line begins with that sums up: cargo-deny's, Python's unittest's, the second implementation's, our own.
const SUMMARIES: [&str; 10] = [
    "advisories ",
    "Ran ",
    "FAILED (",
    "conversations held: ",
    "vector cases replayed: ",
    "vectors ",
    "model ",
    "fuzz ",
    "simulation: ",
    "skipped: ",
];

/// Lines in which what was run sums up.
fn is_summary(line: &str) -> bool {
    let line = line.trim_start();
    let of_tests = line.starts_with("test result:")
        && !line.starts_with("test result: ok. 0 passed; 0 failed; 0 ignored");
    of_tests
        || SUMMARIES.iter().any(|beginning| line.starts_with(beginning))
        || line.ends_with("sources ok")
        || line.starts_with("test ") && line.ends_with("FAILED")
}
