//! Sockets and requests between devices and the server, and where nothing gets through.

use core::time::Duration;

use rand_core::Rng;
use sotto_engine::{Input, Request, RequestId, Response, SocketAction, SocketEvent, Timestamp};
use sotto_wire::server::{ErrorCode, path};

use super::{Happening, Who, World};
use crate::network::Party;
use crate::person::Item;
use crate::server::{ConnectionId, ToDevice, refuse};

/// After how long a browser gives up a request that nobody answers.
const HTTP_PATIENCE: Duration = Duration::from_secs(30);
/// How much later a doubled request arrives at most.
const DOUBLED: Duration = Duration::from_secs(10);

impl World {
    /// Nothing gets from one to the other any more. Streams hold back what they carry; what is asked for is lost.
    pub fn cut(&mut self, from: Party, to: Party) {
        if self.cuts.insert((from, to))
            && let (Party::Person(one), Party::Person(other)) = (from, to)
        {
            self.starve(one, other);
        }
    }

    /// Everything gets through again, and what was held back goes on.
    pub fn mend(&mut self) {
        self.cuts.clear();
        for happening in core::mem::take(&mut self.held).into_values().flatten() {
            self.schedule(self.now, happening);
        }
    }

    /// Whether nothing gets from one to the other.
    #[must_use]
    pub fn is_cut(&self, from: Party, to: Party) -> bool {
        self.cuts.contains(&(from, to))
    }

    /// Holds something back if nothing gets through. Gives it back if something does.
    pub(super) fn passes(&mut self, from: Party, to: Party, happening: Happening) -> Option<Happening> {
        if self.is_cut(from, to) {
            self.held.entry((from, to)).or_default().push(happening);
            return None;
        }
        Some(happening)
    }

    /// The server is killed.
    pub fn kill_server(&mut self) {
        self.server_up = false;
        for connection in self.server.kill() {
            let Some(who) = self.people.iter().position(|person| person.connection == Some(connection))
            else {
                continue;
            };
            if !self.is_cut(Party::Server, Party::Person(who)) {
                let (run, socket) = (self.people[who].run, self.people[who].socket);
                let item = Item::Socket(socket, SocketEvent::Closed { code: 1006 });
                self.schedule(self.now, Happening::Input { who, run, item });
            }
        }
    }

    /// The server is started again.
    pub fn start_server(&mut self) {
        self.server_up = true;
    }

    pub(super) fn socket(&mut self, who: Who, action: SocketAction) {
        match action {
            SocketAction::Open => {
                self.people[who].socket += 1;
                let (socket, at) = (self.people[who].socket, self.after_delay());
                self.schedule(at, Happening::Connect { who, socket });
            }
            SocketAction::Send(bytes) => {
                if let Some(connection) = self.people[who].connection {
                    let at = self.in_order(false, connection);
                    self.schedule(at, Happening::ToServer { who, connection, bytes: Some(bytes) });
                }
            }
            SocketAction::Close => {
                self.hang_up(who);
                let person = &mut self.people[who];
                person.socket += 1;
                let (run, socket) = (person.run, person.socket);
                let item = Item::Socket(socket, SocketEvent::Closed { code: 1000 });
                self.schedule(self.now, Happening::Input { who, run, item });
            }
        }
    }

    /// A device ends its connection; the server hears of it if that gets through.
    pub(super) fn hang_up(&mut self, who: Who) {
        if let Some(connection) = self.people[who].connection.take() {
            let at = self.in_order(false, connection);
            self.schedule(at, Happening::ToServer { who, connection, bytes: None });
        }
    }

    pub(super) fn connect(&mut self, who: Who, socket: u64) {
        if self.people[who].socket != socket || self.people[who].client.is_none() {
            return;
        }
        let person = Party::Person(who);
        if self.is_cut(person, Party::Server) || self.is_cut(Party::Server, person) {
            // Nobody answers; the client has to lose patience.
            return;
        }
        let refused = self.network.refused_requests;
        if self.server_up && self.people[who].online && !(refused > 0 && self.chance(refused)) {
            let mut nonce = [0; 32];
            self.rng.fill_bytes(&mut nonce);
            self.people[who].connection = Some(self.server.connect(nonce));
            self.item(who, Item::Socket(socket, SocketEvent::Opened));
            self.flush_server();
        } else {
            self.item(who, Item::Socket(socket, SocketEvent::Closed { code: 1006 }));
        }
    }

    fn in_order(&mut self, down: bool, connection: ConnectionId) -> Timestamp {
        let at = self.after_delay();
        let last = self.socket_times.entry((down, connection)).or_insert(at);
        *last = (*last).max(at);
        *last
    }

    pub(super) fn server_hears(&mut self, who: Who, connection: ConnectionId, bytes: Option<Vec<u8>>) {
        let happening = Happening::ToServer { who, connection, bytes };
        let passed = self.passes(Party::Person(who), Party::Server, happening);
        let Some(Happening::ToServer { bytes, .. }) = passed else { return };
        match bytes {
            None => {
                self.server.disconnect(connection);
                self.socket_times.remove(&(true, connection));
                self.socket_times.remove(&(false, connection));
            }
            Some(bytes) if self.server_up => {
                self.server.receive(connection, &bytes, self.now.0 / 1000);
                self.flush_server();
            }
            Some(_) => {}
        }
    }

    pub(crate) fn flush_server(&mut self) {
        for out in core::mem::take(&mut self.server.out) {
            let at = self.in_order(true, out.connection());
            self.schedule(at, Happening::FromServer(out));
        }
    }

    pub(super) fn server_says(&mut self, out: ToDevice) {
        let connection = out.connection();
        let Some(who) = self.people.iter().position(|person| person.connection == Some(connection)) else {
            return;
        };
        let passed = self.passes(Party::Server, Party::Person(who), Happening::FromServer(out));
        let Some(Happening::FromServer(out)) = passed else { return };
        let event = match out {
            ToDevice::Frame(_, bytes) => SocketEvent::Message(bytes),
            ToDevice::Close(_, code) => SocketEvent::Closed { code },
        };
        let socket = self.people[who].socket;
        self.item(who, Item::Socket(socket, event));
    }

    pub(super) fn request(&mut self, who: Who, id: RequestId, request: Request) {
        match request {
            Request::Post { path, body, .. } => {
                self.people[who].posts.push(path);
                if self.server.turn_silent && path == sotto_wire::server::path::TURN {
                    return;
                }
                if self.is_cut(Party::Person(who), Party::Server) {
                    let at = self.now.saturating_add(HTTP_PATIENCE);
                    self.tell_at(at, who, Input::Done(id, Response::Unreachable));
                } else if !self.people[who].online || self.chance(self.network.lost_requests) {
                    self.tell_later(who, Input::Done(id, Response::Unreachable));
                } else {
                    let (run, at) = (self.people[who].run, self.after_delay());
                    if self.network.doubled_requests > 0 && self.chance(self.network.doubled_requests) {
                        let again = self.after_delay().saturating_add(self.up_to(DOUBLED));
                        let body = body.clone();
                        self.schedule(again, Happening::Http { who, run, id: None, path, body });
                    }
                    self.schedule(at, Happening::Http { who, run, id: Some(id), path, body });
                }
            }
            Request::Read { store, prefix, before, limit } => {
                let records = self.people[who].disk.read(store, &prefix, before.as_deref(), limit);
                let took = self.up_to(self.people[who].slow_store);
                let at = self.now.saturating_add(took);
                self.tell_at(at, who, Input::Done(id, Response::Records(records)));
            }
        }
    }

    pub(super) fn http(
        &mut self,
        who: Who,
        run: u64,
        id: Option<RequestId>,
        path: &'static str,
        body: &[u8],
    ) {
        let person = Party::Person(who);
        let mut patience = None;
        let response = if self.is_cut(person, Party::Server) {
            patience = Some(HTTP_PATIENCE);
            Response::Unreachable
        } else if !self.server_up {
            Response::Unreachable
        } else {
            let now_s = self.now.0 / 1000;
            let (status, body, retry_after) = match self.refusal(path) {
                Some((code, seconds)) => {
                    let (status, body) = refuse(code, seconds);
                    (status, body, seconds)
                }
                None => {
                    let (status, body) = self.server.http(path, body, now_s);
                    (status, body, None)
                }
            };
            self.flush_server();
            if self.is_cut(Party::Server, person) {
                patience = Some(HTTP_PATIENCE);
                Response::Unreachable
            } else if self.chance(self.network.lost_answers) {
                Response::Unreachable
            } else {
                Response::Http { status, retry_after, body }
            }
        };
        let Some(id) = id else { return };
        let slow = self.up_to(self.network.slow_server);
        let at = match patience {
            Some(patience) => self.now.saturating_add(patience),
            None => self.after_delay().saturating_add(slow),
        };
        let item = Item::Input(Input::Done(id, response));
        self.schedule(at, Happening::Input { who, run, item });
    }

    /// What the server refuses a request with, for the moment.
    fn refusal(&mut self, asked: &str) -> Option<(ErrorCode, Option<u32>)> {
        if self.network.refused_requests == 0 || !self.chance(self.network.refused_requests) {
            return None;
        }
        let seconds = 1 + self.random(20) as u32;
        Some(match self.random(5) {
            0 => (ErrorCode::RateLimited, Some(seconds)),
            1 => (ErrorCode::Unavailable, Some(seconds)),
            2 if asked == path::ENVELOPES => (ErrorCode::Quota, None),
            3 => (ErrorCode::Internal, None),
            _ => (ErrorCode::Unavailable, None),
        })
    }
}
