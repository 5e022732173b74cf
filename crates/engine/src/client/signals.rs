//! What is said about links through the server: short-lived, encrypted, in session.

use core::time::Duration;

use sotto_wire::peer::{Ephemeral, Signal};
use sotto_wire::server::{Class, List, path};

use super::deliver::Answer;
use super::{Asked, Client};
use crate::link::{Phase, Verdict, Way};
use crate::timers::Timer;
use crate::turn::{Key, Turn};
use crate::{ContactId, LinkAction, Output, Request, Response, Standing, Timestamp, address, policy};

/// Most bytes of signals in one ephemeral message: two of the next smaller envelope would cost more.
const SIGNALS_SIZE: usize = 24 * 1024;

/// Signals that were posted, until the server has taken them.
#[derive(Debug, Default)]
pub(super) struct Posted {
    /// What is on its way.
    signals: Option<(u64, Vec<Signal>)>,
    failures: u32,
    not_before: Timestamp,
}

impl Posted {
    /// The connection to the server is back.
    pub(super) fn hurry(&mut self) {
        (self.failures, self.not_before) = (0, Timestamp(0));
    }
}

impl Client {
    /// Something short-lived came from a contact.
    pub(super) fn ephemeral(&mut self, id: ContactId, ephemeral: Ephemeral, turn: &mut Turn<'_>) {
        if !self.may_link(id) {
            turn.log("ephemeral message: before confirmation");
            return;
        }
        match ephemeral {
            Ephemeral::Here {} => self.contact_arrived(id, turn),
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

    fn signals(&mut self, id: ContactId, attempt: u64, signals: Vec<Signal>, turn: &mut Turn<'_>) {
        let polite = self.account.id() < id;
        let verdict = self.links.way(id).receive(attempt, signals, polite, turn.now);
        let signals = match verdict {
            Verdict::Pass(_, signals) => signals,
            Verdict::Answer(_) if !self.can_link(turn) => {
                self.hang_up(id, attempt, turn);
                return;
            }
            Verdict::Answer(signals) => {
                if let Some(old) = self.links.get(id).and_then(|way| way.link) {
                    turn.output(Output::Link(old.id, LinkAction::Close));
                    self.link_gone(id, turn);
                } else if self.links.count() >= policy::LINKS_MAX {
                    turn.log("link: too many at once");
                    return;
                }
                self.begin_link(id, attempt, false, turn);
                signals
            }
            Verdict::Nothing => return,
        };
        let way = self.links.way(id);
        for signal in signals {
            address::note(&signal, &mut way.theirs);
            match way.link {
                Some(link) if link.phase != Phase::Preparing => {
                    turn.output(Output::Link(link.id, LinkAction::Signal(signal)));
                }
                _ => way.hold(signal),
            }
        }
    }

    /// Posts signals that wait, as many as fit, one post at a time: their order matters.
    pub(super) fn post_signals(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        if !self.may_link(id) {
            return;
        }
        let posted = &self.lanes.entry(id).or_default().posted;
        if posted.signals.is_some() {
            return;
        }
        if turn.now < posted.not_before {
            let at = posted.not_before;
            turn.timers.set_earlier(Timer::Outbox(id), at);
            return;
        }
        let Some((attempt, taken)) = self.take_signals(id) else { return };
        let Ok(signals) = List::new(taken.clone()) else { return };
        let ephemeral = Ephemeral::Signal { attempt, signals };
        if self.send_ephemeral(id, &ephemeral, Asked::Signals { contact: id }, turn) {
            self.lanes.entry(id).or_default().posted.signals = Some((attempt, taken));
        }
    }

    /// The server answered to posted signals. What it did not take is posted again: without it there is no link.
    pub(super) fn signals_posted(&mut self, id: ContactId, response: &Response, turn: &mut Turn<'_>) {
        let posted = &mut self.lanes.entry(id).or_default().posted;
        let signals = posted.signals.take();
        turn.pump.insert(id);
        if !matches!(Answer::of(response), Answer::Later(_) | Answer::Unknown) {
            posted.failures = 0;
            return;
        }
        let failures = posted.failures;
        if failures >= policy::SIGNALS_AGAIN_MAX {
            return;
        }
        posted.failures = failures.saturating_add(1);
        posted.not_before = turn.backoff(failures, policy::BACKOFF_FIRST, policy::BACKOFF_MAX);
        if let Some((attempt, signals)) = signals {
            self.links.way(id).post_again(attempt, signals);
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
    pub(super) fn send_ephemeral(
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
    pub(super) fn recent(&self) -> Vec<ContactId> {
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

    /// A contact talks through the server: a link that could not be made before may be possible now.
    pub(super) fn talks(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let way = self.links.way(id);
        let tired = way.link.is_none() && way.failures >= policy::LINK_ATTEMPTS_MAX;
        if tired && !turn.timers.is_set(Timer::LinkRetry(id)) {
            let sought = way.sought;
            way.sought = sought.saturating_add(1);
            way.failures = policy::LINK_ATTEMPTS_MAX.saturating_sub(1);
            let at = turn.backoff(sought, policy::LINK_BETTER_FIRST, policy::LINK_BETTER_MAX);
            turn.timers.set(Timer::LinkRetry(id), at);
        }
    }
}
