//! Records: a subkey per store, every record bound to its place.
//!
//! ```text
//! record = version 1 ‖ nonce 12 (random) ‖ AES-256-GCM ciphertext ‖ tag 16
//! key    = HKDF(salt = empty, ikm = vault key, info = label ‖ store)
//! AAD    = store, key, schema u32, revision u64, each preceded by its length as u32
//! ```
//! Random nonces allow 2³² records under one subkey before a collision becomes likelier than 2⁻³²
//! (SP 800-38D §8.3).

use crate::aead::{Cipher, NONCE, TAG};
use crate::id::truncate;
use crate::kdf::hmac;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// Bytes a sealed record is longer than its content.
pub const RECORD_OVERHEAD: usize = 1 + NONCE + TAG;

const VERSION: u8 = 1;

/// Why a record was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// Too short, or of a version this program does not know.
    #[error("malformed vault record")]
    Malformed,
    /// Altered, moved from another place, of another revision, or of another vault.
    #[error("vault record does not open")]
    BadTag,
}

/// The place of a record within its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordPlace<'a> {
    /// The record's key.
    pub key: &'a [u8],
    /// Version of the content's format.
    pub schema: u32,
    /// Rises with every write of this key, where the caller keeps it; otherwise 0.
    pub revision: u64,
}

/// Seals and opens the records of one store.
pub struct StoreCipher {
    store: String,
    cipher: Cipher,
    names: Zeroizing<[u8; 32]>,
}

impl StoreCipher {
    pub(super) fn new(store: &str, key: &[u8; 32], names: Zeroizing<[u8; 32]>) -> Self {
        Self { store: store.to_owned(), cipher: Cipher::new(key), names }
    }

    /// Seals a record for its place.
    pub fn seal<R: CryptoRng + ?Sized>(
        &self,
        place: &RecordPlace<'_>,
        content: &[u8],
        rng: &mut R,
    ) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        rng.fill_bytes(&mut nonce);
        let mut text = Zeroizing::new(content.to_vec());
        let tag = self.cipher.seal(&nonce, &self.associated(place), &mut text);
        [&[VERSION], nonce.as_slice(), &text, &tag].concat()
    }

    /// Opens a record read from this place.
    ///
    /// # Errors
    /// [`VaultError::Malformed`] or [`VaultError::BadTag`].
    pub fn open(&self, place: &RecordPlace<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let [VERSION, rest @ ..] = sealed else { return Err(VaultError::Malformed) };
        let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(VaultError::Malformed)?;
        let (text, tag) = rest.split_last_chunk::<TAG>().ok_or(VaultError::Malformed)?;
        let mut text = Zeroizing::new(text.to_vec());
        self.cipher.open(nonce, &self.associated(place), &mut text, tag).map_err(|_| VaultError::BadTag)?;
        Ok(text)
    }

    /// A name for a record under which storage may file it without learning its key: `HMAC(names key, key)[..16]`.
    pub fn name(&self, key: &[u8]) -> [u8; 16] {
        truncate(*hmac(self.names.as_slice(), &[key]))
    }

    fn associated(&self, place: &RecordPlace<'_>) -> Vec<u8> {
        let parts: [&[u8]; 4] =
            [self.store.as_bytes(), place.key, &place.schema.to_be_bytes(), &place.revision.to_be_bytes()];
        let mut associated = Vec::new();
        for part in parts {
            // Keys are short; a saturated length would still be an injective encoding of everything shorter.
            associated.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            associated.extend_from_slice(part);
        }
        associated
    }
}

impl core::fmt::Debug for StoreCipher {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("StoreCipher").field("store", &self.store).finish_non_exhaustive()
    }
}
