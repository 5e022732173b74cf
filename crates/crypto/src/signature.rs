//! ECDSA over P-256 with SHA-256 (FIPS 186-5): 64-byte `r ‖ s`, low s only, hedged nonces.
//!
//! What is signed is always `label(type) ‖ exact bytes`. A signature never identifies anything: it is not unique.

use crate::label::Purpose;
use crate::point::{KeyPair, Point};
use p256::ecdsa;
use p256::ecdsa::signature::{MultipartVerifier, RandomizedMultipartSigner};
use rand_core::CryptoRng;

/// Why a signature was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// `r` or `s` is zero or not below the order of the curve.
    #[error("signature out of range")]
    OutOfRange,
    /// `s` is in the upper half of the range: somebody altered a valid signature.
    #[error("signature with high s")]
    HighS,
    /// The signature does not belong to these bytes, this type and this key.
    #[error("signature does not verify")]
    Invalid,
}

/// A well-formed signature: `r` and `s` in range and `s` low. Nothing is known yet about whom it belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(ecdsa::Signature);

impl Signature {
    /// Length of a signature in bytes.
    pub const LENGTH: usize = 64;

    /// Parses `r ‖ s`.
    pub fn from_bytes(bytes: &[u8; 64]) -> Result<Self, SignatureError> {
        let signature = ecdsa::Signature::from_slice(bytes).map_err(|_| SignatureError::OutOfRange)?;
        if signature.normalize_s() != signature {
            return Err(SignatureError::HighS);
        }
        Ok(Self(signature))
    }

    /// `r ‖ s`.
    pub fn to_bytes(&self) -> [u8; 64] {
        self.0.to_bytes().into()
    }
}

impl core::fmt::Debug for Signature {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Signature(..)")
    }
}

/// Signs `label(purpose) ‖ bytes`; the nonce is that of RFC 6979 §3.6 with 32 random bytes mixed in, so that
/// neither a bad generator nor a fault alone reveals the key.
pub(crate) fn sign<R: CryptoRng + ?Sized>(
    pair: &KeyPair,
    purpose: Purpose,
    bytes: &[u8],
    rng: &mut R,
) -> Signature {
    let key = ecdsa::SigningKey::from(pair.secret());
    let signature: ecdsa::Signature = key.multipart_sign_with_rng(rng, &[&purpose.label(&[]), bytes]);
    Signature(signature.normalize_s())
}

/// Verifies a signature over `label(purpose) ‖ bytes`.
pub(crate) fn verify(
    point: &Point,
    purpose: Purpose,
    bytes: &[u8],
    signature: &Signature,
) -> Result<(), SignatureError> {
    verify_parts(point, &[&purpose.label(&[]), bytes], signature)
}

pub(crate) fn verify_parts(
    point: &Point,
    parts: &[&[u8]],
    signature: &Signature,
) -> Result<(), SignatureError> {
    ecdsa::VerifyingKey::from(point.key())
        .multipart_verify(parts, &signature.0)
        .map_err(|_| SignatureError::Invalid)
}
