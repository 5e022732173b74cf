//! The frames of a link's file channel: 12 bytes, and data behind them.
//!
//! ```text
//! data    transfer u32 ‖ chunk u32 ‖ offset u32 ‖ part of the sealed chunk from that offset
//! credit  transfer u32 ‖ FFFFFFFF ‖ chunks on disk u32
//! cancel  transfer u32 ‖ FFFFFFFE ‖ 0
//! ```

use sotto_crypto::FileId;
use sotto_crypto::file::{CHUNK, CHUNK_OVERHEAD, MAX_CHUNKS};

const CREDIT: u32 = u32::MAX;
const CANCEL: u32 = u32::MAX - 1;
/// Longest sealed chunk, in bytes.
const SEALED_MAX: usize = CHUNK + CHUNK_OVERHEAD;

/// The short name of a transfer on its link: the first four bytes of the file's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TransferTag(u32);

impl TransferTag {
    /// That of a file.
    #[must_use]
    pub const fn of(file: FileId) -> Self {
        let [a, b, c, d, ..] = *file.as_bytes();
        Self(u32::from_be_bytes([a, b, c, d]))
    }
}

/// The head of a frame, which says all but the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFrame {
    /// Which transfer it belongs to.
    pub transfer: TransferTag,
    /// What it is.
    pub kind: FileFrameKind,
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFrameKind {
    /// Part of a sealed chunk follows.
    Data {
        /// Number of the chunk.
        chunk: u32,
        /// Where in the sealed chunk the part begins.
        offset: u32,
    },
    /// So many chunks are on the receiver's disk.
    Credit {
        /// How many.
        chunks: u32,
    },
    /// The other side gave up.
    Cancel,
}

/// Why a frame was refused. The transfer it names, if it names one, cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileFrameError {
    /// Shorter than a head: it names no transfer.
    #[error("a frame shorter than its head")]
    Short,
    /// Data without bytes, or bytes or numbers where there are none.
    #[error("malformed frame")]
    Malformed(TransferTag),
    /// A chunk or a part that no file has.
    #[error("a frame out of its bounds")]
    OutOfBounds(TransferTag),
}

impl FileFrame {
    /// Bytes before the data.
    pub const HEAD: usize = 12;
    /// Longest frame, in bytes.
    pub const MAX: usize = Self::HEAD + SEALED_MAX;

    /// The head.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::HEAD] {
        let (second, third) = match self.kind {
            FileFrameKind::Data { chunk, offset } => (chunk, offset),
            FileFrameKind::Credit { chunks } => (CREDIT, chunks),
            FileFrameKind::Cancel => (CANCEL, 0),
        };
        let [a, b, c, d] = self.transfer.0.to_be_bytes();
        let [e, f, g, h] = second.to_be_bytes();
        let [i, j, k, l] = third.to_be_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, l]
    }

    /// Reads the head of a frame of `length` bytes, of which `start` has at least as many as a head, or all.
    ///
    /// # Errors
    /// [`FileFrameError`]
    pub fn read(start: &[u8], length: usize) -> Result<Self, FileFrameError> {
        let (Some(head), Some(data)) =
            (start.first_chunk::<{ Self::HEAD }>(), length.checked_sub(Self::HEAD))
        else {
            return Err(FileFrameError::Short);
        };
        let [a, b, c, d, e, f, g, h, i, j, k, l] = *head;
        let transfer = TransferTag(u32::from_be_bytes([a, b, c, d]));
        let third = u32::from_be_bytes([i, j, k, l]);
        let kind = match u32::from_be_bytes([e, f, g, h]) {
            CREDIT => FileFrameKind::Credit { chunks: third },
            CANCEL => FileFrameKind::Cancel,
            chunk => FileFrameKind::Data { chunk, offset: third },
        };
        let (well_formed, within) = match kind {
            FileFrameKind::Data { chunk, offset } => {
                let end = usize::try_from(offset).ok().and_then(|offset| offset.checked_add(data));
                (data > 0, chunk < MAX_CHUNKS && end.is_some_and(|end| end <= SEALED_MAX))
            }
            FileFrameKind::Credit { chunks } => (data == 0, chunks <= MAX_CHUNKS),
            FileFrameKind::Cancel => (data == 0 && third == 0, true),
        };
        match (well_formed, within) {
            (true, true) => Ok(Self { transfer, kind }),
            (false, _) => Err(FileFrameError::Malformed(transfer)),
            (true, false) => Err(FileFrameError::OutOfBounds(transfer)),
        }
    }
}
