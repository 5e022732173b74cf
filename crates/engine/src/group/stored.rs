//! A group as bytes, for encrypted storage: CBOR, one encoding. It does not leave the device.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use sotto_crypto::sender_key::{ReceivingChain, RosterPlace, SendingChain};
use sotto_crypto::{AccountId, ChainId, DeviceId, Timestamp};
use sotto_wire::FixedBytes;
use sotto_wire::peer::codec;
use sotto_wire::server::List;
use zeroize::{Zeroize, Zeroizing};

use super::chains::{CHAINS_GONE_MAX, OwnChain};
use super::roster::StoredRoster;
use super::{Group, Roster, Standing};

const VERSION: u8 = 1;

/// The bytes are not a group that [`Group::to_bytes`] of this version wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed group state")]
pub struct StateError;

/// A chain as its own `to_bytes` writes it; wiped when dropped.
#[derive(Encode, Decode)]
#[cbor(map)]
struct StoredChain {
    #[n(0)]
    state: ByteVec,
}

impl StoredChain {
    fn of(state: &Zeroizing<Vec<u8>>) -> Self {
        Self { state: state.to_vec().into() }
    }
}

impl Drop for StoredChain {
    fn drop(&mut self) {
        self.state.zeroize();
    }
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct StoredOwn {
    #[n(0)]
    chain: StoredChain,
    /// Milliseconds since 1970.
    #[n(1)]
    made_at: u64,
    #[n(2)]
    outdated: bool,
}

/// Chains of a device that made room for others, oldest first.
#[derive(Encode, Decode)]
#[cbor(map)]
struct StoredGone {
    #[n(0)]
    #[cbor(with = "codec::item")]
    account: AccountId,
    #[n(1)]
    #[cbor(with = "codec::item")]
    device: DeviceId,
    #[n(2)]
    chains: List<FixedBytes<16>, CHAINS_GONE_MAX>,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct StoredGroup {
    #[n(0)]
    version: u8,
    #[n(1)]
    #[cbor(with = "codec::item")]
    account: AccountId,
    #[n(2)]
    #[cbor(with = "codec::item")]
    device: DeviceId,
    #[n(3)]
    roster: StoredRoster,
    #[n(4)]
    own: Option<StoredOwn>,
    /// By account and device, those of one device in the order of their announcement.
    #[n(5)]
    chains: Vec<StoredChain>,
    /// By account and device.
    #[n(6)]
    gone: Vec<StoredGone>,
}

impl Group {
    /// The whole state, to be stored encrypted. Wiped when dropped.
    #[must_use]
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let own = self.own.as_ref().map(|own| StoredOwn {
            chain: StoredChain::of(&own.chain.to_bytes()),
            made_at: own.made_at().as_millis(),
            outdated: own.is_outdated(),
        });
        let chains = self.chains.iter().map(|chain| StoredChain::of(&chain.to_bytes())).collect();
        let gone = self.chains.gone().filter_map(|(account, device, gone)| {
            let chains = List::new(gone.iter().map(|id| (*id.as_bytes()).into()).collect()).ok()?;
            Some(StoredGone { account, device, chains })
        });
        let gone = gone.collect();
        let stored = self.roster.stored().map(|roster| StoredGroup {
            version: VERSION,
            account: self.account,
            device: self.device,
            roster,
            own,
            chains,
            gone,
        });
        // A roster is within the bounds of its stored form, so there always is one.
        Zeroizing::new(stored.map(|stored| codec::encode(&stored)).unwrap_or_default())
    }

    /// Takes a group back from storage.
    ///
    /// # Errors
    /// [`StateError`] for anything [`Group::to_bytes`] did not write: also members, chains and splits that no roster
    /// leads to.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, StateError> {
        let stored: StoredGroup = codec::decode(bytes, usize::MAX).map_err(|_| StateError)?;
        let group = stored.restored().ok_or(StateError)?;
        if *group.to_bytes() == bytes { Ok(group) } else { Err(StateError) }
    }
}

impl Group {
    /// Whether a chain of this account, made at this place, can have been taken.
    fn knows(&self, account: AccountId, made: RosterPlace) -> bool {
        self.roster.members().get(account).is_some() && self.roster.standing(made) == Standing::Known
    }
}

impl StoredGroup {
    fn restored(self) -> Option<Group> {
        if self.version != VERSION {
            return None;
        }
        let roster = Roster::restored(self.roster)?;
        let mut group = Group::new(roster, self.account, self.device);
        if let Some(own) = self.own {
            let chain = SendingChain::from_bytes(&own.chain.state).ok()?;
            if *chain.owner() != group.owner(group.account, group.device)
                || !group.knows(group.account, chain.made())
            {
                return None;
            }
            group.own = Some(OwnChain::restored(chain, Timestamp::from_millis(own.made_at), own.outdated));
        }
        for stored in &self.chains {
            let chain = ReceivingChain::from_bytes(&stored.state).ok()?;
            let owner = *chain.owner();
            let of_own_key = group.own.as_ref().is_some_and(|own| own.chain.signing() == *chain.signing());
            if group.chains.is_full(owner.account, owner.device)
                || owner.group != group.roster.group()
                || !group.knows(owner.account, chain.made())
                || of_own_key
                || group.chains.used_elsewhere(chain.signing(), owner.account, owner.device)
                || group.chains.get(owner.account, owner.device, chain.id()).is_some()
            {
                return None;
            }
            group.chains.keep(chain);
        }
        for StoredGone { account, device, chains } in self.gone {
            let chains: Vec<ChainId> = chains.as_slice().iter().map(|id| ChainId::from_bytes(**id)).collect();
            if !group.chains.restore_gone(account, device, &chains) {
                return None;
            }
        }
        Some(group)
    }
}
