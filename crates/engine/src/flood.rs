//! How much of what a contact says in passing is listened to.

use core::time::Duration;

use crate::{Timestamp, policy};

/// What is left of one contact's allowance of ephemeral messages, in this run only. Each costs a look into the ratchet
/// and a transaction, and whoever may write to us could send them without end.
#[derive(Debug)]
pub(crate) struct Allowance {
    left: u32,
    since: Option<Timestamp>,
    /// The user was told that it sends too much.
    told: bool,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { left: policy::EPHEMERAL_BURST, since: None, told: false }
    }
}

impl Allowance {
    /// Takes one. `false` if there is none left.
    pub(crate) fn take(&mut self, now: Timestamp) -> bool {
        let since = *self.since.get_or_insert(now);
        if now < since {
            // The clock went back.
            self.since = Some(now);
        }
        let passed = now.saturating_since(since);
        let earned = passed.as_millis() / policy::EPHEMERAL_EVERY.as_millis().max(1);
        if let Ok(earned) = u32::try_from(earned)
            && earned > 0
        {
            self.left = self.left.saturating_add(earned).min(policy::EPHEMERAL_BURST);
            let used: Duration = policy::EPHEMERAL_EVERY.saturating_mul(earned);
            self.since = Some(since.saturating_add(used));
        } else if earned > 0 {
            (self.left, self.since) = (policy::EPHEMERAL_BURST, Some(now));
        }
        let is_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_left
    }

    /// Whether the user is to be told now: once a run.
    pub(crate) fn tell(&mut self) -> bool {
        !core::mem::replace(&mut self.told, true)
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

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
        assert!(allowance.tell() && !allowance.tell());
    }
}
