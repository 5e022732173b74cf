//! Safety numbers: Signal's numeric fingerprint over account keys, as digits and as a QR code.
//!
//! `h₁ = SHA-512(0000 ‖ AIK ‖ account_id ‖ AIK)`, `hᵢ = SHA-512(hᵢ₋₁ ‖ AIK)`, 5,200 rounds in all. The fingerprint is
//! the first 32 bytes. Its 30 digits are six groups of five: each five bytes as a number modulo 100,000. The safety
//! number joins both sides' digits, the smaller first. The QR code holds `version 1 ‖ own fingerprint ‖ theirs`.

use crate::bytes::join;
use crate::keys::AccountPublic;
use core::fmt;
use sha2::{Digest, Sha512};
use subtle::ConstantTimeEq;

/// Length of the QR code's content in bytes.
pub const QR_LENGTH: usize = 1 + 32 + 32;

const QR_VERSION: u8 = 1;
const FINGERPRINT_VERSION: [u8; 2] = [0, 0];
const ROUNDS: u32 = 5_200;

/// Why a scanned code did not verify a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// Not a safety number of ours, or of a version this program does not know.
    #[error("not a safety number code")]
    Malformed,
    /// A safety number for two other parties: not this contact, or somebody sits between.
    #[error("the safety numbers differ")]
    Differs,
}

/// The fingerprint of one account key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Computes the fingerprint: 5,200 rounds of SHA-512, a few milliseconds. Worth keeping.
    pub fn of(account: &AccountPublic) -> Self {
        Self(iterate(account.as_bytes(), account.id().as_bytes()))
    }

    /// The 30 digits of this side.
    fn digits(&self) -> String {
        let (groups, _) = self.0.as_chunks::<5>();
        let number =
            |group: &[u8; 5]| group.iter().fold(0u64, |number, byte| (number << 8) | u64::from(*byte));
        groups.iter().map(|group| format!("{:05}", number(group) % 100_000)).collect()
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprint(..)")
    }
}

fn iterate(key: &[u8], identifier: &[u8]) -> [u8; 32] {
    let mut hash = Sha512::new()
        .chain_update(FINGERPRINT_VERSION)
        .chain_update(key)
        .chain_update(identifier)
        .chain_update(key)
        .finalize();
    for _ in 1..ROUNDS {
        hash = Sha512::new().chain_update(hash).chain_update(key).finalize();
    }
    join(&[&hash])
}

/// The safety number of two accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SafetyNumber {
    own: Fingerprint,
    theirs: Fingerprint,
}

impl SafetyNumber {
    /// From both sides' fingerprints.
    pub const fn new(own: Fingerprint, theirs: Fingerprint) -> Self {
        Self { own, theirs }
    }

    /// 60 digits, the same on both sides; show them in groups of five.
    pub fn digits(&self) -> String {
        let mut sides = [self.own.digits(), self.theirs.digits()];
        sides.sort();
        sides.concat()
    }

    /// Content of the QR code to show.
    pub fn qr(&self) -> [u8; QR_LENGTH] {
        join(&[&[QR_VERSION], &self.own.0, &self.theirs.0])
    }

    /// Compares with the content of the code that the contact shows: what is theirs there is ours here.
    ///
    /// # Errors
    /// [`ScanError::Malformed`] if it is no such code, [`ScanError::Differs`] if the contact is not verified.
    pub fn verify_scanned(&self, scanned: &[u8]) -> Result<(), ScanError> {
        let [QR_VERSION, sides @ ..] = scanned else { return Err(ScanError::Malformed) };
        let sides: &[u8; 64] = sides.try_into().map_err(|_| ScanError::Malformed)?;
        let (shown, expected) = sides.split_at(32);
        let same = shown.ct_eq(&self.theirs.0) & expected.ct_eq(&self.own.0);
        if same.into() { Ok(()) } else { Err(ScanError::Differs) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::AccountKey;
    use hex_literal::hex;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// libsignal, `rust/protocol/src/fingerprint.rs`: keys on another curve, the same construction.
    #[test]
    fn signals_published_vector() {
        let alice = hex!("0506863bc66d02b40d27b8d49ca7c09e9239236f9d7d25d6fcca5ce13c7064d868");
        let bob = hex!("05f781b6fb32fed9ba1cf2de978d4d5da28dc34046ae814402b5c0dbd96fda907b");
        let alice = Fingerprint(iterate(&alice, b"+14152222222"));
        let bob = Fingerprint(iterate(&bob, b"+14153333333"));
        let digits = "300354477692869396892869876765458257569162576843440918079131";
        assert_eq!(SafetyNumber::new(alice, bob).digits(), digits);
        assert_eq!(SafetyNumber::new(bob, alice).digits(), digits);
        assert_eq!(alice.0, hex!("1e301a0353dce3dbe7684cb8336e85136cdc0ee96219494ada305d62a7bd61df"));
        assert_eq!(bob.0, hex!("d62cbf73a11592015b6b9f1682ac306fea3aaf3885b84d12bca631e9d4fb3a4d"));
    }

    #[test]
    fn codes_are_compared_crosswise() {
        let account = |seed: u8| Fingerprint::of(&AccountKey::from_bytes(&[seed; 32]).unwrap().public());
        let (alice, bob, mallory) = (account(1), account(2), account(3));
        let at_alice = SafetyNumber::new(alice, bob);
        let at_bob = SafetyNumber::new(bob, alice);
        assert_eq!(at_alice.digits(), at_bob.digits());
        assert_eq!(at_alice.verify_scanned(&at_bob.qr()), Ok(()));
        assert_eq!(at_bob.verify_scanned(&at_alice.qr()), Ok(()));
        assert_eq!(at_alice.verify_scanned(&at_alice.qr()), Err(ScanError::Differs), "own code scanned");
        let at_mallory = SafetyNumber::new(mallory, alice);
        assert_eq!(at_alice.verify_scanned(&at_mallory.qr()), Err(ScanError::Differs));
        let mut other = at_bob.qr();
        other[0] = 2;
        assert_eq!(at_alice.verify_scanned(&other), Err(ScanError::Malformed));
        assert_eq!(at_alice.verify_scanned(&at_bob.qr()[..64]), Err(ScanError::Malformed));
        for byte in 1..QR_LENGTH {
            let mut altered = at_bob.qr();
            altered[byte] ^= 1;
            assert_eq!(at_alice.verify_scanned(&altered), Err(ScanError::Differs));
        }
    }
}
