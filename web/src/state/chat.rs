//! The conversation on the screen. Only one is held at a time; histories stay in storage.

use std::collections::BTreeMap;

use leptos::prelude::*;
use reactive_stores::{ArcStore, Store};
use sotto_engine::{Command, ContactId, Content, Delivery, MessageId, MessageOrder, MessageView, Timestamp};

use crate::logic::timeline::{Entry, Kind};

/// Messages asked for at once.
pub const PAGE: u32 = 50;

/// A message; components read its fields one by one.
#[derive(Clone, Debug, Store)]
pub struct Message {
    pub id: MessageId,
    pub mine: bool,
    pub sent_at: Timestamp,
    pub content: Content,
    pub delivery: Delivery,
}

impl From<MessageView> for Message {
    fn from(view: MessageView) -> Self {
        let MessageView { id, mine, sent_at, content, delivery, .. } = view;
        Self { id, mine, sent_at, content, delivery }
    }
}

#[derive(Clone)]
struct Row {
    entry: Entry,
    message: ArcStore<Message>,
}

/// The conversation on the screen.
#[derive(Clone, Copy)]
pub struct Chat {
    contact: RwSignal<Option<ContactId>>,
    rows: RwSignal<BTreeMap<MessageOrder, Row>>,
    /// Older messages exist in storage.
    pub more: RwSignal<bool>,
    /// A page of history was asked for.
    pub loading: RwSignal<bool>,
    /// The first page is there.
    pub loaded: RwSignal<bool>,
    /// What comes after this was not seen before.
    pub seen: RwSignal<Option<MessageOrder>>,
    /// Messages that came while the reader was elsewhere in the history.
    pub missed: RwSignal<u32>,
    /// Counts up when the reader is to be brought to the end.
    pub followed: RwSignal<u32>,
    /// What came or changed while a page was being read, which may have been read before.
    meanwhile: StoredValue<BTreeMap<MessageOrder, MessageView>>,
    fresh: StoredValue<bool>,
    /// The reader is at the end, and the page is seen.
    pub watching: RwSignal<bool>,
}

impl Chat {
    /// No conversation.
    pub fn new() -> Self {
        Self {
            contact: RwSignal::new(None),
            rows: RwSignal::default(),
            more: RwSignal::new(false),
            loading: RwSignal::new(false),
            loaded: RwSignal::new(false),
            seen: RwSignal::new(None),
            missed: RwSignal::new(0),
            followed: RwSignal::new(0),
            meanwhile: StoredValue::default(),
            fresh: StoredValue::new(false),
            watching: RwSignal::new(false),
        }
    }

    /// Puts a conversation on the screen; the command reads its newest page. `unread_after` is the newest message
    /// seen, where something was not.
    pub fn open(&self, contact: ContactId, unread_after: Option<MessageOrder>) -> Command {
        self.rows.update(BTreeMap::clear);
        self.meanwhile.update_value(BTreeMap::clear);
        self.contact.set(Some(contact));
        self.more.set(false);
        self.loaded.set(false);
        self.loading.set(true);
        self.missed.set(0);
        self.seen.set(unread_after);
        Command::LoadHistory { contact, before: None, limit: PAGE }
    }

    /// Brings the reader to the end: something of one's own is about to stand there.
    pub fn follow(&self) {
        self.followed.update(|count| *count = count.wrapping_add(1));
    }

    /// The next conversation is opened in order to write.
    pub fn make_fresh(&self) {
        self.fresh.set_value(true);
    }

    /// Whether this one was; once.
    pub fn is_fresh(&self) -> bool {
        self.fresh.try_update_value(core::mem::take).unwrap_or_default()
    }

    /// Takes the conversation off the screen.
    pub fn close(&self) {
        self.contact.set(None);
        self.rows.update(BTreeMap::clear);
        self.watching.set(false);
    }

    /// Whether it is this one.
    pub fn shows(&self, contact: ContactId) -> bool {
        self.contact.get_untracked() == Some(contact)
    }

    /// Asks for the page before the oldest message here, if there is one and nothing was asked for yet.
    pub fn older(&self) -> Option<Command> {
        if !self.more.get_untracked() || self.loading.get_untracked() {
            return None;
        }
        let contact = self.contact.get_untracked()?;
        let before = self.rows.with_untracked(|rows| rows.keys().next().copied());
        self.loading.set(true);
        Some(Command::LoadHistory { contact, before, limit: PAGE })
    }

    /// Takes a page of history in.
    pub fn add_page(&self, contact: ContactId, messages: Vec<MessageView>, more: bool) {
        if !self.shows(contact) {
            return;
        }
        let first = messages.first().map(|view| view.order);
        let mut page: BTreeMap<_, _> = messages.into_iter().map(|view| (view.order, view)).collect();
        let meanwhile = self.meanwhile.try_update_value(core::mem::take).unwrap_or_default();
        page.extend(
            meanwhile.into_iter().filter(|(order, _)| !more || first.is_some_and(|first| *order >= first)),
        );
        let fresh: Vec<_> = page.into_values().filter_map(|view| self.patch(view)).collect();
        self.rows.update(|rows| rows.extend(fresh.into_iter().map(row)));
        self.more.set(more);
        self.loading.set(false);
        self.loaded.set(true);
    }

    /// Takes a new or changed message in.
    pub fn put(&self, contact: ContactId, view: MessageView) {
        if !self.shows(contact) {
            return;
        }
        if self.loading.get_untracked() {
            self.meanwhile.update_value(|meanwhile| {
                meanwhile.insert(view.order, view.clone());
            });
        }
        if !self.loaded.get_untracked() {
            return;
        }
        let Some(view) = self.patch(view) else { return };
        // One that belongs before what is loaded comes with its page.
        let older =
            self.rows.with_untracked(|rows| rows.keys().next().is_some_and(|first| view.order < *first));
        if older && self.more.get_untracked() {
            return;
        }
        if view.mine {
            self.seen.set(None);
        } else if !self.watching.get_untracked() {
            self.missed.update(|missed| *missed = missed.saturating_add(1));
            if self.seen.with_untracked(Option::is_none) {
                self.seen.set(self.newest());
            }
        }
        self.rows.update(|rows| rows.extend([row(view)]));
    }

    /// The newest message here. Not tracked.
    pub fn newest(&self) -> Option<MessageOrder> {
        self.rows.with_untracked(|rows| rows.keys().next_back().copied())
    }

    /// What the layout needs, in order. Tracked: changes when messages come, not when they change.
    pub fn entries(&self) -> Vec<Entry> {
        self.rows.with(|rows| rows.values().map(|row| row.entry).collect())
    }

    /// A message, whose fields can then be tracked.
    pub fn message(&self, order: MessageOrder) -> Option<ArcStore<Message>> {
        self.rows.with_untracked(|rows| rows.get(&order).map(|row| row.message.clone()))
    }

    /// Patches a known message; hands an unknown one back.
    fn patch(&self, view: MessageView) -> Option<MessageView> {
        let Some(known) = self.message(view.order) else { return Some(view) };
        let old = known.get_untracked();
        if old.delivery != view.delivery {
            known.clone().delivery().set(view.delivery);
        }
        if old.content != view.content {
            let kind = kind(&view.content);
            if kind != self::kind(&old.content) {
                self.rows.update(|rows| {
                    if let Some(row) = rows.get_mut(&view.order) {
                        row.entry.kind = kind;
                    }
                });
            }
            known.content().set(view.content);
        }
        None
    }
}

fn row(view: MessageView) -> (MessageOrder, Row) {
    let entry = Entry {
        id: view.id,
        order: view.order,
        mine: view.mine,
        sent_at: view.sent_at,
        kind: kind(&view.content),
    };
    (view.order, Row { entry, message: ArcStore::new(Message::from(view)) })
}

fn kind(content: &Content) -> Kind {
    match content {
        Content::Text(_) | Content::File(_) => Kind::Bubble,
        Content::Gap { missing: 0 } => Kind::Hidden,
        Content::Gap { .. } | Content::Milestone(_) | Content::Unreadable => Kind::Line,
    }
}
