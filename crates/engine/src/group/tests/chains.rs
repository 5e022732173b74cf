//! Chains under a roster: whose count, for how long, and what a removal does to them.

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use core::time::Duration;

use sotto_crypto::keys::GroupSigningPublic;
use sotto_crypto::sender_key::{MAX_MESSAGES, RosterPlace};
use sotto_wire::peer::{decode_sender_chain, encode_sender_chain};

use super::*;
use GroupError::{
    Ahead, BackDated, Chain, NotMember, NotRotated, ReusedKey, RotationDue, Split, Stale, UnknownChain,
    WrongGroup,
};

/// Owner, admin and member of a group, each with its device's view of it.
struct Circle {
    anna: Person,
    bea: Person,
    cid: Person,
    roster: Roster,
    annas: Group,
    beas: Group,
    cids: Group,
}

fn circle(seed: u64) -> Circle {
    let [mut anna, bea, cid] = people(seed);
    let mut roster = anna.found();
    anna.act(&mut roster, add(&bea, Role::Admin)).unwrap();
    anna.act(&mut roster, add(&cid, Role::Member)).unwrap();
    let (annas, beas, cids) = (anna.group(&roster), bea.group(&roster), cid.group(&roster));
    Circle { anna, bea, cid, roster, annas, beas, cids }
}

/// Everything a group holds, to compare.
fn state(group: &Group) -> (Roster, Vec<Vec<u8>>) {
    let own = group.own_chain().map(|chain| chain.to_bytes().to_vec());
    let chains = group.chains().map(|chain| chain.to_bytes().to_vec());
    (group.roster().clone(), own.into_iter().chain(chains).collect())
}

/// What a group would tell any member, over the wire, as it would go.
fn announcement(group: &Group) -> ChainAnnouncement {
    decode_sender_chain(&encode_sender_chain(&group.own_chain().unwrap().announcement().unwrap())).unwrap()
}

fn rotate(person: &mut Person, group: &mut Group) {
    group.rotate(NOW, &mut person.rng).unwrap();
}

fn say(person: &mut Person, group: &mut Group, text: &str) -> Vec<u8> {
    group.seal(text.as_bytes(), NOW, &mut person.rng).unwrap()
}

fn hear(group: &mut Group, from: &Person, message: &[u8]) -> Result<String, GroupError> {
    group.open(&from.device(), message, NOW).map(|text| String::from_utf8(text).unwrap())
}

/// What must be refused must leave no trace.
fn refused(group: &mut Group, from: &Person, message: &[u8]) -> GroupError {
    let before = state(group);
    let error = hear(group, from, message).unwrap_err();
    assert_eq!(state(group), before, "{error:?} changed the group");
    error
}

fn not_taken(group: &mut Group, from: &Person, announcement: ChainAnnouncement) -> GroupError {
    let before = state(group);
    let error = group.take_chain(&from.device(), announcement).unwrap_err();
    assert_eq!(state(group), before, "{error:?} changed the group");
    error
}

/// One of them begins a chain and tells the others.
fn begin(person: &mut Person, group: &mut Group, others: &mut [&mut Group]) {
    rotate(person, group);
    for other in others {
        let taken = other.take_chain(&person.device(), announcement(group));
        assert_eq!(taken, Ok(Announced::New(group.own_chain().unwrap().id())));
    }
}

#[test]
fn members_hear_one_another() {
    let Circle { mut anna, mut bea, cid, mut annas, mut beas, mut cids, .. } = circle(21);
    assert_eq!(annas.seal(b"", NOW, &mut anna.rng), Err(RotationDue));
    assert_eq!(annas.announcement(&bea.device(), NOW).err(), Some(RotationDue));
    begin(&mut anna, &mut annas, &mut [&mut beas, &mut cids]);
    begin(&mut bea, &mut beas, &mut [&mut annas, &mut cids]);
    let hello = say(&mut anna, &mut annas, "hello");
    let hi = say(&mut bea, &mut beas, "hi");
    for group in [&mut beas, &mut cids] {
        assert_eq!(hear(group, &anna, &hello).unwrap(), "hello");
        assert_eq!(refused(group, &anna, &hello), Chain(SenderKeyError::KeyGone));
    }
    assert_eq!(hear(&mut cids, &bea, &hi).unwrap(), "hi");
    // What one of them said is nobody else's: not passed on, not through another's chain.
    assert_eq!(refused(&mut cids, &bea, &hello), UnknownChain);
    assert_eq!(refused(&mut annas, &cid, &hi), UnknownChain);
    // A chain that is announced again stays where it is: nothing opens twice.
    let again = announcement(&annas);
    let before = state(&beas);
    let known = beas.take_chain(&anna.device(), again).unwrap();
    assert_eq!(known, Announced::Known(annas.own_chain().unwrap().id()));
    let mut back = announcement(&annas);
    back.next = 0;
    assert_eq!(beas.take_chain(&anna.device(), back), Ok(known));
    assert_eq!(state(&beas), before);
    assert_eq!(refused(&mut beas, &anna, &hello), Chain(SenderKeyError::KeyGone));
}

#[test]
fn a_chain_is_nobody_elses() {
    let Circle { mut anna, mut bea, mut cid, mut annas, mut beas, mut cids, .. } = circle(22);
    begin(&mut anna, &mut annas, &mut [&mut beas, &mut cids]);
    begin(&mut bea, &mut beas, &mut [&mut annas]);
    let hello = say(&mut anna, &mut annas, "hello");
    // Bea announces Anna's chain as hers; to Anna herself too.
    assert_eq!(not_taken(&mut cids, &bea, announcement(&annas)), ReusedKey);
    let own = announcement(&annas);
    assert_eq!(not_taken(&mut annas, &bea, own), ReusedKey);
    // To somebody who does not know Anna's: the message is of no chain of Bea's.
    let mut naive = cid.group(cids.roster());
    naive.take_chain(&bea.device(), announcement(&annas)).unwrap();
    assert_eq!(refused(&mut naive, &bea, &hello), UnknownChain);
    assert_eq!(refused(&mut naive, &anna, &hello), UnknownChain);
    // Nor does a long-lived key sign messages.
    let device = anna.device();
    for key in [device.account().as_bytes(), device.signing().as_bytes(), device.identity().as_bytes()] {
        let signing = GroupSigningPublic::from_bytes(key).unwrap();
        let reused = ChainAnnouncement { signing, ..announcement(&annas) };
        assert_eq!(not_taken(&mut cids, &anna, reused), ReusedKey);
    }
    // A stranger has no chains, and no group but its own.
    let mut stranger = person(1);
    let own = stranger.found();
    let mut theirs = stranger.group(&own);
    rotate(&mut stranger, &mut theirs);
    assert_eq!(not_taken(&mut cids, &stranger, announcement(&theirs)), WrongGroup);
    assert_eq!(not_taken(&mut cids, &stranger, announcement(&annas)), NotMember);
    let foreign = say(&mut stranger, &mut theirs, "x");
    assert_eq!(refused(&mut cids, &stranger, &foreign), WrongGroup);
    assert_eq!(refused(&mut cids, &stranger, &hello), NotMember);
    let mut outside = stranger.group(cids.roster());
    assert_eq!(outside.rotate(NOW, &mut stranger.rng), Err(NotMember));
    assert_eq!(outside.seal(b"x", NOW, &mut stranger.rng), Err(NotMember));
    rotate(&mut cid, &mut cids);
    assert_eq!(hear(&mut cids, &anna, &hello).unwrap(), "hello");
}

#[test]
fn a_removal_takes_the_chains_and_asks_for_new_ones() {
    let Circle { mut anna, mut bea, mut cid, mut roster, mut annas, mut beas, mut cids } = circle(23);
    begin(&mut anna, &mut annas, &mut [&mut beas, &mut cids]);
    begin(&mut bea, &mut beas, &mut [&mut annas, &mut cids]);
    begin(&mut cid, &mut cids, &mut [&mut annas, &mut beas]);
    let (from_cid, late) = (say(&mut cid, &mut cids, "one"), say(&mut cid, &mut cids, "two"));
    assert_eq!(hear(&mut annas, &cid, &late).unwrap(), "two");
    let under_way = say(&mut bea, &mut beas, "before she heard of it");
    let old_chain = announcement(&beas);
    let cids_chain = announcement(&cids);

    let removal = anna.act(&mut roster, remove(&cid)).unwrap();
    assert!(!annas.is_rotation_due(NOW));
    annas.apply(&removal).unwrap();
    assert_eq!(annas.chains().count(), 1, "Bea's stays, Cid's is gone with its skipped key");
    assert!(annas.is_rotation_due(NOW));
    assert_eq!(annas.seal(b"x", NOW, &mut anna.rng), Err(RotationDue));
    // Nothing of Cid's is taken any more, whatever epoch it names.
    assert_eq!(refused(&mut annas, &cid, &from_cid), NotMember);
    assert_eq!(not_taken(&mut annas, &cid, cids_chain), NotMember);
    // What Bea said in time opens; a chain from before does not count any more.
    assert_eq!(hear(&mut annas, &bea, &under_way).unwrap(), "before she heard of it");
    assert_eq!(not_taken(&mut annas, &bea, old_chain), Stale);
    assert_eq!(not_taken(&mut annas, &bea, announcement(&beas)), Stale);
    // Knowing of it she cannot go on under the old chain.
    let careless = beas.own_chain().map(|chain| chain.to_bytes()).unwrap();
    beas.apply(&removal).unwrap();
    assert_eq!(beas.announcement(&anna.device(), NOW).err(), Some(RotationDue));
    let mut chain = SendingChain::from_bytes(&careless).unwrap();
    let unrotated = chain.seal(beas.roster().head(), b"x", &mut bea.rng).unwrap();
    assert_eq!(refused(&mut annas, &bea, &unrotated), NotRotated);

    // What is said from now on is not for Cid, though he has everything he was ever given.
    begin(&mut bea, &mut beas, &mut [&mut annas]);
    begin(&mut anna, &mut annas, &mut [&mut beas]);
    assert!(annas.announcement(&bea.device(), NOW).is_ok());
    assert_eq!(annas.announcement(&cid.device(), NOW).err(), Some(NotMember));
    let secret = say(&mut anna, &mut annas, "without him");
    assert_eq!(hear(&mut beas, &anna, &secret).unwrap(), "without him");
    assert_eq!(refused(&mut cids, &anna, &secret), UnknownChain);
    for chain in cids.chains() {
        let parsed = GroupMessage::parse(&secret).unwrap();
        assert_eq!(chain.verify(parsed).err(), Some(SenderKeyError::WrongChain));
    }
    // Once he knows, he says nothing any more.
    cids.apply(&removal).unwrap();
    assert!(cids.own_chain().is_none());
    assert_eq!(cids.seal(b"x", NOW, &mut cid.rng), Err(NotMember));
    assert_eq!(cids.announcement(&anna.device(), NOW).err(), Some(NotMember));
}

#[test]
fn who_comes_back_begins_anew() {
    let Circle { mut anna, mut bea, mut cid, mut roster, mut annas, mut cids, .. } = circle(24);
    begin(&mut cid, &mut cids, &mut [&mut annas]);
    let old = announcement(&cids);
    let said = say(&mut cid, &mut cids, "long ago");
    for operation in [remove(&cid), add(&cid, Role::Member)] {
        let entry = bea.act(&mut roster, operation).unwrap();
        annas.apply(&entry).unwrap();
        cids.apply(&entry).unwrap();
    }
    assert_eq!(refused(&mut annas, &cid, &said), UnknownChain);
    assert_eq!(old.made.epoch, 2);
    assert_eq!(not_taken(&mut annas, &cid, old), NotMember);
    begin(&mut cid, &mut cids, &mut [&mut annas]);
    let said = say(&mut cid, &mut cids, "back");
    assert_eq!(hear(&mut annas, &cid, &said).unwrap(), "back");
    // A chain made after one came, but named for a time before it, is not a member's.
    let dora = person(5);
    let entry = anna.act(&mut roster, add(&dora, Role::Member)).unwrap();
    annas.apply(&entry).unwrap();
    let mut doras = dora.group(&roster);
    doras.rotate(NOW, &mut anna.rng).unwrap();
    let mut back_dated = announcement(&doras);
    back_dated.made = cids.roster().head();
    assert_eq!(not_taken(&mut annas, &dora, back_dated), NotMember);
}

#[test]
fn whoever_comes_reads_from_then_on() {
    let Circle { mut anna, mut roster, mut annas, mut beas, .. } = circle(25);
    begin(&mut anna, &mut annas, &mut [&mut beas]);
    let before = say(&mut anna, &mut annas, "before");
    let dora = person(5);
    let entry = anna.act(&mut roster, add(&dora, Role::Member)).unwrap();
    annas.apply(&entry).unwrap();
    assert!(!annas.is_rotation_due(NOW), "adding does not rotate");
    let mut doras = dora.group(&roster);
    let told = announcement(&annas);
    assert_eq!((told.made.epoch, told.next), (2, 1), "as it was made, from the present position on");
    doras.take_chain(&anna.device(), told).unwrap();
    assert_eq!(refused(&mut doras, &anna, &before), Chain(SenderKeyError::KeyGone));
    let after = say(&mut anna, &mut annas, "after");
    assert_eq!(hear(&mut doras, &anna, &after).unwrap(), "after");
    // Bea has not heard of Dora yet: what names the new roster is held.
    assert_eq!(refused(&mut beas, &anna, &after), Ahead);
    beas.apply(&entry).unwrap();
    assert_eq!(hear(&mut beas, &anna, &after).unwrap(), "after");
}

#[test]
fn chains_are_replaced_in_time() {
    let Circle { mut anna, mut bea, cid, mut roster, mut annas, mut beas, .. } = circle(26);
    let later = |duration| NOW.saturating_add(duration);
    begin(&mut anna, &mut annas, &mut [&mut beas]);
    let entry = anna.act(&mut roster, role(&cid, Role::Admin)).unwrap();
    annas.apply(&entry).unwrap();
    assert!(!annas.is_rotation_due(NOW), "a role does not rotate");
    assert!(!annas.is_rotation_due(later(CHAIN_LIFETIME - Duration::from_millis(1))));
    assert!(annas.is_rotation_due(later(CHAIN_LIFETIME)));
    assert_eq!(annas.seal(b"x", later(CHAIN_LIFETIME), &mut anna.rng), Err(RotationDue));
    assert!(!annas.is_rotation_due(NOW.saturating_sub(CHAIN_LIFETIME)), "a clock set back");
    for _ in 0..MAX_MESSAGES {
        assert!(!annas.is_rotation_due(NOW));
        say(&mut anna, &mut annas, "x");
    }
    assert_eq!(annas.seal(b"x", NOW, &mut anna.rng), Err(RotationDue));
    rotate(&mut anna, &mut annas);
    annas.distrust_own_chain();
    assert!(annas.is_rotation_due(NOW));

    // Bea's other device comes and her first one goes: her chains of it go, and Anna's is over.
    begin(&mut anna, &mut annas, &mut []);
    begin(&mut bea, &mut beas, &mut [&mut annas]);
    let said = say(&mut bea, &mut beas, "x");
    annas.devices_changed(&person(1).list);
    assert!(!annas.is_rotation_due(NOW), "a stranger's devices are nothing to the group");
    let other = person(6).list.devices()[0];
    let other =
        ListedDevice { id: other.device_id(), signing: *other.signing(), identity: *other.identity() };
    let list = DeviceList::sign(&bea.key, 2, *bea.list.hash(), vec![other], &mut bea.rng).unwrap();
    annas.devices_changed(&list);
    assert!(annas.is_rotation_due(NOW));
    assert_eq!(annas.chains().count(), 0);
    assert_eq!(refused(&mut annas, &bea, &said), UnknownChain);
}

#[test]
fn three_chains_of_a_device() {
    let Circle { mut anna, mut annas, mut beas, .. } = circle(27);
    let (mut said, mut announced) = (Vec::new(), Vec::new());
    for number in 0..4 {
        begin(&mut anna, &mut annas, &mut [&mut beas]);
        announced.push([announcement(&annas), announcement(&annas)]);
        said.push(say(&mut anna, &mut annas, &number.to_string()));
    }
    assert_eq!(beas.chains().count(), CHAINS_OF_DEVICE_MAX);
    assert_eq!(refused(&mut beas, &anna, &said[0]), UnknownChain);
    for message in &said[1..] {
        assert!(hear(&mut beas, &anna, message).is_ok());
    }
    // One that made room does not begin again, nor makes room for itself.
    let before = state(&beas);
    let [first, again] = announced.remove(0);
    assert!(matches!(beas.take_chain(&anna.device(), first), Ok(Announced::Known(_))));
    assert_eq!(state(&beas), before);
    assert_eq!(refused(&mut beas, &anna, &said[0]), UnknownChain);
    // Nor after it was stored.
    let mut restored = Group::from_bytes(&beas.to_bytes()).unwrap();
    assert_eq!(*restored.to_bytes(), *beas.to_bytes());
    assert!(matches!(restored.take_chain(&anna.device(), again), Ok(Announced::Known(_))));
}

#[test]
fn old_keys_are_forgotten() {
    let Circle { mut anna, mut annas, mut beas, mut cids, .. } = circle(28);
    begin(&mut anna, &mut annas, &mut [&mut beas, &mut cids]);
    let (first, second) = (say(&mut anna, &mut annas, "1"), say(&mut anna, &mut annas, "2"));
    hear(&mut beas, &anna, &second).unwrap();
    hear(&mut cids, &anna, &second).unwrap();
    beas.forget_old_keys(NOW.saturating_add(SKIPPED_LIFETIME));
    assert_eq!(hear(&mut beas, &anna, &first).unwrap(), "1");
    cids.forget_old_keys(NOW.saturating_add(SKIPPED_LIFETIME + Duration::from_millis(1)));
    assert_eq!(refused(&mut cids, &anna, &first), Chain(SenderKeyError::KeyGone));
}

#[test]
fn messages_name_a_place_their_chain_allows() {
    let Circle { mut anna, bea, mut roster, mut annas, mut beas, .. } = circle(29);
    let earlier = roster.path().nth(1).unwrap();
    begin(&mut anna, &mut annas, &mut [&mut beas]);
    let mut chain = SendingChain::from_bytes(&annas.own_chain().unwrap().to_bytes()).unwrap();
    let back_dated = chain.seal(earlier, b"x", &mut anna.rng).unwrap();
    assert_eq!(refused(&mut beas, &anna, &back_dated), BackDated);
    // What is not signed is not believed: an altered place raises no split.
    let mut altered = say(&mut anna, &mut annas, "x");
    altered[21] ^= 1;
    assert_eq!(refused(&mut beas, &anna, &altered), Chain(SenderKeyError::BadSignature));
    assert_eq!(beas.roster().splits().count(), 0);
    // The author's own lie does, and holds back everything of that member, known places included.
    let lie = RosterPlace { epoch: 2, ..earlier };
    let split = chain.seal(lie, b"x", &mut anna.rng).unwrap();
    assert_eq!(hear(&mut beas, &anna, &split), Err(Split));
    assert_eq!(beas.roster().splits().collect::<Vec<_>>(), [(anna.id(), lie)]);
    let good = chain.seal(roster.head(), b"good", &mut anna.rng).unwrap();
    assert_eq!(refused(&mut beas, &anna, &good), Split);
    rotate(&mut anna, &mut annas);
    assert_eq!(not_taken(&mut beas, &anna, announcement(&annas)), Split);
    // It goes with the member.
    beas.apply(&anna.act(&mut roster, role(&bea, Role::Owner)).unwrap()).unwrap();
    beas.apply(&anna.act(&mut roster, leave()).unwrap()).unwrap();
    assert_eq!(beas.roster().splits().count(), 0);
}

#[test]
fn a_split_is_shown_and_held_until_it_is_merged() {
    let Circle { mut anna, mut bea, mut cid, mut roster, mut annas, mut beas, mut cids } = circle(30);
    begin(&mut bea, &mut beas, &mut [&mut annas, &mut cids]);
    // Anna makes Cid an admin; Bea, not knowing, adds Dora and tells nobody but Cid.
    let dora = person(5);
    let mut beas_roster = roster.clone();
    let on_beas = bea.act(&mut beas_roster, add(&dora, Role::Member)).unwrap();
    let on_annas = anna.act(&mut roster, role(&cid, Role::Admin)).unwrap();
    annas.apply(&on_annas).unwrap();
    beas.apply(&on_beas).unwrap();
    cids.apply(&on_beas).unwrap();
    assert_eq!(cids.apply(&on_annas), Err(RosterError::Sibling));
    // Bea's message is Cid's, not yet Anna's: it names another roster.
    let said = say(&mut bea, &mut beas, "hello");
    assert_eq!(hear(&mut cids, &bea, &said).unwrap(), "hello");
    assert_eq!(hear(&mut annas, &bea, &said), Err(Split));
    assert_eq!(annas.roster().splits().collect::<Vec<_>>(), [(bea.id(), beas_roster.head())]);
    // So does a chain; and the other side sees it as well.
    rotate(&mut cid, &mut cids);
    let held = announcement(&cids);
    assert_eq!(annas.take_chain(&cid.device(), announcement(&cids)), Err(Split));
    begin(&mut anna, &mut annas, &mut []);
    assert_eq!(beas.take_chain(&anna.device(), announcement(&annas)), Err(Split));
    // Anna merges. Dora, added on one side only, is out; so everybody begins a new chain.
    let merge = anna.sign(annas.roster().next_merge(beas_roster.head()));
    annas.merge(&merge, core::slice::from_ref(&on_beas)).unwrap();
    beas.merge(&merge, core::slice::from_ref(&on_annas)).unwrap();
    cids.merge(&merge, core::slice::from_ref(&on_annas)).unwrap();
    for group in [&annas, &beas, &cids] {
        assert_eq!(group.roster().splits().count(), 0);
        assert_eq!(role_of(group.roster(), &dora), None);
        assert!(group.is_rotation_due(NOW));
    }
    // What was held is opened if its chain was announced before; otherwise its author says it again.
    assert_eq!(hear(&mut annas, &bea, &said).unwrap(), "hello");
    assert_eq!(not_taken(&mut annas, &cid, held), Stale);
    begin(&mut cid, &mut cids, &mut [&mut annas, &mut beas]);
    let again = say(&mut cid, &mut cids, "once more");
    assert_eq!(hear(&mut annas, &cid, &again).unwrap(), "once more");
}
