//! Bodies of the HTTP requests and answers; all are CBOR, sent as [`CONTENT_TYPE`].
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /v1/envelopes` | [`PutEnvelope`] | 202 [`Accepted`] |
//! | `POST /v1/invites` | [`CreateInvite`] | 201 [`Accepted`] |
//! | `POST /v1/invites/card` | [`LookAtInvite`] | 200 [`InviteCardAnswer`] |
//! | `POST /v1/invites/redeem` | [`RedeemInvite`] | 200 [`RedeemedInvite`] |
//! | `POST /v1/invites/revoke` | [`RevokeInvite`] | 200 [`Accepted`] |
//! | `POST /v1/prekeys` | [`FetchPreKeys`] | 200 [`FetchedPreKeys`] |
//! | `POST /v1/turn` | [`FetchTurn`](super::FetchTurn) | 200 [`TurnAnswer`](super::TurnAnswer) |
//!
//! Every other answer carries a [`Failure`].

use minicbor::{Decode, Encode};

use super::codec::{Opaque, message};
use super::frame::{BundleBytes, Class, OneTimePreKeyEntry};
use super::id::{
    DeliveryToken, EnvelopeId, InviteId, MailboxId, OwnerHash, OwnerSecret, RedeemId, RequestId, item,
};
use super::{Blob, limits};

/// The media type of every body.
pub const CONTENT_TYPE: &str = "application/cbor";

/// Where each request goes.
pub mod path {
    /// The WebSocket.
    pub const SOCKET: &str = "/v1/socket";
    /// Deliver an envelope.
    pub const ENVELOPES: &str = "/v1/envelopes";
    /// Store an invite.
    pub const INVITES: &str = "/v1/invites";
    /// Look at the name card of an invite.
    pub const INVITE_CARD: &str = "/v1/invites/card";
    /// Use an invite up.
    pub const INVITE_REDEEM: &str = "/v1/invites/redeem";
    /// Take an invite back.
    pub const INVITE_REVOKE: &str = "/v1/invites/revoke";
    /// Fetch a prekey bundle and one one-time prekey.
    pub const PREKEYS: &str = "/v1/prekeys";
    /// Fetch STUN and TURN servers.
    pub const TURN: &str = "/v1/turn";
}

/// The encrypted name an invite shows before it is used.
pub type InviteCard = Opaque<1, { limits::INVITE_CARD_MAX }>;

/// The encrypted device list, bundle, one-time prekey, mailbox and token of an invite.
pub type InviteBundle = Opaque<1, { limits::INVITE_BUNDLE_MAX }>;

/// Delivers an envelope, without credentials. 202 after it is committed (a repetition too), 403 if the token does
/// not open the mailbox or there is no such mailbox, 507 when the mailbox is full, 503 when the server is busy.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub struct PutEnvelope {
    /// Where to.
    #[cbor(n(0), with = "item")]
    pub mailbox: MailboxId,
    /// What allows it.
    #[cbor(n(1), with = "item")]
    pub token: DeliveryToken,
    /// `SHA-256(blob)[..16]`; the server checks it.
    #[cbor(n(2), with = "item")]
    pub envelope_id: EnvelopeId,
    /// Stored or ephemeral; an ephemeral one is answered alike whether or not anybody is there.
    #[n(3)]
    pub class: Class,
    /// How long to keep it, in seconds; the server may keep it for less. Not used for ephemeral ones.
    #[n(4)]
    pub lifetime_s: u32,
    /// The envelope.
    #[n(5)]
    pub blob: Blob,
}

/// The request was carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Accepted {}

/// Stores an invite. Repeating the same does no harm; 409 if the id is taken by another.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct CreateInvite {
    /// Its id.
    #[cbor(n(0), with = "item")]
    pub invite_id: InviteId,
    /// Hash of the secret that revokes it.
    #[n(1)]
    pub owner_hash: OwnerHash,
    /// When it ends, in seconds since 1970; at most [`limits::INVITE_LIFETIME_MAX_S`] from now (the server
    /// allows for a clock that is a day ahead, and shortens it).
    #[n(2)]
    pub expires_at: u64,
    /// The encrypted name.
    #[n(3)]
    pub card: InviteCard,
    /// Everything else, encrypted.
    #[n(4)]
    pub bundle: InviteBundle,
}

/// Asks for the name card; does not use the invite up. 409 [`ErrorCode::InviteUsed`], 410
/// [`ErrorCode::InviteGone`] (expired, revoked and never existed alike).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LookAtInvite {
    /// The invite.
    #[cbor(n(0), with = "item")]
    pub invite_id: InviteId,
}

/// The invite is open.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct InviteCardAnswer {
    /// The encrypted name.
    #[n(0)]
    pub card: InviteCard,
    /// When it ends, in seconds since 1970.
    #[n(1)]
    pub expires_at: u64,
}

/// Uses the invite up. The same redeem id gets the same answer for [`limits::INVITE_REDEEM_AGAIN_S`]; another
/// one 409 [`ErrorCode::InviteUsed`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RedeemInvite {
    /// The invite.
    #[cbor(n(0), with = "item")]
    pub invite_id: InviteId,
    /// This attempt.
    #[n(1)]
    pub redeem_id: RedeemId,
}

/// The invite is now used up.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RedeemedInvite {
    /// The encrypted bundle.
    #[n(0)]
    pub bundle: InviteBundle,
}

/// Takes an invite back. 409 if it was used already; 410 if it is gone or the secret is not its owner's.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub struct RevokeInvite {
    /// The invite.
    #[cbor(n(0), with = "item")]
    pub invite_id: InviteId,
    /// The owner's secret.
    #[n(1)]
    pub owner_secret: OwnerSecret,
}

/// Fetches what begins a session with the device behind a mailbox. 403 as for [`PutEnvelope`], 404 if it has not
/// published a bundle.
#[derive(Debug, Encode, Decode)]
#[cbor(map)]
pub struct FetchPreKeys {
    /// The device's mailbox.
    #[cbor(n(0), with = "item")]
    pub mailbox: MailboxId,
    /// What allows it.
    #[cbor(n(1), with = "item")]
    pub token: DeliveryToken,
}

/// A bundle, and a one-time prekey nobody else is given.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct FetchedPreKeys {
    /// The signed bundle.
    #[n(0)]
    pub bundle: BundleBytes,
    /// The one-time prekey, if any was left.
    #[n(1)]
    pub one_time: Option<OneTimePreKeyEntry>,
}

/// Why a request changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum ErrorCode {
    /// 400: not a body of this protocol.
    #[n(0)]
    Malformed,
    /// 413: larger than any body may be.
    #[n(1)]
    TooLarge,
    /// 403: the token does not open this mailbox, or there is none.
    #[n(2)]
    Forbidden,
    /// 429: too many requests; wait for `retry_after_s`.
    #[n(3)]
    RateLimited,
    /// 507: the mailbox (or the list of tokens or prekeys) is full.
    #[n(4)]
    Quota,
    /// 503: the server cannot take this now; try again.
    #[n(5)]
    Unavailable,
    /// 404: there is nothing here.
    #[n(6)]
    NotFound,
    /// 405: not with this method.
    #[n(7)]
    MethodNotAllowed,
    /// 415: the body is not [`CONTENT_TYPE`].
    #[n(8)]
    UnsupportedMediaType,
    /// 409: the invite has been used.
    #[n(9)]
    InviteUsed,
    /// 410: the invite has expired, was revoked, or never existed.
    #[n(10)]
    InviteGone,
    /// 409: the id is taken by something else.
    #[n(11)]
    Conflict,
    /// 421: the request was made for another host, or by a page of another origin.
    #[n(12)]
    WrongOrigin,
    /// 408: the request came too slowly.
    #[n(13)]
    TooSlow,
    /// 500: a mistake of the server's.
    #[n(14)]
    Internal,
}

impl ErrorCode {
    /// The HTTP status it is sent with.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed => 400,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::TooSlow => 408,
            Self::InviteUsed | Self::Conflict => 409,
            Self::InviteGone => 410,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::WrongOrigin => 421,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
            Self::Quota => 507,
        }
    }
}

/// The body of every refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Failure {
    /// Why.
    #[n(0)]
    pub code: ErrorCode,
    /// At random; names this refusal in a report.
    #[n(1)]
    pub request_id: RequestId,
    /// How long to wait, in seconds, where waiting helps.
    #[n(2)]
    pub retry_after_s: Option<u32>,
}

message!(
    PutEnvelope: limits::REQUEST_BODY_MAX,
    Accepted: 64,
    CreateInvite: limits::INVITE_BUNDLE_MAX + limits::INVITE_CARD_MAX + 256,
    LookAtInvite: 256,
    InviteCardAnswer: limits::INVITE_CARD_MAX + 256,
    RedeemInvite: 256,
    RedeemedInvite: limits::INVITE_BUNDLE_MAX + 256,
    RevokeInvite: 256,
    FetchPreKeys: 256,
    FetchedPreKeys: limits::BUNDLE_MAX + 256,
    Failure: 256,
);
