//! One direction of a relay: what becomes of a packet, and when it is due.

use core::time::Duration;
use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::Conditions;

/// Packets under way at once; more are dropped. With packets of 1,500 bytes, 12 MiB.
const MAX_WAITING: usize = 8_192;

/// What became of the packets of one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Came in.
    pub taken: u64,
    /// Went out, the doubled ones twice.
    pub passed: u64,
    /// Lost at random.
    pub lost: u64,
    /// Made a second time.
    pub doubled: u64,
    /// Held back.
    pub held: u64,
    /// Came while the queue was full.
    pub overflowed: u64,
    /// Came while the network was cut.
    pub cut: u64,
}

/// Packets on their way. Time is an argument: it is counted from any beginning and never goes back.
#[derive(Debug)]
pub struct Pipe {
    conditions: Conditions,
    random: ChaCha8Rng,
    /// By the time they are due, then by their number.
    waiting: BTreeMap<(Duration, u64), Vec<u8>>,
    next: u64,
    /// When the last byte that was taken has left at the given rate.
    busy_until: Duration,
    /// When the last packet that keeps its order is due.
    last_due: Duration,
    counts: Counts,
}

impl Pipe {
    /// A perfect network; what happens at random later comes from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            conditions: Conditions::default(),
            random: ChaCha8Rng::seed_from_u64(seed),
            waiting: BTreeMap::new(),
            next: 0,
            busy_until: Duration::ZERO,
            last_due: Duration::ZERO,
            counts: Counts::default(),
        }
    }

    /// Changes what happens to the packets that come from now on.
    pub fn set(&mut self, conditions: Conditions) {
        self.conditions = conditions;
    }

    /// What became of the packets so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes a packet, or drops it.
    pub fn take(&mut self, now: Duration, packet: &[u8]) {
        let conditions = self.conditions;
        self.counts.taken += 1;
        // Always the same number of draws: what happens to a packet depends on its number alone.
        let [lost, doubled, held] = [conditions.lost, conditions.doubled, conditions.held]
            .map(|share| self.random.next_u32() % 1_000 < share);
        let shift = u64::from(self.random.next_u32());
        if conditions.cut {
            self.counts.cut += 1;
            return;
        }
        if lost {
            self.counts.lost += 1;
            return;
        }
        let copies = if doubled { 2 } else { 1 };
        if self.waiting.len() + copies > MAX_WAITING || !self.queue(now, packet.len()) {
            self.counts.overflowed += 1;
            return;
        }
        let least = conditions.delay.saturating_sub(conditions.jitter);
        let spread = u64::try_from(2 * conditions.jitter.as_micros()).unwrap_or(u64::MAX);
        let due = now.max(self.busy_until) + least + Duration::from_micros((spread * shift) >> 32);
        let due = if held {
            self.counts.held += 1;
            due + conditions.held_for
        } else {
            self.last_due = self.last_due.max(due);
            self.last_due
        };
        self.counts.doubled += u64::from(doubled);
        for _ in 0..copies {
            self.waiting.insert((due, self.next), packet.to_vec());
            self.next += 1;
        }
    }

    /// Gives the next packet that is due.
    pub fn give(&mut self, now: Duration) -> Option<Vec<u8>> {
        let first = self.waiting.first_entry().filter(|entry| entry.key().0 <= now)?;
        self.counts.passed += 1;
        Some(first.remove())
    }

    /// When the next packet is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Duration> {
        self.waiting.first_key_value().map(|((due, _), _)| *due)
    }

    /// Puts bytes behind those that wait for their turn; false if there is no room for them.
    fn queue(&mut self, now: Duration, length: usize) -> bool {
        let Some(rate) = self.conditions.rate else { return true };
        let takes = |bytes: usize| Duration::from_nanos(bytes as u64 * 1_000_000_000 / rate.max(1));
        let begins = self.busy_until.max(now);
        if begins - now + takes(length) > takes(self.conditions.queue) {
            return false;
        }
        self.busy_until = begins + takes(length);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Puts `count` numbered packets in, one each millisecond, and gives what comes out, with the times.
    fn play(conditions: Conditions, seed: u64, count: u32) -> (Vec<(Duration, u32)>, Counts) {
        let mut pipe = Pipe::new(seed);
        pipe.set(conditions);
        let mut out = Vec::new();
        let mut drain = |pipe: &mut Pipe, now| {
            while let Some(due) = pipe.next_due().filter(|due| *due <= now) {
                let packet = pipe.give(due).unwrap();
                out.push((due, u32::from_be_bytes(packet.try_into().unwrap())));
            }
        };
        for number in 0..count {
            let now = MS * number;
            drain(&mut pipe, now);
            pipe.take(now, &number.to_be_bytes());
        }
        drain(&mut pipe, Duration::MAX);
        assert_eq!(pipe.next_due(), None);
        (out, pipe.counts())
    }

    fn numbers(out: &[(Duration, u32)]) -> Vec<u32> {
        out.iter().map(|(_, number)| *number).collect()
    }

    #[test]
    fn a_perfect_network_changes_nothing() {
        let (out, counts) = play(Conditions::default(), 1, 100);
        assert_eq!(out, (0..100).map(|number| (MS * number, number)).collect::<Vec<_>>());
        assert_eq!(counts, Counts { taken: 100, passed: 100, ..Counts::default() });
    }

    #[test]
    fn delay_with_jitter_stays_within_its_bounds_and_keeps_the_order() {
        let conditions = Conditions { delay: 200 * MS, jitter: 50 * MS, ..Conditions::default() };
        let (out, _) = play(conditions, 2, 1_000);
        assert_eq!(numbers(&out), (0..1_000).collect::<Vec<_>>());
        let delays: Vec<Duration> = out.iter().map(|(due, number)| *due - MS * *number).collect();
        assert!(delays.iter().all(|delay| (150 * MS..=250 * MS).contains(delay)), "{delays:?}");
        assert!(delays.iter().any(|delay| *delay != delays[0]), "there is jitter");
    }

    #[test]
    fn packets_apart_are_delayed_evenly_around_the_middle() {
        let mut pipe = Pipe::new(3);
        pipe.set(Conditions { delay: 200 * MS, jitter: 50 * MS, ..Conditions::default() });
        let mut sum = Duration::ZERO;
        for number in 0..2_000 {
            let now = 1_000 * MS * number;
            pipe.take(now, b"packet");
            let due = pipe.next_due().unwrap();
            sum += due - now;
            assert!(pipe.give(due - MS / 1_000).is_none(), "not before it is due");
            assert!(pipe.give(due).is_some());
        }
        assert!((198 * MS..202 * MS).contains(&(sum / 2_000)), "{sum:?}");
    }

    #[test]
    fn about_as_many_are_lost_and_doubled_as_asked_for() {
        let (out, counts) = play(Conditions { lost: 50, doubled: 30, ..Conditions::default() }, 4, 20_000);
        assert!((900..1_100).contains(&counts.lost), "{counts:?}");
        assert!((480..680).contains(&counts.doubled), "{counts:?}");
        assert_eq!(counts.passed, 20_000 - counts.lost + counts.doubled);
        let mut once = numbers(&out);
        assert!(once.is_sorted());
        once.dedup();
        assert_eq!(once.len() as u64, 20_000 - counts.lost);
    }

    #[test]
    fn those_held_back_are_overtaken_and_all_arrive() {
        let conditions = Conditions { delay: 10 * MS, held: 100, held_for: 20 * MS, ..Conditions::default() };
        let (out, counts) = play(conditions, 5, 1_000);
        let mut numbers = numbers(&out);
        let behind = numbers.windows(2).filter(|pair| pair[0] > pair[1]).count() as u64;
        assert!(behind > 50 && behind <= counts.held, "{behind} of {counts:?}");
        numbers.sort_unstable();
        assert_eq!(numbers, (0..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn a_rate_spreads_packets_and_a_full_queue_drops_the_last() {
        let mut pipe = Pipe::new(6);
        // Ten packets of 100 bytes fit.
        pipe.set(Conditions { rate: Some(10_000), queue: 1_000, ..Conditions::default() });
        for _ in 0..15 {
            pipe.take(Duration::ZERO, &[0; 100]);
        }
        assert_eq!(pipe.counts().overflowed, 5);
        for number in 1..=10 {
            assert_eq!(pipe.next_due(), Some(10 * MS * number));
            assert!(pipe.give(10 * MS * number).is_some());
        }
        // By then there is room again.
        pipe.take(100 * MS, &[0; 100]);
        assert_eq!(pipe.next_due(), Some(110 * MS));
    }

    #[test]
    fn nothing_comes_in_while_cut_and_what_is_under_way_arrives() {
        let mut pipe = Pipe::new(7);
        let conditions = Conditions { delay: 10 * MS, ..Conditions::default() };
        pipe.set(conditions);
        pipe.take(Duration::ZERO, b"before");
        pipe.set(Conditions { cut: true, ..conditions });
        pipe.take(MS, b"meanwhile");
        pipe.set(conditions);
        pipe.take(2 * MS, b"after");
        assert_eq!(pipe.give(20 * MS).as_deref(), Some(&b"before"[..]));
        assert_eq!(pipe.give(20 * MS).as_deref(), Some(&b"after"[..]));
        assert_eq!(pipe.counts().cut, 1);
    }

    #[test]
    fn memory_is_bounded_without_a_rate() {
        let mut pipe = Pipe::new(8);
        pipe.set(Conditions { delay: 1_000 * MS, doubled: 500, ..Conditions::default() });
        for _ in 0..2 * MAX_WAITING {
            pipe.take(Duration::ZERO, b"packet");
        }
        assert!(pipe.waiting.len() <= MAX_WAITING);
        assert!(pipe.counts().overflowed > 0);
    }

    #[test]
    fn the_same_seed_does_the_same_and_another_does_not() {
        let conditions = Conditions {
            delay: 30 * MS,
            jitter: 20 * MS,
            lost: 100,
            doubled: 100,
            held: 100,
            held_for: 40 * MS,
            ..Conditions::default()
        };
        assert_eq!(play(conditions, 9, 500), play(conditions, 9, 500));
        assert_ne!(play(conditions, 9, 500).0, play(conditions, 10, 500).0);
    }

    #[test]
    fn what_is_lost_depends_on_the_number_of_the_packet_alone() {
        let lossy = Conditions { lost: 200, ..Conditions::default() };
        let slow = Conditions { delay: 100 * MS, jitter: 100 * MS, ..lossy };
        assert_eq!(numbers(&play(lossy, 11, 500).0), numbers(&play(slow, 11, 500).0));
    }
}
