//! Files that wait for somebody to come by a link. They are held by this page only: a reload loses them.

use std::collections::{BTreeMap, VecDeque};

use leptos::prelude::*;
use sotto_browser::PickedFile;
use sotto_engine::InviteId;

/// Files, by the invite that leads to whom they are for.
#[derive(Clone, Copy)]
pub struct Held {
    /// For every link that was asked for and not made yet, in order.
    asked: StoredValue<VecDeque<Vec<PickedFile>>, LocalStorage>,
    files: RwSignal<BTreeMap<InviteId, Vec<PickedFile>>, LocalStorage>,
}

impl Default for Held {
    fn default() -> Self {
        Self { asked: StoredValue::new_local(VecDeque::new()), files: RwSignal::new_local(BTreeMap::new()) }
    }
}

impl Held {
    /// A link is asked for, to whose user these will be offered; mostly none.
    pub fn ask(&self, files: Vec<PickedFile>) {
        self.asked.update_value(|asked| asked.push_back(files));
    }

    /// The link that was asked for first was made, or refused: links are answered in order.
    pub fn answered(&self, made: Option<InviteId>) {
        let files = self.asked.try_update_value(VecDeque::pop_front).flatten().unwrap_or_default();
        if let Some(invite) = made {
            self.add(invite, files);
        }
    }

    /// Holds more.
    pub fn add(&self, invite: InviteId, files: Vec<PickedFile>) {
        if !files.is_empty() {
            self.files.update(|held| held.entry(invite).or_default().extend(files));
        }
    }

    /// Lets go of what is held for an invite.
    pub fn take(&self, invite: InviteId) -> Vec<PickedFile> {
        let held = self.files.with_untracked(|held| held.contains_key(&invite));
        let taken = if held { self.files.try_update(|held| held.remove(&invite)) } else { None };
        taken.flatten().unwrap_or_default()
    }

    /// The names of what is held for an invite. Tracked.
    pub fn names(&self, invite: InviteId) -> Vec<String> {
        self.files
            .with(|held| held.get(&invite).into_iter().flatten().map(|file| file.name.clone()).collect())
    }

    /// For which invites something is held. Tracked.
    pub fn invites(&self) -> Vec<InviteId> {
        self.files.with(|held| held.keys().copied().collect())
    }
}
