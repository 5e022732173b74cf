//! Frames over a WebSocket, with a limit on how long a client may take.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message as Raw, WebSocket};
use futures_util::SinkExt as _;
use sotto_wire::server::{ClientFrame, CloseCode, Message, ServerFrame};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use crate::metrics::Metrics;

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The client went, or its network did.
    Gone,
    /// We close it, and say why.
    Because(CloseCode),
}

/// What came from the client.
#[derive(Debug)]
pub(super) enum Received {
    Frame(ClientFrame),
    /// A ping or pong: it is there.
    Alive,
}

/// Tells a client that sent something wrong from one whose network broke.
fn broken(error: &axum::Error) -> End {
    use tungstenite::error::{Error, ProtocolError};
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref());
    match source {
        Some(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => End::Gone,
        Some(Error::Capacity(_) | Error::Protocol(_) | Error::Utf8(_)) => End::Because(CloseCode::Malformed),
        _ => End::Gone,
    }
}

fn in_time(sent: Result<Result<(), axum::Error>, Elapsed>) -> Result<(), End> {
    match sent {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Gone),
        Err(_) => Err(End::Because(CloseCode::TooSlow)),
    }
}

pub(super) struct Connection {
    socket: WebSocket,
    send_timeout: Duration,
}

impl Connection {
    pub(super) const fn new(socket: WebSocket, send_timeout: Duration) -> Self {
        Self { socket, send_timeout }
    }

    /// The next thing from the client. May be dropped while waiting without losing anything.
    pub(super) async fn receive(&mut self) -> Result<Received, End> {
        match self.socket.recv().await {
            Some(Ok(Raw::Binary(bytes))) => match ClientFrame::decode(&bytes) {
                Ok(frame) => Ok(Received::Frame(frame)),
                Err(error) => {
                    tracing::debug!(%error, "a frame was refused");
                    Err(End::Because(CloseCode::Malformed))
                }
            },
            Some(Ok(Raw::Ping(_) | Raw::Pong(_))) => Ok(Received::Alive),
            Some(Ok(Raw::Text(_))) => Err(End::Because(CloseCode::Malformed)),
            Some(Ok(Raw::Close(_))) | None => Err(End::Gone),
            Some(Err(error)) => Err(broken(&error)),
        }
    }

    /// Sends a frame and waits until the network took it.
    pub(super) async fn send(&mut self, frame: &ServerFrame) -> Result<(), End> {
        self.send_raw(Raw::Binary(frame.encode().into())).await
    }

    /// Begins to send a frame; what is small waits for [`flush`](Self::flush), to leave in one packet.
    pub(super) async fn feed(&mut self, frame: &ServerFrame) -> Result<(), End> {
        let message = Raw::Binary(frame.encode().into());
        in_time(timeout(self.send_timeout, self.socket.feed(message)).await)
    }

    /// Waits until the network took what was fed.
    pub(super) async fn flush(&mut self) -> Result<(), End> {
        in_time(timeout(self.send_timeout, self.socket.flush()).await)
    }

    pub(super) async fn ping(&mut self) -> Result<(), End> {
        self.send_raw(Raw::Ping(Vec::new().into())).await
    }

    async fn send_raw(&mut self, message: Raw) -> Result<(), End> {
        in_time(timeout(self.send_timeout, self.socket.send(message)).await)
    }

    /// Says why, waits a moment for the client to take it, and drops the connection.
    pub(super) async fn close(mut self, metrics: &Metrics, end: End) {
        let End::Because(code) = end else { return };
        match code {
            CloseCode::TooSlow => {
                // Its buffers are full: there is no way to tell it.
                metrics.sockets_slow_total.add();
                return;
            }
            CloseCode::Malformed => metrics.sockets_malformed_total.add(),
            CloseCode::ShuttingDown
            | CloseCode::Unauthenticated
            | CloseCode::Displaced
            | CloseCode::UnsupportedVersion
            | CloseCode::RateLimited
            | CloseCode::Unavailable => {}
        }
        let frame = CloseFrame { code: code.code(), reason: "".into() };
        let farewell = async {
            if self.socket.send(Raw::Close(Some(frame))).await.is_ok() {
                // Until the client closes too, so that the reason is not lost behind unread data.
                while let Some(Ok(_)) = self.socket.recv().await {}
            }
        };
        // Whether it worked makes no difference: the connection is dropped.
        drop(timeout(Duration::from_secs(2), farewell).await);
    }
}
