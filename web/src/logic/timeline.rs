//! A conversation as it is laid out: days, groups, the line before what is new.

use sotto_engine::{MessageId, MessageOrder, Timestamp};

/// Messages of one author closer together than this form a group, in milliseconds.
const GROUP: u64 = 5 * 60 * 1_000;

/// What the layout has to know of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Which.
    pub id: MessageId,
    /// Where it stands.
    pub order: MessageOrder,
    /// Whether oneself wrote it.
    pub mine: bool,
    /// When.
    pub sent_at: Timestamp,
    /// What kind it is.
    pub kind: Kind,
}

/// Kinds of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Somebody said or handed over something.
    Bubble,
    /// A line about the conversation itself.
    Line,
    /// Nothing to be seen.
    Hidden,
}

/// One thing in the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Item {
    /// A new day begins; the day's number and a moment of it.
    Day(i64, Timestamp),
    /// What follows was not seen before.
    New,
    /// A message; `first` of its group or alone.
    Message { id: MessageId, order: MessageOrder, first: bool },
}

impl Item {
    /// Where it stands, for messages.
    pub fn order(&self) -> Option<MessageOrder> {
        match self {
            Self::Message { order, .. } => Some(*order),
            Self::Day(..) | Self::New => None,
        }
    }
}

/// The number of the local day of a moment.
pub fn day(at: Timestamp, offset_minutes: i64) -> i64 {
    let minutes = i64::try_from(at.0 / 60_000).unwrap_or(i64::MAX / 2);
    minutes.saturating_add(offset_minutes).div_euclid(24 * 60)
}

/// Lays out messages that are in order. The line for what is new stands before the first message of the other that
/// comes after `seen`.
pub fn lay_out(
    entries: impl Iterator<Item = Entry>,
    seen: Option<MessageOrder>,
    day_of: impl Fn(Timestamp) -> i64,
) -> Vec<Item> {
    let mut items = Vec::with_capacity(entries.size_hint().0.saturating_add(4));
    let mut today: Option<i64> = None;
    let mut last: Option<Entry> = None;
    let mut new = seen;
    for entry in entries.filter(|entry| entry.kind != Kind::Hidden) {
        let day = day_of(entry.sent_at);
        // Clocks differ: a message from "yesterday" after one of today stays with today.
        if today.is_none_or(|today| day > today) {
            today = Some(day);
            last = None;
            items.push(Item::Day(day, entry.sent_at));
        }
        if new.is_some_and(|seen| entry.order > seen) && !entry.mine && entry.kind == Kind::Bubble {
            new = None;
            last = None;
            items.push(Item::New);
        }
        let first = !last.is_some_and(|last| continues(&last, &entry));
        items.push(Item::Message { id: entry.id, order: entry.order, first });
        last = Some(entry);
    }
    items
}

fn continues(last: &Entry, next: &Entry) -> bool {
    last.kind == Kind::Bubble
        && next.kind == Kind::Bubble
        && last.mine == next.mine
        && next.sent_at.0.abs_diff(last.sent_at.0) < GROUP
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;

    fn entry(n: u8, mine: bool, minute: u64) -> Entry {
        Entry {
            id: MessageId([n; 16]),
            order: MessageOrder {
                lamport: u64::from(n),
                author: [u8::from(mine); 16],
                sequence: u64::from(n),
            },
            mine,
            sent_at: Timestamp(minute * MINUTE),
            kind: Kind::Bubble,
        }
    }

    fn shape(items: &[Item]) -> String {
        items
            .iter()
            .map(|item| match item {
                Item::Day(..) => 'D',
                Item::New => 'N',
                Item::Message { first: true, .. } => 'M',
                Item::Message { first: false, .. } => 'm',
            })
            .collect()
    }

    fn utc(at: Timestamp) -> i64 {
        day(at, 0)
    }

    #[test]
    fn groups_end_with_the_author_and_with_time() {
        let entries = [
            entry(1, true, 0),
            entry(2, true, 1),
            entry(3, false, 2),
            entry(4, false, 3),
            entry(5, false, 9),
        ];
        assert_eq!(shape(&lay_out(entries.into_iter(), None, utc)), "DMmMmM");
    }

    #[test]
    fn lines_break_groups_and_hidden_ones_do_not() {
        let line = Entry { kind: Kind::Line, ..entry(2, true, 1) };
        let hidden = Entry { kind: Kind::Hidden, ..entry(4, true, 1) };
        let entries = [entry(1, true, 0), line, entry(3, true, 1), hidden, entry(5, true, 2)];
        assert_eq!(shape(&lay_out(entries.into_iter(), None, utc)), "DMMMm");
    }

    #[test]
    fn a_day_begins_once_even_if_clocks_differ() {
        let day = 24 * 60;
        let entries = [
            entry(1, true, day - 1),
            entry(2, true, day + 1),
            entry(3, false, day - 2),
            entry(4, true, day + 2),
        ];
        assert_eq!(shape(&lay_out(entries.into_iter(), None, utc)), "DMDMMM");
    }

    #[test]
    fn the_line_stands_before_the_first_new_one_of_the_other() {
        let entries = [entry(1, false, 0), entry(2, true, 1), entry(3, false, 2), entry(4, false, 2)];
        let after = |n: usize| entries.get(n).map(|entry| entry.order);
        assert_eq!(shape(&lay_out(entries.into_iter(), after(0), utc)), "DMMNMm");
        assert_eq!(shape(&lay_out(entries.into_iter(), after(2), utc)), "DMMMNM");
        assert_eq!(shape(&lay_out(entries.into_iter(), after(3), utc)), "DMMMm");
    }

    #[test]
    fn days_are_local() {
        let late = Timestamp(23 * 60 * MINUTE + 30 * MINUTE);
        assert_eq!(day(late, 0), 0);
        assert_eq!(day(late, 60), 1);
        assert_eq!(day(Timestamp(0), -60), -1);
    }
}
