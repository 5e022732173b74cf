//! Links to contacts: when to try one, what its signals mean, what travels on its control channel.

use core::time::Duration;

use sotto_wire::peer::{Ephemeral, LinkFrame, Signal};
use sotto_wire::server::{Class, List, path};

use super::{Asked, Client};
use crate::link::{Link, Phase, Verdict, Way};
use crate::timers::Timer;
use crate::turn::{Key, Turn};
use crate::{
    ContactId, ContactView, FileId, LinkAction, LinkEvent, LinkId, LinkPath, Output, Request, Route,
    Standing, policy,
};

/// Most bytes of signals in one ephemeral message: two of the next smaller envelope would cost more.
const SIGNALS_SIZE: usize = 24 * 1024;

impl Client {
    pub(super) fn view_of(&self, contact: &crate::contact::Contact) -> ContactView {
        let way = self.links.get(contact.id());
        let phase = way.and_then(|way| way.link).map(|link| link.phase);
        let route = match (phase, self.socket.is_open()) {
            (Some(Phase::Open(LinkPath::Direct)), _) => Route::Direct,
            (Some(Phase::Open(LinkPath::Relayed)), _) => Route::Relayed,
            (_, false) => Route::Waiting,
            // Where one attempt was in vain, further ones change nothing of how it is until one succeeds.
            (Some(Phase::Connecting), true) if way.is_none_or(|way| way.failures == 0) => Route::Connecting,
            (_, true) if way.is_some_and(|way| way.heard) => Route::Server,
            (_, true) => Route::Away,
        };
        contact.view(route)
    }

    /// Something came from a contact just now, and did not lie in the mailbox before: it is there.
    pub(super) fn heard(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        if !self.contacts.contains_key(&id) {
            return;
        }
        if !core::mem::replace(&mut self.links.way(id).heard, true) {
            turn.shown.insert(id);
        }
        let silent = turn.now.saturating_add(policy::HEARD_LATELY);
        turn.timers.set(Timer::Silence(id), silent);
    }

    pub(super) fn silent(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        self.links.way(id).heard = false;
        turn.shown.insert(id);
    }

    /// Whether addresses may be shown to a contact: only after the inviter has confirmed who came.
    fn may_link(&self, id: ContactId) -> bool {
        self.knows_devices(id)
            && self.contacts.get(&id).is_some_and(|contact| contact.standing == Standing::Confirmed)
    }

    /// Tries a link, if there is none and the contact may be there.
    pub(super) fn want_link(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let way = self.links.way(id);
        let tired = way.failures >= policy::LINK_ATTEMPTS_MAX;
        if way.link.is_some() || tired || !self.may_link(id) || !self.socket.is_open() {
            return;
        }
        if self.links.count() >= policy::LINKS_MAX || self.links.tried() >= policy::LINKS_TRIED_MAX {
            let at = turn.jittered(policy::LINK_TURN);
            turn.timers.set(Timer::LinkRetry(id), at);
            return;
        }
        let attempt = u64::from_be_bytes(turn.random());
        self.open_link(id, attempt, true, turn);
    }

    fn open_link(&mut self, id: ContactId, attempt: u64, initiate: bool, turn: &mut Turn<'_>) -> LinkId {
        let link = self.links.next_id();
        let way = self.links.way(id);
        way.signals.clear();
        way.link =
            Some(Link { id: link, attempt, initiated: initiate, phase: Phase::Connecting, pinged: None });
        turn.timers.clear(Timer::LinkRetry(id));
        let deadline = turn.now.saturating_add(policy::LINK_PATIENCE);
        turn.timers.set(Timer::LinkDeadline(id), deadline);
        turn.shown.insert(id);
        turn.output(Output::Link(
            link,
            LinkAction::Open {
                polite: self.account.id() < id,
                initiate,
                ice_servers: self.config.ice_servers.clone(),
                relay_only: false,
            },
        ));
        link
    }

    pub(super) fn link_event(&mut self, link: LinkId, event: LinkEvent, turn: &mut Turn<'_>) {
        let Some(id) = self.links.owner(link) else { return };
        match event {
            LinkEvent::Signal(signal) => {
                if !signal.is_within_limits() {
                    turn.log("link: a signal of ours is too large");
                    return;
                }
                let way = self.links.way(id);
                if let Some(attempt) = way.link.map(|link| link.attempt) {
                    way.signal(attempt, signal);
                }
                turn.pump.insert(id);
            }
            LinkEvent::Opened(path) | LinkEvent::PathChanged(path) => {
                let way = self.links.way(id);
                way.failures = 0;
                if let Some(link) = &mut way.link {
                    link.phase = Phase::Open(path);
                }
                turn.timers.clear(Timer::LinkDeadline(id));
                turn.shown.insert(id);
                turn.pump.insert(id);
                self.token_works(id, turn);
            }
            LinkEvent::Message(bytes) => match LinkFrame::decode(&bytes) {
                Ok(frame) => self.link_frame(id, link, frame, turn),
                Err(_) => turn.log("link: malformed frame"),
            },
            LinkEvent::Closed => self.link_gone(id, turn),
        }
    }

    fn link_frame(&mut self, id: ContactId, link: LinkId, frame: LinkFrame, turn: &mut Turn<'_>) {
        if let Some(link) = &mut self.links.way(id).link
            && link.pinged.take().is_some()
        {
            turn.timers.clear(Timer::LinkDeadline(id));
        }
        match frame {
            LinkFrame::Carried(carried) => self.carried_by_link(id, carried.as_bytes(), turn),
            LinkFrame::Ping { n } => {
                turn.output(Output::Link(link, LinkAction::Send(LinkFrame::Pong { n }.encode())));
            }
            LinkFrame::Pong { .. } => {}
            LinkFrame::FileStart { file } => self.file_starts(id, link, FileId(*file.as_bytes()), turn),
            LinkFrame::FileReady { file } => self.file_ready(id, link, FileId(*file.as_bytes()), turn),
        }
    }

    /// A link is gone: what it carried unacknowledged waits again, and another link is tried after a while.
    fn link_gone(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let way = self.links.way(id);
        let Some(link) = way.link.take() else { return };
        way.signals.clear();
        if link.phase == Phase::Connecting {
            way.failures = way.failures.saturating_add(1);
        }
        let failures = way.failures;
        turn.timers.clear(Timer::LinkDeadline(id));
        self.transfers.sending.remove(&id);
        let owed =
            self.lanes.get_mut(&id).map(|lane| core::mem::take(&mut lane.link_owed)).unwrap_or_default();
        if let Some(contact) = self.contacts.get_mut(&id)
            && !owed.is_empty()
        {
            owed.into_iter().for_each(|message| contact.owe(message));
            turn.dirty(Key::Contact(id));
        }
        self.take_back(id, turn);
        turn.shown.insert(id);
        turn.pump.insert(id);
        let at = turn.backoff(failures, policy::LINK_BACKOFF_FIRST, policy::LINK_BACKOFF_MAX);
        turn.timers.set(Timer::LinkRetry(id), at);
        if link.phase != Phase::Connecting {
            // Who left says no more; who is still there is heard soon.
            self.silent(id, turn);
            // It may have broken with the network, and the connection to the server with it.
            self.ping(policy::WAKE_PATIENCE, turn);
        }
    }

    /// Closes a link for good.
    pub(super) fn close_link(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        if let Some(link) = self.links.get(id).and_then(|way| way.link) {
            turn.output(Output::Link(link.id, LinkAction::Close));
            self.link_gone(id, turn);
        }
        turn.timers.clear(Timer::LinkRetry(id));
    }

    /// An attempt takes too long, or an open link does not answer.
    pub(super) fn link_overdue(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let Some(link) = self.links.get(id).and_then(|way| way.link) else { return };
        turn.output(Output::Link(link.id, LinkAction::Close));
        self.link_gone(id, turn);
        if self.may_link(id) {
            self.send_ephemeral(id, &Ephemeral::HangUp { attempt: link.attempt }, Asked::Control, turn);
        }
    }

    pub(super) fn wake_links(&mut self, turn: &mut Turn<'_>) {
        let recent = self.recent();
        for id in self.links.contacts() {
            let way = self.links.way(id);
            if way.link.is_none() && !recent.contains(&id) {
                continue;
            }
            way.failures = 0;
            match &mut way.link {
                Some(link) if matches!(link.phase, Phase::Open(_)) => {
                    link.pinged = Some(1);
                    let link = link.id;
                    turn.output(Output::Link(link, LinkAction::Send(LinkFrame::Ping { n: 1 }.encode())));
                    let deadline = turn.now.saturating_add(policy::WAKE_PATIENCE);
                    turn.timers.set(Timer::LinkDeadline(id), deadline);
                }
                Some(_) => {}
                None => self.want_link(id, turn),
            }
        }
    }

    /// Something short-lived came from a contact.
    pub(super) fn ephemeral(&mut self, id: ContactId, ephemeral: Ephemeral, turn: &mut Turn<'_>) {
        if !self.may_link(id) {
            turn.log("ephemeral message: before confirmation");
            return;
        }
        match ephemeral {
            Ephemeral::Here {} => {
                self.links.way(id).failures = 0;
                // An open link to somebody who has just come online is a dead one.
                match self.links.get(id).and_then(|way| way.link) {
                    Some(Link { phase: Phase::Open(_), .. }) => self.ping_link(id, turn),
                    Some(_) => {}
                    None => self.want_link(id, turn),
                }
            }
            Ephemeral::Signal { attempt, signals } => self.signals(id, attempt, signals.into_vec(), turn),
            Ephemeral::HangUp { attempt } => {
                let link = self.links.get(id).and_then(|way| way.link);
                if let Some(link) = link.filter(|link| link.attempt == attempt) {
                    turn.output(Output::Link(link.id, LinkAction::Close));
                    self.link_gone(id, turn);
                }
            }
        }
    }

    fn ping_link(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let Some(link) = &mut self.links.way(id).link else { return };
        link.pinged = Some(1);
        turn.output(Output::Link(link.id, LinkAction::Send(LinkFrame::Ping { n: 1 }.encode())));
        let deadline = turn.now.saturating_add(policy::WAKE_PATIENCE);
        turn.timers.set(Timer::LinkDeadline(id), deadline);
    }

    fn signals(&mut self, id: ContactId, attempt: u64, signals: Vec<Signal>, turn: &mut Turn<'_>) {
        let polite = self.account.id() < id;
        let verdict = self.links.way(id).receive(attempt, signals, polite, turn.now);
        let (link, signals) = match verdict {
            Verdict::Pass(link, signals) => (link, signals),
            Verdict::Answer(signals) => {
                if let Some(old) = self.links.get(id).and_then(|way| way.link) {
                    turn.output(Output::Link(old.id, LinkAction::Close));
                    self.link_gone(id, turn);
                } else if self.links.count() >= policy::LINKS_MAX {
                    turn.log("link: too many at once");
                    return;
                }
                (self.open_link(id, attempt, false, turn), signals)
            }
            Verdict::Nothing => return,
        };
        for signal in signals {
            turn.output(Output::Link(link, LinkAction::Signal(signal)));
        }
    }

    /// Posts signals that wait, as many as fit, one post at a time: their order matters.
    pub(super) fn post_signals(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        if self.lanes.get(&id).is_some_and(|lane| lane.ephemeral_posting) || !self.may_link(id) {
            return;
        }
        let Some((attempt, signals)) = self.take_signals(id) else { return };
        let Ok(signals) = List::new(signals) else { return };
        if self.send_ephemeral(
            id,
            &Ephemeral::Signal { attempt, signals },
            Asked::Ephemeral { contact: id },
            turn,
        ) {
            self.lanes.entry(id).or_default().ephemeral_posting = true;
        }
    }

    fn take_signals(&mut self, id: ContactId) -> Option<(u64, Vec<Signal>)> {
        self.links.get(id).filter(|way| !way.signals.is_empty())?;
        let Way { signals: waiting, .. } = self.links.way(id);
        let attempt = waiting.front()?.0;
        let mut taken = Vec::new();
        let mut size = 0_usize;
        while let Some((of, signal)) = waiting.front() {
            size = size.saturating_add(match signal {
                Signal::Description { sdp, .. } => sdp.len(),
                Signal::Candidate { candidate, .. } => candidate.len(),
            });
            let full = taken.len() >= sotto_wire::peer::limits::SIGNALS_MAX
                || (size > SIGNALS_SIZE && !taken.is_empty());
            if *of != attempt || full {
                break;
            }
            taken.extend(waiting.pop_front().map(|(_, signal)| signal));
        }
        Some((attempt, taken))
    }

    /// Seals something short-lived and posts it. `false` if it could not be.
    fn send_ephemeral(
        &mut self,
        id: ContactId,
        ephemeral: &Ephemeral,
        asked: Asked,
        turn: &mut Turn<'_>,
    ) -> bool {
        if !self.socket.is_open() || self.contacts.get(&id).is_none_or(|contact| contact.needs_fresh) {
            return false;
        }
        let Some(held) = self.sessions.get_mut(&id).and_then(|sessions| sessions.current_mut()) else {
            return false;
        };
        let session = held.session.id();
        let Ok(ratchet) = held.session.seal_ephemeral(&ephemeral.encode(), turn.rng) else { return false };
        held.sent = true;
        turn.dirty(Key::Session(id, session));
        let Some(body) = self.sealed_post(id, session, &ratchet, Class::Ephemeral, turn) else {
            return false;
        };
        self.request(asked, Request::Post { path: path::ENVELOPES, body, limit: 512 }, turn);
        true
    }

    /// This device is online: contacts are told one after the other, the most recent first, and offer a link.
    pub(super) fn tell_all(&mut self, turn: &mut Turn<'_>) {
        self.here = self.recent().into();
        self.tell_next(turn);
    }

    /// The contacts that were talked with last, the most recent first.
    fn recent(&self) -> Vec<ContactId> {
        let mut recent: Vec<(u64, ContactId)> = self
            .contacts
            .iter()
            .filter(|(_, contact)| contact.standing == Standing::Confirmed)
            .map(|(id, contact)| (contact.conversation.last.as_ref().map_or(0, |last| last.sent_at.0), *id))
            .collect();
        recent.sort_unstable_by(|a, b| b.cmp(a));
        recent.into_iter().map(|(_, id)| id).take(policy::HERE_MAX).collect()
    }

    pub(super) fn tell_next(&mut self, turn: &mut Turn<'_>) {
        let Some(id) = self.here.pop_front() else { return };
        self.links.way(id).failures = 0;
        if self.links.get(id).is_none_or(|way| way.link.is_none()) && self.may_link(id) {
            self.send_ephemeral(id, &Ephemeral::Here {}, Asked::Control, turn);
        }
        if !self.here.is_empty() {
            let next = turn.now.saturating_add(Duration::max(policy::HERE_PAUSE, Duration::from_millis(1)));
            turn.timers.set(Timer::Here, next);
        }
    }
}
