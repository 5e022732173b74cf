//! No decoder is forgotten: the sources of the formats are searched for them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::structures::structures;

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            sources(&path, found);
        } else if !["tests.rs", "codec.rs"].contains(&name.as_str()) && !name.ends_with("attacks.rs") {
            found.push(path);
        }
    }
}

/// Names of what reads bytes: types with a function `decode`, functions `decode_…`, and what `message!` is asked for.
fn decoders(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut of = "";
    let mut in_macro = false;
    for line in source.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("impl ") {
            of = rest.split([' ', '<', '{']).next().unwrap_or("");
        }
        if line.starts_with("pub fn decode(") {
            found.push(of.to_owned());
        }
        if let Some((name, _)) = line.strip_prefix("pub fn decode_").and_then(|rest| rest.split_once('(')) {
            found.push(name.to_owned());
        }
        in_macro |= line.starts_with("message!(");
        if in_macro {
            let list = line.trim_start_matches("message!(");
            let types = list.split(',').filter_map(|part| part.split_once(':')).map(|(name, _)| name.trim());
            let is_type = |name: &&str| name.chars().next().is_some_and(char::is_uppercase);
            found.extend(types.filter(is_type).map(str::to_owned));
        }
        in_macro &= !line.ends_with(");");
    }
    found
}

#[test]
fn every_decoder_of_cbor_is_in_the_table() {
    let wire = [env!("CARGO_MANIFEST_DIR"), "..", "wire", "src"].iter().collect::<PathBuf>();
    let mut paths = Vec::new();
    sources(&wire, &mut paths);
    let mut found: Vec<String> =
        paths.iter().flat_map(|path| decoders(&fs::read_to_string(path).unwrap())).collect();
    found.sort();
    found.dedup();
    let table: Vec<String> = structures()
        .iter()
        .map(|structure| structure.name.split(',').next().unwrap_or_default().to_owned())
        .collect();
    // Reads what `Message` reads but for what it skips, which may be anything; tested beside it.
    let in_part = ["newer"];
    let missing: Vec<&String> =
        found.iter().filter(|name| !table.contains(name) && !in_part.contains(&name.as_str())).collect();
    assert!(missing.is_empty(), "not bent by anybody: {missing:?}");
    let stale: Vec<&String> = table.iter().filter(|name| !found.contains(name)).collect();
    assert!(stale.is_empty(), "in the table and not in the sources: {stale:?}");
    assert!(found.len() >= 22, "{found:?}");
}
