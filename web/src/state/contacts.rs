//! Everybody one talks to.

use std::collections::BTreeMap;

use leptos::prelude::*;
use reactive_stores::{ArcStore, Store};
use sotto_engine::{
    ContactId, ContactView, Devices, InviteId, LinkPath, MessageOrder, MessageView, Route, Standing,
};

/// A contact; components read its fields one by one.
#[derive(Clone, Debug, Store)]
pub struct Contact {
    pub id: ContactId,
    pub name: String,
    pub standing: Standing,
    pub verified: bool,
    pub route: Route,
    /// How, while that is over a data channel.
    pub path: Option<LinkPath>,
    pub last: Option<MessageView>,
    pub unread: u32,
    pub read_up_to: Option<MessageOrder>,
    /// The server refuses what is written to it.
    pub refused: bool,
    /// What is known of its devices.
    pub devices: Devices,
    /// The invite of ours by which it came last.
    pub came_by: Option<InviteId>,
}

impl From<ContactView> for Contact {
    fn from(view: ContactView) -> Self {
        let ContactView {
            id,
            name,
            standing,
            verified,
            route,
            path,
            last,
            unread,
            read_up_to,
            refused,
            devices,
            came_by,
        } = view;
        Self {
            id,
            name,
            standing,
            verified,
            route,
            path,
            last,
            unread,
            read_up_to,
            refused,
            devices,
            came_by,
        }
    }
}

/// All contacts by id, and their order in the list.
#[derive(Clone, Copy, Default)]
pub struct Contacts {
    by_id: StoredValue<BTreeMap<ContactId, ArcStore<Contact>>>,
    order: RwSignal<Vec<ContactId>>,
}

impl Contacts {
    /// In the order of the list: whoever wrote last comes first. Tracked.
    pub fn order(&self) -> Vec<ContactId> {
        self.order.get()
    }

    /// Whether there is anybody. Tracked.
    pub fn is_empty(&self) -> bool {
        self.order.with(Vec::is_empty)
    }

    /// The contact, whose fields can then be tracked. Not tracked itself: whoever must know of its end reads
    /// [`Contacts::order`].
    pub fn get(&self, id: ContactId) -> Option<ArcStore<Contact>> {
        self.by_id.try_with_value(|all| all.get(&id).cloned()).flatten()
    }

    /// Its name now. Tracked.
    pub fn name(&self, id: ContactId) -> String {
        self.order.track();
        self.get(id).map(|contact| contact.name().get()).unwrap_or_default()
    }

    /// All unread messages. Tracked.
    pub fn unread(&self) -> u32 {
        self.order.get().into_iter().filter_map(|id| self.get(id)).map(|contact| contact.unread().get()).sum()
    }

    /// The invites of ours by which they came. Tracked.
    pub fn came_by(&self) -> Vec<InviteId> {
        self.order.get().into_iter().filter_map(|id| self.get(id)?.came_by().get()).collect()
    }

    /// How many have a smaller id.
    pub fn rank(&self, id: ContactId) -> Option<u16> {
        self.by_id.with_value(|all| all.contains_key(&id).then(|| all.range(..id).count()))?.try_into().ok()
    }

    /// The one with so many smaller ids.
    pub fn at_rank(&self, rank: u16) -> Option<ContactId> {
        self.by_id.with_value(|all| all.keys().nth(usize::from(rank)).copied())
    }

    /// Takes a new or changed contact in; whether it is new.
    pub fn put(&self, view: ContactView) -> bool {
        let id = view.id;
        let known = self.get(id);
        let new = known.is_none();
        match known {
            Some(contact) => patch(&contact, view),
            None => self.by_id.update_value(|all| {
                all.insert(id, ArcStore::new(Contact::from(view)));
            }),
        }
        self.sort();
        new
    }

    /// Forgets a contact.
    pub fn remove(&self, id: ContactId) {
        // The order first: the row is gone before what it shows.
        self.order.update(|order| order.retain(|other| *other != id));
        self.by_id.update_value(|all| {
            all.remove(&id);
        });
    }

    fn sort(&self) {
        let mut order: Vec<_> = self.by_id.with_value(|all| {
            all.iter()
                .map(|(id, contact)| {
                    (contact.clone().last().with_untracked(|last| last.as_ref().map(|m| m.sent_at)), *id)
                })
                .collect()
        });
        // Nothing said yet is the newest of all.
        order.sort_by_key(|(at, id)| (at.is_some(), core::cmp::Reverse(*at), *id));
        let order: Vec<_> = order.into_iter().map(|(_, id)| id).collect();
        if self.order.with_untracked(|old| *old != order) {
            self.order.set(order);
        }
    }
}

/// Touches only the fields that differ, so that only what shows them changes.
fn patch(contact: &ArcStore<Contact>, view: ContactView) {
    let old = contact.get_untracked();
    let contact = || contact.clone();
    if old.name != view.name {
        contact().name().set(view.name);
    }
    if old.standing != view.standing {
        contact().standing().set(view.standing);
    }
    if old.verified != view.verified {
        contact().verified().set(view.verified);
    }
    if old.route != view.route {
        contact().route().set(view.route);
    }
    if old.path != view.path {
        contact().path().set(view.path);
    }
    if old.last != view.last {
        contact().last().set(view.last);
    }
    if old.unread != view.unread {
        contact().unread().set(view.unread);
    }
    if old.read_up_to != view.read_up_to {
        contact().read_up_to().set(view.read_up_to);
    }
    if old.refused != view.refused {
        contact().refused().set(view.refused);
    }
    if old.devices != view.devices {
        contact().devices().set(view.devices);
    }
    if old.came_by != view.came_by {
        contact().came_by().set(view.came_by);
    }
}
