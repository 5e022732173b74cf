//! How much an address may have stored: so much a day, and never more than its part of what is still free.
//!
//! Nothing in the database says who stored it, so this is about what was stored lately, and not given back when it is
//! acknowledged or ends: a level for each address, which sinks to nothing in a day.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::address::{Holders, Key};
use super::leak::Leak;
use super::{TooMany, lock};
use crate::config::Config;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What an address may have stored however little is free, in bytes, and the most that one request costs. Whoever has
/// hardly stored anything is refused by a full database only.
const LEAST: u64 = 256 * 1024;

/// What a site may have stored, in allowances of a network.
const SITE: u64 = 4;

/// Most levels that are kept, some ten megabytes. Honest ones are gone within seconds: an envelope of 1 KiB is a
/// second's worth. Beyond this, all others share one.
const LEVELS_MAX: usize = 100_000;

/// The levels of networks and of sites that have none of their own any more. No address has these keys but by a chance
/// of 2^-128.
const OTHER_NETWORKS: Key = [0; 16];
const OTHER_SITES: Key = [1; 16];

/// Bytes that a row and its entries in the indexes take, besides what it holds.
const ROW: u64 = 256;

/// The same for the rows of tokens and one-time prekeys.
const SMALL_ROW: u64 = 96;

/// What something costs that is to be stored, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost(u64);

impl Cost {
    /// An envelope or invite that holds this many bytes.
    #[must_use]
    pub fn of(bytes: usize) -> Self {
        Self::capped(ROW.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX)))
    }

    /// A mailbox, with these small rows and so many bytes besides. It stays for `idle_days` instead of a month, and
    /// costs accordingly more.
    #[must_use]
    pub fn long_lived(rows: usize, bytes: usize, idle_days: u64) -> Self {
        let wide = |n| u64::try_from(n).unwrap_or(u64::MAX);
        let once = SMALL_ROW.saturating_mul(wide(rows)).saturating_add(wide(bytes));
        Self::capped(once.saturating_mul(idle_days.div_ceil(30)))
    }

    const fn capped(bytes: u64) -> Self {
        Self(if bytes < LEAST { bytes } else { LEAST })
    }
}

struct Levels {
    /// When each will be gone.
    gone: HashMap<Key, Instant>,
    /// Bytes that the database and its disk still take.
    free: u64,
}

pub(super) struct Allowances {
    levels: Mutex<Levels>,
    full: u64,
    percent: u64,
}

impl Allowances {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            // Until it is known better, all of it is free.
            levels: Mutex::new(Levels { gone: HashMap::new(), free: u64::MAX }),
            full: config.address_store_mib.saturating_mul(1024 * 1024).max(LEAST),
            percent: config.address_store_percent.into(),
        }
    }

    pub(super) fn take(&self, holders: &Holders, cost: Cost, now: Instant) -> Result<(), TooMany> {
        let mut levels = lock(&self.levels);
        let mut after = Vec::with_capacity(2);
        for (key, others, allowances) in of(holders) {
            let key = levels.found(key, others);
            let leak = self.leak(allowances);
            let before = levels.gone.get(&key).copied();
            let level = before.map_or(0, |gone| leak.level(gone, now));
            // Its own counts as free, so that the part of one who is alone here is all of it.
            let part = levels.free.saturating_add(level) / 100;
            let part = part.saturating_mul(self.percent).saturating_mul(allowances);
            let most = leak.time(part.max(LEAST).min(leak.full));
            let gone = leak.pour(before, cost.0, now);
            if let Some(over) = gone.saturating_duration_since(now).checked_sub(most)
                && !over.is_zero()
            {
                return Err(TooMany::after(over));
            }
            after.push((key, gone));
        }
        levels.gone.extend(after);
        levels.free = levels.free.saturating_sub(cost.0);
        Ok(())
    }

    pub(super) fn give_back(&self, holders: &Holders, cost: Cost) {
        let mut levels = lock(&self.levels);
        for (key, others, allowances) in of(holders) {
            let key = levels.found(key, others);
            let time = self.leak(allowances).time(cost.0);
            if let Some(gone) = levels.gone.get_mut(&key) {
                *gone = gone.checked_sub(time).unwrap_or(*gone);
            }
        }
        levels.free = levels.free.saturating_add(cost.0);
    }

    pub(super) fn room(&self, bytes: u64) {
        lock(&self.levels).free = bytes;
    }

    pub(super) fn prune(&self, now: Instant) {
        let mut levels = lock(&self.levels);
        levels.gone.retain(|_, gone| *gone > now);
        levels.gone.shrink_to(1024);
    }

    pub(super) fn forget(&self) {
        lock(&self.levels).gone = HashMap::new();
    }

    const fn leak(&self, allowances: u64) -> Leak {
        Leak { full: self.full.saturating_mul(allowances), period: DAY }
    }
}

impl Levels {
    /// The key under which the level of this key is kept.
    fn found(&self, key: Key, others: Key) -> Key {
        if self.gone.len() < LEVELS_MAX || self.gone.contains_key(&key) { key } else { others }
    }
}

/// Each level that something counts towards, the one instead of it where there are too many, and how many allowances it
/// has.
fn of(holders: &Holders) -> impl Iterator<Item = (Key, Key, u64)> {
    let network = (holders.network, OTHER_NETWORKS, 1);
    std::iter::once(network).chain(holders.site.map(|site| (site, OTHER_SITES, SITE)))
}

#[cfg(test)]
#[allow(clippy::as_conversions, reason = "tests")]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn key(number: u64) -> Key {
        let mut key = [2; 16];
        key[..8].copy_from_slice(&number.to_le_bytes());
        key
    }

    fn alone(number: u64) -> Holders {
        Holders { network: key(number), site: None }
    }

    fn allowances(mib: u64, percent: u32) -> Allowances {
        let config = Config { address_store_mib: mib, address_store_percent: percent, ..Config::default() };
        Allowances::new(&config)
    }

    /// Stores envelopes of 64 KiB until it is refused; how many bytes that made, and the refusal.
    fn fill(allowances: &Allowances, holders: &Holders, now: Instant) -> (u64, TooMany) {
        let cost = Cost::of(64 * 1024);
        for count in 0..1_000_000 {
            if let Err(refused) = allowances.take(holders, cost, now) {
                return (count * cost.0, refused);
            }
        }
        panic!("never refused");
    }

    #[test]
    fn an_address_is_refused_beyond_its_allowance_and_told_when_to_come_back() {
        let allowances = allowances(1, 100);
        let now = Instant::now();
        let (stored, refused) = fill(&allowances, &alone(1), now);
        assert!(stored <= MIB && stored > MIB - 66 * 1024, "{stored}");
        let wait = Duration::from_secs(refused.retry_after_s.into());
        assert!(wait < DAY / 15, "{wait:?}: of sixteen, one comes back in a sixteenth of a day");
        let cost = Cost::of(64 * 1024);
        assert!(allowances.take(&alone(1), cost, now + wait - Duration::from_secs(2)).is_err());
        assert_eq!(allowances.take(&alone(1), cost, now + wait), Ok(()));
        assert_eq!(allowances.take(&alone(2), cost, now), Ok(()), "another address");
        // A smaller one may come sooner.
        let small = allowances.take(&alone(1), Cost::of(1024), now + wait).unwrap_err();
        assert!(small.retry_after_s < refused.retry_after_s, "{small:?}");
    }

    #[test]
    fn no_address_takes_more_than_its_part_of_what_is_free() {
        let allowances = allowances(1_000_000, 2);
        allowances.room(1_000 * MIB);
        let now = Instant::now();
        let mut free = 1_000 * MIB;
        for address in 1..200 {
            let (stored, _) = fill(&allowances, &alone(address), now);
            assert!(stored <= (free / 50).max(LEAST), "address {address}: {stored} of {free}");
            free -= stored;
        }
        // Two hundred took all they could, and somebody new still finds room.
        assert!(free > 15 * MIB, "{free}");
        assert_eq!(allowances.take(&alone(1_000), Cost::of(64 * 1024), now), Ok(()));
        // What is free now counts, not what was.
        allowances.room(1_000 * MIB);
        assert_eq!(allowances.take(&alone(1), Cost::of(64 * 1024), now), Ok(()));
    }

    #[test]
    fn whoever_is_alone_may_fill_all_that_is_free() {
        let allowances = allowances(1_000_000, 100);
        allowances.room(10 * MIB);
        let now = Instant::now();
        for _ in 0..150 {
            assert_eq!(allowances.take(&alone(1), Cost::of(64 * 1024), now), Ok(()));
        }
    }

    #[test]
    fn a_site_with_many_networks_has_four_allowances() {
        let allowances = allowances(1, 100);
        let now = Instant::now();
        let site = Some(key(7));
        let mut all = 0;
        for network in 100..200 {
            all += fill(&allowances, &Holders { network: key(network), site }, now).0;
        }
        assert!(all <= 4 * MIB && all > 4 * MIB - 66 * 1024, "{all}");
        // Whoever is refused for the site keeps what is its own.
        let fresh = key(300);
        assert!(allowances.take(&Holders { network: fresh, site }, Cost::of(64 * 1024), now).is_err());
        assert!(!lock(&allowances.levels).gone.contains_key(&fresh));
    }

    #[test]
    fn what_is_given_back_can_be_used_again() {
        let allowances = allowances(1, 100);
        let now = Instant::now();
        let holders = Holders { network: key(1), site: Some(key(2)) };
        for _ in 0..1_000 {
            assert_eq!(allowances.take(&holders, Cost::of(64 * 1024), now), Ok(()));
            allowances.give_back(&holders, Cost::of(64 * 1024));
        }
        allowances.prune(now);
        assert!(lock(&allowances.levels).gone.is_empty());
    }

    #[test]
    fn nothing_costs_more_than_everybody_may_have() {
        for cost in [
            Cost::of(usize::MAX),
            Cost::long_lived(usize::MAX, usize::MAX, u64::MAX),
            Cost::long_lived(200, 4096, 365),
        ] {
            assert!(cost.0 <= LEAST, "{cost:?}");
            let allowances = allowances(1, 1);
            allowances.room(0);
            assert_eq!(allowances.take(&alone(1), cost, Instant::now()), Ok(()));
        }
        assert_eq!(Cost::long_lived(1, 0, 365), Cost(13 * SMALL_ROW));
    }

    #[test]
    fn levels_are_bounded_and_end() {
        let allowances = allowances(1, 100);
        let now = Instant::now();
        for network in 0..LEVELS_MAX as u64 + 10 {
            assert_eq!(allowances.take(&alone(network), Cost::of(1024), now), Ok(()));
        }
        assert_eq!(lock(&allowances.levels).gone.len(), LEVELS_MAX + 1);
        // All others together have one allowance; who has a level keeps it.
        let mut refused = false;
        for network in 0..1_000 {
            refused |= allowances.take(&alone(1 << 40 | network), Cost::of(64 * 1024), now).is_err();
        }
        assert!(refused);
        assert_eq!(allowances.take(&alone(5), Cost::of(64 * 1024), now), Ok(()));
        allowances.prune(now + DAY);
        assert!(lock(&allowances.levels).gone.is_empty());
        assert!(lock(&allowances.levels).gone.capacity() < LEVELS_MAX);
    }
}
