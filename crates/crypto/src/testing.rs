//! What tests of several modules need: a ciphertext that AES-GCM opens under two keys.

use crate::aead::{Cipher, NONCE, TAG};

/// A ciphertext of at least one block and its tag, which verify under both keys, with a zero nonce.
///
/// GHASH is linear in each block of the ciphertext, so the first one can be chosen to make both tags equal (Dodis,
/// Grubbs, Ristenpart, Woodage 2018, §3).
pub(crate) fn collide(first: &[u8; 32], second: &[u8; 32], associated: &[u8], length: usize) -> Vec<u8> {
    let tag = |key: &[u8; 32], block: u128| {
        let mut ciphertext = vec![0; length];
        ciphertext[..16].copy_from_slice(&block.to_be_bytes());
        u128::from_be_bytes(tag_of(&Cipher::new(key), associated, &ciphertext))
    };
    // What the first block is multiplied with: the difference that one (the bit x⁰ comes first) makes.
    let power = |key| tag(key, 0) ^ tag(key, 1 << 127);
    let block = times(tag(first, 0) ^ tag(second, 0), inverse(power(first) ^ power(second)));
    assert_eq!(tag(first, block), tag(second, block));
    let mut sealed = vec![0; length];
    sealed[..16].copy_from_slice(&block.to_be_bytes());
    sealed.extend(tag(first, block).to_be_bytes());
    sealed
}

/// The tag of a given ciphertext: that of the plaintext which gives it.
fn tag_of(cipher: &Cipher, associated: &[u8], ciphertext: &[u8]) -> [u8; TAG] {
    let mut text = vec![0; ciphertext.len()];
    cipher.seal(&[0; NONCE], &[], &mut text);
    for (byte, wanted) in text.iter_mut().zip(ciphertext) {
        *byte ^= wanted;
    }
    let tag = cipher.seal(&[0; NONCE], associated, &mut text);
    assert_eq!(text, ciphertext);
    tag
}

/// Multiplication in GCM's field (SP 800-38D §6.3).
fn times(left: u128, right: u128) -> u128 {
    let mut sum = 0;
    let mut power = right;
    for bit in (0..128).rev() {
        if left >> bit & 1 == 1 {
            sum ^= power;
        }
        power = (power >> 1) ^ if power & 1 == 1 { 0xe1 << 120 } else { 0 };
    }
    sum
}

/// `value^(2¹²⁸ − 2)`.
fn inverse(value: u128) -> u128 {
    let mut power = value;
    let mut product = 1 << 127;
    for _ in 1..128 {
        power = times(power, power);
        product = times(product, power);
    }
    assert_eq!(times(product, value), 1 << 127);
    product
}
