//! Conversations: loss, reordering, skipped keys, both directions, ephemeral messages, what is refused.

use serde_json::{Map, Value, json};
use sotto_crypto::ratchet::{RatchetError, Session};

use super::NOW;
use super::conversation::Told;
use super::form::{Case, Cases, Rule, Structure, hex};
use super::people::Person;
use super::x3dh::agree;

pub(super) const RATCHET: Structure = Structure {
    name: "ratchet",
    sections: "6",
    about: "A conversation of A, who begins, and B, in `steps` to be done in order. `seal` and `seal ephemeral` give \
            `message` when what stands under `random` is drawn in its order (`r` before the ratchet key, where a root \
            step is due), with every key on the way. `lose` seals that many messages that never arrive; their r does \
            not matter. `open` and `open ephemeral` have the plaintext or are refused by a rule, after which the state \
            is what it was. B's first `open` makes its session.",
    fill,
};

/// How B begins its session with the first message that opens.
type Begins = dyn Fn(&[u8]) -> Result<(Session, Vec<u8>), RatchetError>;

/// A conversation while it is played.
struct Played<'a> {
    case: &'a mut Case,
    told: Told,
    a: Session,
    b: Option<Session>,
    b_begins: Box<Begins>,
    steps: Vec<Value>,
}

const A: usize = 0;
const B: usize = 1;
const NAMES: [&str; 2] = ["A", "B"];

impl Played<'_> {
    fn session(&mut self, side: usize) -> &mut Session {
        if side == A { &mut self.a } else { self.b.as_mut().expect("B has heard from A") }
    }

    fn seal(&mut self, side: usize, plaintext: &[u8]) -> Vec<u8> {
        self.seal_either(side, plaintext, false)
    }

    fn seal_ephemeral(&mut self, side: usize, plaintext: &[u8]) -> Vec<u8> {
        self.seal_either(side, plaintext, true)
    }

    fn seal_either(&mut self, side: usize, plaintext: &[u8], ephemeral: bool) -> Vec<u8> {
        let steps = self.told.steps_next(side);
        let draws: &[&str] = if steps { &["r", "ratchet key"] } else { &["r"] };
        let rng = self.case.random(draws.iter().copied());
        let session = if side == A { &mut self.a } else { self.b.as_mut().expect("B has heard from A") };
        let message =
            if ephemeral { session.seal_ephemeral(plaintext, rng) } else { session.seal(plaintext, rng) };
        let message = message.expect("sealed");
        if steps {
            self.told.take_step(side, self.case.scalar("ratchet key"));
        }
        let mut step = self.told.sealed(side, &message, plaintext);
        step.insert("random".to_owned(), self.case.drawn());
        self.steps.push(step.into());
        message
    }

    /// Seals messages that never arrive. There must have been one on this chain before.
    fn lose(&mut self, side: usize, count: u32) {
        assert!(!self.told.steps_next(side));
        let mut rng = <rand_chacha::ChaCha12Rng as rand_chacha::rand_core::SeedableRng>::seed_from_u64(0);
        for _ in 0..count {
            self.session(side).seal(b"lost", &mut rng).expect("sealed");
        }
        self.steps.push(json!({ "by": NAMES[side], "do": "lose", "count": count }));
    }

    /// What opening gives, or the rule by which it is refused; refused, nothing has changed.
    fn try_open(&mut self, side: usize, message: &[u8], ephemeral: bool) -> Result<Vec<u8>, RatchetError> {
        if side == B && self.b.is_none() {
            let (session, plaintext) = (self.b_begins)(message)?;
            self.b = Some(session);
            return Ok(plaintext);
        }
        let session = self.session(side);
        let before = session.to_bytes();
        let opened =
            if ephemeral { session.open_ephemeral(message, NOW) } else { session.open(message, NOW) };
        assert!(opened.is_ok() || session.to_bytes() == before, "a refused message changed the state");
        opened
    }

    fn open(&mut self, side: usize, message: &[u8]) {
        self.open_as(side, message, false, None);
    }

    fn open_ephemeral(&mut self, side: usize, message: &[u8]) {
        self.open_as(side, message, true, None);
    }

    fn refuse(&mut self, side: usize, message: &[u8], rule: &str) {
        self.open_as(side, message, false, Some(rule));
    }

    fn refuse_ephemeral(&mut self, side: usize, message: &[u8], rule: &str) {
        self.open_as(side, message, true, Some(rule));
    }

    fn open_as(&mut self, side: usize, message: &[u8], ephemeral: bool, rule: Option<&str>) {
        let mut step = Map::new();
        step.insert("by".to_owned(), NAMES[side].into());
        step.insert("do".to_owned(), if ephemeral { "open ephemeral" } else { "open" }.into());
        let filled = json!({ "prefix": hex(&message[..message.len().min(200)]), "length": message.len() });
        let told = if message.len() > 200 { filled } else { hex(message).into() };
        step.insert("message".to_owned(), told);
        match (self.try_open(side, message, ephemeral), rule) {
            (Ok(plaintext), None) => {
                self.told.opened(side, message);
                step.insert("plaintext".to_owned(), hex(plaintext).into());
            }
            (Err(error), Some(rule)) => {
                assert_eq!(error.rule(), rule);
                step.insert("refused".to_owned(), rule.into());
            }
            (outcome, rule) => panic!("{outcome:?}, and not {rule:?}"),
        }
        self.steps.push(step.into());
    }
}

fn play(cases: &mut Cases, name: &str, act: impl FnOnce(&mut Played<'_>)) {
    cases.case(name, |case| {
        let a = Person::new(case, "A");
        let b = Person::new(case, "B");
        let agreed = agree(case, &a, &b, true, None);
        case.given("x3dh", agreed.told.clone());
        let mut told = Told::new(&agreed, &b);
        let session = Session::initiate(&agreed.at_a, case.random(["ratchet key"]));
        told.initiated(case);
        let before = case.drawn();
        let at_b = agreed.at_b;
        let b_begins = Box::new(move |message: &[u8]| Session::respond(&at_b, message, NOW));
        let mut played = Played { case, told, a: session, b: None, b_begins, steps: Vec::new() };
        act(&mut played);
        let steps = core::mem::take(&mut played.steps);
        case.restore(before);
        case.expect("steps", steps);
    });
}

fn fill(cases: &mut Cases) {
    play(cases, "both directions", |talk| {
        for round in 0..3_u8 {
            let from_a = talk.seal(A, &[b"from A ", [b'0' + round].as_slice()].concat());
            talk.open(B, &from_a);
            let from_b = talk.seal(B, &[b"from B ", [b'0' + round].as_slice()].concat());
            talk.open(A, &from_b);
        }
        let empty = talk.seal(A, b"");
        talk.open(B, &empty);
    });
    play(cases, "loss and reordering", lost_and_reordered);
    play(cases, "the first message arrives last", |talk| {
        let sent: Vec<_> = [b"0", b"1", b"2"].into_iter().map(|text| talk.seal(A, text)).collect();
        talk.open(B, &sent[2]);
        talk.open(B, &sent[1]);
        let answer = talk.seal(B, b"answer");
        talk.open(A, &answer);
        talk.open(B, &sent[0]);
    });
    play(cases, "a thousand skipped keys, and one more", |talk| {
        let first = talk.seal(A, b"first");
        talk.open(B, &first);
        talk.lose(A, 1_000);
        let reached = talk.seal(A, b"after 1000");
        talk.open(B, &reached);
        talk.lose(A, 1_001);
        let beyond = talk.seal(A, b"after 1001");
        talk.refuse(B, &beyond, "too-far-ahead");
        let answer = talk.seal(B, b"answer");
        talk.open(A, &answer);
        let behind = talk.seal(A, b"pn is too far ahead");
        talk.refuse(B, &behind, "too-far-ahead");
    });
    play(cases, "two thousand skipped keys, and one more", |talk| {
        let oldest = talk.seal(A, b"oldest");
        let second = talk.seal(A, b"second");
        talk.lose(A, 998);
        let reached = talk.seal(A, b"after 1000");
        talk.open(B, &reached);
        talk.lose(A, 1_000);
        let reached = talk.seal(A, b"after 2000");
        talk.open(B, &reached);
        let newest = talk.seal(A, b"newest");
        let beyond = talk.seal(A, b"after 2001");
        talk.open(B, &beyond);
        talk.refuse(B, &oldest, "key-gone");
        talk.open(B, &second);
        talk.open(B, &newest);
    });
    play(cases, "ephemeral messages", ephemerals);
    play(cases, "refused messages", refused);
    play(cases, "chains that are forgotten", |talk| {
        let mut late = Vec::new();
        let first = talk.seal(A, b"first");
        let mut last = talk.seal(A, b"second");
        talk.open(B, &first);
        talk.open(B, &last);
        for round in 0..6_u8 {
            // The chain before this many others: remembered four times, and then unknown.
            let (older, rule) = if round < 5 { (&first, "key-gone") } else { (&first, "bad-tag") };
            talk.refuse(B, older, rule);
            talk.refuse(B, &last, "key-gone");
            let answer = talk.seal(B, &[round]);
            talk.open(A, &answer);
            late.push(talk.seal(A, &[round, 0]));
            last = talk.seal(A, &[round, 1]);
            talk.open(B, &last);
        }
        // Their keys were kept when their successors skipped them, however many chains ago.
        talk.open(B, &late[0]);
        talk.open(B, &late[5]);
        talk.refuse(B, &late[5], "key-gone");
    });
}

fn lost_and_reordered(talk: &mut Played<'_>) {
    let first: Vec<_> =
        (0..5_u8).map(|n| talk.seal(A, &[b"first chain ", [b'0' + n].as_slice()].concat())).collect();
    talk.open(B, &first[0]);
    talk.open(B, &first[3]);
    talk.open(B, &first[1]);
    let answers: Vec<_> =
        (0..3_u8).map(|n| talk.seal(B, &[b"answer ", [b'0' + n].as_slice()].concat())).collect();
    talk.open(A, &answers[2]);
    talk.open(A, &answers[0]);
    // A new chain, whose pn says that 4 is missing of the old one.
    let second: Vec<_> =
        (0..3_u8).map(|n| talk.seal(A, &[b"second chain ", [b'0' + n].as_slice()].concat())).collect();
    talk.open(B, &second[1]);
    talk.open(B, &first[4]);
    talk.open(B, &second[0]);
    // Number 2 of the first chain and 1 of the answers never arrive; 2 of the second comes when B is a chain further.
    let later = talk.seal(B, b"B again");
    talk.open(A, &later);
    talk.open(B, &second[2]);
    talk.refuse(B, &second[2], "key-gone");
    talk.refuse(B, &first[3], "key-gone");
    talk.open(A, &answers[1]);
    let last = talk.seal(A, b"third chain");
    talk.open(B, &last);
}

fn ephemerals(talk: &mut Played<'_>) {
    let first = talk.seal(A, b"first");
    talk.open(B, &first);
    // The first under B's ratchet key brings the root step along.
    let zero = talk.seal_ephemeral(B, b"x = 0");
    let one = talk.seal_ephemeral(B, b"x = 1");
    let two = talk.seal_ephemeral(B, b"x = 2");
    talk.open_ephemeral(A, &one);
    talk.refuse_ephemeral(A, &zero, "key-gone");
    talk.refuse_ephemeral(A, &one, "key-gone");
    talk.refuse(A, &two, "malformed");
    // They use up no number of the chain.
    let message = talk.seal(B, b"n = 0");
    talk.open(A, &message);
    let answer = talk.seal_ephemeral(A, b"from A");
    talk.open_ephemeral(B, &answer);
    talk.refuse_ephemeral(B, &first, "malformed");
    // Of the chain before the current one they still open, if x rises; of older ones no more.
    let next = talk.seal(B, b"second chain of B");
    talk.open(A, &next);
    talk.open_ephemeral(A, &two);
    talk.refuse_ephemeral(A, &two, "key-gone");
    let old = talk.seal_ephemeral(B, b"x = 0 of the second chain");
    let answer = talk.seal(A, b"A again");
    talk.open(B, &answer);
    let third = talk.seal(B, b"third chain of B");
    talk.open(A, &third);
    let answer = talk.seal(A, b"and again");
    talk.open(B, &answer);
    let fourth = talk.seal_ephemeral(B, b"fourth chain of B");
    talk.open_ephemeral(A, &fourth);
    talk.refuse_ephemeral(A, &old, "key-gone");
}

fn refused(talk: &mut Played<'_>) {
    let first = talk.seal(A, b"first");
    let alter = |message: &[u8], place: usize| {
        let mut altered = message.to_vec();
        altered[place] ^= 1;
        altered
    };
    // Before there is a session: it is made by a message that opens, and by nothing else.
    talk.refuse(B, &alter(&first, 80), "bad-tag");
    talk.open(B, &first);
    let answer = talk.seal(B, b"answer");
    for (place, rule) in [
        (0, "malformed"),     // version
        (1, "malformed"),     // type 0
        (2, "wrong-session"), // session id
        (17, "wrong-session"),
        (18, "bad-tag"),       // dh: the negative of the point, the same x
        (51, "bad-tag"),       // pn
        (55, "too-far-ahead"), // n
        (58, "bad-tag"),       // n
        (59, "bad-tag"),       // r
        (74, "bad-tag"),
        (75, "bad-tag"), // ciphertext
        (answer.len() - 16, "bad-tag"),
        (answer.len() - 1, "bad-tag"),
    ] {
        talk.refuse(A, &alter(&answer, place), rule);
    }
    talk.refuse(A, &answer[..75 + 15], "malformed");
    talk.refuse(A, &answer[..answer.len() - 1], "bad-tag");
    talk.refuse(A, &[&answer[..], &[0]].concat(), "bad-tag");
    talk.refuse(A, b"", "malformed");
    let with = |place: usize, bytes: &[u8]| {
        let mut altered = answer.clone();
        altered[place..place + bytes.len()].copy_from_slice(bytes);
        altered
    };
    talk.refuse(A, &with(1, &[3]), "malformed");
    talk.refuse(A, &with(18, &[5]), "malformed");
    talk.refuse(A, &with(18, &[0; 33]), "malformed");
    // Its own ratchet key, and the signed prekey, which is the peer's key until the first answer.
    talk.refuse(A, &with(18, &first[18..51]), "malformed");
    let spk = super::form::unhex(talk.case.given_text("/B/SPK/public"));
    talk.refuse(A, &with(18, &spk), "malformed");
    talk.refuse(A, &with(55, &1_000_u32.to_be_bytes()), "bad-tag");
    talk.refuse(A, &with(55, &1_001_u32.to_be_bytes()), "too-far-ahead");
    let mut too_long = answer.clone();
    too_long.resize(61_440 + 91 + 1, 0);
    talk.refuse(A, &too_long, "malformed");
    talk.open(A, &answer);
    talk.refuse(A, &answer, "key-gone");
    talk.refuse(A, &alter(&answer, 80), "key-gone");
    let next = talk.seal(A, b"next");
    talk.refuse(B, &with(18, &answer[18..51]), "malformed");
    talk.open(B, &next);
    talk.refuse(B, &next, "key-gone");
    talk.refuse(B, &first, "key-gone");
}
