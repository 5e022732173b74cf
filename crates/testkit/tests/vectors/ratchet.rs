//! Conversations played again from the file: every message sealed to the same bytes and opened by the other side.

use sotto_crypto::ratchet::Session;
use sotto_crypto::x3dh;
use sotto_testkit::vectors::NOW;

use crate::given::{Draws, Given, each};
use crate::people::Person;

#[test]
fn conversations() {
    each("ratchet", "", |case| {
        let (a, b) = (Person::of(case, "A"), Person::of(case, "B"));
        let mut draws = Draws::of(case, "/random", "EK");
        let (at_a, first) =
            x3dh::initiate(&a.device, &a.identity, &b.peer_keys(true), None, &mut draws).unwrap();
        let at_b = b.respond(&a.device, &first, true, None).unwrap();
        let mut draws = Draws::of(case, "/random", "ratchet key");
        let mut alice = Session::initiate(&at_a, &mut draws);
        let mut bob: Option<Session> = None;
        let steps = case.at("/expect/steps").as_array().unwrap();
        for (place, step) in steps.iter().enumerate() {
            let step = Given(step.clone());
            println!("  step {place}: {} {}", step.text("/by"), step.text("/do"));
            let is_bob = step.text("/by") == "B";
            if is_bob && bob.is_none() {
                let begun = Session::respond(&at_b, &step.filled("/message"), NOW);
                if let Some((session, plaintext)) = step.judge(begun) {
                    assert_eq!(plaintext, step.bytes("/plaintext"));
                    bob = Some(session);
                }
                continue;
            }
            act(if is_bob { bob.as_mut().unwrap() } else { &mut alice }, &step);
        }
    });
}

fn act(session: &mut Session, step: &Given) {
    let sealed = |session: &mut Session, ephemeral: bool| {
        let mut draws = Draws::of(step, "/random", "");
        let plaintext = step.bytes("/plaintext");
        let message = if ephemeral {
            session.seal_ephemeral(&plaintext, &mut draws)
        } else {
            session.seal(&plaintext, &mut draws)
        };
        assert_eq!(message.unwrap(), step.bytes("/message"));
    };
    let opened = |session: &mut Session, ephemeral: bool| {
        let message = step.filled("/message");
        let before = session.to_bytes();
        let outcome =
            if ephemeral { session.open_ephemeral(&message, NOW) } else { session.open(&message, NOW) };
        match step.judge(outcome) {
            Some(plaintext) => assert_eq!(plaintext, step.bytes("/plaintext")),
            None => assert!(session.to_bytes() == before, "a refused message changed the state"),
        }
    };
    match step.text("/do") {
        "seal" => sealed(session, false),
        "seal ephemeral" => sealed(session, true),
        "open" => opened(session, false),
        "open ephemeral" => opened(session, true),
        "lose" => {
            for _ in 0..step.number("/count") {
                let mut any =
                    <rand_chacha::ChaCha12Rng as rand_chacha::rand_core::SeedableRng>::seed_from_u64(9);
                session.seal(b"", &mut any).unwrap();
            }
        }
        other => panic!("{other}"),
    }
}
