//! A person with one device.

use std::collections::BTreeMap;

use rand_chacha::ChaCha12Rng;
use sotto_engine::{Client, FileId, LinkId, Timestamp};

use crate::disk::Disk;
use crate::files::Expected;
use crate::screen::Screen;
use crate::server::ConnectionId;

/// When a device is to crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashAt {
    /// Instead of its n-th `Persist` from now (0 is the next): nothing of it was stored.
    BeforePersist(u64),
    /// Right after it: it was stored, nothing behind it was done.
    AfterPersist(u64),
}

/// One end of a link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinkEnd {
    /// Whom the signals go to is known to the client only; the other end is learnt from their content.
    pub(crate) other: Option<(usize, LinkId)>,
    pub(crate) open: bool,
}

/// A person.
#[derive(Debug)]
pub struct Person {
    /// The running client; none while the page is closed.
    pub client: Option<Client>,
    /// What is stored.
    pub disk: Disk,
    /// What is seen.
    pub screen: Screen,
    /// Lines of the log.
    pub log: Vec<&'static str>,
    /// Whether there is a network.
    pub online: bool,
    /// Files received and kept, with their content.
    pub kept: BTreeMap<FileId, u64>,
    /// How often something was stored.
    pub persists: u64,
    /// Every HTTP path asked for.
    pub posts: Vec<&'static str>,
    /// How many links were asked for.
    pub links_opened: u64,
    pub(crate) rng: ChaCha12Rng,
    pub(crate) run: u64,
    pub(crate) connection: Option<ConnectionId>,
    pub(crate) links: BTreeMap<LinkId, LinkEnd>,
    pub(crate) expected: Vec<Expected>,
    pub(crate) crash: Option<CrashAt>,
    /// How wrong this device's clock is, in milliseconds.
    pub clock_skew: i64,
}

impl Person {
    pub(crate) fn new(rng: ChaCha12Rng) -> Self {
        Self {
            client: None,
            disk: Disk::default(),
            screen: Screen::default(),
            log: Vec::new(),
            online: true,
            kept: BTreeMap::new(),
            persists: 0,
            posts: Vec::new(),
            links_opened: 0,
            rng,
            run: 0,
            connection: None,
            links: BTreeMap::new(),
            expected: Vec::new(),
            crash: None,
            clock_skew: 0,
        }
    }

    /// How many links are open.
    #[must_use]
    pub fn open_links(&self) -> usize {
        self.links.values().filter(|end| end.open).count()
    }

    /// The time by this device's clock.
    pub(crate) fn clock(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_add_signed(self.clock_skew))
    }

    /// The time of the world at which this device's clock says so.
    pub(crate) fn world_time(&self, at: Timestamp) -> Timestamp {
        Timestamp(at.0.saturating_add_signed(-self.clock_skew))
    }
}
