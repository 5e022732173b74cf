//! Heads of the frames on a link's file channel, and what a reader refuses.

use serde_json::json;
use sotto_crypto::FileId;
use sotto_wire::peer::{FileFrame, FileFrameKind, TransferTag};

use super::form::{Cases, Structure, hex};

pub(super) const FILE_FRAME: Structure = Structure {
    name: "file_frame",
    sections: "13.3",
    about: "The first 12 bytes of a frame on the file channel (`head`) and how many bytes follow (`data_length`); what \
            follows does not matter here. A case that is not refused tells the `file_id` whose transfer the frame is of, \
            and what it says.",
    fill,
};

/// Its first four bytes name a transfer.
const FILE: [u8; 16] = [0xf0, 0x0d, 0xfe, 0xed, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

fn valid(cases: &mut Cases, name: &str, kind: FileFrameKind, data: usize) {
    cases.case(name, |case| {
        let frame = FileFrame { transfer: TransferTag::of(FileId::from_bytes(FILE)), kind };
        let fields = match kind {
            FileFrameKind::Data { chunk, offset } => {
                json!({ "type": "data", "chunk": chunk, "offset": offset })
            }
            FileFrameKind::Credit { chunks } => json!({ "type": "credit", "chunks": chunks }),
            FileFrameKind::Cancel => json!({ "type": "cancel" }),
        };
        case.given("file_id", hex(FILE));
        case.given("fields", fields);
        case.given("data_length", data);
        assert_eq!(FileFrame::read(&frame.to_bytes(), FileFrame::HEAD + data), Ok(frame));
        case.expect("head", hex(frame.to_bytes()));
    });
}

fn refused(cases: &mut Cases, name: &str, rule: &'static str, words: &[u32], data: usize) {
    let head: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    refused_bytes(cases, name, rule, &head, data);
}

fn refused_bytes(cases: &mut Cases, name: &str, rule: &'static str, head: &[u8], data: usize) {
    cases.case(name, |case| {
        case.given("head", hex(head));
        case.given("data_length", data);
        case.refused(rule, FileFrame::read(head, head.len() + data));
    });
}

fn fill(cases: &mut Cases) {
    let data = |chunk, offset| FileFrameKind::Data { chunk, offset };
    let credit = |chunks| FileFrameKind::Credit { chunks };
    valid(cases, "a whole chunk", data(3, 0), 65_552);
    valid(cases, "an empty file's chunk", data(0, 0), 16);
    valid(cases, "a part", data(3, 16_000), 16_000);
    valid(cases, "the last byte of a chunk", data(3, 65_551), 1);
    valid(cases, "the last chunk there can be", data((1 << 22) - 1, 0), 65_552);
    valid(cases, "no credit", credit(0), 0);
    valid(cases, "credit", credit(17), 0);
    valid(cases, "credit for the longest file", credit(1 << 22), 0);
    valid(cases, "cancel", FileFrameKind::Cancel, 0);

    let (transfer, is_credit, is_cancel) = (0xf00d_feed, u32::MAX, u32::MAX - 1);
    refused_bytes(cases, "nothing", "short", &[], 0);
    refused_bytes(cases, "eleven bytes", "short", &[0xf0, 0x0d, 0xfe, 0xed, 0, 0, 0, 1, 0, 0, 0], 0);
    refused(cases, "data without data", "malformed", &[transfer, 3, 0], 0);
    refused(cases, "credit with data", "malformed", &[transfer, is_credit, 3], 1);
    refused(cases, "cancel with data", "malformed", &[transfer, is_cancel, 0], 1);
    refused(cases, "cancel that says more", "malformed", &[transfer, is_cancel, 1], 0);
    refused(cases, "a chunk that no file has", "out-of-bounds", &[transfer, 1 << 22, 0], 16);
    refused(cases, "a chunk just before cancel", "out-of-bounds", &[transfer, is_cancel - 1, 0], 16);
    refused(
        cases,
        "credit for more than any file has",
        "out-of-bounds",
        &[transfer, is_credit, (1 << 22) + 1],
        0,
    );
    refused(cases, "a byte more than a chunk has", "out-of-bounds", &[transfer, 3, 0], 65_553);
    refused(cases, "a part beyond a chunk's end", "out-of-bounds", &[transfer, 3, 65_552], 1);
    refused(cases, "an offset at the end of 32 bits", "out-of-bounds", &[transfer, 3, u32::MAX], 1);
}
