//! The model of the server's store: maps, durable in an instant.

use std::collections::{BTreeMap, BTreeSet};

use sotto_crypto::{EnvelopeId, InviteId, MailboxId};
use sotto_wire::server::{
    Blob, BundleBytes, CreateInvite, ErrorCode, FetchedPreKeys, InviteBundle, InviteCardAnswer,
    OneTimePreKeyEntry, Opaque, OwnerHash, RedeemId, Sequence, TokenHash, limits,
};

use super::store::{NewEnvelope, Opened, Put, ServerStore};

/// How long the name of an acknowledged envelope is remembered, in seconds.
const TOMBSTONE_S: u64 = 48 * 3600;

/// How many one-time prekeys the holder of a token is given at once, and after how many seconds one more.
const ONE_TIME_SHARE: (u64, u64) = (5, 12 * 60);

/// One mailbox.
#[derive(Clone, Debug, Default)]
pub struct Mailbox {
    owner: Option<[u8; 33]>,
    pub(super) tokens: BTreeSet<[u8; 32]>,
    /// When the share of one-time prekeys of a token is whole again.
    whole_at: BTreeMap<[u8; 32], u64>,
    /// Stored envelopes by sequence.
    pub stored: BTreeMap<u64, Vec<u8>>,
    /// Names of envelopes stored and acknowledged: where they were, and when that is forgotten.
    known: BTreeMap<EnvelopeId, (u64, u64)>,
    last: u64,
    acknowledged: u64,
    pub(super) bundle: Option<Vec<u8>>,
    pub(super) one_time: BTreeMap<u32, OneTimePreKeyEntry>,
    one_time_highest: u32,
}

impl Mailbox {
    /// One-time prekeys that are left.
    #[must_use]
    pub fn one_time_left(&self) -> usize {
        self.one_time.len()
    }

    /// The published bundle.
    #[must_use]
    pub fn bundle(&self) -> Option<Vec<u8>> {
        self.bundle.clone()
    }

    /// Keeps so many one-time prekeys, and tells which.
    pub(crate) fn trim_one_time(&mut self, keep: usize) -> BTreeSet<u32> {
        while self.one_time.len() > keep {
            self.one_time.pop_last();
        }
        self.one_time.keys().copied().collect()
    }

    /// Puts an envelope in that nobody was allowed to send.
    pub(super) fn slip_in(&mut self, blob: Vec<u8>) {
        self.last += 1;
        self.known.insert(EnvelopeId::of(&blob), (self.last, u64::MAX));
        self.stored.insert(self.last, blob);
    }

    fn expire(&mut self, now: u64) {
        let Self { known, stored, .. } = self;
        known.retain(|_, (sequence, expires)| {
            let ended = *expires <= now;
            if ended {
                stored.remove(sequence);
            }
            !ended
        });
    }

    fn has_room(&self, size: usize) -> bool {
        let bytes: usize = self.stored.values().map(Vec::len).sum();
        self.stored.len() < limits::MAILBOX_ENVELOPES_MAX as usize
            && (bytes + size) as u64 <= limits::MAILBOX_BYTES_MAX
    }

    fn expires(&self, sequence: u64) -> u64 {
        self.known.values().find(|(of, _)| *of == sequence).map_or(u64::MAX, |(_, expires)| *expires)
    }
}

/// One invite.
#[derive(Clone, Debug)]
pub struct StoredInvite {
    owner: [u8; 32],
    expires_at: u64,
    /// The encrypted name.
    pub card: Vec<u8>,
    /// The encrypted bundle.
    pub bundle: Vec<u8>,
    redeemed: Option<(RedeemId, u64)>,
}

impl StoredInvite {
    pub(super) fn lasting(card: Vec<u8>, bundle: Vec<u8>) -> Self {
        Self { owner: [0; 32], expires_at: u64::MAX, card, bundle, redeemed: None }
    }

    pub(crate) fn reopen(&mut self) {
        self.redeemed = None;
    }
}

/// The model.
#[derive(Clone, Debug, Default)]
pub struct ModelStore {
    /// All mailboxes.
    pub mailboxes: BTreeMap<MailboxId, Mailbox>,
    /// All invites.
    pub invites: BTreeMap<InviteId, StoredInvite>,
    backup: Option<Box<ModelStore>>,
}

impl ModelStore {
    fn opened_by(&mut self, mailbox: MailboxId, token: TokenHash) -> Result<&mut Mailbox, ErrorCode> {
        let opens = |mailbox: &&mut Mailbox| mailbox.tokens.contains(token.as_bytes());
        self.mailboxes.get_mut(&mailbox).filter(opens).ok_or(ErrorCode::Forbidden)
    }

    fn invite(&mut self, invite: InviteId, now: u64) -> Result<&mut StoredInvite, ErrorCode> {
        let invite = self.invites.get_mut(&invite).filter(|invite| invite.expires_at > now);
        invite.ok_or(ErrorCode::InviteGone)
    }
}

impl ServerStore for ModelStore {
    fn open(&mut self, mailbox: MailboxId, owner: [u8; 33], _: u64) -> Result<Opened, ErrorCode> {
        let mailbox = self.mailboxes.entry(mailbox).or_default();
        if *mailbox.owner.get_or_insert(owner) != owner {
            return Err(ErrorCode::Forbidden);
        }
        Ok(Opened {
            acknowledged: mailbox.acknowledged,
            one_time_left: mailbox.one_time.len() as u32,
            waiting: mailbox.stored.len() as u32,
        })
    }

    fn authorise(&mut self, mailbox: MailboxId, token: TokenHash) -> bool {
        self.opened_by(mailbox, token).is_ok()
    }

    fn put(&mut self, envelope: &NewEnvelope, now: u64) -> Result<Put, ErrorCode> {
        let mailbox = self.opened_by(envelope.mailbox, envelope.token)?;
        if let Some((sequence, _)) = mailbox.known.get(&envelope.envelope_id) {
            return Ok(Put::Repeated(Sequence(*sequence)));
        }
        let blob = envelope.blob.as_bytes();
        if !mailbox.has_room(blob.len()) {
            mailbox.expire(now);
            if !mailbox.has_room(blob.len()) {
                return Err(ErrorCode::Quota);
            }
        }
        mailbox.last += 1;
        mailbox.known.insert(envelope.envelope_id, (mailbox.last, envelope.expires));
        mailbox.stored.insert(mailbox.last, blob.to_vec());
        Ok(Put::Stored(Sequence(mailbox.last)))
    }

    fn fetch(&mut self, mailbox: MailboxId, after: u64, count: u32, now: u64) -> Vec<(Sequence, Blob)> {
        let Some(mailbox) = self.mailboxes.get(&mailbox) else { return Vec::new() };
        let waiting = mailbox.stored.range(after + 1..);
        let waiting = waiting.filter(|(sequence, _)| mailbox.expires(**sequence) > now);
        let blob = |blob: &Vec<u8>| Blob::new(blob.clone()).expect("of an envelope's size");
        waiting.take(count as usize).map(|(sequence, bytes)| (Sequence(*sequence), blob(bytes))).collect()
    }

    fn acknowledge(&mut self, mailbox: MailboxId, sequences: &[Sequence], now: u64) {
        let Some(mailbox) = self.mailboxes.get_mut(&mailbox) else { return };
        for sequence in sequences {
            if mailbox.stored.remove(&sequence.0).is_some() {
                mailbox.acknowledged = mailbox.acknowledged.max(sequence.0);
                if let Some((_, expires)) = mailbox.known.values_mut().find(|(of, _)| *of == sequence.0) {
                    *expires = now + TOMBSTONE_S;
                }
            }
        }
    }

    fn add_tokens(&mut self, mailbox: MailboxId, tokens: &[TokenHash]) -> Result<(), ErrorCode> {
        let mailbox = self.mailboxes.entry(mailbox).or_default();
        let mut all = mailbox.tokens.clone();
        all.extend(tokens.iter().map(|token| *token.as_bytes()));
        if all.len() > limits::TOKENS_PER_MAILBOX_MAX {
            return Err(ErrorCode::Quota);
        }
        mailbox.tokens = all;
        Ok(())
    }

    fn revoke_tokens(&mut self, mailbox: MailboxId, tokens: &[TokenHash]) {
        let Some(mailbox) = self.mailboxes.get_mut(&mailbox) else { return };
        for token in tokens {
            mailbox.tokens.remove(token.as_bytes());
            mailbox.whole_at.remove(token.as_bytes());
        }
    }

    fn publish(
        &mut self,
        mailbox: MailboxId,
        bundle: &BundleBytes,
        one_time: &[OneTimePreKeyEntry],
    ) -> Result<(), ErrorCode> {
        let mailbox = self.mailboxes.entry(mailbox).or_default();
        let new: Vec<_> = one_time.iter().filter(|entry| entry.id > mailbox.one_time_highest).collect();
        if mailbox.one_time.len() + new.len() > limits::ONE_TIME_PREKEYS_MAX {
            return Err(ErrorCode::Quota);
        }
        for entry in new {
            mailbox.one_time_highest = mailbox.one_time_highest.max(entry.id);
            mailbox.one_time.insert(entry.id, *entry);
        }
        mailbox.bundle = Some(bundle.as_bytes().to_vec());
        Ok(())
    }

    fn take_prekeys(
        &mut self,
        mailbox: MailboxId,
        token: TokenHash,
        now: u64,
    ) -> Result<FetchedPreKeys, ErrorCode> {
        let mailbox = self.opened_by(mailbox, token)?;
        let bundle = mailbox.bundle.clone().ok_or(ErrorCode::NotFound)?;
        let bundle = Opaque::new(bundle).expect("was accepted");
        let (share, every) = ONE_TIME_SHARE;
        let whole_at = mailbox.whole_at.get(token.as_bytes()).copied().unwrap_or(0);
        let used_up = now + share * every;
        let after = if whole_at > used_up { now } else { whole_at.max(now) } + every;
        let one_time =
            if after <= used_up { mailbox.one_time.pop_first().map(|(_, entry)| entry) } else { None };
        if one_time.is_some() {
            mailbox.whole_at.insert(*token.as_bytes(), after);
        }
        Ok(FetchedPreKeys { bundle, one_time })
    }

    fn create_invite(&mut self, invite: &CreateInvite, now: u64) -> Result<(), ErrorCode> {
        let owner = *invite.owner_hash.as_bytes();
        if self.invite(invite.invite_id, now).is_err() {
            self.invites.remove(&invite.invite_id);
        }
        let known = self.invites.entry(invite.invite_id).or_insert_with(|| StoredInvite {
            owner,
            expires_at: invite.expires_at.min(now + limits::INVITE_LIFETIME_MAX_S),
            card: invite.card.as_bytes().to_vec(),
            bundle: invite.bundle.as_bytes().to_vec(),
            redeemed: None,
        });
        if known.owner == owner { Ok(()) } else { Err(ErrorCode::Conflict) }
    }

    fn invite_card(&mut self, invite: InviteId, now: u64) -> Result<InviteCardAnswer, ErrorCode> {
        let invite = self.invite(invite, now)?;
        if invite.redeemed.is_some() {
            return Err(ErrorCode::InviteUsed);
        }
        let card = Opaque::new(invite.card.clone()).expect("was accepted");
        Ok(InviteCardAnswer { card, expires_at: invite.expires_at })
    }

    fn redeem_invite(
        &mut self,
        invite: InviteId,
        attempt: RedeemId,
        now: u64,
    ) -> Result<InviteBundle, ErrorCode> {
        let invite = self.invite(invite, now)?;
        let (first, at) = invite.redeemed.get_or_insert((attempt, now));
        if *first != attempt || now >= *at + limits::INVITE_REDEEM_AGAIN_S {
            return Err(ErrorCode::InviteUsed);
        }
        Ok(Opaque::new(invite.bundle.clone()).expect("was accepted"))
    }

    fn revoke_invite(&mut self, invite: InviteId, owner: OwnerHash, now: u64) -> Result<(), ErrorCode> {
        let known = self.invite(invite, now)?;
        if known.owner != *owner.as_bytes() {
            return Err(ErrorCode::InviteGone);
        }
        if known.redeemed.is_some() {
            return Err(ErrorCode::InviteUsed);
        }
        self.invites.remove(&invite);
        Ok(())
    }

    fn reap(&mut self, now: u64) {
        self.mailboxes.values_mut().for_each(|mailbox| mailbox.expire(now));
        self.invites.retain(|_, invite| invite.expires_at > now);
    }

    fn restart(&mut self) {}

    fn back_up(&mut self) {
        self.backup = None;
        self.backup = Some(Box::new(self.clone()));
    }

    fn go_back(&mut self) -> bool {
        let Some(backup) = self.backup.clone() else { return false };
        let (mailboxes, invites) = (backup.mailboxes.clone(), backup.invites.clone());
        (self.mailboxes, self.invites) = (mailboxes, invites);
        true
    }
}
