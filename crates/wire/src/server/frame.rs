//! Frames of the WebSocket `/v1/socket`, one in each binary message.
//!
//! The server speaks first ([`ServerFrame::Challenge`]), the client answers with
//! [`ClientFrame::Authenticate`], and then either side sends as it likes. Each frame is a CBOR array of its
//! type and a map of its fields.

use crate::FixedBytes;
use minicbor::{Decode, Encode};

use super::codec::{List, Opaque, message};
use super::id::{DeviceId, EnvelopeId, ListedToken, MailboxId, Nonce, Sequence, item};
use super::{Blob, ErrorCode, limits};

/// A signed prekey bundle as its device made it; the server does not look inside.
pub type BundleBytes = Opaque<1, { limits::BUNDLE_MAX }>;

/// Sequences of one acknowledgement.
pub type Sequences = List<Sequence, { limits::ACKNOWLEDGE_MAX }>;

/// Token hashes of one frame.
pub type TokenHashes = List<ListedToken, { limits::TOKENS_PER_FRAME_MAX }>;

/// One-time prekeys of one frame.
pub type OneTimePreKeys = List<OneTimePreKeyEntry, { limits::ONE_TIME_PREKEYS_MAX }>;

/// The public half of a one-time prekey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct OneTimePreKeyEntry {
    /// Its id, unique within the device.
    #[n(0)]
    pub id: u32,
    /// Compressed SEC1 point.
    #[n(1)]
    pub key: FixedBytes<33>,
}

/// How an envelope travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Class {
    /// Kept until the recipient acknowledges it or its life ends.
    #[n(0)]
    Stored,
    /// Handed to the recipient's open socket or dropped; never stored.
    #[n(1)]
    Ephemeral,
}

/// What a device proves when it authenticates. Build the signed bytes with
/// [`challenge_bytes`](super::challenge_bytes).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Authentication {
    /// [`limits::VERSION`].
    #[n(0)]
    pub version: u16,
    /// The device.
    #[cbor(n(1), with = "item")]
    pub device_id: DeviceId,
    /// Its device signing key, compressed SEC1 point.
    #[n(2)]
    pub signing_key: FixedBytes<33>,
    /// The mailbox it opens; the first to open a mailbox owns it.
    #[cbor(n(3), with = "item")]
    pub mailbox: MailboxId,
    /// Fresh randomness of the client.
    #[n(4)]
    pub client_nonce: Nonce,
    /// r‖s, low s, over [`challenge_bytes`](super::challenge_bytes).
    #[n(5)]
    pub signature: FixedBytes<64>,
}

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub enum ClientFrame {
    /// Opens the device's mailbox on this connection; the first frame, once.
    #[n(0)]
    Authenticate(#[n(0)] Authentication),
    /// Lets the server send `n` more stored envelopes, up to [`limits::CREDIT_WINDOW`] in all.
    #[n(1)]
    Credit {
        /// How many more.
        #[n(0)]
        n: u32,
    },
    /// These are safe on the device; the server forgets them. Repeating does no harm.
    #[n(2)]
    Acknowledge {
        /// Sequences of stored envelopes.
        #[n(0)]
        sequences: Sequences,
    },
    /// Lets the holders of these tokens put envelopes into the mailbox. Answered; repeating does no harm.
    #[n(3)]
    AddTokens {
        /// Repeated in the answer.
        #[n(0)]
        request: u32,
        /// Hashes of the tokens.
        #[n(1)]
        hashes: TokenHashes,
    },
    /// Ends that. Answered; repeating does no harm.
    #[n(4)]
    RevokeTokens {
        /// Repeated in the answer.
        #[n(0)]
        request: u32,
        /// Hashes of the tokens.
        #[n(1)]
        hashes: TokenHashes,
    },
    /// Replaces the bundle and adds one-time prekeys. Answered; repeating does no harm.
    #[n(5)]
    PublishPreKeys {
        /// Repeated in the answer.
        #[n(0)]
        request: u32,
        /// The signed bundle.
        #[n(1)]
        bundle: BundleBytes,
        /// New one-time prekeys. Ids only rise: those not above every id published before are passed over, so
        /// that a repetition cannot bring back a key that was handed out.
        #[n(2)]
        one_time: OneTimePreKeys,
    },
    /// Asks for a [`ServerFrame::Pong`] with the same number.
    #[n(6)]
    Ping {
        /// Repeated in the answer.
        #[n(0)]
        n: u32,
    },
}

/// What the server sends.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub enum ServerFrame {
    /// First frame of a connection.
    #[n(0)]
    Challenge {
        /// [`limits::VERSION`].
        #[n(0)]
        version: u16,
        /// To be signed.
        #[n(1)]
        nonce: Nonce,
    },
    /// The device is authenticated; [`limits::CREDIT_WINDOW`] credits are granted.
    #[n(1)]
    Welcome {
        /// The highest sequence this mailbox ever acknowledged. Above what the device itself remembers: its
        /// local state was rolled back.
        #[n(0)]
        acknowledged_through: Sequence,
        /// One-time prekeys left on the server.
        #[n(1)]
        one_time_left: u32,
        /// Stored envelopes waiting.
        #[n(2)]
        waiting: u32,
    },
    /// An envelope for this mailbox. Stored ones come in order of sequence, again on every new connection until
    /// acknowledged, and each uses one credit; ephemeral ones use none.
    #[n(2)]
    Deliver {
        /// Position in the mailbox; 0 for an ephemeral envelope.
        #[n(0)]
        sequence: Sequence,
        /// `SHA-256(blob)[..16]`.
        #[cbor(n(1), with = "item")]
        envelope_id: EnvelopeId,
        /// Stored or ephemeral.
        #[n(2)]
        class: Class,
        /// The envelope.
        #[n(3)]
        blob: Blob,
    },
    /// The request with this number is committed.
    #[n(3)]
    Done {
        /// As sent.
        #[n(0)]
        request: u32,
    },
    /// The request with this number changed nothing.
    #[n(4)]
    Failed {
        /// As sent.
        #[n(0)]
        request: u32,
        /// Why.
        #[n(1)]
        code: ErrorCode,
    },
    /// Answers [`ClientFrame::Ping`].
    #[n(5)]
    Pong {
        /// As sent.
        #[n(0)]
        n: u32,
    },
    /// Everything stored so far has been sent on this connection.
    #[n(6)]
    Drained {},
}

message!(ClientFrame: limits::SOCKET_MESSAGE_MAX, ServerFrame: limits::SOCKET_MESSAGE_MAX);

/// Why the server closed a connection: the WebSocket close code (RFC 6455 §7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseCode {
    /// The server is shutting down; come back after a jittered moment.
    ShuttingDown,
    /// A frame was too large, malformed, unknown or out of place.
    Malformed,
    /// The signature is wrong, or the mailbox belongs to another key.
    Unauthenticated,
    /// The client reads or answers too slowly.
    TooSlow,
    /// A newer connection of the same mailbox took over.
    Displaced,
    /// The client speaks another version of the protocol.
    UnsupportedVersion,
    /// Too many frames or connections; come back later.
    RateLimited,
    /// The server cannot store anything at the moment; come back later.
    Unavailable,
}

impl CloseCode {
    /// Every code, for tests and for documents.
    pub const ALL: [Self; 8] = [
        Self::ShuttingDown,
        Self::Malformed,
        Self::Unauthenticated,
        Self::TooSlow,
        Self::Displaced,
        Self::UnsupportedVersion,
        Self::RateLimited,
        Self::Unavailable,
    ];

    /// The number in the close frame.
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::ShuttingDown => 1001,
            Self::Malformed => 4400,
            Self::Unauthenticated => 4401,
            Self::TooSlow => 4408,
            Self::Displaced => 4409,
            Self::UnsupportedVersion => 4426,
            Self::RateLimited => 4429,
            Self::Unavailable => 4503,
        }
    }

    /// The meaning of a close frame's number, if it is one of ours.
    #[must_use]
    pub fn from_code(code: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }
}

impl ClientFrame {
    /// Acknowledges up to [`limits::ACKNOWLEDGE_MAX`] sequences.
    ///
    /// # Errors
    /// [`FrameError::OutOfBounds`](super::FrameError::OutOfBounds) for more.
    pub fn acknowledge(sequences: Vec<Sequence>) -> Result<Self, super::FrameError> {
        Ok(Self::Acknowledge { sequences: List::new(sequences)? })
    }
}
