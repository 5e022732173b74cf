//! What is being written and not sent yet: kept for the next run, one record a contact.

use minicbor::{Decode, Encode};

use super::Client;
use crate::record::{self, put};
use crate::turn::Turn;
use crate::{Change, ContactId, Store, policy};

/// What the keys of drafts end with, after the contact.
const SUFFIX: &[u8] = b"draft";

/// What is being written to one contact.
#[derive(Encode, Decode)]
#[cbor(map)]
pub(super) struct Draft {
    #[n(0)]
    pub(super) text: String,
}

/// The contact in the key of a draft's record; `None` for other records of contacts.
pub(super) fn contact_of(key: &[u8]) -> Option<ContactId> {
    key.strip_suffix(SUFFIX)?.try_into().ok().map(ContactId)
}

pub(super) fn forget(id: ContactId, turn: &mut Turn<'_>) {
    turn.change(Change::Delete { store: Store::Contact, key: record::key(&[&id.0, SUFFIX]) });
}

impl Client {
    /// Nothing of it stays in memory: the screen has it.
    pub(super) fn keep_draft(&self, id: ContactId, text: &str, turn: &mut Turn<'_>) {
        if !self.contacts.contains_key(&id) {
            return;
        }
        let kept = text.get(..text.floor_char_boundary(policy::DRAFT_MAX)).unwrap_or_default();
        if kept.is_empty() {
            forget(id, turn);
        } else {
            let key = record::key(&[&id.0, SUFFIX]);
            turn.change(put(Store::Contact, key, &Draft { text: kept.to_owned() }));
        }
    }
}
