//! A server that replays, reorders, corrupts and invents envelopes.

use sotto_testkit::{Network, World};

use crate::common::*;

fn talk(world: &mut World) -> (sotto_engine::ContactId, sotto_engine::ContactId) {
    world.network = Network::without_links();
    let (ben, anna) = befriend(world);
    for n in 0..5 {
        say(world, ANNA, ben, &format!("from Anna {n}"));
        say(world, BEN, anna, &format!("from Ben {n}"));
        world.run_for(MINUTE);
    }
    (ben, anna)
}

#[test]
fn replayed_envelopes_are_shown_once() {
    let mut world = World::new(30, 2);
    let (ben, anna) = talk(&mut world);
    let before = (told(&mut world, ANNA, ben), told(&mut world, BEN, anna));
    for (mailbox, blob) in world.server.accepted.clone() {
        world.inject(mailbox, blob);
    }
    world.run_for(MINUTE * 5);
    assert_eq!((told(&mut world, ANNA, ben), told(&mut world, BEN, anna)), before);
    assert!(
        world.people.iter().all(|person| person.screen.notices.is_empty()),
        "{:?}",
        world.people[0].screen.notices
    );
    assert!(logged(&world, BEN, "message: known already"));
    say(&mut world, ANNA, ben, "still there");
    assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "still there")));
}

#[test]
fn an_envelope_of_another_mailbox_and_noise_get_no_reaction() {
    let mut world = World::new(31, 2);
    let (ben, anna) = talk(&mut world);
    // Talking lets a link be tried once more after a while; in this network in vain.
    world.run_for(MINUTE * 60);
    let accepted = world.server.accepted.clone();
    let posts: Vec<usize> = world.people.iter().map(|person| person.posts.len()).collect();
    let mailboxes: Vec<_> = world.server.model.mailboxes.keys().copied().collect();
    for (mailbox, blob) in &accepted {
        let other = mailboxes.iter().find(|other| *other != mailbox).unwrap();
        world.inject(*other, blob.clone());
        let mut flipped = blob.clone();
        let place = world.random(flipped.len() as u64) as usize;
        flipped[place] ^= 1 << world.random(8);
        world.inject(*mailbox, flipped);
        let size = blob.len();
        world.inject(*mailbox, (0..size).map(|n| n as u8).collect());
    }
    world.run_for(MINUTE * 5);
    let after: Vec<usize> = world.people.iter().map(|person| person.posts.len()).collect();
    assert_eq!(posts, after, "nobody reacts");
    assert!(
        world.server.model.mailboxes.values().all(|mailbox| mailbox.stored.is_empty()),
        "it does not stay in the way"
    );
    say(&mut world, ANNA, ben, "still there");
    assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "still there")));
    assert_eq!(told(&mut world, BEN, anna).len(), 11);
}

#[test]
fn reordered_envelopes_are_put_in_order() {
    let mut world = World::new(32, 2);
    let (ben, anna) = talk(&mut world);
    world.close_page(BEN);
    let texts: Vec<String> = (0..20).map(|n| format!("in order {n}")).collect();
    for text in &texts {
        say(&mut world, ANNA, ben, text);
        world.run_for(MINUTE);
    }
    for mailbox in world.server.model.mailboxes.values_mut() {
        let sequences: Vec<u64> = mailbox.stored.keys().copied().collect();
        let blobs: Vec<Vec<u8>> = mailbox.stored.values().rev().cloned().collect();
        mailbox.stored = sequences.into_iter().zip(blobs).collect();
    }
    world.open_page(BEN);
    world.run_for(MINUTE * 5);
    let told = told(&mut world, BEN, anna);
    assert!(told.ends_with(&texts), "{told:?}");
    let gaps = world
        .history(BEN, anna)
        .into_iter()
        .filter(|message| matches!(message.content, sotto_engine::Content::Gap { .. }))
        .count();
    assert_eq!(gaps, 0, "no gap is left");
    assert!(all_delivered(&world, ANNA));
}

#[test]
fn a_withheld_envelope_is_a_visible_gap() {
    let mut world = World::new(33, 2);
    let (ben, anna) = talk(&mut world);
    world.close_page(BEN);
    for n in 0..3 {
        say(&mut world, ANNA, ben, &format!("one of three {n}"));
        world.run_for(MINUTE);
    }
    let mut withheld = None;
    for (name, mailbox) in &mut world.server.model.mailboxes {
        if mailbox.stored.len() >= 3 {
            let second = *mailbox.stored.keys().nth(1).unwrap();
            withheld = mailbox.stored.remove(&second).map(|blob| (*name, blob));
        }
    }
    let (mailbox, blob) = withheld.unwrap();
    world.open_page(BEN);
    world.run_for(MINUTE);
    let gap = |world: &World| {
        let messages = world.people[BEN].screen.conversation(anna);
        messages
            .into_iter()
            .find(|message| matches!(message.content, sotto_engine::Content::Gap { missing: 1 }))
    };
    assert!(gap(&world).is_some());
    assert!(!all_delivered(&world, ANNA), "the withheld one is not shown as delivered");
    world.inject(mailbox, blob);
    world.run_for(MINUTE);
    assert!(gap(&world).is_none());
    assert!(all_delivered(&world, ANNA));
}

#[test]
fn the_server_holds_nothing_readable() {
    let mut world = World::new(34, 2);
    set_name(&mut world, ANNA, "Anna Canary");
    let (_, _) = talk(&mut world);
    let everything = world.server.everything();
    for canary in ["Anna Canary", "from Anna", "from Ben"] {
        assert!(!everything.windows(canary.len()).any(|window| window == canary.as_bytes()));
        assert!(world.people[ANNA].disk.contains(canary.as_bytes()), "the canary is one");
    }
}
