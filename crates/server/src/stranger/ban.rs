//! Addresses that are refused for a while because of what came from them.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::address::Key;
use super::leak::Leak;
use super::{TooMany, lock};
use crate::config::Config;

/// How long it takes until all strikes that fall just short of a ban are forgiven.
const FORGIVEN_IN: Duration = Duration::from_secs(600);

/// Strikes of what takes an intention.
const DELIBERATE: u64 = 20;

/// Most addresses that are remembered, some ten megabytes. Strikes of more are not counted: their buckets still hold
/// them.
const OFFENDERS_MAX: usize = 100_000;

/// What no client of ours does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Abuse {
    /// A body or frame that is none, or too large, or out of place.
    Malformed,
    /// A signature that does not verify, or another's mailbox.
    Unproven,
    /// More frames on a socket than are allowed.
    Frames,
    /// A request beyond those that are allowed. One may be bad luck; they count a twentieth.
    Request,
}

impl Abuse {
    const fn strikes(self) -> u64 {
        match self {
            Self::Malformed | Self::Unproven | Self::Frames => DELIBERATE,
            Self::Request => 1,
        }
    }
}

#[derive(Clone, Copy)]
struct Offender {
    forgiven: Instant,
    banned_until: Option<Instant>,
    /// How often, since its address was last replaced by another key.
    bans: u32,
}

pub(super) struct Bans {
    offenders: Mutex<HashMap<Key, Offender>>,
    strikes: Leak,
    first: Duration,
    longest: Duration,
}

impl Bans {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            offenders: Mutex::default(),
            strikes: Leak {
                full: u64::from(config.ban_after).saturating_mul(DELIBERATE),
                period: FORGIVEN_IN,
            },
            first: Duration::from_secs(config.ban_s.into()),
            longest: Duration::from_secs(config.ban_max_s.into()),
        }
    }

    /// True if it is banned from now on.
    pub(super) fn strike(&self, key: Key, abuse: Abuse, now: Instant) -> bool {
        let mut offenders = lock(&self.offenders);
        if offenders.len() >= OFFENDERS_MAX && !offenders.contains_key(&key) {
            return false;
        }
        let offender =
            offenders.entry(key).or_insert(Offender { forgiven: now, banned_until: None, bans: 0 });
        // What was under way when it was banned makes the ban no longer.
        if offender.banned_until.is_some_and(|until| until > now) {
            return false;
        }
        offender.forgiven = self.strikes.pour(Some(offender.forgiven), abuse.strikes(), now);
        // A part of the first is forgiven when the last comes.
        let short_of_it = self.strikes.time(self.strikes.full.saturating_sub(abuse.strikes()));
        if offender.forgiven.saturating_duration_since(now) <= short_of_it {
            return false;
        }
        let length = self.first.saturating_mul(2_u32.saturating_pow(offender.bans)).min(self.longest);
        offender.forgiven = now;
        offender.banned_until = now.checked_add(length);
        offender.bans = offender.bans.saturating_add(1);
        true
    }

    pub(super) fn check(&self, key: &Key, now: Instant) -> Result<(), TooMany> {
        let until = lock(&self.offenders).get(key).and_then(|offender| offender.banned_until);
        match until.map(|until| until.saturating_duration_since(now)) {
            Some(left) if !left.is_zero() => Err(TooMany::after(left)),
            _ => Ok(()),
        }
    }

    pub(super) fn count(&self, now: Instant) -> u64 {
        let offenders = lock(&self.offenders);
        let banned =
            offenders.values().filter(|offender| offender.banned_until.is_some_and(|until| until > now));
        u64::try_from(banned.count()).unwrap_or(u64::MAX)
    }

    /// Drops whose strikes are forgiven. Who was banned is remembered for the day, so that the next ban is longer, as
    /// long as there is room for it.
    pub(super) fn prune(&self, now: Instant) {
        let mut offenders = lock(&self.offenders);
        let room = offenders.len() < OFFENDERS_MAX;
        offenders.retain(|_, offender| {
            offender.forgiven > now || offender.banned_until.is_some_and(|until| until > now || room)
        });
        offenders.shrink_to(1024);
    }

    pub(super) fn forget(&self) {
        *lock(&self.offenders) = HashMap::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = [1; 16];

    fn bans(after: u32, first: u32, longest: u32) -> Bans {
        Bans::new(&Config { ban_after: after, ban_s: first, ban_max_s: longest, ..Config::default() })
    }

    fn strikes_until_banned(bans: &Bans, abuse: Abuse, now: Instant) -> u32 {
        (1..).find(|_| bans.strike(KEY, abuse, now)).unwrap()
    }

    fn left(bans: &Bans, now: Instant) -> u32 {
        bans.check(&KEY, now).map_or_else(|refused| refused.retry_after_s, |()| 0)
    }

    #[test]
    fn what_is_done_again_and_again_is_banned_for_longer_each_time() {
        let bans = bans(5, 60, 900);
        let mut now = Instant::now();
        for length in [60, 120, 240, 480, 900, 900] {
            assert_eq!(strikes_until_banned(&bans, Abuse::Malformed, now), 5);
            assert_eq!(left(&bans, now), length + 1);
            assert!(!bans.strike(KEY, Abuse::Malformed, now), "already");
            assert_eq!(bans.count(now), 1);
            assert_eq!(bans.check(&[2; 16], now), Ok(()), "nobody else");
            bans.prune(now);
            now += Duration::from_secs(length.into());
            assert_eq!((left(&bans, now), bans.count(now)), (0, 0));
        }
        bans.forget();
        assert_eq!(strikes_until_banned(&bans, Abuse::Malformed, now), 5);
        assert_eq!(left(&bans, now), 61);
    }

    #[test]
    fn what_happens_now_and_then_is_forgiven() {
        let bans = bans(5, 60, 900);
        let mut now = Instant::now();
        // One in two minutes is what is forgiven.
        for _ in 0..1_000 {
            assert!(!bans.strike(KEY, Abuse::Unproven, now));
            now += Duration::from_secs(121);
        }
        bans.prune(now);
        assert!(lock(&bans.offenders).is_empty());
        assert_eq!(strikes_until_banned(&bans, Abuse::Request, now), 100, "each a twentieth");
    }

    #[test]
    fn offenders_are_bounded() {
        let bans = bans(5, 60, 900);
        let now = Instant::now();
        strikes_until_banned(&bans, Abuse::Frames, now);
        for number in 0..150_000_u128 {
            bans.strike((number << 8).to_le_bytes(), Abuse::Malformed, now);
        }
        assert_eq!(lock(&bans.offenders).len(), OFFENDERS_MAX);
        assert!(bans.check(&KEY, now).is_err(), "who is banned stays so");
        bans.prune(now + Duration::from_secs(59));
        assert!(bans.check(&KEY, now).is_err(), "as long as the ban lasts");
        bans.prune(now + FORGIVEN_IN);
        let offenders = lock(&bans.offenders);
        assert!(offenders.is_empty(), "{}", offenders.len());
        assert!(offenders.capacity() < OFFENDERS_MAX);
    }
}
