//! Points and private scalars: what is one and each form that is refused.

use p256::elliptic_curve::sec1::ToSec1Point;
use sotto_crypto::keys::{DeviceIdentityKey, DeviceIdentityPublic, KeyError};

use super::form::{Cases, Structure, hex};

pub(super) const POINTS: Structure = Structure {
    name: "points",
    sections: "1.3, 1.1",
    about: "Private scalars with their points and ECDH between two pairs; strings of bytes that are no point or no \
            scalar. A string of another length than 33 (32) is refused by whatever reads it, as malformed.",
    fill,
};

/// The order of the group.
pub(super) const ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
/// The prime of the field.
const PRIME: &str = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";

fn point(bytes: &[u8]) -> Result<DeviceIdentityPublic, KeyError> {
    bytes.try_into().map_err(|_| KeyError::BadPoint).and_then(DeviceIdentityPublic::from_bytes)
}

fn fill(cases: &mut Cases) {
    for number in 1..=4 {
        cases.case(&format!("agreement {number}"), |case| {
            let ours = DeviceIdentityKey::generate(case.random(["private"]));
            let theirs = DeviceIdentityKey::generate(case.random(["their private"]));
            let shared = super::primitives::ecdh(ours.to_bytes().as_slice(), theirs.public().as_bytes());
            let again = super::primitives::ecdh(theirs.to_bytes().as_slice(), ours.public().as_bytes());
            assert_eq!(shared, again);
            case.given("private", hex(ours.to_bytes().as_slice()));
            case.given("their_private", hex(theirs.to_bytes().as_slice()));
            case.expect("public", hex(ours.public().as_bytes()));
            case.expect("their_public", hex(theirs.public().as_bytes()));
            case.expect("ECDH", hex(shared));
        });
    }
    for (name, scalar, public) in [
        ("scalar 1", one(), Some("036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296")),
        (
            "scalar order minus 1",
            order(-1),
            Some("026b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
        ),
        ("scalar 0", [0; 32], None),
        ("scalar order", order(0), None),
        ("scalar order plus 1", order(1), None),
        ("scalar all ones", [0xff; 32], None),
    ] {
        cases.case(name, |case| {
            case.given("private", hex(scalar));
            let key = DeviceIdentityKey::from_bytes(&scalar);
            match public {
                Some(public) => {
                    assert_eq!(hex(key.expect("a scalar").public().as_bytes()), public);
                    case.expect("public", public);
                }
                None => case.refused("bad-secret", key),
            }
        });
    }
    cases.case("both signs of one x", |case| {
        let key = DeviceIdentityKey::generate(case.random(["private"]));
        let mut other = *key.public().as_bytes();
        other[0] ^= 1;
        case.given("point", hex(other));
        point(&other).expect("the negative is a point");
        case.expect("uncompressed", hex(uncompressed(&other)));
    });
    refused_points(cases);
}

fn refused_points(cases: &mut Cases) {
    let valid = |first: u8| {
        move |x: [u8; 32]| {
            let mut bytes = vec![first];
            bytes.extend_from_slice(&x);
            bytes
        }
    };
    for (name, first) in [
        ("first byte 00", 0),
        ("first byte 01", 1),
        ("first byte 04 with 33 bytes", 4),
        ("first byte 05, which some libraries take", 5),
        ("first byte 06", 6),
        ("first byte 07", 7),
        ("first byte ff", 0xff),
    ] {
        cases.case(name, |case| {
            let key = DeviceIdentityKey::generate(case.random(["private of x"]));
            let x: [u8; 32] = key.public().as_bytes()[1..].try_into().expect("32 bytes");
            let bytes = valid(first)(x);
            case.given("point", hex(&bytes));
            case.refused("bad-point", point(&bytes));
        });
    }
    cases.case("x whose square has no root", |case| {
        let mut x = [0; 32];
        let bytes = loop {
            x[31] += 1;
            let bytes = valid(2)(x);
            if p256::PublicKey::from_sec1_bytes(&bytes).is_err() {
                break bytes;
            }
        };
        case.given("point", hex(&bytes));
        case.refused("bad-point", point(&bytes));
    });
    for (name, x) in [("x equal to the prime", PRIME), ("x above the prime", &"ff".repeat(32))] {
        cases.case(name, |case| {
            let bytes = valid(2)(super::form::unhex(x).try_into().expect("32 bytes"));
            case.given("point", hex(&bytes));
            case.refused("bad-point", point(&bytes));
        });
    }
    cases.case("identity as zeros", |case| {
        case.given("point", hex([0; 33]));
        case.refused("bad-point", point(&[0; 33]));
    });
    cases.case("uncompressed", |case| {
        let key = DeviceIdentityKey::generate(case.random(["private"]));
        let bytes = uncompressed(key.public().as_bytes());
        case.given("point", hex(&bytes));
        case.refused("bad-point", point(&bytes));
    });
}

fn uncompressed(compressed: &[u8; 33]) -> Vec<u8> {
    let key = p256::PublicKey::from_sec1_bytes(compressed).expect("a point");
    key.to_sec1_point(false).as_bytes().to_vec()
}

fn one() -> [u8; 32] {
    let mut scalar = [0; 32];
    scalar[31] = 1;
    scalar
}

/// The order with something added to its last byte, which is 51.
fn order(add: i8) -> [u8; 32] {
    let mut bytes: [u8; 32] = super::form::unhex(ORDER).try_into().expect("32 bytes");
    bytes[31] = bytes[31].wrapping_add_signed(add);
    bytes
}
