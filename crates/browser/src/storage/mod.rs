//! Records on this device: where they lie, and how they are sealed.

mod indexed_db;
mod keyring;
mod range;
mod sealed;
mod wrapping;

#[cfg(test)]
pub(crate) mod conformance;
#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod memory;

pub(crate) use indexed_db::{DECOY as DECOY_DATABASE, Database, NAME as DATABASE, delete as delete_database};
pub(crate) use keyring::{ChangeError, Keyring, Unlocked, wipe as wipe_keyring};
pub(crate) use range::KeyRange;
pub(crate) use sealed::SealedRecords;

use sotto_engine::Store;

/// Why storage did not do what was asked. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StorageError {
    /// The browser does not let this site store anything.
    #[error("storage is not allowed here")]
    Denied,
    /// There is no room.
    #[error("no room left")]
    Full,
    /// Another tab holds an older version of the database open.
    #[error("another tab holds the database")]
    Blocked,
    /// Written by a newer version of Sotto.
    #[error("written by a newer version")]
    Newer,
    /// What is stored does not open or does not fit together.
    #[error("what is stored is damaged")]
    Damaged,
    /// The browser closed the database, for instance because site data was cleared.
    #[error("the database was closed")]
    Gone,
    /// Another tab has opened the records for itself since.
    #[error("another tab owns the records")]
    Superseded,
    /// Anything else.
    #[error("storage failed")]
    Failed,
}

/// A record as it lies on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawRecord {
    pub(crate) key: Vec<u8>,
    pub(crate) value: Vec<u8>,
}

/// One change on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RawChange {
    /// Insert or replace.
    Put(Store, RawRecord),
    /// Delete; not an error when there is none.
    Delete(Store, Vec<u8>),
    /// Delete all whose keys begin with this.
    DeletePrefix(Store, Vec<u8>),
    /// Move it, as it is, to where nobody reads it; not an error when there is none.
    SetAside(Store, Vec<u8>),
    /// Delete what was set aside of all stores whose keys begin with this, which may be empty.
    ForgetAside(Vec<u8>),
}

/// Where sealed records lie: ordered stores of bytes under bytes.
pub(crate) trait RecordStore {
    /// Makes all changes durable, in their order, or none.
    async fn commit(&self, changes: Vec<RawChange>) -> Result<(), StorageError>;

    /// Reads a range in ascending order of keys; with a limit, the greatest keys of the range.
    async fn read(
        &self,
        store: Store,
        range: KeyRange,
        limit: Option<u32>,
    ) -> Result<Vec<RawRecord>, StorageError>;

    /// What was set aside of a store, in ascending order of keys.
    #[cfg(test)]
    async fn aside(&self, store: Store) -> Result<Vec<RawRecord>, StorageError>;
}

impl<S: RecordStore> RecordStore for std::rc::Rc<S> {
    async fn commit(&self, changes: Vec<RawChange>) -> Result<(), StorageError> {
        S::commit(self, changes).await
    }

    async fn read(
        &self,
        store: Store,
        range: KeyRange,
        limit: Option<u32>,
    ) -> Result<Vec<RawRecord>, StorageError> {
        S::read(self, store, range, limit).await
    }

    #[cfg(test)]
    async fn aside(&self, store: Store) -> Result<Vec<RawRecord>, StorageError> {
        S::aside(self, store).await
    }
}
