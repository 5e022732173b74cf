//! The second implementation, in Python: its set-up and its tests.

use std::path::PathBuf;
use std::process::Command;

use crate::apt;
use crate::step::{Failure, Outcome, lines_of, quiet_output, step};
use crate::workspace::{Workspace, read, write};

/// Where it lies.
const DIRECTORY: &str = "tests/second-implementation";

/// Runs its tests, conversations with the Rust peer included.
pub fn test(workspace: &Workspace) -> Outcome<Vec<String>> {
    let python = python(workspace)?;
    // Chosen like the other tests, so that nothing is compiled twice for other features; it makes the peer too.
    lines_of(
        Command::new("cargo")
            .args(["test", "--locked", "--workspace", "--test", "peer", "--no-run"])
            .current_dir(&workspace.root),
    )?;
    let lines = lines_of(
        Command::new(python)
            .args(["-m", "unittest", "discover", "-s", DIRECTORY])
            .env("SOTTO_PEER", workspace.target.join("debug/peer"))
            .current_dir(&workspace.root),
    )?;
    if lines.iter().any(|line| line.contains("skipped=")) {
        return Err(Failure::new("tests of the second implementation were skipped, see above"));
    }
    Ok(lines)
}

/// Python of a virtual environment with exactly the packages in `requirements.txt`, made anew when they changed.
fn python(workspace: &Workspace) -> Outcome<PathBuf> {
    let wanted = workspace.root.join(DIRECTORY).join("requirements.txt");
    let environment = workspace.target.join("second-implementation");
    let (python, installed) = (environment.join("bin/python"), environment.join("requirements.txt"));
    let requirements = read(&wanted)?;
    let is_installed = read(&installed).is_ok_and(|there| there == requirements);
    if is_installed && quiet_output(Command::new(&python).args(["-c", "import cryptography"])).is_some() {
        return Ok(python);
    }
    interpreter()?;
    step("make the second implementation's Python environment (once, into target/)", || {
        lines_of(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
        lines_of(
            Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
                .args(["--require-hashes", "--only-binary", ":all:", "--requirement"])
                .arg(&wanted),
        )
        .map_err(|_| {
            Failure::new(
                "the second implementation's packages could not be installed, see above; Python's package index is needed",
            )
        })?;
        write(&installed, &requirements)
    })?;
    Ok(python)
}

/// Python 3.11 or newer that can make virtual environments.
fn interpreter() -> Outcome<()> {
    let can = || {
        let asked = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))";
        quiet_output(Command::new("python3").args(["-c", asked])).is_some()
    };
    let advice = || {
        Failure::new(
            "the second implementation needs Python 3.11 or newer with its venv module: on Debian, as root, `apt-get \
             install python3 python3-venv`",
        )
    };
    if can() {
        return Ok(());
    }
    apt::install(&["python3", "python3-venv"], advice())?;
    if can() { Ok(()) } else { Err(advice()) }
}
