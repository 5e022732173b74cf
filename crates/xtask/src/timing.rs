//! `cargo xtask timing`: the statistical check of timing, `docs/timing.md`.

use std::process::Command;

use crate::step::{Outcome, lines_of, step};
use crate::workspace::Workspace;

/// Builds the check as a release is built and runs it; `share` is the percentage of the measurements to take.
///
/// # Errors
///
/// When an operation takes different times, or a deliberately leaking one is not found.
pub fn timing(workspace: &Workspace, share: u32) -> Outcome<()> {
    step("timing of comparisons and scalar multiplication, native", || {
        let mut command = Command::new("cargo");
        command
            .args(["bench", "--package", "sotto-crypto", "--bench", "timing", "--", "--share"])
            .arg(share.to_string())
            .current_dir(&workspace.root);
        lines_of(&mut command).map(|_| ())
    })
}
