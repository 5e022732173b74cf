//! Safety numbers, from the keys.

use sotto_crypto::keys::AccountPublic;
use sotto_crypto::safety_number::{Fingerprint, SafetyNumber};

use crate::given::{Given, each};

fn number(case: &Given, own: &str, theirs: &str) -> SafetyNumber {
    let print = |who: &str| {
        Fingerprint::of(&AccountPublic::from_bytes(&case.array(&format!("/given/{who}/public"))).unwrap())
    };
    SafetyNumber::new(print(own), print(theirs))
}

#[test]
fn numbers() {
    each("safety_number", "pair", |case| {
        let (at_us, at_them) = (number(case, "ours", "theirs"), number(case, "theirs", "ours"));
        assert_eq!(at_us.digits(), case.text("/expect/digits"));
        assert_eq!(at_them.digits(), case.text("/expect/digits"));
        assert_eq!(at_us.qr(), case.array("/expect/our_qr"));
        at_us.verify_scanned(&case.bytes("/expect/their_qr")).unwrap();
        at_them.verify_scanned(&case.bytes("/expect/our_qr")).unwrap();
        let prints =
            [case.bytes("/expect/our_fingerprint"), case.bytes("/expect/their_fingerprint")].concat();
        assert_eq!(case.bytes("/expect/our_qr")[1..], prints);
    });
}

#[test]
fn scans() {
    each("safety_number", "scanned", |case| {
        let outcome = number(case, "ours", "theirs").verify_scanned(&case.bytes("/given/scanned"));
        assert!(case.judge(outcome).is_none());
    });
}
