//! What was said and is not acknowledged yet, and how far it got.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use sotto_crypto::{MessageHash, SessionId};
use zeroize::Zeroize;

use crate::{Delivery, MessageId, MessageOrder, Timestamp, policy};

/// How far an entry got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) enum Stage {
    /// On this device only.
    #[n(0)]
    Waiting,
    /// It went over the data channel.
    #[n(1)]
    Channel {
        /// When.
        #[n(0)]
        at: Timestamp,
    },
    /// The server has taken it.
    #[n(2)]
    Stored {
        /// When.
        #[n(0)]
        at: Timestamp,
    },
}

/// One message until it is acknowledged end to end: one record.
#[derive(Encode, Decode)]
#[cbor(map)]
pub(crate) struct Entry {
    #[n(0)]
    pub(crate) id: MessageId,
    #[n(1)]
    pub(crate) order: MessageOrder,
    #[n(2)]
    pub(crate) sent_at: Timestamp,
    /// The encoded message, to be encrypted anew when the contact asks for it.
    #[n(3)]
    #[cbor(with = "minicbor::bytes")]
    pub(crate) plaintext: Vec<u8>,
    /// The session it is encrypted in.
    #[n(4)]
    #[cbor(with = "sotto_wire::peer::codec::option", has_nil)]
    pub(crate) session: Option<SessionId>,
    /// The ratchet message; empty until there is a session.
    #[n(5)]
    #[cbor(with = "minicbor::bytes")]
    pub(crate) ratchet: Vec<u8>,
    #[n(6)]
    pub(crate) stage: Stage,
    /// How often it was encrypted anew because the contact asked.
    #[n(7)]
    pub(crate) retries: u8,
    /// How often it was put into the mailbox again because the contact lost its state or its keys.
    #[n(8)]
    #[cbor(default)]
    pub(crate) reposts: u8,
}

impl core::fmt::Debug for Entry {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Entry").field("stage", &self.stage).finish_non_exhaustive()
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.plaintext.zeroize();
    }
}

impl Entry {
    pub(crate) fn delivery(&self) -> Delivery {
        match self.stage {
            Stage::Waiting => Delivery::Waiting,
            Stage::Channel { .. } | Stage::Stored { .. } => Delivery::Sent,
        }
    }

    pub(crate) fn hash(&self) -> MessageHash {
        MessageHash::of(&self.ratchet)
    }

    /// Whether it is to be given to the server now, given whether a link is open.
    pub(crate) fn wants_mailbox(&self, now: Timestamp, linked: bool) -> bool {
        !self.ratchet.is_empty()
            && match self.stage {
                Stage::Waiting => !linked,
                Stage::Channel { at } => !linked || passed(at, now, policy::CHANNEL_PATIENCE),
                Stage::Stored { at } => passed(at, now, policy::STORED_PATIENCE),
            }
    }

    /// When it wants the mailbox although nothing else happens.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        match self.stage {
            Stage::Waiting => None,
            Stage::Channel { at } => Some(at.saturating_add(policy::CHANNEL_PATIENCE)),
            Stage::Stored { at } => Some(at.saturating_add(policy::STORED_PATIENCE)),
        }
    }
}

/// Whether so much time has passed since then. A time in the future was told by a clock that was wrong.
fn passed(at: Timestamp, now: Timestamp, patience: core::time::Duration) -> bool {
    at > now || now.saturating_since(at) >= patience
}

/// All entries for one contact, by their Lamport time, which no two share.
pub(crate) type Queue = BTreeMap<u64, Entry>;

pub(crate) fn find(queue: &Queue, id: MessageId) -> Option<u64> {
    queue.iter().find(|(_, entry)| entry.id == id).map(|(place, _)| *place)
}

pub(crate) fn find_hash(queue: &Queue, hash: MessageHash) -> Option<u64> {
    queue.iter().find(|(_, entry)| !entry.ratchet.is_empty() && entry.hash() == hash).map(|(place, _)| *place)
}
