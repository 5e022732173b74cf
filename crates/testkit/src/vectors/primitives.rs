//! The primitives of `docs/protocol.md` 1.1 and 1.2 straight from their libraries. The vectors tell secrets that
//! `sotto-crypto` keeps to itself; they are computed here, and each case proves them by what they open.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use p256::elliptic_curve::sec1::ToSec1Point;
use sha2::{Digest, Sha256};

/// `SHA-256` of the joined parts.
#[must_use]
pub fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    Sha256::digest(parts.concat()).into()
}

/// `label(purpose, context)`.
#[must_use]
pub fn label(purpose: &str, context: &[&[u8]]) -> Vec<u8> {
    [b"sotto/v1/", purpose.as_bytes(), &[0], &context.concat()].concat()
}

/// `H(purpose, data)`.
#[must_use]
pub fn hash(purpose: &str, data: &[&[u8]]) -> [u8; 32] {
    sha256(&[&label(purpose, &[]), &data.concat()])
}

/// `HKDF(salt, ikm, label(purpose, context), N)`.
#[must_use]
pub fn hkdf<const N: usize>(salt: &[u8], ikm: &[u8], purpose: &str, context: &[&[u8]]) -> [u8; N] {
    let mut output = [0; N];
    Hkdf::<Sha256>::new(Some(salt), ikm).expand(&label(purpose, context), &mut output).expect("few blocks");
    output
}

/// `HMAC(key, data)`.
#[must_use]
pub fn hmac(key: &[u8], data: &[&[u8]]) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("keys of any length");
    mac.chain_update(data.concat()).finalize().into_bytes().into()
}

/// Opens `ciphertext ‖ tag` by AES-256-GCM.
///
/// # Panics
/// When it does not open.
#[must_use]
pub fn open(key: &[u8], nonce: &[u8], sealed: &[u8], aad: &[u8]) -> Vec<u8> {
    let nonce: [u8; 12] = nonce.try_into().expect("12 bytes");
    let cipher = Aes256Gcm::new_from_slice(key).expect("32 bytes");
    cipher.decrypt(&nonce.into(), Payload { msg: sealed, aad }).expect("opens")
}

/// `ECDH(private, public)`.
///
/// # Panics
/// When one of the two is none.
#[must_use]
pub fn ecdh(private: &[u8], public: &[u8]) -> [u8; 32] {
    let private = p256::SecretKey::from_slice(private).expect("a scalar");
    let public = p256::PublicKey::from_sec1_bytes(public).expect("a point");
    (*private.diffie_hellman(&public).raw_secret_bytes()).into()
}

/// The 33-byte point of a private scalar.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn public(private: &[u8]) -> [u8; 33] {
    let private = p256::SecretKey::from_slice(private).expect("a scalar");
    private.public_key().to_sec1_point(true).as_bytes().try_into().expect("33 bytes")
}

/// The three keys of a root step (6.1): RK′, CK, XK.
#[must_use]
pub fn root_step(root: &[u8; 32], shared: &[u8; 32]) -> [[u8; 32]; 3] {
    let keys = hkdf::<96>(root, shared, "ratchet-root", &[]);
    [0, 32, 64].map(|at| keys[at..at + 32].try_into().expect("32 bytes"))
}
