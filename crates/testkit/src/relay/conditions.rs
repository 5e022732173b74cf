//! How bad a relay is.

use core::time::Duration;

/// What happens to packets in each direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// How long every packet takes.
    pub delay: Duration,
    /// By how much the delay is longer or shorter, at most and at random. Packets keep their order, as in a queue.
    pub jitter: Duration,
    /// How many of 1,000 packets are lost.
    pub lost: u32,
    /// How many of 1,000 packets arrive twice.
    pub doubled: u32,
    /// How many of 1,000 packets are held back, so that later ones arrive before them.
    pub held: u32,
    /// For how long they are.
    pub held_for: Duration,
    /// Bytes a second; unlimited if there is none.
    pub rate: Option<u64>,
    /// Bytes that may wait for their turn at that rate; what comes then is dropped.
    pub queue: usize,
    /// Nothing comes through.
    pub cut: bool,
}

impl Default for Conditions {
    /// A perfect network.
    fn default() -> Self {
        Self {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            lost: 0,
            doubled: 0,
            held: 0,
            held_for: Duration::ZERO,
            rate: None,
            queue: 64 << 10,
            cut: false,
        }
    }
}
