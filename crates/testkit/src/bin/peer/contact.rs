//! The other side: where it is, what was said, and the sessions with it (sections 8.3 and 10).

use std::collections::{BTreeMap, BTreeSet};

use sotto_crypto::SessionId;
use sotto_crypto::envelope::Address;
use sotto_crypto::keys::DevicePublic;
use sotto_crypto::ratchet::Session;
use sotto_wire::peer::{Body, FirstPrefix, Message};

/// A session and, until its first answer, the prefix of what its initiator sends.
pub struct Running {
    pub session: Session,
    pub prefix: Option<FirstPrefix>,
}

/// Everything kept of the one contact.
pub struct Contact {
    pub device: DevicePublic,
    /// Unknown until the other told it.
    pub address: Option<Address>,
    pub sessions: BTreeMap<SessionId, Running>,
    pub current: Option<SessionId>,
    /// Sessions that were ever accepted: a first message of one of them makes none again.
    pub accepted: BTreeSet<SessionId>,
    pub sequence: u64,
    pub lamport: u64,
    pub previous: [u8; 32],
    /// Hashes of what was heard, by sequence.
    heard: BTreeMap<u64, [u8; 32]>,
}

impl Contact {
    pub fn new(device: DevicePublic, address: Option<Address>) -> Self {
        Self {
            device,
            address,
            sessions: BTreeMap::new(),
            current: None,
            accepted: BTreeSet::new(),
            sequence: 0,
            lamport: 0,
            previous: [0; 32],
            heard: BTreeMap::new(),
        }
    }

    /// Takes a session that was begun here: the newest sends.
    pub fn began(&mut self, running: Running) -> SessionId {
        let id = running.session.id();
        self.sessions.insert(id, running);
        self.accepted.insert(id);
        self.current = Some(id);
        id
    }

    /// Takes a session that the other began. If ours is still unanswered, the smaller id sends.
    pub fn accepted(&mut self, session: Session) {
        let id = session.id();
        let both = self.current.filter(|own| self.sessions[own].session.is_unanswered());
        self.sessions.insert(id, Running { session, prefix: None });
        self.accepted.insert(id);
        self.current = Some(both.map_or(id, |own| own.min(id)));
    }

    /// Notes a body; whether its `previous` fits, where the body before it was heard.
    pub fn note(&mut self, body: &Body, plaintext: &[u8]) -> Option<bool> {
        let before = match body.sequence {
            1 => Some([0; 32]),
            sequence => self.heard.get(&(sequence - 1)).copied(),
        };
        self.heard.insert(body.sequence, Message::body_hash(plaintext));
        self.lamport = self.lamport.max(body.lamport);
        before.map(|hash| hash == body.previous)
    }

    /// All of it as bytes, to see whether anything changed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{:?}{:?}{:?}", self.current, self.accepted, self.heard).into_bytes();
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.lamport.to_be_bytes());
        for running in self.sessions.values() {
            bytes.extend_from_slice(&running.session.to_bytes());
            bytes.push(u8::from(running.prefix.is_some()));
        }
        bytes
    }
}
