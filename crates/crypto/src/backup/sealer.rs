//! Making a backup: items in, chunks out, one chunk in memory.

use super::{
    BackupError, BackupHead, CHUNK, ChunkCipher, FRAME, ITEM_MAX, MAX_CHUNKS, RecoveryKey, SEALED_CHUNK,
    padme,
};
use crate::passphrase::StretchedKey;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// Seals items, in their order. Numbers of chunks only rise, so no nonce comes twice.
pub struct BackupSealer {
    chunks: ChunkCipher,
    /// What waits for its chunk to become full: less than [`CHUNK`], and room for one item more.
    waiting: Zeroizing<Vec<u8>>,
    next: u32,
}

impl BackupSealer {
    /// Begins a backup that this recovery key opens.
    pub fn with_recovery_key<R: CryptoRng + ?Sized>(key: &RecoveryKey, rng: &mut R) -> Self {
        Self::start(BackupHead::seal(None, key.as_bytes(), rng))
    }

    /// Begins a backup that this passphrase opens.
    pub fn with_passphrase<R: CryptoRng + ?Sized>(key: &StretchedKey, rng: &mut R) -> Self {
        Self::start(BackupHead::seal(Some(*key.stretch()), key.as_bytes(), rng))
    }

    fn start(chunks: ChunkCipher) -> Self {
        // A buffer that grew would leave copies behind.
        let waiting =
            Zeroizing::new(Vec::with_capacity(CHUNK.saturating_add(FRAME).saturating_add(ITEM_MAX)));
        Self { chunks, waiting, next: 0 }
    }

    /// The backup's first bytes.
    pub const fn head(&self) -> &[u8; BackupHead::LENGTH] {
        &self.chunks.head
    }

    /// Adds an item. Gives back the chunk that became full, if one did.
    ///
    /// # Errors
    /// [`BackupError::ItemLength`], [`BackupError::TooLarge`]; the item was not added then.
    pub fn push(&mut self, item: &[u8]) -> Result<Option<Vec<u8>>, BackupError> {
        let length = u32::try_from(item.len()).map_err(|_| BackupError::ItemLength)?;
        if length == 0 || item.len() > ITEM_MAX {
            return Err(BackupError::ItemLength);
        }
        let after = self.waiting.len().saturating_add(FRAME).saturating_add(item.len());
        if self.needed(after.saturating_add(FRAME)).is_none() {
            return Err(BackupError::TooLarge);
        }
        self.waiting.extend_from_slice(&length.to_be_bytes());
        self.waiting.extend_from_slice(item);
        // The end is still to come, so a full chunk is never the last.
        Ok((self.waiting.len() >= CHUNK).then(|| self.seal(false)))
    }

    /// Ends the backup: gives back its last chunks, those of the padding among them.
    pub fn finish(mut self) -> BackupTail {
        self.waiting.extend_from_slice(&[0; FRAME]);
        let needed = self.needed(self.waiting.len()).unwrap_or(MAX_CHUNKS);
        BackupTail { sealer: self, chunks: padme(needed) }
    }

    /// Chunks in all when so many bytes wait; `None` when too many.
    fn needed(&self, waiting: usize) -> Option<u32> {
        let more = u32::try_from(waiting.div_ceil(CHUNK)).ok()?;
        self.next.checked_add(more).filter(|chunks| *chunks <= MAX_CHUNKS)
    }

    /// Seals the next chunk of what waits, filled up with zeros.
    fn seal(&mut self, last: bool) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(SEALED_CHUNK);
        let taken = self.waiting.len().min(CHUNK);
        sealed.extend(self.waiting.drain(..taken));
        sealed.resize(CHUNK, 0);
        let tag = self.chunks.seal(self.next, last, &mut sealed);
        sealed.extend_from_slice(&tag);
        self.next = self.next.saturating_add(1);
        sealed
    }
}

impl core::fmt::Debug for BackupSealer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("BackupSealer").field("next", &self.next).finish_non_exhaustive()
    }
}

/// The last chunks of a backup, at least one; without all of them it is no backup.
#[derive(Debug)]
pub struct BackupTail {
    sealer: BackupSealer,
    chunks: u32,
}

impl Iterator for BackupTail {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let left = self.chunks.checked_sub(self.sealer.next).filter(|left| *left > 0)?;
        Some(self.sealer.seal(left == 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha12Rng;
    use rand_chacha::rand_core::SeedableRng;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn what_does_not_fit_is_not_added() {
        let key = RecoveryKey::from_bytes(&[1; 32]);
        let mut sealer = BackupSealer::with_recovery_key(&key, &mut ChaCha12Rng::seed_from_u64(1));
        let capacity = sealer.waiting.capacity();
        // As after 65,535 chunks.
        sealer.next = MAX_CHUNKS - 1;
        let rest = CHUNK - ITEM_MAX - 3 * FRAME;
        assert_eq!(sealer.push(&[1; ITEM_MAX]), Ok(None));
        assert_eq!(sealer.push(&vec![1; rest + 1]), Err(BackupError::TooLarge));
        assert_eq!(sealer.waiting.len(), FRAME + ITEM_MAX);
        assert_eq!(sealer.push(&vec![1; rest]), Ok(None));
        assert_eq!(sealer.push(&[1]), Err(BackupError::TooLarge));
        assert_eq!(sealer.waiting.capacity(), capacity, "it never moved");
        let tail: Vec<_> = sealer.finish().collect();
        assert_eq!(tail.len(), 1);
    }
}
