//! Files of the sizes around a chunk, their hash tree, and what their receiver refuses.

use serde_json::{Value, json};
use sotto_crypto::FileId;
use sotto_crypto::file::{
    CHUNK, CHUNK_OVERHEAD, FileError, FileHeader, FileKey, FileOpener, FilePass, FileSealer, Leaf, TreeHasher,
};

use super::form::{Case, Cases, Structure, counting, counting_json, hex};
use super::primitives::{hkdf, open, sha256};

pub(super) const FILE: Structure = Structure {
    name: "file",
    sections: "13.2",
    about: "A file of a given `content`, sealed under a random id and key. A chunk is told by the hash of its \
            `ciphertext ‖ tag`, a short one also by its bytes. Cases that begin with `tree` are hash trees of as many \
            chunks, whose leaf i is SHA-256(\"leaf\" ‖ i u32); only what follows from the leaves is asked. Cases that \
            begin with `chunk` give one sealed chunk of a file to open.",
    fill,
};

/// A sealed file.
struct Sealed {
    header: FileHeader,
    key: FileKey,
    chunks: Vec<Vec<u8>>,
    leaves: Vec<Leaf>,
    root: [u8; 32],
}

fn seal(case: &mut Case, content: &[u8]) -> Sealed {
    let size = u64::try_from(content.len()).expect("a size");
    let pass = FilePass::generate(size, case.random(["file_id", "file_key"])).expect("small");
    let (header, key) = (*pass.header(), pass.key());
    let mut sealer = FileSealer::start(pass);
    case.given("file_id", hex(header.file_id().as_bytes()));
    case.given("file_key", hex(key.to_bytes().as_slice()));
    case.given("size", size);
    let (mut chunks, mut leaves) = (Vec::new(), Vec::new());
    while let Some(index) = sealer.next_index() {
        let at = usize::try_from(index).expect("few") * CHUNK;
        let length = header.chunk_length(index).expect("a chunk");
        let mut buffer = content[at..at + length].to_vec();
        buffer.resize(length + CHUNK_OVERHEAD, 0);
        leaves.push(sealer.seal_next(&mut buffer).expect("sealed"));
        chunks.push(buffer);
    }
    let root = *sealer.root().expect("complete").as_bytes();
    Sealed { header, key, chunks, leaves, root }
}

/// Shape of RFC 6962 §2.1, by its own definition.
fn top(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            sha256(&[&[1], &top(left), &top(right)])
        }
    }
}

/// K and commit.
fn material(header: &FileHeader, key: &FileKey) -> [u8; 64] {
    let bound = sha256(&[&header.to_bytes()]);
    hkdf(header.file_id().as_bytes(), key.to_bytes().as_slice(), "file", &[&bound])
}

fn root_of(header: &FileHeader, commit: &[u8], top: &[u8; 32]) -> [u8; 32] {
    sha256(&[&[2], &header.to_bytes(), commit, &header.chunks().to_be_bytes(), top])
}

fn nonce(index: usize, count: usize) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[7..11].copy_from_slice(&u32::try_from(index).expect("few").to_be_bytes());
    nonce[11] = u8::from(index + 1 == count);
    nonce
}

fn fill(cases: &mut Cases) {
    for size in [0, 1, 65_535, 65_536, 65_537, 131_071, 131_072, 131_073, 200_000] {
        cases.case(&format!("{size} bytes"), |case| file(case, size));
    }
    trees(cases);
    refused(cases);
}

fn file(case: &mut Case, size: usize) {
    let content = counting(size);
    case.given("content", counting_json(size));
    let sealed = seal(case, &content);
    let material = material(&sealed.header, &sealed.key);
    let (key, commit) = material.split_at(32);
    let associated = sha256(&[&sealed.header.to_bytes()]);
    let mut told = Vec::new();
    for (index, chunk) in sealed.chunks.iter().enumerate() {
        let nonce = nonce(index, sealed.chunks.len());
        let from = index * CHUNK;
        assert_eq!(open(key, &nonce, chunk, &associated), content[from..(from + CHUNK).min(size)]);
        let number = u32::try_from(index).expect("few").to_be_bytes();
        assert_eq!(*sealed.leaves[index].as_bytes(), sha256(&[&[0], &number, chunk]));
        let mut one = json!({
            "nonce": hex(nonce),
            "length": chunk.len(),
            "sha256": hex(sha256(&[chunk])),
            "leaf": hex(sealed.leaves[index].as_bytes()),
        });
        if chunk.len() < 64 {
            one["sealed"] = hex(chunk).into();
        }
        told.push(one);
    }
    let leaves: Vec<[u8; 32]> = sealed.leaves.iter().map(|leaf| *leaf.as_bytes()).collect();
    assert_eq!(root_of(&sealed.header, commit, &top(&leaves)), sealed.root);
    case.expect("hdr", hex(sealed.header.to_bytes()));
    case.expect("K", hex(key));
    case.expect("commit", hex(commit));
    case.expect("aad", hex(associated));
    case.expect("chunks", Value::Array(told));
    case.expect("top", hex(top(&leaves)));
    case.expect("root", hex(sealed.root));
}

fn trees(cases: &mut Cases) {
    for count in [1_u32, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 1_000] {
        cases.case(&format!("tree of {count}"), |case| {
            let file_id = FileId::generate(case.random(["file_id"]));
            let key = FileKey::generate(case.random(["file_key"]));
            let size = u64::from(count) << 16;
            let header = FileHeader::new(size, file_id).expect("small");
            case.given("file_id", hex(file_id.as_bytes()));
            case.given("file_key", hex(key.to_bytes().as_slice()));
            case.given("size", size);
            case.given("chunks", count);
            let leaves: Vec<[u8; 32]> = (0..count).map(|i| sha256(&[b"leaf", &i.to_be_bytes()])).collect();
            let mut tree = TreeHasher::default();
            for leaf in &leaves {
                tree.push(&Leaf::from_bytes(*leaf));
            }
            let root = *FileOpener::new(header, &key).root(&tree).expect("complete").as_bytes();
            let material = material(&header, &key);
            assert_eq!(root, root_of(&header, &material[32..], &top(&leaves)));
            case.expect("top", hex(top(&leaves)));
            case.expect("root", hex(root));
        });
    }
}

/// A file of two chunks, the second one short, which is given to open after something was done to it.
fn chunk(cases: &mut Cases, name: &str, rule: &'static str, index: u32, alter: impl FnOnce(&mut Vec<u8>)) {
    cases.case(&format!("chunk: {name}"), |case| {
        let sealed = seal(case, &counting(CHUNK + 5));
        let mut buffer = sealed.chunks[1].clone();
        alter(&mut buffer);
        give(case, index, &buffer);
        let mut opened = buffer;
        case.refused(rule, FileOpener::new(sealed.header, &sealed.key).open(index, &mut opened));
    });
}

fn give(case: &mut Case, index: u32, buffer: &[u8]) {
    case.given("chunk", index);
    case.given("sealed", hex(buffer));
}

fn refused(cases: &mut Cases) {
    cases.case("chunk: as sealed", |case| {
        let sealed = seal(case, &counting(CHUNK + 5));
        give(case, 1, &sealed.chunks[1]);
        case.expect("leaf", hex(sealed.leaves[1].as_bytes()));
        case.expect("plaintext", hex(&counting(CHUNK + 5)[CHUNK..]));
    });
    for (name, place) in [("a bit of the ciphertext", 0), ("a bit of the tag", 20)] {
        chunk(cases, name, "bad-chunk", 1, |buffer| buffer[place] ^= 1);
    }
    chunk(cases, "a byte too short", "wrong-length", 1, |buffer| buffer.truncate(20));
    chunk(cases, "a byte too long", "wrong-length", 1, |buffer| buffer.push(0));
    chunk(cases, "given as the first", "wrong-length", 0, |_| {});
    chunk(cases, "given as one that does not exist", "no-such-chunk", 2, |_| {});
    // Moved, and cut: the number and whether it is the last are in the nonce.
    let mut of_another = |name: &str, content: usize, size: u64, take: usize, index: u32| {
        cases.case(&format!("chunk: {name}"), |case| {
            let sealed = seal(case, &counting(content));
            let header = FileHeader::new(size, sealed.header.file_id()).expect("small");
            case.given("claimed_size", size);
            give(case, index, &sealed.chunks[take]);
            let mut opened = sealed.chunks[take].clone();
            case.refused("bad-chunk", FileOpener::new(header, &sealed.key).open(index, &mut opened));
        });
    };
    of_another("of a file that claims another size", 5, 5 + (1 << 16), 0, 1);
    cases.case("chunk: under another key", |case| {
        let sealed = seal(case, &counting(5));
        let other = FileKey::generate(case.random(["another file_key"]));
        case.given("another_file_key", hex(other.to_bytes().as_slice()));
        give(case, 0, &sealed.chunks[0]);
        let mut opened = sealed.chunks[0].clone();
        case.refused("bad-chunk", FileOpener::new(sealed.header, &other).open(0, &mut opened));
    });
    for (name, size) in [("size: the largest", 1_u64 << 38), ("size: one byte more", (1 << 38) + 1)] {
        cases.case(name, |case| {
            let file_id = FileId::generate(case.random(["file_id"]));
            case.given("file_id", hex(file_id.as_bytes()));
            case.given("size", size);
            let header: Result<FileHeader, FileError> = FileHeader::new(size, file_id);
            match header {
                Ok(header) => {
                    case.expect("hdr", hex(header.to_bytes()));
                    case.expect("chunks", header.chunks());
                }
                Err(_) => case.refused("too-large", header),
            }
        });
    }
}
