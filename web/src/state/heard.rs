//! What came in, for those who listen to the screen: each message once, never history.

use std::collections::BTreeMap;

use leptos::prelude::*;
use sotto_engine::{ContactId, MessageOrder};

/// What somebody said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A text.
    Text(String),
    /// A file of this name was offered.
    File(String),
}

/// The newest message of each contact, and what is to be spoken.
#[derive(Clone, Copy)]
pub struct Heard {
    newest: StoredValue<BTreeMap<ContactId, MessageOrder>>,
    spoken: RwSignal<Option<(u32, ContactId, Said)>>,
}

impl Default for Heard {
    fn default() -> Self {
        Self { newest: StoredValue::default(), spoken: RwSignal::new(None) }
    }
}

impl Heard {
    /// Whether this is newer than all before; remembers it.
    pub fn is_new(&self, contact: ContactId, order: MessageOrder) -> bool {
        self.newest
            .try_update_value(|newest| {
                let new = newest.get(&contact).is_none_or(|known| order > *known);
                if new {
                    newest.insert(contact, order);
                }
                new
            })
            .unwrap_or_default()
    }

    /// Has it spoken.
    pub fn announce(&self, contact: ContactId, said: Said) {
        self.spoken.update(|spoken| {
            let number = spoken.as_ref().map_or(0, |(number, ..)| number.wrapping_add(1));
            *spoken = Some((number, contact, said));
        });
    }

    /// What is to be spoken, and its number. Tracked.
    pub fn spoken(&self) -> Option<(u32, ContactId, Said)> {
        self.spoken.get()
    }
}
