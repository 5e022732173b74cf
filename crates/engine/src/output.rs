//! What a client wants done.

use sotto_crypto::file::{FileKey, FilePass};
use sotto_wire::peer::Signal;

use crate::{Changes, Event, FileId, LinkId, LocalFile, RequestId, Store};

/// One thing to do. They are carried out strictly in the order in which they are polled: nothing behind a
/// `Persist` starts before it is durable. While there is no room, the driver tries again and everything behind waits; when
/// it fails otherwise, nothing behind it is done at all: the driver stops the client and shows why.
#[derive(Debug)]
pub enum Output {
    /// Make all of these changes durable in one transaction, or none.
    Persist(Changes),
    /// Do something to the socket to the server.
    Socket(SocketAction),
    /// Do something to a link.
    Link(LinkId, LinkAction),
    /// Do something to the transfer of a file.
    Transfer(FileId, TransferAction),
    /// Ask for something that is answered later by `Input::Done`, exactly once.
    Request(RequestId, Request),
    /// Tell the screen.
    Event(Event),
    /// A line for the log: that something was refused, and why. Never content, names, ids or addresses.
    Log(&'static str),
}

/// What to do with the socket to the server; there is at most one.
pub enum SocketAction {
    /// Open it. Answered by `SocketEvent::Opened` or `SocketEvent::Closed`.
    Open,
    /// Send one binary message.
    Send(Vec<u8>),
    /// Close it. Answered by `SocketEvent::Closed`.
    Close,
}

/// What to do with a link.
pub enum LinkAction {
    /// Make it. Both sides make the same two pre-negotiated channels, control and files, so no side has to wait
    /// for the other's.
    Open {
        /// In perfect negotiation (W3C WebRTC, example 10.7) the polite side gives way on collision.
        polite: bool,
        /// Whether to offer now, or to wait for the other side's offer.
        initiate: bool,
        /// STUN and TURN servers; may be empty.
        ice_servers: Vec<IceServer>,
        /// Use TURN candidates only.
        relay_only: bool,
    },
    /// Seek another path with these servers (ICE restart, RFC 8445 section 9); what there is goes on meanwhile.
    Restart {
        /// STUN and TURN servers; may be empty.
        ice_servers: Vec<IceServer>,
    },
    /// Say what it has moved. Answered by `LinkEvent::Examined`, unless it ends before.
    Examine,
    /// A signal came from the other side.
    Signal(Signal),
    /// Send one message on the control channel.
    Send(Vec<u8>),
    /// Close it for good.
    Close,
}

/// A STUN or TURN server (RFC 7064, RFC 7065).
#[derive(Clone, PartialEq, Eq)]
pub struct IceServer {
    /// `stun:`, `turn:` or `turns:` URLs.
    pub urls: Vec<String>,
    /// User name and credential, for TURN.
    pub credential: Option<(String, String)>,
}

/// What to do with the transfer of a file.
pub enum TransferAction {
    /// Read a picked file, seal its chunks and send them over the link's file channel.
    Send {
        /// The link whose file channel carries it.
        link: LinkId,
        /// The picked file.
        file: LocalFile,
        /// Its id, key and size, as promised in the manifest.
        pass: FilePass,
    },
    /// Expect chunks on the link's file channel, open them, and keep their ciphertext on disk.
    Receive {
        /// The link whose file channel carries it.
        link: LinkId,
        /// Its one-time key.
        key: FileKey,
        /// Plaintext bytes promised in the manifest.
        size: u64,
    },
    /// Stop, tell the other side's worker, and delete what was received. Answered by nothing.
    Cancel,
    /// A received and verified file may be read now: this is what opens it.
    Open {
        /// Its one-time key.
        key: FileKey,
        /// Plaintext bytes.
        size: u64,
    },
    /// Delete a received file. Answered by nothing.
    Delete,
    /// The picked file is not needed any more.
    Release(LocalFile),
}

impl core::fmt::Debug for TransferAction {
    /// Without the file's key.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Send { link, pass, .. } => write!(f, "Send({link:?}, {} bytes)", pass.header().size()),
            Self::Receive { link, size, .. } => write!(f, "Receive({link:?}, {size} bytes)"),
            Self::Open { size, .. } => write!(f, "Open({size} bytes)"),
            Self::Cancel => f.write_str("Cancel"),
            Self::Delete => f.write_str("Delete"),
            Self::Release(file) => write!(f, "Release({file:?})"),
        }
    }
}

/// What to ask for.
pub enum Request {
    /// `POST` a CBOR body to a path of the server, without credentials.
    Post {
        /// The path, beginning with `/v1/`.
        path: &'static str,
        /// The body.
        body: Vec<u8>,
        /// The longest answer worth reading, in bytes; a longer one is `Unreachable`.
        limit: usize,
    },
    /// Read records of a store whose keys begin with a prefix.
    Read {
        /// Which store.
        store: Store,
        /// What the keys begin with.
        prefix: Vec<u8>,
        /// Only keys smaller than this one.
        before: Option<Vec<u8>>,
        /// At most so many, the greatest keys first chosen, returned in ascending order.
        limit: u32,
    },
}
