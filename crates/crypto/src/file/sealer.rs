//! Sealing a file from its first chunk to its last, each number once.

use super::{ChunkCipher, FileError, FileHeader, FileKey, FileRoot, Leaf, TreeHasher};
use crate::FileId;
use rand_core::CryptoRng;
use zeroize::Zeroize;

/// Seals the chunks of one file in order. A chunk's number moves on with every sealing, so one pass cannot use a
/// nonce twice; chunks that were sealed before come out again only if they are the same.
///
/// Make the leaves of a window durable before any chunk of it leaves the device.
pub struct FileSealer {
    chunks: ChunkCipher,
    tree: TreeHasher,
}

impl FileSealer {
    /// Begins a file of `size` bytes under a fresh id and key.
    ///
    /// # Errors
    /// [`FileError::TooLarge`] above [`super::MAX_SIZE`].
    pub fn start<R: CryptoRng + ?Sized>(size: u64, rng: &mut R) -> Result<(Self, FileKey), FileError> {
        let header = FileHeader::new(size, FileId::generate(rng))?;
        let key = FileKey::generate(rng);
        Ok((Self { chunks: ChunkCipher::new(header, &key), tree: TreeHasher::default() }, key))
    }

    /// Goes on with a file begun earlier, after the chunks whose leaves were made durable, given in order.
    /// Chunks sealed earlier without a durable leaf must never have left the device.
    ///
    /// # Errors
    /// [`FileError::NoSuchChunk`] if there are more leaves than chunks.
    pub fn resume(
        header: FileHeader,
        key: &FileKey,
        leaves: impl IntoIterator<Item = Leaf>,
    ) -> Result<Self, FileError> {
        let mut tree = TreeHasher::default();
        for leaf in leaves {
            if tree.leaves() >= header.chunks() {
                return Err(FileError::NoSuchChunk);
            }
            tree.push(&leaf);
        }
        Ok(Self { chunks: ChunkCipher::new(header, key), tree })
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

    /// Seals a chunk again that was sealed before, to send it another time, given its durable leaf.
    ///
    /// # Errors
    /// [`FileError::SourceChanged`] if the plaintext is not that of the first time: the buffer is wiped, because its
    /// ciphertext would reveal both. [`FileError::NoSuchChunk`] if the chunk was not sealed yet.
    pub fn seal_again(&self, index: u32, leaf: &Leaf, buffer: &mut [u8]) -> Result<(), FileError> {
        if index >= self.tree.leaves() {
            return Err(FileError::NoSuchChunk);
        }
        if self.chunks.seal(index, buffer)? == *leaf {
            Ok(())
        } else {
            buffer.zeroize();
            Err(FileError::SourceChanged)
        }
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
