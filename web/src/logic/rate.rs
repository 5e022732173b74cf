//! Speed and time left, from how far a transfer was at which time.

use std::collections::VecDeque;

/// What is older does not count any more, in milliseconds.
const WINDOW: u64 = 5_000;
/// Speed is not told before so much time was seen, in milliseconds.
const SETTLED: u64 = 700;
/// At most so many samples are kept.
const SAMPLES: usize = 64;

/// Samples of one transfer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    /// (milliseconds, bytes), oldest first.
    samples: VecDeque<(u64, u64)>,
}

impl Meter {
    /// `done` bytes were through at `now` milliseconds.
    pub fn record(&mut self, now: u64, done: u64) {
        if self.samples.back().is_some_and(|(then, bytes)| now < *then || done < *bytes) {
            // The clock was set back, or the transfer began again.
            self.samples.clear();
        }
        while self.samples.len() >= SAMPLES
            || (self.samples.len() > 2 && self.samples.front().is_some_and(|(then, _)| now - then > WINDOW))
        {
            self.samples.pop_front();
        }
        let several = self.samples.len() > 1;
        match self.samples.back_mut() {
            // Progress comes in bursts; what came at once is one sample.
            Some((then, bytes)) if several && now - *then < WINDOW / 60 => *bytes = done,
            _ => self.samples.push_back((now, done)),
        }
    }

    /// Bytes a second, once there is enough to tell.
    pub fn speed(&self) -> Option<u64> {
        let ((start, from), (end, to)) = (self.samples.front()?, self.samples.back()?);
        let span = end.checked_sub(*start).filter(|span| *span >= SETTLED)?;
        u64::try_from(u128::from(to.saturating_sub(*from)) * 1_000 / u128::from(span)).ok()
    }

    /// Seconds until `size` bytes are through, at this speed.
    pub fn seconds_left(&self, size: u64) -> Option<u64> {
        let (_, done) = self.samples.back()?;
        let speed = self.speed().filter(|speed| *speed > 0)?;
        Some(size.saturating_sub(*done).div_ceil(speed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_claimed_too_early() {
        let mut meter = Meter::default();
        assert_eq!(meter.speed(), None);
        meter.record(1_000, 0);
        meter.record(1_500, 1_000_000);
        assert_eq!(meter.speed(), None);
        assert_eq!(meter.seconds_left(2_000_000), None);
    }

    #[test]
    fn a_steady_transfer_has_its_speed() {
        let mut meter = Meter::default();
        for step in 0..200 {
            meter.record(step * 100, step * 1_000_000);
        }
        assert_eq!(meter.speed(), Some(10_000_000));
        assert_eq!(meter.seconds_left(199_000_000 + 25_000_000), Some(3));
        assert!(meter.samples.len() <= SAMPLES);
    }

    #[test]
    fn old_speed_is_forgotten() {
        let mut meter = Meter::default();
        for step in 0..100 {
            meter.record(step * 100, step * 10_000_000);
        }
        for step in 100..300 {
            meter.record(step * 100, 990_000_000 + (step - 100) * 100_000);
        }
        assert_eq!(meter.speed(), Some(1_000_000));
    }

    #[test]
    fn a_transfer_that_stands_still_has_no_time_left() {
        let mut meter = Meter::default();
        for step in 0..100 {
            meter.record(step * 100, 5);
        }
        assert_eq!(meter.speed(), Some(0));
        assert_eq!(meter.seconds_left(10), None);
    }

    #[test]
    fn beginning_again_starts_afresh() {
        let mut meter = Meter::default();
        meter.record(0, 0);
        meter.record(2_000, 9_000);
        meter.record(3_000, 0);
        assert_eq!(meter.speed(), None);
    }
}
