//! RFC 5869 appendix A (HKDF-SHA-256), RFC 4231 (HMAC-SHA-256), RFC 6979 A.2.5 (ECDSA P-256), RFC 9106 §5.3
//! (Argon2id).

use crate::kdf::{expand, hmac};
use crate::point::{KeyPair, Point};
use crate::signature::{Signature, SignatureError, verify_parts};
use hex_literal::hex;
use p256::ecdsa::signature::MultipartSigner;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn hkdf(ikm: &[u8], salt: &[u8], info: &[u8], okm: &[u8]) {
    let mut output = vec![0; okm.len()];
    expand(salt, &[ikm], info, &mut output);
    assert_eq!(output, okm);
    let (first, second) = ikm.split_at(ikm.len() / 2);
    expand(salt, &[first, second], info, &mut output);
    assert_eq!(output, okm, "the parts of the key material are joined");
}

#[test]
fn rfc_5869_a1_to_a3() {
    hkdf(
        &[0x0b; 22],
        &hex!("000102030405060708090a0b0c"),
        &hex!("f0f1f2f3f4f5f6f7f8f9"),
        &hex!("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"),
    );
    let bytes = |from: u8, to: u8| (from..=to).collect::<Vec<u8>>();
    hkdf(
        &bytes(0x00, 0x4f),
        &bytes(0x60, 0xaf),
        &bytes(0xb0, 0xff),
        &hex!(
            "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
            "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87"
        ),
    );
    hkdf(
        &[0x0b; 22],
        &[],
        &[],
        &hex!("8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"),
    );
}

#[test]
fn rfc_4231_case_2() {
    let tag = hex!("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_eq!(*hmac(b"Jefe", &[b"what do ya want ", b"for nothing?"]), tag);
}

/// The nonce of RFC 6979 §3.2 itself, under ours with its random bytes: the library's signing without them gives the
/// appendix's signatures, the one of "sample" turned to its low form.
#[test]
fn rfc_6979_a25_signing() {
    let pair = KeyPair::from_bytes(&hex!("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"))
        .unwrap();
    let key = p256::ecdsa::SigningKey::from(pair.secret());
    let sign = |parts: &[&[u8]]| -> [u8; 64] {
        let signature: p256::ecdsa::Signature = key.multipart_sign(parts);
        signature.to_bytes().into()
    };
    let r = hex!("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716");
    let high = hex!("f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8");
    let sample = p256::ecdsa::Signature::from_scalars(r, high).unwrap().normalize_s();
    let of_sample = sign(&[b"sam", b"ple"]);
    let of_sample = p256::ecdsa::Signature::from_slice(&of_sample).unwrap().normalize_s();
    assert_eq!(of_sample, sample);
    let test = hex!(
        "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
        "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"
    );
    assert_eq!(sign(&[b"test"]), test);
}

/// The signature of "sample" has a high s and the one of "test" a low one: ours accepts exactly the low form.
#[test]
fn rfc_6979_a25() {
    let pair = KeyPair::from_bytes(&hex!("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"))
        .unwrap();
    let expected =
        Point::from_bytes(&hex!("0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"))
            .unwrap();
    assert_eq!(*pair.public(), expected);

    let sample = hex!(
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    );
    let test = hex!(
        "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
        "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"
    );
    assert_eq!(Signature::from_bytes(&sample), Err(SignatureError::HighS));
    let low = p256::ecdsa::Signature::from_slice(&sample).unwrap().normalize_s();
    let low = Signature::from_bytes(&low.to_bytes().into()).unwrap();
    assert_eq!(verify_parts(pair.public(), &[b"sam", b"ple"], &low), Ok(()));
    let test = Signature::from_bytes(&test).unwrap();
    assert_eq!(verify_parts(pair.public(), &[b"test"], &test), Ok(()));
    assert_eq!(verify_parts(pair.public(), &[b"sample"], &test), Err(SignatureError::Invalid));
}

/// Four lanes, secret and associated data: none of which ours uses. Our own costs are compared with another
/// implementation in `tests/it/passphrase.rs`.
#[test]
fn rfc_9106_argon2id() {
    use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
    let parameters = ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(AssociatedData::new(&[4; 12]).unwrap())
        .output_len(32)
        .build()
        .unwrap();
    let argon2 = Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, parameters).unwrap();
    let mut tag = [0; 32];
    argon2.hash_password_into(&[1; 32], &[2; 16], &mut tag).unwrap();
    assert_eq!(tag, hex!("0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"));
}
