//! What is said once, at the foot of the page.

use core::time::Duration;

use leptos::prelude::*;
use sotto_engine::{ContactId, Notice};

/// How long a notice stays.
const STAY: Duration = Duration::from_secs(8);
/// At most so many at once; older ones make room.
const MOST: usize = 3;

/// What is to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// Something the engine says.
    Engine(Notice),
    /// A request for a new link was copied.
    RequestCopied,
    /// A report was copied.
    ReportCopied,
    /// Files cannot be moved by this browser, or not as it is set.
    FilesNeedLink,
    /// The clipboard refused.
    CopyFailed,
    /// A file could not be saved.
    SaveFailed,
    /// A file does not fit: how many bytes it lacks.
    NoRoomFor(u64),
    /// Files cannot be sent to this contact now.
    NoFilesNow(ContactId),
    /// A folder was left out.
    FolderLeftOut,
    /// The browser did not promise to keep the data.
    PersistDenied,
    /// The link leads to somebody known, of this name.
    AlreadyContact(String),
}

/// What is being said now.
#[derive(Clone, Copy)]
pub struct Notices {
    shown: RwSignal<Vec<(u32, NoticeKind)>>,
    next: StoredValue<u32>,
}

impl Default for Notices {
    fn default() -> Self {
        Self { shown: RwSignal::default(), next: StoredValue::new(0) }
    }
}

impl Notices {
    /// All of them, oldest first. Tracked.
    pub fn all(&self) -> Vec<(u32, NoticeKind)> {
        self.shown.get()
    }

    /// Says something, for a while.
    pub fn say(&self, kind: NoticeKind) {
        let id = self.next.get_value();
        self.next.set_value(id.wrapping_add(1));
        self.shown.update(|shown| {
            shown.retain(|(_, other)| *other != kind);
            if shown.len() >= MOST {
                shown.remove(0);
            }
            shown.push((id, kind));
        });
        let this = *self;
        set_timeout(move || this.dismiss(id), STAY);
    }

    /// Takes one away.
    pub fn dismiss(&self, id: u32) {
        self.shown.try_update(|shown| shown.retain(|(other, _)| *other != id));
    }
}
