//! Links between devices, and the files they carry.

use core::time::Duration;

use sotto_engine::{
    FileId, Input, LinkAction, LinkEvent, LinkFigures, LinkId, LinkPath, RelayTransport, TransferAction,
    TransferEvent, TransferFailure,
};
use sotto_wire::peer::{DescriptionKind, Signal};

use super::{Happening, Who, World};
use crate::files::{Expected, root};
use crate::network::Party;
use crate::person::LinkEnd;

/// Bounds of the time after which one end of a link notices that nothing comes any more.
const STARVED: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(25));

impl World {
    /// The links that a person's browser holds.
    #[must_use]
    pub fn links(&self, who: Who) -> Vec<LinkId> {
        self.people[who].links.keys().copied().collect()
    }

    /// All links of a person break.
    pub fn break_links(&mut self, who: Who) {
        for link in self.links(who) {
            self.break_link(who, link);
        }
    }

    /// Both ends of all links of a person notice that nothing comes through.
    pub fn disturb_links(&mut self, who: Who) {
        let ends: Vec<(LinkId, Option<(Who, LinkId)>)> =
            self.people[who].links.iter().map(|(link, end)| (*link, end.other)).collect();
        for (link, other) in ends {
            self.tell(who, Input::Link(link, LinkEvent::Disconnected));
            if let Some((other, link)) = other {
                self.tell(other, Input::Link(link, LinkEvent::Disconnected));
            }
        }
    }

    /// One browser takes this for the path of its links, and the other may think otherwise.
    pub fn find_path(&mut self, who: Who, path: LinkPath) {
        for link in self.links(who) {
            self.tell(who, Input::Link(link, LinkEvent::Path(path)));
        }
    }

    fn break_link(&mut self, who: Who, link: LinkId) {
        let other = self.end_link(who, link);
        if let Some((other, other_link)) = other
            && self.people[other].links.contains_key(&other_link)
        {
            self.end_link(other, other_link);
        }
    }

    /// One end of a link is gone, and its device is told. Gives the other end.
    fn end_link(&mut self, who: Who, link: LinkId) -> Option<(Who, LinkId)> {
        let other = self.people[who].links.remove(&link).and_then(|end| end.other);
        self.link_times.remove(&(who, link));
        self.fail_files(who, link);
        self.tell(who, Input::Link(link, LinkEvent::Closed));
        other
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

    /// Nothing gets from one to the other: each end of their links notices in its own time.
    pub(super) fn starve(&mut self, one: Who, other: Who) {
        for (who, with) in [(one, other), (other, one)] {
            let links: Vec<LinkId> = self.people[who]
                .links
                .iter()
                .filter(|(_, end)| end.other.is_some_and(|(other, _)| other == with))
                .map(|(link, _)| *link)
                .collect();
            for link in links {
                let after = STARVED.0.saturating_add(self.up_to(STARVED.1));
                self.schedule(self.now.saturating_add(after), Happening::Starved { who, link });
            }
        }
    }

    pub(super) fn starved(&mut self, who: Who, link: LinkId) {
        let end = self.people[who].links.get(&link).copied();
        if let Some(LinkEnd { other: Some((other, _)), .. }) = end {
            let (who, other) = (Party::Person(who), Party::Person(other));
            if !self.is_cut(who, other) && !self.is_cut(other, who) {
                return;
            }
            let Party::Person(who) = who else { return };
            self.end_link(who, link);
        }
    }

    pub(super) fn link(&mut self, who: Who, link: LinkId, action: LinkAction) {
        match action {
            LinkAction::Open { initiate, ice_servers, relay_only, .. } => {
                self.people[who].links_opened += 1;
                let end = LinkEnd { other: None, open: false, turn: !ice_servers.is_empty(), relay_only };
                self.people[who].links.insert(link, end);
                if initiate {
                    self.offer(who, link);
                }
            }
            LinkAction::Restart { ice_servers } => {
                if let Some(end) = self.people[who].links.get_mut(&link) {
                    end.turn = !ice_servers.is_empty();
                    self.people[who].links_restarted += 1;
                    self.offer(who, link);
                }
            }
            LinkAction::Examine => {
                let figures = LinkFigures { round_trip_us: Some(1_000), sent: 1, received: 1 };
                self.tell(who, Input::Link(link, LinkEvent::Examined(figures)));
            }
            LinkAction::Signal(signal) => {
                self.people[who].signals_heard.push(signal.clone());
                if let Signal::Description { kind, sdp } = signal {
                    self.description(who, link, kind, &sdp);
                }
            }
            LinkAction::Send(bytes) => self.send_on_link(who, link, bytes),
            LinkAction::Close => {
                let other = self.people[who].links.remove(&link).and_then(|end| end.other);
                self.fail_files(who, link);
                if let Some((other, other_link)) = other
                    && !self.is_cut(Party::Person(who), Party::Person(other))
                    && self.people[other].links.remove(&other_link).is_some()
                {
                    self.fail_files(other, other_link);
                    self.tell_later(other, Input::Link(other_link, LinkEvent::Closed));
                }
            }
        }
    }

    fn send_on_link(&mut self, who: Who, link: LinkId, bytes: Vec<u8>) {
        let Some(LinkEnd { other: Some((other, other_link)), open: true, .. }) =
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
        self.schedule(at, Happening::OnLink { from: who, who: other, link: other_link, bytes });
    }

    pub(super) fn on_link(&mut self, from: Who, who: Who, link: LinkId, bytes: Vec<u8>) {
        let happening = Happening::OnLink { from, who, link, bytes };
        let passed = self.passes(Party::Person(from), Party::Person(who), happening);
        if let Some(Happening::OnLink { bytes, .. }) = passed
            && self.people[who].links.contains_key(&link)
        {
            self.input(who, Input::Link(link, LinkEvent::Message(bytes)));
        }
    }

    fn offer(&mut self, who: Who, link: LinkId) {
        self.describe(who, link, DescriptionKind::Offer, format!("{who} {}", link.0));
    }

    /// A description, and candidates of every kind: also those that a browser told to hide them would not name.
    fn describe(&mut self, who: Who, link: LinkId, kind: DescriptionKind, sdp: String) {
        let sdp = format!("v=0\r\ns={sdp}\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n");
        let mut signals = vec![Signal::Description { kind, sdp }];
        let turn = self.people[who].links.get(&link).is_some_and(|end| end.turn);
        let kinds = ["10.0.0.7 9 typ host", "192.0.2.7 9 typ srflx", "198.51.100.1 9 typ relay"];
        for kind in kinds.into_iter().take(if turn { 3 } else { 1 }) {
            let candidate = format!("candidate:1 1 udp 1 {kind}");
            signals.push(Signal::Candidate { candidate, mid: None, line_index: Some(0) });
        }
        for signal in signals {
            self.tell(who, Input::Link(link, LinkEvent::Signal(signal)));
        }
    }

    /// What the ends of a link find between them.
    fn path(&self, ends: [LinkEnd; 2]) -> Option<LinkPath> {
        if self.network.direct && !ends.iter().any(|end| end.relay_only) {
            return Some(LinkPath::Local);
        }
        ends.iter().any(|end| end.turn).then_some(LinkPath::Relayed(RelayTransport::Udp))
    }

    fn description(&mut self, who: Who, link: LinkId, kind: DescriptionKind, sdp: &str) {
        let name = sdp.lines().find_map(|line| line.strip_prefix("s=")).expect("our own description");
        let mut parts = name.split(' ').map(|part| part.parse::<u64>().expect("our own description"));
        let (other, other_link) = (parts.next().unwrap() as usize, LinkId(parts.next().unwrap()));
        if !self.people[who].links.contains_key(&link) {
            return;
        }
        if kind == DescriptionKind::Offer {
            let sdp = format!("{who} {} {}", link.0, other_link.0);
            self.describe(who, link, DescriptionKind::Answer, sdp);
            return;
        }
        // The answer is back where the offer came from.
        let (one, two) = (Party::Person(who), Party::Person(other));
        let cut = self.is_cut(one, two) || self.is_cut(two, one);
        let online = self.people[who].online && self.people[other].online;
        if cut || !online || !self.network.links || !self.people[other].links.contains_key(&other_link) {
            return;
        }
        let ends = [(who, link), (other, other_link)].map(|(who, link)| self.people[who].links[&link]);
        let Some(path) = self.path(ends) else { return };
        for ((who, link), other) in [((who, link), (other, other_link)), ((other, other_link), (who, link))] {
            if let Some(end) = self.people[who].links.get_mut(&link) {
                (end.other, end.open) = (Some(other), true);
            }
            let at = self.after_delay();
            self.tell_at(at, who, Input::Link(link, LinkEvent::Opened));
            self.tell_at(at, who, Input::Link(link, LinkEvent::Path(path)));
        }
    }

    pub(super) fn transfer(&mut self, who: Who, file: FileId, action: TransferAction) {
        match action {
            TransferAction::Receive { link, key, size } => {
                self.people[who].expected.push(Expected { file, link, key: *key.to_bytes(), size });
            }
            TransferAction::Send { link, file: local, pass } => {
                let (key, size) = (*pass.key().to_bytes(), pass.header().size());
                let end = self.people[who].links.get(&link).copied();
                let Some(LinkEnd { other: Some((other, other_link)), open: true, .. }) = end else {
                    self.tell(who, Input::Transfer(file, TransferEvent::Failed(TransferFailure::LinkLost)));
                    return;
                };
                let expected = Expected { file, link: other_link, key, size };
                let place = self.people[other].expected.iter().position(|other| *other == expected);
                let Some(place) = place else {
                    // Its end has gone meanwhile, or it wants the file no more.
                    self.tell(who, Input::Transfer(file, TransferEvent::Failed(TransferFailure::LinkLost)));
                    return;
                };
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
}
