//! `/v1/socket`: a device and its mailbox.
//!
//! One task serves one socket and does one thing at a time: it answers a frame, or sends a few envelopes, or
//! waits. What a client can make it hold is bounded by what it is doing at the moment.

mod connection;
mod session;

use std::sync::Arc;

use axum::extract::{Extension, State, WebSocketUpgrade};
use axum::response::Response;
use sotto_wire::server::{ErrorCode, limits};

use crate::api::{Client, Refusal};
use crate::app::App;
use crate::rate::Kind;
use crate::serve::ConnectionPermit;
use connection::Connection;

/// Small from the beginning: the defaults (128 KiB to read, no limit to write) are per socket.
const READ_BUFFER: usize = 4 * 1024;
const WRITE_BUFFER: usize = 8 * 1024;
const WRITE_BUFFER_MAX: usize = 256 * 1024;

/// Turns a request of a page of ours into a socket.
pub async fn upgrade(
    State(app): State<Arc<App>>,
    client: Client,
    permit: Option<Extension<ConnectionPermit>>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Result<Response, Refusal> {
    let upgrade = upgrade.map_err(|_| Refusal::new(ErrorCode::Malformed))?;
    app.rates.address(Kind::Meeting, client.address)?;
    let task = app.connections.token();
    Ok(upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER_MAX)
        .max_message_size(limits::SOCKET_MESSAGE_MAX)
        .max_frame_size(limits::SOCKET_MESSAGE_MAX)
        .on_upgrade(move |socket| async move {
            let mut connection = Connection::new(socket, app.send_timeout());
            let end = session::run(&app, &mut connection, &client.origin).await;
            connection.close(&app.metrics, end).await;
            drop((permit, task));
        }))
}
