//! Prekey bundles and one-time prekeys.

use rusqlite::{Connection, OptionalExtension, Result, params};
use sotto_wire::server::{BundleBytes, FetchedPreKeys, MailboxId, OneTimePreKeyEntry, TokenHash};

use super::mailbox::{corrupt, int};
use crate::store::{
    ListOutcome, ONE_TIME_PREKEY_EVERY_S, ONE_TIME_PREKEYS_PER_TOKEN, PreKeysOutcome, Timestamp,
};

pub(super) fn publish(
    db: &Connection,
    mailbox: MailboxId,
    bundle: &BundleBytes,
    one_time: &[OneTimePreKeyEntry],
    most: u32,
) -> Result<ListOutcome> {
    let at = mailbox.as_bytes();
    let found: Option<(u32, i64)> = db
        .prepare_cached(
            "SELECT (SELECT count(*) FROM one_time_prekey WHERE mailbox = mailbox.id), one_time_highest
             FROM mailbox WHERE id = ?1",
        )?
        .query_row(params![at], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((kept, highest)) = found else { return Ok(ListOutcome::Full) };
    // Ids only rise, so that a repeated publication cannot bring back a key that was handed out.
    let new: Vec<_> = one_time.iter().filter(|entry| i64::from(entry.id) > highest).collect();
    let total = u32::try_from(new.len()).unwrap_or(u32::MAX).saturating_add(kept);
    if total > most {
        return Ok(ListOutcome::Full);
    }
    let mut add =
        db.prepare_cached("INSERT OR IGNORE INTO one_time_prekey (mailbox, id, key) VALUES (?1, ?2, ?3)")?;
    for entry in &new {
        add.execute(params![at, entry.id, &*entry.key])?;
    }
    let highest = new.iter().map(|entry| i64::from(entry.id)).max().unwrap_or(highest);
    db.prepare_cached("UPDATE mailbox SET bundle = ?2, one_time_highest = ?3 WHERE id = ?1")?
        .execute(params![at, bundle.as_bytes(), highest])?;
    Ok(ListOutcome::Done)
}

pub(super) fn take(
    db: &Connection,
    mailbox: MailboxId,
    token: TokenHash,
    now: Timestamp,
) -> Result<PreKeysOutcome> {
    let whole_at = db
        .prepare_cached("SELECT one_time_whole_at FROM token WHERE mailbox = ?1 AND hash = ?2")?
        .query_row(params![mailbox.as_bytes(), token.as_bytes()], |row| row.get(0))
        .optional()?;
    let Some(whole_at) = whole_at else { return Ok(PreKeysOutcome::Forbidden) };
    let bundle: Option<Vec<u8>> = db
        .prepare_cached("SELECT bundle FROM mailbox WHERE id = ?1")?
        .query_row(params![mailbox.as_bytes()], |row| row.get(0))
        .optional()?
        .flatten();
    let Some(bundle) = bundle else { return Ok(PreKeysOutcome::NotPublished) };
    let one_time = match after_one_more(Timestamp(whole_at), now) {
        Some(whole_at) => take_one_time(db, mailbox, token, whole_at)?,
        None => None,
    };
    let bundle = BundleBytes::new(bundle).map_err(|_| corrupt(0))?;
    Ok(PreKeysOutcome::Found(FetchedPreKeys { bundle, one_time }))
}

/// When a token's share is whole again if one more one-time prekey is given on it; none if it is used up.
fn after_one_more(whole_at: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let used_up = now.plus(ONE_TIME_PREKEYS_PER_TOKEN.saturating_mul(ONE_TIME_PREKEY_EVERY_S));
    // Later than used up is only what was written while the clock was ahead; it counts for nothing.
    let from = if whole_at > used_up { now } else { whole_at.max(now) };
    let after = from.plus(ONE_TIME_PREKEY_EVERY_S);
    (after <= used_up).then_some(after)
}

fn take_one_time(
    db: &Connection,
    mailbox: MailboxId,
    token: TokenHash,
    whole_at: Timestamp,
) -> Result<Option<OneTimePreKeyEntry>> {
    let taken = db
        .prepare_cached(
            "DELETE FROM one_time_prekey WHERE mailbox = ?1
             AND id = (SELECT min(id) FROM one_time_prekey WHERE mailbox = ?1) RETURNING id, key",
        )?
        .query_row(params![mailbox.as_bytes()], |row| {
            let key: [u8; 33] = row.get(1)?;
            Ok(OneTimePreKeyEntry { id: row.get(0)?, key: key.into() })
        })
        .optional()?;
    if taken.is_some() {
        db.prepare_cached("UPDATE token SET one_time_whole_at = ?3 WHERE mailbox = ?1 AND hash = ?2")?
            .execute(params![mailbox.as_bytes(), token.as_bytes(), int(whole_at.0)])?;
    }
    Ok(taken)
}
