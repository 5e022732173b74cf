//! Token buckets, by address and by mailbox.

use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};

use super::TooMany;
use super::address::Key;
use crate::config::Config;

/// All buckets.
pub(super) struct Rates {
    requests: DefaultKeyedRateLimiter<Key>,
    meetings: DefaultKeyedRateLimiter<Key>,
    mailboxes: DefaultKeyedRateLimiter<Key>,
    clock: DefaultClock,
}

impl Rates {
    pub(super) fn new(config: &Config) -> Self {
        let at_least_one = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let per_s = |rate, burst| Quota::per_second(at_least_one(rate)).allow_burst(at_least_one(burst));
        let per_min = |rate, burst| Quota::per_minute(at_least_one(rate)).allow_burst(at_least_one(burst));
        Self {
            requests: DefaultKeyedRateLimiter::keyed(per_s(
                config.address_requests_per_s,
                config.address_requests_burst,
            )),
            meetings: DefaultKeyedRateLimiter::keyed(per_min(
                config.address_meetings_per_min,
                config.address_meetings_burst,
            )),
            mailboxes: DefaultKeyedRateLimiter::keyed(per_s(
                config.mailbox_envelopes_per_s,
                config.mailbox_envelopes_burst,
            )),
            clock: DefaultClock::default(),
        }
    }

    pub(super) fn request(&self, address: &Key) -> Result<(), TooMany> {
        self.take(&self.requests, address)
    }

    pub(super) fn meeting(&self, address: &Key) -> Result<(), TooMany> {
        self.take(&self.meetings, address)
    }

    pub(super) fn mailbox(&self, mailbox: &Key) -> Result<(), TooMany> {
        self.take(&self.mailboxes, mailbox)
    }

    fn take(&self, buckets: &DefaultKeyedRateLimiter<Key>, key: &Key) -> Result<(), TooMany> {
        buckets.check_key(key).map_err(|until| TooMany::after(until.wait_time_from(self.clock.now())))
    }

    /// Drops full buckets.
    pub(super) fn prune(&self) {
        for buckets in [&self.requests, &self.meetings, &self.mailboxes] {
            buckets.retain_recent();
            buckets.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u64) -> Key {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&number.to_le_bytes());
        key
    }

    #[test]
    fn a_bucket_empties_for_its_owner_only() {
        let config = Config { address_meetings_burst: 2, address_meetings_per_min: 1, ..Config::default() };
        let rates = Rates::new(&config);
        assert_eq!(rates.meeting(&key(1)), Ok(()));
        assert_eq!(rates.meeting(&key(1)), Ok(()));
        let wait = rates.meeting(&key(1)).unwrap_err().retry_after_s;
        assert!((1..=61).contains(&wait), "{wait}");
        assert_eq!(rates.meeting(&key(2)), Ok(()));
        assert_eq!(rates.request(&key(1)), Ok(()));
        rates.prune();
        assert!(rates.meeting(&key(1)).is_err(), "pruning must not refill a bucket");
    }

    #[test]
    fn buckets_of_many_networks_do_not_stay() {
        let config = Config { address_requests_per_s: 1_000_000, ..Config::default() };
        let rates = Rates::new(&config);
        for network in 0..10_000 {
            assert_eq!(rates.request(&key(network)), Ok(()));
        }
        // Each is full again after a microsecond; that of the last may not be over yet.
        let pruned = (0..10_000).any(|_| {
            rates.prune();
            rates.requests.is_empty()
        });
        assert!(pruned, "{} stay", rates.requests.len());
    }
}
