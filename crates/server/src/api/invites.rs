//! `/v1/invites`: encrypted bundles behind a link, used once.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use sotto_wire::server::{
    Accepted, CreateInvite, ErrorCode, InviteCardAnswer, LookAtInvite, RedeemInvite, RedeemedInvite,
    RevokeInvite, limits,
};

use super::{Answer, Client, Input, Refusal};
use crate::app::App;
use crate::store::{CreateOutcome, InviteOutcome, Timestamp};
use crate::stranger::Cost;

/// How far ahead a client's clock may be, in seconds.
const CLOCK_S: u64 = 24 * 3600;

/// Stores an invite.
pub async fn create(
    State(app): State<Arc<App>>,
    Input { client, message: invite }: Input<CreateInvite>,
) -> Result<Answer<Accepted>, Refusal> {
    let now = Timestamp::now();
    let latest = now.plus(limits::INVITE_LIFETIME_MAX_S).plus(CLOCK_S);
    if invite.expires_at <= now.0 || invite.expires_at > latest.0 {
        return Err(Refusal::new(ErrorCode::Malformed));
    }
    limit(&app, &client)?;
    let cost = Cost::of(invite.card.as_bytes().len().saturating_add(invite.bundle.as_bytes().len()));
    app.may_store(client.address, cost)?;
    let created = app.store.create_invite(invite, now).await;
    if !matches!(created, Ok(CreateOutcome::Created)) {
        app.strangers.not_stored(client.address, cost);
    }
    match created? {
        CreateOutcome::Created => Ok(Answer::with(StatusCode::CREATED, Accepted {})),
        CreateOutcome::Conflict => Err(Refusal::new(ErrorCode::Conflict)),
    }
}

/// The name card, without using the invite up.
pub async fn card(
    State(app): State<Arc<App>>,
    Input { client, message: look }: Input<LookAtInvite>,
) -> Result<Answer<InviteCardAnswer>, Refusal> {
    limit(&app, &client)?;
    open(app.store.invite_card(look.invite_id, Timestamp::now()).await?).map(Answer::ok)
}

/// The bundle, once.
pub async fn redeem(
    State(app): State<Arc<App>>,
    Input { client, message: redeem }: Input<RedeemInvite>,
) -> Result<Answer<RedeemedInvite>, Refusal> {
    limit(&app, &client)?;
    let outcome = app.store.redeem_invite(redeem.invite_id, redeem.redeem_id, Timestamp::now()).await?;
    open(outcome).map(|bundle| Answer::ok(RedeemedInvite { bundle }))
}

/// Takes an invite back.
pub async fn revoke(
    State(app): State<Arc<App>>,
    Input { client, message: revoke }: Input<RevokeInvite>,
) -> Result<Answer<Accepted>, Refusal> {
    limit(&app, &client)?;
    let owner = revoke.owner_secret.hash();
    open(app.store.revoke_invite(revoke.invite_id, owner, Timestamp::now()).await?)
        .map(|()| Answer::ok(Accepted {}))
}

fn limit(app: &App, client: &Client) -> Result<(), Refusal> {
    Ok(app.strangers.meeting(client.address)?)
}

fn open<T>(outcome: InviteOutcome<T>) -> Result<T, Refusal> {
    match outcome {
        InviteOutcome::Open(value) => Ok(value),
        InviteOutcome::Used => Err(Refusal::new(ErrorCode::InviteUsed)),
        InviteOutcome::Gone => Err(Refusal::new(ErrorCode::InviteGone)),
    }
}
