//! Keys grow old, states are rolled back, sessions are lost.

use core::time::Duration;

use sotto_engine::{Notice, Store};
use sotto_testkit::{Network, World};

use crate::common::*;
use crate::scene::Scene;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn meet(seed: u64) -> (World, sotto_engine::ContactId, sotto_engine::ContactId) {
    let mut world = World::new(seed, 2);
    world.network = Network::without_links();
    let (ben, anna) = befriend(&mut world);
    (world, ben, anna)
}

#[test]
fn conversations_outlive_key_rotation() {
    let (mut world, ben, anna) = meet(90);
    for day in 0..12 {
        // A week passes; sometimes somebody is away meanwhile.
        if day % 3 == 0 {
            world.close_page(BEN);
        }
        say(&mut world, ANNA, ben, &format!("week {day}"));
        world.run_for(7 * DAY);
        if day % 3 == 0 {
            world.open_page(BEN);
            world.run_for(MINUTE);
        }
        say(&mut world, BEN, anna, &format!("back {day}"));
        world.run_for(MINUTE * 2);
    }
    world.run_for(MINUTE * 10);
    assert!(all_delivered(&world, ANNA), "{:?}", world.people[ANNA].screen.texts(ben));
    assert_eq!(told(&mut world, BEN, anna).len(), 24);
    // 45 days of keys that are renewed every 7: none is kept for ever.
    assert!(world.people[ANNA].log.iter().all(|line| !line.contains("unknown delivery key")));
}

#[test]
fn who_heard_nothing_for_months_still_seals_to_a_key_that_exists() {
    let (mut world, ben, _) = meet(92);
    // Nobody says anything, while both are there.
    world.run_for(80 * DAY);
    say(&mut world, ANNA, ben, "after eighty days");
    assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "after eighty days")));
    // One is away, longer than replaced keys are kept.
    world.run_for(6 * DAY);
    world.close_page(BEN);
    world.run_for(60 * DAY);
    say(&mut world, ANNA, ben, "while you are away");
    world.run_for(20 * DAY);
    world.open_page(BEN);
    assert!(world.run_until(MINUTE * 5, |world| delivered(world, ANNA, ben, "while you are away")));
    assert!(world.people[BEN].log.iter().all(|line| !line.contains("unknown delivery key")));
}

#[test]
fn what_is_said_after_months_to_a_key_that_is_gone_is_said_again_as_soon_as_the_new_one_is_known() {
    let (mut world, ben, anna) = meet(94);
    world.close_page(BEN);
    // Anna looks in seldom, and her first delivery key ends.
    for days in [18, 53, 1] {
        world.close_page(ANNA);
        world.run_for(days * DAY);
        world.open_page(ANNA);
        world.run_for(MINUTE);
    }
    // Ben writes before he has heard of the new one.
    world.open_page(BEN);
    say(&mut world, BEN, anna, "it has been long");
    assert!(world.run_until(MINUTE * 5, |world| delivered(world, BEN, anna, "it has been long")));
    assert!(logged(&world, ANNA, "envelope: unknown delivery key"), "that is what the first went to");
    assert_eq!(told(&mut world, ANNA, ben), ["it has been long"]);
}

#[test]
fn a_lost_session_is_repaired_and_the_message_said_again() {
    let (mut world, ben, anna) = meet(91);
    say(&mut world, ANNA, ben, "one");
    assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "one")));
    world.close_page(BEN);
    world.people[BEN].disk.forget(Store::Session);
    say(&mut world, ANNA, ben, "two");
    world.run_for(MINUTE);
    world.open_page(BEN);
    assert!(
        world.run_until(MINUTE * 5, |world| delivered(world, ANNA, ben, "two")),
        "{:?}",
        world.people[BEN].log
    );
    assert_eq!(world.people[BEN].screen.notices, [Notice::Undecryptable(anna)]);
    assert_eq!(told(&mut world, BEN, anna), ["one", "two"]);
    say(&mut world, BEN, anna, "three");
    assert!(world.run_until(MINUTE, |world| delivered(world, BEN, anna, "three")));
}

#[test]
fn a_rolled_back_state_begins_fresh_sessions() {
    let (mut world, ben, anna) = meet(92);
    say(&mut world, ANNA, ben, "one");
    world.run_for(MINUTE);
    let snapshot = world.people[BEN].disk.clone();
    for n in 0..5 {
        say(&mut world, ANNA, ben, &format!("seen before the roll-back {n}"));
        say(&mut world, BEN, anna, &format!("said before the roll-back {n}"));
        world.run_for(MINUTE);
    }
    world.close_page(BEN);
    world.people[BEN].disk = snapshot;
    world.open_page(BEN);
    world.run_for(MINUTE);
    assert!(logged(&world, BEN, "server: this device's state was rolled back; beginning fresh sessions"));
    say(&mut world, ANNA, ben, "after");
    world.run_for(MINUTE * 2);
    assert!(delivered(&world, ANNA, ben, "after"), "{:?}", world.people[BEN].log);
    assert!(told(&mut world, BEN, anna).contains(&"after".to_owned()));
}

#[test]
fn one_time_prekeys_are_refilled() {
    let (mut world, _, _) = meet(93);
    world.run_for(MINUTE);
    assert!(world.server.model.mailboxes.values().all(|mailbox| mailbox.one_time_left() == 100));
}

#[test]
fn one_time_prekeys_are_refilled_below_twenty_and_old_ones_forgotten() {
    let (mut world, _, _) = meet(98);
    world.run_for(MINUTE);
    let left = |world: &World| {
        world.server.model.mailboxes.values().map(|mailbox| mailbox.one_time_left()).collect::<Vec<_>>()
    };
    for (few, many) in [(20, 20), (19, 119)] {
        world.server.leave_one_time(few);
        for who in [ANNA, BEN] {
            world.reload(who);
        }
        world.run_for(MINUTE);
        assert_eq!(left(&world), [many, many]);
    }
    for _ in 0..6 {
        world.server.leave_one_time(0);
        world.reload(ANNA);
        world.run_for(MINUTE);
    }
    // Identity, prekeys, cursor, the session that Ben began, and at most 400 one-time prekeys.
    assert_eq!(world.people[ANNA].disk.count(Store::Account), 404);
    world.reload(ANNA);
    assert_eq!(world.people[ANNA].disk.count(Store::Account), 404);
}

#[test]
fn a_message_is_said_again_at_most_three_times() {
    use sotto_wire::server::path;
    let (mut world, ben, anna) = meet(99);
    say(&mut world, ANNA, ben, "one");
    assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "one")));
    world.close_page(BEN);
    say(&mut world, ANNA, ben, "two");
    world.run_for(MINUTE);
    let asked =
        |world: &World| world.people[BEN].posts.iter().filter(|post| **post == path::ENVELOPES).count();
    let mailbox = world.server.accepted.last().unwrap().0;
    let said = |world: &World| world.server.accepted.iter().filter(|(to, _)| *to == mailbox).count();
    let too_often = |world: &World| logged(world, ANNA, "retry: asked too often");
    for n in 1..=4 {
        // Ben asks, and has lost the session again when the answer is there.
        world.people[BEN].disk.forget(Store::Session);
        world.open_page(BEN);
        let before = (asked(&world), said(&world));
        assert!(world.run_until(MINUTE, |world| asked(world) > before.0), "{n}");
        world.run_for(Duration::from_millis(45));
        world.close_page(BEN);
        world.run_for(MINUTE * 120);
        assert_eq!(too_often(&world), n == 4, "{n}: {:?}", world.people[ANNA].log);
        assert_eq!(said(&world) - before.1, usize::from(n < 4), "{n}");
    }
    // What is said next is read.
    world.people[BEN].disk.forget(Store::Session);
    world.open_page(BEN);
    world.run_for(MINUTE);
    say(&mut world, ANNA, ben, "three");
    assert!(world.run_until(MINUTE * 10, |world| delivered(world, ANNA, ben, "three")));
    assert_eq!(told(&mut world, BEN, anna), ["one", "three"]);
}

#[test]
fn both_begin_fresh_sessions_at_once() {
    let (mut world, ben, anna) = meet(94);
    say(&mut world, ANNA, ben, "one");
    world.run_for(MINUTE);
    for who in [ANNA, BEN] {
        world.close_page(who);
        world.people[who].disk.forget(Store::Session);
    }
    // Both say something the other cannot decrypt, from what they had not said yet.
    for who in [ANNA, BEN] {
        world.open_page(who);
    }
    world.run_for(MINUTE);
    say(&mut world, ANNA, ben, "two");
    say(&mut world, BEN, anna, "three");
    world.run_for(MINUTE * 5);
    assert!(all_delivered(&world, ANNA) && all_delivered(&world, BEN), "{:?}", world.people[BEN].log);
    say(&mut world, ANNA, ben, "four");
    say(&mut world, BEN, anna, "five");
    world.run_for(MINUTE * 5);
    assert!(all_delivered(&world, ANNA) && all_delivered(&world, BEN));
    assert_eq!(told(&mut world, BEN, anna).len(), 5);
    assert_eq!(told(&mut world, ANNA, ben).len(), 5);
}

#[test]
fn a_state_rolled_back_behind_a_rotation_of_keys_is_told_to_contacts() {
    let (mut world, ben, anna) = meet(97);
    say(&mut world, BEN, anna, "one");
    world.run_for(MINUTE);
    let snapshot = world.people[BEN].disk.clone();
    world.run_for(8 * DAY);
    say(&mut world, BEN, anna, "sealed to this delivery key from now on");
    world.run_for(MINUTE);
    say(&mut world, ANNA, ben, "as you wish");
    world.run_for(MINUTE);
    assert!(delivered(&world, ANNA, ben, "as you wish"));
    world.close_page(BEN);
    world.people[BEN].disk = snapshot;
    say(&mut world, ANNA, ben, "do you hear me?");
    world.run_for(MINUTE);
    world.open_page(BEN);
    let heard = |world: &World| delivered(world, ANNA, ben, "do you hear me?");
    assert!(world.run_until(MINUTE * 10, heard), "{:?} {:?}", world.people[ANNA].log, world.people[BEN].log);
    say(&mut world, BEN, anna, "yes");
    assert!(world.run_until(MINUTE, |world| delivered(world, BEN, anna, "yes")));
    assert_eq!(told(&mut world, ANNA, ben).last().map(String::as_str), Some("yes"));
}

#[test]
fn who_waits_long_to_be_confirmed_still_seals_to_a_key_that_exists() {
    let mut world = World::new(143, 2);
    world.network = Network::without_links();
    let (_, link) = invite(&mut world, ANNA);
    let anna = accept(&mut world, BEN, &link, "Ben");
    let ben = arrival(&mut world, ANNA);
    for _ in 0..8 {
        for who in [ANNA, BEN] {
            world.close_page(who);
        }
        world.run_for(10 * DAY);
        for who in [ANNA, BEN] {
            world.open_page(who);
        }
        world.run_for(MINUTE);
    }
    say(&mut world, BEN, anna, "are you there?");
    assert!(world.run_until(MINUTE, |world| delivered(world, BEN, anna, "are you there?")));
    assert_eq!(told(&mut world, ANNA, ben), ["are you there?"]);
    assert_eq!(world.people[ANNA].screen.contacts[&ben].standing, sotto_engine::Standing::AwaitingOurs);
}

/// Whatever the ids of the two sessions say: the one that this device may have used beyond what it knows sends no more.
#[test]
fn a_session_of_a_rolled_back_state_never_sends_again() {
    let mut orders = [false; 2];
    for seed in 150..158 {
        let mut scene = Scene::new(seed);
        // Anna begins a session to ask; nobody answers in it.
        scene.puppet.say_unreadable(&mut scene.world);
        scene.world.run_for(MINUTE);
        let mine = scene.heard_in();
        let snapshot = scene.world.people[ANNA].disk.clone();
        scene.says_text("seen before the roll-back");
        assert_eq!(scene.heard_in(), mine);
        scene.world.close_page(ANNA);
        scene.world.people[ANNA].disk = snapshot;
        scene.puppet.withhold_prekeys(&mut scene.world);
        scene.world.open_page(ANNA);
        scene.world.run_for(MINUTE);
        let rolled_back = "server: this device's state was rolled back; beginning fresh sessions";
        assert!(logged(&scene.world, ANNA, rolled_back));
        let sequence = scene.talk.sequence;
        scene.talk = scene.puppet.begin(false);
        scene.talk.sequence = sequence;
        scene.says_text("in a session of mine");
        assert!(scene.reaches("hello"));
        let theirs = scene.talk.session.id();
        assert_eq!(scene.heard_in(), theirs, "{seed}");
        orders[usize::from(mine < theirs)] = true;
    }
    assert_eq!(orders, [true; 2], "both orders were seen");
}
