//! AES-256-GCM (SP 800-38D) in place, with 96-bit nonces and 128-bit tags.

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit};

/// The ciphertext was altered, or key, nonce or associated data differ from those it was sealed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadTag;

pub(crate) const TAG: usize = 16;
pub(crate) const NONCE: usize = 12;

/// A keyed cipher. Its key schedule is wiped on drop.
pub(crate) struct Cipher(Aes256Gcm);

impl Cipher {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    /// Encrypts in place. The caller sees to it that a nonce never meets two plaintexts under one key.
    #[expect(
        clippy::expect_used,
        reason = "GCM refuses above 64 GiB only; every caller is bounded by 64 KiB or memory"
    )]
    pub(crate) fn seal(&self, nonce: &[u8; NONCE], associated: &[u8], text: &mut [u8]) -> [u8; TAG] {
        let tag = self.0.encrypt_inout_detached(nonce.into(), associated, InOutBuf::from(text));
        tag.expect("shorter than 64 GiB").into()
    }

    /// Decrypts in place; on failure `text` is left as it was.
    pub(crate) fn open(
        &self,
        nonce: &[u8; NONCE],
        associated: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG],
    ) -> Result<(), BadTag> {
        self.0
            .decrypt_inout_detached(nonce.into(), associated, InOutBuf::from(text), tag.into())
            .map_err(|_| BadTag)
    }
}
