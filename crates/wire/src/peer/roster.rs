//! The entries of a group's roster: who did what to its members, signed by the device that did it.
//!
//! An entry that was read is a [`ReceivedEntry`]; once its device list and its signature were checked it is a
//! [`VerifiedEntry`], and only those enter a roster. What an actor may do is the roster's matter, not the entry's.

use crate::FixedBytes;
use minicbor::{Decode, Encode};
use sotto_crypto::keys::{AccountPublic, DeviceSigningKey};
use sotto_crypto::{CryptoRng, DeviceId, GroupId, RosterHash, Signature};

use super::codec::{self, decode, decode_signed, encode};
use super::signed::SignedBytes;
use super::{DeviceList, PeerError, limits};

/// What somebody is in a group, lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Role {
    /// Reads and writes.
    #[n(0)]
    Member,
    /// Adds and removes plain members too.
    #[n(1)]
    Admin,
    /// Does everything.
    #[n(2)]
    Owner,
}

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub enum Operation {
    /// Founds the group: the actor is its first owner.
    #[n(0)]
    Genesis {
        /// Random, so that no two groups are one.
        #[n(0)]
        salt: FixedBytes<32>,
    },
    /// Takes an account in.
    #[n(1)]
    Add {
        /// Whom.
        #[n(0)]
        #[cbor(with = "codec::item")]
        account: AccountPublic,
        /// As what.
        #[n(1)]
        role: Role,
    },
    /// Takes another account out.
    #[n(2)]
    Remove {
        /// Whom.
        #[n(0)]
        #[cbor(with = "codec::item")]
        account: AccountPublic,
    },
    /// Gives an account another role.
    #[n(3)]
    Role {
        /// Whom.
        #[n(0)]
        #[cbor(with = "codec::item")]
        account: AccountPublic,
        /// Which.
        #[n(1)]
        role: Role,
    },
    /// The actor goes.
    #[n(4)]
    Leave {},
    /// Makes one branch of two: the one of the entry before, and another.
    #[n(5)]
    Merge {
        /// Head of the other branch.
        #[n(0)]
        #[cbor(with = "codec::item")]
        other: RosterHash,
    },
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct Signed {
    #[n(0)]
    version: u8,
    #[n(1)]
    #[cbor(with = "codec::item")]
    group: GroupId,
    #[n(2)]
    epoch: u32,
    #[n(3)]
    #[cbor(with = "codec::item")]
    previous: RosterHash,
    #[n(4)]
    #[cbor(with = "codec::item")]
    actor: AccountPublic,
    #[n(5)]
    #[cbor(with = "codec::item")]
    device: DeviceId,
    #[n(6)]
    list: FixedBytes<32>,
    #[n(7)]
    operation: Operation,
}

/// Where an entry stands in the log, and what it does. In a genesis the place is all zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RosterEntry {
    /// The group, zeros in a genesis.
    pub group: GroupId,
    /// Its number, from 0.
    pub epoch: u32,
    /// The entry before it, zeros in a genesis.
    pub previous: RosterHash,
    /// What it does.
    pub operation: Operation,
}

/// Why an entry that could be read is not its actor's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Not the device list that the entry names, or the account has two lists of one version.
    #[error("the entry names another device list")]
    OtherList,
    /// The device list is another account's.
    #[error("the entry's device list is another account's")]
    WrongAccount,
    /// The device is not in the list that the entry names.
    #[error("the signing device is not in the device list that the entry names")]
    UnlistedDevice,
    /// The device is not in the account's newest list any more, or with another key.
    #[error("the signing device is gone from its account")]
    DeviceGone,
    /// The signature is not the device's over these bytes.
    #[error("bad signature")]
    BadSignature,
}

/// An entry that was read, and nothing more: it may be anybody's. Good for finding the device list it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedEntry {
    entry: RosterEntry,
    actor: AccountPublic,
    device: DeviceId,
    list: [u8; 32],
    signed: Vec<u8>,
    signature: [u8; 64],
    encoded: Vec<u8>,
}

impl ReceivedEntry {
    /// Reads an entry.
    ///
    /// # Errors
    /// [`PeerError`]; [`PeerError::Malformed`] also for a genesis in any place but the first, or anything else there.
    pub fn decode(bytes: &[u8]) -> Result<Self, PeerError> {
        let outer: SignedBytes = decode(bytes, limits::ROSTER_ENTRY_MAX)?;
        let signed: Signed = decode_signed(&outer.signed, limits::ROSTER_ENTRY_MAX)?;
        if signed.version != limits::VERSION {
            return Err(PeerError::UnknownVersion);
        }
        let Signed { group, epoch, previous, actor, device, list, operation, .. } = signed;
        let in_place = match operation {
            Operation::Genesis { .. } => {
                epoch == 0 && *group.as_bytes() == [0; 16] && *previous.as_bytes() == [0; 32]
            }
            _ => epoch != 0,
        };
        if !in_place {
            return Err(PeerError::Malformed);
        }
        Ok(Self {
            entry: RosterEntry { group, epoch, previous, operation },
            actor,
            device,
            list: *list,
            signed: outer.signed.into(),
            signature: *outer.signature,
            encoded: bytes.to_vec(),
        })
    }

    /// The account it claims to be by: whose device list to look for.
    #[must_use]
    pub const fn claimed_actor(&self) -> &AccountPublic {
        &self.actor
    }

    /// Hash of the device list it is to be verified with.
    #[must_use]
    pub const fn list_hash(&self) -> &[u8; 32] {
        &self.list
    }

    /// The entry's hash.
    #[must_use]
    pub fn hash(&self) -> RosterHash {
        RosterHash::of(&self.signed)
    }

    /// Verifies a new entry: by the device list it names, and by the newest list known of the same account, in which
    /// its device must still be.
    ///
    /// # Errors
    /// [`EntryError`]
    pub fn verify(&self, named: &DeviceList, newest: &DeviceList) -> Result<VerifiedEntry, EntryError> {
        self.check_list(named)?;
        if newest.account() != named.account() {
            return Err(EntryError::WrongAccount);
        }
        if newest.version() == named.version() && newest.hash() != named.hash() {
            return Err(EntryError::OtherList);
        }
        let key = |list: &DeviceList| list.device(self.device).map(|device| *device.signing());
        if newest.version() > named.version() && key(newest) != key(named) {
            return Err(EntryError::DeviceGone);
        }
        self.check_signature(named)
    }

    /// Verifies an entry from before the reader came, or from a branch that a merge brings: by the device list it names
    /// alone, because its device may be gone for good reasons since. A later entry, verified in full, vouches for it.
    ///
    /// # Errors
    /// [`EntryError`]
    pub fn verify_history(&self, named: &DeviceList) -> Result<VerifiedEntry, EntryError> {
        self.check_list(named)?;
        self.check_signature(named)
    }

    fn check_list(&self, named: &DeviceList) -> Result<(), EntryError> {
        if *named.hash() != self.list {
            return Err(EntryError::OtherList);
        }
        if *named.account() != self.actor {
            return Err(EntryError::WrongAccount);
        }
        named.device(self.device).map(|_| ()).ok_or(EntryError::UnlistedDevice)
    }

    fn check_signature(&self, named: &DeviceList) -> Result<VerifiedEntry, EntryError> {
        let device = named.device(self.device).ok_or(EntryError::UnlistedDevice)?;
        Signature::from_bytes(&self.signature)
            .and_then(|signature| device.signing().verify_roster_entry(&self.signed, &signature))
            .map_err(|_| EntryError::BadSignature)?;
        let mut entry = self.entry.clone();
        if let Operation::Genesis { .. } = entry.operation {
            entry.group = GroupId::of(&self.signed);
        }
        Ok(VerifiedEntry { entry, actor: self.actor, hash: self.hash(), encoded: self.encoded.clone() })
    }
}

/// An entry that a device of its actor signed. Whether it was allowed to do what it does is for the roster to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedEntry {
    entry: RosterEntry,
    actor: AccountPublic,
    hash: RosterHash,
    encoded: Vec<u8>,
}

impl VerifiedEntry {
    /// Signs an entry by a device of this list.
    ///
    /// # Errors
    /// [`EntryError::UnlistedDevice`] if the list does not have the device, [`EntryError::BadSignature`] if it has it
    /// with another key.
    pub fn sign(
        entry: RosterEntry,
        list: &DeviceList,
        device: DeviceId,
        key: &DeviceSigningKey,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Self, EntryError> {
        let actor = *list.account();
        let signed = encode(&Signed {
            version: limits::VERSION,
            group: entry.group,
            epoch: entry.epoch,
            previous: entry.previous,
            actor,
            device,
            list: (*list.hash()).into(),
            operation: entry.operation.clone(),
        });
        let signature = key.sign_roster_entry(&signed, rng).to_bytes();
        let encoded = encode(&SignedBytes { signed: signed.clone().into(), signature: signature.into() });
        let list_hash = *list.hash();
        ReceivedEntry { entry, actor, device, list: list_hash, signed, signature, encoded }
            .verify_history(list)
    }

    /// Founds a group.
    ///
    /// # Errors
    /// Those of [`VerifiedEntry::sign`].
    pub fn found(
        list: &DeviceList,
        device: DeviceId,
        key: &DeviceSigningKey,
        rng: &mut (impl CryptoRng + ?Sized),
    ) -> Result<Self, EntryError> {
        let mut salt = [0; 32];
        rng.fill_bytes(&mut salt);
        let entry = RosterEntry {
            group: GroupId::from_bytes([0; 16]),
            epoch: 0,
            previous: RosterHash::from_bytes([0; 32]),
            operation: Operation::Genesis { salt: salt.into() },
        };
        Self::sign(entry, list, device, key, rng)
    }

    /// The group: in a genesis, the one it founds.
    #[must_use]
    pub const fn group(&self) -> GroupId {
        self.entry.group
    }

    /// Its number.
    #[must_use]
    pub const fn epoch(&self) -> u32 {
        self.entry.epoch
    }

    /// The entry before it.
    #[must_use]
    pub const fn previous(&self) -> RosterHash {
        self.entry.previous
    }

    /// What it does.
    #[must_use]
    pub const fn operation(&self) -> &Operation {
        &self.entry.operation
    }

    /// Who did it.
    #[must_use]
    pub const fn actor(&self) -> &AccountPublic {
        &self.actor
    }

    /// Its hash.
    #[must_use]
    pub const fn hash(&self) -> RosterHash {
        self.hash
    }

    /// The bytes to send and to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.encoded
    }
}
