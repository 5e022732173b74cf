//! X3DH: both sides agree exactly when everything they bind is the same.

use crate::common::{NOW, Person, rng, signer};
use sotto_crypto::invite::{InviteCredential, InviteSecret};
use sotto_crypto::keys::{
    DeviceIdentityPublic, DevicePublic, DeviceSigningKey, DeviceSigningPublic, EphemeralPublic,
    OneTimePreKey, OneTimePreKeyPublic, SignedPreKey, SignedPreKeyPublic,
};
use sotto_crypto::ratchet::{RatchetError, Session};
use sotto_crypto::x3dh::{self, FirstKeys, PeerKeys, ResponderKeys, X3dhError};
use sotto_crypto::{InviteId, PreKeyId};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn credential(seed: u64) -> InviteCredential {
    InviteSecret::generate(&mut rng(seed)).credential()
}

/// Whether a first message by `from` under its view of the responder opens at the responder under its own view.
fn talk(
    from: &Person,
    bundle: &PeerKeys,
    invite: Option<&InviteCredential>,
    to: &ResponderKeys<'_>,
    claimed: &DevicePublic,
    alter: impl FnOnce(&mut FirstKeys),
) -> Result<Result<Vec<u8>, RatchetError>, X3dhError> {
    let (agreement, mut first) = from.initiate(bundle, invite, 1);
    let mut session = Session::initiate(&agreement, &mut rng(2));
    let message = session.seal(b"first", &mut rng(3)).unwrap();
    alter(&mut first);
    let agreement = x3dh::respond(to, claimed, &first)?;
    Ok(Session::respond(&agreement, &message, NOW).map(|(_, plaintext)| plaintext))
}

#[test]
fn both_agree_with_and_without_one_time_prekey_and_invite() {
    let (alice, bob, invite) = (Person::new(1), Person::new(2), credential(3));
    for (one_time, invited, flags) in [(false, false, 0), (true, false, 1), (false, true, 2), (true, true, 3)]
    {
        let invite = invited.then_some(&invite);
        let (ours, first) = alice.initiate(&bob.bundle(one_time), invite, 4);
        assert_eq!(first.flags(), flags);
        let theirs = x3dh::respond(&bob.responder_keys(one_time, invite), &alice.device, &first).unwrap();
        assert_eq!(ours.session_id(), theirs.session_id());
        let talked = talk(
            &alice,
            &bob.bundle(one_time),
            invite,
            &bob.responder_keys(one_time, invite),
            &alice.device,
            |_| {},
        );
        assert_eq!(talked, Ok(Ok(b"first".to_vec())), "flags {flags}");
    }
}

#[test]
fn every_agreement_is_another_session() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let (first, _) = alice.initiate(&bob.bundle(true), None, 1);
    let (second, _) = alice.initiate(&bob.bundle(true), None, 2);
    assert_ne!(first.session_id(), second.session_id());
}

/// A first message whose keys were altered on the way makes another transcript: another session, no plaintext.
#[test]
fn what_the_first_message_names_is_bound() {
    let (alice, bob, mallory, invite) = (Person::new(1), Person::new(2), Person::new(3), credential(4));
    let keys = bob.responder_keys(true, Some(&invite));
    let run = |claimed: &DevicePublic, alter: &dyn Fn(&mut FirstKeys)| {
        talk(&alice, &bob.bundle(true), Some(&invite), &keys, claimed, alter)
    };
    let ephemeral = EphemeralPublic::from_bytes(mallory.identity.public().as_bytes()).unwrap();
    assert_eq!(run(&alice.device, &|first| first.ephemeral = ephemeral), Ok(Err(RatchetError::WrongSession)));
    assert_eq!(run(&mallory.device, &|_| {}), Ok(Err(RatchetError::WrongSession)), "sent in another's name");
    let other_id = DevicePublic::new(
        alice.account.public(),
        mallory.device.device_id(),
        alice.signing.public(),
        alice.identity.public(),
    );
    assert_eq!(run(&other_id.unwrap(), &|_| {}), Ok(Err(RatchetError::WrongSession)));

    assert_eq!(run(&alice.device, &|first| first.spk_id = PreKeyId(8)), Err(X3dhError::OtherKeys));
    assert_eq!(run(&alice.device, &|first| first.opk_id = None), Err(X3dhError::OtherKeys));
    assert_eq!(run(&alice.device, &|first| first.invite_id = None), Err(X3dhError::OtherKeys));
    let other_invite = Some(InviteId::from_bytes([9; 16]));
    assert_eq!(run(&alice.device, &|first| first.invite_id = other_invite), Err(X3dhError::OtherKeys));
}

/// Numbers and flags are in the transcript even where the keys are the same.
#[test]
fn prekey_numbers_and_the_absence_of_keys_are_bound() {
    let (alice, bob, invite) = (Person::new(1), Person::new(2), credential(3));
    let renumbered = SignedPreKey::from_bytes(PreKeyId(8), &bob.signed_prekey.to_bytes()).unwrap();
    let of_bob = signer(&bob.device, &bob.signing);
    let bundle = PeerKeys::new(of_bob, renumbered.public(), Some(bob.one_time_prekey.public()));
    let keys = bob.responder_keys(true, None);
    let talked = talk(&alice, &bundle, None, &keys, &alice.device, |first| first.spk_id = PreKeyId(7));
    assert_eq!(talked, Ok(Err(RatchetError::WrongSession)));

    let renumbered = OneTimePreKey::from_bytes(PreKeyId(8), &bob.one_time_prekey.to_bytes()).unwrap();
    let bundle = PeerKeys::new(of_bob, bob.signed_prekey.public(), Some(renumbered.public()));
    let talked =
        talk(&alice, &bundle, None, &keys, &alice.device, |first| first.opk_id = Some(PreKeyId(100)));
    assert_eq!(talked, Ok(Err(RatchetError::WrongSession)));

    let strip = |first: &mut FirstKeys| (first.opk_id, first.invite_id) = (None, None);
    let talked = talk(
        &alice,
        &bob.bundle(true),
        Some(&invite),
        &bob.responder_keys(false, None),
        &alice.device,
        strip,
    );
    assert_eq!(talked, Ok(Err(RatchetError::WrongSession)));
}

#[test]
fn own_and_repeated_keys_are_refused() {
    let (alice, bob, invite) = (Person::new(1), Person::new(2), credential(3));
    let initiate = |bundle: PeerKeys, invite: Option<&InviteCredential>| {
        x3dh::initiate(&alice.device, &alice.identity, &bundle, invite, &mut rng(1)).map(|_| ())
    };
    assert_eq!(initiate(bob.bundle(true), None), Ok(()));
    assert_eq!(initiate(alice.bundle(true), None), Err(X3dhError::OwnKeys));

    let device = |account, id, signing, identity| DevicePublic::new(account, id, signing, identity).unwrap();
    let (a, b) = (&alice.device, &bob.device);
    let (spk, opk) = (bob.signed_prekey.public(), Some(bob.one_time_prekey.public()));
    let signed =
        |device: DevicePublic, signing: &DeviceSigningKey| PeerKeys::new(signer(&device, signing), spk, opk);
    let with = |device| signed(device, &bob.signing);
    let own_id = device(*b.account(), a.device_id(), *b.signing(), *b.identity());
    assert_eq!(initiate(with(own_id), None), Err(X3dhError::OwnKeys));
    let own_identity = device(*b.account(), b.device_id(), *b.signing(), *a.identity());
    assert_eq!(initiate(with(own_identity), None), Err(X3dhError::OwnKeys));
    let own_signing = device(*b.account(), b.device_id(), *a.signing(), *b.identity());
    assert_eq!(initiate(signed(own_signing, &alice.signing), None), Err(X3dhError::OwnKeys));
    let crossed = DeviceIdentityPublic::from_bytes(a.signing().as_bytes()).unwrap();
    let crossed = device(*b.account(), b.device_id(), *b.signing(), crossed);
    assert_eq!(initiate(with(crossed), None), Err(X3dhError::OwnKeys));
    let account_as_signing = DeviceSigningPublic::from_bytes(a.account().as_bytes()).unwrap();
    let crossed = device(*b.account(), b.device_id(), account_as_signing, *b.identity());
    let account_as_signing = DeviceSigningKey::from_bytes(&alice.account.to_bytes()).unwrap();
    assert_eq!(initiate(signed(crossed, &account_as_signing), None), Err(X3dhError::OwnKeys));

    // Another device of the same account is a peer, but nobody follows one's own invite.
    let own_account = device(*a.account(), b.device_id(), *b.signing(), *b.identity());
    assert_eq!(initiate(with(own_account), None), Ok(()));
    assert_eq!(initiate(with(own_account), Some(&invite)), Err(X3dhError::OwnKeys));

    let of_bob = signer(b, &bob.signing);
    let prekey = |bytes: &[u8; 33]| SignedPreKeyPublic::from_bytes(PreKeyId(1), bytes).unwrap();
    let one_time = |bytes: &[u8; 33]| Some(OneTimePreKeyPublic::from_bytes(PreKeyId(1), bytes).unwrap());
    for bytes in
        [a.identity().as_bytes(), a.signing().as_bytes(), b.identity().as_bytes(), b.account().as_bytes()]
    {
        assert_eq!(initiate(PeerKeys::new(of_bob, prekey(bytes), opk), None), Err(X3dhError::OwnKeys));
        assert_eq!(initiate(PeerKeys::new(of_bob, spk, one_time(bytes)), None), Err(X3dhError::OwnKeys));
    }
    let twice = one_time(bob.signed_prekey.public().as_bytes());
    assert_eq!(initiate(PeerKeys::new(of_bob, spk, twice), None), Err(X3dhError::OwnKeys));
}

#[test]
fn the_responder_refuses_its_own_keys_as_ephemeral() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let (_, first) = alice.initiate(&bob.bundle(true), None, 1);
    let own = [
        *bob.identity.public().as_bytes(),
        *bob.signed_prekey.public().as_bytes(),
        *bob.one_time_prekey.public().as_bytes(),
        *alice.identity.public().as_bytes(),
    ];
    for bytes in own {
        let first = FirstKeys { ephemeral: EphemeralPublic::from_bytes(&bytes).unwrap(), ..first };
        let responded = x3dh::respond(&bob.responder_keys(true, None), &alice.device, &first);
        assert_eq!(responded.map(|_| ()), Err(X3dhError::OwnKeys));
    }
    let reflected = x3dh::respond(&bob.responder_keys(true, None), &bob.device, &first);
    assert_eq!(reflected.map(|_| ()), Err(X3dhError::OwnKeys));
}
