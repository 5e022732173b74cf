//! `cargo xtask bench`.

use std::path::Path;

use crate::step::{Failure, Outcome, lines_of, step};
use crate::workspace::{Workspace, files_below};
use crate::{page, setup, tests};

/// Builds the page and prints what it weighs; then what cryptography and transfers reach in Chromium.
pub fn bench(workspace: &Workspace) -> Outcome<()> {
    setup::for_tests(workspace)?;
    let tools = setup::for_page(workspace)?;
    page::build(workspace, &tools, page::Quality::Release)?;
    let crypto = measure(workspace, "cryptography in wasm", "sotto-crypto", &["--test", "rates"])?;
    let transfer = measure(
        workspace,
        "100 MiB beside a bare channel",
        "sotto-browser",
        &["--lib", "--features", "bench"],
    )?;
    sizes(workspace)?;
    println!("\n── in Chromium, in wasm built as the worker's");
    for line in crypto.iter().chain(&transfer) {
        println!("{line}");
    }
    Ok(())
}

/// Runs the wasm tests whose names begin with `rate`, and hands back what they tell.
fn measure(workspace: &Workspace, title: &str, package: &str, which: &[&str]) -> Outcome<Vec<String>> {
    step(title, || {
        let mut command = tests::wasm_tests(workspace)?;
        command.args(["--profile", "worker", "--package", package]).args(which);
        let lines = lines_of(command.args(["--", "--nocapture", "rate"]))?;
        let told = |line: &String| line.trim_start().starts_with("rate: ") || line.contains("MiB/s");
        let told: Vec<String> = lines.into_iter().filter(told).map(|line| line.trim().to_owned()).collect();
        if told.is_empty() { Err(Failure::new("nothing was measured, see above")) } else { Ok(told) }
    })
}

/// What a first visit transfers: every file as the server sends it, compressed where that is smaller.
fn sizes(workspace: &Workspace) -> Outcome<()> {
    let mut all = 0_u64;
    let mut wasm = 0_u64;
    println!("\n── the page, as sent");
    for file in files_below(&workspace.dist())? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let extension = file.extension().unwrap_or_default().to_string_lossy().into_owned();
        // A compressed file is counted with its original; icons and the server's own two are not part of a visit.
        if ["br", "txt", "png"].contains(&extension.as_str()) {
            continue;
        }
        let mut compressed = file.clone().into_os_string();
        compressed.push(".br");
        let sent = size(Path::new(&compressed)).or_else(|_| size(&file))?;
        println!("{:>10} bytes  {:>10} plain  {name}", sent, size(&file)?);
        all = all.saturating_add(sent);
        if extension == "wasm" {
            wasm = wasm.saturating_add(sent);
        }
    }
    println!(
        "wasm, brotli: {wasm} bytes (goal: at most 380 KB); all, brotli: {all} bytes (goal: at most 450 KB)"
    );
    Ok(())
}

fn size(file: &Path) -> Outcome<u64> {
    file.metadata().map(|data| data.len()).map_err(|error| Failure::at(file, &error))
}
