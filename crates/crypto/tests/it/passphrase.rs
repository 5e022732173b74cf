//! Passphrases: one normal form, bounded cost, the key that another implementation of Argon2id gives.

use crate::common::rng;
use sotto_crypto::passphrase::{
    Cost, CostError, PASSPHRASE_MAX, Passphrase, PassphraseError, Stretch, StretchedKey,
};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The salt 00 01 … 0f at this cost.
fn stretch(memory: u32, passes: u32) -> Stretch {
    let mut bytes = [0; Stretch::LENGTH];
    bytes[..4].copy_from_slice(&memory.to_be_bytes());
    bytes[4..8].copy_from_slice(&passes.to_be_bytes());
    for (place, value) in bytes[8..].iter_mut().zip(0..) {
        *place = value;
    }
    Stretch::from_bytes(&bytes).unwrap()
}

fn stretched(typed: &str, stretch: &Stretch) -> StretchedKey {
    stretch.run(&Passphrase::new(typed).unwrap()).unwrap()
}

/// Computed by OpenSSL.
#[test]
fn argon2id_of_another_implementation() {
    let floor = stretched("correct horse battery staple", &stretch(19_456, 2));
    assert_eq!(
        *floor.to_bytes(),
        hex_literal::hex!("818259b6310026a8e0dbac5d2e6927abcfdb07b32258fac4f61b18b80f929085")
    );
    let default = stretched("correct horse battery staple", &stretch(65_536, 3));
    assert_eq!(default.stretch().cost(), Cost::DEFAULT);
    assert_eq!(
        *default.to_bytes(),
        hex_literal::hex!("0d1a3c6523c8f06e4e0af9c515aa5b5448cfebd6838f2d52c3d8b6ef8ddc3c2e")
    );
}

#[test]
fn ways_to_write_the_same_are_one_passphrase() {
    let stretch = stretch(19_456, 2);
    let key = hex_literal::hex!("d5d910486927c60ec15575aaf3fce3bd7e4ed72ebc342482a462fec86defd341");
    // A composed letter, a no-break space, a ligature and a wide letter, and their plain forms.
    for typed in ["é\u{a0}ﬁＡ", "e\u{301} fiA", "é fiA"] {
        assert_eq!(*stretched(typed, &stretch).to_bytes(), key, "{typed:?}");
    }
    for typed in ["É fiA", "é fiA ", "é  fiA", "e fiA"] {
        assert_ne!(*stretched(typed, &stretch).to_bytes(), key, "{typed:?}");
    }
}

#[test]
fn passphrases_have_bounds() {
    assert_eq!(Passphrase::new("").unwrap_err(), PassphraseError::Empty);
    assert!(Passphrase::new(" ").is_ok());
    assert!(Passphrase::new(&"x".repeat(PASSPHRASE_MAX)).is_ok());
    assert_eq!(Passphrase::new(&"x".repeat(PASSPHRASE_MAX + 1)).unwrap_err(), PassphraseError::TooLong);
    // The sign that becomes the longest of all: eighteen for one.
    assert!(Passphrase::new(&"\u{fdfa}".repeat(PASSPHRASE_MAX / 3)).is_ok());
    assert_eq!(format!("{:?}", Passphrase::new("secret").unwrap()), "Passphrase(..)");
}

#[test]
fn a_cost_is_within_floor_and_ceiling() {
    for (memory, passes) in [(19_456, 2), (19_456, 53), (262_144, 4), (65_536, 16), (65_536, 3)] {
        assert_eq!(
            Cost::new(memory, passes).map(|cost| (cost.memory(), cost.passes())),
            Ok((memory, passes))
        );
    }
    for (memory, passes) in [(19_455, 2), (19_456, 1), (0, 0), (262_144, 1), (0, u32::MAX), (u32::MAX, 0)] {
        assert_eq!(Cost::new(memory, passes), Err(CostError::TooWeak), "{memory} {passes}");
    }
    for (memory, passes) in
        [(262_145, 2), (262_144, 5), (19_456, 54), (65_536, 17), (u32::MAX, 2), (u32::MAX, u32::MAX)]
    {
        assert_eq!(Cost::new(memory, passes), Err(CostError::TooCostly), "{memory} {passes}");
    }
    assert_eq!(Cost::new(Cost::DEFAULT.memory(), Cost::DEFAULT.passes()), Ok(Cost::DEFAULT));
}

#[test]
fn salts_are_fresh_and_come_back() {
    let rng = &mut rng(1);
    let (one, two) = (Stretch::generate(Cost::DEFAULT, rng), Stretch::generate(Cost::DEFAULT, rng));
    assert_ne!(one, two);
    assert_eq!(Stretch::from_bytes(&one.to_bytes()), Ok(one));
    let key = StretchedKey::from_bytes(one, &[7; 32]);
    assert_eq!((key.stretch(), *key.to_bytes()), (&one, [7; 32]));
    assert!(!format!("{key:?} {one:?}").contains("07"), "neither key nor salt is printed");
}
