//! Sealing a file from its first chunk to its last, each number once.

use super::{ChunkCipher, FileError, FileHeader, FilePass, FileRoot, Leaf, TreeHasher};

/// Seals the chunks of one file in order. A chunk's number moves on with every sealing and nothing sets it back, and
/// what it begins with is used up by it, so no nonce is used twice ([`FilePass`]).
pub struct FileSealer {
    chunks: ChunkCipher,
    tree: TreeHasher,
}

impl FileSealer {
    /// Begins the one pass over a file.
    pub fn start(pass: FilePass) -> Self {
        Self { chunks: ChunkCipher::new(pass.header, &pass.key), tree: TreeHasher::default() }
    }

    /// The file's header.
    pub const fn header(&self) -> &FileHeader {
        &self.chunks.header
    }

    /// Number of the next chunk to seal; `None` after the last.
    pub fn next_index(&self) -> Option<u32> {
        Some(self.tree.leaves()).filter(|index| *index < self.chunks.header.chunks())
    }

    /// Seals the next chunk in place: `buffer` holds its plaintext followed by
    /// [`CHUNK_OVERHEAD`](super::CHUNK_OVERHEAD) bytes that the tag overwrites. Allocates nothing but once in 2ⁿ
    /// chunks a slot of the tree's stack.
    ///
    /// # Errors
    /// [`FileError::NoSuchChunk`] after the last; [`FileError::WrongLength`] unless the buffer fits
    /// [`FileHeader::chunk_length`]. Neither uses the number up.
    pub fn seal_next(&mut self, buffer: &mut [u8]) -> Result<Leaf, FileError> {
        let index = self.next_index().ok_or(FileError::NoSuchChunk)?;
        let leaf = self.chunks.seal(index, buffer)?;
        self.tree.push(&leaf);
        Ok(leaf)
    }

    /// The root over all chunks.
    ///
    /// # Errors
    /// [`FileError::Incomplete`] before the last chunk was sealed.
    pub fn root(&self) -> Result<FileRoot, FileError> {
        self.chunks.root(&self.tree)
    }
}

impl core::fmt::Debug for FileSealer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("FileSealer").field("next", &self.tree.leaves()).finish_non_exhaustive()
    }
}
