//! What travels on a link's file channel, between the two workers.
//!
//! ```text
//! data    transfer u32 ‖ chunk u32 ‖ offset u32 ‖ part of the sealed chunk from that offset
//! credit  transfer u32 ‖ FFFFFFFF ‖ chunks on disk u32
//! cancel  transfer u32 ‖ FFFFFFFE ‖ 0
//! ```
//! `transfer` is the first four bytes of the file's id. Data goes from sender to receiver, credit back, cancel both
//! ways. A chunk is split only when it does not fit one message of the channel; the parts follow each other.

use sotto_crypto::file::{CHUNK, CHUNK_OVERHEAD};
use sotto_engine::FileId;

/// Bytes before the data.
pub(crate) const HEADER: usize = 12;
/// Longest frame.
pub(crate) const MAX_FRAME: usize = HEADER + CHUNK + CHUNK_OVERHEAD;

const CREDIT: u32 = u32::MAX;
const CANCEL: u32 = u32::MAX - 1;

/// The short name of a transfer on its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TransferTag(pub(crate) u32);

impl From<FileId> for TransferTag {
    fn from(file: FileId) -> Self {
        let [a, b, c, d, ..] = file.0;
        Self(u32::from_be_bytes([a, b, c, d]))
    }
}

/// The head of a frame, which says all but the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) transfer: TransferTag,
    pub(crate) kind: FrameKind,
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// Part of a sealed chunk follows.
    Data { chunk: u32, offset: u32 },
    /// So many chunks are on the receiver's disk.
    Credit { chunks: u32 },
    /// The other side gave up.
    Cancel,
}

impl Frame {
    pub(crate) fn encode(self) -> [u8; HEADER] {
        let (second, third) = match self.kind {
            FrameKind::Data { chunk, offset } => (chunk, offset),
            FrameKind::Credit { chunks } => (CREDIT, chunks),
            FrameKind::Cancel => (CANCEL, 0),
        };
        let mut bytes = [0; HEADER];
        for (to, from) in bytes.chunks_exact_mut(4).zip([self.transfer.0, second, third]) {
            to.copy_from_slice(&from.to_be_bytes());
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; HEADER]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l] = *bytes;
        let third = u32::from_be_bytes([i, j, k, l]);
        let kind = match u32::from_be_bytes([e, f, g, h]) {
            CREDIT => FrameKind::Credit { chunks: third },
            CANCEL => FrameKind::Cancel,
            chunk => FrameKind::Data { chunk, offset: third },
        };
        Self { transfer: TransferTag(u32::from_be_bytes([a, b, c, d])), kind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_as_they_went() {
        let transfer = TransferTag::from(FileId([0xAB; 16]));
        for kind in [
            FrameKind::Data { chunk: 3, offset: 65_000 },
            FrameKind::Credit { chunks: 1 << 22 },
            FrameKind::Cancel,
        ] {
            let frame = Frame { transfer, kind };
            assert_eq!(Frame::decode(&frame.encode()), frame);
        }
        let data = Frame { transfer, kind: FrameKind::Data { chunk: 1, offset: 2 } };
        assert_eq!(data.encode(), [0xAB, 0xAB, 0xAB, 0xAB, 0, 0, 0, 1, 0, 0, 0, 2]);
    }
}
