//! What one pass of sealing uses up.

use super::{FileError, FileHeader, FileKey};
use crate::FileId;
use rand_core::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

/// Id, size and key of a file that is to be sealed: one pass over one file.
///
/// It is not `Clone`, its key is drawn with it and cannot be given to it, and [`FileSealer`](super::FileSealer) takes
/// it by value. So a key meets one pass, and a nonce one plaintext:
///
/// ```
/// # use sotto_crypto::file::{FileError, FilePass, FileSealer};
/// # fn seal(rng: &mut impl sotto_crypto::CryptoRng) -> Result<(), FileError> {
/// let pass = FilePass::generate(10, rng)?;
/// let mut sealer = FileSealer::start(pass);
/// # Ok(())
/// # }
/// ```
/// ```compile_fail,E0382
/// # use sotto_crypto::file::{FileError, FilePass, FileSealer};
/// # fn seal(rng: &mut impl sotto_crypto::CryptoRng) -> Result<(), FileError> {
/// let pass = FilePass::generate(10, rng)?;
/// let mut sealer = FileSealer::start(pass);
/// let mut again = FileSealer::start(pass); // used up
/// # Ok(())
/// # }
/// ```
/// ```compile_fail,E0599
/// # use sotto_crypto::file::{FileError, FilePass, FileSealer};
/// # fn seal(rng: &mut impl sotto_crypto::CryptoRng) -> Result<(), FileError> {
/// let pass = FilePass::generate(10, rng)?;
/// let mut sealer = FileSealer::start(pass.clone()); // no second one
/// # Ok(())
/// # }
/// ```
/// ```compile_fail,E0308
/// # use sotto_crypto::file::{FileHeader, FileKey, FileSealer};
/// # fn seal(header: FileHeader, key: FileKey) {
/// let mut sealer = FileSealer::start((header, key)); // a key from a manifest opens, it does not seal
/// # }
/// ```
/// A sealer cannot be copied either, nor set back:
///
/// ```compile_fail,E0599
/// # use sotto_crypto::file::{FileError, FilePass, FileSealer};
/// # fn seal(rng: &mut impl sotto_crypto::CryptoRng) -> Result<(), FileError> {
/// let sealer = FileSealer::start(FilePass::generate(10, rng)?);
/// let mut copy = sealer.clone();
/// # Ok(())
/// # }
/// ```
pub struct FilePass {
    pub(super) header: FileHeader,
    pub(super) key: FileKey,
}

impl FilePass {
    /// Length of the form in which a pass is handed from one thread to another.
    pub const LENGTH: usize = 56;

    /// A fresh id and key for a file of `size` bytes.
    ///
    /// # Errors
    /// [`FileError::TooLarge`] above [`super::MAX_SIZE`].
    pub fn generate<R: CryptoRng + ?Sized>(size: u64, rng: &mut R) -> Result<Self, FileError> {
        let header = FileHeader::new(size, FileId::generate(rng))?;
        Ok(Self { header, key: FileKey::generate(rng) })
    }

    /// Size and id.
    pub const fn header(&self) -> &FileHeader {
        &self.header
    }

    /// The key, for the manifest.
    pub fn key(&self) -> FileKey {
        FileKey(self.key.0)
    }

    /// Gives the pass away, to another thread of this program: `id 16 ‖ key 32 ‖ size u64`, wiped when dropped.
    pub fn hand_over(self) -> Zeroizing<[u8; Self::LENGTH]> {
        let mut bytes = Zeroizing::new([0; Self::LENGTH]);
        let (id, rest) = bytes.split_at_mut(16);
        let (key, size) = rest.split_at_mut(32);
        id.copy_from_slice(self.header.file_id.as_bytes());
        key.copy_from_slice(&self.key.0);
        size.copy_from_slice(&self.header.size.to_be_bytes());
        bytes
    }

    /// Takes the pass that was handed over out of these bytes, which are zeros from then on: it comes out once. Never
    /// store them.
    ///
    /// # Errors
    /// [`FileError::UsedUp`] if the key is zeros; [`FileError::TooLarge`] above [`super::MAX_SIZE`].
    pub fn take_over(bytes: &mut [u8; Self::LENGTH]) -> Result<Self, FileError> {
        let (id, rest) = bytes.split_first_chunk::<16>().ok_or(FileError::UsedUp)?;
        let (key, size) = rest.split_first_chunk::<32>().ok_or(FileError::UsedUp)?;
        let size = size.first_chunk::<8>().ok_or(FileError::UsedUp)?;
        let (id, key, size) = (FileId::from_bytes(*id), FileKey(*key), u64::from_be_bytes(*size));
        bytes.zeroize();
        if key.0 == [0; 32] {
            return Err(FileError::UsedUp);
        }
        Ok(Self { header: FileHeader::new(size, id)?, key })
    }
}

impl core::fmt::Debug for FilePass {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("FilePass").field("header", &self.header).finish_non_exhaustive()
    }
}
