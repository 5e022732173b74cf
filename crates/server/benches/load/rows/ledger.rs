//! What one mailbox's people were promised, and whether it was kept.

use std::collections::{HashMap, HashSet};

use sotto_wire::server::{EnvelopeId, Sequence};

/// Everything promised about a mailbox, over all crashes.
#[derive(Default)]
pub struct Ledger {
    accepted: HashSet<EnvelopeId>,
    /// Acknowledged, but the server may not have come to it.
    asked: HashSet<EnvelopeId>,
    /// Acknowledged, and the server said so.
    forgotten: HashSet<EnvelopeId>,
    positions: HashMap<EnvelopeId, Sequence>,
    pub broken: Broken,
}

/// Promises that were not kept.
#[derive(Clone, Copy, Default)]
pub struct Broken {
    /// Accepted, never acknowledged, and not there.
    pub lost: usize,
    pub after_acknowledgement: usize,
    /// Twice on one connection, or in two places of the mailbox.
    pub twice: usize,
    pub out_of_order: usize,
}

/// One connection's view of the mailbox.
pub struct Look {
    due: HashSet<EnvelopeId>,
    found: HashSet<EnvelopeId>,
    last: Sequence,
}

impl Ledger {
    pub fn accept(&mut self, id: EnvelopeId) {
        self.accepted.insert(id);
    }

    pub fn ask(&mut self, ids: impl IntoIterator<Item = EnvelopeId>) {
        self.asked.extend(ids);
    }

    pub fn forget(&mut self, ids: impl IntoIterator<Item = EnvelopeId>) {
        self.forgotten.extend(ids);
    }

    /// A connection begins: what it must bring.
    pub fn look(&self) -> Look {
        let due = self.accepted.iter().filter(|id| !self.asked.contains(*id)).copied().collect();
        Look { due, found: HashSet::new(), last: Sequence(0) }
    }

    pub fn delivered(&mut self, look: &mut Look, id: EnvelopeId, sequence: Sequence) {
        let elsewhere = self.positions.insert(id, sequence).is_some_and(|before| before != sequence);
        let again = !look.found.insert(id);
        self.broken.twice += usize::from(elsewhere || again);
        self.broken.after_acknowledgement += usize::from(self.forgotten.contains(&id));
        self.broken.out_of_order += usize::from(sequence <= look.last);
        look.last = sequence;
    }

    /// The server says that it has sent everything: now it must be there.
    pub fn drained(&mut self, look: &mut Look) {
        self.broken.lost += std::mem::take(&mut look.due).difference(&look.found).count();
    }

    pub fn accepted(&self) -> usize {
        self.accepted.len()
    }

    /// Envelopes that came at least once.
    pub fn came(&self) -> usize {
        self.positions.len()
    }

    pub fn acknowledged(&self) -> usize {
        self.forgotten.len()
    }
}
