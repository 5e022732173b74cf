//! Invites: open, then used, then gone.

use rusqlite::{Connection, OptionalExtension, Result, params};
use sotto_wire::server::{
    CreateInvite, InviteBundle, InviteCard, InviteCardAnswer, InviteId, OwnerHash, RedeemId, limits,
};

use super::mailbox::{corrupt, int};
use crate::store::{CreateOutcome, InviteOutcome, Timestamp};

pub(super) fn create(db: &Connection, invite: &CreateInvite, now: Timestamp) -> Result<CreateOutcome> {
    let id = invite.invite_id.as_bytes();
    db.prepare_cached("DELETE FROM invite WHERE id = ?1 AND expires <= ?2")?
        .execute(params![id, int(now.0)])?;
    let latest = now.plus(limits::INVITE_LIFETIME_MAX_S).0;
    db.prepare_cached(
        "INSERT OR IGNORE INTO invite (id, owner_hash, expires, card, bundle) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        id,
        invite.owner_hash.as_bytes(),
        int(invite.expires_at.min(latest)),
        invite.card.as_bytes(),
        invite.bundle.as_bytes()
    ])?;
    let ours = db
        .prepare_cached("SELECT 1 FROM invite WHERE id = ?1 AND owner_hash = ?2")?
        .exists(params![id, invite.owner_hash.as_bytes()])?;
    Ok(if ours { CreateOutcome::Created } else { CreateOutcome::Conflict })
}

pub(super) fn card(
    db: &Connection,
    invite: InviteId,
    now: Timestamp,
) -> Result<InviteOutcome<InviteCardAnswer>> {
    let found = db
        .prepare_cached(
            "SELECT card, expires, used_at IS NOT NULL FROM invite WHERE id = ?1 AND expires > ?2",
        )?
        .query_row(params![invite.as_bytes(), int(now.0)], |row| {
            let (card, expires_at, used): (Option<Vec<u8>>, u64, bool) =
                (row.get(0)?, row.get(1)?, row.get(2)?);
            if used {
                return Ok(InviteOutcome::Used);
            }
            let card = card.and_then(|card| InviteCard::new(card).ok()).ok_or_else(|| corrupt(0))?;
            Ok(InviteOutcome::Open(InviteCardAnswer { card, expires_at }))
        })
        .optional()?;
    Ok(found.unwrap_or(InviteOutcome::Gone))
}

pub(super) fn redeem(
    db: &Connection,
    invite: InviteId,
    attempt: RedeemId,
    now: Timestamp,
) -> Result<InviteOutcome<InviteBundle>> {
    let at = params![invite.as_bytes(), attempt.as_bytes(), int(now.0)];
    db.prepare_cached(
        "UPDATE invite SET used_at = ?3, redeem_id = ?2, card = NULL
         WHERE id = ?1 AND expires > ?3 AND used_at IS NULL",
    )?
    .execute(at)?;
    let again = int(now.minus(limits::INVITE_REDEEM_AGAIN_S).0);
    let found = db
        .prepare_cached(
            "SELECT CASE WHEN redeem_id = ?2 AND used_at > ?4 THEN bundle END FROM invite
             WHERE id = ?1 AND expires > ?3",
        )?
        .query_row(params![invite.as_bytes(), attempt.as_bytes(), int(now.0), again], |row| {
            let bundle: Option<Vec<u8>> = row.get(0)?;
            let Some(bundle) = bundle else { return Ok(InviteOutcome::Used) };
            Ok(InviteOutcome::Open(InviteBundle::new(bundle).map_err(|_| corrupt(0))?))
        })
        .optional()?;
    Ok(found.unwrap_or(InviteOutcome::Gone))
}

pub(super) fn revoke(
    db: &Connection,
    invite: InviteId,
    owner: OwnerHash,
    now: Timestamp,
) -> Result<InviteOutcome<()>> {
    let used = db
        .prepare_cached(
            "SELECT used_at IS NOT NULL FROM invite WHERE id = ?1 AND owner_hash = ?2 AND expires > ?3",
        )?
        .query_row(params![invite.as_bytes(), owner.as_bytes(), int(now.0)], |row| row.get(0))
        .optional()?;
    match used {
        None => Ok(InviteOutcome::Gone),
        Some(true) => Ok(InviteOutcome::Used),
        Some(false) => {
            db.prepare_cached("DELETE FROM invite WHERE id = ?1")?.execute(params![invite.as_bytes()])?;
            Ok(InviteOutcome::Open(()))
        }
    }
}
