//! The world: time passes from one happening to the next.

mod device;
mod links;
mod wires;

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_core::Rng;
use sotto_engine::{Command, ContactId, Event, Input, LinkId, MessageView, Notice, RequestId, Timestamp};

use crate::network::{Network, Party};
use crate::person::{Item, Person};
use crate::server::{ConnectionId, ModelServer, ToDevice};

/// A person, by place.
pub type Who = usize;

/// Where all of this is.
pub(crate) const ORIGIN: &str = "https://sotto.example";

/// Something that will happen.
#[derive(Debug)]
enum Happening {
    /// To a client, if it is still in the same run.
    Input { who: Who, run: u64, item: Item },
    /// A frame or a close reaches a device.
    FromServer(ToDevice),
    /// A device's connection is made, if it still wants this one.
    Connect { who: Who, socket: u64 },
    /// A frame, or the end of the connection, reaches the server.
    ToServer { who: Who, connection: ConnectionId, bytes: Option<Vec<u8>> },
    /// A request reaches the server; a doubled one is not answered.
    Http { who: Who, run: u64, id: Option<RequestId>, path: &'static str, body: Vec<u8> },
    /// A message on a link arrives.
    OnLink { from: Who, who: Who, link: LinkId, bytes: Vec<u8> },
    /// One end of a link notices that nothing comes any more.
    Starved { who: Who, link: LinkId },
    /// A page is opened again.
    Start { who: Who, run: u64 },
    /// What was being stored is stored, or is not.
    Stored { who: Who, run: u64 },
}

/// Several people, a server, a network.
#[derive(Debug)]
pub struct World {
    /// The world's time.
    pub now: Timestamp,
    /// People.
    pub people: Vec<Person>,
    /// The server.
    pub server: ModelServer,
    /// Whether the server runs.
    pub server_up: bool,
    /// The network.
    pub network: Network,
    /// Roots are altered on their way into the receiver's report.
    pub corrupt_files: bool,
    /// Files begin and do not go on.
    pub stall_files: bool,
    /// Where nothing gets through, from whom to whom.
    cuts: BTreeSet<(Party, Party)>,
    /// What streams hold back there.
    held: BTreeMap<(Party, Party), Vec<Happening>>,
    rng: ChaCha12Rng,
    queue: BTreeMap<(Timestamp, u64), Happening>,
    happened: u64,
    /// The time at which the last message on each link arrives, so that they stay in order.
    link_times: BTreeMap<(Who, LinkId), Timestamp>,
    socket_times: BTreeMap<(bool, ConnectionId), Timestamp>,
    /// What was shown to whom, for whoever watches.
    watched: Option<Vec<(Who, Event)>>,
}

impl World {
    /// A world of so many people, whose pages are open.
    #[must_use]
    pub fn new(seed: u64, people: usize) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let people = (0..people).map(|_| Person::new(ChaCha12Rng::seed_from_u64(rng.next_u64()))).collect();
        let mut world = Self {
            now: Timestamp(1_800_000_000_000),
            people,
            server: ModelServer::new(ORIGIN),
            server_up: true,
            network: Network::default(),
            corrupt_files: false,
            stall_files: false,
            cuts: BTreeSet::new(),
            held: BTreeMap::new(),
            rng,
            queue: BTreeMap::new(),
            happened: 0,
            link_times: BTreeMap::new(),
            socket_times: BTreeMap::new(),
            watched: None,
        };
        for who in 0..world.people.len() {
            world.open_page(who);
        }
        world
    }

    fn schedule(&mut self, at: Timestamp, happening: Happening) {
        self.happened += 1;
        self.queue.insert((at, self.happened), happening);
    }

    fn chance(&mut self, of_thousand: u32) -> bool {
        self.rng.next_u32() % 1000 < of_thousand
    }

    /// A random number below `below`.
    pub fn random(&mut self, below: u64) -> u64 {
        self.rng.next_u64() % below
    }

    fn up_to(&mut self, most: Duration) -> Duration {
        let most = most.as_millis() as u64;
        Duration::from_millis(if most == 0 { 0 } else { self.rng.next_u64() % most })
    }

    fn after_delay(&mut self) -> Timestamp {
        let extra = self.up_to(self.network.jitter);
        let stall = if self.network.stalled > 0 && self.chance(self.network.stalled) {
            self.up_to(Network::STALL)
        } else {
            Duration::ZERO
        };
        self.now.saturating_add(self.network.delay).saturating_add(extra).saturating_add(stall)
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Input { who, run, item } if self.people[who].run == run => self.item(who, item),
            Happening::Input { .. } => {}
            Happening::Connect { who, socket } => self.connect(who, socket),
            Happening::ToServer { who, connection, bytes } => self.server_hears(who, connection, bytes),
            Happening::FromServer(out) => self.server_says(out),
            Happening::Http { who, run, id, path, body } => self.http(who, run, id, path, &body),
            Happening::OnLink { from, who, link, bytes } => self.on_link(from, who, link, bytes),
            Happening::Starved { who, link } => self.starved(who, link),
            Happening::Start { who, run } => {
                if self.people[who].run == run && self.people[who].client.is_none() {
                    self.open_page(who);
                }
            }
            Happening::Stored { who, run } if self.people[who].run == run => self.stored(who),
            Happening::Stored { .. } => {}
        }
    }

    /// Lets the next thing happen, unless it is later than `until`. `false` when there was nothing.
    fn step(&mut self, until: Timestamp) -> bool {
        let awake = self.people.iter().enumerate().filter(|(_, person)| !person.is_busy());
        let rings = awake.filter_map(|(who, person)| Some((person.alarm?.1.max(self.now), who))).min();
        let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
        match (rings, queued) {
            (Some((at, who)), queued) if at <= until && queued.is_none_or(|queued| at < queued) => {
                self.now = at;
                self.people[who].alarm = None;
                self.item(who, Item::Timer);
                true
            }
            (_, Some(at)) if at <= until => {
                self.now = self.now.max(at);
                if let Some((_, happening)) = self.queue.pop_first() {
                    self.happen(happening);
                }
                true
            }
            _ => false,
        }
    }

    /// Lets time pass.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_watched(duration, |_| ());
    }

    /// Lets time pass and looks after each happening.
    pub fn run_watched(&mut self, duration: Duration, mut look: impl FnMut(&mut Self)) {
        let until = self.now.saturating_add(duration);
        let mut steps = 0_u64;
        while self.step(until) {
            look(self);
            steps += 1;
            assert!(steps < 1_000_000, "the world does not come to rest");
        }
        self.now = until;
    }

    /// Lets time pass until something is so, at most so long. `false` if it never was.
    #[must_use]
    pub fn run_until(&mut self, most: Duration, mut condition: impl FnMut(&World) -> bool) -> bool {
        let until = self.now.saturating_add(most);
        let mut steps = 0_u64;
        while !condition(self) {
            if !self.step(until) {
                return condition(self);
            }
            steps += 1;
            assert!(steps < 1_000_000, "the world does not come to rest");
        }
        true
    }

    /// From now on everything that is shown can be taken by [`World::take_watched`].
    pub fn watch(&mut self) {
        self.watched = Some(Vec::new());
    }

    /// What was shown to whom since the last time, in the order in which it was shown.
    pub fn take_watched(&mut self) -> Vec<(Who, Event)> {
        self.watched.as_mut().map(core::mem::take).unwrap_or_default()
    }

    /// The newest stored history with a contact, through the client.
    #[must_use]
    pub fn history(&mut self, who: Who, contact: ContactId) -> Vec<MessageView> {
        self.people[who].screen.history = None;
        self.command(who, Command::LoadHistory { contact, before: None, limit: 500 });
        assert!(self.run_until(Duration::from_secs(60), |world| {
            let person = &world.people[who];
            person.screen.history.is_some()
                || person.screen.notices.contains(&Notice::HistoryUnreadable(contact))
        }));
        self.people[who].screen.history.take().map(|(_, messages, _)| messages).unwrap_or_default()
    }

    /// The user wants something.
    pub fn command(&mut self, who: Who, command: Command) {
        self.input(who, Input::Command(command));
    }
}
