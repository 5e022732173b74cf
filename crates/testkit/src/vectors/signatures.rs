//! Signatures: made, and each form that is refused.

use sotto_crypto::keys::{AccountKey, DeviceSigningKey};
use sotto_crypto::{Signature, SignatureError};

use super::form::{Case, Cases, Structure, hex, unhex};
use super::points::ORDER;

pub(super) const SIGNATURES: Structure = Structure {
    name: "signatures",
    sections: "1.1, 1.3",
    about: "ECDSA over label(type) ‖ bytes. The one draw of a case is the 32 random bytes of RFC 6979 §3.6, appended \
            after bits2octets(h1) in steps d and f; with them the signature can be made again bit by bit.",
    fill,
};

fn fill(cases: &mut Cases) {
    cases.case("device list", |case| {
        let key = AccountKey::generate(case.random(["private"]));
        let signature = key.sign_device_list(b"device list", case.random(["hedge"]));
        tell(
            case,
            key.to_bytes().as_slice(),
            key.public().as_bytes(),
            "device-list",
            b"device list",
            &signature.to_bytes(),
        );
        case.expect("signature", hex(signature.to_bytes()));
    });
    // Several, so that some of them had a high s before it was made low.
    for number in 1..=6_u8 {
        cases.case(&format!("bundle {number}"), |case| {
            let (key, signature) = signed(case, &[number]);
            tell(case, key.to_bytes().as_slice(), key.public().as_bytes(), "bundle", &[number], &signature);
            case.expect("signature", hex(signature));
        });
    }
    cases.case("of no bytes", |case| {
        let (key, signature) = signed(case, &[]);
        tell(case, key.to_bytes().as_slice(), key.public().as_bytes(), "bundle", &[], &signature);
        case.expect("signature", hex(signature));
    });
    refused(cases);
}

fn signed(case: &mut Case, bytes: &[u8]) -> (DeviceSigningKey, [u8; 64]) {
    let key = DeviceSigningKey::generate(case.random(["private"]));
    let signature = key.sign_bundle(bytes, case.random(["hedge"])).to_bytes();
    (key, signature)
}

fn tell(
    case: &mut Case,
    private: &[u8],
    public: &[u8; 33],
    purpose: &str,
    bytes: &[u8],
    signature: &[u8; 64],
) {
    case.given("private", hex(private));
    case.given("public", hex(public));
    case.given("type", purpose);
    case.given("bytes", hex(bytes));
    case.given("signature", hex(signature));
}

fn refused(cases: &mut Cases) {
    let half = |signature: &[u8; 64], high: bool, with: &str| -> [u8; 64] {
        let mut altered = *signature;
        let place = if high { 0..32 } else { 32..64 };
        altered[place].copy_from_slice(&unhex(with));
        altered
    };
    let zero = "00".repeat(32);
    for (name, high, with) in [
        ("r is zero", true, zero.as_str()),
        ("s is zero", false, &zero),
        ("r is the order", true, ORDER),
        ("s is the order", false, ORDER),
    ] {
        case(cases, name, "out-of-range", |signature| half(signature, high, with));
    }
    case(cases, "high s of a valid signature", "high-s", with_high_s);
    case(cases, "r of another signature", "invalid", |signature| half(signature, true, &hex([7; 32])));
    case(cases, "one bit of s", "invalid", |signature| {
        let mut altered = *signature;
        altered[63] ^= 1;
        altered
    });
    cases.case("of another type", |case| {
        let key = DeviceSigningKey::generate(case.random(["private"]));
        let signature = key.sign_challenge(b"bytes", case.random(["hedge"]));
        tell(
            case,
            key.to_bytes().as_slice(),
            key.public().as_bytes(),
            "bundle",
            b"bytes",
            &signature.to_bytes(),
        );
        case.refused("invalid", key.public().verify_bundle(b"bytes", &signature));
    });
    cases.case("by another key", |case| {
        let (_, signature) = signed(case, b"bytes");
        let key = DeviceSigningKey::generate(case.random(["another private"]));
        tell(case, key.to_bytes().as_slice(), key.public().as_bytes(), "bundle", b"bytes", &signature);
        let signature = Signature::from_bytes(&signature).expect("well-formed");
        case.refused("invalid", key.public().verify_bundle(b"bytes", &signature));
    });
    cases.case("of other bytes", |case| {
        let (key, signature) = signed(case, b"bytes");
        tell(case, key.to_bytes().as_slice(), key.public().as_bytes(), "bundle", b"bytez", &signature);
        let signature = Signature::from_bytes(&signature).expect("well-formed");
        case.refused("invalid", key.public().verify_bundle(b"bytez", &signature));
    });
}

fn case(cases: &mut Cases, name: &str, rule: &'static str, alter: impl Fn(&[u8; 64]) -> [u8; 64]) {
    cases.case(name, |case| {
        let (key, signature) = signed(case, b"bytes");
        let altered = alter(&signature);
        tell(case, key.to_bytes().as_slice(), key.public().as_bytes(), "bundle", b"bytes", &altered);
        let verified: Result<(), SignatureError> = Signature::from_bytes(&altered)
            .and_then(|signature| key.public().verify_bundle(b"bytes", &signature));
        case.refused(rule, verified);
    });
}

/// The other signature that everybody can make of a valid one: `order - s`.
pub(super) fn with_high_s(signature: &[u8; 64]) -> [u8; 64] {
    let mut altered = *signature;
    altered[32..].copy_from_slice(&minus(&unhex(ORDER), &signature[32..]));
    altered
}

/// `left - right` of two big-endian numbers of 32 bytes, the left one the greater.
fn minus(left: &[u8], right: &[u8]) -> [u8; 32] {
    let mut difference = [0; 32];
    let mut borrow = 0;
    for place in (0..32).rev() {
        let value = i32::from(left[place]) - i32::from(right[place]) - borrow;
        borrow = i32::from(value < 0);
        difference[place] = u8::try_from(value.rem_euclid(256)).expect("a byte");
    }
    difference
}
