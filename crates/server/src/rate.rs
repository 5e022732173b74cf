//! Token buckets for strangers, by address and by mailbox.
//!
//! Addresses are never kept: buckets are found by an HMAC under a key that lives in memory and is replaced every
//! day, which also forgets every bucket. IPv6 counts by /64.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use sotto_wire::server::MailboxId;

use crate::config::Config;

const KEY_LIFE: Duration = Duration::from_secs(24 * 3600);

/// Stands for an address or a mailbox, for one day.
pub type Key = [u8; 16];

/// What is limited by address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any request.
    Request,
    /// Invites, prekeys, TURN credentials and new sockets.
    Meeting,
}

/// Too many; how long to wait, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// Whole seconds, at least 1.
    pub retry_after_s: u32,
}

struct Day {
    /// One block of SHA-256.
    secret: [u8; 64],
    began: Instant,
}

/// All buckets.
pub struct Rates {
    day: RwLock<Day>,
    requests: DefaultKeyedRateLimiter<Key>,
    meetings: DefaultKeyedRateLimiter<Key>,
    mailboxes: DefaultKeyedRateLimiter<Key>,
    clock: DefaultClock,
}

/// The machine has no source of randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random bytes")]
pub struct NoRandomness;

/// Random bytes of the operating system.
///
/// # Errors
/// [`NoRandomness`].
pub fn random<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(bytes)
}

impl Rates {
    /// Empty buckets.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn new(config: &Config) -> Result<Self, NoRandomness> {
        let at_least_one = |n| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        let per_s = |rate, burst| Quota::per_second(at_least_one(rate)).allow_burst(at_least_one(burst));
        let per_min = |rate, burst| Quota::per_minute(at_least_one(rate)).allow_burst(at_least_one(burst));
        Ok(Self {
            day: RwLock::new(Day { secret: random()?, began: Instant::now() }),
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
        })
    }

    /// Takes one from an address's bucket.
    ///
    /// # Errors
    /// [`TooMany`] if it is empty.
    pub fn address(&self, kind: Kind, address: IpAddr) -> Result<(), TooMany> {
        let key = match network(address) {
            IpAddr::V4(address) => self.key(&[&[4], &address.octets()]),
            IpAddr::V6(address) => self.key(&[&[6], &address.octets()]),
        };
        match kind {
            Kind::Request => self.take(&self.requests, &key),
            Kind::Meeting => self.take(&self.meetings, &key),
        }
    }

    /// Takes one from a mailbox's bucket.
    ///
    /// # Errors
    /// [`TooMany`] if it is empty.
    pub fn mailbox(&self, mailbox: MailboxId) -> Result<(), TooMany> {
        self.take(&self.mailboxes, &self.key(&[&[0], mailbox.as_bytes()]))
    }

    fn take(&self, buckets: &DefaultKeyedRateLimiter<Key>, key: &Key) -> Result<(), TooMany> {
        buckets.check_key(key).map_err(|until| {
            let wait = until.wait_time_from(self.clock.now()).as_secs().saturating_add(1);
            TooMany { retry_after_s: u32::try_from(wait).unwrap_or(u32::MAX) }
        })
    }

    fn key(&self, parts: &[&[u8]]) -> Key {
        let day = self.day.read().unwrap_or_else(PoisonError::into_inner);
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&day.secret.into());
        for part in parts {
            mac.update(part);
        }
        let tag: [u8; 32] = mac.finalize().into_bytes().into();
        let mut key = [0; 16];
        for (to, from) in key.iter_mut().zip(tag) {
            *to = from;
        }
        key
    }

    /// Drops full buckets, and after a day the key. To be called every few seconds.
    pub fn prune(&self) {
        for buckets in [&self.requests, &self.meetings, &self.mailboxes] {
            buckets.retain_recent();
            buckets.shrink_to_fit();
        }
        let mut day = self.day.write().unwrap_or_else(PoisonError::into_inner);
        if day.began.elapsed() >= KEY_LIFE
            && let Ok(secret) = random()
        {
            *day = Day { secret, began: Instant::now() };
        }
    }
}

/// What counts as one stranger: an IPv4 address, or an IPv6 /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_empties_for_its_network_only() {
        let config = Config { address_meetings_burst: 2, address_meetings_per_min: 1, ..Config::default() };
        let rates = Rates::new(&config).unwrap();
        let meet = |address: &str| rates.address(Kind::Meeting, address.parse().unwrap());
        assert_eq!(meet("2001:db8::1"), Ok(()));
        assert_eq!(meet("2001:db8::2"), Ok(()));
        let wait = meet("2001:db8::3").unwrap_err().retry_after_s;
        assert!((1..=61).contains(&wait), "{wait}");
        assert_eq!(meet("2001:db8:0:1::1"), Ok(()));
        assert_eq!(meet("192.0.2.1"), Ok(()));
        assert_eq!(rates.address(Kind::Request, "2001:db8::3".parse().unwrap()), Ok(()));
        rates.prune();
        assert!(meet("2001:db8::1").is_err(), "pruning must not refill a bucket");
    }

    #[test]
    fn buckets_of_many_networks_do_not_stay() {
        let config = Config { address_requests_per_s: 1_000_000, ..Config::default() };
        let rates = Rates::new(&config).unwrap();
        for network in 0..10_000_u128 {
            let address = IpAddr::V6(Ipv6Addr::from_bits(network << 64));
            assert_eq!(rates.address(Kind::Request, address), Ok(()));
        }
        // Each is full again after a microsecond; that of the last may not be over yet.
        let pruned = (0..10_000).any(|_| {
            rates.prune();
            rates.requests.is_empty()
        });
        assert!(pruned, "{} stay", rates.requests.len());
    }
}
