//! The requests of `/v1`, apart from the socket.

mod body;
mod envelopes;
mod invites;
mod prekeys;
mod refusal;
mod turn;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use sotto_wire::server::{ErrorCode, path};

pub use body::{Answer, Client, Input};
pub use refusal::Refusal;

use crate::app::App;
use crate::socket;

/// Everything under `/v1`.
pub fn router() -> Router<Arc<App>> {
    let refuse_method = || async { Refusal::new(ErrorCode::MethodNotAllowed) };
    let refuse_path = || async { Refusal::new(ErrorCode::NotFound) };
    Router::new()
        .route(path::SOCKET, get(socket::upgrade))
        .route(path::ENVELOPES, post(envelopes::put))
        .route(path::INVITES, post(invites::create))
        .route(path::INVITE_CARD, post(invites::card))
        .route(path::INVITE_REDEEM, post(invites::redeem))
        .route(path::INVITE_REVOKE, post(invites::revoke))
        .route(path::PREKEYS, post(prekeys::fetch))
        .route(path::TURN, post(turn::fetch))
        .method_not_allowed_fallback(refuse_method)
        .route("/v1", axum::routing::any(refuse_path))
        .route("/v1/{*rest}", axum::routing::any(refuse_path))
}
