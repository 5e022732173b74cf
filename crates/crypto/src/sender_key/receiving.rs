//! Another device's chain in a group.

use super::chain::MessageSecret;
use super::sending::{read_owner, read_place};
use super::{
    ChainAnnouncement, ChainOwner, GroupMessage, MAX_MESSAGES, RosterPlace, SenderChainKey, SenderKeyError,
    SignedMessage, StateError,
};
use crate::Timestamp;
use crate::bytes::Reader;
use crate::id::ChainId;
use crate::keys::GroupSigningPublic;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const HEAD_LENGTH: usize = 1 + 16 * 3 + 4 + 32 + 33 + 32 + 4 + 1;
const SKIPPED_LENGTH: usize = 4 + 8 + 32;

/// The chain under which another device speaks in a group. It only moves on: no number opens twice. Secret: store
/// [`ReceivingChain::to_bytes`] encrypted.
pub struct ReceivingChain {
    owner: ChainOwner,
    id: ChainId,
    made: RosterPlace,
    signing: GroupSigningPublic,
    key: SenderChainKey,
    next: u32,
    /// By rising number, all below `next`; so never more than [`MAX_MESSAGES`].
    skipped: Vec<SkippedKey>,
}

/// The key of a message that has not arrived.
struct SkippedKey {
    n: u32,
    since: Timestamp,
    secret: MessageSecret,
}

impl ReceivingChain {
    /// Takes up a chain that `owner` announced in its own session.
    ///
    /// # Errors
    /// [`SenderKeyError::WrongChain`] if it is of another group, [`SenderKeyError::TooFarAhead`] if its position is
    /// beyond any chain's end.
    pub fn new(owner: ChainOwner, announcement: ChainAnnouncement) -> Result<Self, SenderKeyError> {
        let ChainAnnouncement { group, made, next, key, signing } = announcement;
        if group != owner.group {
            return Err(SenderKeyError::WrongChain);
        }
        if next >= MAX_MESSAGES {
            return Err(SenderKeyError::TooFarAhead);
        }
        Ok(Self { owner, id: owner.chain_id(&signing), made, signing, key, next, skipped: Vec::new() })
    }

    /// The chain's id.
    pub const fn id(&self) -> ChainId {
        self.id
    }

    /// Whose it is.
    pub const fn owner(&self) -> &ChainOwner {
        &self.owner
    }

    /// Its owner's roster when it was made.
    pub const fn made(&self) -> RosterPlace {
        self.made
    }

    /// What verifies its messages.
    pub const fn signing(&self) -> &GroupSigningPublic {
        &self.signing
    }

    /// Verifies that a message is this chain's, before anything it says is used.
    ///
    /// # Errors
    /// [`SenderKeyError::WrongChain`], [`SenderKeyError::TooFarAhead`] or [`SenderKeyError::BadSignature`].
    pub fn verify<'a>(&self, message: GroupMessage<'a>) -> Result<SignedMessage<'a>, SenderKeyError> {
        if message.group() != self.owner.group || message.chain() != self.id {
            return Err(SenderKeyError::WrongChain);
        }
        if message.header.n >= MAX_MESSAGES {
            return Err(SenderKeyError::TooFarAhead);
        }
        message.verify(&self.signing)
    }

    /// Opens a message and forgets its key. `now` dates the keys of messages skipped by it.
    ///
    /// # Errors
    /// [`SenderKeyError`], with nothing changed; [`SenderKeyError::WrongChain`] if another chain verified the message.
    pub fn open(&mut self, message: &SignedMessage<'_>, now: Timestamp) -> Result<Vec<u8>, SenderKeyError> {
        let header = &message.0.header;
        if header.group != self.owner.group || header.chain != self.id {
            return Err(SenderKeyError::WrongChain);
        }
        let n = header.n;
        if n < self.next {
            let place = self.skipped.iter().position(|key| key.n == n).ok_or(SenderKeyError::KeyGone)?;
            let key = self.skipped.get(place).ok_or(SenderKeyError::KeyGone)?;
            let plaintext = decrypt(&key.secret, &message.0)?;
            self.skipped.remove(place);
            return Ok(plaintext);
        }
        let mut passed = Vec::new();
        let (mut secret, mut after) = self.key.step();
        for missing in self.next..n {
            passed.push(SkippedKey { n: missing, since: now, secret });
            (secret, after) = after.step();
        }
        let plaintext = decrypt(&secret, &message.0)?;
        self.skipped.append(&mut passed);
        (self.key, self.next) = (after, n.saturating_add(1));
        Ok(plaintext)
    }

    /// Forgets the keys of messages skipped before `time`.
    pub fn forget_skipped_before(&mut self, time: Timestamp) {
        self.skipped.retain(|key| key.since >= time);
    }

    /// The whole state, to be stored encrypted; at most some 5 KB. Wiped when dropped.
    ///
    /// ```text
    /// version 1 ‖ group_id 16 ‖ account_id 16 ‖ device_id 16 ‖ epoch 4 ‖ roster_hash 32 ‖ GSK 33 ‖ CK 32 ‖ n 4
    /// ‖ count 1 ‖ skipped keys, by rising number: n 4 ‖ milliseconds 8 ‖ mk 32
    /// ```
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let capacity = HEAD_LENGTH + self.skipped.len() * SKIPPED_LENGTH;
        let mut out = Zeroizing::new(Vec::with_capacity(capacity));
        let count = [u8::try_from(self.skipped.len()).unwrap_or(u8::MAX)];
        let head: [&[u8]; 10] = [
            &[VERSION],
            self.owner.group.as_bytes(),
            self.owner.account.as_bytes(),
            self.owner.device.as_bytes(),
            &self.made.epoch.to_be_bytes(),
            self.made.hash.as_bytes(),
            self.signing.as_bytes(),
            self.key.as_bytes(),
            &self.next.to_be_bytes(),
            &count,
        ];
        for part in head {
            out.extend_from_slice(part);
        }
        for key in &self.skipped {
            out.extend_from_slice(&key.n.to_be_bytes());
            out.extend_from_slice(&key.since.as_millis().to_be_bytes());
            out.extend_from_slice(key.secret.as_bytes());
        }
        out
    }

    /// Takes a chain back from storage.
    ///
    /// # Errors
    /// [`StateError`] for anything [`ReceivingChain::to_bytes`] did not write, numbers out of order included.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        Self::read(Reader::new(bytes)).ok_or(StateError)
    }

    fn read(mut reader: Reader<'_>) -> Option<Self> {
        if reader.u8()? != VERSION {
            return None;
        }
        let owner = read_owner(&mut reader)?;
        let made = read_place(&mut reader)?;
        let signing = GroupSigningPublic::from_bytes(reader.array()?).ok()?;
        let key = SenderChainKey::from_bytes(reader.array()?);
        let next = reader.u32().filter(|next| *next <= MAX_MESSAGES)?;
        let mut skipped: Vec<SkippedKey> = Vec::new();
        for _ in 0..reader.u8()? {
            let n = reader.u32()?;
            if n >= next || skipped.last().is_some_and(|before| before.n >= n) {
                return None;
            }
            let since = Timestamp::from_millis(reader.u64()?);
            skipped.push(SkippedKey { n, since, secret: MessageSecret::from_bytes(reader.array()?) });
        }
        reader.end()?;
        Some(Self { owner, id: owner.chain_id(&signing), made, signing, key, next, skipped })
    }
}

fn decrypt(secret: &MessageSecret, message: &GroupMessage<'_>) -> Result<Vec<u8>, SenderKeyError> {
    let header = &message.header;
    let key = secret.message_key(&header.salt, header.group, header.chain, header.n);
    if !key.commits(&header.commit) {
        return Err(SenderKeyError::BadCommit);
    }
    let mut text = message.ciphertext.to_vec();
    key.cipher
        .open(&key.nonce, message.header_bytes, &mut text, message.tag)
        .map_err(|_| SenderKeyError::BadTag)?;
    Ok(text)
}

impl core::fmt::Debug for ReceivingChain {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ReceivingChain")
            .field("id", &self.id)
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}
