//! How bad the network is.

use core::time::Duration;

/// The network between all devices and the server, changed by scenarios at will.
#[derive(Clone, Copy, Debug)]
pub struct Network {
    /// Shortest one-way delay.
    pub delay: Duration,
    /// What is added at random at most. Requests overtake each other by it; sockets and links are ordered streams.
    pub jitter: Duration,
    /// How many of 1,000 messages of any kind are held up by up to [`Network::STALL`].
    pub stalled: u32,
    /// How many of 1,000 HTTP requests are lost on their way there.
    pub lost_requests: u32,
    /// How many of 1,000 answers are lost on their way back, after the server acted.
    pub lost_answers: u32,
    /// How many of 1,000 HTTP requests reach the server once more, later: browsers and proxies repeat them.
    pub doubled_requests: u32,
    /// How many of 1,000 HTTP requests the server refuses for the moment: 503, 429, 500, and for envelopes 507.
    pub refused_requests: u32,
    /// The longest the server takes for an answer.
    pub slow_server: Duration,
    /// How many of 1,000 messages on links are lost; links are reliable until they break, so a loss breaks the link.
    pub broken_links: u32,
    /// How many of 1,000 messages on links vanish although the link stays open.
    pub silent_links: u32,
    /// Whether links can be made.
    pub links: bool,
    /// Whether they can be made without a TURN server.
    pub direct: bool,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(10),
            stalled: 0,
            lost_requests: 0,
            lost_answers: 0,
            doubled_requests: 0,
            refused_requests: 0,
            slow_server: Duration::ZERO,
            broken_links: 0,
            silent_links: 0,
            links: true,
            direct: true,
        }
    }
}

impl Network {
    /// The longest that a single message is held up.
    pub const STALL: Duration = Duration::from_secs(30);

    /// Everything may be lost.
    #[must_use]
    pub fn bad() -> Self {
        Self {
            jitter: Duration::from_millis(400),
            lost_requests: 150,
            lost_answers: 150,
            broken_links: 60,
            silent_links: 20,
            ..Self::default()
        }
    }

    /// Everything overtakes, comes twice, or comes late.
    #[must_use]
    pub fn confused() -> Self {
        Self {
            jitter: Duration::from_secs(3),
            stalled: 30,
            doubled_requests: 250,
            lost_answers: 50,
            broken_links: 10,
            ..Self::default()
        }
    }

    /// The server has too much to do.
    #[must_use]
    pub fn overloaded() -> Self {
        Self {
            slow_server: Duration::from_secs(20),
            refused_requests: 300,
            jitter: Duration::from_millis(100),
            ..Self::default()
        }
    }

    /// Without links.
    #[must_use]
    pub fn without_links() -> Self {
        Self { links: false, ..Self::default() }
    }
}

/// An end of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    /// The server.
    Server,
    /// A person's device, by place.
    Person(usize),
}
