//! Files on their way, without chunks: whether they arrive, and what their root is.

use sotto_engine::{FileId, LinkId, LocalFile};

/// What the receiving side's worker waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) file: FileId,
    pub(crate) link: LinkId,
    pub(crate) key: [u8; 32],
    pub(crate) size: u64,
}

/// A stand-in for the root of a file's hash tree: it depends on content and key.
pub(crate) fn root(content: LocalFile, key: &[u8; 32]) -> [u8; 32] {
    let mut root = *key;
    for (to, from) in root.iter_mut().zip(content.0.to_be_bytes()) {
        *to ^= from;
    }
    root
}
