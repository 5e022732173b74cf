//! Groups: a roster that alone says who belongs, and the sender chains of those who do.
//!
//! `docs/protocol.md` section 21. [`Roster`] is the log; [`Group`] puts the chains under it, so that no chain can be
//! taken from, and no message opened for, somebody who does not belong, and whoever is removed loses its chains in the
//! same step. Neither knows how entries, announcements and messages travel: they come with a device that a session or
//! an envelope has authenticated, and that its account's newest list names.

mod chains;
mod members;
mod roster;
mod stored;
#[cfg(test)]
mod tests;

use rand_core::CryptoRng;
use sotto_crypto::keys::DevicePublic;
use sotto_crypto::sender_key::{
    ChainAnnouncement, ChainOwner, GroupMessage, ReceivingChain, RosterPlace, SenderKeyError, SendingChain,
};
use sotto_crypto::{AccountId, ChainId, DeviceId, Timestamp};
use sotto_wire::peer::{DeviceList, VerifiedEntry};

pub use chains::{CHAIN_LIFETIME, CHAINS_GONE_MAX, CHAINS_OF_DEVICE_MAX, SKIPPED_LIFETIME};
use chains::{MemberChains, OwnChain};
pub use members::{EPOCH_MAX, MEMBERS_MAX, Member, Members, OWNERS_ONLY_FROM};
pub use roster::{Applied, BRANCH_MAX, Roster, RosterError, Standing};
pub use stored::StateError;

/// Why an announcement or a message is not taken, or nothing can be said. Nothing has changed, unless a split was
/// recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// Of another group.
    #[error("of another group")]
    WrongGroup,
    /// Its account is not a member, or was not one then.
    #[error("not a member")]
    NotMember,
    /// It names a later entry than this log has: hold it.
    #[error("the sender knows more of the roster")]
    Ahead,
    /// Its account follows another branch of the roster: hold it, and show it.
    #[error("the sender follows another roster")]
    Split,
    /// The chain was made before somebody was removed.
    #[error("the chain is from before the last removal")]
    Stale,
    /// The chain's signing key is one that has another purpose.
    #[error("the chain's key is presented for two purposes")]
    ReusedKey,
    /// No chain of this device has this id: hold it.
    #[error("the message is of a chain that was not announced")]
    UnknownChain,
    /// It names an earlier entry than its chain was made under.
    #[error("the message names a roster from before its chain")]
    BackDated,
    /// Its author knew of a removal and did not begin another chain.
    #[error("the chain should have been replaced after a removal")]
    NotRotated,
    /// Begin another chain first.
    #[error("another sender chain is due")]
    RotationDue,
    /// Its chain refuses it.
    #[error(transparent)]
    Chain(#[from] SenderKeyError),
}

/// What became of an announcement that was no mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// The chain is kept.
    New(ChainId),
    /// The chain was kept already and stays where it is, or was and has made room for others: then it is not kept.
    Known(ChainId),
}

/// A group as one of its devices sees it. Holds secrets.
pub struct Group {
    roster: Roster,
    account: AccountId,
    device: DeviceId,
    own: Option<OwnChain>,
    chains: MemberChains,
}

impl Group {
    /// The group of this roster, for this device; no chains yet.
    #[must_use]
    pub fn new(roster: Roster, account: AccountId, device: DeviceId) -> Self {
        Self { roster, account, device, own: None, chains: MemberChains::default() }
    }

    /// Who belongs to it, and since when.
    #[must_use]
    pub const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Takes the next entry, and lets go of the chains of whoever it takes out.
    ///
    /// # Errors
    /// Those of [`Roster::apply`].
    pub fn apply(&mut self, entry: &VerifiedEntry) -> Result<Applied, RosterError> {
        self.merge(entry, &[])
    }

    /// The same with the branch that a merge brings.
    ///
    /// # Errors
    /// Those of [`Roster::merge`].
    pub fn merge(&mut self, entry: &VerifiedEntry, branch: &[VerifiedEntry]) -> Result<Applied, RosterError> {
        let applied = self.roster.merge(entry, branch)?;
        let members = self.roster.members();
        self.chains.retain(|account, _| members.get(account).is_some());
        if members.get(self.account).is_none() {
            self.own = None;
        }
        Ok(applied)
    }

    /// A member's devices have changed: chains of devices that are gone go, and this device's own chain is over.
    pub fn devices_changed(&mut self, newest: &DeviceList) {
        let changed = newest.account().id();
        if self.roster.members().get(changed).is_none() {
            return;
        }
        self.chains.retain(|account, device| account != changed || newest.device(device).is_some());
        self.distrust_own_chain();
    }

    /// This device's own chain is over: its state may have been rolled back.
    pub fn distrust_own_chain(&mut self) {
        if let Some(own) = &mut self.own {
            own.outdate();
        }
    }

    /// Whether another chain has to be begun before the next message.
    #[must_use]
    pub fn is_rotation_due(&self, now: Timestamp) -> bool {
        let last_removal = self.roster.members().last_removal();
        self.own.as_ref().is_none_or(|own| own.is_over(last_removal, now))
    }

    /// Begins another chain, which is to be announced to every other device of every member; the former one is wiped.
    ///
    /// # Errors
    /// [`GroupError::NotMember`]
    pub fn rotate<R: CryptoRng + ?Sized>(&mut self, now: Timestamp, rng: &mut R) -> Result<(), GroupError> {
        self.own_membership()?;
        let owner = self.owner(self.account, self.device);
        self.own = Some(OwnChain::new(SendingChain::generate(owner, self.roster.head(), rng), now));
        Ok(())
    }

    /// What to tell a reader about this device's chain, in its session: from its present position on. The reader's
    /// device is one of its account's newest list.
    ///
    /// # Errors
    /// [`GroupError::NotMember`], also if the reader is none, or [`GroupError::RotationDue`].
    pub fn announcement(
        &self,
        reader: &DevicePublic,
        now: Timestamp,
    ) -> Result<ChainAnnouncement, GroupError> {
        self.own_membership()?;
        self.roster.members().get(reader.account().id()).ok_or(GroupError::NotMember)?;
        let own = self.own.as_ref().filter(|_| !self.is_rotation_due(now));
        Ok(own.ok_or(GroupError::RotationDue)?.chain.announcement()?)
    }

    /// Seals a message for the group. Store the group ([`Group::to_bytes`]) before sending it.
    ///
    /// # Errors
    /// [`GroupError::RotationDue`], [`GroupError::NotMember`], or [`SenderKeyError::TooLong`].
    pub fn seal<R: CryptoRng + ?Sized>(
        &mut self,
        plaintext: &[u8],
        now: Timestamp,
        rng: &mut R,
    ) -> Result<Vec<u8>, GroupError> {
        self.own_membership()?;
        if self.is_rotation_due(now) {
            return Err(GroupError::RotationDue);
        }
        let own = self.own.as_mut().ok_or(GroupError::RotationDue)?;
        Ok(own.chain.seal(self.roster.head(), plaintext, rng)?)
    }

    /// Takes up a chain that `sender` announced in its own session.
    ///
    /// # Errors
    /// [`GroupError`]; to be held for [`GroupError::Ahead`] and [`GroupError::Split`].
    pub fn take_chain(
        &mut self,
        sender: &DevicePublic,
        announcement: ChainAnnouncement,
    ) -> Result<Announced, GroupError> {
        let (account, device) = (sender.account().id(), sender.device_id());
        if announcement.group != self.roster.group() {
            return Err(GroupError::WrongGroup);
        }
        let since = self.roster.members().get(account).ok_or(GroupError::NotMember)?.since();
        self.on_this_branch(account, announcement.made)?;
        if announcement.made.epoch < since {
            return Err(GroupError::NotMember);
        }
        if announcement.made.epoch < self.roster.members().last_removal() {
            return Err(GroupError::Stale);
        }
        let key = *announcement.signing.as_bytes();
        let long_lived =
            [sender.account().as_bytes(), sender.signing().as_bytes(), sender.identity().as_bytes()];
        let own = self.own.as_ref().is_some_and(|own| own.chain.signing() == announcement.signing);
        let elsewhere = self.chains.used_elsewhere(&announcement.signing, account, device);
        if own || elsewhere || long_lived.contains(&&key) {
            return Err(GroupError::ReusedKey);
        }
        let chain = ReceivingChain::new(self.owner(account, device), announcement)?;
        let id = chain.id();
        if self.chains.is_known(account, device, id) {
            return Ok(Announced::Known(id));
        }
        self.chains.keep(chain);
        Ok(Announced::New(id))
    }

    /// Looks at the entries behind a place that was [`GroupError::Ahead`] when `sender` named it, in something held; a
    /// split is recorded if they leave this group's path before its head.
    pub fn trace(
        &mut self,
        sender: &DevicePublic,
        place: RosterPlace,
        entries: &[VerifiedEntry],
    ) -> Standing {
        self.roster.heard_with(sender.account().id(), place, entries)
    }

    /// Opens a message that came from `sender`.
    ///
    /// # Errors
    /// [`GroupError`]; to be held for [`GroupError::Ahead`], [`GroupError::Split`] and [`GroupError::UnknownChain`].
    pub fn open(
        &mut self,
        sender: &DevicePublic,
        message: &[u8],
        now: Timestamp,
    ) -> Result<Vec<u8>, GroupError> {
        let (account, device) = (sender.account().id(), sender.device_id());
        let message = GroupMessage::parse(message)?;
        if message.group() != self.roster.group() {
            return Err(GroupError::WrongGroup);
        }
        if self.roster.members().get(account).is_none() {
            return Err(GroupError::NotMember);
        }
        let id = message.chain();
        let chain = self.chains.get(account, device, id).ok_or(GroupError::UnknownChain)?;
        let made = chain.made().epoch;
        let message = chain.verify(message)?;
        let place = message.place();
        self.on_this_branch(account, place)?;
        if place.epoch < made {
            return Err(GroupError::BackDated);
        }
        let last_removal = self.roster.members().last_removal();
        if made < last_removal && place.epoch >= last_removal {
            return Err(GroupError::NotRotated);
        }
        let chain = self.chains.get_mut(account, device, id).ok_or(GroupError::UnknownChain)?;
        Ok(chain.open(&message, now)?)
    }

    /// Forgets keys of messages that have been missing for [`SKIPPED_LIFETIME`].
    pub fn forget_old_keys(&mut self, now: Timestamp) {
        self.chains.forget_skipped_before(now.saturating_sub(SKIPPED_LIFETIME));
    }

    /// The chains kept of other devices.
    pub fn chains(&self) -> impl Iterator<Item = &ReceivingChain> {
        self.chains.iter()
    }

    /// This device's own chain.
    #[must_use]
    pub fn own_chain(&self) -> Option<&SendingChain> {
        self.own.as_ref().map(|own| &own.chain)
    }

    fn owner(&self, account: AccountId, device: DeviceId) -> ChainOwner {
        ChainOwner { group: self.roster.group(), account, device }
    }

    fn own_membership(&self) -> Result<(), GroupError> {
        self.roster.members().get(self.account).map(|_| ()).ok_or(GroupError::NotMember)
    }

    fn on_this_branch(&mut self, account: AccountId, place: RosterPlace) -> Result<(), GroupError> {
        match self.roster.heard(account, place) {
            Standing::Known => Ok(()),
            Standing::Ahead => Err(GroupError::Ahead),
            Standing::Split => Err(GroupError::Split),
        }
    }
}

impl core::fmt::Debug for Group {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Group").field("roster", &self.roster.head()).finish_non_exhaustive()
    }
}
