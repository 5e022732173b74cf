//! Sender keys: each device of a group encrypts a message once, under a chain it gave to the others one by one.
//!
//! ```text
//! chain id   SHA-256(label ‖ group_id ‖ account_id ‖ device_id ‖ GSK)[..16]
//! chain      mk = HMAC(CK, 01), CK′ = HMAC(CK, 02)
//! message    HKDF(salt = r, ikm = mk, info = label ‖ group_id ‖ chain_id ‖ n) → key 32 ‖ nonce 12 ‖ commit 32
//! header     version 1 ‖ group_id 16 ‖ epoch 4 ‖ roster_hash 32 ‖ chain_id 16 ‖ n 4 ‖ r 16 ‖ commit 32
//! on the wire: header ‖ AES-256-GCM ciphertext ‖ tag 16 ‖ ECDSA signature 64 by GSK over all before it, AAD = header
//! ```
//! `r` is 16 random bytes, so that a rolled-back state cannot repeat a key with its nonce. `commit` lets a ciphertext
//! open under one key only, though a chain's owner may give different keys to different readers. The signature is
//! verified before anything else a message says is used: a [`GroupMessage`] is only read, a [`SignedMessage`] is its
//! chain's. Whether the chain's owner belongs to the group is the roster's matter, not this module's.

mod chain;
mod message;
mod receiving;
mod sending;

use crate::aead::TAG;
use crate::id::{AccountId, ChainId, DeviceId, GroupId, RosterHash, truncate};
use crate::keys::GroupSigningPublic;
use crate::label::Purpose;
use crate::signature::Signature;
pub use chain::SenderChainKey;
use message::Header;
pub use message::{GroupMessage, SignedMessage};
pub use receiving::ReceivingChain;
pub use sending::SendingChain;

/// Most messages of one chain. It bounds the jumps and the skipped keys of a receiving chain too.
pub const MAX_MESSAGES: u32 = 100;
/// Bytes a group message is longer than its plaintext.
pub const GROUP_MESSAGE_OVERHEAD: usize = Header::LENGTH + TAG + Signature::LENGTH;
/// Longest plaintext of a group message in bytes.
pub use crate::ratchet::MAX_BODY;

/// Why a group message could not be sealed or opened, or a chain not be taken. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SenderKeyError {
    /// Not a group message of this version, or of impossible length.
    #[error("malformed group message")]
    Malformed,
    /// Of another group or another chain.
    #[error("message of another chain")]
    WrongChain,
    /// A number that no chain reaches.
    #[error("message number beyond the end of any chain")]
    TooFarAhead,
    /// The signature is not the chain owner's over these bytes.
    #[error("group message is not signed by its chain's key")]
    BadSignature,
    /// Its key was used, or dropped after its time.
    #[error("the key of this message is gone")]
    KeyGone,
    /// Sealed under another key than the chain gives: its owner gave different keys to different readers.
    #[error("group message commits to another key")]
    BadCommit,
    /// The ciphertext was altered by the chain's owner.
    #[error("group message does not open")]
    BadTag,
    /// Longer than [`MAX_BODY`].
    #[error("group message too long")]
    TooLong,
    /// All [`MAX_MESSAGES`] of the chain are used: begin another.
    #[error("sending chain used up")]
    Exhausted,
}

/// The bytes are not a chain that `to_bytes` of this version wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed sender chain state")]
pub struct StateError;

/// An entry of a group's roster, by number and hash: what its author's device knew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RosterPlace {
    /// Number of the entry; the genesis is 0.
    pub epoch: u32,
    /// The entry's hash.
    pub hash: RosterHash,
}

/// Whose a chain is. A reader fills it in from the session or envelope by which the chain or message came, never from
/// what is inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainOwner {
    /// The group.
    pub group: GroupId,
    /// The account.
    pub account: AccountId,
    /// Its device.
    pub device: DeviceId,
}

impl ChainOwner {
    /// `SHA-256(label ‖ group_id ‖ account_id ‖ device_id ‖ GSK)[..16]`: the same key under another owner is another
    /// chain.
    pub fn chain_id(&self, signing: &GroupSigningPublic) -> ChainId {
        let parts: [&[u8]; 4] =
            [self.group.as_bytes(), self.account.as_bytes(), self.device.as_bytes(), signing.as_bytes()];
        ChainId::from_bytes(truncate(Purpose::SENDER_CHAIN.hash(&parts)))
    }
}

/// What a device tells another about its chain, inside their session. Secret.
#[derive(Debug)]
pub struct ChainAnnouncement {
    /// The group.
    pub group: GroupId,
    /// The owner's roster when the chain was made, however much later it is announced.
    pub made: RosterPlace,
    /// Number of the next message, below [`MAX_MESSAGES`].
    pub next: u32,
    /// The chain key that gives the secret of that message (`CK`): nothing before it can be derived.
    pub key: SenderChainKey,
    /// Verifies the chain's messages (`GSK`).
    pub signing: GroupSigningPublic,
}
