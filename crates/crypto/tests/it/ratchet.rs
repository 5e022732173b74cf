//! The Double Ratchet, scenario by scenario; every refusal must leave the stored state byte for byte as it was.

use crate::common::{NOW, Person, rng, sessions};
use core::time::Duration;
use sotto_crypto::Timestamp;
use sotto_crypto::ratchet::{
    MAX_BODY, MAX_JUMP, MAX_SKIPPED, MESSAGE_OVERHEAD, MessageKind, Preview, RatchetError, Session,
    StateError,
};
use sotto_crypto::x3dh;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const DH: std::ops::Range<usize> = 18..51;
const N: std::ops::Range<usize> = 55..59;

fn refuse(session: &mut Session, message: &[u8], error: RatchetError) {
    let before = session.to_bytes();
    assert_eq!(session.open(message, NOW), Err(error));
    assert_eq!(*session.to_bytes(), *before, "a refused message changed the state");
    let ephemeral = session.open_ephemeral(message, NOW);
    assert!(ephemeral.is_err());
    assert_eq!(*session.to_bytes(), *before, "a refused message changed the state");
}

fn refuse_ephemeral(session: &mut Session, message: &[u8], error: RatchetError) {
    let before = session.to_bytes();
    assert_eq!(session.open_ephemeral(message, NOW), Err(error));
    assert_eq!(*session.to_bytes(), *before, "a refused message changed the state");
}

#[test]
fn a_conversation() {
    let (mut alice, mut bob) = sessions(1);
    assert_eq!(alice.id(), bob.id());
    assert!(alice.is_unanswered() && !bob.is_unanswered());
    let rng = &mut rng(9);
    for round in 0u8..10 {
        let message = bob.seal(&[round; 3], rng).unwrap();
        assert_eq!(alice.open(&message, NOW).unwrap(), [round; 3]);
        for _ in 0..3 {
            let message = alice.seal(&[round; 200], rng).unwrap();
            assert_eq!(message.len(), 200 + MESSAGE_OVERHEAD);
            assert_eq!(bob.open(&message, NOW).unwrap(), [round; 200]);
        }
    }
    assert!(!alice.is_unanswered());
}

#[test]
fn the_header_is_as_specified() {
    let (mut alice, _) = sessions(2);
    let message = alice.seal(b"", &mut rng(1)).unwrap();
    assert_eq!(message.len(), MESSAGE_OVERHEAD);
    assert_eq!(message.len(), 75 + 16);
    assert_eq!(message[..2], [1, 1]);
    assert_eq!(message[2..18], *alice.id().as_bytes());
    assert!([2, 3].contains(&message[DH.start]));
    assert_eq!(message[51..55], [0; 4], "pn");
    assert_eq!(message[N], [0, 0, 0, 1], "the first message was number 0");
    let ephemeral = alice.seal_ephemeral(b"", &mut rng(1)).unwrap();
    assert_eq!(ephemeral[..2], [1, 2]);
    assert_eq!(ephemeral[N], [0; 4], "x");
    let preview = Preview::of(&message).unwrap();
    assert_eq!((preview.session_id, preview.kind), (alice.id(), MessageKind::Message));
    assert_eq!(Preview::of(&ephemeral).unwrap().kind, MessageKind::Ephemeral);
    assert_eq!(Preview::of(&message[..74]), Err(RatchetError::Malformed));
}

#[test]
fn a_responder_answers_under_a_fresh_key_only() {
    let (mut alice, mut bob) = sessions(3);
    let spk = *Person::new(8).signed_prekey.public().as_bytes();
    let answer = bob.seal(b"answer", &mut rng(1)).unwrap();
    assert_ne!(answer[DH], spk);
    let mut forged = answer.clone();
    forged[DH].copy_from_slice(&spk);
    refuse(&mut alice, &forged, RatchetError::Malformed);
    assert_eq!(alice.open(&answer, NOW).unwrap(), b"answer");
}

#[test]
fn our_own_messages_are_not_the_peers() {
    let (mut alice, mut bob) = sessions(4);
    let message = alice.seal(b"reflected", &mut rng(1)).unwrap();
    refuse(&mut alice, &message, RatchetError::Malformed);
    let answer = bob.seal(b"answer", &mut rng(2)).unwrap();
    alice.open(&answer, NOW).unwrap();
    let ephemeral = bob.seal_ephemeral(b"reflected", &mut rng(3)).unwrap();
    refuse_ephemeral(&mut bob, &ephemeral, RatchetError::Malformed);
    refuse_ephemeral(&mut alice, &message, RatchetError::Malformed);
}

#[test]
fn each_message_opens_once() {
    let (mut alice, mut bob) = sessions(5);
    let rng = &mut rng(1);
    let messages: Vec<_> = (0u8..5).map(|i| alice.seal(&[i], rng).unwrap()).collect();
    for index in [3, 0, 4, 1, 2] {
        assert_eq!(bob.open(&messages[index], NOW).unwrap(), [u8::try_from(index).unwrap()]);
        refuse(&mut bob, &messages[index], RatchetError::KeyGone);
    }
}

#[test]
fn late_messages_open_after_many_turns() {
    let (mut alice, mut bob) = sessions(6);
    let rng = &mut rng(1);
    let mut late = Vec::new();
    for round in 0u8..12 {
        late.push((round, alice.seal(&[round], rng).unwrap()));
        let prompt = alice.seal(b"prompt", rng).unwrap();
        bob.open(&prompt, NOW).unwrap();
        let answer = bob.seal(b"answer", rng).unwrap();
        alice.open(&answer, NOW).unwrap();
    }
    for (round, message) in &late {
        assert_eq!(bob.open(message, NOW).unwrap(), [*round]);
        let gone = bob.open(message, NOW).unwrap_err();
        assert!(matches!(gone, RatchetError::KeyGone | RatchetError::BadTag), "{gone:?}");
    }
}

fn refuse_every_flip(session: &mut Session, message: &[u8]) {
    let before = session.to_bytes();
    for bit in 0..message.len() * 8 {
        let mut flipped = message.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(session.open(&flipped, NOW).is_err(), "bit {bit}");
        assert!(session.open_ephemeral(&flipped, NOW).is_err(), "bit {bit}");
        assert_eq!(*session.to_bytes(), *before, "bit {bit}");
    }
}

#[test]
fn any_bit_flip_is_refused() {
    let (mut alice, mut bob) = sessions(7);
    let rng = &mut rng(1);
    // Under the current key, under a skipped one, and under a new ratchet key.
    let skipped = alice.seal(b"skipped", rng).unwrap();
    let prompt = alice.seal(b"prompt", rng).unwrap();
    bob.open(&prompt, NOW).unwrap();
    let current = alice.seal(b"current", rng).unwrap();
    let fresh = bob.seal(b"fresh", rng).unwrap();
    for message in [&skipped, &current] {
        refuse_every_flip(&mut bob, message);
    }
    refuse_every_flip(&mut alice, &fresh);
    assert_eq!(bob.open(&skipped, NOW).unwrap(), b"skipped");
    assert_eq!(bob.open(&current, NOW).unwrap(), b"current");
    assert_eq!(alice.open(&fresh, NOW).unwrap(), b"fresh");
}

#[test]
fn malformed_messages_are_refused() {
    let (mut alice, mut bob) = sessions(8);
    let message = alice.seal(b"message", &mut rng(1)).unwrap();
    for length in 0..message.len() {
        assert!(bob.open(&message[..length], NOW).is_err());
        assert!(bob.open_ephemeral(&message[..length], NOW).is_err());
    }
    let with = |place: usize, byte: u8| {
        let mut altered = message.clone();
        altered[place] = byte;
        altered
    };
    refuse(&mut bob, &with(0, 2), RatchetError::Malformed);
    refuse(&mut bob, &with(1, 0), RatchetError::Malformed);
    refuse(&mut bob, &with(1, 3), RatchetError::Malformed);
    refuse(&mut bob, &with(DH.start, 4), RatchetError::Malformed);
    refuse(&mut bob, &with(DH.start, 5), RatchetError::Malformed);
    refuse(&mut bob, &with(2, message[2] ^ 1), RatchetError::WrongSession);
    refuse(&mut bob, &vec![1; MAX_BODY + MESSAGE_OVERHEAD + 1], RatchetError::Malformed);
    let (_, mut stranger) = sessions(9);
    refuse(&mut stranger, &message, RatchetError::WrongSession);
    bob.open(&message, NOW).unwrap();
}

#[test]
fn lengths_have_a_limit() {
    let (mut alice, mut bob) = sessions(10);
    let rng = &mut rng(1);
    let longest = vec![7; MAX_BODY];
    let message = alice.seal(&longest, rng).unwrap();
    assert_eq!(bob.open(&message, NOW).unwrap(), longest);
    let before = alice.to_bytes();
    assert_eq!(alice.seal(&vec![7; MAX_BODY + 1], rng), Err(RatchetError::TooLong));
    assert_eq!(alice.seal_ephemeral(&vec![7; MAX_BODY + 1], rng), Err(RatchetError::TooLong));
    assert_eq!(*alice.to_bytes(), *before);
}

#[test]
fn a_jump_has_a_limit() {
    let (mut alice, mut bob) = sessions(11);
    let rng = &mut rng(1);
    let messages: Vec<_> = (0..=MAX_JUMP + 1).map(|_| alice.seal(b"x", rng).unwrap()).collect();
    let (last, rest) = messages.split_last().unwrap();
    refuse(&mut bob, last, RatchetError::TooFarAhead);
    let (jump, rest) = rest.split_last().unwrap();
    bob.open(jump, NOW).unwrap();
    bob.open(last, NOW).unwrap();
    assert_eq!(rest.len(), usize::try_from(MAX_JUMP).unwrap());
    for message in rest {
        bob.open(message, NOW).unwrap();
    }
}

/// The end of the previous chain is skipped as well when a new one begins, under the same limit.
#[test]
fn a_jump_before_a_new_chain_has_a_limit() {
    for (missing, expected) in
        [(MAX_JUMP, Ok(b"new".to_vec())), (MAX_JUMP + 1, Err(RatchetError::TooFarAhead))]
    {
        let (mut alice, mut bob) = sessions(12);
        let rng = &mut rng(1);
        for _ in 0..missing {
            alice.seal(b"lost", rng).unwrap();
        }
        let answer = bob.seal(b"answer", rng).unwrap();
        alice.open(&answer, NOW).unwrap();
        let new = alice.seal(b"new", rng).unwrap();
        let before = bob.to_bytes();
        assert_eq!(bob.open(&new, NOW), expected);
        assert_eq!(expected.is_err(), *bob.to_bytes() == *before);
    }
}

#[test]
fn skipped_keys_have_a_limit_and_the_oldest_go_first() {
    let (mut alice, mut bob) = sessions(13);
    let rng = &mut rng(1);
    let jump = usize::try_from(MAX_JUMP).unwrap();
    let mut messages = Vec::new();
    for _ in 0..3 {
        for _ in 0..jump {
            messages.push(alice.seal(b"late", rng).unwrap());
        }
        let prompt = alice.seal(b"prompt", rng).unwrap();
        bob.open(&prompt, NOW).unwrap();
    }
    assert!(bob.to_bytes().len() < 160_000);
    let dropped = 3 * jump - MAX_SKIPPED;
    for message in &messages[..dropped] {
        assert_eq!(bob.open(message, NOW), Err(RatchetError::KeyGone));
    }
    for message in &messages[dropped..] {
        bob.open(message, NOW).unwrap();
    }
}

#[test]
fn skipped_keys_are_forgotten_by_age() {
    let (mut alice, mut bob) = sessions(14);
    let rng = &mut rng(1);
    let day = |days: u64| NOW.saturating_add(Duration::from_secs(days * 86_400));
    let early = alice.seal(b"early", rng).unwrap();
    let message = alice.seal(b"1", rng).unwrap();
    bob.open(&message, day(0)).unwrap();
    let late = alice.seal(b"late", rng).unwrap();
    let message = alice.seal(b"2", rng).unwrap();
    bob.open(&message, day(10)).unwrap();
    let before = bob.to_bytes();
    bob.forget_skipped_before(day(0));
    assert_eq!(*bob.to_bytes(), *before, "skipped at that very time");
    bob.forget_skipped_before(day(46).saturating_sub(Duration::from_secs(45 * 86_400)));
    refuse(&mut bob, &early, RatchetError::KeyGone);
    assert_eq!(bob.open(&late, day(46)).unwrap(), b"late");
    bob.forget_skipped_before(Timestamp::from_millis(u64::MAX));
}

#[test]
fn ephemeral_messages_leave_the_chains_alone() {
    let (mut alice, mut bob) = sessions(15);
    let rng = &mut rng(1);
    let first = alice.seal(b"1", rng).unwrap();
    for _ in 0..2_500 {
        alice.seal_ephemeral(b"lost", rng).unwrap();
    }
    let typing = alice.seal_ephemeral(b"typing", rng).unwrap();
    assert_eq!(typing[N], 2_500u32.to_be_bytes());
    let second = alice.seal(b"2", rng).unwrap();
    assert_eq!(second[N], [0, 0, 0, 2], "no number of the chain was used");
    assert_eq!(bob.open_ephemeral(&typing, NOW).unwrap(), b"typing");
    assert_eq!(bob.open(&second, NOW).unwrap(), b"2");
    assert_eq!(bob.open(&first, NOW).unwrap(), b"1");
}

#[test]
fn ephemeral_numbers_only_rise() {
    let (mut alice, mut bob) = sessions(16);
    let rng = &mut rng(1);
    let messages: Vec<_> = (0..3).map(|_| alice.seal_ephemeral(b"x", rng).unwrap()).collect();
    bob.open_ephemeral(&messages[1], NOW).unwrap();
    refuse_ephemeral(&mut bob, &messages[1], RatchetError::KeyGone);
    refuse_ephemeral(&mut bob, &messages[0], RatchetError::KeyGone);
    bob.open_ephemeral(&messages[2], NOW).unwrap();
}

#[test]
fn ephemeral_messages_open_under_the_current_and_the_previous_key() {
    let (mut alice, mut bob) = sessions(17);
    let rng = &mut rng(1);
    let mut turn = |alice: &mut Session, bob: &mut Session| {
        let answer = bob.seal(b"answer", rng).unwrap();
        alice.open(&answer, NOW).unwrap();
        let ephemeral = alice.seal_ephemeral(b"ephemeral", rng).unwrap();
        let later = alice.seal_ephemeral(b"later", rng).unwrap();
        let message = alice.seal(b"message", rng).unwrap();
        bob.open(&message, NOW).unwrap();
        (ephemeral, later)
    };
    let (oldest, _) = turn(&mut alice, &mut bob);
    let (previous, previous_later) = turn(&mut alice, &mut bob);
    let (current, _) = turn(&mut alice, &mut bob);
    assert_eq!(bob.open_ephemeral(&previous_later, NOW).unwrap(), b"later");
    refuse_ephemeral(&mut bob, &previous_later, RatchetError::KeyGone);
    refuse_ephemeral(&mut bob, &previous, RatchetError::KeyGone);
    assert_eq!(bob.open_ephemeral(&current, NOW).unwrap(), b"ephemeral");
    refuse_ephemeral(&mut bob, &oldest, RatchetError::KeyGone);
}

/// Signalling may be the first thing sent after an answer: it brings the root step along.
#[test]
fn an_ephemeral_message_under_a_new_key_brings_the_root_step() {
    let (mut alice, mut bob) = sessions(18);
    let rng = &mut rng(1);
    let lost = alice.seal(b"lost for now", rng).unwrap();
    let ephemeral = bob.seal_ephemeral(b"offer", rng).unwrap();
    refuse_every_flip(&mut alice, &ephemeral);
    assert_eq!(alice.open_ephemeral(&ephemeral, NOW).unwrap(), b"offer");
    assert!(!alice.is_unanswered());
    let answer = alice.seal_ephemeral(b"answer", rng).unwrap();
    assert_eq!(bob.open_ephemeral(&answer, NOW).unwrap(), b"answer");
    assert_eq!(bob.open(&lost, NOW).unwrap(), b"lost for now");
    let message = alice.seal(b"after", rng).unwrap();
    assert_eq!(bob.open(&message, NOW).unwrap(), b"after");
}

/// A rolled-back state seals under the same message key, but never under the same key and nonce.
#[test]
fn a_rolled_back_state_repeats_no_ciphertext() {
    let (alice, _) = sessions(19);
    let stored = alice.to_bytes();
    let rng = &mut rng(1);
    let seal = |rng: &mut _| {
        let mut session = Session::from_bytes(&stored).unwrap();
        (session.seal(&[0; 64], rng).unwrap(), session.seal_ephemeral(&[0; 64], rng).unwrap())
    };
    let (first, second) = (seal(rng), seal(rng));
    assert_eq!(first.0[..59], second.0[..59], "the same place in the chain");
    assert_ne!(first.0[75..139], second.0[75..139]);
    assert_ne!(first.1[75..139], second.1[75..139]);
}

#[test]
fn there_is_no_responder_without_a_message_that_opens() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let (agreement, first) = alice.initiate(&bob.bundle(true), None, 1);
    let mut session = Session::initiate(&agreement, &mut rng(1));
    let message = session.seal(b"hello", &mut rng(2)).unwrap();
    let ephemeral = session.seal_ephemeral(b"hello", &mut rng(2)).unwrap();
    let agreement = x3dh::respond(&bob.responder_keys(true, None), &alice.device, &first).unwrap();
    let respond = |message: &[u8]| Session::respond(&agreement, message, NOW).map(|(_, plaintext)| plaintext);
    let mut altered = message.clone();
    altered[80] ^= 1;
    assert_eq!(respond(&altered), Err(RatchetError::BadTag));
    assert_eq!(respond(&ephemeral), Err(RatchetError::Malformed));
    let mut prekey = message.clone();
    prekey[DH].copy_from_slice(bob.signed_prekey.public().as_bytes());
    assert_eq!(respond(&prekey), Err(RatchetError::Malformed));
    assert_eq!(respond(&message), Ok(b"hello".to_vec()));
}

#[test]
fn first_messages_may_arrive_in_any_order() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let (agreement, first) = alice.initiate(&bob.bundle(true), None, 1);
    let mut ours = Session::initiate(&agreement, &mut rng(1));
    let messages: Vec<_> = (0u8..3).map(|i| ours.seal(&[i], &mut rng(i.into())).unwrap()).collect();
    let agreement = x3dh::respond(&bob.responder_keys(true, None), &alice.device, &first).unwrap();
    let (mut theirs, plaintext) = Session::respond(&agreement, &messages[2], NOW).unwrap();
    assert_eq!(plaintext, [2]);
    assert_eq!(theirs.open(&messages[0], NOW).unwrap(), [0]);
    assert_eq!(theirs.open(&messages[1], NOW).unwrap(), [1]);
}

#[test]
fn a_session_survives_storage_at_every_step() {
    let (mut alice, mut bob) = sessions(20);
    let rng = &mut rng(1);
    let reload = |session: &mut Session| {
        let bytes = session.to_bytes();
        *session = Session::from_bytes(&bytes).unwrap();
        assert_eq!(*session.to_bytes(), *bytes);
    };
    let mut late = Vec::new();
    for round in 0u8..8 {
        late.push(alice.seal(&[round], rng).unwrap());
        reload(&mut alice);
        let ephemeral = alice.seal_ephemeral(&[round], rng).unwrap();
        reload(&mut alice);
        let message = alice.seal(&[round], rng).unwrap();
        reload(&mut alice);
        bob.open_ephemeral(&ephemeral, NOW).unwrap();
        reload(&mut bob);
        bob.open(&message, NOW).unwrap();
        reload(&mut bob);
        let answer = bob.seal(&[round], rng).unwrap();
        reload(&mut bob);
        alice.open(&answer, NOW).unwrap();
        reload(&mut alice);
    }
    for message in &late {
        bob.open(message, NOW).unwrap();
        reload(&mut bob);
    }
}

#[test]
fn stored_bytes_are_parsed_under_limits() {
    let (mut alice, mut bob) = sessions(21);
    let rng = &mut rng(1);
    alice.seal(b"lost", rng).unwrap();
    for _ in 0..3 {
        let message = alice.seal(b"message", rng).unwrap();
        bob.open(&message, NOW).unwrap();
        let answer = bob.seal(b"answer", rng).unwrap();
        alice.open(&answer, NOW).unwrap();
    }
    let bytes = bob.to_bytes();
    assert!(Session::from_bytes(&bytes).is_ok());
    for length in 0..bytes.len() {
        assert_eq!(Session::from_bytes(&bytes[..length]).unwrap_err(), StateError, "{length}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(Session::from_bytes(&longer).is_err());
    // Whatever the bytes say, reading them ends, without a panic.
    for place in 0..bytes.len() {
        for flip in [1, 0x80, 0xff] {
            let mut altered = bytes.to_vec();
            altered[place] ^= flip;
            let _ = Session::from_bytes(&altered);
        }
    }
}

#[test]
fn debug_output_names_the_session_only() {
    let (alice, _) = sessions(22);
    let id = format!("{:?}", alice.id());
    assert_eq!(format!("{alice:?}"), format!("Session {{ id: {id}, .. }}"));
}
