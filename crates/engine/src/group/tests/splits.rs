//! Two branches of one log, and what a merge makes of them.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use sotto_crypto::RosterHash;
use sotto_crypto::sender_key::RosterPlace;

use super::*;
use RosterError::{NotAllowed, NotMember, Sibling, UnknownPrevious, WrongEpoch};

/// A group of an owner, two admins and a member, and two readers of it who go different ways: on the left an admin adds
/// somebody and removes the member, on the right the owner makes the other admin a member.
struct Split {
    anna: Person,
    bea: Person,
    cid: Person,
    dora: Person,
    emil: Person,
    fork: Roster,
    left: Roster,
    right: Roster,
    /// The entries of each side.
    on_left: Vec<VerifiedEntry>,
    on_right: Vec<VerifiedEntry>,
}

fn split() -> Split {
    let [mut anna, mut bea, cid, dora, emil] = people(11);
    let mut fork = anna.found();
    anna.act(&mut fork, add(&bea, Role::Admin)).unwrap();
    anna.act(&mut fork, add(&cid, Role::Admin)).unwrap();
    anna.act(&mut fork, add(&dora, Role::Member)).unwrap();
    let (mut left, mut right) = (fork.clone(), fork.clone());
    let on_left = vec![
        bea.act(&mut left, add(&emil, Role::Member)).unwrap(),
        bea.act(&mut left, remove(&dora)).unwrap(),
    ];
    let on_right = vec![anna.act(&mut right, role(&cid, Role::Member)).unwrap()];
    Split { anna, bea, cid, dora, emil, fork, left, right, on_left, on_right }
}

#[test]
fn a_merge_makes_one_roster_of_two() {
    let Split { mut anna, bea, cid, dora, emil, fork, mut left, mut right, on_left, on_right } = split();
    // Each side discards the other's entries.
    assert_eq!(left.apply(&on_right[0]), Err(Sibling));
    assert_eq!(right.apply(&on_left[0]), Err(Sibling));
    assert_eq!(right.apply(&on_left[1]), Err(UnknownPrevious));
    let merge = anna.sign(right.next_merge(left.head()));
    assert_eq!(merge.epoch(), 6);
    // Without the branch, or with a part of it, there is nothing to go by; and nothing changes.
    let before = (left.clone(), right.clone());
    assert_eq!(right.apply(&merge), Err(UnknownPrevious));
    assert_eq!(right.merge(&merge, &on_left[..1]), Err(UnknownPrevious));
    assert_eq!(right.merge(&merge, &on_left[1..]), Err(UnknownPrevious));
    assert_eq!((&left, &right), (&before.0, &before.1));
    assert_eq!(right.merge(&merge, &on_left), Ok(Applied::New));
    assert_eq!(left.merge(&merge, &on_right), Ok(Applied::New));
    assert_eq!(left.apply(&merge), Ok(Applied::Known));

    // Nobody who was removed stays, nobody who was added on one side does, and roles are the lower ones.
    for roster in [&left, &right] {
        assert_eq!(roster.head(), RosterPlace { epoch: 6, hash: merge.hash() });
        let roles = [&anna, &bea, &cid, &dora, &emil].map(|person| role_of(roster, person));
        assert_eq!(roles, [Some(Role::Owner), Some(Role::Admin), Some(Role::Member), None, None]);
        assert_eq!(roster.members().last_removal(), 6);
        for entry in on_left.iter().chain(&on_right) {
            let place = RosterPlace { epoch: entry.epoch(), hash: entry.hash() };
            assert_eq!(roster.standing(place), Standing::Known);
        }
    }
    assert_eq!(left.members(), right.members());
    // Both go on as one.
    let next = anna.act(&mut left, add(&dora, Role::Member)).unwrap();
    assert_eq!(right.apply(&next), Ok(Applied::New));
    assert_eq!(left.members(), right.members());

    // Whoever was elsewhere, or comes now, arrives at the same place.
    let mut late = fork;
    assert_eq!(late.merge(&merge, &[]), Err(UnknownPrevious));
    for entry in &on_left {
        late.apply(entry).unwrap();
    }
    late.merge(&merge, &on_right).unwrap();
    late.apply(&next).unwrap();
    assert_eq!(late, left);
}

#[test]
fn only_an_owner_of_both_branches_merges() {
    let Split { mut anna, mut bea, cid, fork, mut left, mut right, on_left, .. } = split();
    let stranger = &mut person(1);
    for (actor, error) in [(&mut bea, NotAllowed), (stranger, NotMember)] {
        let merge = actor.sign(right.next_merge(left.head()));
        assert_eq!(right.merge(&merge, &on_left), Err(error));
    }
    // Bea becomes an owner on the right; that makes her none on the left.
    let promoted = anna.act(&mut right, role(&bea, Role::Owner)).unwrap();
    let merge = bea.sign(right.next_merge(left.head()));
    assert_eq!(right.merge(&merge, &on_left), Err(NotAllowed));
    let mut branch: Vec<_> = vec![promoted];
    assert_eq!(left.merge(&merge, &branch), Err(NotAllowed), "before the branch is looked at");
    // An owner who is no member at all on the other side is none there either.
    let mut without = fork.clone();
    let gone = [
        anna.act(&mut without, role(&bea, Role::Owner)).unwrap(),
        bea.act(&mut without, remove(&anna)).unwrap(),
    ];
    let merge = anna.sign(left.next_merge(without.head()));
    assert_eq!(left.merge(&merge, &gone), Err(NotAllowed));
    // An owner who was made less on one side is none there.
    anna.act(&mut right, role(&anna, Role::Admin)).unwrap();
    let merge = anna.sign(right.next_merge(left.head()));
    assert_eq!(right.merge(&merge, &on_left), Err(NotAllowed));
    // The left side still takes her for one, until it sees the branch.
    branch.clear();
    let mut again = fork.clone();
    branch.push(anna.act(&mut again, role(&cid, Role::Member)).unwrap());
    branch.push(anna.act(&mut again, role(&bea, Role::Owner)).unwrap());
    branch.push(anna.act(&mut again, role(&anna, Role::Admin)).unwrap());
    let merge = anna.sign(again.next_merge(left.head()));
    let before = left.clone();
    assert_eq!(left.merge(&merge, &branch), Err(NotAllowed));
    assert_eq!(left, before);
}

#[test]
fn a_branch_is_held_to_the_same_rules() {
    let Split { mut anna, mut bea, mut cid, dora, emil, fork, left, mut right, on_left, .. } = split();
    let before = right.clone();
    let head = fork.head();
    let forged = |entry: RosterEntry, who: &mut Person| who.sign(entry);
    let next = fork.next(add(&emil, Role::Owner));
    let cases = [
        // An admin who makes an owner, in a branch of his own.
        (forged(next, &mut cid), NotAllowed),
        (forged(RosterEntry { epoch: 9, ..fork.next(remove(&dora)) }, &mut cid), WrongEpoch),
        (forged(fork.next(remove(&dora)), &mut person(1)), NotMember),
        (
            forged(RosterEntry { group: anna.found().group(), ..fork.next(leave()) }, &mut cid),
            RosterError::WrongGroup,
        ),
        (
            forged(
                RosterEntry { operation: Operation::Merge { other: head.hash }, ..fork.next(leave()) },
                &mut anna,
            ),
            Sibling,
        ),
    ];
    for (entry, error) in cases {
        let merge = anna.sign(right.next_merge(RosterPlace { epoch: entry.epoch(), hash: entry.hash() }));
        assert_eq!(right.merge(&merge, core::slice::from_ref(&entry)), Err(error));
        assert_eq!(right, before);
    }
    // Epoch, parents and length of the merge itself.
    let good = right.next_merge(left.head());
    for (entry, error) in [
        (RosterEntry { epoch: 5, ..good.clone() }, WrongEpoch),
        (RosterEntry { epoch: 7, ..good.clone() }, WrongEpoch),
        (RosterEntry { operation: Operation::Merge { other: right.head().hash }, ..good.clone() }, Sibling),
        (RosterEntry { previous: head.hash, ..good.clone() }, Sibling),
        (RosterEntry { previous: RosterHash::from_bytes([1; 32]), ..good.clone() }, UnknownPrevious),
    ] {
        assert_eq!(right.merge(&anna.sign(entry), &on_left), Err(error));
        assert_eq!(right, before);
    }
    let merge = anna.sign(good);
    let endless = vec![on_left[0].clone(); BRANCH_MAX + 1];
    assert_eq!(right.merge(&merge, &endless), Err(RosterError::LogFull));
    // More than is needed does no harm, and is not known afterwards.
    let aside = bea.sign(fork.next(leave()));
    let branch = [on_left[0].clone(), aside.clone(), on_left[0].clone(), on_left[1].clone()];
    assert_eq!(right.merge(&merge, &branch), Ok(Applied::New));
    let place = RosterPlace { epoch: aside.epoch(), hash: aside.hash() };
    assert_eq!(right.standing(place), Standing::Split);
}

#[test]
fn three_branches_become_one() {
    let Split { mut anna, bea, mut cid, dora, fork, mut left, mut right, on_left, on_right, .. } = split();
    // Cid went a third way, from inside the left branch.
    let mut third = fork.clone();
    third.apply(&on_left[0]).unwrap();
    let on_third = cid.act(&mut third, remove(&dora)).unwrap();
    let merge = anna.sign(right.next_merge(left.head()));
    right.merge(&merge, &on_left).unwrap();
    // The third branch stands on an entry that an earlier merge brought: it has to come along again.
    let second = anna.sign(right.next_merge(third.head()));
    assert_eq!(right.merge(&second, core::slice::from_ref(&on_third)), Err(UnknownPrevious));
    right.merge(&second, &[on_left[0].clone(), on_third.clone()]).unwrap();
    left.merge(&merge, &on_right).unwrap();
    left.merge(&second, core::slice::from_ref(&on_third)).unwrap();
    // To the third reader the first merge is a part of the branch.
    third.merge(&second, &[on_right[0].clone(), on_left[1].clone(), merge.clone()]).unwrap();
    assert_eq!(left.members(), right.members());
    assert_eq!(left.members(), third.members());
    assert_eq!(third.head().hash, second.hash());
    assert_eq!(role_of(&third, &bea), Some(Role::Admin));
    for entry in on_left.iter().chain(&on_right).chain([&on_third, &merge]) {
        let place = RosterPlace { epoch: entry.epoch(), hash: entry.hash() };
        for roster in [&left, &right, &third] {
            assert_eq!(roster.standing(place), Standing::Known);
        }
    }
}

#[test]
fn earlier_members_are_found_again() {
    // Long enough that states are kept now and then; branches leave at many places.
    let [mut anna, mut bea, cid] = people(12);
    let mut roster = anna.found();
    anna.act(&mut roster, add(&bea, Role::Owner)).unwrap();
    let mut earlier = vec![roster.clone()];
    for _ in 0..150 {
        let operation = match role_of(&roster, &cid) {
            None => add(&cid, Role::Member),
            Some(Role::Member) => role(&cid, Role::Admin),
            Some(_) => remove(&cid),
        };
        anna.act(&mut roster, operation).unwrap();
        earlier.push(roster.clone());
    }
    for fork in earlier.iter().step_by(7) {
        let (mut ours, mut theirs) = (roster.clone(), fork.clone());
        let aside = bea.act(&mut theirs, add(&person(9), Role::Member)).unwrap();
        let merge = bea.sign(ours.next_merge(theirs.head()));
        if fork.head() == roster.head() {
            continue;
        }
        ours.merge(&merge, core::slice::from_ref(&aside)).unwrap();
        let expected = match (role_of(fork, &cid), role_of(&roster, &cid)) {
            (Some(one), Some(other)) => Some(one.min(other)),
            _ => None,
        };
        assert_eq!(role_of(&ours, &cid), expected);
    }
}

#[test]
fn places_are_known_ahead_or_split() {
    let Split { left, right, .. } = split();
    let known = left.path().nth(2).unwrap();
    assert_eq!(right.standing(known), Standing::Known);
    assert_eq!(right.standing(RosterPlace { epoch: 3, ..known }), Standing::Split);
    assert_eq!(right.standing(RosterPlace { epoch: 9, ..known }), Standing::Ahead);
    assert_eq!(right.standing(left.head()), Standing::Ahead);
    assert_eq!(left.standing(right.head()), Standing::Split);
}

#[test]
fn a_longer_branch_is_not_merely_ahead() {
    let Split { mut anna, fork, left, mut right, on_left, on_right, .. } = split();
    let place = left.head();
    assert_eq!(right.standing(place), Standing::Ahead);
    assert_eq!(right.trace(place, &[]), Standing::Ahead);
    assert_eq!(right.trace(place, &on_left[1..]), Standing::Ahead);
    assert_eq!(right.trace(place, &on_left), Standing::Split);
    assert_eq!(fork.trace(place, &on_left), Standing::Ahead);
    assert_eq!(right.trace(place, &vec![on_left[0].clone(); BRANCH_MAX + 1]), Standing::Ahead);
    // A merge that stands on the head as well is ahead.
    let mut merged = left.clone();
    let merge = anna.sign(left.next_merge(right.head()));
    merged.merge(&merge, &on_right).unwrap();
    let entries = [on_left[0].clone(), on_left[1].clone(), merge];
    assert_eq!(right.trace(merged.head(), &entries), Standing::Ahead);
    // Recorded, it is held until it is merged; a stranger's is not recorded.
    assert_eq!(right.heard_with(person(1).id(), place, &on_left), Standing::Split);
    assert_eq!(right.splits().count(), 0);
    assert_eq!(right.heard_with(anna.id(), place, &on_left), Standing::Split);
    assert_eq!(right.splits().collect::<Vec<_>>(), [(anna.id(), place)]);
    assert_eq!(right.heard(anna.id(), right.head()), Standing::Split);
    right.merge(&entries[2], &entries[..2]).unwrap();
    assert_eq!(right.splits().count(), 0);
    assert_eq!(right.heard(anna.id(), right.head()), Standing::Known);
}

#[test]
fn a_merge_is_the_same_from_either_side() {
    // Cid comes back on the left as a member, and is an admin all along on the right.
    let [mut anna, mut bea, cid] = people(13);
    let mut fork = anna.found();
    anna.act(&mut fork, add(&bea, Role::Admin)).unwrap();
    anna.act(&mut fork, add(&cid, Role::Member)).unwrap();
    let (mut left, mut right) = (fork.clone(), fork);
    let on_left =
        [bea.act(&mut left, remove(&cid)).unwrap(), bea.act(&mut left, add(&cid, Role::Member)).unwrap()];
    let on_right = [anna.act(&mut right, role(&cid, Role::Admin)).unwrap()];
    let entries = [anna.sign(left.next_merge(right.head())), anna.sign(right.next_merge(left.head()))];
    for merge in entries {
        let (mut left, mut right) = (left.clone(), right.clone());
        left.merge(&merge, &on_right).unwrap();
        right.merge(&merge, &on_left).unwrap();
        for roster in [left, right] {
            let cids = roster.members().get(cid.id()).map(|cid| (cid.role(), cid.since()));
            assert_eq!(cids, Some((Role::Member, 4)));
        }
    }
}
