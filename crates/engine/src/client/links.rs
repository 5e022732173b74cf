//! Links to contacts: when to try one, when to seek another path, what travels on its control channel.

use sotto_wire::peer::{Ephemeral, LinkFrame};

use super::{Asked, Client};
use crate::link::{Link, Phase, Trouble};
use crate::timers::Timer;
use crate::turn::{Key, Turn};
use crate::{
    ContactId, ContactView, FileId, LinkAction, LinkEvent, LinkId, LinkPath, Output, Route, Standing,
    address, policy,
};

/// Number of a ping after something happened here that may have broken the link.
const PING_AWAKE: u32 = 1;
/// Number of a ping after the contact's page was opened anew: the link to the one before is most likely gone.
const PING_ARRIVED: u32 = 2;

impl Client {
    pub(super) fn view_of(&self, contact: &crate::contact::Contact) -> ContactView {
        let way = self.links.get(contact.id());
        let link = way.and_then(|way| way.link);
        let open = link.filter(|link| link.trouble == Trouble::None).and_then(|link| link.path());
        let trying = link.is_some() && open.is_none();
        let heard = way.is_some_and(|way| way.heard);
        // Where one attempt was in vain, further ones change nothing of how it is until one succeeds. An open link in
        // trouble has none behind it.
        let first = way.is_none_or(|way| way.failures == 0);
        let route = match (open, self.socket.is_open()) {
            (Some(path), _) if path.is_direct() => Route::Direct,
            (Some(_), _) => Route::Relayed,
            (None, false) => Route::Waiting,
            (None, true) if trying && first => Route::Connecting,
            (None, true) if heard => Route::Server,
            (None, true) => Route::Away,
        };
        ContactView { path: open, ..contact.view(route) }
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
    pub(super) fn may_link(&self, id: ContactId) -> bool {
        self.knows_devices(id)
            && self.contacts.get(&id).is_some_and(|contact| contact.standing == Standing::Confirmed)
    }

    /// Tries a link, if there is none and the contact may be there.
    pub(super) fn want_link(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let way = self.links.way(id);
        let tired = way.failures >= policy::LINK_ATTEMPTS_MAX;
        if way.link.is_some() || tired || !self.may_link(id) || !self.socket.is_open() || !self.can_link(turn)
        {
            return;
        }
        if self.links.count() >= policy::LINKS_MAX || self.links.tried() >= policy::LINKS_TRIED_MAX {
            let at = turn.jittered(policy::LINK_TURN);
            turn.timers.set(Timer::LinkRetry(id), at);
            return;
        }
        let attempt = u64::from_be_bytes(turn.random());
        self.begin_link(id, attempt, true, turn);
    }

    /// Begins an attempt at a link; it is made at once, or when credentials have come.
    pub(super) fn begin_link(&mut self, id: ContactId, attempt: u64, initiated: bool, turn: &mut Turn<'_>) {
        let link = self.links.next_id();
        self.links.way(id).prepare(link, attempt, initiated);
        turn.timers.clear(Timer::LinkRetry(id));
        turn.shown.insert(id);
        if self.ice_ready(turn) {
            self.make_link(id, turn);
        }
    }

    pub(super) fn make_link(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let Some(link) = self.links.get(id).and_then(|way| way.link) else { return };
        if self.settings.relay_only && !self.ice.has_turn(turn.now) {
            self.link_gone(id, turn);
            if !link.initiated {
                self.hang_up(id, link.attempt, turn);
            }
            return;
        }
        let deadline = turn.now.saturating_add(policy::LINK_PATIENCE);
        turn.timers.set(Timer::LinkDeadline(id), deadline);
        let open = LinkAction::Open {
            polite: self.account.id() < id,
            initiate: link.initiated,
            ice_servers: self.ice_servers(turn),
            relay_only: self.settings.relay_only,
        };
        turn.output(Output::Link(link.id, open));
        for signal in self.links.way(id).made() {
            turn.output(Output::Link(link.id, LinkAction::Signal(signal)));
        }
    }

    pub(super) fn link_event(&mut self, link: LinkId, event: LinkEvent, turn: &mut Turn<'_>) {
        let Some(id) = self.links.owner(link) else { return };
        match event {
            LinkEvent::Signal(signal) => self.signal_made(id, signal, turn),
            LinkEvent::Opened | LinkEvent::Connected => self.link_connected(id, turn),
            LinkEvent::Path(path) => self.path_found(id, path, turn),
            LinkEvent::Message(bytes) => {
                self.link_works(id, turn);
                match LinkFrame::decode(&bytes) {
                    Ok(frame) => self.link_frame(id, link, frame, turn),
                    Err(_) => turn.log("link: malformed frame"),
                }
            }
            LinkEvent::Disconnected => self.link_disconnected(id, turn),
            LinkEvent::Failed => self.link_failed(id, turn),
            LinkEvent::Examined(figures) => self.examined(id, figures, turn),
            LinkEvent::Closed => self.link_gone(id, turn),
        }
    }

    fn signal_made(&mut self, id: ContactId, signal: sotto_wire::peer::Signal, turn: &mut Turn<'_>) {
        let relay_only = self.settings.relay_only;
        let way = self.links.way(id);
        let Some(attempt) = way.link.map(|link| link.attempt) else { return };
        address::note(&signal, &mut way.own);
        let signal = if relay_only { address::conceal(signal) } else { Some(signal) };
        match signal {
            Some(signal) if signal.is_within_limits() => way.signal(attempt, signal),
            Some(_) => turn.log("link: a signal of ours is too large"),
            None => turn.log("link: a candidate that shows an address is kept back"),
        }
        turn.pump.insert(id);
    }

    fn link_connected(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let way = self.links.way(id);
        way.failures = 0;
        if let Some(link) = &mut way.link {
            if !matches!(link.phase, Phase::Open(_)) {
                link.phase = Phase::Open(None);
            }
            link.trouble = Trouble::None;
            link.pinged = None;
        }
        turn.timers.clear(Timer::LinkDeadline(id));
        turn.timers.clear(Timer::LinkTrouble(id));
        turn.shown.insert(id);
        turn.pump.insert(id);
        self.token_works(id, turn);
    }

    /// The browser has looked at the path. That it names one does not say that anything comes through.
    fn path_found(&mut self, id: ContactId, path: LinkPath, turn: &mut Turn<'_>) {
        let way = self.links.way(id);
        let Some(Link { phase: Phase::Open(known), .. }) = &mut way.link else { return };
        *known = Some(path);
        if way.link.and_then(|link| link.path()).is_some_and(LinkPath::is_direct) {
            way.sought = 0;
        }
        self.tell_path(id, turn);
        self.path_known(id, turn);
    }

    /// Tells the other side whether the path is relayed, unless it knows.
    fn tell_path(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let Some(link) = &mut self.links.way(id).link else { return };
        let Phase::Open(Some(path)) = link.phase else { return };
        let relayed = !path.is_direct();
        if link.told.replace(relayed) != Some(relayed) {
            let frame = LinkFrame::Path { relayed };
            turn.output(Output::Link(link.id, LinkAction::Send(frame.encode())));
        }
    }

    /// Shows the path; a better one is sought from time to time while it is relayed.
    fn path_known(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        turn.shown.insert(id);
        match self.links.get(id).and_then(|way| way.link).and_then(|link| link.path()) {
            Some(path) if path.is_direct() => turn.timers.clear(Timer::LinkBetter(id)),
            Some(_) if !turn.timers.is_set(Timer::LinkBetter(id)) => self.seek_better_later(id, turn),
            Some(_) | None => {}
        }
    }

    fn path_there(&mut self, id: ContactId, relayed: bool, turn: &mut Turn<'_>) {
        let Some(link) = &mut self.links.way(id).link else { return };
        if core::mem::replace(&mut link.relayed_there, relayed) != relayed {
            self.path_known(id, turn);
        }
    }

    /// Something came through an open link, so whatever was wrong with it is not.
    fn link_works(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let Some(link) = &mut self.links.way(id).link else { return };
        if link.pinged.take().is_none() && link.trouble == Trouble::None {
            return;
        }
        turn.timers.clear(Timer::LinkDeadline(id));
        turn.timers.clear(Timer::LinkTrouble(id));
        if core::mem::take(&mut link.trouble) != Trouble::None {
            turn.shown.insert(id);
            turn.pump.insert(id);
        }
    }

    fn link_frame(&mut self, id: ContactId, link: LinkId, frame: LinkFrame, turn: &mut Turn<'_>) {
        match frame {
            LinkFrame::Carried(carried) => self.carried_by_link(id, carried.as_bytes(), turn),
            LinkFrame::Ping { n } => {
                turn.output(Output::Link(link, LinkAction::Send(LinkFrame::Pong { n }.encode())));
            }
            LinkFrame::Pong { .. } => {}
            LinkFrame::FileStart { file } => self.file_starts(id, link, FileId(*file.as_bytes()), turn),
            LinkFrame::FileReady { file } => self.file_ready(id, link, FileId(*file.as_bytes()), turn),
            LinkFrame::Path { relayed } => self.path_there(id, relayed, turn),
        }
    }

    fn link_disconnected(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let Some(link) = &mut self.links.way(id).link else { return };
        if matches!(link.phase, Phase::Open(_)) && link.trouble == Trouble::None {
            link.trouble = Trouble::Silent;
            let at = turn.now.saturating_add(policy::LINK_TROUBLE);
            turn.timers.set(Timer::LinkTrouble(id), at);
            turn.shown.insert(id);
            turn.pump.insert(id);
        }
    }

    fn link_failed(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        match self.links.get(id).and_then(|way| way.link) {
            Some(Link { phase: Phase::Open(_), trouble: Trouble::None | Trouble::Silent, .. }) => {
                self.restart_link(id, turn);
            }
            Some(Link { phase: Phase::Open(_), .. }) | None => {}
            Some(_) => self.give_up_link(id, turn),
        }
    }

    /// Seeks another path for a link that does not work, once; what is unacknowledged goes to the mailbox meanwhile.
    pub(super) fn restart_link(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        turn.timers.clear(Timer::LinkTrouble(id));
        let ready = self.ice_ready(turn);
        let unhidden = self.settings.relay_only && !self.ice.has_turn(turn.now);
        let Some(link) = &mut self.links.way(id).link else { return };
        if !matches!(link.phase, Phase::Open(_)) || link.trouble == Trouble::Restarted {
            return;
        }
        link.trouble = if ready { Trouble::Restarted } else { Trouble::Waiting };
        let link = link.id;
        turn.shown.insert(id);
        turn.pump.insert(id);
        if !ready {
            return;
        }
        if unhidden {
            self.give_up_link(id, turn);
            return;
        }
        let deadline = turn.now.saturating_add(policy::LINK_RESTART_PATIENCE);
        turn.timers.set(Timer::LinkDeadline(id), deadline);
        let ice_servers = self.ice_servers(turn);
        turn.output(Output::Link(link, LinkAction::Restart { ice_servers }));
        // Where the old path works after all, the answer says so at once.
        let ping = LinkFrame::Ping { n: PING_AWAKE };
        turn.output(Output::Link(link, LinkAction::Send(ping.encode())));
    }

    fn seek_better_later(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let sought = self.links.way(id).sought;
        let at = turn.backoff(sought, policy::LINK_BETTER_FIRST, policy::LINK_BETTER_MAX);
        turn.timers.set(Timer::LinkBetter(id), at);
    }

    /// Seeks a direct path for a link that works over a relay, which goes on carrying meanwhile.
    pub(super) fn seek_better(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let relayed = self.links.get(id).and_then(|way| way.link).filter(|link| {
            link.path().is_some_and(|path| !path.is_direct()) && link.trouble == Trouble::None
        });
        let Some(link) = relayed.filter(|_| !self.settings.relay_only) else { return };
        let way = self.links.way(id);
        way.sought = way.sought.saturating_add(1);
        if self.socket.is_open() && self.ice_ready(turn) {
            let ice_servers = self.ice_servers(turn);
            turn.output(Output::Link(link.id, LinkAction::Restart { ice_servers }));
        }
        self.seek_better_later(id, turn);
    }

    /// A link is gone: what it carried unacknowledged waits again, and another link is tried after a while.
    pub(super) fn link_gone(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let way = self.links.way(id);
        let Some(link) = way.link.take() else { return };
        let was_open = matches!(link.phase, Phase::Open(_));
        way.signals.clear();
        if !was_open {
            way.failures = way.failures.saturating_add(1);
        }
        let failures = way.failures;
        for timer in [Timer::LinkDeadline(id), Timer::LinkTrouble(id), Timer::LinkBetter(id)] {
            turn.timers.clear(timer);
        }
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
        if was_open {
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

    /// Ends a link that came to nothing, and says so.
    fn give_up_link(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let Some(link) = self.links.get(id).and_then(|way| way.link) else { return };
        turn.output(Output::Link(link.id, LinkAction::Close));
        self.link_gone(id, turn);
        self.hang_up(id, link.attempt, turn);
    }

    /// Says that an attempt is over here.
    pub(super) fn hang_up(&mut self, id: ContactId, attempt: u64, turn: &mut Turn<'_>) {
        if self.may_link(id) {
            self.send_ephemeral(id, &Ephemeral::HangUp { attempt }, Asked::Control, turn);
        }
    }

    /// An attempt takes too long, or an open link does not answer.
    pub(super) fn link_overdue(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let Some(link) = self.links.get(id).and_then(|way| way.link) else { return };
        let last = link.pinged == Some(PING_ARRIVED) || link.trouble == Trouble::Restarted;
        if matches!(link.phase, Phase::Open(_)) && !last && self.socket.is_open() {
            self.restart_link(id, turn);
        } else {
            self.give_up_link(id, turn);
        }
    }

    /// What looks connected may be dead; and where the network is another, so are the paths over it.
    pub(super) fn wake_links(&mut self, network_changed: bool, turn: &mut Turn<'_>) {
        let recent = self.recent();
        for id in self.links.contacts() {
            let way = self.links.way(id);
            if way.link.is_none() && !recent.contains(&id) {
                continue;
            }
            (way.failures, way.sought) = (0, 0);
            match way.link {
                Some(link) if matches!(link.phase, Phase::Open(_)) => {
                    if turn.timers.is_set(Timer::LinkBetter(id)) {
                        self.seek_better_later(id, turn);
                    }
                    if network_changed {
                        self.restart_link(id, turn);
                    } else if link.trouble != Trouble::Restarted {
                        self.ping_link(id, PING_AWAKE, turn);
                    }
                }
                Some(_) => {}
                None => self.want_link(id, turn),
            }
        }
    }

    /// The contact's page was opened: an open link to the one before is a dead one.
    pub(super) fn contact_arrived(&mut self, id: ContactId, turn: &mut Turn<'_>) {
        let way = self.links.way(id);
        if way.link.is_none() && !way.attempts.take(turn.now) {
            turn.log("link: attempts come too fast");
            return;
        }
        way.failures = 0;
        let link = way.link;
        match link {
            Some(Link { phase: Phase::Open(_), .. }) => self.ping_link(id, PING_ARRIVED, turn),
            Some(_) => {}
            None if self.can_link(turn) => self.want_link(id, turn),
            // So that it knows that somebody is here, and not to wait for a link.
            None => self.hang_up(id, 0, turn),
        }
    }

    fn ping_link(&mut self, id: ContactId, n: u32, turn: &mut Turn<'_>) {
        let Some(link) = &mut self.links.way(id).link else { return };
        link.pinged = Some(n);
        turn.output(Output::Link(link.id, LinkAction::Send(LinkFrame::Ping { n }.encode())));
        let deadline = turn.now.saturating_add(policy::WAKE_PATIENCE);
        turn.timers.set_earlier(Timer::LinkDeadline(id), deadline);
    }

    /// Hides this device's address or not; links that stand, or are being made, are made anew.
    pub(super) fn set_relay_only(&mut self, relay_only: bool, turn: &mut Turn<'_>) {
        if self.settings.relay_only == relay_only {
            return;
        }
        self.settings.relay_only = relay_only;
        turn.dirty(Key::Settings);
        turn.event(crate::Event::Settings(self.settings));
        self.show_linking(turn);
        for id in self.links.contacts() {
            self.give_up_link(id, turn);
            (self.links.way(id).failures, self.links.way(id).sought) = (0, 0);
            self.want_link(id, turn);
        }
    }
}
