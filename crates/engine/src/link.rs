//! Live connections to contacts' devices: who offers, which attempt counts, when to try again.

use std::collections::{BTreeMap, VecDeque};

use sotto_wire::peer::{DescriptionKind, Signal};

use crate::admission::Admission;
use crate::flood::Attempts;
use crate::{Candidates, ContactId, LinkId, LinkPath, RelayTransport, Timestamp, policy};

/// How far a link got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Waits for the credentials of TURN servers; the browser and the other side know nothing of it.
    Preparing,
    /// Being negotiated.
    Connecting,
    /// The control channel is open, over this path, as far as it is known here.
    Open(Option<LinkPath>),
}

/// One attempt at a link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) id: LinkId,
    /// Its name between the two sides.
    pub(crate) attempt: u64,
    pub(crate) initiated: bool,
    pub(crate) phase: Phase,
    /// The ping that is not answered yet.
    pub(crate) pinged: Option<u32>,
    /// What is wrong with it, once it was open.
    pub(crate) trouble: Trouble,
    /// Whether the other side was told that its path is relayed, as seen from here.
    pub(crate) told: Option<bool>,
    /// Whether it is relayed, as seen from there.
    pub(crate) relayed_there: bool,
}

impl Link {
    /// An attempt that nobody knows of yet.
    fn new(id: LinkId, attempt: u64, initiated: bool) -> Self {
        let (phase, trouble) = (Phase::Preparing, Trouble::None);
        Self { id, attempt, initiated, phase, pinged: None, trouble, told: None, relayed_there: false }
    }

    /// How its bytes travel, by what both sides know: an end that one browser takes for any address of the other's can be
    /// that of its relay.
    pub(crate) fn path(&self) -> Option<LinkPath> {
        match self.phase {
            Phase::Open(path) if self.relayed_there && path.is_none_or(LinkPath::is_direct) => {
                Some(LinkPath::Relayed(RelayTransport::Theirs))
            }
            Phase::Open(path) => path,
            Phase::Preparing | Phase::Connecting => None,
        }
    }
}

/// What is wrong with an open link.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// Nothing comes through; it may pass.
    Silent,
    /// Another path is to be sought, as soon as credentials are there.
    Waiting,
    /// Another path is being sought: the last that is tried.
    Restarted,
}

/// What is known of the way to one contact.
#[derive(Debug, Default)]
pub(crate) struct Way {
    pub(crate) link: Option<Link>,
    /// Failed attempts since the last sign of life.
    pub(crate) failures: u32,
    /// Something came from it lately, and since its last open link ended.
    pub(crate) heard: bool,
    /// Candidates that came before their offer.
    early: Option<(u64, Timestamp, Vec<Signal>)>,
    /// Our signals that are not sent yet, with their attempt.
    pub(crate) signals: VecDeque<(u64, Signal)>,
    /// Signals for a link that is being prepared.
    held: Vec<Signal>,
    /// How often a better path than the present one was sought in vain.
    pub(crate) sought: u32,
    /// What the other side may still begin.
    pub(crate) attempts: Attempts,
    /// What the browser was given of its signals.
    pub(crate) admission: Admission,
    /// Kinds of candidates gathered here for the present attempt, or the last.
    pub(crate) own: Candidates,
    /// Kinds of candidates the other side has named in it.
    pub(crate) theirs: Candidates,
}

/// What to do with signals that came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// They belong to the link there is.
    Pass(LinkId, Vec<Signal>),
    /// They begin another attempt: close what there is, and answer.
    Answer(Vec<Signal>),
    /// They are kept until their offer comes, or belong to nothing any more.
    Nothing,
}

impl Way {
    /// Decides about received signals. In a glare the side with the smaller account id is polite and gives way.
    pub(crate) fn receive(
        &mut self,
        attempt: u64,
        signals: Vec<Signal>,
        polite: bool,
        now: Timestamp,
    ) -> Verdict {
        if let Some(link) = &self.link
            && link.attempt == attempt
        {
            return Verdict::Pass(link.id, signals);
        }
        let offers = signals
            .iter()
            .any(|signal| matches!(signal, Signal::Description { kind: DescriptionKind::Offer, .. }));
        if offers {
            let glare = self.link.is_some_and(|link| link.initiated && link.phase == Phase::Connecting);
            if glare && !polite {
                return Verdict::Nothing;
            }
            let mut all = signals;
            if let Some((early, at, kept)) = self.early.take()
                && early == attempt
                && now.saturating_since(at) < policy::EARLY_SIGNALS
            {
                all.extend(kept);
            }
            return Verdict::Answer(all);
        }
        let (_, _, kept) = match &mut self.early {
            Some(early) if early.0 == attempt => early,
            early => early.insert((attempt, now, Vec::new())),
        };
        let room = policy::SIGNALS_WAITING_MAX.saturating_sub(kept.len());
        kept.extend(signals.into_iter().take(room));
        Verdict::Nothing
    }

    /// Begins an attempt.
    pub(crate) fn prepare(&mut self, id: LinkId, attempt: u64, initiated: bool) {
        self.signals.clear();
        self.held.clear();
        (self.own, self.theirs) = (Candidates::default(), Candidates::default());
        self.admission = Admission::default();
        self.link = Some(Link::new(id, attempt, initiated));
    }

    /// Keeps a signal until the link it is for is made.
    pub(crate) fn hold(&mut self, signal: Signal) {
        if self.held.len() < policy::SIGNALS_WAITING_MAX {
            self.held.push(signal);
        }
    }

    /// The link is made now: gives the signals that were kept for it.
    pub(crate) fn made(&mut self) -> Vec<Signal> {
        if let Some(link) = &mut self.link {
            link.phase = Phase::Connecting;
        }
        core::mem::take(&mut self.held)
    }

    /// Puts signals of the present attempt back, before those that came since.
    pub(crate) fn post_again(&mut self, attempt: u64, signals: Vec<Signal>) {
        if self.link.is_some_and(|link| link.attempt == attempt) {
            for signal in signals.into_iter().rev() {
                self.signals.push_front((attempt, signal));
            }
        }
    }

    /// Remembers a signal of ours to be sent.
    pub(crate) fn signal(&mut self, attempt: u64, signal: Signal) {
        if self.signals.len() < policy::SIGNALS_WAITING_MAX {
            self.signals.push_back((attempt, signal));
        }
    }
}

/// The ways to all contacts.
#[derive(Debug, Default)]
pub(crate) struct Links {
    ways: BTreeMap<ContactId, Way>,
    last: u64,
}

impl Links {
    pub(crate) fn way(&mut self, contact: ContactId) -> &mut Way {
        self.ways.entry(contact).or_default()
    }

    pub(crate) fn get(&self, contact: ContactId) -> Option<&Way> {
        self.ways.get(&contact)
    }

    pub(crate) fn remove(&mut self, contact: ContactId) {
        self.ways.remove(&contact);
    }

    /// A link over which something comes through.
    pub(crate) fn open(&self, contact: ContactId) -> Option<LinkId> {
        let link = self.ways.get(&contact)?.link?;
        (matches!(link.phase, Phase::Open(_)) && link.trouble == Trouble::None).then_some(link.id)
    }

    /// Whose link this is, if it still counts.
    pub(crate) fn owner(&self, id: LinkId) -> Option<ContactId> {
        self.ways
            .iter()
            .find(|(_, way)| way.link.is_some_and(|link| link.id == id))
            .map(|(contact, _)| *contact)
    }

    /// How many there are, open or being made.
    pub(crate) fn count(&self) -> usize {
        self.ways.values().filter(|way| way.link.is_some()).count()
    }

    /// How many are being made that were begun here.
    pub(crate) fn tried(&self) -> usize {
        let tried = |link: &Link| link.initiated && !matches!(link.phase, Phase::Open(_));
        self.ways.values().filter(|way| way.link.as_ref().is_some_and(tried)).count()
    }

    /// The most signals that wait with one contact, ours or theirs.
    pub(crate) fn most_signals(&self) -> usize {
        let early = |way: &Way| way.early.as_ref().map_or(0, |(_, _, kept)| kept.len());
        self.ways.values().map(|way| way.signals.len().max(early(way))).max().unwrap_or(0)
    }

    pub(crate) fn next_id(&mut self) -> LinkId {
        self.last = self.last.saturating_add(1);
        LinkId(self.last)
    }

    pub(crate) fn contacts(&self) -> Vec<ContactId> {
        self.ways.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn offer() -> Signal {
        Signal::Description { kind: DescriptionKind::Offer, sdp: "v=0".to_owned() }
    }

    fn candidate() -> Signal {
        Signal::Candidate { candidate: "candidate:1".to_owned(), mid: None, line_index: None }
    }

    fn way(phase: Phase, initiated: bool) -> Way {
        Way { link: Some(Link { phase, ..Link::new(LinkId(1), 7, initiated) }), ..Way::default() }
    }

    #[test]
    fn in_a_glare_only_the_polite_side_gives_way() {
        let now = Timestamp(0);
        let mut polite = way(Phase::Connecting, true);
        assert_eq!(polite.receive(8, vec![offer()], true, now), Verdict::Answer(vec![offer()]));
        let mut impolite = way(Phase::Connecting, true);
        assert_eq!(impolite.receive(8, vec![offer()], false, now), Verdict::Nothing);
        let mut unheard = way(Phase::Preparing, true);
        let answer = unheard.receive(8, vec![offer()], false, now);
        assert_eq!(answer, Verdict::Answer(vec![offer()]), "nothing of ours was offered yet");
    }

    #[test]
    fn a_path_is_direct_only_if_both_sides_find_it_so() {
        let seen = |path, relayed_there| {
            Link { phase: Phase::Open(path), relayed_there, ..Link::new(LinkId(1), 7, true) }.path()
        };
        let own = Some(LinkPath::Relayed(RelayTransport::Tcp));
        let theirs = Some(LinkPath::Relayed(RelayTransport::Theirs));
        assert_eq!(seen(Some(LinkPath::Internet), false), Some(LinkPath::Internet));
        assert_eq!(seen(Some(LinkPath::Internet), true), theirs);
        assert_eq!(seen(own, true), own, "how one's own is reached is known here");
        assert_eq!(seen(own, false), own);
        assert_eq!(seen(None, false), None, "what nobody knows is not claimed");
        assert_eq!(seen(None, true), theirs);
    }

    #[test]
    fn a_new_offer_replaces_a_link_that_the_other_side_lost() {
        let mut open = way(Phase::Open(Some(LinkPath::Local)), true);
        assert_eq!(open.receive(8, vec![offer()], false, Timestamp(0)), Verdict::Answer(vec![offer()]));
        assert_eq!(
            open.receive(7, vec![candidate()], false, Timestamp(0)),
            Verdict::Pass(LinkId(1), vec![candidate()])
        );
    }

    #[test]
    fn candidates_that_overtake_their_offer_are_kept_a_while() {
        let mut none = Way::default();
        assert_eq!(none.receive(8, vec![candidate()], true, Timestamp(0)), Verdict::Nothing);
        assert_eq!(
            none.receive(8, vec![offer()], true, Timestamp(1)),
            Verdict::Answer(vec![offer(), candidate()])
        );
        assert_eq!(none.receive(9, vec![candidate()], true, Timestamp(0)), Verdict::Nothing);
        let late = Timestamp(0).saturating_add(policy::EARLY_SIGNALS);
        assert_eq!(none.receive(9, vec![offer()], true, late), Verdict::Answer(vec![offer()]));
        for _ in 0..1000 {
            none.receive(10, vec![candidate()], true, Timestamp(0));
        }
        assert_eq!(none.early.as_ref().map(|early| early.2.len()), Some(policy::SIGNALS_WAITING_MAX));
    }
}
