//! Every structure of CBOR, bent in every way.

use crate::cbor::{Item, head, indefinite, long_head};
use crate::structures::{Strictness, Structure, structures};

/// What a decoder said: the canonical bytes of what it read, or the name of the rule.
type Outcome = Result<Vec<u8>, String>;

struct Bench<'a> {
    structure: &'a Structure,
    tried: usize,
}

impl Bench<'_> {
    /// It must be refused under one of these rules.
    fn refused(&mut self, what: &str, bytes: &[u8], rules: &[&str]) {
        self.tried += 1;
        match (self.structure.decode)(bytes) {
            Err(rule) => assert!(rules.contains(&rule.as_str()), "{}: {what}: {rule}", self.structure.name),
            Ok(_) => panic!("{}: {what} was accepted: {bytes:02x?}", self.structure.name),
        }
    }

    /// It may be another value of the structure. If so it is written as it was read.
    fn refused_or_another(&mut self, what: &str, bytes: &[u8], rules: &[&str]) {
        match (self.structure.decode)(bytes) {
            Ok(again) => assert_eq!(again, bytes, "{}: {what}", self.structure.name),
            Err(_) => self.refused(what, bytes, rules),
        }
    }

    fn accepted(&mut self, what: &str, bytes: &[u8], expected: &[u8]) {
        self.tried += 1;
        let read: Outcome = (self.structure.decode)(bytes);
        assert_eq!(read.as_deref(), Ok(expected), "{}: {what}", self.structure.name);
    }
}

const SHAPE: &[&str] = &["Malformed"];
const DETERMINISTIC: &[&str] = &["NotDeterministic"];
/// Rules of a field that may be met before the encoding as a whole is judged.
const FIELD: &[&str] =
    &["Malformed", "OutOfBounds", "NotDeterministic", "UnknownType", "UnknownVersion", "Expired"];

fn of_the_whole(bench: &mut Bench<'_>, valid: &[u8]) {
    for cut in 0..valid.len() {
        bench.refused(&format!("cut to {cut} bytes"), &valid[..cut], SHAPE);
    }
    for more in [&[0][..], &[0xf6], &[0xff], valid] {
        bench.refused("bytes behind it", &[valid, more].concat(), &["Malformed", "TooLarge"]);
    }
    let max = bench.structure.max;
    bench.refused("one byte too long", &vec![0; max + 1], &["TooLarge"]);
    bench.refused("as long as may be, and nothing", &vec![0; max], &["Malformed"]);
    bench.refused("nothing", &[], SHAPE);
    for other in [&[0x00][..], &[0x40], &[0x60], &[0xf6], &[0x80]] {
        bench.refused("another type", other, SHAPE);
    }
}

fn of_each_item(bench: &mut Bench<'_>, root: &Item) {
    for place in 0..root.count() {
        let item = root.at(place);
        let bent = |replaced: &[u8]| root.write_with(place, replaced);
        for longer in 1..=4 {
            if let Some(long) = long_head(item, longer) {
                bench.refused(&format!("item {place} with a long head"), &bent(&long), DETERMINISTIC);
            }
        }
        if let Some(long) = indefinite(item) {
            // A list reads its length first, and may have no rule for none.
            let rules = ["NotDeterministic", "Malformed", "OutOfBounds"];
            bench.refused(&format!("item {place} of indefinite length"), &bent(&long), &rules);
        }
        let wrong: [(&str, &[u8]); 6] = [
            ("a number below zero", &[0x20]),
            ("a float", &[0xf9, 0, 0]),
            ("undefined", &[0xf7]),
            ("a tag", &[0xc0, 0x00]),
            ("a simple value", &[0xe5]),
            ("an end of nothing", &[0xff]),
        ];
        for (what, bytes) in wrong {
            bench.refused(&format!("{what} as item {place}"), &bent(bytes), FIELD);
        }
        let others: [(&str, Item); 5] = [
            ("a yes", Item::Bool(true)),
            ("a number", Item::Uint(u64::MAX)),
            ("bytes", Item::Bytes(vec![7; 5])),
            ("a text", Item::Text("?".to_owned())),
            ("a list", Item::List(Vec::new())),
        ];
        for (what, other) in others {
            if core::mem::discriminant(&other) != core::mem::discriminant(item) {
                bench.refused(&format!("{what} as item {place}"), &bent(&other.write()), SHAPE);
            } else {
                bench.refused_or_another(&format!("{what} as item {place}"), &bent(&other.write()), FIELD);
            }
        }
        match item {
            Item::Bytes(bytes) => of_bytes(bench, place, bytes, &bent),
            Item::Text(_) => bench.refused("a text that is not UTF-8", &bent(&[0x61, 0xff]), SHAPE),
            Item::List(items) => of_list(bench, place, items, &bent),
            Item::Map(entries) => of_map(bench, place, entries, &bent),
            _ => {}
        }
    }
}

fn of_bytes(bench: &mut Bench<'_>, place: usize, bytes: &[u8], bent: &dyn Fn(&[u8]) -> Vec<u8>) {
    let mut longer = bytes.to_vec();
    longer.push(0);
    let shorter = bytes[..bytes.len().saturating_sub(1)].to_vec();
    for other in [longer, shorter] {
        let rules = ["OutOfBounds", "Malformed", "BadSignature", "BadKey"];
        bench.refused_or_another(
            &format!("item {place} of another length"),
            &bent(&Item::Bytes(other).write()),
            &rules,
        );
    }
    if bench.structure.points && bytes.len() == 33 {
        let key = |first: u8, rest: &[u8]| Item::Bytes([&[first], rest].concat()).write();
        let bad: [(&str, Vec<u8>); 6] = [
            ("a compact point", key(5, &bytes[1..])),
            ("an uncompressed point's first byte", key(4, &bytes[1..])),
            ("no point's first byte", key(0, &bytes[1..])),
            ("x beyond the field", key(2, &[0xff; 32])),
            // x = 1 is not the x of any point of P-256.
            ("x of no point", key(3, &[&[0; 31][..], &[1]].concat())),
            ("zeros", key(0, &[0; 32])),
        ];
        for (what, bytes) in bad {
            bench.refused(&format!("item {place}: {what}"), &bent(&bytes), &["BadKey"]);
        }
        let uncompressed = Item::Bytes([&[4], &[1; 64][..]].concat()).write();
        bench.refused(&format!("item {place}: 65 bytes"), &bent(&uncompressed), &["OutOfBounds"]);
    }
}

fn of_list(bench: &mut Bench<'_>, place: usize, items: &[Item], bent: &dyn Fn(&[u8]) -> Vec<u8>) {
    let mut huge = Vec::new();
    head(4, u64::MAX, 0, &mut huge);
    bench.refused(&format!("list {place} that announces 2^64 - 1 items"), &bent(&huge), FIELD);
    // A choice: its number, and what belongs to it.
    if let [Item::Uint(_), map @ Item::Map(_)] = items {
        for number in [23, 99, u64::from(u32::MAX)] {
            let other = Item::List(vec![Item::Uint(number), map.clone()]).write();
            bench.refused(&format!("choice {number} in list {place}"), &bent(&other), &["UnknownType"]);
        }
        let choice = |items: Vec<Item>| Item::List(items).write();
        bench.refused("a choice of one item", &bent(&choice(vec![items[0].clone()])), SHAPE);
        let three = vec![items[0].clone(), map.clone(), Item::Uint(0)];
        bench.refused("a choice of three items", &bent(&choice(three)), SHAPE);
    }
}

fn of_map(bench: &mut Bench<'_>, place: usize, entries: &[(u64, Item)], bent: &dyn Fn(&[u8]) -> Vec<u8>) {
    let write = |entries: &[(u64, Item)]| bent(&Item::Map(entries.to_vec()).write());
    let valid = write(entries);
    for (at, (key, item)) in entries.iter().enumerate() {
        let mut twice = entries.to_vec();
        twice.insert(at, (*key, item.clone()));
        bench.refused(&format!("key {key} twice in map {place}"), &write(&twice), DETERMINISTIC);
        let mut missing = entries.to_vec();
        missing.remove(at);
        let missing = write(&missing);
        bench.refused_or_another(&format!("no key {key} in map {place}"), &missing, SHAPE);
        let mut null = entries.to_vec();
        null[at].1 = Item::Null;
        match ((bench.structure.decode)(&missing), bench.structure.strictness) {
            // What may be left out may be said to be absent, where nothing is signed.
            (Ok(_), Strictness::Plain) => bench.accepted("a null", &write(&null), &missing),
            (Ok(_), Strictness::Strict) => bench.refused("a null", &write(&null), &["UnknownField"]),
            (Err(_), _) => bench.refused("a null for what must be there", &write(&null), SHAPE),
        }
    }
    for at in 1..entries.len() {
        let mut swapped = entries.to_vec();
        swapped.swap(at - 1, at);
        bench.refused(&format!("falling keys in map {place}"), &write(&swapped), DETERMINISTIC);
    }
    let unknown: [(u64, Item); 4] = [
        (99, Item::Uint(1)),
        (1_000, Item::Text("later".to_owned())),
        (u64::from(u32::MAX), Item::List(vec![Item::Map(Vec::new()), Item::Bool(true), Item::Null])),
        (70_000, Item::Bytes(vec![7; 9])),
    ];
    for (key, item) in unknown {
        let more = [entries, &[(key, item)]].concat();
        match bench.structure.strictness {
            Strictness::Plain => {
                bench.accepted(&format!("unknown key {key} in map {place}"), &write(&more), &valid)
            }
            Strictness::Strict => {
                bench.refused(&format!("unknown key {key} in map {place}"), &write(&more), &["UnknownField"]);
            }
        }
    }
    // Under an unknown key: what no structure has, and deeper than any goes.
    let with = |inside: &[u8]| {
        let mut out = Vec::new();
        head(5, entries.len() as u64 + 1, 0, &mut out);
        for (key, item) in entries {
            out.extend_from_slice(&Item::Uint(*key).write());
            out.extend_from_slice(&item.write());
        }
        bent(&[out.as_slice(), &[0x18, 99], inside].concat())
    };
    let flaws: [(&str, Vec<u8>); 8] = [
        ("a long integer", vec![0x18, 1]),
        ("a number below zero", vec![0x20]),
        ("a float", vec![0xf9, 0, 0]),
        ("a tag", vec![0xc0, 0]),
        ("an indefinite list", vec![0x9f, 0xff]),
        ("a key twice", vec![0xa2, 0, 0, 0, 0]),
        ("a text as key", vec![0xa1, 0x60, 0]),
        ("nine lists in one another", [vec![0x81; 9], vec![0]].concat()),
    ];
    for (what, inside) in flaws {
        bench.refused(&format!("{what} under an unknown key of map {place}"), &with(&inside), DETERMINISTIC);
    }
    let text_key = {
        let mut out = Vec::new();
        head(5, entries.len() as u64 + 1, 0, &mut out);
        let rest: Vec<u8> = Item::Map(entries.to_vec()).write()[1..].to_vec();
        bent(&[out.as_slice(), &rest, &[0x61, b'k', 0x00]].concat())
    };
    bench.refused(&format!("a text as key of map {place}"), &text_key, &["Malformed", "NotDeterministic"]);
}

#[test]
fn every_structure_bent_in_every_way_is_refused_by_a_rule() {
    for structure in structures() {
        let mut bench = Bench { structure: &structure, tried: 0 };
        let valid = structure.valid.clone();
        bench.accepted("as it is", &valid, &valid);
        let root = Item::read(&valid);
        assert_eq!(root.write(), valid, "{}: one encoding", structure.name);
        of_the_whole(&mut bench, &valid);
        of_each_item(&mut bench, &root);
        println!("{}: {} inputs", structure.name, bench.tried);
    }
}

/// Other versions than the one there is.
#[test]
fn other_versions_are_refused_as_such() {
    for structure in structures() {
        let Some(place) = structure.version else { continue };
        let mut bench = Bench { structure: &structure, tried: 0 };
        let root = Item::read(&structure.valid);
        for version in [0, 2, 255] {
            let other = root.write_with(place, &Item::Uint(version).write());
            bench.refused(&format!("version {version}"), &other, &["UnknownVersion"]);
        }
        bench.refused("version 256", &root.write_with(place, &[0x19, 1, 0]), FIELD);
    }
}
