//! The page: from the sources to `dist/`, the directory the server hands out.

mod assemble;
mod digest;

use std::fs;
use std::process::Command;

use crate::setup::PageTools;
use crate::step::{Failure, Outcome, lines_of, step};
use crate::workspace::{Workspace, files_below, read, read_text, remove_directory, write};
use digest::hex;

/// What the page is made of: a change in any of these builds it anew.
const SOURCES: [&str; 11] = [
    ".cargo/config.toml",
    "Cargo.lock",
    "Cargo.toml",
    "Trunk.toml",
    "crates/browser",
    "crates/crypto",
    "crates/engine",
    "crates/wire",
    "crates/xtask/src",
    "static",
    "web",
];

/// How well the page is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    /// As people get it.
    Release,
    /// Soon: cargo's dev profile, nothing optimised or compressed.
    Quick,
}

/// Builds the page into `dist/`, unless it is already built from the same sources.
pub fn build(workspace: &Workspace, tools: &PageTools, quality: Quality) -> Outcome<()> {
    let mark = workspace.page().join("built-from");
    let sources = digest_of_sources(workspace, tools, quality)?;
    let index = workspace.dist().join("index.html");
    if index.exists() && read_text(&mark).is_ok_and(|built| built == sources) {
        println!("── the page in dist/ is up to date");
        return Ok(());
    }
    if mark.exists() {
        fs::remove_file(&mark).map_err(|error| Failure::at(&mark, &error))?;
    }
    step("compile page and worker (trunk)", || compile(workspace, tools, quality))?;
    step("optimise the wasm", || optimise(workspace, tools, quality))?;
    step("assemble dist/: names, integrity, policy, compression", || assemble::assemble(workspace, quality))?;
    write(&mark, sources.as_bytes())
}

fn compile(workspace: &Workspace, tools: &PageTools, quality: Quality) -> Outcome<()> {
    let stage = workspace.page().join("trunk");
    remove_directory(&stage)?;
    let mut command = Command::new("trunk");
    command
        // trunk fetches a missing tool by itself; all it needs is on PATH.
        .args(["build", "--offline", "--locked"])
        .arg(if quality == Quality::Release { "--release=true" } else { "--release=false" })
        .arg("--dist")
        .arg(&stage)
        .env("PATH", &tools.path)
        .env_remove("NO_COLOR")
        .current_dir(&workspace.root);
    lines_of(&mut command).map(|_| ())
}

/// The page for size, the worker for speed.
fn optimise(workspace: &Workspace, tools: &PageTools, quality: Quality) -> Outcome<()> {
    let stage = workspace.page().join("trunk");
    for (name, level) in [("sotto-web_bg.wasm", "-Oz"), ("worker_bg.wasm", "-O3")] {
        let from = stage.join(name);
        let to = workspace.page().join(name);
        match &tools.wasm_opt {
            Some(wasm_opt) if quality == Quality::Release => {
                lines_of(Command::new(wasm_opt).arg(level).arg(&from).arg("-o").arg(&to)).map(|_| ())?
            }
            _ => write(&to, &read(&from)?)?,
        }
    }
    Ok(())
}

fn digest_of_sources(workspace: &Workspace, tools: &PageTools, quality: Quality) -> Outcome<String> {
    let mut bytes = vec![u8::from(tools.wasm_opt.is_some()), u8::from(quality == Quality::Quick)];
    for source in SOURCES {
        let path = workspace.root.join(source);
        let files = if path.is_file() { vec![path] } else { files_below(&path)? };
        for file in files {
            bytes.extend_from_slice(file.to_string_lossy().as_bytes());
            bytes.push(0);
            bytes.extend_from_slice(hex(&read(&file)?).as_bytes());
        }
    }
    Ok(hex(&bytes))
}
