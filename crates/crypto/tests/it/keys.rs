//! Points, signatures, ids: what is refused and what nothing may be mistaken for.

use crate::common::{Person, rng};
use sotto_crypto::keys::{
    AccountKey, AccountPublic, DeliveryKey, DeviceIdentityKey, DeviceIdentityPublic, DevicePublic,
    DeviceSigningKey, DeviceSigningPublic, KeyError, ReusedKey, SignedPreKey,
};
use sotto_crypto::{CryptoRng, DeliveryKeyId, DeliveryToken, PreKeyId, Signature, SignatureError, TokenHash};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The order of P-256.
const ORDER: [u8; 32] = hex_literal::hex!("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");

#[test]
fn a_point_starts_with_02_or_03_and_is_on_the_curve() {
    let key = DeviceIdentityKey::generate(&mut rng(1));
    let good = *key.public().as_bytes();
    assert_eq!(DeviceIdentityPublic::from_bytes(&good), Ok(key.public()));
    for tag in (0..=255).filter(|tag| ![2, 3].contains(tag)) {
        let mut bytes = good;
        bytes[0] = tag;
        assert_eq!(DeviceIdentityPublic::from_bytes(&bytes), Err(KeyError::BadPoint), "tag {tag}");
    }
    // About half of all x-coordinates have no point, and those not below the field's prime never do.
    let mut refused = 0;
    for low in 0..=255 {
        let mut bytes = good;
        bytes[32] = low;
        refused += usize::from(DeviceIdentityPublic::from_bytes(&bytes).is_err());
    }
    assert!((64..192).contains(&refused), "{refused}");
    let mut bytes = [0xff; 33];
    bytes[0] = 2;
    assert_eq!(DeviceIdentityPublic::from_bytes(&bytes), Err(KeyError::BadPoint));
}

#[test]
fn secrets_are_between_zero_and_the_order() {
    assert_eq!(AccountKey::from_bytes(&[0; 32]).unwrap_err(), KeyError::BadSecret);
    assert_eq!(AccountKey::from_bytes(&ORDER).unwrap_err(), KeyError::BadSecret);
    assert_eq!(AccountKey::from_bytes(&[0xff; 32]).unwrap_err(), KeyError::BadSecret);
    let mut largest = ORDER;
    largest[31] -= 1;
    assert!(AccountKey::from_bytes(&largest).is_ok());
}

#[test]
fn keys_survive_storage() {
    let rng = &mut rng(2);
    let account = AccountKey::generate(rng);
    assert_eq!(AccountKey::from_bytes(&account.to_bytes()).unwrap().public(), account.public());
    let prekey = SignedPreKey::generate(PreKeyId(9), rng);
    let stored = SignedPreKey::from_bytes(PreKeyId(9), &prekey.to_bytes()).unwrap();
    assert_eq!(stored.public(), prekey.public());
    assert_eq!(stored.public().id(), PreKeyId(9));
    assert_eq!(AccountPublic::from_bytes(account.public().as_bytes()).unwrap().id(), account.public().id());
}

#[test]
fn debug_output_reveals_no_secret() {
    let rng = &mut rng(3);
    assert_eq!(format!("{:?}", AccountKey::generate(rng)), "AccountKey(..)");
    assert_eq!(format!("{:?}", DeliveryKey::generate(DeliveryKeyId(3), rng)), "DeliveryKey { id: 3, .. }");
    assert_eq!(format!("{:?}", DeliveryToken::generate(rng)), "DeliveryToken(..)");
    assert_eq!(format!("{:?}", sotto_crypto::vault::VaultKey::generate(rng)), "VaultKey(..)");
}

#[test]
fn any_generator_will_do_behind_a_reference() {
    let mut concrete = rng(4);
    let dynamic: &mut dyn CryptoRng = &mut concrete;
    let key = DeviceSigningKey::generate(dynamic);
    let signature = key.sign_bundle(b"bytes", dynamic);
    assert_eq!(key.public().verify_bundle(b"bytes", &signature), Ok(()));
}

#[test]
fn a_signature_is_for_one_type_one_key_and_exact_bytes() {
    let rng = &mut rng(5);
    let (key, other) = (DeviceSigningKey::generate(rng), DeviceSigningKey::generate(rng));
    let signature = key.sign_bundle(b"the bundle", rng);
    let public = key.public();
    assert_eq!(public.verify_bundle(b"the bundle", &signature), Ok(()));
    assert_eq!(public.verify_challenge(b"the bundle", &signature), Err(SignatureError::Invalid));
    assert_eq!(public.verify_bundle(b"the bundlf", &signature), Err(SignatureError::Invalid));
    assert_eq!(other.public().verify_bundle(b"the bundle", &signature), Err(SignatureError::Invalid));
    // Even the same scalar under another role does not verify.
    let account = AccountPublic::from_bytes(public.as_bytes()).unwrap();
    assert_eq!(account.verify_device_list(b"the bundle", &signature), Err(SignatureError::Invalid));
}

#[test]
fn signatures_are_low_hedged_and_bit_flips_are_refused() {
    let rng = &mut rng(6);
    let key = AccountKey::generate(rng);
    let first = key.sign_device_list(b"list", rng);
    assert_ne!(
        first.to_bytes(),
        key.sign_device_list(b"list", rng).to_bytes(),
        "fresh entropy in every nonce"
    );
    for _ in 0..32 {
        let bytes = key.sign_device_list(b"list", rng).to_bytes();
        assert!(Signature::from_bytes(&bytes).is_ok(), "low s");
    }
    for bit in 0..512 {
        let mut bytes = first.to_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let verified = Signature::from_bytes(&bytes)
            .and_then(|signature| key.public().verify_device_list(b"list", &signature));
        assert!(verified.is_err(), "bit {bit}");
    }
}

#[test]
fn signatures_out_of_range_or_with_high_s_are_refused() {
    let rng = &mut rng(7);
    let key = DeviceSigningKey::generate(rng);
    let (r, s) = split(key.sign_challenge(b"nonces", rng).to_bytes());
    let join = |r: [u8; 32], s: [u8; 32]| Signature::from_bytes(&[r, s].concat().try_into().unwrap());
    assert_eq!(join(r, subtract(ORDER, s)), Err(SignatureError::HighS));
    assert_eq!(join([0; 32], s), Err(SignatureError::OutOfRange));
    assert_eq!(join(r, [0; 32]), Err(SignatureError::OutOfRange));
    assert_eq!(join(ORDER, s), Err(SignatureError::OutOfRange));
    assert_eq!(join(r, ORDER), Err(SignatureError::OutOfRange));
}

fn split(bytes: [u8; 64]) -> ([u8; 32], [u8; 32]) {
    (bytes[..32].try_into().unwrap(), bytes[32..].try_into().unwrap())
}

fn subtract(from: [u8; 32], what: [u8; 32]) -> [u8; 32] {
    let mut difference = [0; 32];
    let mut borrow = 0;
    for place in (0..32).rev() {
        let digit = i16::from(from[place]) - i16::from(what[place]) - borrow;
        borrow = i16::from(digit < 0);
        difference[place] = u8::try_from(digit.rem_euclid(256)).unwrap();
    }
    difference
}

#[test]
fn one_key_has_one_purpose() {
    let person = Person::new(8);
    let account = person.account.public();
    let id = person.device.device_id();
    let signing_as_identity = DeviceIdentityPublic::from_bytes(person.signing.public().as_bytes()).unwrap();
    assert_eq!(DevicePublic::new(account, id, person.signing.public(), signing_as_identity), Err(ReusedKey));
    let account_as_signing = DeviceSigningPublic::from_bytes(account.as_bytes()).unwrap();
    assert_eq!(DevicePublic::new(account, id, account_as_signing, person.identity.public()), Err(ReusedKey));
    let account_as_identity = DeviceIdentityPublic::from_bytes(account.as_bytes()).unwrap();
    assert_eq!(DevicePublic::new(account, id, person.signing.public(), account_as_identity), Err(ReusedKey));
}

#[test]
fn ids_and_hashes_belong_to_one_key() {
    let (a, b) = (Person::new(9).account.public(), Person::new(10).account.public());
    assert_ne!(a.id(), b.id());
    assert_ne!(a.hash(), b.hash());
    assert_ne!(a.hash().as_bytes()[..16], a.id().as_bytes()[..], "a link does not contain the account id");
    let token = DeliveryToken::generate(&mut rng(11));
    let copy = DeliveryToken::from_bytes(&token.to_bytes());
    assert_eq!(copy.hash(), token.hash());
    assert_ne!(TokenHash::from_bytes(*token.to_bytes()), token.hash());
}
