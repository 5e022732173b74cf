//! Safety numbers and their QR codes.

use sha2::{Digest, Sha512};
use sotto_crypto::keys::{AccountKey, AccountPublic};
use sotto_crypto::safety_number::{Fingerprint, SafetyNumber};

use super::form::{Cases, Structure, hex};
use super::people::pair;
use super::primitives::hash;

pub(super) const SAFETY_NUMBER: Structure = Structure {
    name: "safety_number",
    sections: "16, 1.5",
    about: "The safety number of `ours` and `theirs` (account keys) and both QR codes. In refused cases `scanned` is what \
            our camera read off their screen.",
    fill,
};

/// 5,200 rounds.
fn fingerprint(account: &AccountPublic) -> [u8; 32] {
    let aik = account.as_bytes();
    let id = &hash("account-id", &[aik])[..16];
    let mut hash = Sha512::digest([&[0, 0], aik.as_slice(), id, aik].concat());
    for _ in 1..5_200 {
        hash = Sha512::digest([hash.as_slice(), aik].concat());
    }
    hash[..32].try_into().expect("32 bytes")
}

fn fill(cases: &mut Cases) {
    for number in 1..=4 {
        cases.case(&format!("pair {number}"), |case| {
            let ours = AccountKey::generate(case.random(["ours"]));
            let theirs = AccountKey::generate(case.random(["theirs"]));
            let [our_print, their_print] = [&ours, &theirs].map(|key| fingerprint(&key.public()));
            let at_us = SafetyNumber::new(Fingerprint::of(&ours.public()), Fingerprint::of(&theirs.public()));
            let at_them =
                SafetyNumber::new(Fingerprint::of(&theirs.public()), Fingerprint::of(&ours.public()));
            assert_eq!(at_us.qr()[..], [&[1], our_print.as_slice(), &their_print].concat());
            assert_eq!(at_us.digits(), at_them.digits());
            case.given("ours", pair(ours.to_bytes(), ours.public().as_bytes()));
            case.given("theirs", pair(theirs.to_bytes(), theirs.public().as_bytes()));
            case.expect("our_fingerprint", hex(our_print));
            case.expect("their_fingerprint", hex(their_print));
            case.expect("digits", at_us.digits());
            case.expect("our_qr", hex(at_us.qr()));
            case.expect("their_qr", hex(at_them.qr()));
        });
    }
    let mut scanned = |name: &str, rule: &'static str, alter: &dyn Fn([u8; 65], [u8; 65]) -> Vec<u8>| {
        cases.case(&format!("scanned: {name}"), |case| {
            let ours = AccountKey::generate(case.random(["ours"]));
            let theirs = AccountKey::generate(case.random(["theirs"]));
            let (our, their) = (Fingerprint::of(&ours.public()), Fingerprint::of(&theirs.public()));
            let (at_us, at_them) = (SafetyNumber::new(our, their), SafetyNumber::new(their, our));
            let scanned = alter(at_us.qr(), at_them.qr());
            case.given("ours", pair(ours.to_bytes(), ours.public().as_bytes()));
            case.given("theirs", pair(theirs.to_bytes(), theirs.public().as_bytes()));
            case.given("scanned", hex(&scanned));
            case.refused(rule, at_us.verify_scanned(&scanned));
        });
    };
    scanned("our own code", "differs", &|ours, _| ours.to_vec());
    scanned("a bit of theirs", "differs", &|_, mut theirs| {
        theirs[1] ^= 1;
        theirs.to_vec()
    });
    scanned("a bit of ours in theirs", "differs", &|_, mut theirs| {
        theirs[64] ^= 1;
        theirs.to_vec()
    });
    scanned("version 2", "malformed", &|_, mut theirs| {
        theirs[0] = 2;
        theirs.to_vec()
    });
    scanned("a byte too short", "malformed", &|_, theirs| theirs[..64].to_vec());
    scanned("a byte too long", "malformed", &|_, theirs| [&theirs[..], &[0]].concat());
    scanned("nothing", "malformed", &|_, _| Vec::new());
}
