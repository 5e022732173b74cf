//! `cargo xtask vectors`.

use std::process::Command;

use crate::step::{Outcome, lines_of, step};
use crate::workspace::Workspace;

/// Writes the test vectors into `docs/vectors/`; `unreleased` overwrites those that differ.
pub fn vectors(workspace: &Workspace, unreleased: bool) -> Outcome<()> {
    step("test vectors", || {
        let mut command = Command::new("cargo");
        command
            .args(["run", "--quiet", "--locked", "--package", "sotto-testkit", "--bin", "vectors", "--"])
            .current_dir(&workspace.root);
        if unreleased {
            command.arg("--unreleased");
        }
        lines_of(&mut command).map(|_| ())
    })
}
