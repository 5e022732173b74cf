//! `cargo xtask simulate`: random scenarios of the simulated network, or one of them again.

use std::process::Command;

use crate::step::{Outcome, lines_of, step};
use crate::workspace::Workspace;

/// What to play.
#[derive(clap::Args)]
pub struct Scenarios {
    /// Play scenarios for so many hours
    #[arg(long)]
    hours: Option<f64>,
    /// Play so many scenarios
    #[arg(long)]
    scenarios: Option<u64>,
    /// The number of the first scenario; alone, that one is played again
    #[arg(long)]
    seed: Option<u64>,
    /// Only these steps of it, as a failure names them
    #[arg(long, requires = "seed")]
    steps: Option<String>,
    /// Scenarios at once
    #[arg(long, default_value_t = 1)]
    threads: u32,
}

/// Builds the simulation as a release is built and plays.
///
/// # Errors
///
/// When something was not as promised; how to see it again has been printed.
pub fn simulate(workspace: &Workspace, scenarios: &Scenarios) -> Outcome<()> {
    step("simulated scenarios", || {
        let mut command = Command::new("cargo");
        command
            .args([
                "run",
                "--release",
                "--locked",
                "--package",
                "sotto-testkit",
                "--example",
                "simulate",
                "--",
            ])
            .current_dir(&workspace.root);
        let options = [
            ("--hours", scenarios.hours.map(|hours| hours.to_string())),
            ("--scenarios", scenarios.scenarios.map(|count| count.to_string())),
            ("--seed", scenarios.seed.map(|seed| seed.to_string())),
            ("--steps", scenarios.steps.clone()),
            ("--threads", Some(scenarios.threads.to_string())),
        ];
        for (option, value) in options {
            command.args(value.map(|value| [option.to_owned(), value]).into_iter().flatten());
        }
        lines_of(&mut command).map(|_| ())
    })
}
