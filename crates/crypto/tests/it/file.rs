//! Files of every awkward size, and whatever somebody may do to their chunks.

use crate::common::rng;
use rand_chacha::ChaCha12Rng;
use sotto_crypto::FileId;
use sotto_crypto::file::{
    CHUNK, CHUNK_OVERHEAD, FileError, FileHeader, FileKey, FileOpener, FilePass, FileRoot, FileSealer, Leaf,
    MAX_SIZE, TreeHasher,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SIZES: [usize; 8] = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 17, 5 * CHUNK];

fn content(size: usize) -> Vec<u8> {
    (0..size).map(|place| u8::try_from(place * 31 % 251).unwrap()).collect()
}

struct Sealed {
    header: FileHeader,
    key: FileKey,
    chunks: Vec<Vec<u8>>,
    leaves: Vec<Leaf>,
    root: FileRoot,
}

fn pieces(content: &[u8]) -> Vec<&[u8]> {
    if content.is_empty() { vec![content] } else { content.chunks(CHUNK).collect() }
}

fn buffer(plaintext: &[u8]) -> Vec<u8> {
    [plaintext, &[0; CHUNK_OVERHEAD]].concat()
}

fn start(size: u64, rng: &mut ChaCha12Rng) -> (FileSealer, FileKey) {
    let pass = FilePass::generate(size, rng).unwrap();
    let key = pass.key();
    (FileSealer::start(pass), key)
}

fn seal(content: &[u8]) -> Sealed {
    let (mut sealer, key) = start(u64::try_from(content.len()).unwrap(), &mut rng(1));
    let (mut chunks, mut leaves) = (Vec::new(), Vec::new());
    for piece in pieces(content) {
        assert_eq!(sealer.root().unwrap_err(), FileError::Incomplete);
        let mut chunk = buffer(piece);
        leaves.push(sealer.seal_next(&mut chunk).unwrap());
        chunks.push(chunk);
    }
    assert_eq!(sealer.next_index(), None);
    assert_eq!(sealer.seal_next(&mut buffer(b"")), Err(FileError::NoSuchChunk));
    let root = sealer.root().unwrap();
    Sealed { header: *sealer.header(), key, chunks, leaves, root }
}

/// Opens chunks in the order given and judges the whole; what a receiver does.
fn receive(header: FileHeader, key: &FileKey, chunks: &[Vec<u8>]) -> Result<(Vec<u8>, FileRoot), FileError> {
    let opener = FileOpener::new(header, key);
    let (mut content, mut tree) = (Vec::new(), TreeHasher::default());
    for (index, chunk) in (0..).zip(chunks) {
        let mut chunk = chunk.clone();
        let leaf = opener.open(index, &mut chunk)?;
        tree.push(&leaf);
        content.extend_from_slice(&chunk[..chunk.len() - CHUNK_OVERHEAD]);
    }
    Ok((content, opener.root(&tree)?))
}

#[test]
fn files_of_every_size_come_through() {
    for size in SIZES {
        let content = content(size);
        let sealed = seal(&content);
        assert_eq!(sealed.chunks.len(), size.div_ceil(CHUNK).max(1));
        assert_eq!(sealed.header.chunks(), u32::try_from(sealed.chunks.len()).unwrap());
        let (received, root) = receive(sealed.header, &sealed.key, &sealed.chunks).unwrap();
        assert_eq!(received, content, "{size}");
        assert_eq!(root, sealed.root);
    }
}

#[test]
fn chunks_open_in_any_order() {
    let content = content(4 * CHUNK + 5);
    let sealed = seal(&content);
    let opener = FileOpener::new(sealed.header, &sealed.key);
    for index in [4u32, 1, 3, 0, 2, 2] {
        let place = usize::try_from(index).unwrap();
        let mut chunk = sealed.chunks[place].clone();
        assert_eq!(opener.open(index, &mut chunk).unwrap(), sealed.leaves[place]);
        let length = opener.header().chunk_length(index).unwrap();
        assert_eq!(chunk[..length], content[place * CHUNK..place * CHUNK + length]);
    }
}

#[test]
fn truncated_swapped_or_extended_files_are_refused() {
    for size in SIZES {
        let sealed = seal(&content(size));
        let receive = |chunks: &[Vec<u8>]| receive(sealed.header, &sealed.key, chunks).map(|_| ());
        let count = sealed.chunks.len();
        assert_eq!(receive(&sealed.chunks[..count - 1]), Err(FileError::Incomplete), "{size}: chunk missing");
        let mut extended = sealed.chunks.clone();
        extended.push(sealed.chunks[count - 1].clone());
        assert_eq!(receive(&extended), Err(FileError::NoSuchChunk), "{size}: chunk appended");
        let mut shortened = sealed.chunks.clone();
        shortened[count - 1].pop();
        assert_eq!(receive(&shortened), Err(FileError::WrongLength), "{size}: last chunk shortened");
        if count > 1 {
            let mut swapped = sealed.chunks.clone();
            swapped.swap(0, 1);
            assert!(receive(&swapped).is_err(), "{size}: chunks swapped");
            let mut repeated = sealed.chunks.clone();
            repeated[1] = repeated[0].clone();
            assert!(receive(&repeated).is_err(), "{size}: chunk repeated");
        }
    }
}

/// Somebody with the key, or a manifest that lies: other sizes and ids open nothing.
#[test]
fn chunks_belong_to_one_size_id_and_key() {
    let sealed = seal(&content(2 * CHUNK));
    let first = |header, key: &FileKey| FileOpener::new(header, key).open(0, &mut sealed.chunks[0].clone());
    assert!(first(sealed.header, &sealed.key).is_ok());
    let id = sealed.header.file_id();
    let longer = FileHeader::new(sealed.header.size() + 1, id).unwrap();
    assert_eq!(first(longer, &sealed.key), Err(FileError::BadChunk));
    let other = FileHeader::new(sealed.header.size(), FileId::from_bytes([1; 16])).unwrap();
    assert_eq!(first(other, &sealed.key), Err(FileError::BadChunk));
    assert_eq!(first(sealed.header, &FileKey::from_bytes(&[0; 32])), Err(FileError::BadChunk));
    // A file cut at a chunk's end under a header that says so: the last flag is missing.
    let cut = FileHeader::new(u64::try_from(CHUNK).unwrap(), id).unwrap();
    assert_eq!(first(cut, &sealed.key), Err(FileError::BadChunk));
}

#[test]
fn any_altered_byte_is_refused_and_nothing_is_decrypted() {
    let sealed = seal(&content(100));
    let opener = FileOpener::new(sealed.header, &sealed.key);
    for bit in 0..sealed.chunks[0].len() * 8 {
        let mut altered = sealed.chunks[0].clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        let before = altered.clone();
        assert_eq!(opener.open(0, &mut altered), Err(FileError::BadChunk), "bit {bit}");
        assert_eq!(altered, before);
    }
}

#[test]
fn the_root_depends_on_every_leaf_their_order_and_the_key() {
    let sealed = seal(&content(5 * CHUNK));
    let root = |key: &FileKey, leaves: &[Leaf]| {
        let mut tree = TreeHasher::default();
        leaves.iter().for_each(|leaf| tree.push(leaf));
        FileOpener::new(sealed.header, key).root(&tree)
    };
    assert_eq!(root(&sealed.key, &sealed.leaves), Ok(sealed.root));
    for index in 0..sealed.leaves.len() {
        let mut altered = sealed.leaves.clone();
        let mut bytes = *altered[index].as_bytes();
        bytes[0] ^= 1;
        altered[index] = Leaf::from_bytes(bytes);
        assert_ne!(root(&sealed.key, &altered), Ok(sealed.root));
        let mut rotated = sealed.leaves.clone();
        rotated.swap(index, (index + 1) % sealed.leaves.len());
        assert_ne!(root(&sealed.key, &rotated), Ok(sealed.root));
    }
    assert_ne!(root(&FileKey::from_bytes(&[1; 32]), &sealed.leaves), Ok(sealed.root), "the commitment");
    assert_eq!(root(&sealed.key, &sealed.leaves[1..]), Err(FileError::Incomplete));
}

#[test]
fn a_wrong_buffer_uses_no_number_up() {
    let (mut sealer, _) = start(10, &mut rng(2));
    assert_eq!(sealer.seal_next(&mut [0; 10]), Err(FileError::WrongLength));
    assert_eq!(sealer.seal_next(&mut [0; 27]), Err(FileError::WrongLength));
    assert_eq!(sealer.seal_next(&mut []), Err(FileError::WrongLength));
    assert_eq!(sealer.next_index(), Some(0));
    assert!(sealer.seal_next(&mut [0; 26]).is_ok());
}

/// Between the page and its worker: what is handed over comes out once.
#[test]
fn a_pass_that_is_handed_over_is_used_up() {
    let (pass, again) =
        (FilePass::generate(5, &mut rng(4)).unwrap(), FilePass::generate(5, &mut rng(4)).unwrap());
    let (header, key) = (*pass.header(), pass.key().to_bytes());
    let mut bytes = pass.hand_over();
    assert_eq!(bytes[..], [header.file_id().as_bytes().as_slice(), &key[..], &5_u64.to_be_bytes()].concat());
    let taken = FilePass::take_over(&mut bytes).unwrap();
    assert_eq!((*taken.header(), taken.key().to_bytes()), (header, key));
    assert_eq!(*bytes, [0; FilePass::LENGTH]);
    assert_eq!(FilePass::take_over(&mut bytes).unwrap_err(), FileError::UsedUp);
    let seal = |pass| FileSealer::start(pass).seal_next(&mut buffer(b"equal")).unwrap();
    assert_eq!(seal(taken), seal(again), "the same id, key and size");

    let mut large = FilePass::generate(5, &mut rng(4)).unwrap().hand_over();
    large[48..].copy_from_slice(&(MAX_SIZE + 1).to_be_bytes());
    assert_eq!(FilePass::take_over(&mut large).unwrap_err(), FileError::TooLarge);
    assert_eq!(*large, [0; FilePass::LENGTH]);
}

#[test]
fn sizes_have_a_limit() {
    let id = FileId::from_bytes([0; 16]);
    let largest = FileHeader::new(MAX_SIZE, id).unwrap();
    assert_eq!(largest.chunks(), 1 << 22);
    assert_eq!(largest.chunk_length((1 << 22) - 1), Some(CHUNK));
    assert_eq!(largest.chunk_length(1 << 22), None);
    for size in [MAX_SIZE + 1, 1 << 48, 1 << 49, u64::MAX] {
        assert_eq!(FileHeader::new(size, id), Err(FileError::TooLarge));
    }
    assert_eq!(FileHeader::new(0, id).unwrap().chunk_length(0), Some(0));
}

#[test]
fn two_files_share_no_key() {
    let rng = &mut rng(3);
    let (first, first_key) = start(1, rng);
    let (second, second_key) = start(1, rng);
    assert_ne!(first.header().file_id(), second.header().file_id());
    assert_ne!(*first_key.to_bytes(), *second_key.to_bytes());
}
