//! The log: who may do what, and in which order things count.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use RosterError::{
    AlreadyMember, GroupFull, LastOwner, NoSuchMember, NotAllowed, NotMember, SameRole, Sibling,
    UnknownPrevious, WrongEpoch, WrongGroup,
};

/// Owner, admin, member, stranger, then another owner, admin, member, stranger.
fn everybody() -> ([Person; 8], Roster) {
    let mut people = people::<8>(1);
    let mut roster = people[0].found();
    for (place, role) in
        [(1, Role::Admin), (2, Role::Member), (4, Role::Owner), (5, Role::Admin), (6, Role::Member)]
    {
        let operation = add(&people[place], role);
        people[0].act(&mut roster, operation).unwrap();
    }
    (people, roster)
}

#[test]
fn each_role_may_do_what_is_written_and_nothing_else() {
    let (mut people, roster) = everybody();
    let ok = Ok(());
    let no = Err(NotAllowed);
    let none = Err(NotMember);
    let already = Err(AlreadyMember);
    let absent = Err(NoSuchMember);
    // Columns: by owner, admin, member, stranger. Targets are the second four.
    let table: [(Operation, [Result<(), RosterError>; 4]); 25] = [
        (add(&people[7], Role::Member), [ok, ok, no, none]),
        (add(&people[7], Role::Admin), [ok, no, no, none]),
        (add(&people[7], Role::Owner), [ok, no, no, none]),
        (add(&people[4], Role::Member), [already, already, no, none]),
        (add(&people[5], Role::Member), [already, already, no, none]),
        (add(&people[6], Role::Member), [already, already, no, none]),
        (add(&people[6], Role::Admin), [already, no, no, none]),
        (remove(&people[4]), [ok, no, no, none]),
        (remove(&people[5]), [ok, no, no, none]),
        (remove(&people[6]), [ok, ok, no, none]),
        (remove(&people[7]), [absent, absent, no, none]),
        (role(&people[4], Role::Member), [ok, no, no, none]),
        (role(&people[4], Role::Admin), [ok, no, no, none]),
        (role(&people[4], Role::Owner), [Err(SameRole), no, no, none]),
        (role(&people[5], Role::Member), [ok, no, no, none]),
        (role(&people[5], Role::Admin), [Err(SameRole), no, no, none]),
        (role(&people[5], Role::Owner), [ok, no, no, none]),
        (role(&people[6], Role::Member), [Err(SameRole), no, no, none]),
        (role(&people[6], Role::Admin), [ok, no, no, none]),
        (role(&people[6], Role::Owner), [ok, no, no, none]),
        (role(&people[7], Role::Member), [absent, no, no, none]),
        (leave(), [ok, ok, ok, none]),
        // Oneself: one leaves, one is not removed.
        (remove(&people[0]), [no, no, no, none]),
        (remove(&people[1]), [ok, no, no, none]),
        (remove(&people[2]), [ok, ok, no, none]),
    ];
    for (operation, by) in table {
        for (actor, expected) in by.into_iter().enumerate() {
            let mut roster = roster.clone();
            let done = people[actor].act(&mut roster, operation.clone()).map(|_| ());
            assert_eq!(done, expected, "{operation:?} by {actor}");
        }
    }
}

#[test]
fn what_entries_do() {
    let [mut anna, mut bea, cid] = people(2);
    let mut roster = anna.found();
    assert_eq!(role_of(&roster, &anna), Some(Role::Owner));
    anna.act(&mut roster, add(&bea, Role::Admin)).unwrap();
    bea.act(&mut roster, add(&cid, Role::Member)).unwrap();
    let bea_now = roster.members().get(bea.id()).unwrap();
    assert_eq!((bea_now.role(), bea_now.since(), bea_now.account()), (Role::Admin, 1, &bea.account()));
    anna.act(&mut roster, role(&bea, Role::Owner)).unwrap();
    assert_eq!(roster.members().get(bea.id()).map(|bea| (bea.role(), bea.since())), Some((Role::Owner, 1)));
    assert_eq!((roster.members().len(), roster.members().last_removal()), (3, 0));
    bea.act(&mut roster, remove(&cid)).unwrap();
    assert_eq!((role_of(&roster, &cid), roster.members().last_removal()), (None, 4));
    anna.act(&mut roster, leave()).unwrap();
    assert_eq!((role_of(&roster, &anna), roster.members().last_removal()), (None, 5));
    bea.act(&mut roster, add(&cid, Role::Member)).unwrap();
    assert_eq!(roster.members().get(cid.id()).map(Member::since), Some(6));
    assert_eq!((roster.head().epoch, roster.path().count()), (6, 7));
    assert_eq!(anna.act(&mut roster, leave()).err(), Some(NotMember));
}

#[test]
fn there_is_always_an_owner() {
    let [mut anna, mut bea] = people(3);
    let mut roster = anna.found();
    assert_eq!(anna.act(&mut roster, leave()).err(), Some(LastOwner));
    anna.act(&mut roster, add(&bea, Role::Admin)).unwrap();
    for (operation, error) in [
        (leave(), LastOwner),
        (role(&anna, Role::Admin), LastOwner),
        (role(&anna, Role::Member), LastOwner),
        (role(&anna, Role::Owner), SameRole),
    ] {
        assert_eq!(anna.act(&mut roster, operation).err(), Some(error));
    }
    anna.act(&mut roster, role(&bea, Role::Owner)).unwrap();
    anna.act(&mut roster, role(&anna, Role::Member)).unwrap();
    assert_eq!(bea.act(&mut roster, leave()).err(), Some(LastOwner));
    bea.act(&mut roster, remove(&anna)).unwrap();
    assert_eq!(role_of(&roster, &bea), Some(Role::Owner));
}

#[test]
fn the_first_valid_successor_is_final() {
    let [mut anna, mut bea, cid, dora] = people(4);
    let mut roster = anna.found();
    anna.act(&mut roster, add(&bea, Role::Admin)).unwrap();
    let before = roster.clone();
    let first = anna.sign(roster.next(add(&cid, Role::Member)));
    let second = bea.sign(roster.next(add(&dora, Role::Member)));
    // What is not valid takes no place.
    assert_eq!(bea.act(&mut roster, add(&cid, Role::Owner)).err(), Some(NotAllowed));
    assert_eq!(roster.apply(&second), Ok(Applied::New));
    assert_eq!(roster.apply(&first), Err(Sibling));
    assert_eq!(roster.apply(&second), Ok(Applied::Known));
    let third = anna.act(&mut roster, add(&cid, Role::Member)).unwrap();
    assert_eq!(roster.apply(&second), Ok(Applied::Known));

    // Whoever comes later holds what it cannot place yet.
    let mut late = before;
    assert_eq!(late.apply(&third), Err(UnknownPrevious));
    assert_eq!(late.apply(&second), Ok(Applied::New));
    assert_eq!(late.apply(&third), Ok(Applied::New));
    assert_eq!(late, roster);
    // The same entry under another signature is the same entry.
    let (group, previous) = (third.group(), third.previous());
    let again = anna.sign(RosterEntry { group, epoch: 3, previous, operation: third.operation().clone() });
    assert_ne!(again.as_bytes(), third.as_bytes());
    assert_eq!(late.apply(&again), Ok(Applied::Known));
}

#[test]
fn entries_are_bound_to_their_place() {
    let [mut anna, bea] = people(5);
    let mut roster = anna.found();
    let good = roster.next(add(&bea, Role::Member));
    let mut elsewhere = anna.found();
    assert_ne!(elsewhere.group(), roster.group());
    let foreign = anna.act(&mut elsewhere, add(&bea, Role::Member)).unwrap();
    let state = roster.clone();
    for (entry, error) in [
        (RosterEntry { epoch: 2, ..good.clone() }, WrongEpoch),
        (RosterEntry { epoch: u32::MAX, ..good.clone() }, WrongEpoch),
        (RosterEntry { group: elsewhere.group(), ..good.clone() }, WrongGroup),
        (RosterEntry { previous: elsewhere.head().hash, ..good }, UnknownPrevious),
    ] {
        let entry = anna.sign(entry);
        assert_eq!(roster.apply(&entry), Err(error));
    }
    assert_eq!(roster.apply(&foreign), Err(WrongGroup));
    assert_eq!(roster, state);
    // Only a genesis begins a roster, of the group that was expected, and never another one.
    assert_eq!(Roster::begin(&foreign, None), Err(WrongGroup));
    let device = anna.device().device_id();
    let genesis = VerifiedEntry::found(&anna.list, device, &anna.signing, &mut anna.rng).unwrap();
    assert_eq!(Roster::begin(&genesis, Some(roster.group())), Err(WrongGroup));
    assert_eq!(roster.apply(&genesis), Err(WrongGroup));
    let mut own = Roster::begin(&genesis, None).unwrap();
    assert_eq!(own.apply(&genesis), Ok(Applied::Known));
}

#[test]
fn a_group_has_128_members() {
    let [mut anna] = people(6);
    let mut roster = anna.found();
    for number in 1..MEMBERS_MAX {
        let another = AccountKey::generate(&mut anna.rng).public();
        anna.act(&mut roster, Operation::Add { account: another, role: Role::Member }).unwrap();
        assert_eq!(roster.members().len(), number + 1);
    }
    let one_more = person(1);
    assert_eq!(anna.act(&mut roster, add(&one_more, Role::Member)).err(), Some(GroupFull));
    let (other, _) = roster.members().iter().find(|(id, _)| *id != anna.id()).unwrap();
    let other = *roster.members().get(other).unwrap().account();
    anna.act(&mut roster, Operation::Remove { account: other }).unwrap();
    anna.act(&mut roster, add(&one_more, Role::Member)).unwrap();
}

#[cfg(not(target_arch = "wasm32"))]
#[test]
fn a_log_ends_and_its_last_quarter_is_the_owners() {
    let [mut anna, mut bea, mut cid] = people(7);
    let mut roster = anna.found();
    anna.act(&mut roster, add(&bea, Role::Admin)).unwrap();
    anna.act(&mut roster, add(&cid, Role::Member)).unwrap();
    to_and_fro(&mut anna, &bea, &mut roster, OWNERS_ONLY_FROM - 2);
    let next = person(1);
    assert_eq!(role_of(&roster, &bea), Some(Role::Admin));
    bea.act(&mut roster, add(&next, Role::Member)).unwrap();
    assert_eq!(bea.act(&mut roster, remove(&next)).err(), Some(RosterError::OwnersOnly));
    to_and_fro(&mut anna, &bea, &mut roster, OWNERS_ONLY_FROM);
    cid.act(&mut roster, leave()).unwrap();
    to_and_fro(&mut anna, &bea, &mut roster, EPOCH_MAX);
    let before = roster.clone();
    assert_eq!(anna.act(&mut roster, remove(&next)).err(), Some(RosterError::LogFull));
    assert_eq!(roster, before);
    assert_eq!(roster.path().count(), 4_096);
}

#[cfg(not(target_arch = "wasm32"))]
/// Fills the log up to an epoch.
fn to_and_fro(owner: &mut Person, other: &Person, roster: &mut Roster, until: u32) {
    while roster.head().epoch < until {
        let to = if role_of(roster, other) == Some(Role::Admin) { Role::Member } else { Role::Admin };
        let (device, entry) = (owner.device().device_id(), roster.next(role(other, to)));
        let entry = VerifiedEntry::sign(entry, &owner.list, device, &owner.signing, &mut owner.rng).unwrap();
        assert_eq!(roster.apply(&entry), Ok(Applied::New));
    }
}
