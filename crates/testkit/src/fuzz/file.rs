//! Files: chunks as they come, altered, swapped, under another key; passes handed over; frames of the file channel; the header and the tree.

use sotto_crypto::FileId;
use sotto_crypto::file::{
    CHUNK, CHUNK_OVERHEAD, FileError, FileHeader, FileKey, FileOpener, FilePass, FileSealer, Leaf, MAX_SIZE,
    TreeHasher,
};
use sotto_wire::peer::{FileFrame, FileFrameError, FileFrameKind};

use super::Seeds;
use super::input::{Choices, alter};
use super::someone::rng;

/// Plays one file: sizes and what is done to it are chosen by the bytes.
pub fn file(data: &[u8]) -> bool {
    let Some((kind, bytes)) = data.split_first() else { return false };
    let choices = Choices::new(bytes);
    match kind {
        0 => header(choices),
        1 => chunks(choices),
        2 => chunk(choices),
        3 => tree(choices),
        4 => pass(choices),
        5 => frame(bytes),
        _ => false,
    }
}

/// A header of any size divides the file into chunks without gap or rest.
fn header(mut choices: Choices<'_>) -> bool {
    let size = u64::from(choices.u32()) << 32 | u64::from(choices.u32());
    let header = FileHeader::new(size, FileId::from_bytes([1; 16]));
    assert_eq!(header.is_err(), size > MAX_SIZE);
    let Ok(header) = header else { return false };
    let length = |index| header.chunk_length(index).map(|length| length as u64);
    let last = header.chunks() - 1;
    assert_eq!(u64::from(last) * CHUNK as u64 + length(last).unwrap(), size);
    assert_eq!(length(header.chunks()), None);
    assert!(last == 0 || length(0) == Some(CHUNK as u64));
    assert!(last == 0 || length(last) != Some(0));
    assert_eq!(header.to_bytes()[6..14], size.to_be_bytes());
    true
}

fn plaintext(index: u32, length: usize) -> Vec<u8> {
    let mut bytes = vec![index as u8 ^ 0x5a; length];
    bytes.resize(length + CHUNK_OVERHEAD, 0);
    bytes
}

/// A file of some chunks, whole: sealed, opened in any order, judged by its root; then altered.
fn chunks(mut choices: Choices<'_>) -> bool {
    // Around the edges of chunks, at most three of them.
    let size = (u64::from(choices.u8() % 3) << 16) + [0, 1, 2, 100, 65_534, 65_535][choices.below(6)];
    let pass = FilePass::generate(size, &mut rng(1)).unwrap();
    let (header, key) = (*pass.header(), pass.key());
    let mut sealer = FileSealer::start(pass);
    assert_eq!(sealer.root(), Err(FileError::Incomplete));
    let mut sealed = Vec::new();
    let mut leaves = Vec::new();
    while let Some(index) = sealer.next_index() {
        let mut buffer = plaintext(index, header.chunk_length(index).unwrap());
        // Of another length than it must have: refused, and the number not used up.
        assert_eq!(sealer.seal_next(&mut vec![0; buffer.len() + 1]), Err(FileError::WrongLength));
        leaves.push(sealer.seal_next(&mut buffer).unwrap());
        sealed.push(buffer);
    }
    assert_eq!(sealer.seal_next(&mut [0; 17]), Err(FileError::NoSuchChunk));
    let root = sealer.root().unwrap();
    let opener = FileOpener::new(header, &key);
    let mut tree = TreeHasher::default();
    for (index, chunk) in (0..).zip(&sealed) {
        let mut buffer = chunk.clone();
        let leaf = opener.open(index, &mut buffer).expect("what was sealed opens");
        let length = header.chunk_length(index).unwrap();
        assert_eq!(buffer[..length], plaintext(index, length)[..length]);
        assert!(opener.root(&tree).is_err(), "not complete");
        tree.push(&leaf);
    }
    assert_eq!(opener.root(&tree), Ok(root));

    // Drawn again and handed over, the pass seals the same.
    let some = choices.below(leaves.len() + 1);
    let mut handed = FilePass::generate(size, &mut rng(1)).unwrap().hand_over();
    let mut again = FileSealer::start(FilePass::take_over(&mut handed).unwrap());
    for (index, leaf) in (0..).zip(&leaves[..some]) {
        let mut buffer = plaintext(index, header.chunk_length(index).unwrap());
        assert_eq!(again.seal_next(&mut buffer).as_ref(), Ok(leaf));
    }

    // Altered, or opened as another chunk: refused, and the buffer is as before.
    let index = choices.below(sealed.len());
    let place = if choices.u8().is_multiple_of(4) { choices.u32() } else { index as u32 };
    let mut buffer = sealed[index].clone();
    let changed = alter(&mut buffer, &mut choices) || place != index as u32;
    let before = buffer.clone();
    match opener.open(place, &mut buffer) {
        Ok(leaf) => assert!(!changed && leaf == leaves[index]),
        Err(_) => assert!(changed && buffer == before),
    }
    !changed
}

/// Any bytes as a frame of the file channel: what is read is written again, and within its bounds.
fn frame(bytes: &[u8]) -> bool {
    match FileFrame::read(bytes, bytes.len()) {
        Ok(frame) => {
            assert_eq!(frame.to_bytes()[..], bytes[..FileFrame::HEAD]);
            let data = bytes.len() - FileFrame::HEAD;
            match frame.kind {
                FileFrameKind::Data { chunk, offset } => {
                    assert!(data > 0 && chunk < 1 << 22 && offset as usize + data <= CHUNK + CHUNK_OVERHEAD);
                }
                FileFrameKind::Credit { chunks } => assert!(data == 0 && chunks <= 1 << 22),
                FileFrameKind::Cancel => assert_eq!(data, 0),
            }
            true
        }
        Err(error) => {
            assert_eq!(error == FileFrameError::Short, bytes.len() < FileFrame::HEAD);
            false
        }
    }
}

/// Any bytes as a pass that was handed over: it comes out once and is what it was.
fn pass(choices: Choices<'_>) -> bool {
    let Ok(mut bytes) = <[u8; FilePass::LENGTH]>::try_from(choices.rest()) else { return false };
    let before = bytes;
    let pass = FilePass::take_over(&mut bytes);
    assert_eq!(bytes, [0; FilePass::LENGTH]);
    assert_eq!(FilePass::take_over(&mut bytes).unwrap_err(), FileError::UsedUp);
    let Ok(pass) = pass else { return false };
    assert!(pass.header().size() <= MAX_SIZE);
    assert_eq!(*pass.hand_over(), before);
    true
}

/// Any bytes as a chunk of a file nobody has sealed.
fn chunk(mut choices: Choices<'_>) -> bool {
    let size = u64::from(choices.u16());
    let index = u32::from(choices.u8());
    let header = FileHeader::new(size, FileId::from_bytes([1; 16])).unwrap();
    let opener = FileOpener::new(header, &FileKey::from_bytes(&[2; 32]));
    let mut buffer = choices.rest().to_vec();
    let before = buffer.clone();
    assert!(opener.open(index, &mut buffer).is_err());
    assert_eq!(buffer, before);
    before.len() == size as usize + CHUNK_OVERHEAD && index == 0
}

/// Leaves out of order, missing or repeated give another root, or none.
fn tree(mut choices: Choices<'_>) -> bool {
    let count = 1 + choices.below(40);
    let header = FileHeader::new(((count - 1) as u64) << 16 | 1, FileId::from_bytes([1; 16])).unwrap();
    let opener = FileOpener::new(header, &FileKey::from_bytes(&[2; 32]));
    let root = |leaves: &[u32]| {
        let mut tree = TreeHasher::default();
        for leaf in leaves {
            tree.push(&Leaf::of(*leaf, b"chunk"));
        }
        assert_eq!(tree.leaves() as usize, leaves.len());
        opener.root(&tree)
    };
    let ordered: Vec<u32> = (0..count as u32).collect();
    let expected = root(&ordered).unwrap();
    let mut leaves = ordered.clone();
    for _ in 0..8 {
        if choices.is_empty() {
            break;
        }
        let (kind, at, other) = (choices.u8() % 3, choices.below(leaves.len().max(1)), choices.u8());
        match kind {
            0 if !leaves.is_empty() => drop(leaves.remove(at)),
            1 => leaves.insert(at.min(leaves.len()), other.into()),
            2 if !leaves.is_empty() => {
                let other = usize::from(other) % leaves.len();
                leaves.swap(at, other);
            }
            _ => {}
        }
    }
    match root(&leaves) {
        Ok(root) => assert_eq!(root == expected, leaves == ordered),
        Err(error) => assert!(error == FileError::Incomplete && leaves.len() != count),
    }
    leaves == ordered
}

pub(super) fn seeds() -> Seeds {
    let mut seeds: Seeds = Vec::new();
    for (name, size) in [("empty", 0), ("one", 1), ("chunk", 65_536), ("more", 65_537), ("largest", MAX_SIZE)]
    {
        seeds.push((format!("header-{name}"), [&[0], size.to_be_bytes().as_slice()].concat()));
    }
    for chunks in 0..3 {
        for rest in [0, 1, 5] {
            seeds.push((format!("chunks-{chunks}-{rest}"), vec![1, chunks, 0, rest, 0, 1, 0, 0, 1]));
        }
    }
    seeds.push(("refused-size".to_owned(), [&[0], (MAX_SIZE + 1).to_be_bytes().as_slice()].concat()));
    seeds.push(("refused-altered".to_owned(), vec![1, 1, 0, 3, 0, 0, 0, 0, 1, 3, 0, 9, 1]));
    seeds.push(("refused-order".to_owned(), vec![3, 0, 6, 2, 0, 1, 3]));
    seeds.push(("chunk".to_owned(), [&[2, 0, 5, 0], [7; 5 + CHUNK_OVERHEAD].as_slice()].concat()));
    seeds.push(("pass".to_owned(), [[4].as_slice(), &[9; 48], &7_u64.to_be_bytes()].concat()));
    let frames: [(&str, [u32; 3], usize); 6] = [
        ("data", [7, 3, 16], 5),
        ("credit", [7, u32::MAX, 1 << 22], 0),
        ("cancel", [7, u32::MAX - 1, 0], 0),
        ("refused-chunk", [7, 1 << 22, 0], 5),
        ("refused-credit", [7, u32::MAX, 3], 5),
        ("refused-cancel", [7, u32::MAX - 1, 1], 0),
    ];
    for (name, words, data) in frames {
        let head = words.iter().flat_map(|word| word.to_be_bytes());
        let (kind, name) = match name.strip_prefix("refused-") {
            Some(what) => ("refused-frame", what),
            None => ("frame", name),
        };
        seeds.push((format!("{kind}-{name}"), [5].into_iter().chain(head).chain(vec![1; data]).collect()));
    }
    seeds.push(("refused-pass".to_owned(), [4].into_iter().chain([0; FilePass::LENGTH]).collect()));
    seeds.extend([0, 1, 6, 7, 39].map(|count| (format!("tree-{count}"), vec![3, 0, count])));
    seeds
}
