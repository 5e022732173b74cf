//! Files as their receiver opens them, and as their sender makes them.

use sotto_crypto::FileId;
use sotto_crypto::file::{
    CHUNK_OVERHEAD, FileHeader, FileKey, FileOpener, FilePass, FileRoot, FileSealer, Leaf, TreeHasher,
};
use sotto_testkit::vectors::primitives::sha256;
use sotto_wire::peer::{FileFrame, FileFrameKind, TransferTag};

use crate::given::{Draws, Given, each};

fn header(case: &Given, size: &str) -> Result<FileHeader, sotto_crypto::file::FileError> {
    FileHeader::new(case.at(size).as_u64().unwrap(), FileId::from_bytes(case.array("/given/file_id")))
}

fn key(case: &Given, path: &str) -> FileKey {
    FileKey::from_bytes(&case.array(path))
}

/// Heads of frames, written and read.
#[test]
fn frames() {
    each("file_frame", "", |case| {
        let data = case.number("/given/data_length") as usize;
        if case.has("/refused") {
            let head = case.bytes("/given/head");
            assert!(case.judge(FileFrame::read(&head, head.len() + data)).is_none());
            return;
        }
        let number = |name: &str| case.number(&format!("/given/fields/{name}"));
        let kind = match case.text("/given/fields/type") {
            "data" => FileFrameKind::Data { chunk: number("chunk"), offset: number("offset") },
            "credit" => FileFrameKind::Credit { chunks: number("chunks") },
            _ => FileFrameKind::Cancel,
        };
        let transfer = TransferTag::of(FileId::from_bytes(case.array("/given/file_id")));
        let frame = FileFrame { transfer, kind };
        assert_eq!(frame.to_bytes()[..], case.bytes("/expect/head"));
        let read = FileFrame::read(&frame.to_bytes(), FileFrame::HEAD + data);
        assert_eq!(case.judge(read), Some(frame));
    });
}

/// Sealed again from the draws, each chunk is the one told; and opened, it is the content.
#[test]
fn files() {
    each("file", "", |case| {
        if !case.name().ends_with(" bytes") {
            return;
        }
        let content = case.filled("/given/content");
        let mut draws = Draws::of(case, "/random", "file");
        let mut sealer = FileSealer::start(FilePass::generate(content.len() as u64, &mut draws).unwrap());
        let opener = FileOpener::new(header(case, "/given/size").unwrap(), &key(case, "/given/file_key"));
        assert_eq!(opener.header().to_bytes()[..], case.bytes("/expect/hdr"));
        let (mut opened, mut tree, mut rest) = (Vec::new(), TreeHasher::default(), content.as_slice());
        let chunks = case.at("/expect/chunks").as_array().unwrap();
        for (index, told) in chunks.iter().cloned().map(Given).enumerate() {
            let index = u32::try_from(index).unwrap();
            let length = opener.header().chunk_length(index).unwrap();
            assert_eq!(length + CHUNK_OVERHEAD, told.number("/length") as usize);
            let (chunk, behind) = rest.split_at(length);
            let mut buffer = [chunk, &[0; CHUNK_OVERHEAD]].concat();
            let leaf = sealer.seal_next(&mut buffer).unwrap();
            assert_eq!(*leaf.as_bytes(), told.array("/leaf"));
            assert_eq!(sha256(&[&buffer]), told.array("/sha256"));
            if told.has("/sealed") {
                assert_eq!(buffer, told.bytes("/sealed"));
            }
            tree.push(&opener.open(index, &mut buffer).unwrap());
            opened.extend_from_slice(&buffer[..length]);
            rest = behind;
        }
        assert_eq!(opened, content);
        assert!(opener.root(&tree).unwrap() == FileRoot::from_bytes(case.array("/expect/root")));
        assert!(sealer.root().unwrap() == FileRoot::from_bytes(case.array("/expect/root")));
    });
}

#[test]
fn trees() {
    each("file", "tree", |case| {
        let opener = FileOpener::new(header(case, "/given/size").unwrap(), &key(case, "/given/file_key"));
        let mut tree = TreeHasher::default();
        for i in 0..case.number("/given/chunks") {
            tree.push(&Leaf::from_bytes(sha256(&[b"leaf", &i.to_be_bytes()])));
        }
        assert!(opener.root(&tree).unwrap() == FileRoot::from_bytes(case.array("/expect/root")));
    });
}

#[test]
fn chunks() {
    each("file", "chunk:", |case| {
        let size = if case.has("/given/claimed_size") { "/given/claimed_size" } else { "/given/size" };
        let another = "/given/another_file_key";
        let key = key(case, if case.has(another) { another } else { "/given/file_key" });
        let opener = FileOpener::new(header(case, size).unwrap(), &key);
        let mut buffer = case.bytes("/given/sealed");
        if let Some(leaf) = case.judge(opener.open(case.number("/given/chunk"), &mut buffer)) {
            assert_eq!(*leaf.as_bytes(), case.array("/expect/leaf"));
            buffer.truncate(buffer.len() - CHUNK_OVERHEAD);
            assert_eq!(buffer, case.bytes("/expect/plaintext"));
        } else {
            assert_eq!(buffer, case.bytes("/given/sealed"), "what was refused is as before");
        }
    });
}

#[test]
fn sizes() {
    each("file", "size:", |case| {
        if let Some(header) = case.judge(header(case, "/given/size")) {
            assert_eq!(header.to_bytes()[..], case.bytes("/expect/hdr"));
            assert_eq!(header.chunks(), case.number("/expect/chunks"));
        }
    });
}
