//! A group message on its way: the 121-byte header, and how much of a message is known to be true.

use super::{GROUP_MESSAGE_OVERHEAD, MAX_BODY, RosterPlace, SenderKeyError};
use crate::aead::TAG;
use crate::bytes::{Reader, join};
use crate::id::{ChainId, GroupId, RosterHash};
use crate::keys::GroupSigningPublic;
use crate::signature::Signature;

const VERSION: u8 = 1;

/// `version 1 ‖ group_id 16 ‖ epoch 4 ‖ roster_hash 32 ‖ chain_id 16 ‖ n 4 ‖ r 16 ‖ commit 32`.
#[derive(Clone, Copy)]
pub(super) struct Header {
    pub(super) group: GroupId,
    pub(super) place: RosterPlace,
    pub(super) chain: ChainId,
    pub(super) n: u32,
    pub(super) salt: [u8; 16],
    pub(super) commit: [u8; 32],
}

impl Header {
    pub(super) const LENGTH: usize = 1 + 16 + 4 + 32 + 16 + 4 + 16 + 32;

    pub(super) fn to_bytes(self) -> [u8; Self::LENGTH] {
        join(&[
            &[VERSION],
            self.group.as_bytes(),
            &self.place.epoch.to_be_bytes(),
            self.place.hash.as_bytes(),
            self.chain.as_bytes(),
            &self.n.to_be_bytes(),
            &self.salt,
            &self.commit,
        ])
    }

    fn read(bytes: &[u8; Self::LENGTH]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if reader.u8()? != VERSION {
            return None;
        }
        let group = GroupId::from_bytes(*reader.array()?);
        let place = RosterPlace { epoch: reader.u32()?, hash: RosterHash::from_bytes(*reader.array()?) };
        let chain = ChainId::from_bytes(*reader.array()?);
        let n = reader.u32()?;
        let (salt, commit) = (*reader.array()?, *reader.array()?);
        reader.end()?;
        Some(Self { group, place, chain, n, salt, commit })
    }
}

/// A group message as it came: everything it says is a claim, good for finding its chain only.
pub struct GroupMessage<'a> {
    pub(super) header: Header,
    pub(super) header_bytes: &'a [u8; Header::LENGTH],
    pub(super) ciphertext: &'a [u8],
    pub(super) tag: &'a [u8; TAG],
    signed: &'a [u8],
    signature: &'a [u8; Signature::LENGTH],
}

impl<'a> GroupMessage<'a> {
    /// Reads a message's outside.
    ///
    /// # Errors
    /// [`SenderKeyError::Malformed`] if it is too short or long, or of another version.
    pub fn parse(message: &'a [u8]) -> Result<Self, SenderKeyError> {
        Self::take_apart(message).ok_or(SenderKeyError::Malformed)
    }

    fn take_apart(message: &'a [u8]) -> Option<Self> {
        if message.len() > MAX_BODY + GROUP_MESSAGE_OVERHEAD {
            return None;
        }
        let (signed, signature) = message.split_last_chunk()?;
        let (header_bytes, rest) = signed.split_first_chunk()?;
        let (ciphertext, tag) = rest.split_last_chunk()?;
        Some(Self { header: Header::read(header_bytes)?, header_bytes, ciphertext, tag, signed, signature })
    }

    /// The group it claims to be of.
    pub const fn group(&self) -> GroupId {
        self.header.group
    }

    /// The chain it claims to be of.
    pub const fn chain(&self) -> ChainId {
        self.header.chain
    }

    pub(super) fn verify(self, key: &GroupSigningPublic) -> Result<SignedMessage<'a>, SenderKeyError> {
        Signature::from_bytes(self.signature)
            .and_then(|signature| key.verify_group_message(self.signed, &signature))
            .map_err(|_| SenderKeyError::BadSignature)?;
        Ok(SignedMessage(self))
    }
}

/// A group message whose signature is its chain's: its author said so, opened or not.
pub struct SignedMessage<'a>(pub(super) GroupMessage<'a>);

impl SignedMessage<'_> {
    /// The author's roster when it wrote this.
    pub const fn place(&self) -> RosterPlace {
        self.0.header.place
    }

    /// Number in the chain.
    pub const fn number(&self) -> u32 {
        self.0.header.n
    }
}

impl core::fmt::Debug for GroupMessage<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Header { group, chain, n, .. } = &self.header;
        f.debug_struct("GroupMessage")
            .field("group", group)
            .field("chain", chain)
            .field("n", n)
            .finish_non_exhaustive()
    }
}

impl core::fmt::Debug for SignedMessage<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("SignedMessage").field(&self.0).finish()
    }
}
