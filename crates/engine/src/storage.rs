//! What the engine keeps: records in stores, changed only through [`Changes`].

use core::fmt;

/// Longest value of a record, in bytes: a session with all its skipped keys, with room to spare. Whoever stores records
/// refuses a longer one as it would a full disk: what cannot be written is a fault of the engine's.
pub const RECORD_MAX: usize = 512 * 1024;

/// The stores of records. Keys are opaque bytes that reveal no name; values are encrypted by the vault before
/// they reach the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Store {
    /// Own keys, profile, mailbox: single records.
    Account,
    /// One record a contact, and one for what is being written to it.
    Contact,
    /// One record a session.
    Session,
    /// One record an invite, made or accepted.
    Invite,
    /// One record a message that is not yet acknowledged end to end.
    Outbox,
    /// Hashes of accepted ratchet messages.
    Seen,
    /// One record a file that is offered, on its way, or kept on this device.
    Transfer,
    /// History; the only store that is not loaded as a whole.
    Message,
}

impl Store {
    /// Every store, in the order of their declaration.
    pub const ALL: [Self; 8] = [
        Self::Account,
        Self::Contact,
        Self::Session,
        Self::Invite,
        Self::Outbox,
        Self::Seen,
        Self::Transfer,
        Self::Message,
    ];

    /// Whether [`Client::restore`](crate::Client::restore) wants all records of this store.
    #[must_use]
    pub fn is_loaded_at_start(self) -> bool {
        self != Self::Message
    }

    /// The store's name on disk and in the vault's associated data.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Contact => "contact",
            Self::Session => "session",
            Self::Invite => "invite",
            Self::Outbox => "outbox",
            Self::Seen => "seen",
            Self::Transfer => "transfer",
            Self::Message => "message",
        }
    }
}

/// One stored value. Values hold secrets: they are wiped on drop and never printed.
#[derive(PartialEq, Eq)]
pub struct Record {
    /// Which store it is in.
    pub store: Store,
    /// Its key, unique in the store, at most 64 bytes.
    pub key: Vec<u8>,
    /// Its plaintext value, at most [`RECORD_MAX`] bytes. Empty if what is stored does not open, which no value of the
    /// engine's is.
    pub value: zeroize::Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({}, {} bytes)", self.store.name(), self.value.len())
    }
}

impl Record {
    /// A record that is stored and does not open.
    #[must_use]
    pub fn unreadable(store: Store, key: Vec<u8>) -> Self {
        Self { store, key, value: zeroize::Zeroizing::default() }
    }
}

/// One change.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// Insert or replace.
    Put(Record),
    /// Delete; not an error when there is none.
    Delete {
        /// Which store.
        store: Store,
        /// The record's key.
        key: Vec<u8>,
    },
    /// Delete all whose keys begin with this; not an error when there is none.
    DeletePrefix {
        /// Which store.
        store: Store,
        /// What their keys begin with, at least one byte.
        prefix: Vec<u8>,
    },
    /// Move the record out of its store, as it is, to where nobody reads it but who looks for what was damaged; not an
    /// error when there is none.
    SetAside {
        /// Which store.
        store: Store,
        /// The record's key.
        key: Vec<u8>,
    },
    /// Delete what was set aside of all stores whose keys begin with this; not an error when there is none.
    ForgetAside {
        /// What their keys begin with; empty for all.
        prefix: Vec<u8>,
    },
}

/// Changes that become durable together or not at all.
pub type Changes = Vec<Change>;
