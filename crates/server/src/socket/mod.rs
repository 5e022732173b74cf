//! `/v1/socket`: a device and its mailbox.
//!
//! One task serves one socket and does one thing at a time: it answers a frame, or sends a few envelopes, or
//! waits. What a client can make it hold is bounded by what it is doing at the moment.

mod connection;
mod session;

use std::sync::Arc;

use axum::extract::{Extension, State, WebSocketUpgrade};
use axum::response::Response;
use sotto_wire::server::{CloseCode, ErrorCode, limits};

use crate::api::{Client, Refusal};
use crate::app::App;
use crate::serve::ConnectionPermit;
use crate::stranger::Abuse;
use connection::{Connection, End};

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
    app.strangers.meeting(client.address)?;
    // The connection is the proxy's then, and counts for nobody.
    let place = if client.proxied { Some(app.strangers.place(client.address)?) } else { None };
    let arrival = app.presence.arrive();
    let task = app.connections.token();
    Ok(upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER_MAX)
        .max_message_size(limits::SOCKET_MESSAGE_MAX)
        .max_frame_size(limits::SOCKET_MESSAGE_MAX)
        .on_upgrade(move |socket| async move {
            let mut connection = Connection::new(socket, app.send_timeout());
            let end = session::run(&app, &mut connection, &client, arrival).await;
            if let Some(abuse) = abuse(end) {
                app.abused(client.address, abuse);
            }
            connection.close(&app.metrics, end).await;
            drop((permit, place, task));
        }))
}

/// What a connection ended for, where no client of ours ends so.
const fn abuse(end: End) -> Option<Abuse> {
    match end {
        End::Because(CloseCode::Malformed) => Some(Abuse::Malformed),
        End::Because(CloseCode::Unauthenticated) => Some(Abuse::Unproven),
        End::Because(CloseCode::RateLimited) => Some(Abuse::Frames),
        End::Because(
            CloseCode::ShuttingDown
            | CloseCode::TooSlow
            | CloseCode::Displaced
            | CloseCode::UnsupportedVersion
            | CloseCode::Unavailable,
        )
        | End::Gone => None,
    }
}
