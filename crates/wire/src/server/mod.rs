//! Frames and bodies between a client and its server.
//!
//! Everything that crosses is one of the types here, encoded and decoded by [`Message`]; what does not decode is
//! a [`FrameError`]. The server reads ids, classes and lengths; envelopes, cards and bundles are opaque to it.

mod auth;
mod blob;
mod codec;
mod error;
mod frame;
mod http;
mod id;
pub mod limits;
mod turn;

pub use auth::{NotAuthentic, challenge_bytes};
pub use blob::Blob;
pub use codec::{List, Message, Opaque, Text};
pub use error::FrameError;
pub use frame::{
    Authentication, BundleBytes, Class, ClientFrame, CloseCode, OneTimePreKeyEntry, OneTimePreKeys,
    Sequences, ServerFrame, TokenHashes,
};
pub use http::{
    Accepted, CONTENT_TYPE, CreateInvite, ErrorCode, Failure, FetchPreKeys, FetchedPreKeys, InviteBundle,
    InviteCard, InviteCardAnswer, LookAtInvite, PutEnvelope, RedeemInvite, RedeemedInvite, RevokeInvite,
    path,
};
pub use id::{
    DeliveryToken, DeviceId, EnvelopeId, InviteId, ListedToken, MailboxId, Nonce, OwnerHash, OwnerSecret,
    RedeemId, RequestId, Sequence, TokenHash,
};
pub use turn::{FetchTurn, IceUrl, IceUrls, TurnAnswer, TurnServer, TurnText};

#[cfg(test)]
mod tests;
