//! HKDF-SHA-256 (RFC 5869) and HMAC-SHA-256 (RFC 2104) as the protocol uses them.

use crate::label::Purpose;
use hkdf::HkdfExtract;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// HKDF with `info = label(purpose, context)`. `ikm` is the joined parts.
pub(crate) fn hkdf<const N: usize>(
    salt: &[u8],
    ikm: &[&[u8]],
    purpose: Purpose,
    context: &[&[u8]],
) -> Zeroizing<[u8; N]> {
    const { assert!(N <= 255 * 32, "RFC 5869 gives at most 255 blocks") };
    let mut output = Zeroizing::new([0; N]);
    expand(salt, ikm, &purpose.label(context), output.as_mut_slice());
    output
}

#[expect(clippy::expect_used, reason = "expansion fails above 255 blocks only, which callers cannot ask for")]
pub(crate) fn expand(salt: &[u8], ikm: &[&[u8]], info: &[u8], output: &mut [u8]) {
    let mut extract = HkdfExtract::<Sha256>::new(Some(salt));
    for part in ikm {
        extract.input_ikm(part);
    }
    extract.finalize().1.expand(info, output).expect("at most 255 blocks");
}

/// `HMAC-SHA-256(key, parts joined)`.
#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
pub(crate) fn hmac(key: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// Splits derived material into its first `A` bytes and the `B` that follow.
pub(crate) fn split<const N: usize, const A: usize, const B: usize>(
    material: &[u8; N],
) -> (Zeroizing<[u8; A]>, Zeroizing<[u8; B]>) {
    const { assert!(A + B == N, "the parts are the whole") };
    let mut first = Zeroizing::new([0; A]);
    let mut second = Zeroizing::new([0; B]);
    for (to, from) in first.iter_mut().chain(second.iter_mut()).zip(material) {
        *to = *from;
    }
    (first, second)
}
