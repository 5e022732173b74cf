//! Groups under any schedule of loss, duplication, reordering and concurrent changes, all from seeds, against the
//! simplest model of a roster: who is what, and a list of what each message's author took for the members.
//!
//! At every step: what is refused changes nothing but the record of a split; a message opens at most once, as what it
//! was, and only for somebody its author took for a member; a roster is what the model makes of its path. At the end
//! everybody hears of everything, owners merge what split, and all members have one roster and hear one another, or
//! are shown as split where no owner can merge.

use std::collections::{BTreeMap, BTreeSet};

use rand_core::Rng;
use sotto_crypto::RosterHash;
use sotto_crypto::sender_key::RosterPlace;
use sotto_wire::peer::{decode_sender_chain, encode_sender_chain};

use super::*;

const PEOPLE: usize = 6;

/// Roles by person: the model of a roster's members.
type Roles = BTreeMap<usize, Role>;

/// What the model lets an actor do; written apart from the code under test.
fn allowed(roles: &Roles, actor: usize, operation: &Act) -> bool {
    let Some(role) = roles.get(&actor) else { return false };
    let owners = roles.values().filter(|role| **role == Role::Owner).count();
    let rank = |who: &usize| roles.get(who).copied();
    match operation {
        Act::Add(who, given) => {
            rank(who).is_none() && (*role == Role::Owner || *role == Role::Admin && *given == Role::Member)
        }
        Act::Remove(who) => {
            *who != actor
                && rank(who).is_some_and(|theirs| {
                    *role == Role::Owner || *role == Role::Admin && theirs == Role::Member
                })
        }
        Act::Role(who, given) => {
            let demotes_last = roles.get(who) == Some(&Role::Owner) && owners == 1;
            *role == Role::Owner && rank(who).is_some_and(|theirs| theirs != *given) && !demotes_last
        }
        Act::Leave => *role != Role::Owner || owners > 1,
    }
}

fn model_after(roles: &Roles, actor: usize, operation: &Act) -> Roles {
    let mut roles = roles.clone();
    match operation {
        Act::Add(who, role) | Act::Role(who, role) => drop(roles.insert(*who, *role)),
        Act::Remove(who) => drop(roles.remove(who)),
        Act::Leave => drop(roles.remove(&actor)),
    }
    roles
}

fn model_merged(one: &Roles, other: &Roles) -> Roles {
    let both = |(who, role): (&usize, &Role)| other.get(who).map(|theirs| (*who, *role.min(theirs)));
    one.iter().filter_map(both).collect()
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Add(usize, Role),
    Remove(usize),
    Role(usize, Role),
    Leave,
}

/// An entry with what it takes to understand it, and the members that the model has after it.
#[derive(Clone)]
struct Written {
    entry: VerifiedEntry,
    parents: Vec<RosterHash>,
    roles: Roles,
}

#[derive(Clone)]
enum Packet {
    Entry(RosterHash),
    Chain { from: usize, bytes: Vec<u8> },
    Message { from: usize, number: usize },
}

struct Said {
    bytes: Vec<u8>,
    /// Whom its author took for members.
    readers: BTreeSet<usize>,
}

struct Node {
    person: Person,
    group: Option<Group>,
    /// What came and could not be taken yet.
    held: Vec<Packet>,
    opened: BTreeSet<usize>,
}

struct World {
    rng: ChaCha12Rng,
    nodes: Vec<Node>,
    written: BTreeMap<RosterHash, Written>,
    flight: Vec<(usize, Packet)>,
    said: Vec<Said>,
    now: Timestamp,
    merges: usize,
    restored: usize,
}

fn state(group: &Group) -> (Roster, Vec<Vec<u8>>) {
    let own = group.own_chain().map(|chain| chain.to_bytes().to_vec());
    let chains = group.chains().map(|chain| chain.to_bytes().to_vec());
    (group.roster().clone(), own.into_iter().chain(chains).collect())
}

impl World {
    fn new(seed: u64) -> Self {
        let mut nodes: Vec<Node> = people::<PEOPLE>(100 + seed)
            .into_iter()
            .map(|person| Node { person, group: None, held: Vec::new(), opened: BTreeSet::new() })
            .collect();
        let mut founder = person(1);
        core::mem::swap(&mut founder, &mut nodes[0].person);
        let device = founder.device().device_id();
        let genesis =
            VerifiedEntry::found(&founder.list, device, &founder.signing, &mut founder.rng).unwrap();
        core::mem::swap(&mut founder, &mut nodes[0].person);
        let roster = Roster::begin(&genesis, None).unwrap();
        nodes[0].group = Some(nodes[0].person.group(&roster));
        let roles = Roles::from([(0, Role::Owner)]);
        let written =
            BTreeMap::from([(genesis.hash(), Written { entry: genesis, parents: Vec::new(), roles })]);
        let rng = ChaCha12Rng::seed_from_u64(seed);
        Self { rng, nodes, written, flight: Vec::new(), said: Vec::new(), now: NOW, merges: 0, restored: 0 }
    }

    fn pick(&mut self, below: usize) -> usize {
        usize::try_from(self.rng.next_u32()).unwrap() % below
    }

    fn index(&self, account: AccountId) -> usize {
        self.nodes.iter().position(|node| node.person.id() == account).unwrap()
    }

    fn roles(&self, roster: &Roster) -> Roles {
        roster.members().iter().map(|(id, member)| (self.index(id), member.role())).collect()
    }

    /// A roster is what the model makes of its head.
    fn check(&self, who: usize) {
        let Some(group) = &self.nodes[who].group else { return };
        assert_eq!(self.roles(group.roster()), self.written[&group.roster().head().hash].roles);
        let members = group.roster().members();
        for chain in group.chains() {
            assert!(members.get(chain.owner().account).is_some(), "a chain of somebody who is out");
        }
        assert_eq!(group.own_chain().is_some(), group.own_chain().is_some() && self.is_member(who));
    }

    fn is_member(&self, who: usize) -> bool {
        let group = self.nodes[who].group.as_ref();
        group.is_some_and(|group| group.roster().members().get(self.nodes[who].person.id()).is_some())
    }

    fn takes_for_member(&self, who: usize, other: usize) -> bool {
        let group = self.nodes[who].group.as_ref();
        self.is_member(who)
            && group
                .is_some_and(|group| group.roster().members().get(self.nodes[other].person.id()).is_some())
    }

    fn is_split(&self, who: usize) -> bool {
        self.nodes[who].group.as_ref().is_some_and(|group| group.roster().splits().next().is_some())
    }

    /// Sends to everybody: who is no member must not be able to do anything with it.
    fn broadcast(&mut self, from: usize, packet: &Packet) {
        for to in (0..PEOPLE).filter(|to| *to != from) {
            self.flight.push((to, packet.clone()));
        }
    }

    fn act(&mut self, who: usize, act: Act) {
        let operation = match act {
            Act::Add(other, role) => add(&self.nodes[other].person, role),
            Act::Remove(other) => remove(&self.nodes[other].person),
            Act::Role(other, given) => role(&self.nodes[other].person, given),
            Act::Leave => leave(),
        };
        let Node { person, group: Some(group), .. } = &mut self.nodes[who] else { return };
        let head = group.roster().head().hash;
        let entry = person.sign(group.roster().next(operation));
        let before = state(group);
        let applied = group.apply(&entry);
        let roles = &self.written[&head].roles;
        assert_eq!(applied.is_ok(), allowed(roles, who, &act), "{act:?} by {who}: {applied:?}");
        if applied.is_err() {
            assert!(state(group) == before);
            return;
        }
        let roles = model_after(roles, who, &act);
        self.written.insert(entry.hash(), Written { entry: entry.clone(), parents: vec![head], roles });
        self.check(who);
        self.broadcast(who, &Packet::Entry(entry.hash()));
    }

    fn merge(&mut self, who: usize, other: RosterPlace) -> bool {
        let Node { person, group: Some(group), .. } = &mut self.nodes[who] else { return false };
        let head = group.roster().head();
        let entry = person.sign(group.roster().next_merge(other));
        let branch = self.written.branch(other.hash);
        let before = state(group);
        let merged = group.merge(&entry, &branch);
        let owns = |hash: &RosterHash| self.written[hash].roles.get(&who) == Some(&Role::Owner);
        assert_eq!(merged.is_ok(), owns(&head.hash) && owns(&other.hash), "{merged:?}");
        if merged.is_err() {
            assert!(state(group) == before);
            return false;
        }
        let roles = model_merged(&self.written[&head.hash].roles, &self.written[&other.hash].roles);
        let parents = vec![head.hash, other.hash];
        self.written.insert(entry.hash(), Written { entry: entry.clone(), parents, roles });
        self.merges += 1;
        self.check(who);
        self.broadcast(who, &Packet::Entry(entry.hash()));
        true
    }

    fn say(&mut self, who: usize) {
        let now = self.now;
        let number = self.said.len();
        if !self.is_member(who) {
            let Node { person, group: Some(group), .. } = &mut self.nodes[who] else { return };
            assert_eq!(group.seal(b"", now, &mut person.rng), Err(GroupError::NotMember));
            return;
        }
        let Node { person, group: Some(group), .. } = &mut self.nodes[who] else { return };
        if group.is_rotation_due(now) {
            assert_eq!(group.seal(b"", now, &mut person.rng), Err(GroupError::RotationDue));
            group.rotate(now, &mut person.rng).unwrap();
        }
        self.announce(who);
        let Node { person, group: Some(group), .. } = &mut self.nodes[who] else { return };
        let bytes = group.seal(&number.to_be_bytes(), now, &mut person.rng).unwrap();
        let roles = self.roles(self.nodes[who].group.as_ref().unwrap().roster());
        self.said.push(Said { bytes, readers: roles.into_keys().collect() });
        self.broadcast(who, &Packet::Message { from: who, number });
    }

    /// Gives the chain, as it is now, to those its owner takes for members, and to nobody else.
    fn announce(&mut self, who: usize) {
        let Some(group) = &self.nodes[who].group else { return };
        let members = self.roles(group.roster());
        for to in (0..PEOPLE).filter(|to| *to != who) {
            let announcement = group.announcement(&self.nodes[to].person.device(), self.now);
            assert!(members.contains_key(&to) || announcement.is_err());
            let Ok(announcement) = announcement else { continue };
            let bytes = encode_sender_chain(&announcement).to_vec();
            self.flight.push((to, Packet::Chain { from: who, bytes }));
        }
    }

    /// Something arrives; what cannot be taken yet is held and tried again when the roster has changed.
    fn arrive(&mut self, to: usize, packet: Packet) {
        let mut waiting = vec![packet];
        while let Some(packet) = waiting.pop() {
            let Outcome { held, roster_changed } = self.take(to, &packet);
            if held && self.nodes[to].held.len() < 400 {
                self.nodes[to].held.push(packet);
            }
            if roster_changed {
                waiting.append(&mut self.nodes[to].held);
            }
        }
        self.check(to);
    }

    fn take(&mut self, to: usize, packet: &Packet) -> Outcome {
        match packet {
            Packet::Entry(hash) => self.take_entry(to, *hash),
            Packet::Chain { from, bytes } => self.take_chain(to, *from, bytes),
            Packet::Message { from, number } => self.take_message(to, *from, *number),
        }
    }

    fn take_entry(&mut self, to: usize, hash: RosterHash) -> Outcome {
        let written = self.written[&hash].clone();
        // Verified once, when it was written.
        let entry = written.entry;
        let is_added = matches!(entry.operation(), Operation::Add { account, .. }
            if *account == self.nodes[to].person.account());
        let Some(group) = &mut self.nodes[to].group else {
            if !is_added {
                return Outcome { held: true, roster_changed: false };
            }
            self.nodes[to].group = Some(self.joined(to, hash));
            return Outcome { held: false, roster_changed: true };
        };
        let before = state(group);
        let branch = written.parents.get(1).map(|_| self.written.branch(hash)).unwrap_or_default();
        match group.merge(&entry, &branch) {
            Ok(applied) => Outcome { held: false, roster_changed: applied == Applied::New },
            Err(error) => {
                assert!(state(group) == before);
                assert!(matches!(error, RosterError::Sibling | RosterError::UnknownPrevious), "{error:?}");
                Outcome { held: error == RosterError::UnknownPrevious, roster_changed: false }
            }
        }
    }

    /// Who is added begins with the path of whoever added it.
    fn joined(&self, who: usize, added: RosterHash) -> Group {
        let mut path = vec![added];
        while let Some(parent) = self.written[path.last().unwrap()].parents.first() {
            path.push(*parent);
        }
        let mut roster = Roster::begin(&self.written[&path.pop().unwrap()].entry, None).unwrap();
        for hash in path.into_iter().rev() {
            let branch = self.written.branch(hash);
            assert_eq!(roster.merge(&self.written[&hash].entry, &branch), Ok(Applied::New));
        }
        self.nodes[who].person.group(&roster)
    }

    fn take_chain(&mut self, to: usize, from: usize, bytes: &[u8]) -> Outcome {
        let device = self.nodes[from].person.device();
        let Some(group) = &mut self.nodes[to].group else {
            return Outcome { held: true, roster_changed: false };
        };
        let before = state(group);
        let was_split = group.roster().splits().count();
        let taken = group.take_chain(&device, decode_sender_chain(bytes).unwrap());
        let Err(error) = taken else { return Outcome::default() };
        let split = error == GroupError::Split && group.roster().splits().count() > was_split;
        assert!(split || state(group) == before, "{error:?} changed the group");
        let expected = [GroupError::NotMember, GroupError::Stale, GroupError::Ahead, GroupError::Split];
        assert!(expected.contains(&error), "{error:?}");
        Outcome { held: matches!(error, GroupError::Ahead | GroupError::Split), roster_changed: false }
    }

    fn take_message(&mut self, to: usize, from: usize, number: usize) -> Outcome {
        let device = self.nodes[from].person.device();
        let said = &self.said[number];
        let Node { group: Some(group), opened, .. } = &mut self.nodes[to] else {
            return Outcome { held: true, roster_changed: false };
        };
        let before = state(group);
        let was_split = group.roster().splits().count();
        match group.open(&device, &said.bytes, self.now) {
            Ok(plaintext) => {
                assert_eq!(plaintext, number.to_be_bytes());
                assert!(opened.insert(number), "message {number} opened twice at {to}");
                assert!(said.readers.contains(&to), "{to} reads what was not for it");
                Outcome::default()
            }
            Err(error) => {
                let split = error == GroupError::Split && group.roster().splits().count() > was_split;
                assert!(split || state(group) == before, "{error:?} changed the group");
                let expected = [
                    GroupError::NotMember,
                    GroupError::Ahead,
                    GroupError::Split,
                    GroupError::UnknownChain,
                    GroupError::Chain(SenderKeyError::KeyGone),
                ];
                assert!(expected.contains(&error), "{error:?}");
                let held = matches!(error, GroupError::Ahead | GroupError::Split | GroupError::UnknownChain);
                Outcome { held, roster_changed: false }
            }
        }
    }

    /// An altered copy of something in flight is refused by everybody without a trace.
    fn corrupt(&mut self, to: usize, packet: &Packet) {
        let Packet::Message { from, number } = packet else { return };
        let mut bytes = self.said[*number].bytes.clone();
        let bit = self.pick(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let device = self.nodes[*from].person.device();
        let now = self.now;
        let Some(group) = &mut self.nodes[to].group else { return };
        let before = state(group);
        let error = group.open(&device, &bytes, now).unwrap_err();
        assert!(state(group) == before, "{error:?} changed the group");
    }

    /// A device stores its group and takes it back.
    fn restore(&mut self, who: usize) {
        let Some(group) = &mut self.nodes[who].group else { return };
        let (before, bytes) = (state(group), group.to_bytes());
        *group = Group::from_bytes(&bytes).unwrap();
        assert!(state(group) == before && *group.to_bytes() == *bytes);
        self.restored += 1;
    }

    /// The founder takes everybody in, and they hear of it.
    fn gather(&mut self) {
        for who in 1..PEOPLE {
            let role = [Role::Member, Role::Admin, Role::Owner][self.pick(3)];
            self.act(0, Act::Add(who, role));
        }
        for (to, packet) in core::mem::take(&mut self.flight) {
            self.arrive(to, packet);
        }
    }

    fn step(&mut self) {
        let who = self.pick(PEOPLE);
        let other = self.pick(PEOPLE);
        let given = [Role::Member, Role::Member, Role::Admin, Role::Owner][self.pick(4)];
        match self.pick(24) {
            0..=2 => self.act(who, Act::Add(other, given)),
            3 if self.pick(2) == 0 => self.act(who, Act::Remove(other)),
            4 => self.act(who, Act::Role(other, given)),
            5 if self.pick(6) == 0 => self.act(who, Act::Leave),
            6..=10 => self.say(who),
            11 => self.announce(who),
            12 if self.is_split(who) => {
                let group = self.nodes[who].group.as_ref().unwrap();
                let (other, _) = group.roster().splits().next().unwrap();
                let other = self.nodes[self.index(other)].group.as_ref().unwrap().roster().head();
                // Only if it is another branch still: it may have come round since.
                if group.roster().standing(other) == Standing::Split {
                    self.merge(who, other);
                }
            }
            13 => self.now = self.now.saturating_add(core::time::Duration::from_secs(3600 * 24)),
            23 => self.restore(who),
            _ if self.flight.is_empty() => {}
            what => {
                let place = self.pick(self.flight.len());
                let (to, packet) = self.flight[place].clone();
                match what {
                    14 => drop(self.flight.swap_remove(place)),
                    15 => self.corrupt(to, &packet),
                    16 => self.arrive(to, packet),
                    _ => {
                        self.flight.swap_remove(place);
                        self.arrive(to, packet);
                    }
                }
            }
        }
    }

    /// Everybody hears of everything that was written, until nothing changes any more.
    fn settle(&mut self) {
        for _ in 0..60 {
            let heads = |world: &Self| -> Vec<Option<RosterPlace>> {
                world
                    .nodes
                    .iter()
                    .map(|node| node.group.as_ref().map(|group| group.roster().head()))
                    .collect()
            };
            let before = heads(self);
            let everything: Vec<RosterHash> = self.written.keys().copied().collect();
            for who in 0..PEOPLE {
                for hash in &everything {
                    self.arrive(who, Packet::Entry(*hash));
                }
            }
            self.flight.clear();
            if heads(self) != before {
                continue;
            }
            let Some((owner, other)) = self.mergeable() else { return };
            assert!(self.merge(owner, other));
        }
        panic!("rosters do not settle");
    }

    /// An owner of two branches whose members take each other for members.
    fn mergeable(&self) -> Option<(usize, RosterPlace)> {
        for who in (0..PEOPLE).filter(|who| self.is_member(*who)) {
            let roster = self.nodes[who].group.as_ref().unwrap().roster();
            for other in self.roles(roster).into_keys().filter(|other| self.is_member(*other)) {
                let place = self.nodes[other].group.as_ref().unwrap().roster().head();
                let owns = |hash: &RosterHash| self.written[hash].roles.get(&who) == Some(&Role::Owner);
                let apart = roster.standing(place) != Standing::Known
                    && !self.written.stands_on(place.hash, roster.head().hash);
                if apart && owns(&place.hash) && owns(&roster.head().hash) {
                    return Some((who, place));
                }
            }
        }
        None
    }

    /// Everybody says something to everybody.
    fn everybody_speaks(&mut self) {
        for who in (0..PEOPLE).filter(|who| self.is_member(*who)).collect::<Vec<_>>() {
            let Node { person, group: Some(group), .. } = &mut self.nodes[who] else { continue };
            group.rotate(self.now, &mut person.rng).unwrap();
            self.say(who);
        }
        for (to, packet) in core::mem::take(&mut self.flight) {
            self.arrive(to, packet);
        }
    }
}

#[derive(Default)]
struct Outcome {
    held: bool,
    roster_changed: bool,
}

trait Branches {
    fn branch(&self, head: RosterHash) -> Vec<VerifiedEntry>;
    fn stands_on(&self, head: RosterHash, earlier: RosterHash) -> bool;
}

impl Branches for BTreeMap<RosterHash, Written> {
    /// All that an entry stands on and itself, parents first.
    fn branch(&self, head: RosterHash) -> Vec<VerifiedEntry> {
        let mut hashes = BTreeSet::new();
        let mut waiting = vec![head];
        while let Some(hash) = waiting.pop() {
            if hashes.insert(hash) {
                waiting.extend(&self[&hash].parents);
            }
        }
        let mut branch: Vec<_> = hashes.into_iter().map(|hash| self[&hash].entry.clone()).collect();
        branch.sort_by_key(VerifiedEntry::epoch);
        branch
    }

    fn stands_on(&self, head: RosterHash, earlier: RosterHash) -> bool {
        self.branch(head).iter().any(|entry| entry.hash() == earlier)
    }
}

#[test]
fn rosters_converge_or_show_the_split() {
    let (mut splits, mut merges, mut opened, mut unmergeable, mut restored) = (0, 0, 0, 0, 0);
    let seeds = std::env::var("SOTTO_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(40);
    for seed in 0..seeds {
        let mut world = World::new(seed);
        world.gather();
        for _ in 0..260 {
            world.step();
            splits += usize::from((0..PEOPLE).any(|who| world.is_split(who)));
        }
        world.settle();
        merges += world.merges;
        restored += world.restored;
        world.everybody_speaks();
        let said = world.said.len();
        let members: Vec<usize> = (0..PEOPLE).filter(|who| world.is_member(*who)).collect();
        for who in members {
            let roster = world.nodes[who].group.as_ref().unwrap().roster().clone();
            for other in world.roles(&roster).into_keys().filter(|other| *other != who) {
                let theirs = world.nodes[other].group.as_ref().map(|group| group.roster().head());
                let number = (0..said).rev().find(|number| {
                    world.said[*number].bytes[53..69] == own_chain_id(&world, other).unwrap_or_default()
                });
                if theirs == Some(roster.head()) {
                    let number = number.expect("everybody spoke");
                    assert!(
                        world.nodes[who].opened.contains(&number),
                        "seed {seed}: {who} did not hear {other}"
                    );
                } else if let Some(place) = theirs.filter(|_| world.takes_for_member(other, who)) {
                    // Whoever has this one out does not speak to it. Everybody else is seen to have gone elsewhere,
                    // at the latest when the entries are looked at.
                    let branch = world.written.branch(place.hash);
                    let device = world.nodes[other].person.device();
                    let group = world.nodes[who].group.as_mut().unwrap();
                    let shown = group.roster().splits().any(|(account, _)| account == device.account().id());
                    assert!(shown || group.roster().standing(place) == Standing::Ahead, "seed {seed}");
                    let traced = group.trace(&device, place, &branch);
                    assert_eq!(traced, Standing::Split, "seed {seed}: {who} does not see where {other} went");
                    unmergeable += 1;
                }
            }
        }
        opened += world.nodes.iter().map(|node| node.opened.len()).sum::<usize>();
    }
    println!(
        "{splits} steps with a split, {merges} merges, {restored} restored from storage, {opened} messages opened, \
         {unmergeable} pairs apart"
    );
    assert!(splits > 100 && merges > 20 && opened > 500 && restored > 100, "the schedules are too tame");
}

fn own_chain_id(world: &World, who: usize) -> Option<[u8; 16]> {
    let chain = world.nodes[who].group.as_ref()?.own_chain()?;
    Some(*chain.id().as_bytes())
}
