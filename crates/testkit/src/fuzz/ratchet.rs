//! Ratchet sessions: state at rest, messages as they come, and schedules of two sides of which one may lie with valid
//! tags. The first byte chooses which.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use sotto_crypto::Timestamp;
use sotto_crypto::ratchet::{MAX_JUMP, MAX_SKIPPED, MessageKind, Preview, RatchetError, Session};
use sotto_crypto::x3dh::{self, ResponderKeys};

use super::Seeds;
use super::input::{Choices, alter};
use super::someone::{NOW, Someone, rng};

/// Two stored sessions at some moment, and what did not arrive yet at each: a message, an ephemeral message, and one whose
/// key was skipped.
struct Moment {
    states: [Vec<u8>; 2],
    waiting: [[Vec<u8>; 3]; 2],
}

/// What all moments come from.
struct Scene {
    agreement: x3dh::ResponderAgreement,
    first: Vec<u8>,
    moments: Vec<Moment>,
}

fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(|| {
        let (anna, ben) = (Someone::new(1), Someone::new(2));
        let peer = ben.peer_keys(true);
        let (agreement, keys) =
            x3dh::initiate(anna.device(), &anna.identity, &peer, None, &mut rng(3)).unwrap();
        let mut ours = Session::initiate(&agreement, &mut rng(4));
        let first = ours.seal(b"first", &mut rng(5)).unwrap();
        let responder = ResponderKeys {
            device: ben.device(),
            identity: &ben.identity,
            signed_prekey: &ben.signed_prekey,
            one_time_prekey: Some(&ben.one_time),
            invite: None,
        };
        let agreement = x3dh::respond(&responder, anna.device(), &keys).unwrap();
        let (theirs, _) = Session::respond(&agreement, &first, NOW).unwrap();
        let mut pair = [ours, theirs];
        let mut moments = vec![moment(&pair)];
        let fresh = &mut rng(6);
        // Answered; then with gaps in a former and in the current chain of both sides.
        for round in 0..3 {
            for from in [1, 0] {
                for lost in 0..4_u8 {
                    let message = pair[from].seal(&[round, lost], fresh).unwrap();
                    let ephemeral = pair[from].seal_ephemeral(b"e", fresh).unwrap();
                    if lost == 3 || round == 0 {
                        pair[1 - from].open(&message, NOW).unwrap();
                        pair[1 - from].open_ephemeral(&ephemeral, NOW).unwrap();
                    }
                }
            }
            moments.push(moment(&pair));
        }
        Scene { agreement, first, moments }
    })
}

fn moment(pair: &[Session; 2]) -> Moment {
    let mut pair = pair.each_ref().map(|session| restored(&session.to_bytes()));
    let fresh = &mut rng(7);
    let late = [1, 0].map(|from| {
        let late = pair[from].seal(b"late", fresh).unwrap();
        let next = pair[from].seal(b"next", fresh).unwrap();
        pair[1 - from].open(&next, NOW).unwrap();
        late
    });
    let states = [pair[0].to_bytes().to_vec(), pair[1].to_bytes().to_vec()];
    let waiting = [1, 0].map(|from| {
        let mut sender = restored(&states[from]);
        // Messages are sealed before the state moves on: three that are skipped, then one.
        for _ in 0..3 {
            sender.seal(b"skipped", fresh).unwrap();
        }
        let message = sender.seal(b"message", fresh).unwrap();
        [message, sender.seal_ephemeral(b"ephemeral", fresh).unwrap(), late[1 - from].clone()]
    });
    Moment { states, waiting }
}

fn restored(state: &[u8]) -> Session {
    Session::from_bytes(state).expect("what was stored comes back")
}

/// Plays one input.
pub fn ratchet(data: &[u8]) -> bool {
    let Some((kind, bytes)) = data.split_first() else { return false };
    let mut choices = Choices::new(bytes);
    match kind {
        0 => at_rest(bytes, &mut Choices::new(&[])),
        1 => at_rest_altered(choices),
        2 => received(&mut choices),
        3 => altered(&mut choices),
        4 => first_message(choices),
        5 => schedule(choices),
        _ => false,
    }
}

/// Opens a message of either kind; if it is refused, the state is as before.
fn open(session: &mut Session, message: &[u8], now: Timestamp) -> Result<Vec<u8>, RatchetError> {
    let before = session.to_bytes();
    let opened = match Preview::of(message).map(|preview| preview.kind) {
        Ok(MessageKind::Ephemeral) => session.open_ephemeral(message, now),
        _ => session.open(message, now),
    };
    let after = session.to_bytes();
    if opened.is_err() {
        assert_eq!(*before, *after, "a refused message changed the state");
    } else {
        assert_ne!(*before, *after, "an opened message leaves its key behind");
    }
    assert!(after.len() < 256 << 10);
    opened
}

/// Bytes that are accepted as a state are what that state is stored as. It may say anything about counters; using it
/// does not panic.
fn at_rest(bytes: &[u8], choices: &mut Choices<'_>) -> bool {
    let Ok(mut session) = Session::from_bytes(bytes) else { return false };
    assert_eq!(*session.to_bytes(), bytes, "one encoding");
    let side = usize::from(choices.u8());
    let scene = scene();
    let moment = &scene.moments[side / 2 % scene.moments.len()];
    for message in moment.waiting.iter().flatten().chain([&scene.first]) {
        let _ = open(&mut session, message, NOW);
    }
    let fresh = &mut rng(9);
    for _ in 0..2 {
        let message = session.seal(b"after", fresh);
        assert!(message.is_ok() || message == Err(RatchetError::Exhausted));
        let message = session.seal_ephemeral(b"after", fresh);
        assert!(message.is_ok() || message == Err(RatchetError::Exhausted));
    }
    session.forget_skipped_before(NOW);
    assert_eq!(*restored(&session.to_bytes()).to_bytes(), *session.to_bytes());
    true
}

fn at_rest_altered(mut choices: Choices<'_>) -> bool {
    let scene = scene();
    let which = choices.u8();
    let mut state =
        scene.moments[usize::from(which / 2) % scene.moments.len()].states[usize::from(which % 2)].clone();
    alter(&mut state, &mut choices);
    at_rest(&state, &mut Choices::new(&[which]))
}

/// Any bytes to a session at some moment. Nobody sealed them.
fn received(choices: &mut Choices<'_>) -> bool {
    let scene = scene();
    let which = choices.u8();
    let side = usize::from(which % 2);
    let moment = &scene.moments[usize::from(which / 2) % scene.moments.len()];
    let mut session = restored(&moment.states[side]);
    let message = core::mem::replace(choices, Choices::new(&[])).rest();
    let Err(error) = open(&mut session, message, NOW) else {
        // Only the messages made here open, and the corpus may hold them.
        let known = moment.waiting[side].iter().any(|known| known == message) || message == scene.first;
        assert!(known, "a forged message opened");
        return true;
    };
    // Which rule refused it depends on where it lies.
    match Preview::of(message) {
        Err(refused) => assert_eq!((refused, error), (RatchetError::Malformed, RatchetError::Malformed)),
        Ok(preview) if preview.session_id != session.id() => assert_eq!(error, RatchetError::WrongSession),
        Ok(_) => assert_ne!(error, RatchetError::WrongSession),
    }
    false
}

/// A message on its way, altered: it opens exactly if nothing changed, and opens still after the forgery came.
fn altered(choices: &mut Choices<'_>) -> bool {
    let scene = scene();
    let which = choices.u8();
    let (side, kind) = (usize::from(which % 2), usize::from(which / 2 % 3));
    let moment = &scene.moments[usize::from(which / 6) % scene.moments.len()];
    let mut session = restored(&moment.states[side]);
    let message = &moment.waiting[side][kind];
    let mut forged = message.clone();
    let changed = alter(&mut forged, choices);
    assert_eq!(open(&mut session, &forged, NOW).is_err(), changed);
    let expected: &[u8] = [&b"message"[..], b"ephemeral", b"late"][kind];
    if changed {
        assert_eq!(open(&mut session, message, NOW).as_deref(), Ok(expected));
    }
    assert!(open(&mut session, message, NOW).is_err(), "opened twice");
    !changed
}

/// A session is made only by a first message that opens.
fn first_message(mut choices: Choices<'_>) -> bool {
    let scene = scene();
    let mut first = scene.first.clone();
    let changed = if choices.u8() == 0 {
        alter(&mut first, &mut choices)
    } else {
        first = choices.rest().to_vec();
        first != scene.first
    };
    let session = Session::respond(&scene.agreement, &first, NOW);
    assert_eq!(session.is_err(), changed);
    !changed
}

/// One message on its way, what it says, and whether its sender lied about it.
struct InFlight {
    to: usize,
    number: u32,
    ephemeral: bool,
    honest: bool,
    bytes: Vec<u8>,
}

/// Place of `pn` in a stored state: version, transcript, root key, own secret, the peer's point.
const PN: usize = 1 + 32 + 32 + 32 + 33;

/// Two sides; everything sealed may come late, twice, altered or never, states are stored, and a side may lie about `pn`
/// and run far ahead, with valid tags all the same. What was honest and came opens once, whatever else came.
fn schedule(mut choices: Choices<'_>) -> bool {
    let scene = scene();
    let moment = &scene.moments[usize::from(choices.u8()) % scene.moments.len()];
    let mut pair = [restored(&moment.states[0]), restored(&moment.states[1])];
    let mut flight: Vec<InFlight> = Vec::new();
    let mut opened: BTreeMap<u32, u32> = BTreeMap::new();
    let mut number = 0_u32;
    // Who lied is owed nothing; who ran ahead of what may be skipped, neither.
    let mut honest = [true, true];
    let mut sealed = [0_u32; 2];
    let mut now = NOW;
    let fresh = &mut rng(8);
    for _ in 0..64 {
        if choices.is_empty() {
            break;
        }
        let (step, argument) = (choices.u8(), choices.u8());
        let side = usize::from(argument % 2);
        match step % 12 {
            0..=3 => {
                let ephemeral = step % 12 == 3;
                number += 1;
                let text = number.to_be_bytes();
                let session = &mut pair[side];
                let bytes =
                    if ephemeral { session.seal_ephemeral(&text, fresh) } else { session.seal(&text, fresh) };
                let Ok(bytes) = bytes else { continue };
                sealed[side] += u32::from(!ephemeral);
                flight.push(InFlight { to: 1 - side, number, ephemeral, honest: honest[side], bytes });
            }
            4..=7 if !flight.is_empty() => {
                let place = usize::from(argument) % flight.len();
                arrive(&mut pair, &flight[place], &mut opened, now, None);
            }
            8 if !flight.is_empty() => {
                let place = usize::from(argument) % flight.len();
                let at = choices.below(flight[place].bytes.len() * 8);
                arrive(&mut pair, &flight[place], &mut opened, now, Some(at));
            }
            8 => {}
            9 => pair[side] = restored(&pair[side].to_bytes()),
            10 if argument < 128 => {
                // Many messages that never arrive.
                let many = (u32::from(argument) * 20).min(MAX_JUMP + 1);
                for _ in 0..many {
                    let _ = pair[side].seal(b"", fresh);
                }
                sealed[side] += many;
                if sealed[side] > MAX_JUMP {
                    honest[side] = false;
                }
            }
            10 => {
                now = now.saturating_add(core::time::Duration::from_secs(u64::from(argument) << 12));
                for session in &mut pair {
                    session.forget_skipped_before(NOW);
                }
            }
            11 => {
                let mut state = pair[side].to_bytes().to_vec();
                state[PN..PN + 4].copy_from_slice(&choices.u32().to_be_bytes());
                pair[side] = restored(&state);
                honest[side] = false;
            }
            _ => {}
        }
        assert!(pair.iter().all(|session| session.to_bytes().len() < 900 + MAX_SKIPPED * 77));
    }
    let liars = honest != [true, true];
    for message in flight.iter().rev() {
        arrive(&mut pair, message, &mut opened, now, None);
    }
    // Where nobody lied, everything that came has opened by now.
    let missed = flight.iter().filter(|message| !message.ephemeral && !opened.contains_key(&message.number));
    assert!(liars || missed.count() == 0, "an honest message never opened");
    !flight.is_empty()
}

fn arrive(
    pair: &mut [Session; 2],
    message: &InFlight,
    opened: &mut BTreeMap<u32, u32>,
    now: Timestamp,
    flip: Option<usize>,
) {
    let mut bytes = message.bytes.clone();
    if let Some(bit) = flip {
        bytes[bit / 8] ^= 1 << (bit % 8);
    }
    match open(&mut pair[message.to], &bytes, now) {
        Ok(text) => {
            assert!(flip.is_none(), "an altered message opened");
            assert_eq!(text, message.number.to_be_bytes());
            let times = opened.entry(message.number).or_default();
            *times += 1;
            assert_eq!(*times, 1, "opened twice");
        }
        Err(error) => {
            let expected = flip.is_some()
                || message.ephemeral
                || !message.honest
                || opened.contains_key(&message.number)
                || error == RatchetError::TooFarAhead;
            assert!(expected || error == RatchetError::KeyGone, "an honest message was refused: {error}");
        }
    }
}

pub(super) fn seeds() -> Seeds {
    let scene = scene();
    let mut seeds: Seeds = Vec::new();
    let mut add = |name: &str, kind: u8, bytes: &[u8]| {
        seeds.push((name.to_owned(), [&[kind], bytes].concat()));
    };
    for (at, moment) in (0_u8..).zip(&scene.moments) {
        for side in 0..2_u8 {
            let place = usize::from(side);
            if at != 1 {
                add(&format!("state-{at}-{side}"), 0, &moment.states[place]);
            }
            add(&format!("state-unchanged-{at}-{side}"), 1, &[at * 2 + side]);
            let received = [&[at * 2 + side], moment.waiting[place][0].as_slice()].concat();
            add(&format!("message-{at}-{side}"), 2, &received);
            let received = [&[at * 2 + side], moment.waiting[place][1].as_slice()].concat();
            add(&format!("ephemeral-{at}-{side}"), 2, &received);
            add(&format!("unchanged-{at}-{side}"), 3, &[at * 6 + side]);
            add(&format!("late-{at}-{side}"), 3, &[at * 6 + 4 + side]);
        }
    }
    // Altered in the ciphertext, the tag, the salt, the number, `pn` and the ratchet key.
    for (name, at) in [("ciphertext", 76), ("tag", 90), ("salt", 60), ("number", 58), ("pn", 54), ("dh", 40)]
    {
        for kind in 0..3 {
            add(&format!("refused-{name}-{kind}"), 3, &[6 + kind * 2, 3, 0, at, 1]);
        }
    }
    add("refused-first", 4, &[0, 3, 0, 80, 1]);
    add("first", 4, &[0]);
    add("schedule-in-order", 5, &[0, 0, 0, 4, 0, 0, 1, 4, 1, 0, 0, 4, 2, 0, 1, 4, 3]);
    add(
        "schedule-late",
        5,
        &[1, 0, 0, 0, 0, 0, 0, 4, 2, 0, 1, 4, 3, 0, 0, 9, 1, 8, 3, 0, 9, 4, 0, 4, 1, 4, 4],
    );
    add("schedule-ephemeral", 5, &[2, 3, 0, 3, 0, 3, 1, 4, 1, 4, 0, 4, 2, 0, 0, 4, 3, 9, 0]);
    add("schedule-far-ahead", 5, &[3, 10, 100, 0, 0, 4, 0, 10, 101, 0, 1, 4, 1]);
    add("schedule-liar", 5, &[3, 0, 0, 0, 1, 4, 0, 4, 1, 11, 0, 0, 0, 3, 0xe8, 0, 0, 4, 2, 0, 1, 4, 3]);
    seeds
}
