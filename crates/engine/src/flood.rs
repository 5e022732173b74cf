//! How much of what a contact says in passing is listened to.

use core::time::Duration;

use crate::{Timestamp, policy};

/// What one contact says in passing, in this run only. Each message costs a look into the ratchet and a transaction, and
/// whoever may write to us could send them without end.
#[derive(Debug, Default)]
pub(crate) struct Passing {
    /// What the contact may say: only what opened, and so was said by it just now, is taken from it.
    said: Allowance,
    /// What may be looked into in vain. The contact need not have sent it: the server can hand on again what was said
    /// before. Each contact has its own, or one could have the others not listened to.
    in_vain: Allowance,
    /// The user was told that it sends too much.
    told: bool,
}

impl Passing {
    /// Whether one more message is looked into. What is too much is, until it was told.
    pub(crate) fn is_looked_into(&mut self, now: Timestamp) -> bool {
        self.in_vain.is_left(now) && (!self.told || self.said.is_left(now))
    }

    /// One was opened. Whether it is listened to; otherwise the contact sends too much.
    pub(crate) fn opened(&mut self, now: Timestamp) -> bool {
        self.said.take(now)
    }

    /// One did not open, although its number was new.
    pub(crate) fn was_in_vain(&mut self, now: Timestamp) {
        self.in_vain.take(now);
    }

    /// Whether the user is to be told now: once a run.
    pub(crate) fn tell(&mut self) -> bool {
        !core::mem::replace(&mut self.told, true)
    }
}

/// So many at once, and then one now and then.
#[derive(Debug)]
struct Allowance {
    burst: u32,
    every: Duration,
    left: u32,
    since: Option<Timestamp>,
}

impl Default for Allowance {
    fn default() -> Self {
        Self::new(policy::EPHEMERAL_BURST, policy::EPHEMERAL_EVERY)
    }
}

/// The attempts at a link that one contact may begin. Each makes a connection of the browser's, of which there are only so
/// many until it has cleared up.
#[derive(Debug)]
pub(crate) struct Attempts(Allowance);

impl Default for Attempts {
    fn default() -> Self {
        Self(Allowance::new(policy::ATTEMPTS_BURST, policy::ATTEMPTS_EVERY))
    }
}

impl Attempts {
    /// Takes one. `false` if there is none left.
    pub(crate) fn take(&mut self, now: Timestamp) -> bool {
        self.0.take(now)
    }
}

impl Allowance {
    fn new(burst: u32, every: Duration) -> Self {
        Self { burst, every, left: burst, since: None }
    }

    /// Takes one. `false` if there is none left.
    fn take(&mut self, now: Timestamp) -> bool {
        let is_left = self.is_left(now);
        self.left = self.left.saturating_sub(1);
        is_left
    }

    fn is_left(&mut self, now: Timestamp) -> bool {
        let since = *self.since.get_or_insert(now);
        if now < since {
            // The clock went back.
            self.since = Some(now);
        }
        let passed = now.saturating_since(since);
        let earned = passed.as_millis() / self.every.as_millis().max(1);
        if let Ok(earned) = u32::try_from(earned)
            && earned > 0
        {
            self.left = self.left.saturating_add(earned).min(self.burst);
            let used: Duration = self.every.saturating_mul(earned);
            self.since = Some(since.saturating_add(used));
        } else if earned > 0 {
            (self.left, self.since) = (self.burst, Some(now));
        }
        self.left > 0
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn what_does_not_open_is_not_held_against_the_contact() {
        let now = Timestamp(1_800_000_000_000);
        let mut passing = Passing::default();
        for _ in 0..policy::EPHEMERAL_BURST {
            assert!(passing.is_looked_into(now));
            passing.was_in_vain(now);
        }
        assert!(!passing.is_looked_into(now));
        assert!(passing.opened(now), "it has all of what it may say");
        let mut passing = Passing::default();
        for _ in 0..policy::EPHEMERAL_BURST {
            assert!(passing.is_looked_into(now) && passing.opened(now));
        }
        assert!(passing.is_looked_into(now), "or it could not be told");
        assert!(!passing.opened(now) && passing.tell());
        assert!(!passing.is_looked_into(now) && !passing.tell());
        let later = now.saturating_add(policy::EPHEMERAL_EVERY);
        assert!(passing.is_looked_into(later) && passing.opened(later) && !passing.is_looked_into(later));
    }

    #[test]
    fn a_burst_is_taken_and_then_what_comes_slowly_enough() {
        let mut allowance = Allowance::default();
        let mut now = Timestamp(1_800_000_000_000);
        let taken = (0..1000).filter(|_| allowance.take(now)).count();
        assert_eq!(taken, usize::try_from(policy::EPHEMERAL_BURST).unwrap());
        for _ in 0..10 {
            now = now.saturating_add(policy::EPHEMERAL_EVERY);
            assert!(allowance.take(now) && !allowance.take(now));
        }
        // A clock that jumps takes nothing away for long, and gives no more than a burst.
        for jump in [Timestamp(0), Timestamp(1), Timestamp(u64::MAX / 2)] {
            let _ = allowance.take(jump);
            assert!(!allowance.take(jump) || jump > now);
            assert!(allowance.take(jump.saturating_add(policy::EPHEMERAL_EVERY)));
        }
        let later = Timestamp(u64::MAX / 2).saturating_add(Duration::from_secs(3600 * 24 * 365));
        let taken = (0..1000).filter(|_| allowance.take(later)).count();
        assert_eq!(taken, usize::try_from(policy::EPHEMERAL_BURST).unwrap());
    }
}
