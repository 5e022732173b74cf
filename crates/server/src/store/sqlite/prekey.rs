//! Prekey bundles and one-time prekeys.

use rusqlite::{Connection, OptionalExtension, Result, params};
use sotto_wire::server::{BundleBytes, FetchedPreKeys, MailboxId, OneTimePreKeyEntry, TokenHash};

use super::mailbox::{authorised, corrupt};
use crate::store::{ListOutcome, PreKeysOutcome};

pub(super) fn publish(
    db: &Connection,
    mailbox: MailboxId,
    bundle: &BundleBytes,
    one_time: &[OneTimePreKeyEntry],
    most: u32,
) -> Result<ListOutcome> {
    let at = mailbox.as_bytes();
    let (kept, highest): (u32, i64) = db
        .prepare_cached(
            "SELECT (SELECT count(*) FROM one_time_prekey WHERE mailbox = mailbox.id), one_time_highest
             FROM mailbox WHERE id = ?1",
        )?
        .query_row(params![at], |row| Ok((row.get(0)?, row.get(1)?)))?;
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

pub(super) fn take(db: &Connection, mailbox: MailboxId, token: TokenHash) -> Result<PreKeysOutcome> {
    if !authorised(db, mailbox, token)? {
        return Ok(PreKeysOutcome::Forbidden);
    }
    let bundle: Option<Vec<u8>> = db
        .prepare_cached("SELECT bundle FROM mailbox WHERE id = ?1")?
        .query_row(params![mailbox.as_bytes()], |row| row.get(0))
        .optional()?
        .flatten();
    let Some(bundle) = bundle else { return Ok(PreKeysOutcome::NotPublished) };
    let one_time = db
        .prepare_cached(
            "DELETE FROM one_time_prekey WHERE mailbox = ?1
             AND id = (SELECT min(id) FROM one_time_prekey WHERE mailbox = ?1) RETURNING id, key",
        )?
        .query_row(params![mailbox.as_bytes()], |row| {
            let key: [u8; 33] = row.get(1)?;
            Ok(OneTimePreKeyEntry { id: row.get(0)?, key: key.into() })
        })
        .optional()?;
    let bundle = BundleBytes::new(bundle).map_err(|_| corrupt(0))?;
    Ok(PreKeysOutcome::Found(FetchedPreKeys { bundle, one_time }))
}
