//! Hashes of accepted ratchet messages: only an equal hash is a duplicate.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use sotto_crypto::MessageHash;

use crate::turn::{Key, Turn};
use crate::{ContactId, MessageId, Timestamp, policy};

/// Bytes of one entry: hash 16, message id 16 (zeros if it is not acknowledged), seconds since 1970 8.
const ENTRY: usize = 40;

/// Some entries, in one record, since a record for each would make starting slow.
#[derive(Debug, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Segment {
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    entries: Vec<u8>,
}

impl Segment {
    fn entries(&self) -> impl Iterator<Item = (MessageHash, Option<MessageId>, u64)> {
        self.entries.as_chunks::<ENTRY>().0.iter().filter_map(|entry| {
            let (hash, rest) = entry.split_first_chunk::<16>()?;
            let (id, seconds) = rest.split_first_chunk::<16>()?;
            let id = (*id != [0; 16]).then_some(MessageId(*id));
            Some((MessageHash::from_bytes(*hash), id, u64::from_be_bytes(seconds.try_into().ok()?)))
        })
    }

    fn len(&self) -> usize {
        self.entries.len() / ENTRY
    }

    fn newest(&self) -> u64 {
        self.entries().map(|(_, _, seconds)| seconds).max().unwrap_or(0)
    }
}

/// What was accepted from one contact.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    index: BTreeMap<MessageHash, Option<MessageId>>,
    segments: BTreeMap<u32, Segment>,
}

impl Seen {
    /// `Some` if this very message was accepted before, with its id if it is to be acknowledged.
    pub(crate) fn get(&self, hash: MessageHash) -> Option<Option<MessageId>> {
        self.index.get(&hash).copied()
    }

    /// Whether a message of this name was accepted before. Slow; for what is out of the ordinary.
    pub(crate) fn has_id(&self, id: MessageId) -> bool {
        self.index.values().any(|known| *known == Some(id))
    }

    pub(crate) fn segment(&self, number: u32) -> Option<&Segment> {
        self.segments.get(&number)
    }

    pub(crate) fn restore(&mut self, number: u32, segment: Segment) {
        self.index.extend(segment.entries().map(|(hash, id, _)| (hash, id)));
        self.segments.insert(number, segment);
    }

    pub(crate) fn numbers(&self) -> Vec<u32> {
        self.segments.keys().copied().collect()
    }

    /// Remembers an accepted message.
    pub(crate) fn insert(
        &mut self,
        hash: MessageHash,
        id: Option<MessageId>,
        contact: ContactId,
        turn: &mut Turn<'_>,
    ) {
        let last = self.segments.last_key_value();
        let number = match last {
            Some((number, segment)) if segment.len() < policy::SEEN_SEGMENT => *number,
            Some((number, _)) => number.saturating_add(1),
            None => 0,
        };
        let segment = self.segments.entry(number).or_default();
        segment.entries.extend_from_slice(hash.as_bytes());
        segment.entries.extend_from_slice(&id.unwrap_or(MessageId([0; 16])).0);
        segment.entries.extend_from_slice(&(turn.now.0 / 1000).to_be_bytes());
        self.index.insert(hash, id);
        turn.dirty(Key::Seen(contact, number));
        while self.segments.len() > policy::SEEN_SEGMENTS_MAX {
            self.drop_oldest(contact, turn);
        }
    }

    /// Forgets what is old enough, except for the newest.
    pub(crate) fn prune(&mut self, contact: ContactId, turn: &mut Turn<'_>) {
        while self.segments.len() > policy::SEEN_SEGMENTS_KEPT
            && let Some((_, segment)) = self.segments.first_key_value()
        {
            let newest = Timestamp(segment.newest().saturating_mul(1000));
            if turn.now.saturating_since(newest) < policy::SEEN_LIFETIME {
                break;
            }
            self.drop_oldest(contact, turn);
        }
    }

    fn drop_oldest(&mut self, contact: ContactId, turn: &mut Turn<'_>) {
        if let Some((number, segment)) = self.segments.pop_first() {
            for (hash, _, _) in segment.entries() {
                self.index.remove(&hash);
            }
            turn.dirty(Key::Seen(contact, number));
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use core::time::Duration;

    use rand_chacha::ChaCha12Rng;
    use rand_chacha::rand_core::SeedableRng;

    use super::*;
    use crate::timers::Timers;

    const CONTACT: ContactId = ContactId([1; 16]);

    fn hash(n: usize) -> MessageHash {
        MessageHash::from_bytes(u128::try_from(n).unwrap().to_be_bytes())
    }

    #[test]
    fn hashes_are_known_for_60_days() {
        let rng = &mut ChaCha12Rng::seed_from_u64(1);
        let at =
            |days: u64| Timestamp(1_800_000_000_000).saturating_add(Duration::from_secs(days * 24 * 3600));
        let mut seen = Seen::default();
        // Four segments; the first of day 0.
        for n in 0..=policy::SEEN_SEGMENT * 3 {
            let mut turn = Turn::new(at(u64::from(n >= policy::SEEN_SEGMENT)), rng, Timers::default());
            seen.insert(hash(n), Some(MessageId([7; 16])), CONTACT, &mut turn);
        }
        for (days, first, second) in [(59, true, true), (60, false, true), (61, false, false)] {
            seen.prune(CONTACT, &mut Turn::new(at(days), rng, Timers::default()));
            assert_eq!(seen.get(hash(0)).is_some(), first, "day {days}");
            assert_eq!(seen.get(hash(policy::SEEN_SEGMENT)).is_some(), second, "day {days}");
        }
        // A clock that is ten years ahead, perhaps for a moment: the newest are still known.
        seen.prune(CONTACT, &mut Turn::new(at(3650), rng, Timers::default()));
        for n in [policy::SEEN_SEGMENT * 2, policy::SEEN_SEGMENT * 3] {
            assert!(seen.get(hash(n)).is_some());
        }
    }

    #[test]
    fn there_is_an_end_to_what_is_remembered_and_it_is_the_oldest() {
        let rng = &mut ChaCha12Rng::seed_from_u64(2);
        let mut turn = Turn::new(Timestamp(1_800_000_000_000), rng, Timers::default());
        let mut seen = Seen::default();
        let most = policy::SEEN_SEGMENT * policy::SEEN_SEGMENTS_MAX;
        for n in 0..=most {
            seen.insert(hash(n), None, CONTACT, &mut turn);
        }
        assert!(seen.index.len() <= most);
        assert!(seen.get(hash(0)).is_none() && seen.get(hash(most)).is_some());
        assert!(seen.get(hash(policy::SEEN_SEGMENT)).is_some(), "and no more than must be");
        // A restart knows the same.
        let mut again = Seen::default();
        for number in seen.numbers() {
            let entries = seen.segment(number).unwrap().entries.clone();
            again.restore(number, Segment { entries });
        }
        assert_eq!(again.index, seen.index);
    }
}
