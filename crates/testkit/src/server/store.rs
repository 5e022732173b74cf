//! What a server keeps, behind a seam: a model in memory, or the store of the real server.

use sotto_wire::server::{
    Blob, BundleBytes, CreateInvite, EnvelopeId, ErrorCode, FetchedPreKeys, InviteBundle, InviteCardAnswer,
    InviteId, MailboxId, OneTimePreKeyEntry, OwnerHash, RedeemId, Sequence, TokenHash,
};

/// A mailbox, opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The highest sequence ever acknowledged.
    pub acknowledged: u64,
    /// One-time prekeys left.
    pub one_time_left: u32,
    /// Envelopes waiting.
    pub waiting: u32,
}

/// An envelope to be kept.
#[derive(Clone, Debug)]
pub struct NewEnvelope {
    /// Where to.
    pub mailbox: MailboxId,
    /// What allows it.
    pub token: TokenHash,
    /// Its name.
    pub envelope_id: EnvelopeId,
    /// When it ends, in seconds since 1970.
    pub expires: u64,
    /// Its bytes.
    pub blob: Blob,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is kept.
    Stored(Sequence),
    /// It was kept before.
    Repeated(Sequence),
}

/// One world's server store. What each function promises is said at the trait `Store` of the server; refusals are
/// the codes that the server answers with. Times are in seconds since 1970.
#[expect(missing_docs, reason = "they are the functions of the server's trait")]
pub trait ServerStore: core::fmt::Debug + Send + Sync {
    fn open(&mut self, mailbox: MailboxId, owner: [u8; 33], now: u64) -> Result<Opened, ErrorCode>;
    fn authorise(&mut self, mailbox: MailboxId, token: TokenHash) -> bool;
    fn put(&mut self, envelope: &NewEnvelope, now: u64) -> Result<Put, ErrorCode>;
    fn fetch(&mut self, mailbox: MailboxId, after: u64, count: u32, now: u64) -> Vec<(Sequence, Blob)>;
    fn acknowledge(&mut self, mailbox: MailboxId, sequences: &[Sequence], now: u64);
    fn add_tokens(&mut self, mailbox: MailboxId, tokens: &[TokenHash]) -> Result<(), ErrorCode>;
    fn revoke_tokens(&mut self, mailbox: MailboxId, tokens: &[TokenHash]);
    fn publish(
        &mut self,
        mailbox: MailboxId,
        bundle: &BundleBytes,
        one_time: &[OneTimePreKeyEntry],
    ) -> Result<(), ErrorCode>;
    fn take_prekeys(
        &mut self,
        mailbox: MailboxId,
        token: TokenHash,
        now: u64,
    ) -> Result<FetchedPreKeys, ErrorCode>;
    fn create_invite(&mut self, invite: &CreateInvite, now: u64) -> Result<(), ErrorCode>;
    fn invite_card(&mut self, invite: InviteId, now: u64) -> Result<InviteCardAnswer, ErrorCode>;
    fn redeem_invite(
        &mut self,
        invite: InviteId,
        attempt: RedeemId,
        now: u64,
    ) -> Result<InviteBundle, ErrorCode>;
    fn revoke_invite(&mut self, invite: InviteId, owner: OwnerHash, now: u64) -> Result<(), ErrorCode>;
    fn reap(&mut self, now: u64);
    /// The process is killed and started again: what was answered is there.
    fn restart(&mut self);
    /// Remembers everything, as a backup does; [`ServerStore::go_back`] puts the last one back.
    fn back_up(&mut self);
    /// The operator restores the last backup. `false` if there is none.
    fn go_back(&mut self) -> bool;
}
