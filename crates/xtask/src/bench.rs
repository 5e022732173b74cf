//! `cargo xtask bench`.

use std::path::Path;

use crate::step::{Failure, Outcome};
use crate::workspace::{Workspace, files_below};
use crate::{page, setup};

/// Builds the page and prints what it weighs.
pub fn bench(workspace: &Workspace) -> Outcome<()> {
    let tools = setup::for_page(workspace)?;
    page::build(workspace, &tools, page::Quality::Release)?;
    sizes(workspace)
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
