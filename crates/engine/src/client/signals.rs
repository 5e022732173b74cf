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
    /// The attempt that was posted for last, and how often in vain.
    attempt: u64,
    failures: u32,
    not_before: Timestamp,
}

impl Posted {
    fn begin(&mut self, attempt: u64, signals: Vec<Signal>) {
        if self.attempt != attempt {
            (self.attempt, self.failures) = (attempt, 0);
        }
        self.signals = Some((attempt, signals));
    }

    /// The server took nothing; nothing is posted before that time. Whether the same is posted again.
    fn again_at(&mut self, at: Timestamp) -> bool {
        self.not_before = at;
        let again = self.failures < policy::SIGNALS_AGAIN_MAX;
        self.failures = self.failures.saturating_add(u32::from(again));
        again
    }

    /// The connection to the server is back.
    pub(super) fn hurry(&mut self) {
        (self.failures, self.not_before) = (0, Timestamp(0));
    }

    /// The clock went back by so many milliseconds.
    pub(super) fn rewind(&mut self, milliseconds: u64) {
        self.not_before = Timestamp(self.not_before.0.saturating_sub(milliseconds));
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
            Verdict::Answer(_) if !self.links.way(id).attempts.take(turn.now) => {
                turn.log("link: attempts come too fast");
                return;
            }
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
        let relay_only = self.settings.relay_only;
        let way = self.links.way(id);
        for signal in signals {
            let Some(signal) = way.admission.admit(signal, relay_only) else {
                turn.log("link: a signal that no link needs");
                continue;
            };
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
            self.lanes.entry(id).or_default().posted.begin(attempt, taken);
        }
    }

    /// The server answered to posted signals. What it did not take is posted again: without it there is no link.
    pub(super) fn signals_posted(&mut self, id: ContactId, response: &Response, turn: &mut Turn<'_>) {
        let posted = &mut self.lanes.entry(id).or_default().posted;
        let signals = posted.signals.take();
        turn.pump.insert(id);
        let stated = match Answer::of(response) {
            Answer::Later(seconds) => Duration::from_secs(u64::from(seconds.unwrap_or(0).min(3600))),
            Answer::Unknown => Duration::ZERO,
            _ => {
                posted.failures = 0;
                return;
            }
        };
        let at = turn.backoff(posted.failures, policy::BACKOFF_FIRST, policy::BACKOFF_MAX);
        let at = at.max(turn.now.saturating_add(stated));
        if let Some((attempt, signals)) = signals.filter(|_| posted.again_at(at)) {
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

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    #[test]
    fn a_server_that_takes_no_signals_is_given_pauses_and_each_attempt_its_tries() {
        let mut posted = Posted::default();
        for attempt in [7, 8] {
            posted.begin(attempt, Vec::new());
            for n in 0..policy::SIGNALS_AGAIN_MAX {
                assert!(posted.again_at(Timestamp(u64::from(n))));
            }
            assert!(!posted.again_at(Timestamp(100)) && !posted.again_at(Timestamp(200)));
            assert_eq!(posted.not_before, Timestamp(200), "also when the same is not posted again");
        }
    }
}
