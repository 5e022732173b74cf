//! Files on their way: how far, how fast.

use std::collections::BTreeMap;

use leptos::prelude::*;
use sotto_engine::{Content, FileId, FileState, FileView, MessageView, Timestamp};

use crate::logic::rate::Meter;

/// How far one file is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Bytes on the receiver's disk.
    pub done: u64,
    /// Speed and time left.
    pub meter: Meter,
}

/// All files on their way.
#[derive(Clone, Copy, Default)]
pub struct Transfers {
    progress: StoredValue<BTreeMap<FileId, ArcRwSignal<Progress>>>,
    /// Those on their way now, in the order they began.
    active: RwSignal<Vec<FileView>>,
    /// How fast the last one went, in bytes a second.
    last_speed: RwSignal<Option<u64>>,
}

impl Transfers {
    /// How far a file is; starts at nothing.
    pub fn progress(&self, file: FileId) -> ArcRwSignal<Progress> {
        let known = self.progress.with_value(|all| all.get(&file).cloned());
        known.unwrap_or_else(|| {
            let fresh = ArcRwSignal::new(Progress::default());
            self.progress.update_value(|all| {
                all.insert(file, fresh.clone());
            });
            fresh
        })
    }

    /// The first file on its way and its percentage, for the page's title. Tracked.
    pub fn headline(&self) -> Option<(String, u64)> {
        let file = self.active.with(|active| active.first().cloned())?;
        let done = self.progress(file.id).with(|progress| progress.done);
        Some((file.name, crate::logic::bytes::percent(done, file.size)))
    }

    /// Whether any file is on its way. Tracked.
    pub fn any(&self) -> bool {
        self.active.with(|active| !active.is_empty())
    }

    /// How fast the last file went, or goes. Tracked.
    pub fn last_speed(&self) -> Option<u64> {
        self.last_speed.get()
    }

    /// A file got so far.
    pub fn record(&self, file: FileId, done: u64, now: Timestamp) {
        self.progress(file).update(|progress| {
            progress.done = done;
            progress.meter.record(now.0, done);
            if let Some(speed) = progress.meter.speed() {
                self.last_speed.set(Some(speed));
            }
        });
    }

    /// Learns from a message that a file began or ended.
    pub fn learn(&self, message: &MessageView) {
        let Content::File(file) = &message.content else { return };
        let active = matches!(file.state, FileState::Transferring);
        let known = self.active.with_untracked(|all| all.iter().any(|other| other.id == file.id));
        if active && !known {
            self.active.update(|all| all.push(file.clone()));
        }
        if !active && known {
            self.active.update(|all| all.retain(|other| other.id != file.id));
        }
        if !active {
            self.progress.update_value(|all| {
                all.remove(&file.id);
            });
        }
    }
}
