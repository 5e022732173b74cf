//! A backup's head: what it takes to open it, and the commitment to its key.

use super::{BackupError, BackupOpener, ChunkCipher, MAX_CHUNKS, RecoveryKey, SEALED_CHUNK, padme};
use crate::aead::Cipher;
use crate::bytes::{Reader, join};
use crate::kdf::{hkdf, split};
use crate::label::Purpose;
use crate::passphrase::{KDF, Stretch, StretchedKey, read_kdf, write_kdf};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

const MAGIC: &[u8; 4] = b"SOTB";
const VERSION: u8 = 1;
const PREFIX: usize = MAGIC.len() + 1 + KDF;
const SALT: usize = 16;
const COMMIT: usize = 32;

/// The first bytes of a backup.
#[derive(Clone)]
pub struct BackupHead {
    stretch: Option<Stretch>,
    salt: [u8; SALT],
    commit: [u8; COMMIT],
}

impl BackupHead {
    /// Bytes of a head.
    pub const LENGTH: usize = PREFIX + SALT + COMMIT;

    /// Reads exactly the head.
    ///
    /// # Errors
    /// [`BackupError::NotABackup`], [`BackupError::NewerVersion`], [`BackupError::TooWeak`], [`BackupError::TooCostly`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BackupError> {
        match bytes.split_first_chunk() {
            Some((MAGIC, [VERSION, ..])) => {}
            Some((MAGIC, [_, ..])) => return Err(BackupError::NewerVersion),
            _ => return Err(BackupError::NotABackup),
        }
        let bytes: &[u8; Self::LENGTH] = bytes.try_into().map_err(|_| BackupError::NotABackup)?;
        let mut reader = Reader::new(bytes);
        let mut part = || {
            let (_, _) = (reader.array::<4>()?, reader.u8()?);
            Some((reader.array::<KDF>()?, *reader.array()?, *reader.array()?))
        };
        let (kdf, salt, commit) = part().ok_or(BackupError::NotABackup)?;
        Ok(Self { stretch: read_kdf(kdf)?, salt, commit })
    }

    /// The bytes of the head.
    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        join(&[&prefix(self.stretch.as_ref()), &self.salt, &self.commit])
    }

    /// How the passphrase is to be stretched; `None` when a recovery key opens the backup.
    pub const fn stretch(&self) -> Option<&Stretch> {
        self.stretch.as_ref()
    }

    /// How many chunks a whole backup of `size` bytes has. To be asked before a passphrase is stretched.
    ///
    /// # Errors
    /// [`BackupError::WrongLength`] for a size that no backup has.
    pub fn chunks(size: u64) -> Result<u32, BackupError> {
        let [head, chunk] =
            [Self::LENGTH, SEALED_CHUNK].map(|length| u64::try_from(length).unwrap_or(u64::MAX));
        let content = size.checked_sub(head).filter(|content| content.checked_rem(chunk) == Some(0));
        let chunks = content.and_then(|content| u32::try_from(content.checked_div(chunk)?).ok());
        chunks.filter(|chunks| is_size(*chunks)).ok_or(BackupError::WrongLength)
    }

    /// Begins to open a backup made under a recovery key.
    ///
    /// # Errors
    /// [`BackupError::WrongKey`].
    pub fn open_with_recovery_key(&self, key: &RecoveryKey) -> Result<BackupOpener, BackupError> {
        if self.stretch.is_some() {
            return Err(BackupError::WrongKey);
        }
        self.open(key.as_bytes())
    }

    /// Begins to open a backup made under a passphrase.
    ///
    /// # Errors
    /// [`BackupError::WrongKey`].
    pub fn open_with_passphrase(&self, key: &StretchedKey) -> Result<BackupOpener, BackupError> {
        if self.stretch.as_ref() != Some(key.stretch()) {
            return Err(BackupError::WrongKey);
        }
        self.open(key.as_bytes())
    }

    fn open(&self, secret: &[u8; 32]) -> Result<BackupOpener, BackupError> {
        let (key, commit) = derive(self.stretch.as_ref(), &self.salt, secret);
        if !bool::from(commit.ct_eq(&self.commit)) {
            return Err(BackupError::WrongKey);
        }
        Ok(BackupOpener::new(ChunkCipher { cipher: Cipher::new(&key), head: self.to_bytes() }))
    }

    /// A fresh head and its cipher.
    pub(super) fn seal<R: CryptoRng + ?Sized>(
        stretch: Option<Stretch>,
        secret: &[u8; 32],
        rng: &mut R,
    ) -> ChunkCipher {
        let mut salt = [0; SALT];
        rng.fill_bytes(&mut salt);
        let (key, commit) = derive(stretch.as_ref(), &salt, secret);
        let head = Self { stretch, salt, commit: *commit };
        ChunkCipher { cipher: Cipher::new(&key), head: head.to_bytes() }
    }
}

impl core::fmt::Debug for BackupHead {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("BackupHead").field("stretch", &self.stretch).finish_non_exhaustive()
    }
}

/// Whether a backup can have this many chunks.
pub(super) fn is_size(chunks: u32) -> bool {
    (1..=MAX_CHUNKS).contains(&chunks) && padme(chunks) == chunks
}

fn prefix(stretch: Option<&Stretch>) -> [u8; PREFIX] {
    join(&[MAGIC, &[VERSION], &write_kdf(stretch)])
}

fn derive(
    stretch: Option<&Stretch>,
    salt: &[u8; SALT],
    secret: &[u8; 32],
) -> (Zeroizing<[u8; 32]>, Zeroizing<[u8; COMMIT]>) {
    split::<64, 32, COMMIT>(&hkdf(salt, &[secret], Purpose::BACKUP, &[&prefix(stretch)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aead::NONCE;
    use crate::backup::CHUNK;
    use crate::testing::collide;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// AES-GCM alone would open this chunk under both keys; the commitment in the head lets one of them pass.
    #[test]
    fn a_chunk_made_for_two_keys_opens_under_one_at_most() {
        let (first, second) = ([1; 32], [2; 32]);
        let salt = [3; SALT];
        let ((first_key, commit), (second_key, _)) =
            (derive(None, &salt, &first), derive(None, &salt, &second));
        let head = BackupHead { stretch: None, salt, commit: *commit };
        // Chunk 0 of several: its nonce is zero.
        let sealed = collide(&first_key, &second_key, &head.to_bytes(), CHUNK);
        for key in [&first_key, &second_key] {
            let (text, tag) = sealed.split_last_chunk().unwrap();
            assert!(Cipher::new(key).open(&[0; NONCE], &head.to_bytes(), &mut text.to_vec(), tag).is_ok());
        }
        assert!(head.open_with_recovery_key(&RecoveryKey::from_bytes(&first)).is_ok());
        let refused = head.open_with_recovery_key(&RecoveryKey::from_bytes(&second));
        assert_eq!(refused.err(), Some(BackupError::WrongKey));
    }
}
