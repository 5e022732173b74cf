//! The fuzz targets' corpora, replayed: what a fuzzer found once is never lost again.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;
use std::path::PathBuf;

use sotto_testkit::fuzz::{TARGETS, Target};

fn corpus(target: &Target) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "..", "fuzz", "corpus", target.name].iter().collect()
}

#[test]
fn every_input_kept_is_played_again() {
    for target in TARGETS {
        let mut files: Vec<PathBuf> =
            fs::read_dir(corpus(&target)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        assert!(!files.is_empty(), "{} has a corpus", target.name);
        for file in files {
            println!("{}", file.display());
            (target.play)(&fs::read(file).unwrap());
        }
    }
}

/// A target whose every input is refused at the door would find nothing.
#[test]
fn seeds_reach_the_inside() {
    for target in TARGETS {
        for (name, seed) in (target.seeds)() {
            let refused = name.starts_with("refused");
            assert_eq!((target.play)(&seed), !refused, "{} and {name}", target.name);
        }
    }
}

#[test]
fn the_corpora_stay_small() {
    for target in TARGETS {
        let files =
            fs::read_dir(corpus(&target)).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
        let total: u64 = files.sum();
        assert!(total < 200_000, "{} has {total} bytes", target.name);
    }
}
