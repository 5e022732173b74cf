//! What the page holds: the running client.

use std::rc::{Rc, Weak};

use futures_channel::oneshot;
use sotto_crypto::vault::Role;
use sotto_engine::{Client, Command, Config, ContactId, Event, FileId, Input, RestoreError};

use crate::{
    PassphraseError, PickedFile,
    download::{self, Target},
    driver::{Driver, Parts},
    inbox::{Item, Outbox, Save, queue},
    js, passphrase, site,
    storage::{
        ChangeError, DATABASE, DECOY_DATABASE, Database, Keyring, SealedRecords, StorageError, Unlocked,
    },
    surroundings,
    tab_lock::{self, LockError, TabLock},
    transfer::WorkerHandle,
};

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
    /// A tab with an older page holds the database, which is to be migrated.
    #[error("an older version is open in another tab")]
    OlderTab,
    /// There is no room for the smallest record.
    #[error("this device has no room left")]
    StorageFull,
    /// What is stored cannot be read: damaged, or its key is gone.
    #[error("the stored data is damaged")]
    StorageDamaged,
    /// It takes a passphrase: start with [`Sotto::unlock`].
    #[error("locked by a passphrase")]
    Locked,
    /// The passphrase did not open anything.
    #[error(transparent)]
    Passphrase(PassphraseError),
    /// What is stored was written by a newer version of Sotto: reload to get it.
    #[error("the stored data was written by a newer version")]
    NewerVersion,
    /// The browser lacks something that cannot be done without; its name.
    #[error("this browser lacks {0}")]
    Unsupported(&'static str),
}

/// Something the page should know.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "nearly all are the engine's, and one lives at a time")]
pub enum DriverEvent {
    /// The engine has something for the screen.
    Engine(Event),
    /// Another tab took over; this client has stopped.
    TakenOver,
    /// The client has stopped; nothing more will be sent or stored. Reloading helps or says why not.
    Stopped(StopReason),
    /// There is no room in the storage: nothing is stored, sent or shown before there is, and then it goes on by itself. Or
    /// it does so now.
    StorageFull(bool),
    /// A file is being moved now, or none any more: leaving the page would interrupt it.
    TransferActive(bool),
}

/// Why a client stopped by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// Storing failed; what depended on it was not sent.
    StorageFailed,
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
    /// Used by received files, as far as the browser tells.
    pub files: Option<u64>,
    /// Whether the browser promised not to evict it.
    pub persisted: bool,
    /// Whether this looks like a private window, whose storage ends with it. Not every browser can be told from.
    pub private: bool,
}

/// The running client; cheap to clone. It stops when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Sotto {
    inner: Rc<Inner>,
}

#[derive(Debug)]
struct Inner {
    outbox: Outbox,
    keyring: Unlocked,
    /// The driver's; gone when it has stopped.
    worker: Weak<WorkerHandle>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // It may have stopped by itself.
        let _ = self.outbox.put(Item::Stop(None));
    }
}

impl Sotto {
    /// Gets the lock that only one tab can hold, opens the storage, restores the engine and lets it run. `on_event`
    /// gets everything the screen needs, in order; it is never called before this returns.
    ///
    /// # Errors
    /// [`StartError`], each to be shown as a page with a next step; nothing was changed. [`StartError::Locked`] when a
    /// passphrase is set.
    pub async fn start(
        options: Options,
        on_event: impl Fn(DriverEvent) + 'static,
    ) -> Result<Self, StartError> {
        Self::begin(options, None, on_event).await
    }

    /// Starts with the vault that a passphrase opens; see [`Sotto::start`]. Without a passphrase set, any will do.
    ///
    /// # Errors
    /// [`StartError`]; [`StartError::Passphrase`] when it opens nothing.
    pub async fn unlock(
        options: Options,
        passphrase: &str,
        on_event: impl Fn(DriverEvent) + 'static,
    ) -> Result<Self, StartError> {
        Self::begin(options, Some(passphrase), on_event).await
    }

    async fn begin(
        options: Options,
        passphrase: Option<&str>,
        on_event: impl Fn(DriverEvent) + 'static,
    ) -> Result<Self, StartError> {
        let location = web_sys::window().ok_or(StartError::Unsupported("a window"))?.location();
        let origin = location.origin().map_err(|_| StartError::Unsupported("an origin"))?;
        let (lock, claims) = TabLock::acquire(tab_lock::NAME, options.take_over).await?;
        let database = Rc::new(Database::open(DATABASE).await?);
        let (outbox, inbox) = queue();
        let (keyring, worker) = match (Keyring::open(&database).await?, passphrase) {
            (Keyring::Open(keyring), _) => (keyring, None),
            (Keyring::Locked(_), None) => return Err(StartError::Locked),
            (Keyring::Locked(locked), Some(typed)) => {
                let worker = WorkerHandle::start(&options.worker_url, &outbox);
                let key = worker.stretch(locked.stretch(), typed).await.map_err(StartError::Passphrase)?;
                let keyring = locked.unlock(&key).map_err(ChangeError::from);
                (keyring.map_err(|error| StartError::Passphrase(error.into()))?, Some(worker))
            }
        };
        let database = match keyring.role() {
            Role::Main => database,
            Role::Decoy => Rc::new(Database::open(DECOY_DATABASE).await?),
        };
        let records = keyring.look(|table| SealedRecords::new(database, table.vault())).await;
        let config = Config { origin: origin.clone(), webrtc: surroundings::has_webrtc() };
        let loaded = records.load().await?;
        let client = Client::restore(loaded, config, js::now(), &mut js::rng())?;
        let worker = worker.unwrap_or_else(|| WorkerHandle::start(&options.worker_url, &outbox));
        let worker = Rc::new(worker);
        // Nobody takes from the queue yet, so this is what the engine hears first.
        let _ = outbox.put(Item::Input(Input::Online(surroundings::is_online())));
        let driver = Driver::new(Parts {
            client,
            records,
            inbox,
            outbox: outbox.clone(),
            on_event: Box::new(on_event),
            socket_url: format!("{}/v1/socket", origin.replacen("http", "ws", 1)),
            worker: Rc::clone(&worker),
            lock,
            claims,
        });
        wasm_bindgen_futures::spawn_local(driver.run());
        Ok(Self { inner: Rc::new(Inner { outbox, keyring, worker: Rc::downgrade(&worker) }) })
    }

    /// Gives the engine a command.
    pub fn send(&self, command: Command) {
        self.inner.outbox.command(command);
    }

    /// Offers picked files to a contact, in this order.
    pub fn offer_files(&self, contact: ContactId, files: Vec<PickedFile>) {
        // A stopped client has said so.
        let _ = self.inner.outbox.put(Item::OfferFiles(contact, files));
    }

    /// Saves a verified file: where the browser has a save picker, to where the user says, else as a download. To
    /// be called in a user gesture, before anything is awaited.
    ///
    /// # Errors
    /// [`SaveError`]; the received file stays as it was.
    pub async fn save_file(
        &self,
        contact: ContactId,
        file: FileId,
        name: &str,
    ) -> Result<SaveOutcome, SaveError> {
        let target = match download::pick(name).await {
            Target::Picked(handle) => Some(handle),
            Target::NoPicker => None,
            Target::Dismissed => return Ok(SaveOutcome::DismissedByUser),
        };
        let (answer, answered) = oneshot::channel();
        let save = Save { contact, file, name: name.to_owned(), target, answer };
        if !self.inner.outbox.put(Item::Save(save)) {
            return Err(SaveError::Stopped);
        }
        answered.await.unwrap_or(Err(SaveError::Stopped))
    }

    /// Which vault is open: the decoy's when the duress passphrase was given.
    #[must_use]
    pub fn vault(&self) -> Role {
        self.inner.keyring.role()
    }

    /// Whether the vault is locked by a passphrase at the next start.
    pub async fn has_passphrase(&self) -> bool {
        self.inner.keyring.look(|table| table.table().stretch().is_some()).await
    }

    /// Sets or changes the passphrase of the vault that is open.
    ///
    /// # Errors
    /// [`PassphraseError`]; nothing was changed.
    pub async fn set_passphrase(&self, typed: &str) -> Result<(), PassphraseError> {
        let worker = self.inner.worker.upgrade().ok_or(PassphraseError::Stopped)?;
        passphrase::set(&self.inner.keyring, &worker, typed).await
    }

    /// Takes all passphrases away, and the decoy with its own.
    ///
    /// # Errors
    /// [`PassphraseError`]; the passphrases are as before.
    pub async fn remove_passphrases(&self) -> Result<(), PassphraseError> {
        passphrase::remove(&self.inner.keyring).await
    }

    /// Sets or changes the duress passphrase, which opens a new, empty decoy in place of this vault.
    ///
    /// # Errors
    /// [`PassphraseError`]; the passphrases are as before.
    pub async fn set_duress(&self, typed: &str) -> Result<(), PassphraseError> {
        let worker = self.inner.worker.upgrade().ok_or(PassphraseError::Stopped)?;
        passphrase::set_duress(&self.inner.keyring, &worker, typed).await
    }

    /// Takes the duress passphrase away, and the decoy with it.
    ///
    /// # Errors
    /// [`PassphraseError`]; the passphrases are as before.
    pub async fn remove_duress(&self) -> Result<(), PassphraseError> {
        passphrase::remove_duress(&self.inner.keyring).await
    }

    /// There may be room again: what waits for it is stored now rather than soon.
    pub fn store_again(&self) {
        // A stopped client has said so.
        let _ = self.inner.outbox.put(Item::StoreAgain);
    }

    /// How much room there is; `None` where the browser does not say.
    pub async fn storage(&self) -> Option<StorageEstimate> {
        site::estimate().await
    }

    /// Asks the browser not to evict this site's data; whether it promised.
    pub async fn ask_to_persist(&self) -> bool {
        site::persist().await
    }

    /// Stops the client and deletes every key, record, file and cache of this site. The page is to be reloaded.
    ///
    /// # Errors
    /// [`WipeError`] when something could not be deleted.
    pub async fn wipe(self) -> Result<(), WipeError> {
        let (stopped, has_stopped) = oneshot::channel();
        if self.inner.outbox.put(Item::Stop(Some(stopped))) {
            // It answers when everything is closed; a driver that is gone already has closed everything too.
            let _ = has_stopped.await;
        }
        site::wipe().await
    }
}

/// Deletes every key, record, file and cache of this site where no client can be started. The page is to be reloaded.
///
/// # Errors
/// [`StartError::OtherTab`] while another tab runs the client; nothing was deleted.
pub async fn wipe() -> Result<Result<(), WipeError>, StartError> {
    let (_lock, _claims) = TabLock::acquire(tab_lock::NAME, false).await?;
    Ok(site::wipe().await)
}

impl From<LockError> for StartError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Held => Self::OtherTab,
            LockError::Unsupported => Self::Unsupported("Web Locks"),
        }
    }
}

impl From<StorageError> for StartError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Full => Self::StorageFull,
            StorageError::Blocked => Self::OlderTab,
            StorageError::Superseded => Self::OtherTab,
            StorageError::Newer => Self::NewerVersion,
            StorageError::Damaged => Self::StorageDamaged,
            StorageError::Denied | StorageError::Gone | StorageError::Failed => Self::StorageDenied,
        }
    }
}

impl From<RestoreError> for StartError {
    fn from(error: RestoreError) -> Self {
        match error {
            RestoreError::Newer(_) => Self::NewerVersion,
            RestoreError::Damaged(_) => Self::StorageDamaged,
        }
    }
}
