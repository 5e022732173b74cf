//! Removes what has ended, some at a time, so that nobody waits long behind it.

use rusqlite::{Connection, Result, params};
use sotto_wire::server::limits;

use super::mailbox::{int, no_longer_waiting};
use crate::store::Timestamp;

/// Rows of each kind in one call.
const BATCH: u32 = 500;

/// Mailboxes in one call; each may bring a thousand envelopes.
const MAILBOXES: u32 = 4;

/// Pages given back to the file system in one call.
const PAGES: u32 = 2_000;

const DAY_S: u64 = 24 * 3600;

pub(super) fn reap(db: &Connection, now: Timestamp, idle_days: u64) -> Result<bool> {
    let mut more = envelopes(db, now)?;
    more |= invites(db, now)?;
    more |= mailboxes(db, now, idle_days)?;
    // Returns a row for each page it freed.
    let mut vacuum = db.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
    let mut freed = vacuum.query([])?;
    while freed.next()?.is_some() {}
    Ok(more)
}

fn envelopes(db: &Connection, now: Timestamp) -> Result<bool> {
    let mut ended = db.prepare_cached(
        "DELETE FROM envelope WHERE rowid IN (SELECT rowid FROM envelope WHERE expires <= ?1 LIMIT ?2)
         RETURNING mailbox, length(blob)",
    )?;
    let rows: Vec<(Vec<u8>, Option<i64>)> = ended
        .query_map(params![int(now.0), BATCH], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_>>()?;
    for (mailbox, waiting) in &rows {
        if let Some(bytes) = waiting {
            no_longer_waiting(db, mailbox, 1, *bytes)?;
        }
    }
    Ok(u32::try_from(rows.len()) == Ok(BATCH))
}

fn invites(db: &Connection, now: Timestamp) -> Result<bool> {
    let ended = db
        .prepare_cached(
            "DELETE FROM invite WHERE rowid IN (SELECT rowid FROM invite WHERE expires <= ?1 LIMIT ?2)",
        )?
        .execute(params![int(now.0), BATCH])?;
    let answered = now.minus(limits::INVITE_REDEEM_AGAIN_S);
    let emptied = db
        .prepare_cached(
            "UPDATE invite SET bundle = NULL, redeem_id = NULL WHERE rowid IN
                (SELECT rowid FROM invite WHERE redeem_id IS NOT NULL AND used_at <= ?1 LIMIT ?2)",
        )?
        .execute(params![int(answered.0), BATCH])?;
    Ok(u32::try_from(ended.max(emptied)) == Ok(BATCH))
}

fn mailboxes(db: &Connection, now: Timestamp, idle_days: u64) -> Result<bool> {
    let last = int(now.0.div_euclid(DAY_S)).saturating_sub(int(idle_days));
    let ids: Vec<Vec<u8>> = db
        .prepare_cached("SELECT id FROM mailbox WHERE seen_day < ?1 LIMIT ?2")?
        .query_map(params![last, MAILBOXES], |row| row.get(0))?
        .collect::<Result<_>>()?;
    for id in &ids {
        for statement in [
            "DELETE FROM envelope WHERE mailbox = ?1",
            "DELETE FROM token WHERE mailbox = ?1",
            "DELETE FROM one_time_prekey WHERE mailbox = ?1",
            "DELETE FROM mailbox WHERE id = ?1",
        ] {
            db.prepare_cached(statement)?.execute(params![id])?;
        }
    }
    Ok(u32::try_from(ids.len()) == Ok(MAILBOXES))
}
