//! What is being written to whom. The engine keeps it for the next run, after a pause in typing.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use leptos::prelude::*;
use sotto_engine::{Command, ContactId};

use super::Client;

/// How long nothing is typed before what is written is kept.
const PAUSE: Duration = Duration::from_secs(1);

/// What is being written, by contact.
#[derive(Clone, Copy, Default)]
pub struct Drafts {
    texts: RwSignal<BTreeMap<ContactId, String>>,
    /// Changed since the engine was told.
    changed: StoredValue<BTreeSet<ContactId>>,
    pause: StoredValue<Option<TimeoutHandle>>,
}

impl Drafts {
    /// What earlier runs had kept.
    pub fn restore(&self, kept: BTreeMap<ContactId, String>) {
        self.texts.set(kept);
    }

    /// What is being written to a contact. Tracked.
    pub fn text(&self, contact: ContactId) -> String {
        self.texts.with(|texts| texts.get(&contact).cloned().unwrap_or_default())
    }

    /// Whether nothing but white space is. Tracked.
    pub fn is_empty(&self, contact: ContactId) -> bool {
        self.texts.with(|texts| texts.get(&contact).is_none_or(|text| text.trim().is_empty()))
    }

    /// This is written now.
    pub fn write(&self, client: Client, contact: ContactId, text: String) {
        self.texts.update(|texts| {
            texts.insert(contact, text);
        });
        self.changed.update_value(|changed| {
            changed.insert(contact);
        });
        let this = *self;
        let next = set_timeout_with_handle(move || this.keep(client), PAUSE).ok();
        if let Some(last) = self.pause.try_update_value(|pause| core::mem::replace(pause, next)).flatten() {
            last.clear();
        }
    }

    /// Takes what is written, to send it: the engine forgets it with that.
    pub fn take(&self, contact: ContactId) -> String {
        self.forget(contact);
        self.texts.try_update(|texts| texts.remove(&contact)).flatten().unwrap_or_default()
    }

    /// It could not be sent. What was written since stands below it.
    pub fn give_back(&self, client: Client, contact: ContactId, mut text: String) {
        let since = self.texts.with_untracked(|texts| texts.get(&contact).cloned().unwrap_or_default());
        if !since.trim().is_empty() {
            text.push('\n');
            text.push_str(&since);
        }
        self.write(client, contact, text);
    }

    /// The contact is gone.
    pub fn remove(&self, contact: ContactId) {
        self.forget(contact);
        self.texts.update(|texts| {
            texts.remove(&contact);
        });
    }

    /// Has the engine keep what has changed, now.
    pub fn keep(&self, client: Client) {
        for contact in self.changed.try_update_value(core::mem::take).unwrap_or_default() {
            let text = self.texts.with_untracked(|texts| texts.get(&contact).cloned().unwrap_or_default());
            client.send(Command::KeepDraft { contact, text });
        }
    }

    fn forget(&self, contact: ContactId) {
        self.changed.update_value(|changed| {
            changed.remove(&contact);
        });
    }
}
