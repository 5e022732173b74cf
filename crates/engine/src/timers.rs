//! What the engine waits for.

use std::collections::BTreeMap;

use crate::{ContactId, InviteId, Timestamp};

/// One thing waited for; setting it again moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// Open the socket again.
    SocketRetry,
    /// The server must have greeted, or answered a ping, by now.
    SocketDeadline,
    /// Ask whether the socket lives.
    SocketPing,
    /// Tell the mailbox what is safe here.
    Acknowledge,
    /// Ask again what the server could not take.
    ServerRequests,
    /// Look after keys.
    Housekeeping,
    /// Tell the next contact that this device is online.
    Here,
    /// Something of this contact's outbox is due.
    Outbox(ContactId),
    /// Something of this contact's acknowledgements is due.
    Owed(ContactId),
    /// Begin a fresh session.
    Fresh(ContactId),
    /// The attempt at a link has taken too long.
    LinkDeadline(ContactId),
    /// Try a link.
    LinkRetry(ContactId),
    /// Nothing has come from this contact for a while.
    Silence(ContactId),
    /// Nothing has come through an open link for too long.
    LinkTrouble(ContactId),
    /// Seek a better path than a relay.
    LinkBetter(ContactId),
    /// Links wait for credentials of TURN servers no longer.
    Ice,
    /// Give an invite to the server, or take it back.
    Invite(InviteId),
    /// Redeem an accepted invite.
    Accept(InviteId),
    /// The server takes long over the first message of a conversation begun by a link.
    Beginning(ContactId),
    /// The next invite expires.
    InviteExpiry,
    /// A farewell is due.
    Farewell,
}

/// All that is waited for, each at most once.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: BTreeMap<Timer, Timestamp>,
}

impl Timers {
    pub(crate) fn set(&mut self, timer: Timer, at: Timestamp) {
        self.due.insert(timer, at);
    }

    /// Sets the timer unless it is due earlier anyway.
    pub(crate) fn set_earlier(&mut self, timer: Timer, at: Timestamp) {
        let entry = self.due.entry(timer).or_insert(at);
        *entry = (*entry).min(at);
    }

    pub(crate) fn clear(&mut self, timer: Timer) {
        self.due.remove(&timer);
    }

    pub(crate) fn is_set(&self, timer: Timer) -> bool {
        self.due.contains_key(&timer)
    }

    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.due.values().min().copied()
    }

    /// Takes one timer that is due.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Option<Timer> {
        let timer = *self.due.iter().filter(|(_, at)| **at <= now).min_by_key(|(_, at)| **at)?.0;
        self.due.remove(&timer);
        Some(timer)
    }

    /// The clock went back by so much: what is waited for must not be so much further away.
    pub(crate) fn rewind(&mut self, milliseconds: u64) {
        for at in self.due.values_mut() {
            *at = Timestamp(at.0.saturating_sub(milliseconds));
        }
    }
}
