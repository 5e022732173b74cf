//! The world: time passes from one happening to the next.

use core::time::Duration;
use std::collections::BTreeMap;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_core::Rng;
use sotto_engine::{
    Client, Command, Config, ContactId, Input, LinkAction, LinkEvent, LinkId, LinkPath, MessageView, Output,
    Record, Request, RequestId, Response, RestoreError, SocketAction, SocketEvent, Timestamp, TransferAction,
    TransferEvent, TransferFailure,
};
use sotto_wire::peer::{DescriptionKind, Signal};

use crate::files::{Expected, root};
use crate::network::Network;
use crate::person::{CrashAt, LinkEnd, Person};
use crate::server::{ConnectionId, ModelServer, ToDevice};

/// A person, by place.
pub type Who = usize;

/// Where all of this is.
pub(crate) const ORIGIN: &str = "https://sotto.example";

/// Something that will happen.
#[derive(Debug)]
enum Happening {
    /// To a client, if it is still in the same run.
    Input { who: Who, run: u64, input: Input },
    /// A frame or a close reaches a device.
    FromServer(ToDevice),
    /// A device's connection is made.
    Connect { who: Who, run: u64 },
    /// A frame reaches the server.
    ToServer { connection: ConnectionId, bytes: Vec<u8> },
    /// A request reaches the server.
    Http { who: Who, run: u64, id: RequestId, path: &'static str, body: Vec<u8> },
    /// A message on a link arrives.
    OnLink { who: Who, link: LinkId, bytes: Vec<u8> },
    /// A page is opened again.
    Start { who: Who, run: u64 },
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
    rng: ChaCha12Rng,
    queue: BTreeMap<(Timestamp, u64), Happening>,
    happened: u64,
    /// The time at which the last message on each link arrives, so that they stay in order.
    link_times: BTreeMap<(Who, LinkId), Timestamp>,
    socket_times: BTreeMap<(bool, ConnectionId), Timestamp>,
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
            rng,
            queue: BTreeMap::new(),
            happened: 0,
            link_times: BTreeMap::new(),
            socket_times: BTreeMap::new(),
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

    fn after_delay(&mut self) -> Timestamp {
        let jitter = self.network.jitter.as_millis() as u64;
        let extra = if jitter == 0 { 0 } else { self.rng.next_u64() % jitter };
        self.now.saturating_add(self.network.delay).saturating_add(Duration::from_millis(extra))
    }

    /// Opens the page: the client is restored from what is stored.
    pub fn open_page(&mut self, who: Who) {
        self.try_open_page(who).expect("what was stored can be restored");
    }

    /// Opens the page if what is stored can be restored.
    ///
    /// # Errors
    /// Those of [`Client::restore`]; the page stays closed.
    pub fn try_open_page(&mut self, who: Who) -> Result<(), RestoreError> {
        let now = self.people[who].clock(self.now);
        let person = &mut self.people[who];
        assert!(person.client.is_none(), "the page is open already");
        person.run += 1;
        let config = Config { origin: ORIGIN.to_owned(), ice_servers: Vec::new() };
        let records: Vec<Record> = person.disk.loaded_at_start();
        person.client = Some(Client::restore(records, config, now, &mut person.rng)?);
        person.screen.ready = false;
        self.carry_out(who);
        Ok(())
    }

    /// Closes the page, or kills it: what was not stored is gone.
    pub fn close_page(&mut self, who: Who) {
        let person = &mut self.people[who];
        person.client = None;
        person.run += 1;
        person.expected.clear();
        if let Some(connection) = person.connection.take() {
            self.server.disconnect(connection);
        }
        self.break_links(who);
        self.flush_server();
    }

    /// Closes the page and opens it again.
    pub fn reload(&mut self, who: Who) {
        if self.people[who].client.is_some() {
            self.close_page(who);
        }
        self.open_page(who);
    }

    /// The device will crash, and its page be opened again a second later.
    pub fn crash(&mut self, who: Who, at: CrashAt) {
        self.people[who].crash = Some(at);
    }

    /// The device loses or gets back its network, and its browser says so.
    pub fn set_online(&mut self, who: Who, online: bool) {
        self.people[who].online = online;
        if !online {
            if let Some(connection) = self.people[who].connection.take() {
                self.server.disconnect(connection);
                self.input(who, Input::Socket(SocketEvent::Closed { code: 1006 }));
            }
            self.break_links(who);
        }
        self.input(who, Input::Online(online));
    }

    /// All links of a person break.
    pub fn break_links(&mut self, who: Who) {
        let links: Vec<LinkId> = self.people[who].links.keys().copied().collect();
        for link in links {
            self.break_link(who, link);
        }
    }

    fn break_link(&mut self, who: Who, link: LinkId) {
        let other = self.people[who].links.remove(&link).and_then(|end| end.other);
        self.fail_files(who, link);
        self.tell(who, Input::Link(link, LinkEvent::Closed));
        if let Some((other, other_link)) = other
            && self.people[other].links.remove(&other_link).is_some()
        {
            self.fail_files(other, other_link);
            self.tell(other, Input::Link(other_link, LinkEvent::Closed));
        }
    }

    fn fail_files(&mut self, who: Who, link: LinkId) {
        let failed: Vec<_> =
            self.people[who].expected.iter().filter(|expected| expected.link == link).copied().collect();
        self.people[who].expected.retain(|expected| expected.link != link);
        for expected in failed {
            let event = TransferEvent::Failed(TransferFailure::LinkLost);
            self.tell(who, Input::Transfer(expected.file, event));
        }
    }

    /// The server is killed.
    pub fn kill_server(&mut self) {
        self.server_up = false;
        for connection in self.server.kill() {
            if let Some(who) = self.people.iter().position(|person| person.connection == Some(connection)) {
                self.people[who].connection = None;
                self.tell(who, Input::Socket(SocketEvent::Closed { code: 1006 }));
            }
        }
    }

    /// The server is started again.
    pub fn start_server(&mut self) {
        self.server_up = true;
    }

    /// The user wants something.
    pub fn command(&mut self, who: Who, command: Command) {
        self.input(who, Input::Command(command));
    }

    /// Gives a client an input now.
    pub fn input(&mut self, who: Who, input: Input) {
        let now = self.people[who].clock(self.now);
        let person = &mut self.people[who];
        if let Some(client) = &mut person.client {
            client.handle(input, now, &mut person.rng);
            self.carry_out(who);
        }
    }

    /// Schedules an input for a client in its present run.
    fn tell(&mut self, who: Who, input: Input) {
        let run = self.people[who].run;
        self.schedule(self.now, Happening::Input { who, run, input });
    }

    fn tell_later(&mut self, who: Who, input: Input) {
        let (run, at) = (self.people[who].run, self.after_delay());
        self.schedule(at, Happening::Input { who, run, input });
    }

    /// Carries out everything a client wants, in order.
    fn carry_out(&mut self, who: Who) {
        while let Some(output) = self.people[who].client.as_mut().and_then(Client::poll) {
            match output {
                Output::Persist(changes) => {
                    assert!(!changes.is_empty(), "nothing to store");
                    let person = &mut self.people[who];
                    person.persists += 1;
                    match person.crash {
                        Some(CrashAt::BeforePersist(0)) => {
                            self.crashed(who);
                            return;
                        }
                        Some(CrashAt::AfterPersist(0)) => {
                            person.disk.apply(changes);
                            self.crashed(who);
                            return;
                        }
                        Some(CrashAt::BeforePersist(n)) => person.crash = Some(CrashAt::BeforePersist(n - 1)),
                        Some(CrashAt::AfterPersist(n)) => person.crash = Some(CrashAt::AfterPersist(n - 1)),
                        None => {}
                    }
                    self.people[who].disk.apply(changes);
                }
                Output::Socket(action) => self.socket(who, action),
                Output::Link(link, action) => self.link(who, link, action),
                Output::Transfer(file, action) => self.transfer(who, file, action),
                Output::Request(id, request) => self.request(who, id, request),
                Output::Event(event) => self.people[who].screen.apply(event),
                Output::Log(line) => self.people[who].log.push(line),
            }
        }
    }

    fn crashed(&mut self, who: Who) {
        self.people[who].crash = None;
        self.close_page(who);
        let run = self.people[who].run;
        self.schedule(self.now.saturating_add(Duration::from_secs(1)), Happening::Start { who, run });
    }

    fn socket(&mut self, who: Who, action: SocketAction) {
        match action {
            SocketAction::Open => {
                let (run, at) = (self.people[who].run, self.after_delay());
                self.schedule(at, Happening::Connect { who, run });
            }
            SocketAction::Send(bytes) => {
                if let Some(connection) = self.people[who].connection {
                    let at = self.in_order(false, connection);
                    self.schedule(at, Happening::ToServer { connection, bytes });
                }
            }
            SocketAction::Close => {
                if let Some(connection) = self.people[who].connection.take() {
                    self.server.disconnect(connection);
                }
                self.tell(who, Input::Socket(SocketEvent::Closed { code: 1000 }));
            }
        }
    }

    fn in_order(&mut self, down: bool, connection: ConnectionId) -> Timestamp {
        let at = self.after_delay();
        let last = self.socket_times.entry((down, connection)).or_insert(at);
        *last = (*last).max(at);
        *last
    }

    pub(crate) fn flush_server(&mut self) {
        for out in core::mem::take(&mut self.server.out) {
            let connection = match &out {
                ToDevice::Frame(connection, _) | ToDevice::Close(connection, _) => *connection,
            };
            let at = self.in_order(true, connection);
            self.schedule(at, Happening::FromServer(out));
        }
    }

    fn request(&mut self, who: Who, id: RequestId, request: Request) {
        match request {
            Request::Post { path, body, .. } => {
                self.people[who].posts.push(path);
                if !self.people[who].online || self.chance(self.network.lost_requests) {
                    self.tell_later(who, Input::Done(id, Response::Unreachable));
                } else {
                    let (run, at) = (self.people[who].run, self.after_delay());
                    self.schedule(at, Happening::Http { who, run, id, path, body });
                }
            }
            Request::Read { store, prefix, before, limit } => {
                let records = self.people[who].disk.read(store, &prefix, before.as_deref(), limit);
                self.tell(who, Input::Done(id, Response::Records(records)));
            }
        }
    }

    fn link(&mut self, who: Who, link: LinkId, action: LinkAction) {
        match action {
            LinkAction::Open { initiate, .. } => {
                self.people[who].links_opened += 1;
                self.people[who].links.insert(link, LinkEnd { other: None, open: false });
                if initiate {
                    let sdp = format!("{who} {}", link.0);
                    let offer = Signal::Description { kind: DescriptionKind::Offer, sdp };
                    self.tell(who, Input::Link(link, LinkEvent::Signal(offer)));
                    let candidate =
                        Signal::Candidate { candidate: "a".to_owned(), mid: None, line_index: Some(0) };
                    self.tell(who, Input::Link(link, LinkEvent::Signal(candidate)));
                }
            }
            LinkAction::Signal(Signal::Description { kind, sdp }) => self.description(who, link, kind, &sdp),
            LinkAction::Signal(Signal::Candidate { .. }) => {}
            LinkAction::Send(bytes) => {
                let Some(LinkEnd { other: Some((other, other_link)), open: true }) =
                    self.people[who].links.get(&link).copied()
                else {
                    return;
                };
                if self.chance(self.network.broken_links) {
                    self.break_link(who, link);
                    return;
                }
                if self.chance(self.network.silent_links) {
                    return;
                }
                let at = self.after_delay();
                let last = self.link_times.entry((other, other_link)).or_insert(at);
                *last = (*last).max(at);
                let at = *last;
                self.schedule(at, Happening::OnLink { who: other, link: other_link, bytes });
            }
            LinkAction::Close => {
                let other = self.people[who].links.remove(&link).and_then(|end| end.other);
                self.fail_files(who, link);
                if let Some((other, other_link)) = other
                    && self.people[other].links.remove(&other_link).is_some()
                {
                    self.fail_files(other, other_link);
                    self.tell_later(other, Input::Link(other_link, LinkEvent::Closed));
                }
            }
        }
    }

    fn description(&mut self, who: Who, link: LinkId, kind: DescriptionKind, sdp: &str) {
        let mut parts = sdp.split(' ').map(|part| part.parse::<u64>().expect("our own description"));
        let (other, other_link) = (parts.next().unwrap() as usize, LinkId(parts.next().unwrap()));
        if !self.people[who].links.contains_key(&link) {
            return;
        }
        if kind == DescriptionKind::Offer {
            let sdp = format!("{who} {} {}", link.0, other_link.0);
            let answer = Signal::Description { kind: DescriptionKind::Answer, sdp };
            self.tell(who, Input::Link(link, LinkEvent::Signal(answer)));
            return;
        }
        // The answer is back where the offer came from.
        let reachable = self.network.links && self.people[who].online && self.people[other].online;
        if !reachable || !self.people[other].links.contains_key(&other_link) {
            return;
        }
        for ((who, link), other) in [((who, link), (other, other_link)), ((other, other_link), (who, link))] {
            self.people[who].links.insert(link, LinkEnd { other: Some(other), open: true });
            self.tell_later(who, Input::Link(link, LinkEvent::Opened(LinkPath::Direct)));
        }
    }

    fn transfer(&mut self, who: Who, file: sotto_engine::FileId, action: TransferAction) {
        match action {
            TransferAction::Receive { link, key, size } => {
                self.people[who].expected.push(Expected { file, link, key: *key, size });
            }
            TransferAction::Send { link, file: local, key, size } => {
                let end = self.people[who].links.get(&link).copied();
                let Some(LinkEnd { other: Some((other, other_link)), open: true }) = end else {
                    self.tell(who, Input::Transfer(file, TransferEvent::Failed(TransferFailure::LinkLost)));
                    return;
                };
                let expected = Expected { file, link: other_link, key: *key, size };
                let place = self.people[other].expected.iter().position(|other| *other == expected);
                let place = place.expect("chunks are expected before they come, with the same key and size");
                self.people[other].expected.remove(place);
                if self.stall_files {
                    self.people[who].expected.push(Expected { link, ..expected });
                    self.people[other].expected.push(expected);
                    return;
                }
                let sent = root(local, &key);
                let mut received = sent;
                if self.corrupt_files {
                    received[0] ^= 1;
                }
                self.people[other].kept.insert(file, size);
                self.tell_later(who, Input::Transfer(file, TransferEvent::Progress(size / 2)));
                self.tell_later(other, Input::Transfer(file, TransferEvent::Progress(size / 2)));
                self.tell_later(who, Input::Transfer(file, TransferEvent::Sent { root: sent }));
                self.tell_later(other, Input::Transfer(file, TransferEvent::Received { root: received }));
            }
            TransferAction::Cancel | TransferAction::Delete => {
                self.people[who].expected.retain(|expected| expected.file != file);
                self.people[who].kept.remove(&file);
            }
            TransferAction::Open { .. } => {
                assert!(self.people[who].kept.contains_key(&file), "only what is on disk is opened");
            }
            TransferAction::Release(_) => {}
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Input { who, run, input } if self.people[who].run == run => self.input(who, input),
            Happening::Input { .. } => {}
            Happening::Connect { who, run } if self.people[who].run == run => {
                if self.server_up && self.people[who].online {
                    let mut nonce = [0; 32];
                    self.rng.fill_bytes(&mut nonce);
                    self.people[who].connection = Some(self.server.connect(nonce));
                    self.input(who, Input::Socket(SocketEvent::Opened));
                    self.flush_server();
                } else {
                    self.input(who, Input::Socket(SocketEvent::Closed { code: 1006 }));
                }
            }
            Happening::Connect { .. } => {}
            Happening::ToServer { connection, bytes } => {
                if self.server_up {
                    self.server.receive(connection, &bytes);
                    self.flush_server();
                }
            }
            Happening::FromServer(out) => self.server_says(out),
            Happening::Http { who, run, id, path, body } => {
                let response = if self.server_up {
                    let (status, body) = self.server.http(path, &body, self.now.0 / 1000);
                    self.flush_server();
                    if self.chance(self.network.lost_answers) {
                        Response::Unreachable
                    } else {
                        Response::Http { status, retry_after: None, body }
                    }
                } else {
                    Response::Unreachable
                };
                let at = self.after_delay();
                self.schedule(at, Happening::Input { who, run, input: Input::Done(id, response) });
            }
            Happening::OnLink { who, link, bytes } => {
                if self.people[who].links.contains_key(&link) {
                    self.input(who, Input::Link(link, LinkEvent::Message(bytes)));
                }
            }
            Happening::Start { who, run } => {
                if self.people[who].run == run && self.people[who].client.is_none() {
                    self.open_page(who);
                }
            }
        }
    }

    fn server_says(&mut self, out: ToDevice) {
        let (connection, event, closes) = match out {
            ToDevice::Frame(connection, bytes) => (connection, SocketEvent::Message(bytes), false),
            ToDevice::Close(connection, code) => (connection, SocketEvent::Closed { code }, true),
        };
        if let Some(who) = self.people.iter().position(|person| person.connection == Some(connection)) {
            if closes {
                self.people[who].connection = None;
            }
            self.input(who, Input::Socket(event));
        }
    }

    /// Lets the next thing happen, unless it is later than `until`. `false` when there was nothing.
    fn step(&mut self, until: Timestamp) -> bool {
        let timeout = self
            .people
            .iter()
            .enumerate()
            .filter_map(|(who, person)| {
                let at = person.client.as_ref()?.next_timeout()?;
                Some((person.world_time(at).max(self.now), who))
            })
            .min();
        let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
        match (timeout, queued) {
            (Some((at, who)), queued) if at <= until && queued.is_none_or(|queued| at < queued) => {
                self.now = at;
                self.input(who, Input::Timeout);
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
        let until = self.now.saturating_add(duration);
        let mut steps = 0_u64;
        while self.step(until) {
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

    /// The newest stored history with a contact, through the client.
    #[must_use]
    pub fn history(&mut self, who: Who, contact: ContactId) -> Vec<MessageView> {
        self.people[who].screen.history = None;
        self.command(who, Command::LoadHistory { contact, before: None, limit: 500 });
        assert!(self.run_until(Duration::from_secs(1), |world| world.people[who].screen.history.is_some()));
        self.people[who].screen.history.take().map(|(_, messages, _)| messages).unwrap_or_default()
    }
}
