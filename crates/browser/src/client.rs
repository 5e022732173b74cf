//! What the page holds: the running client.

use std::rc::Rc;

use sotto_engine::{Command, ContactId, Event, FileId};

use crate::PickedFile;

/// How to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// The user pressed "Use here": stop the tab that runs the client now.
    pub take_over: bool,
    /// Address of the worker's script; see [`page::worker_url`](crate::page::worker_url).
    pub worker_url: String,
}

/// Why the client could not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// Another tab runs the client; start again with [`Options::take_over`] to use it here.
    #[error("Sotto is open in another tab")]
    OtherTab,
    /// The browser refuses to store anything, as some private modes do.
    #[error("the browser refuses to store data for this site")]
    StorageDenied,
    /// There is no room for the smallest record.
    #[error("this device has no room left")]
    StorageFull,
    /// What is stored cannot be read: damaged, or its key is gone.
    #[error("the stored data is damaged")]
    StorageDamaged,
    /// What is stored was written by a newer version of Sotto: reload to get it.
    #[error("the stored data was written by a newer version")]
    NewerVersion,
    /// The browser lacks something that cannot be done without; its name.
    #[error("this browser lacks {0}")]
    Unsupported(&'static str),
}

/// Something the page should know.
#[derive(Clone, Debug, PartialEq)]
pub enum DriverEvent {
    /// The engine has something for the screen.
    Engine(Event),
    /// Another tab took over; this client has stopped.
    TakenOver,
    /// The client has stopped; nothing more will be sent or stored. Reloading helps or says why not.
    Stopped(StopReason),
    /// A file is being moved now, or none any more: leaving the page would interrupt it.
    TransferActive(bool),
}

/// Why a client stopped by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// Storing failed; what depended on it was not sent.
    StorageFailed,
    /// Storing failed because there is no room; what depended on it was not sent.
    StorageFull,
    /// The browser took the storage away, for instance because site data was cleared.
    StorageGone,
}

/// How a save ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveOutcome {
    /// The file was written, or its download handed to the browser.
    Saved,
    /// The user closed the picker.
    DismissedByUser,
}

/// Why a file could not be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaveError {
    /// It is not on this device (any more).
    #[error("the file is not on this device")]
    Gone,
    /// There is no room for a second, plain copy.
    #[error("not enough room to save the file")]
    NoSpace,
    /// What is on disk does not open: it was altered.
    #[error("the stored file is damaged")]
    Damaged,
    /// Reading or writing was refused.
    #[error("the browser refused to write the file")]
    Refused,
    /// The client has stopped.
    #[error("the client has stopped")]
    Stopped,
}

/// Not everything could be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WipeError {
    /// The keys are gone, so nothing stored can be read, but other data of this site remains.
    #[error("the keys are deleted, but some encrypted data could not be removed")]
    Incomplete,
    /// Not even the keys could be deleted.
    #[error("the keys could not be deleted")]
    KeysRemain,
}

/// How much room there is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageEstimate {
    /// Used by this site.
    pub used: u64,
    /// Most the browser grants this site.
    pub quota: u64,
    /// Whether the browser promised not to evict it.
    pub persisted: bool,
}

/// The running client; cheap to clone. It stops when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Sotto {
    inner: Rc<Inner>,
}

#[derive(Debug)]
struct Inner {}

impl Sotto {
    /// Gets the lock that only one tab can hold, opens the storage, restores the engine and lets it run. `on_event`
    /// gets everything the screen needs, in order; it is never called before this returns.
    ///
    /// # Errors
    /// [`StartError`], each to be shown as a page with a next step; nothing was changed.
    pub async fn start(options: Options, on_event: impl Fn(DriverEvent) + 'static) -> Result<Self, StartError> {
        let _ = (options, on_event);
        Ok(Self { inner: Rc::new(Inner {}) })
    }

    /// Gives the engine a command.
    pub fn send(&self, command: Command) {
        let _ = (&self.inner, command);
    }

    /// Offers picked files to a contact, in this order.
    pub fn offer_files(&self, contact: ContactId, files: Vec<PickedFile>) {
        let _ = (contact, files);
    }

    /// Saves a verified file: where the browser has a save picker, to where the user says, else as a download. To
    /// be called in a user gesture, before anything is awaited.
    ///
    /// # Errors
    /// [`SaveError`]; the received file stays as it was.
    pub async fn save_file(&self, contact: ContactId, file: FileId, name: &str) -> Result<SaveOutcome, SaveError> {
        let _ = (contact, file, name);
        Err(SaveError::Gone)
    }

    /// How much room there is; `None` where the browser does not say.
    pub async fn storage(&self) -> Option<StorageEstimate> {
        None
    }

    /// Asks the browser not to evict this site's data; whether it promised.
    pub async fn ask_to_persist(&self) -> bool {
        false
    }

    /// Stops the client and deletes every key, record, file and cache of this site. The page is to be reloaded.
    ///
    /// # Errors
    /// [`WipeError`] when something could not be deleted.
    pub async fn wipe(self) -> Result<(), WipeError> {
        Ok(())
    }
}
