//! Frames on the control channel of a link. DTLS, whose fingerprints were signalled in session, authenticates them.

use minicbor::{Decode, Encode};
use sotto_crypto::FileId;

use super::codec::{self, decode, encode};
use super::{PeerError, limits};
use crate::server::Opaque;

/// One message on the control channel.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub enum LinkFrame {
    /// The bytes of a [`Carried`](super::Carried).
    #[n(0)]
    Carried(#[n(0)] Opaque<1, { limits::CARRIED_MAX }>),
    /// Asks for a [`LinkFrame::Pong`] with the same number.
    #[n(1)]
    Ping {
        /// Repeated in the answer.
        #[n(0)]
        n: u32,
    },
    /// Answers [`LinkFrame::Ping`].
    #[n(2)]
    Pong {
        /// As sent.
        #[n(0)]
        n: u32,
    },
    /// From a file's sender: it is this file's turn.
    #[n(3)]
    FileStart {
        /// Which.
        #[n(0)]
        #[cbor(with = "codec::item")]
        file: FileId,
    },
    /// From its receiver: chunks may come.
    #[n(4)]
    FileReady {
        /// Which.
        #[n(0)]
        #[cbor(with = "codec::item")]
        file: FileId,
    },
    /// How the sender's bytes go, as its browser tells: each side knows for certain only its own end of a path.
    #[n(5)]
    Path {
        /// Whether through a TURN server.
        #[n(0)]
        relayed: bool,
    },
}

impl LinkFrame {
    /// The bytes to send.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads one message of the control channel.
    ///
    /// # Errors
    /// [`PeerError`]
    pub fn decode(bytes: &[u8]) -> Result<Self, PeerError> {
        decode(bytes, limits::LINK_FRAME_MAX)
    }
}
