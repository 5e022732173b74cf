//! What a store is, said once more in the plainest way: maps in memory. Any store must answer as this does, whatever is
//! asked of it in whatever order.
#![allow(clippy::as_conversions, reason = "tests")]

use std::collections::BTreeMap;

use sotto_wire::server::{
    Blob, BundleBytes, EnvelopeId, FetchedPreKeys, MailboxId, OneTimePreKeyEntry, Sequence, TokenHash,
};

use super::{
    ListOutcome, MailboxState, NewEnvelope, ONE_TIME_PREKEY_EVERY_S, ONE_TIME_PREKEYS_PER_TOKEN, OpenOutcome,
    OwnerKey, PreKeysOutcome, PutOutcome, Quotas, StoredEnvelope, TOMBSTONE_S, Timestamp,
};

struct Row {
    envelope_id: EnvelopeId,
    ends: u64,
    blob: Option<Blob>,
}

struct Mailbox {
    owner: OwnerKey,
    seen_day: u64,
    rows: BTreeMap<u64, Row>,
    last: u64,
    acknowledged: u64,
    /// When each one-time prekey that a token was given stops to count.
    tokens: BTreeMap<[u8; 32], Vec<u64>>,
    bundle: Option<BundleBytes>,
    one_time: BTreeMap<u32, OneTimePreKeyEntry>,
    highest: Option<u32>,
}

impl Mailbox {
    fn waiting(&self) -> impl Iterator<Item = (&u64, &EnvelopeId, &Blob, u64)> {
        self.rows.iter().filter_map(|(at, row)| Some((at, &row.envelope_id, row.blob.as_ref()?, row.ends)))
    }

    fn has_room(&self, size: usize, quotas: &Quotas) -> bool {
        let bytes: usize = self.waiting().map(|(_, _, blob, _)| blob.as_bytes().len()).sum();
        self.waiting().count() < quotas.mailbox_envelopes as usize
            && (bytes + size) as u64 <= quotas.mailbox_bytes
    }
}

/// The maps.
pub(super) struct Model {
    mailboxes: BTreeMap<MailboxId, Mailbox>,
    quotas: Quotas,
}

const DAY_S: u64 = 24 * 3600;

impl Model {
    pub(super) const fn new(quotas: Quotas) -> Self {
        Self { mailboxes: BTreeMap::new(), quotas }
    }

    pub(super) fn open(&mut self, id: MailboxId, owner: OwnerKey, now: Timestamp) -> OpenOutcome {
        let mailbox = self.mailboxes.entry(id).or_insert_with(|| Mailbox {
            owner,
            seen_day: 0,
            rows: BTreeMap::new(),
            last: 0,
            acknowledged: 0,
            tokens: BTreeMap::new(),
            bundle: None,
            one_time: BTreeMap::new(),
            highest: None,
        });
        if mailbox.owner != owner {
            return OpenOutcome::Refused;
        }
        mailbox.seen_day = mailbox.seen_day.max(now.0 / DAY_S);
        OpenOutcome::Opened(MailboxState {
            acknowledged_through: Sequence(mailbox.acknowledged),
            one_time_left: mailbox.one_time.len() as u32,
            waiting: mailbox.waiting().count() as u32,
        })
    }

    pub(super) fn authorise(&self, id: MailboxId, token: TokenHash) -> bool {
        self.mailboxes.get(&id).is_some_and(|mailbox| mailbox.tokens.contains_key(token.as_bytes()))
    }

    pub(super) fn put(&mut self, envelope: NewEnvelope, now: Timestamp) -> PutOutcome {
        if !self.authorise(envelope.mailbox, envelope.token) {
            return PutOutcome::Forbidden;
        }
        let Some(mailbox) = self.mailboxes.get_mut(&envelope.mailbox) else { return PutOutcome::Forbidden };
        let known = mailbox.rows.iter().find(|(_, row)| row.envelope_id == envelope.envelope_id);
        if let Some((at, _)) = known {
            return PutOutcome::Repeated(Sequence(*at));
        }
        let size = envelope.blob.as_bytes().len();
        if !mailbox.has_room(size, &self.quotas) {
            mailbox.rows.retain(|_, row| row.blob.is_none() || row.ends > now.0);
        }
        if !mailbox.has_room(size, &self.quotas) {
            return PutOutcome::Full;
        }
        mailbox.last += 1;
        let NewEnvelope { envelope_id, expires, blob, .. } = envelope;
        mailbox.rows.insert(mailbox.last, Row { envelope_id, ends: expires.0, blob: Some(blob) });
        PutOutcome::Stored(Sequence(mailbox.last))
    }

    pub(super) fn fetch(
        &self,
        id: MailboxId,
        after: Sequence,
        count: u32,
        now: Timestamp,
    ) -> Vec<StoredEnvelope> {
        let Some(mailbox) = self.mailboxes.get(&id) else { return Vec::new() };
        let found = mailbox.waiting().filter(|(at, _, _, ends)| **at > after.0 && *ends > now.0);
        found
            .take(count as usize)
            .map(|(at, envelope_id, blob, _)| StoredEnvelope {
                sequence: Sequence(*at),
                envelope_id: *envelope_id,
                blob: blob.clone(),
            })
            .collect()
    }

    pub(super) fn acknowledge(&mut self, id: MailboxId, sequences: &[Sequence], now: Timestamp) {
        let Some(mailbox) = self.mailboxes.get_mut(&id) else { return };
        for at in sequences {
            let Some(row) = mailbox.rows.get_mut(&at.0).filter(|row| row.blob.is_some()) else { continue };
            (row.blob, row.ends) = (None, now.0 + TOMBSTONE_S);
            mailbox.acknowledged = mailbox.acknowledged.max(at.0);
        }
    }

    pub(super) fn add_tokens(&mut self, id: MailboxId, tokens: &[TokenHash]) -> ListOutcome {
        let Some(mailbox) = self.mailboxes.get_mut(&id) else { return ListOutcome::Full };
        let mut all = mailbox.tokens.clone();
        for token in tokens {
            all.entry(*token.as_bytes()).or_default();
        }
        if all.len() > self.quotas.mailbox_tokens as usize {
            return ListOutcome::Full;
        }
        mailbox.tokens = all;
        ListOutcome::Done
    }

    pub(super) fn revoke_tokens(&mut self, id: MailboxId, tokens: &[TokenHash]) {
        let Some(mailbox) = self.mailboxes.get_mut(&id) else { return };
        mailbox.tokens.retain(|kept, _| !tokens.iter().any(|token| token.as_bytes() == kept));
    }

    pub(super) fn publish(
        &mut self,
        id: MailboxId,
        bundle: BundleBytes,
        one_time: &[OneTimePreKeyEntry],
    ) -> ListOutcome {
        let Some(mailbox) = self.mailboxes.get_mut(&id) else { return ListOutcome::Full };
        let new = one_time.iter().filter(|entry| mailbox.highest.is_none_or(|highest| entry.id > highest));
        let mut all = mailbox.one_time.clone();
        all.extend(new.map(|entry| (entry.id, *entry)));
        if all.len() > self.quotas.mailbox_one_time_prekeys as usize {
            return ListOutcome::Full;
        }
        mailbox.highest = mailbox.highest.max(all.last_key_value().map(|(id, _)| *id));
        (mailbox.one_time, mailbox.bundle) = (all, Some(bundle));
        ListOutcome::Done
    }

    pub(super) fn take_prekeys(&mut self, id: MailboxId, token: TokenHash, now: Timestamp) -> PreKeysOutcome {
        let Some(mailbox) = self.mailboxes.get_mut(&id) else { return PreKeysOutcome::Forbidden };
        let Some(given) = mailbox.tokens.get_mut(token.as_bytes()) else { return PreKeysOutcome::Forbidden };
        let Some(bundle) = mailbox.bundle.clone() else { return PreKeysOutcome::NotPublished };
        given.retain(|counts_until| *counts_until > now.0);
        let first = mailbox.one_time.keys().next().copied();
        let one_time = first.filter(|_| given.len() < ONE_TIME_PREKEYS_PER_TOKEN as usize);
        let one_time = one_time.and_then(|id| mailbox.one_time.remove(&id));
        if one_time.is_some() {
            // One after the other, each so long.
            let from = given.last().copied().unwrap_or(now.0);
            given.push(from + ONE_TIME_PREKEY_EVERY_S);
        }
        PreKeysOutcome::Found(FetchedPreKeys { bundle, one_time })
    }

    pub(super) fn reap(&mut self, now: Timestamp) {
        let last = (now.0 / DAY_S).saturating_sub(self.quotas.mailbox_idle_days);
        self.mailboxes.retain(|_, mailbox| mailbox.seen_day >= last);
        for mailbox in self.mailboxes.values_mut() {
            mailbox.rows.retain(|_, row| row.ends > now.0);
        }
    }
}
