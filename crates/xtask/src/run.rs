//! `cargo xtask run`.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::step::{Failure, Outcome, lines_of, step};
use crate::workspace::Workspace;
use crate::{page, setup};

/// Builds what is missing and becomes the server.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Outcome<()> {
    let tools = setup::for_page(workspace)?;
    page::build(workspace, &tools, page::Quality::Release)?;
    step("build the server", || {
        lines_of(
            Command::new("cargo")
                .args(["build", "--release", "--locked", "--package", "sotto-server"])
                .current_dir(&workspace.root),
        )
    })?;
    let server = workspace.target.join("release/sotto-server");
    println!("── start {} with its data in ./data; Ctrl+C ends it", server.display());
    // In place of this process: signals reach the server itself, and nobody outlives it.
    let error = Command::new(&server).args(arguments).current_dir(&workspace.root).exec();
    Err(Failure::at(&server, &error))
}
