//! The ratchet told from outside: the same keys computed once more along a conversation, so that each message can be
//! given with what it was sealed under. Every key told has opened its message here.

use serde_json::{Map, Value, json};

use super::form::{Case, hex};
use super::people::{Person, pair};
use super::primitives::{ecdh, hkdf, hmac, open, public, root_step};
use super::x3dh::Agreed;

/// Offsets in the header (section 6.1).
const DH: core::ops::Range<usize> = 18..51;
const PN: core::ops::Range<usize> = 51..55;
const N: core::ops::Range<usize> = 55..59;
const R: core::ops::Range<usize> = 59..75;

/// One side's keys.
#[derive(Clone, Debug)]
struct Side {
    root: [u8; 32],
    own: [u8; 32],
    peer: [u8; 33],
    sending: Option<Sending>,
}

#[derive(Clone, Debug)]
struct Sending {
    chain: [u8; 32],
    ephemeral: [u8; 32],
    next: u32,
}

/// Both sides' keys; 0 is A, the initiator, 1 is B.
#[derive(Clone, Debug)]
pub(super) struct Told {
    transcript: [u8; 32],
    session_id: [u8; 16],
    sides: [Side; 2],
    /// Told once, with the next message: the root step of a side.
    step: Option<Value>,
}

impl Told {
    pub(super) fn new(agreed: &Agreed, b: &Person) -> Self {
        let root = agreed.secret;
        let spk = b.signed_prekey.public();
        let none = |own, peer| Side { root, own, peer, sending: None };
        let sides = [none([0; 32], *spk.as_bytes()), none(*b.signed_prekey.to_bytes(), [0; 33])];
        let session_id = *agreed.at_a.session_id().as_bytes();
        Self { transcript: agreed.transcript, session_id, sides, step: None }
    }

    /// A took its first root step, for which its ratchet key was drawn.
    pub(super) fn initiated(&mut self, case: &Case) {
        self.take_step(0, case.scalar("ratchet key"));
    }

    /// Whether a side's next message takes a root step: before it, a ratchet key is drawn.
    pub(super) fn steps_next(&self, side: usize) -> bool {
        self.sides[side].sending.is_none()
    }

    /// A side took a root step for sending under a fresh ratchet key.
    pub(super) fn take_step(&mut self, side: usize, own: [u8; 32]) {
        let at = &mut self.sides[side];
        let shared = ecdh(&own, &at.peer);
        let [root, chain, ephemeral] = root_step(&at.root, &shared);
        (at.root, at.own) = (root, own);
        at.sending = Some(Sending { chain, ephemeral, next: 0 });
        self.step = Some(json!({
            "ratchet_key": pair(own, &public(&own)),
            "ECDH": hex(shared),
            "RK": hex(root),
            "CK": hex(chain),
            "XK": hex(ephemeral),
        }));
    }

    /// Tells what a side has just sealed.
    pub(super) fn sealed(&mut self, side: usize, message: &[u8], plaintext: &[u8]) -> Map<String, Value> {
        let is_message = message[1] == 1;
        let number =
            |place: core::ops::Range<usize>| u32::from_be_bytes(message[place].try_into().expect("4 bytes"));
        let (n, r) = (number(N), &message[R]);
        let at = &mut self.sides[side];
        assert_eq!(message[DH], public(&at.own));
        let sending = at.sending.as_mut().expect("it has sent");
        let mut told = Map::new();
        told.insert("by".to_owned(), ["A", "B"][side].into());
        told.insert("do".to_owned(), if is_message { "seal" } else { "seal ephemeral" }.into());
        told.insert("plaintext".to_owned(), hex(plaintext).into());
        if let Some(step) = self.step.take() {
            told.insert("root_step".to_owned(), step);
        }
        let material: [u8; 44] = if is_message {
            while sending.next < n {
                sending.chain = hmac(&sending.chain, &[&[2]]);
                sending.next += 1;
            }
            let mk = hmac(&sending.chain, &[&[1]]);
            told.insert("mk".to_owned(), hex(mk).into());
            hkdf(r, &mk, "ratchet-message", &[&self.session_id])
        } else {
            hkdf(r, &sending.ephemeral, "ratchet-ephemeral", &[&self.session_id, &message[DH], &message[N]])
        };
        let (key, nonce) = material.split_at(32);
        let (header, sealed) = message.split_at(75);
        assert_eq!(open(key, nonce, sealed, &[&self.transcript, header].concat()), plaintext);
        told.insert("pn".to_owned(), number(PN).into());
        told.insert(if is_message { "n" } else { "x" }.to_owned(), n.into());
        told.insert("key".to_owned(), hex(key).into());
        told.insert("nonce".to_owned(), hex(nonce).into());
        told.insert("message".to_owned(), hex(message).into());
        told
    }

    /// A side opened this message.
    pub(super) fn opened(&mut self, side: usize, message: &[u8]) {
        let at = &mut self.sides[side];
        let other: [u8; 33] = message[DH].try_into().expect("33 bytes");
        // One that came late under an older key takes no step; then the newest peer's key stays.
        if other == at.peer || self.sides[1 - side].own_public() != other {
            return;
        }
        let at = &mut self.sides[side];
        let [root, _, _] = root_step(&at.root, &ecdh(&at.own, &other));
        (at.root, at.peer, at.sending) = (root, other, None);
    }
}

impl Side {
    fn own_public(&self) -> [u8; 33] {
        if self.own == [0; 32] { [0; 33] } else { public(&self.own) }
    }
}
