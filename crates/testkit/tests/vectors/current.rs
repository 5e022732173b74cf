//! The files in the repository are what the code makes, byte by byte.

use std::collections::BTreeSet;
use std::fs;

use sotto_testkit::vectors::{PROTOCOL, STRUCTURES, directory};

/// Changing a byte of any format changes a file here.
#[test]
fn the_files_are_what_the_code_makes() {
    for structure in STRUCTURES {
        let path = directory().join(format!("{}.json", structure.name));
        let there = fs::read_to_string(&path).unwrap_or_default();
        let made = structure.render();
        let line = there.lines().zip(made.lines()).position(|(there, made)| there != made);
        assert!(
            there == made,
            "docs/vectors/v{PROTOCOL}/{}.json is not what the code makes, from line {} on. The format changed: raise \
             the version, then run `cargo xtask vectors` (docs/vectors/README.md says what holds before a release)",
            structure.name,
            line.map_or(there.lines().count(), |line| line) + 1,
        );
    }
}

#[test]
fn every_file_has_its_maker() {
    let made: BTreeSet<String> =
        STRUCTURES.iter().map(|structure| format!("{}.json", structure.name)).collect();
    let there: BTreeSet<String> = fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    assert_eq!(there, made);
}

/// Strangers download them; large contents are told by formulas.
#[test]
fn they_stay_small() {
    let bytes: u64 =
        fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(bytes < 2 << 20, "{bytes} bytes");
}
