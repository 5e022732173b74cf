//! `cargo xtask load`: the server under load and faults, `docs/reliability.md`.

use std::process::Command;

use crate::step::{Outcome, lines_of, step};
use crate::workspace::Workspace;

/// Builds server and load as a release is built and runs it.
///
/// # Errors
///
/// When something was lost or another promise was broken; a figure that is only missed is told.
pub fn load(workspace: &Workspace, arguments: &[String]) -> Outcome<()> {
    step("the server under load and faults, native", || {
        let mut command = Command::new("cargo");
        command
            .args(["bench", "--locked", "--package", "sotto-server", "--bench", "load", "--"])
            .args(arguments)
            .current_dir(&workspace.root);
        lines_of(&mut command).map(|_| ())
    })
}
