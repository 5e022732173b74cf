//! A device's own chain in a group.

use super::message::Header;
use super::{
    ChainAnnouncement, ChainOwner, GROUP_MESSAGE_OVERHEAD, MAX_BODY, MAX_MESSAGES, RosterPlace,
    SenderChainKey, SenderKeyError, StateError,
};
use crate::bytes::Reader;
use crate::id::{AccountId, ChainId, DeviceId, GroupId, RosterHash};
use crate::keys::{GroupSigningKey, GroupSigningPublic};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

const VERSION: u8 = 1;

/// The chain under which this device speaks in a group. Secret: store [`SendingChain::to_bytes`] encrypted, and make it
/// durable before what it sealed leaves the device.
pub struct SendingChain {
    owner: ChainOwner,
    id: ChainId,
    made: RosterPlace,
    signing: GroupSigningKey,
    key: SenderChainKey,
    next: u32,
}

impl SendingChain {
    /// A new chain with keys of its own, made under this roster.
    pub fn generate<R: CryptoRng + ?Sized>(owner: ChainOwner, made: RosterPlace, rng: &mut R) -> Self {
        let signing = GroupSigningKey::generate(rng);
        let key = SenderChainKey::generate(rng);
        Self { owner, id: owner.chain_id(&signing.public()), made, signing, key, next: 0 }
    }

    /// The chain's id.
    pub const fn id(&self) -> ChainId {
        self.id
    }

    /// Whose it is.
    pub const fn owner(&self) -> &ChainOwner {
        &self.owner
    }

    /// The roster it was made under.
    pub const fn made(&self) -> RosterPlace {
        self.made
    }

    /// What verifies its messages.
    pub fn signing(&self) -> GroupSigningPublic {
        self.signing.public()
    }

    /// Number of the next message; [`MAX_MESSAGES`] when the chain is used up.
    pub const fn next(&self) -> u32 {
        self.next
    }

    /// What to tell each reader, in session: the chain from its present position on.
    ///
    /// # Errors
    /// [`SenderKeyError::Exhausted`] when no message will follow.
    pub fn announcement(&self) -> Result<ChainAnnouncement, SenderKeyError> {
        if self.next >= MAX_MESSAGES {
            return Err(SenderKeyError::Exhausted);
        }
        Ok(ChainAnnouncement {
            group: self.owner.group,
            made: self.made,
            next: self.next,
            key: SenderChainKey::from_bytes(self.key.as_bytes()),
            signing: self.signing.public(),
        })
    }

    /// Seals a message that names `place` as this device's roster. Store the chain before sending it.
    ///
    /// # Errors
    /// [`SenderKeyError::TooLong`] or [`SenderKeyError::Exhausted`].
    pub fn seal<R: CryptoRng + ?Sized>(
        &mut self,
        place: RosterPlace,
        plaintext: &[u8],
        rng: &mut R,
    ) -> Result<Vec<u8>, SenderKeyError> {
        if plaintext.len() > MAX_BODY {
            return Err(SenderKeyError::TooLong);
        }
        let n = self.next;
        if n >= MAX_MESSAGES {
            return Err(SenderKeyError::Exhausted);
        }
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        let (secret, after) = self.key.step();
        let key = secret.message_key(&salt, self.owner.group, self.id, n);
        let (group, chain, commit) = (self.owner.group, self.id, key.commit);
        let header = Header { group, place, chain, n, salt, commit }.to_bytes();
        let mut message = Vec::with_capacity(plaintext.len() + GROUP_MESSAGE_OVERHEAD);
        message.extend_from_slice(&header);
        message.extend_from_slice(plaintext);
        let (_, text) = message.split_at_mut(Header::LENGTH);
        let tag = key.cipher.seal(&key.nonce, &header, text);
        message.extend_from_slice(&tag);
        let signature = self.signing.sign_group_message(&message, rng);
        message.extend_from_slice(&signature.to_bytes());
        (self.key, self.next) = (after, n.saturating_add(1));
        Ok(message)
    }

    /// The whole state, to be stored encrypted: `version 1 ‖ group_id 16 ‖ account_id 16 ‖ device_id 16 ‖ epoch 4 ‖
    /// roster_hash 32 ‖ GSK secret 32 ‖ CK 32 ‖ n 4`. Wiped when dropped.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let signing = self.signing.to_bytes();
        let parts: [&[u8]; 9] = [
            &[VERSION],
            self.owner.group.as_bytes(),
            self.owner.account.as_bytes(),
            self.owner.device.as_bytes(),
            &self.made.epoch.to_be_bytes(),
            self.made.hash.as_bytes(),
            signing.as_slice(),
            self.key.as_bytes(),
            &self.next.to_be_bytes(),
        ];
        Zeroizing::new(parts.concat())
    }

    /// Takes a chain back from storage.
    ///
    /// # Errors
    /// [`StateError`] for anything [`SendingChain::to_bytes`] did not write.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        Self::read(Reader::new(bytes)).ok_or(StateError)
    }

    fn read(mut reader: Reader<'_>) -> Option<Self> {
        if reader.u8()? != VERSION {
            return None;
        }
        let owner = read_owner(&mut reader)?;
        let made = read_place(&mut reader)?;
        let signing = GroupSigningKey::from_bytes(reader.array()?).ok()?;
        let key = SenderChainKey::from_bytes(reader.array()?);
        let next = reader.u32().filter(|next| *next <= MAX_MESSAGES)?;
        reader.end()?;
        Some(Self { owner, id: owner.chain_id(&signing.public()), made, signing, key, next })
    }
}

pub(super) fn read_owner(reader: &mut Reader<'_>) -> Option<ChainOwner> {
    let group = GroupId::from_bytes(*reader.array()?);
    let account = AccountId::from_bytes(*reader.array()?);
    Some(ChainOwner { group, account, device: DeviceId::from_bytes(*reader.array()?) })
}

pub(super) fn read_place(reader: &mut Reader<'_>) -> Option<RosterPlace> {
    Some(RosterPlace { epoch: reader.u32()?, hash: RosterHash::from_bytes(*reader.array()?) })
}

impl core::fmt::Debug for SendingChain {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SendingChain").field("id", &self.id).field("next", &self.next).finish_non_exhaustive()
    }
}
