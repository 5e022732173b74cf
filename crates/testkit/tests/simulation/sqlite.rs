//! The real server's store in the place of the model's.

use std::path::Path;
use std::sync::Arc;

use sotto_crypto::{InviteId, MailboxId};
use sotto_server::store::{
    CreateOutcome, InviteOutcome, ListOutcome, NewEnvelope, OpenOutcome, PreKeysOutcome, PutOutcome, Quotas,
    SqliteOptions, SqliteStore, Store, StoreError, StoreFuture, Timestamp,
};
use sotto_testkit::{self as testkit, Opened, Put, ServerStore};
use sotto_wire::server::{
    Blob, BundleBytes, CreateInvite, ErrorCode, FetchedPreKeys, InviteBundle, InviteCardAnswer,
    OneTimePreKeyEntry, OwnerHash, RedeemId, Sequence, TokenHash, limits,
};
use tempfile::TempDir;

/// SQLite in a directory of its own, asked one thing at a time: the same questions get the same answers.
pub struct Sqlite {
    directory: TempDir,
    store: Arc<SqliteStore>,
    backup: Option<TempDir>,
    runtime: tokio::runtime::Runtime,
}

impl core::fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Sqlite")
    }
}

fn open(directory: &Path) -> Arc<SqliteStore> {
    let quotas = Quotas {
        mailbox_envelopes: limits::MAILBOX_ENVELOPES_MAX,
        mailbox_bytes: limits::MAILBOX_BYTES_MAX,
        mailbox_tokens: limits::TOKENS_PER_MAILBOX_MAX as u32,
        mailbox_one_time_prekeys: limits::ONE_TIME_PREKEYS_MAX as u32,
        mailbox_idle_days: 100_000,
    };
    let options =
        SqliteOptions { directory: directory.to_owned(), max_bytes: 1 << 30, quotas, write_queue: 16 };
    Arc::new(SqliteStore::open(&options).expect("a new database opens"))
}

/// Copies the files of a database as they lie there, as somebody does who pulls the plug and looks.
fn copy(from: &Path) -> TempDir {
    let to = TempDir::new().expect("a directory");
    for entry in std::fs::read_dir(from).expect("can be listed") {
        let entry = entry.expect("can be read");
        if entry.file_name() != "lock" && !entry.path().to_string_lossy().ends_with("-shm") {
            std::fs::copy(entry.path(), to.path().join(entry.file_name())).expect("can be copied");
        }
    }
    to
}

impl Sqlite {
    /// An empty one.
    pub fn new() -> Self {
        let directory = TempDir::new().expect("a directory");
        let store = open(directory.path());
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        Self { directory, store, backup: None, runtime }
    }

    fn ask<T>(&self, ask: impl FnOnce(&SqliteStore) -> StoreFuture<'_, T>) -> Result<T, ErrorCode> {
        self.runtime.block_on(ask(&self.store)).map_err(|error| match error {
            StoreError::Busy | StoreError::Unavailable => ErrorCode::Unavailable,
        })
    }

    fn go_on_from(&mut self, directory: TempDir) {
        self.ask(|store| store.close()).expect("closes");
        self.store = open(directory.path());
        self.directory = directory;
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.ask(|store| store.close()).expect("closes");
    }
}

fn listed(outcome: ListOutcome) -> Result<(), ErrorCode> {
    match outcome {
        ListOutcome::Done => Ok(()),
        ListOutcome::Full => Err(ErrorCode::Quota),
    }
}

fn invited<T>(outcome: InviteOutcome<T>) -> Result<T, ErrorCode> {
    match outcome {
        InviteOutcome::Open(found) => Ok(found),
        InviteOutcome::Used => Err(ErrorCode::InviteUsed),
        InviteOutcome::Gone => Err(ErrorCode::InviteGone),
    }
}

impl ServerStore for Sqlite {
    fn open(&mut self, mailbox: MailboxId, owner: [u8; 33], now: u64) -> Result<Opened, ErrorCode> {
        match self.ask(|store| store.open_mailbox(mailbox, owner, Timestamp(now)))? {
            OpenOutcome::Opened(state) => Ok(Opened {
                acknowledged: state.acknowledged_through.0,
                one_time_left: state.one_time_left,
                waiting: state.waiting,
            }),
            OpenOutcome::Refused => Err(ErrorCode::Forbidden),
        }
    }

    fn authorise(&mut self, mailbox: MailboxId, token: TokenHash) -> bool {
        self.ask(|store| store.authorise(mailbox, token)).expect("can be asked")
    }

    fn put(&mut self, envelope: &testkit::NewEnvelope, now: u64) -> Result<Put, ErrorCode> {
        let testkit::NewEnvelope { mailbox, token, envelope_id, expires, blob } = envelope.clone();
        let new = NewEnvelope { mailbox, token, envelope_id, expires: Timestamp(expires), blob };
        match self.ask(|store| store.put(new, Timestamp(now)))? {
            PutOutcome::Stored(sequence) => Ok(Put::Stored(sequence)),
            PutOutcome::Repeated(sequence) => Ok(Put::Repeated(sequence)),
            PutOutcome::Forbidden => Err(ErrorCode::Forbidden),
            PutOutcome::Full => Err(ErrorCode::Quota),
        }
    }

    fn fetch(&mut self, mailbox: MailboxId, after: u64, count: u32, now: u64) -> Vec<(Sequence, Blob)> {
        let found = self.ask(|store| store.fetch(mailbox, Sequence(after), count, Timestamp(now)));
        found.expect("can be read").into_iter().map(|found| (found.sequence, found.blob)).collect()
    }

    fn acknowledge(&mut self, mailbox: MailboxId, sequences: &[Sequence], now: u64) {
        let sequences = sequences.to_vec();
        self.ask(|store| store.acknowledge(mailbox, sequences, Timestamp(now))).expect("can be written");
    }

    fn add_tokens(&mut self, mailbox: MailboxId, tokens: &[TokenHash]) -> Result<(), ErrorCode> {
        listed(self.ask(|store| store.add_tokens(mailbox, tokens.to_vec()))?)
    }

    fn revoke_tokens(&mut self, mailbox: MailboxId, tokens: &[TokenHash]) {
        self.ask(|store| store.revoke_tokens(mailbox, tokens.to_vec())).expect("can be written");
    }

    fn publish(
        &mut self,
        mailbox: MailboxId,
        bundle: &BundleBytes,
        one_time: &[OneTimePreKeyEntry],
    ) -> Result<(), ErrorCode> {
        listed(self.ask(|store| store.publish_prekeys(mailbox, bundle.clone(), one_time.to_vec()))?)
    }

    fn take_prekeys(
        &mut self,
        mailbox: MailboxId,
        token: TokenHash,
        now: u64,
    ) -> Result<FetchedPreKeys, ErrorCode> {
        match self.ask(|store| store.take_prekeys(mailbox, token, Timestamp(now)))? {
            PreKeysOutcome::Found(found) => Ok(found),
            PreKeysOutcome::NotPublished => Err(ErrorCode::NotFound),
            PreKeysOutcome::Forbidden => Err(ErrorCode::Forbidden),
        }
    }

    fn create_invite(&mut self, invite: &CreateInvite, now: u64) -> Result<(), ErrorCode> {
        match self.ask(|store| store.create_invite(invite.clone(), Timestamp(now)))? {
            CreateOutcome::Created => Ok(()),
            CreateOutcome::Conflict => Err(ErrorCode::Conflict),
        }
    }

    fn invite_card(&mut self, invite: InviteId, now: u64) -> Result<InviteCardAnswer, ErrorCode> {
        invited(self.ask(|store| store.invite_card(invite, Timestamp(now)))?)
    }

    fn redeem_invite(
        &mut self,
        invite: InviteId,
        attempt: RedeemId,
        now: u64,
    ) -> Result<InviteBundle, ErrorCode> {
        invited(self.ask(|store| store.redeem_invite(invite, attempt, Timestamp(now)))?)
    }

    fn revoke_invite(&mut self, invite: InviteId, owner: OwnerHash, now: u64) -> Result<(), ErrorCode> {
        invited(self.ask(|store| store.revoke_invite(invite, owner, Timestamp(now)))?)
    }

    fn reap(&mut self, now: u64) {
        while self.ask(|store| store.reap(Timestamp(now))).expect("can be written") {}
    }

    fn restart(&mut self) {
        let directory = copy(self.directory.path());
        self.go_on_from(directory);
    }

    fn back_up(&mut self) {
        self.backup = Some(copy(self.directory.path()));
    }

    fn go_back(&mut self) -> bool {
        let Some(directory) = self.backup.as_ref().map(|backup| copy(backup.path())) else { return false };
        self.go_on_from(directory);
        true
    }
}
