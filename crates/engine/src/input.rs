//! What can happen to a client.

use sotto_wire::peer::Signal;

use crate::{Command, FileId, LinkId, LinkPath, Record, RequestId};

/// One thing that happened; see [`Client::handle`](crate::Client::handle).
#[derive(Debug)]
pub enum Input {
    /// The user wants something.
    Command(Command),
    /// Something happened to the socket that [`SocketAction::Open`](crate::SocketAction::Open) asked for.
    Socket(SocketEvent),
    /// Something happened to a link.
    Link(LinkId, LinkEvent),
    /// Something happened to the transfer of a file.
    Transfer(FileId, TransferEvent),
    /// A request was answered. Every request is answered exactly once.
    Done(RequestId, Response),
    /// [`Client::next_timeout`](crate::Client::next_timeout) has passed.
    Timeout,
    /// The page became visible again, came back from the back/forward cache, or the network changed: what
    /// looks connected may be dead.
    Wake,
    /// The browser says whether there is a network at all.
    Online(bool),
}

/// What happens to the socket to the server.
pub enum SocketEvent {
    /// The connection stands; the server speaks first.
    Opened,
    /// One binary message, not yet parsed.
    Message(Vec<u8>),
    /// The connection ended or never came to be. The code is RFC 6455's, 1006 where there was none.
    Closed {
        /// RFC 6455 section 7.4 or one of `sotto_wire::server`'s own.
        code: u16,
    },
}

/// What happens to a link.
pub enum LinkEvent {
    /// To be carried to the other side, encrypted and in session.
    Signal(Signal),
    /// The control channel is open in both directions.
    Opened,
    /// It is connected again, for instance after an ICE restart.
    Connected,
    /// How the bytes of an open link travel, once that is known and whenever it changes. No sign of life.
    Path(LinkPath),
    /// Nothing comes through any more; it may pass by itself.
    Disconnected,
    /// No candidate pair works any more: only an ICE restart can help. Of one that never opened: it cannot be made.
    Failed,
    /// What [`LinkAction::Examine`](crate::LinkAction::Examine) asked for.
    Examined(LinkFigures),
    /// One message on the control channel, not yet parsed.
    Message(Vec<u8>),
    /// The link is gone and will say nothing more.
    Closed,
}

/// What a link has moved, and how fast it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkFigures {
    /// Round trip of the last connectivity check, in microseconds, where the browser says it.
    pub round_trip_us: Option<u64>,
    /// Bytes sent so far on the selected candidate pair.
    pub sent: u64,
    /// Bytes received so far on it.
    pub received: u64,
}

/// What the worker that moves a file reports.
#[derive(Debug)]
pub enum TransferEvent {
    /// So many plaintext bytes are on the receiver's disk. At most ten a second.
    Progress(u64),
    /// Sender: every chunk left and was confirmed as written; the root of the hash tree over the ciphertext.
    Sent {
        /// Root of the hash tree (`protocol.md`, Files).
        root: [u8; 32],
    },
    /// Receiver: every chunk opened and is on disk; the root computed from what arrived.
    Received {
        /// Root of the hash tree (`protocol.md`, Files).
        root: [u8; 32],
    },
    /// The transfer ended early and its worker has forgotten it.
    Failed(TransferFailure),
}

/// Why a transfer ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferFailure {
    /// The picked file changed, moved or cannot be read any more.
    Unreadable,
    /// This device has no room for it.
    NoSpace,
    /// The storage refuses, or what moves files on this device has stopped.
    Storage,
    /// A chunk did not open, or came out of turn.
    Corrupt,
    /// The other side's worker gave up or the link closed.
    LinkLost,
}

/// The answer to a [`Request`](crate::Request).
pub enum Response {
    /// To `Post`: the server answered.
    Http {
        /// HTTP status.
        status: u16,
        /// Seconds from a `Retry-After` header.
        retry_after: Option<u32>,
        /// The body, not yet parsed; cut at the limit given in the request.
        body: Vec<u8>,
    },
    /// To `Post`: nobody answered, and whether the server acted is unknown.
    Unreachable,
    /// To `Read`: the records, in ascending order of their keys.
    Records(Vec<Record>),
    /// To `Read`: the storage failed.
    StorageFailed,
}
