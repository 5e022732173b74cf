//! P-256 points and key pairs, parsed more strictly than the curve library does.

use core::fmt;
use p256::elliptic_curve::Generate;
use p256::elliptic_curve::sec1::ToSec1Point;
use rand_core::CryptoRng;
use zeroize::Zeroizing;

/// Why a key was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not 33 bytes beginning with 02 or 03 that name a point on P-256.
    #[error("not a compressed P-256 point")]
    BadPoint,
    /// Zero, or not below the order of the curve.
    #[error("not a P-256 secret scalar")]
    BadSecret,
}

/// A point of P-256 other than the identity, together with its 33-byte form (SEC 1 §2.3.3, compressed).
#[derive(Clone, Copy)]
pub(crate) struct Point {
    key: p256::PublicKey,
    bytes: [u8; 33],
}

impl Point {
    /// Length of a compressed point.
    pub(crate) const LENGTH: usize = 33;

    /// Accepts first byte 02 or 03 only; the library would also take 05 (compact).
    pub(crate) fn from_bytes(bytes: &[u8; 33]) -> Result<Self, KeyError> {
        let [2 | 3, ..] = bytes else { return Err(KeyError::BadPoint) };
        let key = p256::PublicKey::from_sec1_bytes(bytes).map_err(|_| KeyError::BadPoint)?;
        Ok(Self { key, bytes: *bytes })
    }

    fn from_key(key: p256::PublicKey) -> Self {
        let bytes = crate::bytes::join(&[key.to_sec1_point(true).as_bytes()]);
        Self { key, bytes }
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; 33] {
        &self.bytes
    }

    pub(crate) const fn key(&self) -> &p256::PublicKey {
        &self.key
    }
}

impl PartialEq for Point {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Point {}

impl fmt::Debug for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [tag, first, second, ..] = self.bytes;
        write!(f, "{tag:02x}{first:02x}{second:02x}…")
    }
}

/// A secret scalar and its point. The scalar is wiped on drop.
pub(crate) struct KeyPair {
    secret: p256::SecretKey,
    public: Point,
}

impl KeyPair {
    pub(crate) fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        Self::from_secret(p256::SecretKey::generate_from_rng(rng))
    }

    pub(crate) fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        p256::SecretKey::from_slice(bytes).map(Self::from_secret).map_err(|_| KeyError::BadSecret)
    }

    fn from_secret(secret: p256::SecretKey) -> Self {
        let public = Point::from_key(secret.public_key());
        Self { secret, public }
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.secret.to_bytes().into())
    }

    /// A second copy, for the ratchet, whose first key is a prekey that others may still need.
    pub(crate) fn duplicate(&self) -> Self {
        Self { secret: self.secret.clone(), public: self.public }
    }

    pub(crate) const fn public(&self) -> &Point {
        &self.public
    }

    pub(crate) const fn secret(&self) -> &p256::SecretKey {
        &self.secret
    }

    /// ECDH (SP 800-56A §5.7.1.2): the x-coordinate of the shared point. It cannot be the identity, because the
    /// group has prime order, the scalar is not zero and the point is on the curve.
    pub(crate) fn agree(&self, theirs: &Point) -> Zeroizing<[u8; 32]> {
        let shared = self.secret.diffie_hellman(&theirs.key);
        Zeroizing::new((*shared.raw_secret_bytes()).into())
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").field("public", &self.public).finish_non_exhaustive()
    }
}
