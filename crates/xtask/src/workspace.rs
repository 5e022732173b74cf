//! Where things are.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::step::{Failure, Outcome};

/// The project's directories.
pub struct Workspace {
    /// The directory of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// Cargo's target directory.
    pub target: PathBuf,
}

impl Workspace {
    /// Finds the workspace this program was built in.
    pub fn find() -> Outcome<Workspace> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .ok_or_else(|| Failure::new("the workspace's directory is gone; run this through `cargo xtask`"))?
            .to_path_buf();
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Ok(Workspace { root, target })
    }

    /// The page as the server hands it out.
    pub fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// Tools of exact versions which the project installs for itself.
    pub fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// Intermediate files of the page's build; cargo keeps those of its profile `page` in another directory.
    pub fn page(&self) -> PathBuf {
        self.target.join("page-build")
    }
}

/// Every file below `directory`, in order of path; a directory that does not exist has none.
pub fn files_below(directory: &Path) -> Outcome<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_path_buf()];
    while let Some(directory) = open.pop() {
        if !directory.exists() {
            continue;
        }
        for entry in fs::read_dir(&directory).map_err(|error| Failure::at(&directory, &error))? {
            let path = entry.map_err(|error| Failure::at(&directory, &error))?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Reads a file as bytes.
pub fn read(path: &Path) -> Outcome<Vec<u8>> {
    fs::read(path).map_err(|error| Failure::at(path, &error))
}

/// Reads a file as text.
pub fn read_text(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| Failure::at(path, &error))
}

/// Writes a file, with the directories above it.
pub fn write(path: &Path, bytes: &[u8]) -> Outcome<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| Failure::at(parent, &error))?;
    }
    fs::write(path, bytes).map_err(|error| Failure::at(path, &error))
}

/// Removes a directory with all that is in it, if it is there.
pub fn remove_directory(path: &Path) -> Outcome<()> {
    if path.exists() { fs::remove_dir_all(path).map_err(|error| Failure::at(path, &error)) } else { Ok(()) }
}
