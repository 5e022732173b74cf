//! What an invite link's secret gives: names, keys and the two boxes stored under the invite.
//!
//! `HKDF(salt = empty, ikm = s, info = label)` under five labels gives `invite_id` (16 bytes), `invite_enc`,
//! `invite_name`, `invite_psk` and `invite_tag` (32 bytes each).
//!
//! A box is `nonce 12 ‖ AES-256-GCM(length u16 ‖ content ‖ zeros) ‖ tag 16` of one fixed size, AAD = `invite_id`.

use crate::InviteId;
use crate::aead::{Cipher, NONCE, TAG};
use crate::bytes::Reader;
use crate::envelope::TagKey;
use crate::kdf::hkdf;
use crate::label::Purpose;
use crate::secret::secrets;
use rand_core::CryptoRng;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Size of the sealed name card in bytes.
pub const NAME_BOX: usize = 256;
/// Size of the sealed bundle box in bytes.
pub const BUNDLE_BOX: usize = 4096;
/// Bytes of a box that are not content.
pub const BOX_OVERHEAD: usize = NONCE + 2 + TAG;

/// Why a box could not be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InviteError {
    /// The content does not fit the fixed size of the box.
    #[error("content too long for the invite's box")]
    TooLong,
    /// The box has another size, or its inside is not as sealing makes it.
    #[error("malformed invite box")]
    Malformed,
    /// The box was altered, or belongs to another link.
    #[error("invite box does not belong to this link")]
    BadTag,
}

secrets! {
    /// The secret `s` of an invite link; it lives in the URL fragment only.
    InviteSecret;
}

impl InviteSecret {
    fn derive<const N: usize>(&self, purpose: Purpose) -> Zeroizing<[u8; N]> {
        hkdf(&[], &[&self.0], purpose, &[])
    }

    /// The name under which the server keeps the boxes.
    pub fn id(&self) -> InviteId {
        InviteId::from_bytes(*self.derive(Purpose::INVITE_ID))
    }

    /// Invite id and pre-shared key for X3DH.
    pub fn credential(&self) -> InviteCredential {
        InviteCredential { id: self.id(), psk: *self.derive(Purpose::INVITE_PSK) }
    }

    /// The key of the sender tag on first messages that answer this invite.
    pub fn tag_key(&self) -> TagKey {
        TagKey::from_bytes(&self.derive(Purpose::INVITE_TAG))
    }

    /// Seals the name shown on the card into [`NAME_BOX`] bytes.
    ///
    /// # Errors
    /// [`InviteError::TooLong`] above `NAME_BOX - BOX_OVERHEAD` bytes.
    pub fn seal_name<R: CryptoRng + ?Sized>(&self, name: &[u8], rng: &mut R) -> Result<Vec<u8>, InviteError> {
        self.seal(Purpose::INVITE_NAME, NAME_BOX, name, rng)
    }

    /// Opens the name card.
    ///
    /// # Errors
    /// [`InviteError::Malformed`] or [`InviteError::BadTag`].
    pub fn open_name(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, InviteError> {
        self.open(Purpose::INVITE_NAME, NAME_BOX, sealed)
    }

    /// Seals device list, bundle, one-time prekey, mailbox and token into [`BUNDLE_BOX`] bytes.
    ///
    /// # Errors
    /// [`InviteError::TooLong`] above `BUNDLE_BOX - BOX_OVERHEAD` bytes.
    pub fn seal_bundle<R: CryptoRng + ?Sized>(
        &self,
        bundle: &[u8],
        rng: &mut R,
    ) -> Result<Vec<u8>, InviteError> {
        self.seal(Purpose::INVITE_ENC, BUNDLE_BOX, bundle, rng)
    }

    /// Opens the bundle box.
    ///
    /// # Errors
    /// [`InviteError::Malformed`] or [`InviteError::BadTag`].
    pub fn open_bundle(&self, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, InviteError> {
        self.open(Purpose::INVITE_ENC, BUNDLE_BOX, sealed)
    }

    fn seal<R: CryptoRng + ?Sized>(
        &self,
        purpose: Purpose,
        size: usize,
        content: &[u8],
        rng: &mut R,
    ) -> Result<Vec<u8>, InviteError> {
        if content.len() > size - BOX_OVERHEAD {
            return Err(InviteError::TooLong);
        }
        let length = u16::try_from(content.len()).map_err(|_| InviteError::TooLong)?;
        let mut text = Zeroizing::new(Vec::with_capacity(size));
        text.extend_from_slice(&length.to_be_bytes());
        text.extend_from_slice(content);
        text.resize(size - NONCE - TAG, 0);
        let mut nonce = [0; NONCE];
        rng.fill_bytes(&mut nonce);
        let tag = Cipher::new(&self.derive(purpose)).seal(&nonce, self.id().as_bytes(), &mut text);
        Ok([&nonce[..], &text, &tag].concat())
    }

    fn open(&self, purpose: Purpose, size: usize, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, InviteError> {
        if sealed.len() != size {
            return Err(InviteError::Malformed);
        }
        let (nonce, rest) = sealed.split_first_chunk::<NONCE>().ok_or(InviteError::Malformed)?;
        let (text, tag) = rest.split_last_chunk::<TAG>().ok_or(InviteError::Malformed)?;
        let mut text = Zeroizing::new(text.to_vec());
        Cipher::new(&self.derive(purpose))
            .open(nonce, self.id().as_bytes(), &mut text, tag)
            .map_err(|_| InviteError::BadTag)?;
        unpad(&text).map(|content| Zeroizing::new(content.to_vec())).ok_or(InviteError::Malformed)
    }
}

/// The content before zero padding; `None` if the length lies or the padding is not zero.
fn unpad(text: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(text);
    let length = reader.u16()?;
    let content = reader.slice(length.into())?;
    reader.rest().iter().all(|byte| *byte == 0).then_some(content)
}

/// Invite id and pre-shared key: what X3DH needs of an invite.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct InviteCredential {
    #[zeroize(skip)]
    id: InviteId,
    psk: [u8; 32],
}

impl InviteCredential {
    /// The invite's id.
    pub const fn id(&self) -> InviteId {
        self.id
    }

    pub(crate) fn psk(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.psk)
    }
}

impl core::fmt::Debug for InviteCredential {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("InviteCredential").field("id", &self.id).finish_non_exhaustive()
    }
}
