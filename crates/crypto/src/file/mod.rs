//! Files: 64 KiB chunks under a one-time key, and a hash tree over their ciphertext.
//!
//! ```text
//! hdr        = "SOTF" ‖ version 1 ‖ log2 chunk 1 (= 16) ‖ size u64 ‖ file_id 16
//! K ‖ commit = HKDF(salt = file_id, ikm = file_key, info = label ‖ SHA-256(hdr), 64 bytes)
//! chunk i    = AES-256-GCM(K, nonce = 7×00 ‖ u32(i) ‖ last, AAD = SHA-256(hdr))         (STREAM)
//! leaf i     = SHA-256(00 ‖ u32(i) ‖ ciphertext ‖ tag)
//! node       = SHA-256(01 ‖ left ‖ right), in the shape of RFC 6962 §2.1
//! root       = SHA-256(02 ‖ hdr ‖ commit ‖ u32(chunks) ‖ top)
//! ```
//! All chunks hold 65,536 bytes of the file but the last, which is shorter or as long; an empty file is one empty
//! chunk. The root is needed because whoever has the key could forge chunks, and in a swarm every member has it.

mod opener;
mod pass;
mod sealer;
mod tree;

use crate::FileId;
use crate::aead::{Cipher, NONCE, TAG};
use crate::bytes::join;
use crate::kdf::{hkdf, split};
use crate::label::Purpose;
use crate::secret::secrets;
use sha2::{Digest, Sha256};

pub use opener::FileOpener;
pub use pass::FilePass;
pub use sealer::FileSealer;
pub use tree::{FileRoot, Leaf, TreeHasher};

/// Bytes of the file in every chunk but the last.
pub const CHUNK: usize = 1 << 16;
/// Bytes a sealed chunk is longer than its plaintext.
pub const CHUNK_OVERHEAD: usize = TAG;
/// Most chunks a file may have.
pub const MAX_CHUNKS: u32 = 1 << 22;
/// Longest file in bytes: 256 GiB.
pub const MAX_SIZE: u64 = 1 << 38;

const MAGIC: &[u8; 4] = b"SOTF";
const VERSION: u8 = 1;
const LOG2_CHUNK: u8 = 16;

/// Why a chunk or file was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// Longer than [`MAX_SIZE`].
    #[error("file larger than 256 GiB")]
    TooLarge,
    /// There is no chunk of this number, or not yet.
    #[error("no such chunk")]
    NoSuchChunk,
    /// The buffer is not as long as this chunk with its tag.
    #[error("chunk of wrong length")]
    WrongLength,
    /// The chunk was altered, belongs elsewhere, or is under another key.
    #[error("chunk does not open")]
    BadChunk,
    /// The pass over this file was begun before: start over under a new id and key.
    #[error("the key of this file was used already")]
    UsedUp,
    /// Not every chunk was seen.
    #[error("file not complete")]
    Incomplete,
}

secrets! {
    /// One-time key of one file, carried by its manifest.
    FileKey;
}

/// Size and id of a file: all that its encryption depends on besides the key. The size is within [`MAX_SIZE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeader {
    size: u64,
    chunks: u32,
    file_id: FileId,
}

impl FileHeader {
    /// Length of the encoded header.
    pub const LENGTH: usize = 30;

    /// A header for a file of `size` bytes.
    ///
    /// # Errors
    /// [`FileError::TooLarge`] above [`MAX_SIZE`].
    pub fn new(size: u64, file_id: FileId) -> Result<Self, FileError> {
        let chunks = u32::try_from(size.div_ceil(1 << LOG2_CHUNK).max(1)).map_err(|_| FileError::TooLarge)?;
        if chunks > MAX_CHUNKS {
            return Err(FileError::TooLarge);
        }
        Ok(Self { size, chunks, file_id })
    }

    /// Size of the file in bytes.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Number of chunks, at least 1.
    pub const fn chunks(&self) -> u32 {
        self.chunks
    }

    /// The file's id.
    pub const fn file_id(&self) -> FileId {
        self.file_id
    }

    /// Bytes of the file in chunk `index`, without the tag; `None` if there is no such chunk.
    pub fn chunk_length(&self, index: u32) -> Option<usize> {
        if index >= self.chunks {
            return None;
        }
        let offset = u64::from(index) << LOG2_CHUNK;
        usize::try_from(self.size.saturating_sub(offset).min(1 << LOG2_CHUNK)).ok()
    }

    /// `hdr`.
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        join(&[MAGIC, &[VERSION, LOG2_CHUNK], &self.size.to_be_bytes(), self.file_id.as_bytes()])
    }
}

/// What sealing and opening have in common: the keyed cipher and the bindings of one file.
struct ChunkCipher {
    header: FileHeader,
    associated: [u8; 32],
    commit: [u8; 32],
    cipher: Cipher,
}

impl ChunkCipher {
    fn new(header: FileHeader, key: &FileKey) -> Self {
        let associated = <[u8; 32]>::from(Sha256::digest(header.to_bytes()));
        let material = hkdf::<64>(header.file_id.as_bytes(), &[&key.0], Purpose::FILE, &[&associated]);
        let (key, commit) = split::<64, 32, 32>(&material);
        Self { header, associated, commit: *commit, cipher: Cipher::new(&key) }
    }

    /// Splits a buffer of exactly chunk `index` into text and tag.
    fn split<'a>(
        &self,
        index: u32,
        buffer: &'a mut [u8],
    ) -> Result<(&'a mut [u8], &'a mut [u8; TAG]), FileError> {
        let length = self.header.chunk_length(index).ok_or(FileError::NoSuchChunk)?;
        match buffer.split_last_chunk_mut::<TAG>() {
            Some((text, tag)) if text.len() == length => Ok((text, tag)),
            _ => Err(FileError::WrongLength),
        }
    }

    fn nonce(&self, index: u32) -> [u8; NONCE] {
        let [a, b, c, d] = index.to_be_bytes();
        let last = u8::from(index.saturating_add(1) == self.header.chunks);
        [0, 0, 0, 0, 0, 0, 0, a, b, c, d, last]
    }

    fn seal(&self, index: u32, buffer: &mut [u8]) -> Result<Leaf, FileError> {
        let (text, tag) = self.split(index, buffer)?;
        *tag = self.cipher.seal(&self.nonce(index), &self.associated, text);
        Ok(Leaf::of(index, buffer))
    }

    fn open(&self, index: u32, buffer: &mut [u8]) -> Result<(), FileError> {
        let (text, tag) = self.split(index, buffer)?;
        self.cipher.open(&self.nonce(index), &self.associated, text, tag).map_err(|_| FileError::BadChunk)
    }

    fn root(&self, tree: &TreeHasher) -> Result<FileRoot, FileError> {
        if tree.leaves() != self.header.chunks {
            return Err(FileError::Incomplete);
        }
        let top = tree.top().ok_or(FileError::Incomplete)?;
        let hash = Sha256::new()
            .chain_update([2])
            .chain_update(self.header.to_bytes())
            .chain_update(self.commit)
            .chain_update(self.header.chunks.to_be_bytes())
            .chain_update(top)
            .finalize();
        Ok(FileRoot::from_bytes(hash.into()))
    }
}
