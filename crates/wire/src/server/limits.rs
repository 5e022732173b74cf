//! Every bound of the protocol between client and server, with its unit.

/// Version of this protocol, sent in [`Challenge`](super::ServerFrame::Challenge) and
/// [`Authenticate`](super::ClientFrame::Authenticate).
pub const VERSION: u16 = 1;

/// Largest WebSocket message in either direction, in bytes.
pub const SOCKET_MESSAGE_MAX: usize = 128 * 1024;

/// Largest body of any HTTP request, in bytes: the largest envelope and its addressing.
pub const REQUEST_BODY_MAX: usize = 66 * 1024;

/// The sizes an envelope may have on the wire, in bytes; it has exactly one of them.
pub const ENVELOPE_SIZES: [usize; 4] = [1024, 4 * 1024, 16 * 1024, 64 * 1024];

/// Largest encrypted name card of an invite, in bytes.
pub const INVITE_CARD_MAX: usize = 512;

/// Largest encrypted bundle of an invite, in bytes: 4 KiB of plaintext, nonce, tag and framing.
pub const INVITE_BUNDLE_MAX: usize = 4 * 1024 + 256;

/// Longest life of an invite, in seconds (7 days).
pub const INVITE_LIFETIME_MAX_S: u64 = 7 * 24 * 3600;

/// How long the same redeem id is answered with the same bundle, in seconds (1 hour).
pub const INVITE_REDEEM_AGAIN_S: u64 = 3600;

/// Largest signed prekey bundle, in bytes.
pub const BUNDLE_MAX: usize = 4 * 1024;

/// Most one-time prekeys the server keeps for a mailbox, and most in one frame.
pub const ONE_TIME_PREKEYS_MAX: usize = 200;

/// Most delivery tokens valid at once for a mailbox.
pub const TOKENS_PER_MAILBOX_MAX: usize = 2_000;

/// Most token hashes in one frame.
pub const TOKENS_PER_FRAME_MAX: usize = 256;

/// Most sequences in one acknowledgement.
pub const ACKNOWLEDGE_MAX: usize = 256;

/// Stored envelopes the server may have sent on one connection without being given credit for more. A
/// connection begins with this much credit and never has more.
pub const CREDIT_WINDOW: u32 = 64;

/// Longest life a sender can ask for a stored envelope, in seconds (30 days); the operator may allow less.
pub const ENVELOPE_LIFETIME_MAX_S: u32 = 30 * 24 * 3600;

/// Most envelopes waiting in one mailbox.
pub const MAILBOX_ENVELOPES_MAX: u32 = 1_000;

/// Most bytes of envelopes waiting in one mailbox (16 MiB).
pub const MAILBOX_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Most STUN and TURN servers in one answer.
pub const ICE_SERVERS_MAX: usize = 4;

/// Most URLs of one STUN or TURN server.
pub const ICE_URLS_MAX: usize = 8;

/// Longest URL, name or credential of a STUN or TURN server, in bytes.
pub const ICE_TEXT_MAX: usize = 256;

/// Largest answer with STUN and TURN servers, in bytes: each text fills its bound, and framing.
pub const TURN_ANSWER_MAX: usize = ICE_SERVERS_MAX * (ICE_URLS_MAX + 2) * (ICE_TEXT_MAX + 8);
