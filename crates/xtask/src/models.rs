//! `cargo xtask models`: what Verifpal says of `docs/models/`.
//!
//! Each model tells in its first lines what must come out: `// expect: <result code> at <n> sessions`, or `// expect
//! slow: …` for what is left out of `cargo xtask test`.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::setup::{self, path_with_tools};
use crate::step::{Failure, Outcome, lines_of, spell};
use crate::suite::Suite;
use crate::workspace::{Workspace, files_below, read_text};

/// Checks all models.
pub fn models(workspace: &Workspace) -> Outcome<()> {
    let mut suite = Suite::default();
    suite.work("models (Verifpal)", || verify(workspace, Extent::Whole));
    suite.finish()
}

/// Which expectations to verify.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Those that do not take long.
    Quick,
    /// All.
    Whole,
}

/// What a model must give with so many sessions.
struct Expected {
    code: String,
    sessions: u8,
}

/// Sets up Verifpal, verifies every model as often as it expects something, and compares.
pub fn verify(workspace: &Workspace, extent: Extent) -> Outcome<Vec<String>> {
    setup::verifpal(workspace)?;
    let mut told = Vec::new();
    let mut wrong = 0_u32;
    let files = files_below(&workspace.root.join("docs/models"))?;
    for model in files.iter().filter(|file| file.extension().is_some_and(|ending| ending == "vp")) {
        let name = model.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        for expected in expectations(model, extent)? {
            let start = Instant::now();
            let code = result_code(workspace, model, expected.sessions)?;
            let took = spell(start.elapsed());
            let verdict = if code == expected.code {
                "as expected".to_owned()
            } else {
                wrong = wrong.saturating_add(1);
                format!("EXPECTED {}", expected.code)
            };
            told.push(format!(
                "model {name} with {} sessions: {code}, {verdict} ({took})",
                expected.sessions
            ));
        }
    }
    for line in &told {
        println!("{line}");
    }
    match (told.len(), wrong) {
        (0, _) => Err(Failure::new("there are no models in docs/models")),
        (_, 0) => Ok(told),
        _ => Err(Failure::new(format!("{wrong} models give something else than they say, see above"))),
    }
}

fn expectations(model: &Path, extent: Extent) -> Outcome<Vec<Expected>> {
    let text = read_text(model)?;
    let slow = |line: &&str| line.starts_with("// expect slow: ");
    let lines = text.lines().filter(|line| line.starts_with("// expect"));
    let expected: Option<Vec<Expected>> = lines
        .filter(|line| extent == Extent::Whole || !slow(line))
        .map(|line| {
            let line = line.strip_prefix("// expect slow: ").or_else(|| line.strip_prefix("// expect: "))?;
            let (code, rest) = line.split_once(" at ")?;
            let sessions = rest.split_whitespace().next()?.parse().ok()?;
            Some(Expected { code: code.to_owned(), sessions })
        })
        .collect();
    match expected {
        Some(expected) if !expected.is_empty() || text.lines().any(|line| slow(&line)) => Ok(expected),
        _ => Err(Failure::new(format!(
            "{}: no line `// expect: <result code> at <n> sessions`, or one that cannot be read",
            model.display()
        ))),
    }
}

fn result_code(workspace: &Workspace, model: &Path, sessions: u8) -> Outcome<String> {
    let mut command = Command::new("verifpal");
    command
        .args(["verify", "--quiet", "--result-code", "--color", "never", "--sessions"])
        .arg(sessions.to_string())
        .arg(model)
        .env("PATH", path_with_tools(workspace))
        .current_dir(&workspace.root);
    let lines = lines_of(&mut command)?;
    let last = lines.iter().rev().find(|line| !line.trim().is_empty());
    last.map(|line| line.trim().to_owned()).ok_or_else(|| Failure::new("Verifpal said nothing"))
}
