//! Who belongs to a group at one place of its log, and who may change that.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use sotto_crypto::AccountId;
use sotto_crypto::keys::AccountPublic;
use sotto_wire::peer::{Operation, Role, VerifiedEntry};

use super::RosterError;

/// Most members of a group.
pub const MEMBERS_MAX: usize = 128;
/// Largest epoch: a log has one entry more.
pub const EPOCH_MAX: u32 = 4_095;
/// Epoch from which only owners add, remove and change roles, so that nobody else can use up the log.
pub const OWNERS_ONLY_FROM: u32 = 3_072;

/// One account in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    // Shared: following a long branch keeps a state for each of its entries.
    account: Arc<AccountPublic>,
    role: Role,
    since: u32,
}

impl Member {
    /// Its account key.
    #[must_use]
    pub fn account(&self) -> &AccountPublic {
        &self.account
    }

    pub(super) fn restored(account: AccountPublic, role: Role, since: u32) -> Self {
        Self { account: Arc::new(account), role, since }
    }

    /// What it is.
    #[must_use]
    pub const fn role(&self) -> Role {
        self.role
    }

    /// Epoch of the entry that took it in last.
    #[must_use]
    pub const fn since(&self) -> u32 {
        self.since
    }
}

/// The members after an entry, and when somebody was last taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members {
    by_account: BTreeMap<AccountId, Member>,
    last_removal: u32,
}

impl Members {
    pub(super) fn founded_by(account: &AccountPublic) -> Self {
        let founder = Member { account: Arc::new(*account), role: Role::Owner, since: 0 };
        Self { by_account: BTreeMap::from([(account.id(), founder)]), last_removal: 0 }
    }

    /// The member of this account.
    #[must_use]
    pub fn get(&self, account: AccountId) -> Option<&Member> {
        self.by_account.get(&account)
    }

    /// All, by account id.
    pub fn iter(&self) -> impl Iterator<Item = (AccountId, &Member)> {
        self.by_account.iter().map(|(id, member)| (*id, member))
    }

    /// How many there are: from 1 to [`MEMBERS_MAX`].
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is always an owner")]
    pub fn len(&self) -> usize {
        self.by_account.len()
    }

    /// Epoch of the newest removal, leave or merge; 0 if there was none.
    #[must_use]
    pub const fn last_removal(&self) -> u32 {
        self.last_removal
    }

    /// The members after an entry that is neither a genesis nor a merge, if its actor may do what it does.
    pub(super) fn after(&self, entry: &VerifiedEntry) -> Result<Self, RosterError> {
        let mut after = self.clone();
        after.advance(entry.actor().id(), entry.epoch(), entry.operation())?;
        Ok(after)
    }

    /// The same in place; what was changed before it failed stays.
    pub(super) fn advance(
        &mut self,
        actor: AccountId,
        epoch: u32,
        operation: &Operation,
    ) -> Result<(), RosterError> {
        let role = self.get(actor).ok_or(RosterError::NotMember)?.role;
        let leaves = matches!(operation, Operation::Leave {});
        if epoch >= OWNERS_ONLY_FROM && role != Role::Owner && !leaves {
            return Err(RosterError::OwnersOnly);
        }
        match operation {
            Operation::Add { account, role: given } => self.add(role, account, *given, epoch)?,
            Operation::Remove { account } => {
                self.remove(actor, role, account.id())?;
                self.last_removal = epoch;
            }
            Operation::Role { account, role: given } => self.change_role(role, account.id(), *given)?,
            Operation::Leave {} => {
                self.keeps_an_owner_without(actor)?;
                self.by_account.remove(&actor);
                self.last_removal = epoch;
            }
            Operation::Genesis { .. } | Operation::Merge { .. } => return Err(RosterError::WrongGroup),
        }
        Ok(())
    }

    /// Those after an entry of this epoch, as they were stored: by rising account id, an owner among them.
    pub(super) fn restored(members: Vec<Member>, last_removal: u32, epoch: u32) -> Option<Self> {
        let count = members.len();
        let owned = members.iter().any(|member| member.role == Role::Owner);
        let in_time = last_removal <= epoch && members.iter().all(|member| member.since <= epoch);
        let by_account: BTreeMap<AccountId, Member> =
            members.into_iter().map(|member| (member.account.id(), member)).collect();
        let bounded = by_account.len() == count && count <= MEMBERS_MAX;
        (owned && in_time && bounded).then_some(Self { by_account, last_removal })
    }

    fn add(
        &mut self,
        actor: Role,
        account: &AccountPublic,
        role: Role,
        epoch: u32,
    ) -> Result<(), RosterError> {
        if actor == Role::Member || (actor == Role::Admin && role != Role::Member) {
            return Err(RosterError::NotAllowed);
        }
        let full = self.by_account.len() >= MEMBERS_MAX;
        match self.by_account.entry(account.id()) {
            Entry::Occupied(_) => Err(RosterError::AlreadyMember),
            Entry::Vacant(_) if full => Err(RosterError::GroupFull),
            Entry::Vacant(place) => {
                place.insert(Member { account: Arc::new(*account), role, since: epoch });
                Ok(())
            }
        }
    }

    fn remove(&mut self, actor: AccountId, role: Role, target: AccountId) -> Result<(), RosterError> {
        if target == actor || role == Role::Member {
            return Err(RosterError::NotAllowed);
        }
        let member = self.get(target).ok_or(RosterError::NoSuchMember)?;
        if role == Role::Admin && member.role != Role::Member {
            return Err(RosterError::NotAllowed);
        }
        self.by_account.remove(&target);
        Ok(())
    }

    fn change_role(&mut self, actor: Role, target: AccountId, role: Role) -> Result<(), RosterError> {
        if actor != Role::Owner {
            return Err(RosterError::NotAllowed);
        }
        let now = self.get(target).ok_or(RosterError::NoSuchMember)?.role;
        if now == role {
            return Err(RosterError::SameRole);
        }
        self.keeps_an_owner_without(target)?;
        if let Some(member) = self.by_account.get_mut(&target) {
            member.role = role;
        }
        Ok(())
    }

    fn keeps_an_owner_without(&self, account: AccountId) -> Result<(), RosterError> {
        let another = |(id, member): (&AccountId, &Member)| *id != account && member.role == Role::Owner;
        if self.by_account.iter().any(another) { Ok(()) } else { Err(RosterError::LastOwner) }
    }

    /// Whether this actor may merge this branch with another.
    pub(super) fn permits_merge(&self, actor: AccountId) -> Result<(), RosterError> {
        match self.get(actor).ok_or(RosterError::NotMember)?.role {
            Role::Owner => Ok(()),
            _ => Err(RosterError::NotAllowed),
        }
    }

    /// Those who are members in both branches, with the lower of their roles.
    pub(super) fn merged(&self, other: &Self, epoch: u32) -> Self {
        let both = |(id, ours): (&AccountId, &Member)| {
            let theirs = other.by_account.get(id)?;
            let role = ours.role.min(theirs.role);
            let since = ours.since.max(theirs.since);
            Some((*id, Member { account: Arc::clone(&ours.account), role, since }))
        };
        Self { by_account: self.by_account.iter().filter_map(both).collect(), last_removal: epoch }
    }
}
