//! The reference model: it knows what everybody wrote, and sees every event of every screen. It needs nothing of the
//! engine but what people see.

use std::collections::{BTreeMap, BTreeSet};

use sotto_engine::{ContactId, Content, Delivery, Event, MessageId, MessageOrder, MessageView};

use super::fate::Fate;
use crate::world::Who;

/// A text that somebody wrote.
#[derive(Debug)]
struct Written {
    author: Who,
    to: Who,
    /// Which of the author's texts to that person.
    place: u64,
    /// Its name and how far it got, once it was accepted: shown on the author's screen.
    accepted: Option<(MessageId, Delivery)>,
    /// Under which name and where it was shown at the other side.
    told: Option<(MessageId, MessageOrder)>,
}

/// What is known of all conversations.
#[derive(Debug, Default)]
pub(super) struct Witness {
    written: BTreeMap<String, Written>,
    count: BTreeMap<(Who, Who), u64>,
    /// Gaps shown now, with how much is missing: to whom, of whom.
    gaps: BTreeMap<(Who, Who), BTreeMap<MessageId, u64>>,
    ids: BTreeMap<ContactId, Who>,
    pub(super) fate: Fate,
    /// Texts accepted.
    pub(super) messages: u64,
}

impl Witness {
    pub(super) fn new(ids: &[ContactId]) -> Self {
        Self { ids: ids.iter().copied().zip(0..).collect(), ..Self::default() }
    }

    /// Who a contact is.
    pub(super) fn who(&self, contact: ContactId) -> Who {
        *self.ids.get(&contact).expect("nobody unknown becomes a contact")
    }

    /// Somebody writes the next text to somebody: gives its words.
    pub(super) fn writes(&mut self, author: Who, to: Who) -> String {
        let place = self.count.entry((author, to)).or_default();
        *place += 1;
        // Of different lengths, so that envelopes of every size travel.
        let padding =
            "word ".repeat((*place as usize * 37 + author) % 90 * usize::from(place.is_multiple_of(5)));
        let text = format!("{author} to {to}, {place} {padding}").trim().to_owned();
        let written = Written { author, to, place: *place, accepted: None, told: None };
        self.written.insert(text.clone(), written);
        text
    }

    /// Somebody sees something.
    pub(super) fn sees(&mut self, who: Who, event: &Event) {
        let Event::Message(contact, view) = event else { return };
        let other = self.who(*contact);
        match &view.content {
            Content::Text(text) => self.sees_text(who, other, text, view),
            Content::Gap { missing } if !view.mine => {
                let gaps = self.gaps.entry((who, other)).or_default();
                gaps.insert(view.id, *missing);
                gaps.retain(|_, missing| *missing > 0);
            }
            _ => {}
        }
    }

    fn sees_text(&mut self, who: Who, other: Who, text: &str, view: &MessageView) {
        let Some(written) = self.written.get_mut(text) else {
            panic!("nobody wrote what {who} sees: {text:?}")
        };
        let Written { author, to, accepted, told, .. } = written;
        if view.mine {
            assert_eq!((*author, *to), (who, other), "{text:?} stands in another conversation");
            let now = view.delivery;
            if let Some((id, before)) = accepted {
                let whole = self.fate.is_whole(who, other);
                assert!(!whole || *id == view.id, "{text:?} has another name than before");
                let lost = *before == Delivery::Delivered && now != Delivery::Delivered;
                assert!(!whole || !lost, "{text:?} was delivered and is now {now:?}");
            } else {
                self.messages += 1;
            }
            assert!(
                now != Delivery::Delivered || told.is_some() || self.fate.is_ended(who, other),
                "{text:?} is said to be delivered, and nobody has seen it"
            );
            *accepted = Some((view.id, now));
        } else {
            assert_eq!((*author, *to), (other, who), "{text:?} stands in another conversation");
            assert_eq!(view.delivery, Delivery::Incoming);
            let now = (view.id, view.order);
            let lenient = self.fate.is_ended(who, other) || self.fate.is_shaken(who);
            assert!(lenient || told.is_none_or(|told| told == now), "{text:?} is shown twice to {who}");
            *told = Some(now);
        }
    }

    /// What somebody removed is not to be seen any more.
    pub(super) fn forgets(&mut self, who: Who, other: Who) {
        self.fate.end(who, other);
        self.gaps.remove(&(who, other));
    }

    /// Of whom somebody misses something without being shown so.
    pub(super) fn hidden_gap(&self) -> Option<String> {
        let mut newest: BTreeMap<(Who, Who), u64> = BTreeMap::new();
        for written in self.written.values().filter(|written| written.told.is_some()) {
            let newest = newest.entry((written.to, written.author)).or_default();
            *newest = written.place.max(*newest);
        }
        newest.into_iter().filter(|((to, author), _)| self.fate.is_whole(*to, *author)).find_map(
            |((to, author), newest)| {
                let missing = self.written.values().filter(|written| {
                    (written.to, written.author) == (to, author)
                        && written.place < newest
                        && written.accepted.is_some()
                        && written.told.is_none()
                });
                let (missing, shown): (u64, u64) = (
                    missing.count() as u64,
                    self.gaps.get(&(to, author)).map_or(0, |gaps| gaps.values().sum()),
                );
                (missing > shown).then(|| format!("{to} misses {missing} of {author}, and {shown} are shown"))
            },
        )
    }

    /// Whether somebody is still shown that something is missing.
    pub(super) fn shows_gaps(&self) -> bool {
        let whole = |(to, author): &(Who, Who)| self.fate.is_whole(*to, *author);
        self.gaps.iter().any(|(pair, gaps)| whole(pair) && !gaps.is_empty())
    }

    /// How many accepted texts of an author to somebody are not yet delivered.
    pub(super) fn under_way(&self, author: Who) -> usize {
        let waits = |written: &&Written| {
            written.author == author
                && self.fate.is_whole(author, written.to)
                && written.accepted.is_some_and(|(_, delivery)| delivery != Delivery::Delivered)
        };
        self.written.values().filter(waits).count()
    }

    /// Whether a text was shown to whom it was for.
    pub(super) fn is_told(&self, text: &str) -> bool {
        self.written.get(text).is_some_and(|written| written.told.is_some())
    }

    /// Holds the history that somebody has with somebody against what was written, once everything has arrived.
    pub(super) fn judge(&self, who: Who, other: Who, history: &[MessageView]) -> Result<(), String> {
        let texts: Vec<(&str, &MessageView)> = history
            .iter()
            .filter_map(|view| match &view.content {
                Content::Text(text) => Some((text.as_str(), view)),
                _ => None,
            })
            .collect();
        let mut once = BTreeSet::new();
        if !self.fate.is_ended(who, other) && !texts.iter().all(|(text, _)| once.insert(*text)) {
            return Err(format!("{who} has something of {other} twice: {texts:#?}"));
        }
        if !self.fate.is_whole(who, other) {
            return Ok(());
        }
        for author in [who, other] {
            let accepted = self.accepted(author, if author == who { other } else { who });
            let mine = |view: &MessageView| view.mine == (author == who);
            let kept: Vec<&str> =
                texts.iter().filter(|(_, view)| mine(view)).map(|(text, _)| *text).collect();
            if kept != accepted {
                return Err(format!(
                    "{who} has of {author}: {kept:#?}\nand what was accepted is: {accepted:#?}"
                ));
            }
        }
        for (text, view) in &texts {
            if !matches!(view.delivery, Delivery::Delivered | Delivery::Incoming) {
                return Err(format!("{who} sees {text:?} still as {:?}", view.delivery));
            }
        }
        match history.iter().find(|view| matches!(view.content, Content::Gap { .. })) {
            Some(gap) => Err(format!("{who} still sees that something of {other} is missing: {gap:?}")),
            None => Ok(()),
        }
    }

    /// The texts of an author to somebody that were accepted, in the order in which they were written. One that was
    /// shown at the other side was accepted, even where a crash came before its author saw so.
    fn accepted(&self, author: Who, to: Who) -> Vec<&str> {
        let mut accepted: Vec<(u64, &str)> = self
            .written
            .iter()
            .filter(|(_, written)| (written.author, written.to) == (author, to))
            .filter(|(_, written)| written.accepted.is_some() || written.told.is_some())
            .map(|(text, written)| (written.place, text.as_str()))
            .collect();
        accepted.sort_unstable();
        accepted.into_iter().map(|(_, text)| text).collect()
    }
}
