//! What the server keeps, behind the seam that a database implements.
//!
//! Every write is answered after it is committed. Nothing here names a sender.

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod differential;
#[cfg(test)]
mod model;
mod sqlite;

use std::future::Future;
use std::pin::Pin;

use sotto_wire::server::{
    Blob, BundleBytes, CreateInvite, EnvelopeId, FetchedPreKeys, InviteBundle, InviteCardAnswer, InviteId,
    MailboxId, OneTimePreKeyEntry, OwnerHash, RedeemId, Sequence, TokenHash,
};

pub use sqlite::{OpenError as SqliteOpenError, SqliteOptions, SqliteStore};

/// Seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The clock of this machine; 1970 if it is set before that.
    #[must_use]
    pub fn now() -> Self {
        let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Self(elapsed.map_or(0, |elapsed| elapsed.as_secs()))
    }

    /// This many seconds later.
    #[must_use]
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// This many seconds earlier.
    #[must_use]
    pub const fn minus(self, seconds: u64) -> Self {
        Self(self.0.saturating_sub(seconds))
    }
}

/// Why the store could not do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Too much is waiting to be written; try again.
    #[error("the store is busy")]
    Busy,
    /// The database refused or failed; nothing was changed.
    #[error("the store is unavailable")]
    Unavailable,
}

/// What a store hands back.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A device signing key, compressed SEC1 point.
pub type OwnerKey = [u8; 33];

/// A mailbox, opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailboxState {
    /// The highest sequence ever acknowledged.
    pub acknowledged_through: Sequence,
    /// One-time prekeys left.
    pub one_time_left: u32,
    /// Envelopes waiting.
    pub waiting: u32,
}

/// What became of opening a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenOutcome {
    /// It is this key's.
    Opened(MailboxState),
    /// It belongs to another key.
    Refused,
}

/// An envelope to be stored.
#[derive(Clone, Debug)]
pub struct NewEnvelope {
    /// Where to.
    pub mailbox: MailboxId,
    /// What allows it.
    pub token: TokenHash,
    /// Its name.
    pub envelope_id: EnvelopeId,
    /// When it ends; stores may not read it from then on.
    pub expires: Timestamp,
    /// Its bytes.
    pub blob: Blob,
}

/// What became of an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutOutcome {
    /// It is stored at this position.
    Stored(Sequence),
    /// It was stored at this position before.
    Repeated(Sequence),
    /// The token does not open the mailbox, or there is no such mailbox.
    Forbidden,
    /// The mailbox is full.
    Full,
}

/// An envelope waiting in a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEnvelope {
    /// Its position.
    pub sequence: Sequence,
    /// Its name.
    pub envelope_id: EnvelopeId,
    /// Its bytes.
    pub blob: Blob,
}

/// What became of tokens or prekeys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListOutcome {
    /// They are in.
    Done,
    /// They would be too many, or there is no such mailbox (any more); none is in.
    Full,
}

/// What a prekey request found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreKeysOutcome {
    /// A bundle and perhaps a one-time prekey, now gone from the store.
    Found(FetchedPreKeys),
    /// The mailbox has published none.
    NotPublished,
    /// The token does not open the mailbox, or there is no such mailbox.
    Forbidden,
}

/// What became of a new invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateOutcome {
    /// It is stored, now or before.
    Created,
    /// The id belongs to another owner.
    Conflict,
}

/// What an invite turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InviteOutcome<T> {
    /// Open, and this is what was asked for.
    Open(T),
    /// Used before.
    Used,
    /// Expired, revoked, or never there.
    Gone,
}

/// Bounds a store enforces.
#[derive(Clone, Copy, Debug)]
pub struct Quotas {
    /// Envelopes waiting in one mailbox.
    pub mailbox_envelopes: u32,
    /// Bytes waiting in one mailbox.
    pub mailbox_bytes: u64,
    /// Tokens valid for one mailbox.
    pub mailbox_tokens: u32,
    /// One-time prekeys kept for one mailbox.
    pub mailbox_one_time_prekeys: u32,
    /// Days after which a mailbox that nobody opened is forgotten.
    pub mailbox_idle_days: u64,
}

/// How long the name of an acknowledged envelope is remembered, in seconds (48 hours), so that a retry that was
/// on its way is not delivered again.
pub const TOMBSTONE_S: u64 = 48 * 3600;

/// One-time prekeys the holder of one token is given at once. After that there is one more every
/// [`ONE_TIME_PREKEY_EVERY_S`], and in between the bundle without any, so that nobody can use up what is meant for
/// everybody.
pub const ONE_TIME_PREKEYS_PER_TOKEN: u64 = 5;

/// See [`ONE_TIME_PREKEYS_PER_TOKEN`]; in seconds.
pub const ONE_TIME_PREKEY_EVERY_S: u64 = 12 * 60;

/// A database. The conformance suite beside this trait says what each must do.
pub trait Store: Send + Sync + 'static {
    /// Opens a mailbox for the key that opened it first.
    fn open_mailbox(
        &self,
        mailbox: MailboxId,
        owner: OwnerKey,
        now: Timestamp,
    ) -> StoreFuture<'_, OpenOutcome>;

    /// Whether anybody has opened this mailbox, and it was not forgotten since.
    fn knows(&self, mailbox: MailboxId) -> StoreFuture<'_, bool>;

    /// Whether this token opens this mailbox. The same work whether the mailbox, the token or neither exists.
    fn authorise(&self, mailbox: MailboxId, token: TokenHash) -> StoreFuture<'_, bool>;

    /// Stores an envelope once; a repetition finds its first position, for [`TOMBSTONE_S`] after it was
    /// acknowledged too.
    fn put(&self, envelope: NewEnvelope, now: Timestamp) -> StoreFuture<'_, PutOutcome>;

    /// The next envelopes after a position, in order: at most `count`, and fewer only if there are no more.
    fn fetch(
        &self,
        mailbox: MailboxId,
        after: Sequence,
        count: u32,
        now: Timestamp,
    ) -> StoreFuture<'_, Vec<StoredEnvelope>>;

    /// Forgets the bytes of these envelopes. Positions that are not there are passed over.
    fn acknowledge(
        &self,
        mailbox: MailboxId,
        sequences: Vec<Sequence>,
        now: Timestamp,
    ) -> StoreFuture<'_, ()>;

    /// Makes tokens valid, all or none.
    fn add_tokens(&self, mailbox: MailboxId, tokens: Vec<TokenHash>) -> StoreFuture<'_, ListOutcome>;

    /// Makes tokens invalid. Those that are not there are passed over.
    fn revoke_tokens(&self, mailbox: MailboxId, tokens: Vec<TokenHash>) -> StoreFuture<'_, ()>;

    /// Replaces the bundle and adds those one-time prekeys whose id is above every id published before; all or
    /// none.
    fn publish_prekeys(
        &self,
        mailbox: MailboxId,
        bundle: BundleBytes,
        one_time: Vec<OneTimePreKeyEntry>,
    ) -> StoreFuture<'_, ListOutcome>;

    /// Hands out the bundle and, once, the lowest one-time prekey; without one if this token's share
    /// ([`ONE_TIME_PREKEYS_PER_TOKEN`]) is used up.
    fn take_prekeys(
        &self,
        mailbox: MailboxId,
        token: TokenHash,
        now: Timestamp,
    ) -> StoreFuture<'_, PreKeysOutcome>;

    /// Stores an invite.
    fn create_invite(&self, invite: CreateInvite, now: Timestamp) -> StoreFuture<'_, CreateOutcome>;

    /// The card of an open invite.
    fn invite_card(
        &self,
        invite: InviteId,
        now: Timestamp,
    ) -> StoreFuture<'_, InviteOutcome<InviteCardAnswer>>;

    /// Uses an invite up, or repeats the answer to the same attempt.
    fn redeem_invite(
        &self,
        invite: InviteId,
        attempt: RedeemId,
        now: Timestamp,
    ) -> StoreFuture<'_, InviteOutcome<InviteBundle>>;

    /// Takes an open invite back.
    fn revoke_invite(
        &self,
        invite: InviteId,
        owner: OwnerHash,
        now: Timestamp,
    ) -> StoreFuture<'_, InviteOutcome<()>>;

    /// Bytes that can still be stored, about.
    fn room(&self) -> StoreFuture<'_, u64>;

    /// Removes some of what has ended; true if there may be more.
    fn reap(&self, now: Timestamp) -> StoreFuture<'_, bool>;

    /// Writes what is waiting, then closes the database; everything after this is [`StoreError::Unavailable`].
    fn close(&self) -> StoreFuture<'_, ()>;
}
