//! Mailboxes, their tokens and envelopes.

use std::collections::BTreeSet;

use rusqlite::types::Type;
use rusqlite::{Connection, Error, OptionalExtension, Result, params};
use sotto_wire::server::{Blob, EnvelopeId, MailboxId, Sequence, TokenHash};

use crate::store::{
    ListOutcome, MailboxState, NewEnvelope, OpenOutcome, OwnerKey, PutOutcome, Quotas, StoredEnvelope,
    TOMBSTONE_S, Timestamp,
};

const DAY_S: u64 = 24 * 3600;

/// A column that is not what we wrote.
pub(super) fn corrupt(column: usize) -> Error {
    Error::FromSqlConversionFailure(column, Type::Blob, "a stored value is out of its bounds".into())
}

/// SQLite's integers are signed; everything we count stays far below.
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A mailbox that is this key's already, and whether it was opened today.
pub(super) fn opened(
    db: &Connection,
    mailbox: MailboxId,
    owner: &OwnerKey,
    now: Timestamp,
) -> Result<Option<(MailboxState, bool)>> {
    db.prepare_cached(
        "SELECT acknowledged, waiting, (SELECT count(*) FROM one_time_prekey WHERE mailbox = mailbox.id),
                seen_day >= ?3
         FROM mailbox WHERE id = ?1 AND owner = ?2",
    )?
    .query_row(params![mailbox.as_bytes(), owner, day(now)], |row| {
        let acknowledged: u64 = row.get(0)?;
        let state = MailboxState {
            acknowledged_through: Sequence(acknowledged),
            waiting: row.get(1)?,
            one_time_left: row.get(2)?,
        };
        Ok((state, row.get(3)?))
    })
    .optional()
}

fn day(now: Timestamp) -> i64 {
    int(now.0.div_euclid(DAY_S))
}

pub(super) fn open(
    db: &Connection,
    mailbox: MailboxId,
    owner: &OwnerKey,
    now: Timestamp,
) -> Result<OpenOutcome> {
    db.prepare_cached(
        "INSERT INTO mailbox (id, owner, seen_day) VALUES (?1, ?2, ?3)
         ON CONFLICT (id) DO UPDATE SET seen_day = max(seen_day, excluded.seen_day) WHERE owner = excluded.owner",
    )?
    .execute(params![mailbox.as_bytes(), owner, day(now)])?;
    let opened = opened(db, mailbox, owner, now)?;
    Ok(opened.map_or(OpenOutcome::Refused, |(state, _)| OpenOutcome::Opened(state)))
}

pub(super) fn known(db: &Connection, mailbox: MailboxId) -> Result<bool> {
    db.prepare_cached("SELECT 1 FROM mailbox WHERE id = ?1")?.exists(params![mailbox.as_bytes()])
}

/// One lookup of one key, whatever exists.
pub(super) fn authorised(db: &Connection, mailbox: MailboxId, token: TokenHash) -> Result<bool> {
    db.prepare_cached("SELECT 1 FROM token WHERE mailbox = ?1 AND hash = ?2")?
        .exists(params![mailbox.as_bytes(), token.as_bytes()])
}

pub(super) fn put(
    db: &Connection,
    envelope: &NewEnvelope,
    now: Timestamp,
    quotas: &Quotas,
) -> Result<PutOutcome> {
    let mailbox = envelope.mailbox.as_bytes();
    if !authorised(db, envelope.mailbox, envelope.token)? {
        return Ok(PutOutcome::Forbidden);
    }
    let first: Option<u64> = db
        .prepare_cached("SELECT sequence FROM envelope WHERE mailbox = ?1 AND envelope_id = ?2")?
        .query_row(params![mailbox, envelope.envelope_id.as_bytes()], |row| row.get(0))
        .optional()?;
    if let Some(first) = first {
        return Ok(PutOutcome::Repeated(Sequence(first)));
    }
    let size = u64::try_from(envelope.blob.as_bytes().len()).unwrap_or(u64::MAX);
    let mut sequence = take_room(db, envelope.mailbox, size, quotas)?;
    if sequence.is_none() {
        expire(db, envelope.mailbox, now)?;
        sequence = take_room(db, envelope.mailbox, size, quotas)?;
    }
    let Some(sequence) = sequence else { return Ok(PutOutcome::Full) };
    db.prepare_cached(
        "INSERT INTO envelope (mailbox, sequence, envelope_id, expires, blob) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        mailbox,
        int(sequence),
        envelope.envelope_id.as_bytes(),
        int(envelope.expires.0),
        envelope.blob.as_bytes()
    ])?;
    Ok(PutOutcome::Stored(Sequence(sequence)))
}

/// The next position in a mailbox, if one more of this size fits.
fn take_room(db: &Connection, mailbox: MailboxId, size: u64, quotas: &Quotas) -> Result<Option<u64>> {
    db.prepare_cached(
        "UPDATE mailbox SET next_sequence = next_sequence + 1, waiting = waiting + 1,
                            waiting_bytes = waiting_bytes + ?2
         WHERE id = ?1 AND waiting < ?3 AND waiting_bytes + ?2 <= ?4 RETURNING next_sequence - 1",
    )?
    .query_row(
        params![mailbox.as_bytes(), int(size), quotas.mailbox_envelopes, int(quotas.mailbox_bytes)],
        |row| row.get(0),
    )
    .optional()
}

/// Removes what has expired in one mailbox: a full mailbox must not wait for the reaper.
fn expire(db: &Connection, mailbox: MailboxId, now: Timestamp) -> Result<()> {
    let ended = params![mailbox.as_bytes(), int(now.0)];
    let (count, bytes) = db
        .prepare_cached(
            "SELECT count(*), coalesce(sum(length(blob)), 0) FROM envelope
             WHERE mailbox = ?1 AND blob IS NOT NULL AND expires <= ?2",
        )?
        .query_row(ended, |row| Ok((row.get(0)?, row.get(1)?)))?;
    db.prepare_cached("DELETE FROM envelope WHERE mailbox = ?1 AND blob IS NOT NULL AND expires <= ?2")?
        .execute(ended)?;
    no_longer_waiting(db, mailbox.as_bytes(), count, bytes)
}

/// Takes envelopes out of a mailbox's counters.
pub(super) fn no_longer_waiting(db: &Connection, mailbox: &[u8], count: i64, bytes: i64) -> Result<()> {
    db.prepare_cached(
        "UPDATE mailbox SET waiting = waiting - ?2, waiting_bytes = waiting_bytes - ?3 WHERE id = ?1",
    )?
    .execute(params![mailbox, count, bytes])?;
    Ok(())
}

pub(super) fn fetch(
    db: &Connection,
    mailbox: MailboxId,
    after: Sequence,
    count: u32,
    now: Timestamp,
) -> Result<Vec<StoredEnvelope>> {
    db.prepare_cached(
        "SELECT sequence, envelope_id, blob FROM envelope
         WHERE mailbox = ?1 AND sequence > ?2 AND blob IS NOT NULL AND expires > ?3
         ORDER BY sequence LIMIT ?4",
    )?
    .query_map(params![mailbox.as_bytes(), int(after.0), int(now.0), count], |row| {
        let blob: Vec<u8> = row.get(2)?;
        Ok(StoredEnvelope {
            sequence: Sequence(row.get(0)?),
            envelope_id: EnvelopeId::from_bytes(row.get(1)?),
            blob: Blob::new(blob).map_err(|_| corrupt(2))?,
        })
    })?
    .collect()
}

pub(super) fn acknowledge(
    db: &Connection,
    mailbox: MailboxId,
    sequences: &[Sequence],
    now: Timestamp,
) -> Result<()> {
    let forgotten = int(now.plus(TOMBSTONE_S).0);
    let mut size = db.prepare_cached(
        "SELECT length(blob) FROM envelope WHERE mailbox = ?1 AND sequence = ?2 AND blob IS NOT NULL",
    )?;
    let mut bury = db.prepare_cached(
        "UPDATE envelope SET blob = NULL, expires = ?3
         WHERE mailbox = ?1 AND sequence = ?2 AND blob IS NOT NULL",
    )?;
    let (mut count, mut bytes, mut highest) = (0_i64, 0_i64, 0_i64);
    for sequence in sequences {
        let at = int(sequence.0);
        let found: Option<i64> =
            size.query_row(params![mailbox.as_bytes(), at], |row| row.get(0)).optional()?;
        let Some(length) = found else { continue };
        bury.execute(params![mailbox.as_bytes(), at, forgotten])?;
        count = count.saturating_add(1);
        bytes = bytes.saturating_add(length);
        highest = highest.max(at);
    }
    if count == 0 {
        return Ok(());
    }
    db.prepare_cached(
        "UPDATE mailbox SET acknowledged = max(acknowledged, ?2), waiting = waiting - ?3,
                            waiting_bytes = waiting_bytes - ?4
         WHERE id = ?1",
    )?
    .execute(params![mailbox.as_bytes(), highest, count, bytes])?;
    Ok(())
}

pub(super) fn add_tokens(
    db: &Connection,
    mailbox: MailboxId,
    tokens: &[TokenHash],
    most: u32,
) -> Result<ListOutcome> {
    let mut new = BTreeSet::new();
    for token in tokens {
        if !authorised(db, mailbox, *token)? {
            new.insert(*token.as_bytes());
        }
    }
    let room = db
        .prepare_cached("UPDATE mailbox SET tokens = tokens + ?2 WHERE id = ?1 AND tokens + ?2 <= ?3")?
        .execute(params![mailbox.as_bytes(), new.len(), most])?;
    if room == 0 {
        return Ok(ListOutcome::Full);
    }
    let mut add = db.prepare_cached("INSERT INTO token (mailbox, hash) VALUES (?1, ?2)")?;
    for token in new {
        add.execute(params![mailbox.as_bytes(), token])?;
    }
    Ok(ListOutcome::Done)
}

pub(super) fn revoke_tokens(db: &Connection, mailbox: MailboxId, tokens: &[TokenHash]) -> Result<()> {
    let mut remove = db.prepare_cached("DELETE FROM token WHERE mailbox = ?1 AND hash = ?2")?;
    let mut removed = 0_usize;
    for token in tokens {
        removed = removed.saturating_add(remove.execute(params![mailbox.as_bytes(), token.as_bytes()])?);
    }
    db.prepare_cached("UPDATE mailbox SET tokens = tokens - ?2 WHERE id = ?1")?
        .execute(params![mailbox.as_bytes(), removed])?;
    Ok(())
}
