//! Files to hand over, and what they amount to.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::wait::{Outcome, trouble};

/// A file of random bytes.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Where it is.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub size: u64,
    /// SHA-256 of its bytes.
    pub digest: [u8; 32],
}

/// Bytes written or read at once.
const BLOCK: usize = 1 << 20;

impl Sample {
    /// Makes a file of `size` random bytes called `name` in `directory`.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn write(directory: &Path, name: &str, size: u64) -> Outcome<Sample> {
        std::fs::create_dir_all(directory)?;
        let path = directory.join(name);
        let mut file = File::create(&path)?;
        let mut hash = Sha256::new();
        let mut block = vec![0; BLOCK];
        let mut left = usize::try_from(size)?;
        while left > 0 {
            let part = block.get_mut(..left.min(BLOCK)).ok_or_else(|| trouble("a block is that long"))?;
            getrandom::fill(part).map_err(|error| trouble(error.to_string()))?;
            file.write_all(part)?;
            hash.update(&*part);
            left -= part.len();
        }
        Ok(Sample { path, name: name.to_owned(), size, digest: hash.finalize().into() })
    }
}

/// SHA-256 of a file's bytes.
///
/// # Errors
///
/// When it cannot be read.
pub fn digest_of(path: &Path) -> Outcome<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; BLOCK];
    loop {
        let length = file.read(&mut block)?;
        match block.get(..length) {
            Some(part) if length > 0 => hash.update(part),
            _ => return Ok(hash.finalize().into()),
        }
    }
}
