//! What one input leads to, collected until the input has been dealt with.

use core::time::Duration;
use std::collections::BTreeSet;

use rand_core::CryptoRng;
use sotto_crypto::SessionId;

use crate::timers::Timers;
use crate::{Change, Changes, ContactId, Event, FileId, InviteId, Output, Timestamp};

/// A record whose value in memory may differ from the stored one. Written again, or deleted if there is nothing in
/// memory any more, at the end of the turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    Identity,
    PreKeys,
    OneTime(u32),
    Accepted(ContactId),
    Cursor,
    Settings,
    Contact(ContactId),
    Session(ContactId, SessionId),
    Invite(InviteId),
    Acceptance(InviteId),
    Outbox(ContactId, u64),
    Farewell(u64),
    Seen(ContactId, u32),
    Transfer(FileId),
    Damage,
}

/// One turn: an input, its time and its randomness, and everything it leads to. All changes of a turn become one
/// `Persist`, and everything else follows it: nothing leaves the device before the state behind it is durable.
pub(crate) struct Turn<'a> {
    pub(crate) now: Timestamp,
    pub(crate) rng: &'a mut dyn CryptoRng,
    pub(crate) timers: Timers,
    pub(crate) dirty: BTreeSet<Key>,
    pub(crate) changes: Changes,
    pub(crate) outputs: Vec<Output>,
    /// Contacts whose view may have changed.
    pub(crate) shown: BTreeSet<ContactId>,
    /// Contacts for whom there may be something to send now.
    pub(crate) pump: BTreeSet<ContactId>,
}

impl<'a> Turn<'a> {
    pub(crate) fn new(now: Timestamp, rng: &'a mut dyn CryptoRng, timers: Timers) -> Self {
        Self {
            now,
            rng,
            timers,
            dirty: BTreeSet::new(),
            changes: Vec::new(),
            outputs: Vec::new(),
            shown: BTreeSet::new(),
            pump: BTreeSet::new(),
        }
    }

    pub(crate) fn dirty(&mut self, key: Key) {
        self.dirty.insert(key);
    }

    pub(crate) fn change(&mut self, change: Change) {
        self.changes.push(change);
    }

    pub(crate) fn output(&mut self, output: Output) {
        self.outputs.push(output);
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.outputs.push(Output::Event(event));
    }

    pub(crate) fn log(&mut self, line: &'static str) {
        self.outputs.push(Output::Log(line));
    }

    /// The contact's record and view may have changed, and with them what can be sent.
    pub(crate) fn touch(&mut self, contact: ContactId) {
        self.dirty.insert(Key::Contact(contact));
        self.shown.insert(contact);
        self.pump.insert(contact);
    }

    pub(crate) fn now_crypto(&self) -> sotto_crypto::Timestamp {
        sotto_crypto::Timestamp::from_millis(self.now.0)
    }

    pub(crate) fn random<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.rng.fill_bytes(&mut bytes);
        bytes
    }

    /// A moment between half of `pause` and all of it from now.
    pub(crate) fn jittered(&mut self, pause: Duration) -> Timestamp {
        self.between(pause / 2, pause)
    }

    /// A moment between two spans from now.
    pub(crate) fn between(&mut self, least: Duration, most: Duration) -> Timestamp {
        let width = u64::try_from(most.saturating_sub(least).as_millis()).unwrap_or(u64::MAX).max(1);
        let extra = self.rng.next_u64() % width;
        self.now.saturating_add(least).saturating_add(Duration::from_millis(extra))
    }

    /// The moment of the next try after so many failures in a row: exponential, jittered, bounded.
    pub(crate) fn backoff(&mut self, failures: u32, first: Duration, most: Duration) -> Timestamp {
        let pause = first.saturating_mul(1 << failures.min(16)).min(most);
        self.jittered(pause)
    }
}
