//! The store in one SQLite file: one thread writes in groups, two read.

mod invite;
mod mailbox;
mod migrations;
mod prekey;
mod reap;
mod room;
#[cfg(test)]
mod tests;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use sotto_wire::server::{
    BundleBytes, CreateInvite, InviteBundle, InviteCardAnswer, InviteId, MailboxId, OneTimePreKeyEntry,
    OwnerHash, RedeemId, Sequence, TokenHash,
};

pub use migrations::MigrationError;
use worker::{Readers, Writer};

use super::{
    CreateOutcome, InviteOutcome, ListOutcome, NewEnvelope, OpenOutcome, OwnerKey, PreKeysOutcome,
    PutOutcome, Quotas, Store, StoreError, StoreFuture, StoredEnvelope, Timestamp,
};

/// Queries that may wait.
const READ_QUEUE: usize = 1024;

const READERS: usize = 2;

const PAGE_SIZE: u64 = 4096;

/// What SQLite calls this in numbers.
const INCREMENTAL: u32 = 2;

/// How to open the database.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The directory; made if it is missing, used by one server at a time.
    pub directory: PathBuf,
    /// Largest size of the database, in bytes.
    pub max_bytes: u64,
    /// Bounds of each mailbox.
    pub quotas: Quotas,
    /// Operations that may wait to be written; one more is [`StoreError::Busy`].
    pub write_queue: usize,
}

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory or a file in it cannot be used.
    #[error("cannot use {path}: {error}")]
    Io {
        /// What was tried.
        path: PathBuf,
        /// What went wrong.
        error: std::io::Error,
    },
    /// Another server has it open.
    #[error("{0} is in use by another sotto-server")]
    InUse(PathBuf),
    /// It cannot be brought to the present schema.
    #[error(transparent)]
    Migration(#[from] MigrationError),
    /// SQLite said no.
    #[error("the database could not be opened: {0}")]
    Database(#[from] rusqlite::Error),
}

/// SQLite behind the [`Store`] seam.
pub struct SqliteStore {
    writer: Arc<Writer>,
    readers: Arc<Readers>,
    quotas: Quotas,
    directory: PathBuf,
    max_bytes: u64,
    /// Held for its lock until the store is closed.
    lock: Mutex<Option<std::fs::File>>,
}

impl SqliteStore {
    /// Opens or makes the database and brings it to the present schema.
    ///
    /// # Errors
    /// [`OpenError`] says what is in the way.
    pub fn open(options: &SqliteOptions) -> Result<Self, OpenError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |error| OpenError::Io { path, error }
        };
        std::fs::create_dir_all(&options.directory).map_err(io(&options.directory))?;
        let lock_path = options.directory.join("lock");
        let lock = std::fs::File::create(&lock_path).map_err(io(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => {
                return Err(OpenError::InUse(options.directory.clone()));
            }
            Err(std::fs::TryLockError::Error(error)) => return Err(OpenError::Io { path: lock_path, error }),
        }
        let path = options.directory.join("sotto.sqlite3");
        let mut writer = Connection::open(&path)?;
        writer.busy_timeout(Duration::from_secs(5))?;
        // The reaper gives pages back. This works before the first table only, and is a write even where it changes
        // nothing: a server must start on a disk that is full.
        let auto_vacuum: u32 = writer.pragma_query_value(None, "auto_vacuum", |row| row.get(0))?;
        if auto_vacuum != INCREMENTAL {
            writer.pragma_update(None, "auto_vacuum", INCREMENTAL)?;
        }
        writer.pragma_update(None, "journal_mode", "WAL")?;
        writer.pragma_update(None, "synchronous", "FULL")?;
        writer.pragma_update(None, "trusted_schema", "OFF")?;
        writer.pragma_update(None, "max_page_count", options.max_bytes.div_ceil(PAGE_SIZE))?;
        writer.set_prepared_statement_cache_capacity(64);
        migrations::migrate(&mut writer)?;
        let mut readers = Vec::new();
        for _ in 0..READERS {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let reader = Connection::open_with_flags(&path, flags)?;
            reader.busy_timeout(Duration::from_secs(5))?;
            readers.push(reader);
        }
        Ok(Self {
            writer: Arc::new(Writer::start(writer, options.write_queue).map_err(io(&path))?),
            readers: Arc::new(Readers::start(readers, READ_QUEUE).map_err(io(&path))?),
            quotas: options.quotas,
            directory: options.directory.clone(),
            max_bytes: options.max_bytes,
            lock: Mutex::new(Some(lock)),
        })
    }
}

impl Store for SqliteStore {
    fn open_mailbox(
        &self,
        mailbox: MailboxId,
        owner: OwnerKey,
        now: Timestamp,
    ) -> StoreFuture<'_, OpenOutcome> {
        Box::pin(async move {
            // Most openings change nothing, and wait for no commit: not when everybody comes back at once, and not
            // while the disk is full and people fetch what is there.
            let known = self.readers.read(move |db| mailbox::opened(db, mailbox, &owner, now)).await?;
            if let Some((state, true)) = known {
                return Ok(OpenOutcome::Opened(state));
            }
            let opened = self.writer.write(move |db| mailbox::open(db, mailbox, &owner, now)).await;
            match (opened, known) {
                (Err(_), Some((state, _))) => Ok(OpenOutcome::Opened(state)),
                (opened, _) => opened,
            }
        })
    }

    fn knows(&self, mailbox: MailboxId) -> StoreFuture<'_, bool> {
        Box::pin(self.readers.read(move |db| mailbox::known(db, mailbox)))
    }

    fn authorise(&self, mailbox: MailboxId, token: TokenHash) -> StoreFuture<'_, bool> {
        Box::pin(self.readers.read(move |db| mailbox::authorised(db, mailbox, token)))
    }

    fn put(&self, envelope: NewEnvelope, now: Timestamp) -> StoreFuture<'_, PutOutcome> {
        let quotas = self.quotas;
        Box::pin(self.writer.write(move |db| mailbox::put(db, &envelope, now, &quotas)))
    }

    fn fetch(
        &self,
        mailbox: MailboxId,
        after: Sequence,
        count: u32,
        now: Timestamp,
    ) -> StoreFuture<'_, Vec<StoredEnvelope>> {
        Box::pin(self.readers.read(move |db| mailbox::fetch(db, mailbox, after, count, now)))
    }

    fn acknowledge(
        &self,
        mailbox: MailboxId,
        sequences: Vec<Sequence>,
        now: Timestamp,
    ) -> StoreFuture<'_, ()> {
        Box::pin(self.writer.write(move |db| mailbox::acknowledge(db, mailbox, &sequences, now)))
    }

    fn add_tokens(&self, mailbox: MailboxId, tokens: Vec<TokenHash>) -> StoreFuture<'_, ListOutcome> {
        let most = self.quotas.mailbox_tokens;
        Box::pin(self.writer.write(move |db| mailbox::add_tokens(db, mailbox, &tokens, most)))
    }

    fn revoke_tokens(&self, mailbox: MailboxId, tokens: Vec<TokenHash>) -> StoreFuture<'_, ()> {
        Box::pin(self.writer.write(move |db| mailbox::revoke_tokens(db, mailbox, &tokens)))
    }

    fn publish_prekeys(
        &self,
        mailbox: MailboxId,
        bundle: BundleBytes,
        one_time: Vec<OneTimePreKeyEntry>,
    ) -> StoreFuture<'_, ListOutcome> {
        let most = self.quotas.mailbox_one_time_prekeys;
        Box::pin(self.writer.write(move |db| prekey::publish(db, mailbox, &bundle, &one_time, most)))
    }

    fn take_prekeys(
        &self,
        mailbox: MailboxId,
        token: TokenHash,
        now: Timestamp,
    ) -> StoreFuture<'_, PreKeysOutcome> {
        Box::pin(self.writer.write(move |db| prekey::take(db, mailbox, token, now)))
    }

    fn create_invite(&self, invite: CreateInvite, now: Timestamp) -> StoreFuture<'_, CreateOutcome> {
        Box::pin(self.writer.write(move |db| invite::create(db, &invite, now)))
    }

    fn invite_card(
        &self,
        invite: InviteId,
        now: Timestamp,
    ) -> StoreFuture<'_, InviteOutcome<InviteCardAnswer>> {
        Box::pin(self.readers.read(move |db| invite::card(db, invite, now)))
    }

    fn redeem_invite(
        &self,
        invite: InviteId,
        attempt: RedeemId,
        now: Timestamp,
    ) -> StoreFuture<'_, InviteOutcome<InviteBundle>> {
        Box::pin(self.writer.write(move |db| invite::redeem(db, invite, attempt, now)))
    }

    fn revoke_invite(
        &self,
        invite: InviteId,
        owner: OwnerHash,
        now: Timestamp,
    ) -> StoreFuture<'_, InviteOutcome<()>> {
        Box::pin(self.writer.write(move |db| invite::revoke(db, invite, owner, now)))
    }

    fn room(&self) -> StoreFuture<'_, u64> {
        let (directory, max_bytes) = (self.directory.clone(), self.max_bytes);
        Box::pin(self.readers.read(move |db| room::room(db, &directory, max_bytes)))
    }

    fn reap(&self, now: Timestamp) -> StoreFuture<'_, bool> {
        let idle_days = self.quotas.mailbox_idle_days;
        Box::pin(self.writer.write(move |db| reap::reap(db, now, idle_days)))
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        let (readers, writer) = (Arc::clone(&self.readers), Arc::clone(&self.writer));
        Box::pin(async move {
            // The writer last: only a connection that may write can fold the log back into the database.
            let closed = tokio::task::spawn_blocking(move || {
                readers.close();
                writer.close();
            });
            let closed = closed.await.map_err(|_| StoreError::Unavailable);
            drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner).take());
            closed
        })
    }
}
