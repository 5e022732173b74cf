//! Any schedule of loss, duplication, reordering, storage and rollback between two sessions: each message opens at
//! most once and as what it was, what is refused changes nothing, and no key meets a nonce twice.

use crate::common::{NOW, rng, sessions};
use proptest::prelude::*;
use sotto_crypto::ratchet::{RatchetError, Session};
use std::collections::{HashMap, HashSet};

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Side seals a message.
    Seal(bool),
    /// Side seals an ephemeral message.
    SealEphemeral(bool),
    /// Something in flight arrives; it stays in flight, so it may arrive again.
    Deliver(prop::sample::Index),
    /// Something in flight arrives with one bit changed.
    Corrupt(prop::sample::Index, prop::sample::Index),
    /// Something in flight is lost.
    Lose(prop::sample::Index),
    /// Side is stored and read back.
    Reload(bool),
    /// Side's state is copied.
    Copy(bool),
    /// Side is what it was when it was copied.
    RollBack(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        4 => any::<bool>().prop_map(Step::Seal),
        2 => any::<bool>().prop_map(Step::SealEphemeral),
        8 => index().prop_map(Step::Deliver),
        1 => (index(), index()).prop_map(|(message, bit)| Step::Corrupt(message, bit)),
        1 => index().prop_map(Step::Lose),
        1 => any::<bool>().prop_map(Step::Reload),
        1 => any::<bool>().prop_map(Step::Copy),
        1 => any::<bool>().prop_map(Step::RollBack),
    ]
}

struct InFlight {
    to_bob: bool,
    ephemeral: bool,
    number: u32,
    bytes: Vec<u8>,
}

/// A side at some time: its state, and what it had opened.
type Copied = (zeroize::Zeroizing<Vec<u8>>, HashSet<u32>);

struct World {
    alice: Session,
    bob: Session,
    flight: Vec<InFlight>,
    sealed: u32,
    /// By side.
    opened: [HashSet<u32>; 2],
    copied: [Option<Copied>; 2],
    rolled_back: bool,
    /// How every message's ciphertext begins. All plaintexts begin with the same 32 zeros, so that is the keystream: two
    /// are equal exactly when a key has met a nonce twice.
    keystreams: HashMap<Vec<u8>, u32>,
}

impl World {
    fn side(&mut self, bob: bool) -> &mut Session {
        if bob { &mut self.bob } else { &mut self.alice }
    }

    fn seal(&mut self, from_bob: bool, ephemeral: bool) {
        let number = self.sealed;
        self.sealed += 1;
        let rng = &mut rng(u64::from(number));
        let body = body(number);
        let session = self.side(from_bob);
        let bytes =
            if ephemeral { session.seal_ephemeral(&body, rng) } else { session.seal(&body, rng) }.unwrap();
        assert_eq!(self.keystreams.insert(bytes[75..107].to_vec(), number), None, "a key and nonce repeat");
        self.flight.push(InFlight { to_bob: !from_bob, ephemeral, number, bytes });
    }

    fn arrive(&mut self, index: usize, flip: Option<usize>) {
        let InFlight { to_bob, ephemeral, number, ref bytes } = self.flight[index];
        let mut bytes = bytes.clone();
        if let Some(bit) = flip {
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        let session = self.side(to_bob);
        let before = session.to_bytes();
        let opened = if ephemeral { session.open_ephemeral(&bytes, NOW) } else { session.open(&bytes, NOW) };
        match opened {
            Ok(plaintext) => {
                assert_eq!(flip, None, "an altered message opened");
                assert_eq!(plaintext, body(number));
                assert!(self.opened[usize::from(to_bob)].insert(number), "message {number} opened twice");
            }
            Err(error) => {
                assert_eq!(*session.to_bytes(), *before, "a refused message changed the state");
                let opened = self.opened[usize::from(to_bob)].contains(&number);
                let expected = flip.is_some() || ephemeral || self.rolled_back || opened;
                assert!(expected, "message {number} was refused: {error:?}");
                let gone = matches!(error, RatchetError::KeyGone | RatchetError::BadTag);
                assert!(flip.is_some() || gone, "{error:?}");
            }
        }
    }

    fn copy(&mut self, bob: bool) {
        let state = self.side(bob).to_bytes();
        self.copied[usize::from(bob)] = Some((state, self.opened[usize::from(bob)].clone()));
    }

    fn roll_back(&mut self, bob: bool) {
        let Some((state, opened)) = &self.copied[usize::from(bob)] else { return };
        let (session, opened) = (Session::from_bytes(state).unwrap(), opened.clone());
        *self.side(bob) = session;
        self.opened[usize::from(bob)] = opened;
        self.rolled_back = true;
    }
}

/// 32 zeros, and what tells it from others.
fn body(number: u32) -> Vec<u8> {
    [[0; 32].as_slice(), &number.to_be_bytes(), &vec![0; usize::try_from(number % 7).unwrap()]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_message_opens_at_most_once(seed in 0u64..4, rolls_back: bool, steps in prop::collection::vec(step(), 1..160)) {
        let (alice, bob) = sessions(seed);
        let mut world = World {
            alice,
            bob,
            flight: Vec::new(),
            sealed: 0,
            opened: [HashSet::new(), HashSet::new()],
            copied: [None, None],
            rolled_back: false,
            keystreams: HashMap::new(),
        };
        for step in steps {
            let waiting = world.flight.len();
            match step {
                Step::Seal(bob) => world.seal(bob, false),
                Step::SealEphemeral(bob) => world.seal(bob, true),
                Step::Reload(bob) => {
                    let side = world.side(bob);
                    *side = Session::from_bytes(&side.to_bytes()).unwrap();
                }
                Step::Copy(bob) => world.copy(bob),
                Step::RollBack(bob) if rolls_back => world.roll_back(bob),
                Step::RollBack(_) => {}
                _ if waiting == 0 => {}
                Step::Deliver(index) => world.arrive(index.index(waiting), None),
                Step::Corrupt(index, bit) => {
                    let index = index.index(waiting);
                    let bits = world.flight[index].bytes.len() * 8;
                    world.arrive(index, Some(bit.index(bits)));
                }
                Step::Lose(index) => drop(world.flight.swap_remove(index.index(waiting))),
            }
        }
        // Whatever was not lost still opens, in any order; nothing is beyond the limits in so short a run. After a
        // rollback the two may have parted for good: then a fresh session is what helps.
        for index in (0..world.flight.len()).rev() {
            world.arrive(index, None);
        }
        let arrived = |message: &InFlight| world.opened[usize::from(message.to_bob)].contains(&message.number);
        let whole = world.flight.iter().filter(|message| !message.ephemeral).all(arrived);
        prop_assert!(world.rolled_back || whole);
    }
}
