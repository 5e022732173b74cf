//! How bad the network is.

use core::time::Duration;

/// The network between all devices and the server, changed by scenarios at will.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// Shortest one-way delay.
    pub delay: Duration,
    /// What is added at random at most.
    pub jitter: Duration,
    /// How many of 1,000 HTTP requests are lost on their way there.
    pub lost_requests: u32,
    /// How many of 1,000 answers are lost on their way back, after the server acted.
    pub lost_answers: u32,
    /// How many of 1,000 messages on links are lost; links are reliable until they break, so a loss breaks the link.
    pub broken_links: u32,
    /// How many of 1,000 messages on links vanish although the link stays open.
    pub silent_links: u32,
    /// Whether links can be made.
    pub links: bool,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(10),
            lost_requests: 0,
            lost_answers: 0,
            broken_links: 0,
            silent_links: 0,
            links: true,
        }
    }
}

impl Network {
    /// Everything may be lost.
    #[must_use]
    pub fn bad() -> Self {
        Self {
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(400),
            lost_requests: 150,
            lost_answers: 150,
            broken_links: 60,
            silent_links: 20,
            links: true,
        }
    }

    /// Without links.
    #[must_use]
    pub fn without_links() -> Self {
        Self { links: false, ..Self::default() }
    }
}
