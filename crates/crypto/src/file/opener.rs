//! Opening chunks in any order, and judging the whole by its root.

use super::{ChunkCipher, FileError, FileHeader, FileKey, FileRoot, Leaf, TreeHasher};

/// Opens the chunks of one file.
pub struct FileOpener {
    chunks: ChunkCipher,
}

impl FileOpener {
    /// For the file a manifest describes.
    pub fn new(header: FileHeader, key: &FileKey) -> Self {
        Self { chunks: ChunkCipher::new(header, key) }
    }

    /// The file's header.
    pub const fn header(&self) -> &FileHeader {
        &self.chunks.header
    }

    /// Opens chunk `index` in place: `buffer` holds ciphertext and tag, and afterwards the plaintext followed by
    /// [`CHUNK_OVERHEAD`](super::CHUNK_OVERHEAD) bytes of no meaning. Returns the leaf, to be kept for the root.
    ///
    /// # Errors
    /// [`FileError::NoSuchChunk`], [`FileError::WrongLength`], or [`FileError::BadChunk`]; the buffer is as before.
    pub fn open(&self, index: u32, buffer: &mut [u8]) -> Result<Leaf, FileError> {
        let leaf = Leaf::of(index, buffer);
        self.chunks.open(index, buffer)?;
        Ok(leaf)
    }

    /// The root over the leaves of all chunks in order; the file is complete when it equals the sender's.
    ///
    /// # Errors
    /// [`FileError::Incomplete`] unless exactly one leaf per chunk was pushed.
    pub fn root(&self, tree: &TreeHasher) -> Result<FileRoot, FileError> {
        self.chunks.root(tree)
    }
}

impl core::fmt::Debug for FileOpener {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("FileOpener").field("header", self.header()).finish_non_exhaustive()
    }
}
