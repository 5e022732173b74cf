//! A person with one device.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use rand_chacha::ChaCha12Rng;
use sotto_engine::{Changes, Client, FileId, Input, LinkId, SocketEvent, Timestamp};
use sotto_wire::peer::Signal;

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
    /// Before the n-th output of any kind from now: some of a turn's sends were done, the others were not.
    BeforeOutput(u64),
}

/// One end of a link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LinkEnd {
    /// Whom the signals go to is known to the client only; the other end is learnt from their content.
    pub(crate) other: Option<(usize, LinkId)>,
    pub(crate) open: bool,
    /// Whether it was given a TURN server.
    pub(crate) turn: bool,
    /// Whether it uses nothing else.
    pub(crate) relay_only: bool,
}

/// Something that waits for the client.
#[derive(Debug)]
pub(crate) enum Item {
    Input(Input),
    /// Of the socket of this number; older ones are not to be heard of any more.
    Socket(u64, SocketEvent),
    /// The timer rang.
    Timer,
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
    /// Whether the browser has WebRTC.
    pub webrtc: bool,
    /// Signals of other sides, as they reached this one's links.
    pub signals_heard: Vec<Signal>,
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
    /// The longest the storage takes for one transaction or read; meanwhile inputs wait.
    pub slow_store: Duration,
    /// Whether the storage has no room: it stores nothing, and the client is stopped.
    pub disk_full: bool,
    /// Whether the client was stopped because it could not store; the page says so until it is opened again.
    pub stopped: bool,
    /// Whether the device sleeps: nothing is heard, no timer rings.
    pub asleep: bool,
    /// How often another path was sought for one.
    pub links_restarted: u64,
    pub(crate) rng: ChaCha12Rng,
    pub(crate) run: u64,
    pub(crate) connection: Option<ConnectionId>,
    /// Rises whenever a socket is made or ends.
    pub(crate) socket: u64,
    pub(crate) links: BTreeMap<LinkId, LinkEnd>,
    pub(crate) expected: Vec<Expected>,
    pub(crate) crash: Option<CrashAt>,
    /// What is being stored.
    pub(crate) storing: Option<Changes>,
    pub(crate) waiting: VecDeque<Item>,
    /// What the timer was set for by this device's clock, and when it rings in the world.
    pub(crate) alarm: Option<(Timestamp, Timestamp)>,
    /// Something left the device in this turn.
    pub(crate) left: bool,
    /// How wrong this device's clock is, in milliseconds.
    pub clock_skew: i64,
}

impl Person {
    pub(crate) fn new(rng: ChaCha12Rng) -> Self {
        Self {
            client: None,
            disk: Disk::default(),
            screen: Screen::default(),
            webrtc: true,
            signals_heard: Vec::new(),
            log: Vec::new(),
            online: true,
            kept: BTreeMap::new(),
            persists: 0,
            posts: Vec::new(),
            links_opened: 0,
            slow_store: Duration::ZERO,
            disk_full: false,
            stopped: false,
            asleep: false,
            links_restarted: 0,
            rng,
            run: 0,
            connection: None,
            socket: 0,
            links: BTreeMap::new(),
            expected: Vec::new(),
            crash: None,
            storing: None,
            waiting: VecDeque::new(),
            alarm: None,
            left: false,
            clock_skew: 0,
        }
    }

    /// How many links are open.
    #[must_use]
    pub fn open_links(&self) -> usize {
        self.links.values().filter(|end| end.open).count()
    }

    /// Whether inputs have to wait.
    pub(crate) fn is_busy(&self) -> bool {
        self.asleep || self.storing.is_some()
    }

    /// The time by this device's clock.
    pub(crate) fn clock(&self, now: Timestamp) -> Timestamp {
        Timestamp(now.0.saturating_add_signed(self.clock_skew))
    }
}
