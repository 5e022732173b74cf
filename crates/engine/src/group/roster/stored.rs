//! A roster as it is stored: what its entries led to, without the entries themselves.

use minicbor::{Decode, Encode};
use sotto_crypto::keys::AccountPublic;
use sotto_crypto::sender_key::RosterPlace;
use sotto_crypto::{AccountId, GroupId, RosterHash};
use sotto_wire::peer::{Operation, Role, codec};
use sotto_wire::server::List;
use std::collections::BTreeMap;

use super::super::members::{EPOCH_MAX, MEMBERS_MAX, Member, Members};
use super::{Effect, REPLAY_MAX, Roster, Standing, Step};

/// Most entries of a path: one for each epoch.
const PATH_MAX: usize = 4_096;

/// An entry, by number and hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(map)]
struct StoredPlace {
    #[n(0)]
    epoch: u32,
    #[n(1)]
    #[cbor(with = "codec::item")]
    hash: RosterHash,
}

impl From<RosterPlace> for StoredPlace {
    fn from(RosterPlace { epoch, hash }: RosterPlace) -> Self {
        Self { epoch, hash }
    }
}

impl From<StoredPlace> for RosterPlace {
    fn from(StoredPlace { epoch, hash }: StoredPlace) -> Self {
        Self { epoch, hash }
    }
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct StoredStep {
    #[n(0)]
    place: StoredPlace,
    #[n(1)]
    effect: StoredEffect,
}

#[derive(Encode, Decode)]
#[cbor(map)]
enum StoredEffect {
    #[n(0)]
    Operation {
        #[n(0)]
        #[cbor(with = "codec::item")]
        actor: AccountId,
        #[n(1)]
        operation: Operation,
    },
    #[n(1)]
    Members {
        #[n(0)]
        members: List<StoredMember, MEMBERS_MAX>,
        #[n(1)]
        last_removal: u32,
    },
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct StoredMember {
    #[n(0)]
    #[cbor(with = "codec::item")]
    account: AccountPublic,
    #[n(1)]
    role: Role,
    #[n(2)]
    since: u32,
}

#[derive(Encode, Decode)]
#[cbor(map)]
struct StoredSplit {
    #[n(0)]
    #[cbor(with = "codec::item")]
    account: AccountId,
    #[n(1)]
    place: StoredPlace,
}

/// A whole roster.
#[derive(Encode, Decode)]
#[cbor(map)]
pub(in crate::group) struct StoredRoster {
    #[n(0)]
    #[cbor(with = "codec::item")]
    group: GroupId,
    #[n(1)]
    path: List<StoredStep, PATH_MAX>,
    /// Entries of merged branches.
    #[n(2)]
    merged: Vec<StoredPlace>,
    #[n(3)]
    splits: List<StoredSplit, MEMBERS_MAX>,
}

impl Roster {
    /// What is stored of it. Nothing in it is longer than its bound, which its fields have as well.
    pub(in crate::group) fn stored(&self) -> Option<StoredRoster> {
        let path = self.path.iter().map(Step::stored).collect::<Option<Vec<_>>>()?;
        let merged = self.known.iter().filter(|(_, (_, place))| place.is_none());
        let splits = self
            .splits
            .iter()
            .map(|(account, place)| StoredSplit { account: *account, place: (*place).into() });
        Some(StoredRoster {
            group: self.group,
            path: List::new(path).ok()?,
            merged: merged.map(|(hash, (epoch, _))| StoredPlace { epoch: *epoch, hash: *hash }).collect(),
            splits: List::new(splits.collect()).ok()?,
        })
    }

    /// The roster that was stored; every entry of the path is done again, so that what it led to is what it leads to.
    pub(in crate::group) fn restored(stored: StoredRoster) -> Option<Self> {
        let mut known = BTreeMap::new();
        let mut path: Vec<Step> = Vec::new();
        let mut members: Option<Members> = None;
        for step in stored.path.into_vec() {
            let place = RosterPlace::from(step.place);
            let before = path.last().map(|step| step.place.epoch);
            let (effect, after) = step.effect.restored(place.epoch, before, path.len(), members)?;
            if place.epoch > EPOCH_MAX || known.insert(place.hash, (place.epoch, Some(path.len()))).is_some()
            {
                return None;
            }
            path.push(Step { place, effect });
            members = Some(after);
        }
        let (members, head) = (members?, path.last()?.place);
        for StoredPlace { epoch, hash } in stored.merged {
            if epoch >= head.epoch || known.insert(hash, (epoch, None)).is_some() {
                return None;
            }
        }
        let mut roster = Self { group: stored.group, head, path, known, members, splits: BTreeMap::new() };
        for StoredSplit { account, place } in stored.splits.into_vec() {
            let place = RosterPlace::from(place);
            let is_split = roster.members.get(account).is_some() && roster.standing(place) != Standing::Known;
            if !is_split || roster.splits.insert(account, place).is_some() {
                return None;
            }
        }
        Some(roster)
    }
}

impl Step {
    fn stored(&self) -> Option<StoredStep> {
        let effect = match &self.effect {
            Effect::Operation { actor, operation } => {
                StoredEffect::Operation { actor: *actor, operation: (**operation).clone() }
            }
            Effect::Members(members) => {
                let stored = members.iter().map(|(_, member)| StoredMember {
                    account: *member.account(),
                    role: member.role(),
                    since: member.since(),
                });
                StoredEffect::Members {
                    members: List::new(stored.collect()).ok()?,
                    last_removal: members.last_removal(),
                }
            }
        };
        Some(StoredStep { place: self.place.into(), effect })
    }
}

impl StoredEffect {
    /// What this leads to after an entry of epoch `before` that led to `members`; without one, it is the genesis.
    fn restored(
        self,
        epoch: u32,
        before: Option<u32>,
        place: usize,
        members: Option<Members>,
    ) -> Option<(Effect, Members)> {
        match (self, before.zip(members)) {
            (Self::Operation { actor, operation }, Some((before, mut members))) => {
                if before.checked_add(1) != Some(epoch) || place.is_multiple_of(REPLAY_MAX) {
                    return None;
                }
                members.advance(actor, epoch, &operation).ok()?;
                Some((Effect::Operation { actor, operation: Box::new(operation) }, members))
            }
            (Self::Members { members, last_removal }, before) => {
                let restored = |StoredMember { account, role, since }| Member::restored(account, role, since);
                let members: Vec<Member> = members.into_vec().into_iter().map(restored).collect();
                let in_turn = match (&before, members.as_slice()) {
                    (Some((before, _)), _) => epoch > *before,
                    (None, [_]) => epoch == 0,
                    (None, _) => false,
                };
                let members = Members::restored(members, last_removal, epoch).filter(|_| in_turn)?;
                Some((Effect::Members(members.clone()), members))
            }
            (Self::Operation { .. }, None) => None,
        }
    }
}
