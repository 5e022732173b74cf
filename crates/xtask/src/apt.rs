//! Packages of the system, where we may install them: on Debian, as root.

use std::env;
use std::process::Command;

use crate::step::{Failure, Outcome, lines_of, quiet_output, step};

/// Whether `PATH` has a program of this name.
pub fn is_there(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).exists())
}

/// The packages of those programs that are not there, from pairs of both.
pub fn missing<'a>(programs: &[(&str, &'a str)]) -> Vec<&'a str> {
    programs.iter().filter(|(program, _)| !is_there(program)).map(|(_, package)| *package).collect()
}

/// Whether we may install packages here.
pub fn is_allowed() -> bool {
    let is_root = quiet_output(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0");
    is_root && is_there("apt-get")
}

/// Installs packages, or hands back `advice` where that cannot be done.
pub fn install(packages: &[&str], advice: Failure) -> Outcome<()> {
    if !is_allowed() {
        return Err(advice);
    }
    step(&format!("install {} (apt-get)", packages.join(", ")), || {
        // `timeout` bounds a mirror that hangs.
        let apt = |arguments: &[&str]| {
            let mut command = Command::new("timeout");
            command.arg("900").arg("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
            lines_of(&mut command)
        };
        let install = ["install", "-y", "-q", "--no-install-recommends"];
        apt(&["update", "-q"])
            .and_then(|_| apt(&[&install[..], packages].concat()))
            .map(|_| ())
            .map_err(|_| advice)
    })
}
