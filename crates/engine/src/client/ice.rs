//! Asking the server for STUN and TURN servers, before links are made or sought anew.

use sotto_wire::server::{FetchTurn, Message as _, limits, path};

use super::{Asked, Client};
use crate::link::{Phase, Trouble};
use crate::timers::Timer;
use crate::turn::Turn;
use crate::{Event, IceServer, Linking, Request, Response, TurnKnown, policy};

impl Client {
    /// Whether a link may begin now: credentials are there, or are not to be waited for. If not, it is begun by
    /// [`Client::go_on`].
    pub(super) fn ice_ready(&mut self, turn: &mut Turn<'_>) -> bool {
        if self.ice.is_fresh(turn.now) {
            return true;
        }
        if self.socket.is_open() && self.ice.begin_to_ask(turn.now) {
            let patience = turn.now.saturating_add(policy::ICE_PATIENCE);
            turn.timers.set(Timer::Ice, patience);
            let (body, limit) = (FetchTurn {}.encode(), limits::TURN_ANSWER_MAX);
            self.request(Asked::Turn, Request::Post { path: path::TURN, body, limit }, turn);
        }
        !turn.timers.is_set(Timer::Ice)
    }

    pub(super) fn ice_came(&mut self, response: &Response, turn: &mut Turn<'_>) {
        if !self.ice.answered(response, turn.now) {
            turn.log("server: no STUN or TURN servers from it");
            let failures = self.ice.failures().saturating_sub(1);
            let at = turn.backoff(failures, policy::ICE_BACKOFF_FIRST, policy::ICE_BACKOFF_MAX);
            self.ice.wait_until(at);
        }
        turn.timers.clear(Timer::Ice);
        self.show_linking(turn);
        self.go_on(turn);
    }

    /// Links that waited for credentials begin with what there is.
    pub(super) fn go_on(&mut self, turn: &mut Turn<'_>) {
        for id in self.links.contacts() {
            match self.links.get(id).and_then(|way| way.link) {
                Some(link) if link.phase == Phase::Preparing => self.make_link(id, turn),
                Some(link) if link.trouble == Trouble::Waiting => self.restart_link(id, turn),
                _ => {}
            }
        }
    }

    /// Servers for the browser. Whoever hides the address has nothing to ask a STUN server.
    pub(super) fn ice_servers(&self, turn: &Turn<'_>) -> Vec<IceServer> {
        let mut servers = self.ice.servers(turn.now);
        if self.settings.relay_only {
            servers.iter_mut().for_each(|server| server.urls.retain(|url| url.starts_with("turn")));
            servers.retain(|server| !server.urls.is_empty());
        }
        servers
    }

    pub(super) fn linking(&self, turn: &Turn<'_>) -> Linking {
        if !self.webrtc {
            Linking::Blocked
        } else if self.settings.relay_only && self.ice.known(turn.now) == TurnKnown::None {
            Linking::NoRelay
        } else {
            Linking::Possible
        }
    }

    /// Tells the screen whether links can be made, if that changed.
    pub(super) fn show_linking(&mut self, turn: &mut Turn<'_>) {
        let linking = self.linking(turn);
        if self.linking_told != Some(linking) {
            self.linking_told = Some(linking);
            turn.event(Event::Linking(linking));
        }
    }

    /// Whether this device could make a link now.
    pub(super) fn can_link(&self, turn: &Turn<'_>) -> bool {
        self.webrtc && !(self.settings.relay_only && self.ice.lacks_turn(turn.now))
    }
}
