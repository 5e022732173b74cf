//! What may be expected of a conversation after what befell it.

use std::collections::BTreeSet;

use crate::world::Who;

/// Devices and conversations that lost what cannot be got back.
#[derive(Debug, Default)]
pub(super) struct Fate {
    /// Devices whose storage was put back: what they wrote or read since then is gone with it.
    shaken: BTreeSet<Who>,
    /// Conversations that somebody ended or began anew.
    ended: BTreeSet<(Who, Who)>,
}

fn pair(one: Who, other: Who) -> (Who, Who) {
    (one.min(other), one.max(other))
}

impl Fate {
    pub(super) fn shake(&mut self, who: Who) {
        self.shaken.insert(who);
    }

    pub(super) fn end(&mut self, one: Who, other: Who) {
        self.ended.insert(pair(one, other));
    }

    pub(super) fn is_shaken(&self, who: Who) -> bool {
        self.shaken.contains(&who)
    }

    pub(super) fn is_ended(&self, one: Who, other: Who) -> bool {
        self.ended.contains(&pair(one, other))
    }

    /// Whether everything that was accepted between these two has to arrive, once and in order.
    pub(super) fn is_whole(&self, one: Who, other: Who) -> bool {
        !self.is_ended(one, other) && !self.is_shaken(one) && !self.is_shaken(other)
    }
}
