//! The order of what is said with one contact: sequences, Lamport time, what is missing, what is unread.

use std::collections::{BTreeMap, BTreeSet};

use minicbor::{Decode, Encode};
use sotto_wire::peer::{Body, Message};

use crate::{ContactId, Content, MessageId, MessageOrder, MessageView, Timestamp, policy, text};

/// Messages of the contact that are missing in one place, shown as one record.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Gap {
    #[n(0)]
    id: MessageId,
    #[n(1)]
    order: MessageOrder,
    /// Missing sequences: first and one past the last of each run.
    #[n(2)]
    missing: BTreeMap<u64, u64>,
    /// When the message behind it was sent.
    #[n(3)]
    sent_at: Timestamp,
}

impl Gap {
    fn count(&self) -> u64 {
        self.missing.iter().map(|(first, end)| end.saturating_sub(*first)).sum()
    }

    /// The run that holds a sequence.
    fn run(&self, sequence: u64) -> Option<(u64, u64)> {
        let (first, end) = self.missing.range(..=sequence).next_back()?;
        (sequence < *end).then_some((*first, *end))
    }

    fn fill(&mut self, sequence: u64) {
        let Some((first, end)) = self.run(sequence) else { return };
        self.missing.remove(&first);
        if first < sequence {
            self.missing.insert(first, sequence);
        }
        let rest = sequence.saturating_add(1);
        if rest < end {
            self.missing.insert(rest, end);
        }
    }

    fn view(&self) -> MessageView {
        MessageView {
            id: self.id,
            order: self.order,
            mine: false,
            sent_at: self.sent_at,
            content: Content::Gap { missing: self.count() },
            delivery: crate::Delivery::Incoming,
        }
    }
}

/// Where a body of the contact belongs.
#[derive(Debug)]
pub(crate) enum Place {
    /// It is new. The gaps that appeared or shrank are to be shown.
    New {
        /// Where it is shown.
        order: MessageOrder,
        /// Their new views; those with nothing missing any more are to be deleted.
        gaps: Vec<MessageView>,
        /// Whether it names the body before it as that body was; `false` if its author told two stories.
        fits: bool,
    },
    /// It is known already.
    Known,
}

/// A body names a place too far from what is known, or more places are missing than can be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body's place is out of bounds")]
pub(crate) struct OutOfPlace;

/// The place of a received body, as its author states it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stated {
    pub(crate) order: MessageOrder,
    pub(crate) sent_at: Timestamp,
    /// The hash it names of its author's body before it.
    pub(crate) previous: [u8; 32],
    /// Its own hash.
    pub(crate) hash: [u8; 32],
    /// Its author's era.
    pub(crate) era: u32,
    /// Whether a message of this name came before; asked for where [`Conversation::is_unexpected`].
    pub(crate) known: bool,
}

impl Stated {
    /// The place that a contact states in a conversation with it; not asked yet whether it came before.
    pub(crate) fn of<C>(
        conversation: &Conversation,
        author: ContactId,
        body: &Body<C>,
        plaintext: &[u8],
    ) -> Self {
        Self {
            order: conversation.order(body.lamport, author.0, body.sequence),
            sent_at: Timestamp(body.sent_at),
            previous: body.previous,
            hash: Message::body_hash(plaintext),
            era: body.era.unwrap_or(0),
            known: false,
        }
    }
}

/// The state of one conversation; part of the contact's record.
#[derive(Clone, Debug, Default, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Conversation {
    /// The last sequence used by this device.
    #[n(0)]
    sequence: u64,
    /// Hash of this device's last body.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub(crate) previous: [u8; 32],
    #[n(2)]
    lamport: u64,
    /// The highest sequence of theirs.
    #[n(3)]
    theirs: u64,
    #[n(4)]
    gaps: Vec<Gap>,
    #[n(5)]
    pub(crate) unread: BTreeSet<MessageOrder>,
    #[n(6)]
    pub(crate) read_up_to: Option<MessageOrder>,
    /// The newest message, its text shortened.
    #[n(7)]
    pub(crate) last: Option<MessageView>,
    /// Hash of the body of their highest sequence.
    #[n(8)]
    #[cbor(with = "minicbor::bytes")]
    their_previous: [u8; 32],
    /// What is added to the Lamport times that travel: they begin anew when two who parted meet again, and the history
    /// here goes on.
    #[n(9)]
    base: u64,
    /// How often this device has lost its state.
    #[n(10)]
    era: u32,
    /// The same of theirs, as far as it is known.
    #[n(11)]
    their_era: u32,
    /// Lamport times up to this one were used before their sequences began anew: the same place could be stated twice.
    #[n(12)]
    floor: u64,
}

impl Conversation {
    /// A conversation that begins now. A history with the contact may be kept of which nothing else is known any more:
    /// everything stands behind it, since no count of messages comes near to the milliseconds since 1970.
    pub(crate) fn begun(now: Timestamp) -> Self {
        Self { lamport: now.0, base: now.0, floor: now.0, ..Self::default() }
    }

    /// The place of the next thing this device says.
    pub(crate) fn next(&mut self, author: [u8; 16]) -> MessageOrder {
        self.sequence = self.sequence.saturating_add(1);
        self.lamport = self.lamport.saturating_add(1);
        MessageOrder { lamport: self.lamport, author, sequence: self.sequence }
    }

    /// The Lamport time that travels for a place in this conversation.
    pub(crate) fn travelling(&self, order: MessageOrder) -> u64 {
        order.lamport.saturating_sub(self.base)
    }

    /// The place in this conversation for a Lamport time that travelled.
    pub(crate) fn order(&self, lamport: u64, author: [u8; 16], sequence: u64) -> MessageOrder {
        MessageOrder { lamport: lamport.saturating_add(self.base), author, sequence }
    }

    /// This device has lost its state: what it says now must not be taken for what it said before.
    ///
    /// The server is who says so. While nothing was said since the last time, saying it again changes nothing: else it
    /// could drive the counters beyond what the other side accepts.
    pub(crate) fn rolled_back(&mut self) {
        if self.era > 0 && self.sequence == 0 {
            return;
        }
        self.era = self.era.saturating_add(1);
        self.sequence = 0;
        self.previous = [0; 32];
        self.lamport = self.lamport.saturating_add(policy::ROLLED_BACK_LAMPORT);
    }

    /// Whether the other side has lost its state since it was last heard of.
    pub(crate) fn is_new_era(&self, era: u32) -> bool {
        era > self.their_era
    }

    /// Whether a body of this era and sequence is neither the next nor further on: it may be one that came before.
    pub(crate) fn is_unexpected(&self, era: u32, sequence: u64) -> bool {
        era != self.their_era || sequence <= self.theirs
    }

    /// The era to state; absent for the first.
    pub(crate) fn era(&self) -> Option<u32> {
        (self.era > 0).then_some(self.era)
    }

    /// Both sides begin to count anew; what was said before stays before.
    pub(crate) fn restart(&mut self) {
        self.base = self.lamport;
        self.floor = self.lamport;
        self.sequence = 0;
        self.previous = [0; 32];
        self.theirs = 0;
        self.their_previous = [0; 32];
        self.their_era = 0;
        self.era = 0;
        self.gaps.clear();
    }

    /// A place behind everything known, for what nobody sent or must not take a place that was taken before. No body
    /// has this sequence, and nothing else this Lamport time with it.
    pub(crate) fn local(&mut self, author: [u8; 16]) -> MessageOrder {
        self.lamport = self.lamport.saturating_add(1);
        MessageOrder { lamport: self.lamport, author, sequence: 0 }
    }

    /// Finds the place of a received body. Nothing is changed when it has none.
    pub(crate) fn place(&mut self, stated: Stated, gap_id: MessageId) -> Result<Place, OutOfPlace> {
        let Stated { order, era, known, .. } = stated;
        let theirs = if era > self.their_era { 0 } else { self.theirs };
        if order.sequence == 0
            || order.sequence.saturating_sub(theirs) > policy::JUMP_MAX
            || era.saturating_sub(self.their_era) > policy::ERAS_MAX
            || order.lamport.saturating_sub(self.lamport) > policy::JUMP_MAX
        {
            return Err(OutOfPlace);
        }
        if known {
            return Ok(Place::Known);
        }
        if era < self.their_era {
            // From before its author lost its state: shown, but what else is missing from then is not known any more.
            let order = self.local(order.author);
            return Ok(Place::New { order, gaps: Vec::new(), fits: true });
        }
        if era > self.their_era {
            let gaps =
                self.gaps.drain(..).map(|gap| Gap { missing: BTreeMap::new(), ..gap }.view()).collect();
            self.their_era = era;
            self.floor = self.lamport;
            self.theirs = 0;
            self.their_previous = [0; 32];
            return self.in_era(stated, gap_id, gaps);
        }
        self.in_era(stated, gap_id, Vec::new())
    }

    fn in_era(
        &mut self,
        stated: Stated,
        gap_id: MessageId,
        mut gaps: Vec<MessageView>,
    ) -> Result<Place, OutOfPlace> {
        let Stated { order, sent_at, previous, hash, .. } = stated;
        // A place of an earlier count is not stated again, or history could be written over.
        let mut behind = order.lamport <= self.floor;
        let runs = self.gap_runs();
        let mut fits = true;
        if order.sequence <= self.theirs {
            let found =
                self.gaps.iter().enumerate().find_map(|(index, gap)| Some((index, gap.run(order.sequence)?)));
            let Some((index, (first, end))) = found else {
                // Its place is taken, its name is new: its author lost its state and does not know it. Taking it for
                // known would acknowledge what nobody has read.
                let order = self.local(order.author);
                return Ok(Place::New { order, gaps, fits: false });
            };
            // Filling the middle of a run makes two of it.
            let splits = first < order.sequence && order.sequence.saturating_add(1) < end;
            if splits && runs >= policy::GAPS_MAX {
                return Err(OutOfPlace);
            }
            if let Some(gap) = self.gaps.get_mut(index) {
                behind |= gap.order == order;
                gap.fill(order.sequence);
                gaps.push(gap.view());
                if gap.missing.is_empty() {
                    self.gaps.remove(index);
                }
            }
        } else {
            let first = self.theirs.saturating_add(1);
            if first < order.sequence {
                if runs >= policy::GAPS_MAX {
                    return Err(OutOfPlace);
                }
                let gap = Gap {
                    id: gap_id,
                    order: if behind {
                        self.local(order.author)
                    } else {
                        MessageOrder { sequence: first, ..order }
                    },
                    missing: BTreeMap::from([(first, order.sequence)]),
                    sent_at,
                };
                gaps.push(gap.view());
                self.gaps.push(gap);
            } else {
                fits = self.their_previous == previous;
            }
            self.theirs = order.sequence;
            self.their_previous = hash;
        }
        let order = if behind { self.local(order.author) } else { order };
        self.lamport = self.lamport.max(order.lamport);
        Ok(Place::New { order, gaps, fits })
    }

    /// How many runs of messages are missing.
    pub(crate) fn gap_runs(&self) -> usize {
        self.gaps.iter().map(|gap| gap.missing.len()).sum()
    }

    /// A message is shown: it may be the newest, and unread.
    pub(crate) fn shown(&mut self, view: &MessageView) {
        if matches!(view.content, Content::Gap { .. }) {
            return;
        }
        if self.last.as_ref().is_none_or(|last| last.order <= view.order) {
            let mut last = view.clone();
            if let Content::Text(body) = &mut last.content {
                body.truncate(text::shorten(body, policy::LAST_TEXT_MAX).len());
            }
            self.last = Some(last);
        }
    }

    /// A message of theirs came that the user has not seen.
    pub(crate) fn unread(&mut self, order: MessageOrder) {
        if self.read_up_to.is_none_or(|read| order > read) && self.unread.len() < policy::UNREAD_MAX {
            self.unread.insert(order);
        }
    }

    /// The user has seen everything up to here.
    pub(crate) fn read(&mut self, up_to: MessageOrder) {
        self.read_up_to = self.read_up_to.max(Some(up_to));
        self.unread.retain(|order| *order > up_to);
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use rand_chacha::ChaCha12Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::*;

    fn stated(sequence: u64, lamport: u64) -> Stated {
        let order = MessageOrder { lamport, author: [2; 16], sequence };
        let (previous, hash) = ([0; 32], [0; 32]);
        Stated { order, sent_at: Timestamp(0), previous, hash, era: 0, known: false }
    }

    fn missing(place: &Place) -> Vec<u64> {
        let Place::New { gaps, .. } = place else { return Vec::new() };
        gaps.iter()
            .filter_map(|gap| match gap.content {
                Content::Gap { missing } => Some(missing),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_gap_is_one_record_and_closes() {
        let mut conversation = Conversation::default();
        let id = MessageId([9; 16]);
        assert!(missing(&conversation.place(stated(1, 1), id).unwrap()).is_empty());
        assert_eq!(missing(&conversation.place(stated(4, 4), id).unwrap()), [2]);
        assert_eq!(missing(&conversation.place(stated(3, 3), id).unwrap()), [1]);
        let known = |sequence| Stated { known: true, ..stated(sequence, sequence) };
        assert!(conversation.is_unexpected(0, 3));
        assert!(matches!(conversation.place(known(3), id).unwrap(), Place::Known));
        assert_eq!(missing(&conversation.place(stated(2, 2), id).unwrap()), [0]);
        assert!(matches!(conversation.place(known(2), id).unwrap(), Place::Known));
        assert!(!conversation.is_unexpected(0, 5));
        assert!(conversation.gaps.is_empty());
    }

    #[test]
    fn jumps_and_too_many_gaps_change_nothing() {
        let mut conversation = Conversation::default();
        let id = MessageId([9; 16]);
        let before = conversation.clone();
        assert_eq!(conversation.place(stated(policy::JUMP_MAX + 1, 1), id).err(), Some(OutOfPlace));
        assert_eq!(conversation.place(stated(1, policy::JUMP_MAX + 1), id).err(), Some(OutOfPlace));
        assert_eq!(conversation.place(stated(0, 1), id).err(), Some(OutOfPlace));
        assert_eq!(conversation, before);
        let gaps = u64::try_from(policy::GAPS_MAX).unwrap();
        for gap in 1..=gaps {
            assert!(conversation.place(stated(gap * 2, gap * 2), id).is_ok());
        }
        let full = conversation.clone();
        assert_eq!(conversation.place(stated(gaps * 2 + 2, gaps * 2 + 2), id).err(), Some(OutOfPlace));
        assert_eq!(conversation, full);
        assert!(conversation.place(stated(1, 1), id).is_ok(), "what fills a gap still comes in");
        assert!(conversation.place(stated(gaps * 2 + 2, gaps * 2 + 2), id).is_ok());
    }

    #[test]
    fn a_new_era_counts_from_one_and_old_messages_still_come_in() {
        let mut conversation = Conversation::default();
        let id = MessageId([9; 16]);
        for sequence in [1, 2, 5] {
            assert!(matches!(conversation.place(stated(sequence, sequence), id), Ok(Place::New { .. })));
        }
        let anew = Stated { era: 1, ..stated(1, 100) };
        assert_eq!(missing(&conversation.place(anew, id).unwrap()), [0], "the old gap is closed");
        assert!(matches!(conversation.place(Stated { known: true, ..anew }, id), Ok(Place::Known)));
        assert!(matches!(conversation.place(stated(3, 3), id), Ok(Place::New { .. })));
        assert!(matches!(conversation.place(Stated { known: true, ..stated(3, 3) }, id), Ok(Place::Known)));
        let far = Stated { era: policy::ERAS_MAX + 2, ..stated(1, 100) };
        assert_eq!(conversation.place(far, id).err(), Some(OutOfPlace));
    }

    #[test]
    fn told_of_a_lost_state_again_and_again_it_stays_within_reach() {
        let (mut ours, mut theirs) = (Conversation::default(), Conversation::default());
        let id = MessageId([9; 16]);
        for _ in 0..100 {
            (0..100).for_each(|_| ours.rolled_back());
            let order = ours.next([2; 16]);
            let stated = Stated { order, era: ours.era().unwrap(), ..stated(0, 0) };
            assert!(matches!(theirs.place(stated, id), Ok(Place::New { .. })));
        }
    }

    #[test]
    fn no_place_is_taken_twice() {
        let mut conversation = Conversation::default();
        let mut places = Places::default();
        let mut take = |conversation: &mut Conversation, stated| {
            assert!(places.take(conversation, stated));
            places.take_local(conversation);
        };
        for sequence in 1..=3 {
            take(&mut conversation, stated(sequence, sequence));
        }
        // A device that was rolled back, and does not know it, counts again what was counted.
        take(&mut conversation, stated(2, 2));
        for era in 1..=2 {
            for sequence in 1..=3 {
                take(&mut conversation, Stated { era, ..stated(sequence, sequence) });
            }
        }
        // Rolled back twice to the same state; and what was said before.
        take(&mut conversation, Stated { era: 2, ..stated(1, 1) });
        take(&mut conversation, Stated { era: 1, ..stated(1, 1) });
        take(&mut conversation, stated(3, 3));
        conversation.restart();
        let order = conversation.order(0, [2; 16], 1);
        take(&mut conversation, Stated { order, ..stated(1, 0) });
    }

    /// What has which place: messages, and the records of what is missing, which change where they are.
    #[derive(Default)]
    struct Places {
        taken: BTreeMap<MessageOrder, MessageId>,
        last: u128,
    }

    impl Places {
        fn next(&mut self) -> MessageId {
            self.last += 1;
            MessageId(self.last.to_be_bytes())
        }

        fn put(&mut self, order: MessageOrder, id: MessageId) {
            let there = *self.taken.entry(order).or_insert(id);
            assert_eq!(there, id, "{order:?} twice");
        }

        /// Whether the body has a place.
        fn take(&mut self, conversation: &mut Conversation, stated: Stated) -> bool {
            let (gap, body) = (self.next(), self.next());
            let before = conversation.clone();
            let Ok(Place::New { order, gaps, .. }) = conversation.place(stated, gap) else {
                assert_eq!(*conversation, before);
                return false;
            };
            for gap in gaps {
                self.put(gap.order, gap.id);
            }
            self.put(order, body);
            true
        }

        fn take_local(&mut self, conversation: &mut Conversation) {
            let id = self.next();
            self.put(conversation.local([2; 16]), id);
        }
    }

    #[test]
    fn nothing_that_is_stated_writes_over_what_was_shown() {
        // The record of what is missing has the place that the second then states.
        let (mut conversation, mut places) = (Conversation::default(), Places::default());
        for (sequence, lamport) in [(3, 5), (1, 5), (2, 5), (4, 5), (9, 5), (5, 5), (8, 5), (6, 6), (7, 6)] {
            assert!(places.take(&mut conversation, stated(sequence, lamport)));
        }
        let mut rng = ChaCha12Rng::seed_from_u64(1);
        for _ in 0..200 {
            let (mut conversation, mut places) = (Conversation::default(), Places::default());
            let mut era = 0;
            for _ in 0..200 {
                let mut below = |n: u64| rng.next_u64() % n;
                era += u32::from(below(50) == 0);
                let order =
                    conversation.order(below(12) + conversation.lamport.saturating_sub(6), [2; 16], below(9));
                let earlier = u32::from(below(10) == 0);
                let body = Stated { order, era: era.saturating_sub(earlier), ..stated(0, 0) };
                places.take(&mut conversation, body);
                match below(20) {
                    0 => places.take_local(&mut conversation),
                    1 => drop(conversation.next([1; 16])),
                    2 if below(10) == 0 => conversation.restart(),
                    _ => {}
                }
                if conversation.their_era == 0 {
                    era = era.min(1);
                }
            }
        }
    }

    #[test]
    fn unread_counts_until_seen() {
        let mut conversation = Conversation::default();
        for sequence in 1..=3 {
            conversation.unread(stated(sequence, sequence).order);
        }
        conversation.read(stated(2, 2).order);
        assert_eq!(conversation.unread.len(), 1);
        conversation.unread(stated(1, 1).order);
        assert_eq!(conversation.unread.len(), 1);
    }
}
