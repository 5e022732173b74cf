//! `POST /v1/turn`: STUN and TURN servers, with credentials that end.

use std::sync::Arc;

use axum::extract::State;
use sotto_wire::server::{ErrorCode, FetchTurn, TurnAnswer};

use super::{Answer, Input, Refusal};
use crate::app::App;
use crate::store::Timestamp;
use crate::stranger::random;

/// The servers that were configured; none if there are none.
pub async fn fetch(
    State(app): State<Arc<App>>,
    Input { client, .. }: Input<FetchTurn>,
) -> Result<Answer<TurnAnswer>, Refusal> {
    app.strangers.meeting(client.address)?;
    let nonce = random().map_err(|_| Refusal::new(ErrorCode::Unavailable))?;
    let answer = app.turn.answer(Timestamp::now(), nonce);
    answer.map(Answer::ok).map_err(|_| Refusal::new(ErrorCode::Internal))
}
