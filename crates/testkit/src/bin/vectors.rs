//! Writes the test vectors: `cargo xtask vectors`.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use sotto_testkit::vectors::{PROTOCOL, RELEASED, STRUCTURES, directory};

fn main() -> ExitCode {
    let unreleased = std::env::args().skip(1).any(|argument| argument == "--unreleased");
    let directory = directory();
    match write(&directory, unreleased) {
        Ok(changed) => {
            println!("vectors: {} files, {changed} written", STRUCTURES.len());
            ExitCode::SUCCESS
        }
        Err(trouble) => {
            eprintln!("{trouble}");
            ExitCode::FAILURE
        }
    }
}

/// Writes what is new. What differs is overwritten only before the release of its version, and only when asked to.
fn write(directory: &Path, unreleased: bool) -> Result<usize, String> {
    let released = directory.join(RELEASED).exists();
    let told = |error: std::io::Error| format!("{}: {error}", directory.display());
    let mut wanted = Vec::new();
    for structure in STRUCTURES {
        let path = directory.join(format!("{}.json", structure.name));
        let text = structure.render();
        match fs::read_to_string(&path) {
            Ok(there) if there == text => {}
            Ok(_) if released => {
                return Err(format!(
                    "version {PROTOCOL} was released and its vectors never change, but {} would: raise the version",
                    structure.name
                ));
            }
            Ok(_) if !unreleased => {
                return Err(format!(
                    "the format changed: {} would differ. Raise the version, then run `cargo xtask vectors`; before \
                     version {PROTOCOL} is released, `cargo xtask vectors --unreleased` overwrites",
                    structure.name
                ));
            }
            _ => wanted.push((path, text)),
        }
    }
    fs::create_dir_all(directory).map_err(told)?;
    for (path, text) in &wanted {
        fs::write(path, text).map_err(told)?;
    }
    Ok(wanted.len())
}
