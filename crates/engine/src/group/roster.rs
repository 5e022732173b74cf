//! The roster: a group's log of entries, of which the first valid successor is final.

use std::collections::{BTreeMap, BTreeSet};

use sotto_crypto::sender_key::RosterPlace;
use sotto_crypto::{AccountId, GroupId, RosterHash};
use sotto_wire::peer::{Operation, RosterEntry, VerifiedEntry};

use super::members::{EPOCH_MAX, Members};

mod stored;

pub(super) use stored::StoredRoster;

/// Most entries of a branch that a merge brings.
pub const BRANCH_MAX: usize = 4_095;
/// Most entries to repeat in order to find the members at an earlier place.
const REPLAY_MAX: usize = 64;

/// Why an entry does not enter the roster, which is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// Of another group.
    #[error("the entry is of another group")]
    WrongGroup,
    /// Another entry took its place: the first valid successor is final.
    #[error("another entry has taken this place")]
    Sibling,
    /// The entry before it is unknown: keep it until that has come.
    #[error("the entry before this one is unknown")]
    UnknownPrevious,
    /// Its number is not one more than that of the entry before.
    #[error("the entry has a number that does not follow")]
    WrongEpoch,
    /// There is no room in the log, or a branch is longer than a log: the group has to be founded anew.
    #[error("the roster is full")]
    LogFull,
    /// Its actor is not a member.
    #[error("the actor is not a member")]
    NotMember,
    /// Its actor's role does not permit this.
    #[error("the actor may not do this")]
    NotAllowed,
    /// The rest of the log is for owners.
    #[error("only owners may change the roster from here on")]
    OwnersOnly,
    /// Its target is a member already.
    #[error("already a member")]
    AlreadyMember,
    /// Its target is not a member.
    #[error("no such member")]
    NoSuchMember,
    /// Its target has this role already.
    #[error("that is the member's role already")]
    SameRole,
    /// There would be no owner left.
    #[error("a group has an owner")]
    LastOwner,
    /// There are as many members as there may be.
    #[error("the group is full")]
    GroupFull,
}

/// What became of an entry that was no mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It is the new head.
    New,
    /// It was known already; nothing changed.
    Known,
}

/// How somebody's place in the log looks from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// An entry of this log, or of a branch that was merged into it.
    Known,
    /// Further than this log goes.
    Ahead,
    /// Another entry than the one this log has there.
    Split,
}

/// A group's log and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roster {
    group: GroupId,
    head: RosterPlace,
    /// The entries accepted, the genesis first.
    path: Vec<Step>,
    /// Place in `path` of those on it; `None` for entries of merged branches.
    known: BTreeMap<RosterHash, (u32, Option<usize>)>,
    members: Members,
    splits: BTreeMap<AccountId, RosterPlace>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    place: RosterPlace,
    effect: Effect,
}

/// What an entry led to, by which the members at an earlier place are found again.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Effect {
    /// Who did what, to be repeated on the members before it.
    Operation { actor: AccountId, operation: Box<Operation> },
    /// After the genesis, after merges, and now and then.
    Members(Members),
}

/// An entry with the members after it, while a branch is followed.
struct Node {
    epoch: u32,
    members: Members,
    parents: [Option<RosterHash>; 2],
}

impl Roster {
    /// Begins with the entry that founds a group, of which `expected` is the id if one is expected.
    ///
    /// # Errors
    /// [`RosterError::WrongGroup`] for any other entry or group.
    pub fn begin(genesis: &VerifiedEntry, expected: Option<GroupId>) -> Result<Self, RosterError> {
        let Operation::Genesis { .. } = genesis.operation() else { return Err(RosterError::WrongGroup) };
        if expected.is_some_and(|group| group != genesis.group()) {
            return Err(RosterError::WrongGroup);
        }
        let members = Members::founded_by(genesis.actor());
        let head = RosterPlace { epoch: 0, hash: genesis.hash() };
        Ok(Self {
            group: genesis.group(),
            head,
            known: BTreeMap::from([(head.hash, (0, Some(0)))]),
            path: vec![Step { place: head, effect: Effect::Members(members.clone()) }],
            members,
            splits: BTreeMap::new(),
        })
    }

    /// The group's id.
    #[must_use]
    pub const fn group(&self) -> GroupId {
        self.group
    }

    /// The newest entry.
    #[must_use]
    pub const fn head(&self) -> RosterPlace {
        self.head
    }

    /// Who belongs to the group after the newest entry.
    #[must_use]
    pub const fn members(&self) -> &Members {
        &self.members
    }

    /// All entries on this reader's path, the genesis first.
    pub fn path(&self) -> impl Iterator<Item = RosterPlace> {
        self.path.iter().map(|step| step.place)
    }

    /// The entry to sign for an operation other than a merge.
    #[must_use]
    pub fn next(&self, operation: Operation) -> RosterEntry {
        let epoch = self.head.epoch.saturating_add(1);
        RosterEntry { group: self.group, epoch, previous: self.head.hash, operation }
    }

    /// The entry to sign in order to merge with the branch of this head.
    #[must_use]
    pub fn next_merge(&self, other: RosterPlace) -> RosterEntry {
        let epoch = self.head.epoch.max(other.epoch).saturating_add(1);
        let operation = Operation::Merge { other: other.hash };
        RosterEntry { group: self.group, epoch, previous: self.head.hash, operation }
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// [`RosterError`], with nothing changed. [`RosterError::UnknownPrevious`] for a merge, unless both its parents are
    /// on this path: it comes with its branch through [`Roster::merge`].
    pub fn apply(&mut self, entry: &VerifiedEntry) -> Result<Applied, RosterError> {
        self.merge(entry, &[])
    }

    /// Takes the next entry, a merge with the entries that lead to the head of the other branch, parents first. Entries
    /// that are not needed are passed over.
    ///
    /// # Errors
    /// [`RosterError`], of the merge or of an entry of the branch, with nothing changed.
    pub fn merge(&mut self, entry: &VerifiedEntry, branch: &[VerifiedEntry]) -> Result<Applied, RosterError> {
        if entry.group() != self.group {
            return Err(RosterError::WrongGroup);
        }
        if self.known.contains_key(&entry.hash()) {
            return Ok(Applied::Known);
        }
        self.follows_head(entry)?;
        let mut nodes = BTreeMap::new();
        if let Operation::Merge { .. } = entry.operation() {
            // Only an owner can make a reader work through a branch.
            self.members.permits_merge(entry.actor().id())?;
            self.follow(branch, &mut nodes)?;
        }
        let node = self.step(&nodes, entry)?;
        self.become_known(&nodes, node.parents);
        let merges = matches!(entry.operation(), Operation::Merge { .. });
        let effect = if merges || self.path.len().is_multiple_of(REPLAY_MAX) {
            Effect::Members(node.members.clone())
        } else {
            Effect::Operation { actor: entry.actor().id(), operation: Box::new(entry.operation().clone()) }
        };
        self.head = RosterPlace { epoch: node.epoch, hash: entry.hash() };
        self.known.insert(self.head.hash, (node.epoch, Some(self.path.len())));
        self.path.push(Step { place: self.head, effect });
        self.members = node.members;
        self.settle_splits();
        Ok(Applied::New)
    }

    fn follows_head(&self, entry: &VerifiedEntry) -> Result<(), RosterError> {
        let parents = parents_of(entry);
        let [first, second] = parents;
        let follows = first == Some(self.head.hash) || second == Some(self.head.hash);
        if follows && first != second {
            return Ok(());
        }
        let late = parents.into_iter().flatten().any(|parent| self.known.contains_key(&parent));
        Err(if late { RosterError::Sibling } else { RosterError::UnknownPrevious })
    }

    fn follow(
        &self,
        branch: &[VerifiedEntry],
        nodes: &mut BTreeMap<RosterHash, Node>,
    ) -> Result<(), RosterError> {
        if branch.len() > BRANCH_MAX {
            return Err(RosterError::LogFull);
        }
        for entry in branch {
            let on_path = self.known.get(&entry.hash()).is_some_and(|(_, place)| place.is_some());
            if on_path || nodes.contains_key(&entry.hash()) {
                continue;
            }
            if entry.group() != self.group {
                return Err(RosterError::WrongGroup);
            }
            let node = self.step(nodes, entry)?;
            nodes.insert(entry.hash(), node);
        }
        Ok(())
    }

    /// An entry with the members after it, if it is valid after its own parents.
    fn step(&self, nodes: &BTreeMap<RosterHash, Node>, entry: &VerifiedEntry) -> Result<Node, RosterError> {
        let parents = parents_of(entry);
        let (before, members) = self.at(nodes, entry.previous())?;
        let epoch = entry.epoch();
        let members = if let Operation::Merge { other } = entry.operation() {
            if *other == entry.previous() {
                return Err(RosterError::Sibling);
            }
            let (other_before, others) = self.at(nodes, *other)?;
            in_turn(before.max(other_before), epoch)?;
            let actor = entry.actor().id();
            members.permits_merge(actor)?;
            others.permits_merge(actor).map_err(|_| RosterError::NotAllowed)?;
            members.merged(&others, epoch)
        } else {
            in_turn(before, epoch)?;
            members.after(entry)?
        };
        Ok(Node { epoch, members, parents })
    }

    /// Epoch and members after an entry of this path or of the branch followed.
    fn at(
        &self,
        nodes: &BTreeMap<RosterHash, Node>,
        hash: RosterHash,
    ) -> Result<(u32, Members), RosterError> {
        if let Some(node) = nodes.get(&hash) {
            return Ok((node.epoch, node.members.clone()));
        }
        let Some(&(epoch, Some(place))) = self.known.get(&hash) else {
            return Err(RosterError::UnknownPrevious);
        };
        if hash == self.head.hash {
            return Ok((epoch, self.members.clone()));
        }
        let mut repeated = Vec::new();
        for step in self.path.get(..=place).unwrap_or_default().iter().rev() {
            match &step.effect {
                Effect::Operation { actor, operation } => {
                    repeated.push((*actor, step.place.epoch, operation));
                }
                Effect::Members(members) => {
                    let mut members = members.clone();
                    for (actor, epoch, operation) in repeated.into_iter().rev() {
                        members.advance(actor, epoch, operation)?;
                    }
                    return Ok((epoch, members));
                }
            }
        }
        // Not reached: the genesis is a step of the second kind.
        Err(RosterError::UnknownPrevious)
    }

    /// Notes what of a branch the merge stands on; the rest of it stays unknown.
    fn become_known(&mut self, nodes: &BTreeMap<RosterHash, Node>, parents: [Option<RosterHash>; 2]) {
        let mut waiting: Vec<RosterHash> = parents.into_iter().flatten().collect();
        while let Some(hash) = waiting.pop() {
            let Some(node) = nodes.get(&hash) else { continue };
            if self.known.insert(hash, (node.epoch, None)).is_none() {
                waiting.extend(node.parents.into_iter().flatten());
            }
        }
    }

    /// How somebody's place looks from here.
    #[must_use]
    pub fn standing(&self, place: RosterPlace) -> Standing {
        match self.known.get(&place.hash) {
            Some((epoch, _)) if *epoch == place.epoch => Standing::Known,
            _ if place.epoch > self.head.epoch => Standing::Ahead,
            _ => Standing::Split,
        }
    }

    /// How a place that seems ahead looks once the entries are there that lead to it: split, if they leave this path
    /// before its head. Without some of them it may still be ahead.
    #[must_use]
    pub fn trace(&self, place: RosterPlace, entries: &[VerifiedEntry]) -> Standing {
        let standing = self.standing(place);
        if standing != Standing::Ahead || entries.len() > BRANCH_MAX {
            return standing;
        }
        let entries: BTreeMap<RosterHash, &VerifiedEntry> =
            entries.iter().map(|entry| (entry.hash(), entry)).collect();
        let mut seen = BTreeSet::new();
        let mut waiting = vec![place.hash];
        while let Some(hash) = waiting.pop() {
            if hash == self.head.hash {
                return Standing::Ahead;
            }
            if self.known.contains_key(&hash) || !seen.insert(hash) {
                continue;
            }
            let Some(entry) = entries.get(&hash) else { return Standing::Ahead };
            waiting.extend(parents_of(entry).into_iter().flatten());
        }
        Standing::Split
    }

    /// Notes the place that a member named, where it was verified that the member did; a split is remembered until a
    /// merge makes the place known or the member goes.
    pub(super) fn heard(&mut self, account: AccountId, place: RosterPlace) -> Standing {
        self.heard_with(account, place, &[])
    }

    /// The same with the entries that lead there.
    pub(super) fn heard_with(
        &mut self,
        account: AccountId,
        place: RosterPlace,
        entries: &[VerifiedEntry],
    ) -> Standing {
        let standing = self.trace(place, entries);
        if standing == Standing::Split && self.members.get(account).is_some() {
            self.splits.entry(account).or_insert(place);
        }
        if self.splits.contains_key(&account) { Standing::Split } else { standing }
    }

    /// The members who named another entry than the one this log has, and which.
    pub fn splits(&self) -> impl Iterator<Item = (AccountId, RosterPlace)> {
        self.splits.iter().map(|(account, place)| (*account, *place))
    }

    fn settle_splits(&mut self) {
        let mut splits = core::mem::take(&mut self.splits);
        splits.retain(|account, place| {
            self.members.get(*account).is_some() && self.standing(*place) != Standing::Known
        });
        self.splits = splits;
    }
}

fn parents_of(entry: &VerifiedEntry) -> [Option<RosterHash>; 2] {
    let other = match entry.operation() {
        Operation::Merge { other } => Some(*other),
        _ => None,
    };
    [Some(entry.previous()), other]
}

fn in_turn(before: u32, epoch: u32) -> Result<(), RosterError> {
    if before.checked_add(1) != Some(epoch) {
        return Err(RosterError::WrongEpoch);
    }
    if epoch > EPOCH_MAX { Err(RosterError::LogFull) } else { Ok(()) }
}
