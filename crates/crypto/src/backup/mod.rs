//! Backups: items in full 64 KiB chunks under a recovery key or a passphrase, the whole padded to one of few sizes.
//!
//! ```text
//! backup = head ‖ chunk 0 ‖ … ‖ chunk n − 1
//! head   = "SOTB" ‖ version 1 ‖ kdf 1 ‖ m u32 ‖ t u32 ‖ salt 16 ‖ r 16 ‖ commit 32
//! K ‖ commit = HKDF(salt = r, ikm = recovery key or pk, info = label ‖ head[..30], 64 bytes)
//! chunk i = AES-256-GCM(K, nonce = 7×00 ‖ u32(i) ‖ last, AAD = head)                        (STREAM)
//! text   = items, each length u32 ‖ bytes; u32(0); zeros to the end of chunk n − 1, n = Padmé(chunks needed)
//! ```
//! What the items say is `sotto-wire`'s.

mod head;
mod opener;
mod recovery_key;
mod sealer;

use crate::aead::{Cipher, NONCE, TAG};
use crate::passphrase::{CostError, KdfError};

pub use head::BackupHead;
pub use opener::{BackupOpener, Items};
pub use recovery_key::{RecoveryKey, RecoveryKeyError};
pub use sealer::{BackupSealer, BackupTail};

/// Bytes of the content in every chunk.
pub const CHUNK: usize = 1 << 16;
/// Bytes of a sealed chunk.
pub const SEALED_CHUNK: usize = CHUNK + TAG;
/// Most chunks of a backup: 4 GiB.
pub const MAX_CHUNKS: u32 = 1 << 16;
/// Longest item, in bytes.
pub const ITEM_MAX: usize = 60 * 1024;

/// Bytes before an item: its length.
const FRAME: usize = 4;

/// Why a backup was refused, or could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BackupError {
    /// The beginning is not that of a backup.
    #[error("not a backup")]
    NotABackup,
    /// Made by a newer version.
    #[error("backup of a newer version")]
    NewerVersion,
    /// A guess costs less than the floor.
    #[error("passphrase protection too weak")]
    TooWeak,
    /// A guess costs more than the ceiling.
    #[error("passphrase protection too costly for this device")]
    TooCostly,
    /// Cut short, extended, or a chunk of another length.
    #[error("backup of wrong length")]
    WrongLength,
    /// Another recovery key or passphrase, or the head was altered.
    #[error("this key is not the backup's")]
    WrongKey,
    /// A chunk was altered, is out of its place or of another backup.
    #[error("chunk of the backup does not open")]
    BadChunk,
    /// What was sealed is not a row of items with an end and padding.
    #[error("malformed content of a backup")]
    Malformed,
    /// An item is empty or longer than [`ITEM_MAX`].
    #[error("item of a backup out of bounds")]
    ItemLength,
    /// More than fits [`MAX_CHUNKS`].
    #[error("backup larger than 4 GiB")]
    TooLarge,
}

impl From<KdfError> for BackupError {
    fn from(error: KdfError) -> Self {
        match error {
            KdfError::Malformed => Self::NotABackup,
            KdfError::Cost(CostError::TooWeak) => Self::TooWeak,
            KdfError::Cost(CostError::TooCostly) => Self::TooCostly,
        }
    }
}

/// The keyed cipher of one backup, for sealing and opening.
struct ChunkCipher {
    cipher: Cipher,
    head: [u8; BackupHead::LENGTH],
}

impl ChunkCipher {
    fn seal(&self, index: u32, last: bool, text: &mut [u8]) -> [u8; TAG] {
        self.cipher.seal(&nonce(index, last), &self.head, text)
    }

    fn open(&self, index: u32, last: bool, text: &mut [u8], tag: &[u8; TAG]) -> Result<(), BackupError> {
        self.cipher.open(&nonce(index, last), &self.head, text, tag).map_err(|_| BackupError::BadChunk)
    }
}

fn nonce(index: u32, last: bool) -> [u8; NONCE] {
    let [a, b, c, d] = index.to_be_bytes();
    [0, 0, 0, 0, 0, 0, 0, a, b, c, d, u8::from(last)]
}

/// The number of chunks that a backup of this many has: Padmé (Nikitin et al. 2019, §4), which tells little of a size
/// and costs at most 12 %.
fn padme(chunks: u32) -> u32 {
    let Some(exponent) = chunks.checked_ilog2().filter(|exponent| *exponent > 0) else { return chunks };
    let kept = exponent.ilog2().saturating_add(1);
    let step = 1_u32.checked_shl(exponent.saturating_sub(kept)).unwrap_or(1);
    chunks.checked_next_multiple_of(step).unwrap_or(chunks)
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn sizes_are_few_and_little_longer() {
        let sizes: Vec<u32> = (0..=40).map(padme).collect();
        assert_eq!(sizes[..18], [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 10, 12, 12, 14, 14, 16, 16, 18]);
        assert_eq!(sizes[31..=37], [32, 32, 36, 36, 36, 36, 40]);
        let mut last = 0;
        let mut different = 0;
        for chunks in 1..=MAX_CHUNKS {
            let padded = padme(chunks);
            assert!(chunks <= padded && padded - chunks <= chunks * 12 / 100, "{chunks}: {padded}");
            assert_eq!(padme(padded), padded);
            assert!(padded >= last);
            different += u32::from(padded != last);
            last = padded;
        }
        assert_eq!((last, different), (MAX_CHUNKS, 172));
    }
}
