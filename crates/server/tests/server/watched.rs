//! A store that is asked before it does anything: it notes what it was asked for, or fails as told.

use std::sync::{Arc, Mutex};

use sotto_server::store::{
    CreateOutcome, InviteOutcome, ListOutcome, NewEnvelope, OpenOutcome, OwnerKey, PreKeysOutcome,
    PutOutcome, SqliteStore, Store, StoreError, StoreFuture, StoredEnvelope, Timestamp,
};
use sotto_wire::server::{
    BundleBytes, CreateInvite, InviteBundle, InviteCardAnswer, InviteId, MailboxId, OneTimePreKeyEntry,
    OwnerHash, RedeemId, Sequence, TokenHash,
};

/// What it does instead of what it is asked for.
pub type Before = dyn Fn(&'static str) -> Result<(), StoreError> + Send + Sync;

pub struct Watched {
    inner: SqliteStore,
    asked: Arc<Mutex<Vec<&'static str>>>,
    before: Box<Before>,
}

impl Watched {
    pub fn new(inner: SqliteStore, before: Box<Before>) -> (Self, Arc<Mutex<Vec<&'static str>>>) {
        let asked = Arc::default();
        (Self { inner, asked: Arc::clone(&asked), before }, asked)
    }

    fn then<'a, T: Send + 'a>(
        &'a self,
        what: &'static str,
        call: impl FnOnce(&'a SqliteStore) -> StoreFuture<'a, T>,
    ) -> StoreFuture<'a, T> {
        self.asked.lock().unwrap().push(what);
        match (self.before)(what) {
            Ok(()) => call(&self.inner),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }
}

macro_rules! forward {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)+) => {
        impl Store for Watched {
            $(fn $name(&self, $($argument: $type),*) -> StoreFuture<'_, $answer> {
                self.then(stringify!($name), move |inner| inner.$name($($argument),*))
            })+
        }
    };
}

forward! {
    open_mailbox(mailbox: MailboxId, owner: OwnerKey, now: Timestamp) -> OpenOutcome;
    knows(mailbox: MailboxId) -> bool;
    authorise(mailbox: MailboxId, token: TokenHash) -> bool;
    put(envelope: NewEnvelope, now: Timestamp) -> PutOutcome;
    fetch(mailbox: MailboxId, after: Sequence, count: u32, now: Timestamp) -> Vec<StoredEnvelope>;
    acknowledge(mailbox: MailboxId, sequences: Vec<Sequence>, now: Timestamp) -> ();
    add_tokens(mailbox: MailboxId, tokens: Vec<TokenHash>) -> ListOutcome;
    revoke_tokens(mailbox: MailboxId, tokens: Vec<TokenHash>) -> ();
    publish_prekeys(mailbox: MailboxId, bundle: BundleBytes, one_time: Vec<OneTimePreKeyEntry>) -> ListOutcome;
    take_prekeys(mailbox: MailboxId, token: TokenHash, now: Timestamp) -> PreKeysOutcome;
    create_invite(invite: CreateInvite, now: Timestamp) -> CreateOutcome;
    invite_card(invite: InviteId, now: Timestamp) -> InviteOutcome<InviteCardAnswer>;
    redeem_invite(invite: InviteId, attempt: RedeemId, now: Timestamp) -> InviteOutcome<InviteBundle>;
    revoke_invite(invite: InviteId, owner: OwnerHash, now: Timestamp) -> InviteOutcome<()>;
    room() -> u64;
    reap(now: Timestamp) -> bool;
    close() -> ();
}
