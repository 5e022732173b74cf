//! The sender chains of a group: this device's own, and those of the others.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

use sotto_crypto::keys::GroupSigningPublic;
use sotto_crypto::sender_key::{MAX_MESSAGES, ReceivingChain, SendingChain};
use sotto_crypto::{AccountId, ChainId, DeviceId, Timestamp};

/// Most chains kept of one device; the one announced first goes.
pub const CHAINS_OF_DEVICE_MAX: usize = 3;
/// Most chains of one device remembered that made room for others; the oldest is forgotten.
pub const CHAINS_GONE_MAX: usize = 64;
/// Age at which a device begins another chain.
pub const CHAIN_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);
/// How long the key of a skipped message is kept.
pub const SKIPPED_LIFETIME: Duration = Duration::from_secs(45 * 24 * 3600);

/// The chain under which this device speaks.
pub(super) struct OwnChain {
    pub(super) chain: SendingChain,
    /// When it was made, by the local clock.
    made_at: Timestamp,
    /// Devices have come or gone since, or the chain may be an old copy.
    outdated: bool,
}

impl OwnChain {
    pub(super) const fn new(chain: SendingChain, made_at: Timestamp) -> Self {
        Self { chain, made_at, outdated: false }
    }

    pub(super) const fn restored(chain: SendingChain, made_at: Timestamp, outdated: bool) -> Self {
        Self { chain, made_at, outdated }
    }

    pub(super) const fn made_at(&self) -> Timestamp {
        self.made_at
    }

    pub(super) const fn is_outdated(&self) -> bool {
        self.outdated
    }

    pub(super) fn outdate(&mut self) {
        self.outdated = true;
    }

    /// Whether nothing may be said under it any more.
    pub(super) fn is_over(&self, last_removal: u32, now: Timestamp) -> bool {
        self.outdated
            || self.chain.next() >= MAX_MESSAGES
            || last_removal > self.chain.made().epoch
            || now.saturating_since(self.made_at) >= CHAIN_LIFETIME
    }
}

/// The chains of one other device.
#[derive(Default)]
struct DeviceChains {
    /// Oldest announcement first.
    kept: VecDeque<ReceivingChain>,
    /// Those that made room, oldest first: announced once more, they would begin again where they began.
    gone: VecDeque<ChainId>,
}

/// The chains of the other devices.
#[derive(Default)]
pub(super) struct MemberChains(BTreeMap<(AccountId, DeviceId), DeviceChains>);

impl MemberChains {
    pub(super) fn get(&self, account: AccountId, device: DeviceId, id: ChainId) -> Option<&ReceivingChain> {
        self.0.get(&(account, device))?.kept.iter().find(|chain| chain.id() == id)
    }

    pub(super) fn get_mut(
        &mut self,
        account: AccountId,
        device: DeviceId,
        id: ChainId,
    ) -> Option<&mut ReceivingChain> {
        self.0.get_mut(&(account, device))?.kept.iter_mut().find(|chain| chain.id() == id)
    }

    /// Whether a chain is kept, or was and made room for others.
    pub(super) fn is_known(&self, account: AccountId, device: DeviceId, id: ChainId) -> bool {
        self.0.get(&(account, device)).is_some_and(|chains| {
            chains.gone.contains(&id) || chains.kept.iter().any(|chain| chain.id() == id)
        })
    }

    /// Whether a chain of another device is signed with this key.
    pub(super) fn used_elsewhere(
        &self,
        key: &GroupSigningPublic,
        account: AccountId,
        device: DeviceId,
    ) -> bool {
        let others = self.0.iter().filter(|(owner, _)| **owner != (account, device));
        others.flat_map(|(_, chains)| &chains.kept).any(|chain| chain.signing() == key)
    }

    pub(super) fn keep(&mut self, chain: ReceivingChain) {
        let owner = (chain.owner().account, chain.owner().device);
        let chains = self.0.entry(owner).or_default();
        if chains.kept.len() >= CHAINS_OF_DEVICE_MAX
            && let Some(first) = chains.kept.pop_front()
        {
            chains.gone.push_back(first.id());
            if chains.gone.len() > CHAINS_GONE_MAX {
                chains.gone.pop_front();
            }
        }
        chains.kept.push_back(chain);
    }

    /// Whether another chain of this device would take the place of one.
    pub(super) fn is_full(&self, account: AccountId, device: DeviceId) -> bool {
        self.0.get(&(account, device)).is_some_and(|chains| chains.kept.len() >= CHAINS_OF_DEVICE_MAX)
    }

    /// The chains of each device that made room for others, oldest first; of devices that have any.
    pub(super) fn gone(&self) -> impl Iterator<Item = (AccountId, DeviceId, &VecDeque<ChainId>)> {
        let gone = self.0.iter().map(|((account, device), chains)| (*account, *device, &chains.gone));
        gone.filter(|(_, _, gone)| !gone.is_empty())
    }

    /// Remembers these again of a device whose kept chains are there. `false` if they cannot have been.
    pub(super) fn restore_gone(&mut self, account: AccountId, device: DeviceId, gone: &[ChainId]) -> bool {
        let Some(chains) = self.0.get_mut(&(account, device)) else { return false };
        for id in gone {
            if chains.gone.contains(id) || chains.kept.iter().any(|chain| chain.id() == *id) {
                return false;
            }
            chains.gone.push_back(*id);
        }
        chains.kept.len() == CHAINS_OF_DEVICE_MAX && !gone.is_empty() && gone.len() <= CHAINS_GONE_MAX
    }

    pub(super) fn retain(&mut self, mut stays: impl FnMut(AccountId, DeviceId) -> bool) {
        self.0.retain(|(account, device), _| stays(*account, *device));
    }

    pub(super) fn forget_skipped_before(&mut self, time: Timestamp) {
        self.0
            .values_mut()
            .flat_map(|chains| &mut chains.kept)
            .for_each(|chain| chain.forget_skipped_before(time));
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &ReceivingChain> {
        self.0.values().flat_map(|chains| &chains.kept)
    }
}
