//! Records that could not be read: what was in them, as far as their keys tell, and whom it concerns.

use std::collections::BTreeSet;

use minicbor::{Decode, Encode};

use crate::{ContactId, policy};

/// What was in records that could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum DamagedPart {
    /// All about a contact but the history: both have to meet anew.
    #[n(0)]
    Contact,
    /// A session with a contact: another is begun by itself.
    #[n(1)]
    Session,
    /// A message that was not acknowledged yet: whether it arrived is not known.
    #[n(2)]
    Waiting,
    /// What was being written.
    #[n(3)]
    Draft,
    /// A link, made here or being used.
    #[n(4)]
    Link,
    /// A file that was offered, on its way or kept.
    #[n(5)]
    File,
    /// Keys of this device, which are made anew.
    #[n(6)]
    Keys,
    /// What was noted of what came or has ended.
    #[n(7)]
    Notes,
}

/// Records of one kind that could not be read and were set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Damage {
    /// What was in them.
    #[n(0)]
    pub part: DamagedPart,
    /// Whom they concern, where their keys tell.
    #[n(1)]
    pub contact: Option<ContactId>,
    /// How many there were.
    #[n(2)]
    pub count: u32,
}

/// What is remembered of damage: one record.
#[derive(Debug, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Damages {
    /// What the user has not been told of yet, or not taken note of.
    #[n(0)]
    pub(crate) untold: Vec<Damage>,
    /// Contacts whose record is gone while their history is kept.
    #[n(1)]
    lost: BTreeSet<ContactId>,
}

impl Damages {
    /// Remembers one more record.
    pub(crate) fn add(&mut self, part: DamagedPart, contact: Option<ContactId>) {
        let has_room = self.untold.len() < policy::DAMAGES_MAX;
        let known = self.untold.iter_mut().find(|damage| damage.part == part && damage.contact == contact);
        match known {
            Some(damage) => damage.count = damage.count.saturating_add(1),
            None if has_room => self.untold.push(Damage { part, contact, count: 1 }),
            None => {}
        }
    }

    /// Remembers that a contact was lost.
    pub(crate) fn lose(&mut self, contact: ContactId) {
        if self.lost.len() < policy::CONTACTS_MAX {
            self.lost.insert(contact);
        }
        self.add(DamagedPart::Contact, Some(contact));
    }

    /// Whether a contact was lost and not met since.
    pub(crate) fn has_lost(&self, contact: ContactId) -> bool {
        self.lost.contains(&contact)
    }

    /// The contact was met anew, or is not wanted any more. Whether it was lost.
    pub(crate) fn found(&mut self, contact: ContactId) -> bool {
        self.lost.remove(&contact)
    }
}
