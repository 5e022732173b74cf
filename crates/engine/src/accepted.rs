//! The sessions that others began with us: none is ever begun again while the signed prekey it used exists.

use std::collections::VecDeque;

use minicbor::{Decode, Encode};
use sotto_crypto::{PreKeyId, SessionId};
use sotto_wire::peer::codec;

use crate::{ContactId, policy};

/// What one contact began: one record, which outlives the contact, since what it once sent may come again.
#[derive(Debug, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Accepted {
    /// The oldest first.
    #[n(0)]
    sessions: VecDeque<Begun>,
}

#[derive(Clone, Copy, Debug, Encode, Decode)]
#[cbor(map)]
struct Begun {
    #[n(0)]
    #[cbor(with = "codec::item")]
    id: SessionId,
    #[n(1)]
    signed_prekey: u32,
}

/// How schema 1 kept them: all contacts' in the record of the prekeys, which had no end.
#[derive(Clone, Copy, Debug, Encode, Decode)]
#[cbor(map)]
pub(crate) struct BegunBefore {
    #[n(0)]
    #[cbor(with = "codec::item")]
    pub(crate) id: SessionId,
    #[n(1)]
    pub(crate) signed_prekey: u32,
    #[n(2)]
    pub(crate) contact: ContactId,
}

impl Accepted {
    pub(crate) fn contains(&self, id: SessionId) -> bool {
        self.sessions.iter().any(|begun| begun.id == id)
    }

    /// Remembers a session. Who begins too many loses the oldest.
    pub(crate) fn insert(&mut self, id: SessionId, signed_prekey: PreKeyId) {
        if self.sessions.len() >= policy::ACCEPTED_MAX {
            self.sessions.pop_front();
        }
        self.sessions.push_back(Begun { id, signed_prekey: signed_prekey.0 });
    }

    /// The number of the newest signed prekey of ours that a session remembered here used.
    pub(crate) fn newest(&self) -> u32 {
        self.sessions.iter().map(|begun| begun.signed_prekey).max().unwrap_or(0)
    }

    /// Forgets the sessions whose signed prekey is gone. `true` if there were any.
    pub(crate) fn forget(&mut self, exists: impl Fn(u32) -> bool) -> bool {
        let before = self.sessions.len();
        self.sessions.retain(|begun| exists(begun.signed_prekey));
        self.sessions.len() != before
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }
}
