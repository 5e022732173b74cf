//! A level that rises by what is poured in and sinks evenly. It is kept as the moment at which it will be gone, so that
//! nothing is lost by rounding however often it is looked at.

use std::time::{Duration, Instant};

/// How fast levels sink: from `full` to nothing in `period`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leak {
    pub(super) full: u64,
    pub(super) period: Duration,
}

impl Leak {
    /// How long this much takes to sink away.
    pub(super) fn time(&self, amount: u64) -> Duration {
        let nanos = u128::from(amount).saturating_mul(self.period.as_nanos());
        let nanos = nanos.checked_div(u128::from(self.full)).unwrap_or(u128::MAX);
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How much sinks away in this time.
    pub(super) fn amount(&self, time: Duration) -> u64 {
        let amount = time.as_nanos().saturating_mul(u128::from(self.full));
        u64::try_from(amount.checked_div(self.period.as_nanos()).unwrap_or(0)).unwrap_or(u64::MAX)
    }

    /// The level now, of one that will be gone at `gone`.
    pub(super) fn level(&self, gone: Instant, now: Instant) -> u64 {
        self.amount(gone.saturating_duration_since(now))
    }

    /// When it will be gone with this much more in it.
    pub(super) fn pour(&self, gone: Option<Instant>, amount: u64, now: Instant) -> Instant {
        let from = gone.map_or(now, |gone| gone.max(now));
        from.checked_add(self.time(amount)).unwrap_or(from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sinks_however_often_it_is_looked_at() {
        let leak = Leak { full: 1_000, period: Duration::from_secs(1_000) };
        let start = Instant::now();
        let mut gone = leak.pour(None, 500, start);
        assert_eq!(leak.level(gone, start), 500);
        // Less than one sinks between two looks.
        for tenth in 1..=1_000 {
            let now = start + Duration::from_millis(100) * tenth;
            gone = leak.pour(Some(gone), 0, now);
        }
        let now = start + Duration::from_secs(100);
        assert_eq!(leak.level(gone, now), 400);
        assert_eq!(leak.level(gone, now + Duration::from_secs(401)), 0);
        assert_eq!(
            leak.level(
                leak.pour(Some(gone), 7, now + Duration::from_secs(900)),
                now + Duration::from_secs(900)
            ),
            7
        );
    }

    #[test]
    fn nothing_overflows() {
        let now = Instant::now();
        for leak in [
            Leak { full: 0, period: Duration::from_secs(1) },
            Leak { full: u64::MAX, period: Duration::MAX },
            Leak { full: 1, period: Duration::ZERO },
        ] {
            let gone = leak.pour(Some(now), u64::MAX, now);
            leak.level(leak.pour(Some(gone), u64::MAX, now), now);
        }
    }
}
