//! Writes the seeds of the fuzz targets into `fuzz/corpus`, each as `seed-NAME`.
#![allow(clippy::expect_used, reason = "a tool")]

use std::fs;
use std::path::PathBuf;

use sotto_testkit::fuzz::TARGETS;

fn main() {
    let corpus: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "..", "fuzz", "corpus"].iter().collect();
    for target in TARGETS {
        let directory = corpus.join(target.name);
        fs::create_dir_all(&directory).expect("the corpus can be written");
        for (name, seed) in (target.seeds)() {
            fs::write(directory.join(format!("seed-{name}")), seed).expect("the corpus can be written");
        }
    }
}
