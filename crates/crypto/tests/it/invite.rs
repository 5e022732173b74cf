//! What an invite's secret gives, and its two boxes.

use crate::common::rng;
use sotto_crypto::invite::{BOX_OVERHEAD, BUNDLE_BOX, InviteError, InviteSecret, NAME_BOX};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn boxes_have_one_size_and_open_under_their_link_only() {
    let rng = &mut rng(1);
    let (invite, other) = (InviteSecret::generate(rng), InviteSecret::generate(rng));
    for length in [0, 1, NAME_BOX - BOX_OVERHEAD] {
        let sealed = invite.seal_name(&vec![b'a'; length], rng).unwrap();
        assert_eq!(sealed.len(), NAME_BOX);
        assert_eq!(invite.open_name(&sealed).unwrap().len(), length);
        assert_eq!(other.open_name(&sealed).unwrap_err(), InviteError::BadTag);
    }
    for length in [0, 1, BUNDLE_BOX - BOX_OVERHEAD] {
        let sealed = invite.seal_bundle(&vec![b'b'; length], rng).unwrap();
        assert_eq!(sealed.len(), BUNDLE_BOX);
        assert_eq!(*invite.open_bundle(&sealed).unwrap(), vec![b'b'; length]);
        assert_eq!(other.open_bundle(&sealed).unwrap_err(), InviteError::BadTag);
        assert_eq!(invite.open_name(&sealed).unwrap_err(), InviteError::Malformed);
    }
    let too_long = vec![0; BUNDLE_BOX - BOX_OVERHEAD + 1];
    assert_eq!(invite.seal_bundle(&too_long, rng), Err(InviteError::TooLong));
    assert_eq!(invite.seal_name(&[0; NAME_BOX], rng), Err(InviteError::TooLong));
    assert_ne!(invite.seal_name(b"x", rng), invite.seal_name(b"x", rng), "random nonces");
}

#[test]
fn altered_boxes_are_refused() {
    let rng = &mut rng(2);
    let invite = InviteSecret::generate(rng);
    let sealed = invite.seal_name(b"Alice", rng).unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut altered = sealed.clone();
        altered[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(invite.open_name(&altered).unwrap_err(), InviteError::BadTag, "bit {bit}");
    }
    assert_eq!(invite.open_name(&sealed[1..]).unwrap_err(), InviteError::Malformed);
    assert_eq!(invite.open_name(&[]).unwrap_err(), InviteError::Malformed);
}

#[test]
fn the_secret_gives_the_same_every_time() {
    let invite = InviteSecret::from_bytes(&[7; 32]);
    assert_eq!(invite.id(), InviteSecret::from_bytes(&invite.to_bytes()).id());
    assert_eq!(invite.credential().id(), invite.id());
    assert_ne!(invite.id(), InviteSecret::from_bytes(&[8; 32]).id());
}
