//! `POST /v1/prekeys`: what begins a session with a device, for those it gave a token.

use std::sync::Arc;

use axum::extract::State;
use sotto_wire::server::{ErrorCode, FetchPreKeys, FetchedPreKeys};

use super::{Answer, Input, Refusal};
use crate::app::App;
use crate::store::{PreKeysOutcome, Timestamp};

/// The bundle and, while the token's share lasts, one one-time prekey.
pub async fn fetch(
    State(app): State<Arc<App>>,
    Input { client, message: fetch }: Input<FetchPreKeys>,
) -> Result<Answer<FetchedPreKeys>, Refusal> {
    app.strangers.meeting(client.address)?;
    match app.store.take_prekeys(fetch.mailbox, fetch.token.hash(), Timestamp::now()).await? {
        PreKeysOutcome::Found(found) => Ok(Answer::ok(found)),
        PreKeysOutcome::NotPublished => Err(Refusal::new(ErrorCode::NotFound)),
        PreKeysOutcome::Forbidden => Err(Refusal::new(ErrorCode::Forbidden)),
    }
}
