//! Groups at rest: they come back as they were, and nothing else comes back.

use super::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Anna's group with a chain of her own, one of Ben with a skipped key, somebody removed, and a split with Cleo.
fn group() -> ([Person; 4], Group) {
    let [mut anna, mut ben, mut cleo, dora] = people::<4>(7);
    let mut roster = anna.found();
    for (person, role) in [(&ben, Role::Member), (&cleo, Role::Owner), (&dora, Role::Member)] {
        anna.act(&mut roster, add(person, role)).unwrap();
    }
    let before = roster.clone();
    anna.act(&mut roster, remove(&dora)).unwrap();
    let mut group = anna.group(&roster);
    group.rotate(NOW, &mut anna.rng).unwrap();
    group.seal(b"said", NOW, &mut anna.rng).unwrap();

    let mut theirs = ben.group(&roster);
    theirs.rotate(NOW, &mut ben.rng).unwrap();
    group.take_chain(&ben.device(), theirs.announcement(&anna.device(), NOW).unwrap()).unwrap();
    let missed = theirs.seal(b"missed", NOW, &mut ben.rng).unwrap();
    let came = theirs.seal(b"came", NOW, &mut ben.rng).unwrap();
    group.open(&ben.device(), &came, NOW).unwrap();
    drop(missed);

    let mut other = before;
    cleo.act(&mut other, role(&ben, Role::Admin)).unwrap();
    let mut theirs = cleo.group(&other);
    theirs.rotate(NOW, &mut cleo.rng).unwrap();
    let announced = theirs.announcement(&anna.device(), NOW).unwrap();
    assert_eq!(group.take_chain(&cleo.device(), announced), Err(GroupError::Split));
    ([anna, ben, cleo, dora], group)
}

#[test]
fn a_group_comes_back_as_it_was_and_goes_on() {
    let ([mut anna, mut ben, ..], group) = group();
    let bytes = group.to_bytes();
    let mut restored = Group::from_bytes(&bytes).unwrap();
    assert_eq!(restored.roster(), group.roster());
    assert_eq!(*restored.to_bytes(), *bytes, "one encoding");
    assert_eq!(restored.roster().splits().count(), 1);
    // The chains go on where they were, the own one too.
    assert_eq!(restored.own_chain().map(SendingChain::next), Some(1));
    let said = restored.seal(b"again", NOW, &mut anna.rng).unwrap();
    assert_eq!(GroupMessage::parse(&said).unwrap().chain(), group.own_chain().unwrap().id());
    let mut theirs = ben.group(restored.roster());
    theirs.rotate(NOW, &mut ben.rng).unwrap();
    let announced = theirs.announcement(&anna.device(), NOW).unwrap();
    assert!(matches!(restored.take_chain(&ben.device(), announced), Ok(Announced::New(_))));
    let message = theirs.seal(b"heard", NOW, &mut ben.rng).unwrap();
    assert_eq!(restored.open(&ben.device(), &message, NOW).unwrap(), b"heard");
    // And so does the roster.
    anna.act(&mut restored.roster.clone(), remove(&ben)).unwrap();
    restored.distrust_own_chain();
    assert!(Group::from_bytes(&restored.to_bytes()).unwrap().is_rotation_due(NOW));
}

#[test]
fn nothing_else_comes_back() {
    let (_, group) = group();
    let bytes = group.to_bytes();
    for cut in 0..bytes.len() {
        assert_eq!(Group::from_bytes(&bytes[..cut]).unwrap_err(), StateError, "cut to {cut}");
    }
    assert!(Group::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    let mut other = 0;
    for place in 0..bytes.len() {
        for flip in [1, 0x20, 0x80] {
            let mut altered = bytes.to_vec();
            altered[place] ^= flip;
            if let Ok(read) = Group::from_bytes(&altered) {
                assert_eq!(*read.to_bytes(), altered, "byte {place}");
                other += 1;
            }
        }
    }
    // Hashes, ids and chain keys may be any bytes; what follows from others may not.
    assert!(other > 100 && other < bytes.len() * 3 / 2, "{other} of {} alterations", bytes.len() * 3);
}

#[test]
fn what_no_roster_leads_to_is_refused() {
    let refused = |alter: &dyn Fn(&mut Group, &mut [Person; 4])| {
        let (mut people, mut group) = group();
        alter(&mut group, &mut people);
        assert_eq!(Group::from_bytes(&group.to_bytes()).unwrap_err(), StateError);
    };
    let chain = |person: &mut Person, group: &Group, roster: &Roster| {
        let owner = ChainOwner {
            group: group.roster.group(),
            account: person.id(),
            device: person.device().device_id(),
        };
        SendingChain::generate(owner, roster.head(), &mut person.rng)
    };
    let take = |group: &mut Group, sending: &SendingChain| {
        let announced = sending.announcement().unwrap();
        group.chains.keep(ReceivingChain::new(*sending.owner(), announced).unwrap());
    };
    // A chain of somebody who is out; one from a place that is not known; the own one, by another.
    refused(&|group, [_, _, _, dora]| {
        let sending = chain(dora, group, &group.roster);
        take(group, &sending);
    });
    refused(&|group, [_, ben, cleo, _]| {
        let mut ahead = group.roster.clone();
        cleo.act(&mut ahead, role(ben, Role::Admin)).unwrap();
        let sending = chain(cleo, group, &ahead);
        take(group, &sending);
    });
    refused(&|group, [_, ben, ..]| {
        let sending = chain(ben, group, &group.roster);
        group.own = Some(OwnChain::new(sending, NOW));
    });
    // A key of two devices, and a chain twice.
    refused(&|group, [_, _, cleo, _]| {
        let announced = group.own_chain().unwrap().announcement().unwrap();
        let owner =
            ChainOwner { group: group.roster.group(), account: cleo.id(), device: cleo.device().device_id() };
        group.chains.keep(ReceivingChain::new(owner, announced).unwrap());
    });
    refused(&|group, [_, _, cleo, _]| {
        let sending = chain(cleo, group, &group.roster);
        take(group, &sending);
        take(group, &sending);
    });
    // Somebody's device has no chains, or the account is no member: that is as it may be.
    let ([_, _, _, dora], group) = group();
    let outside = Group::new(group.roster.clone(), dora.id(), dora.device().device_id());
    assert!(Group::from_bytes(&outside.to_bytes()).is_ok());
}
