//! The room there is for storing, and what could not be stored yet.

use leptos::{prelude::*, task::spawn_local};
use sotto_browser::StorageEstimate;
use sotto_engine::ContactId;

use super::Client;
use crate::logic::room;

/// How the storage stands.
#[derive(Clone, Copy, Default)]
pub struct Room {
    /// The storage is full: what happens waits until it is not.
    pub full: RwSignal<bool>,
    /// How many bytes are left, if they are few.
    pub little: RwSignal<Option<u64>>,
    /// Texts that were sent and are not in a conversation yet, oldest first.
    unstored: RwSignal<Vec<(ContactId, String)>>,
}

impl Room {
    /// Looks how much is left: at the start, and after what makes it less or more.
    pub fn look(&self, client: Client) {
        let this = *self;
        spawn_local(async move {
            let Some(sotto) = client.get() else { return };
            let little = sotto.storage().await.and_then(room::little);
            if this.little.try_get_untracked().is_some_and(|known| known != little) {
                this.little.try_set(little);
            }
        });
    }

    /// The storage is full, or is not any more.
    pub fn is_full(&self, client: Client, full: bool) {
        self.full.set(full);
        self.look(client);
    }

    /// A text is on its way into a conversation.
    pub fn sent(&self, contact: ContactId, text: &str) {
        self.unstored.update(|unstored| unstored.push((contact, text.trim().to_owned())));
    }

    /// It is there, or came back.
    pub fn settled(&self, contact: ContactId, text: &str) {
        let is_it = |(to, waits): &(ContactId, String)| *to == contact && waits == text.trim();
        if let Some(place) = self.unstored.with_untracked(|unstored| unstored.iter().position(is_it)) {
            self.unstored.update(|unstored| drop(unstored.remove(place)));
        }
    }

    /// What was sent to a contact while the storage is full. Tracked.
    pub fn unstored(&self, contact: ContactId) -> Vec<String> {
        if !self.full.get() {
            return Vec::new();
        }
        self.unstored.with(|unstored| {
            unstored.iter().filter(|(to, _)| *to == contact).map(|(_, text)| text.clone()).collect()
        })
    }

    /// Whether a file of this size fits, or by how many bytes it does not.
    pub async fn lacks(client: Client, size: u64) -> Option<u64> {
        let estimate: Option<StorageEstimate> = client.get()?.storage().await;
        room::lacks(estimate?, size)
    }
}
