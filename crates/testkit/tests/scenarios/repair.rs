//! What cannot be read is asked for and said again, so often and no more.

use core::time::Duration;

use sotto_testkit::World;
use sotto_wire::peer::Message;

use crate::common::*;
use crate::scene::{Scene, scene, text};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How often Anna has asked for this.
fn posts(world: &World, path: &str) -> usize {
    world.people[ANNA].posts.iter().filter(|post| **post == path).count()
}

#[test]
fn what_cannot_be_decrypted_is_asked_for_once_an_hour() {
    use sotto_wire::server::path;
    let (mut world, _, mut puppet) = scene(14);
    puppet.come(&mut world);
    arrival(&mut world, ANNA);
    puppet.open_mailbox(&mut world);
    world.run_for(MINUTE * 2);
    let before = posts(&world, path::ENVELOPES);
    puppet.say_unreadable(&mut world);
    world.run_for(MINUTE);
    assert_eq!(posts(&world, path::ENVELOPES), before + 1, "{:?}", world.people[ANNA].log);
    for _ in 0..20 {
        puppet.say_unreadable(&mut world);
        world.run_for(MINUTE * 2);
    }
    world.run_for(MINUTE * 15);
    assert_eq!(posts(&world, path::ENVELOPES), before + 1, "an hour is not over");
    world.run_for(MINUTE * 10);
    assert_eq!(posts(&world, path::ENVELOPES), before + 1 + 16, "as many as are remembered, in one go");
    assert_eq!(posts(&world, path::PREKEYS), 1, "and in the session that was begun for the first");
}

#[test]
fn who_takes_no_questions_is_asked_without_using_up_prekeys() {
    use sotto_wire::server::{limits, path};
    let (mut world, _, mut puppet) = scene(15);
    puppet.come(&mut world);
    arrival(&mut world, ANNA);
    puppet.open_mailbox(&mut world);
    world.run_for(MINUTE * 2);
    for _ in 0..limits::MAILBOX_ENVELOPES_MAX {
        world.inject(sotto_crypto::MailboxId::from_bytes(crate::puppet::MAILBOX), vec![0; 1024]);
    }
    puppet.say_unreadable(&mut world);
    let before = posts(&world, path::ENVELOPES);
    world.run_for(DAY);
    let asked = posts(&world, path::ENVELOPES) - before;
    assert!((20..700).contains(&asked), "it is tried again, and nobody hammers: {asked}");
    assert_eq!(posts(&world, path::PREKEYS), 1);
}

#[test]
fn a_contact_that_says_again_and_again_that_it_lost_its_state_is_posted_to_so_often() {
    let mut scene = Scene::new(16);
    assert!(scene.reaches("one"));
    let before = scene.reached();
    for era in 1..=10 {
        let mut body = scene.puppet.body(&mut scene.talk, text("lost again"));
        body.era = Some(era);
        scene.puppet.say(&mut scene.world, &mut scene.talk, &Message::Body(body));
        scene.world.run_for(MINUTE);
    }
    // The acknowledgements; and what Anna said and nobody acknowledged, with her confirmation, three times.
    assert_eq!(scene.reached() - before, 10 + 2 * 3);
}

/// Saying again because state was lost takes nothing from saying again what could not be read.
#[test]
fn what_was_put_again_as_often_as_it_may_be_is_still_said_again_when_asked_for() {
    let mut scene = Scene::new(17);
    assert!(scene.reaches("one"));
    let hash = scene.last_heard();
    for era in 1..=10 {
        let mut body = scene.puppet.body(&mut scene.talk, text("lost again"));
        body.era = Some(era);
        scene.puppet.say(&mut scene.world, &mut scene.talk, &Message::Body(body));
        scene.world.run_for(MINUTE);
    }
    let before = scene.reached();
    scene.puppet.say(&mut scene.world, &mut scene.talk, &Message::Retry { hash });
    scene.world.run_for(MINUTE);
    assert_eq!(scene.reached() - before, 1);
    assert!(!logged(&scene.world, ANNA, "retry: asked too often"));
}

#[test]
fn what_was_sealed_to_a_key_that_is_gone_is_put_again_when_prekeys_bring_the_new_one() {
    let mut scene = Scene::new(18);
    assert!(scene.reaches("one"));
    // The contact was away for long and has dropped the key; Anna hears of the new one from the server.
    scene.puppet.renew_delivery_key(46);
    scene.puppet.open_mailbox(&mut scene.world);
    let before = scene.reached();
    scene.puppet.say_unreadable(&mut scene.world);
    scene.world.run_for(MINUTE);
    // The question, and what Anna said and nobody acknowledged, with her confirmation.
    assert_eq!(scene.reached() - before, 1 + 2);
    let _ = scene.last_heard();
}

/// Only a few are asked for in an hour; what else was said in that session cannot be read either.
#[test]
fn who_cannot_read_one_message_is_said_the_whole_session_again() {
    let mut scene = Scene::new(26);
    for number in 0..20 {
        assert!(scene.reaches(&number.to_string()));
    }
    let hash = scene.last_heard();
    for asked in 1..=5 {
        let before = scene.reached();
        scene.puppet.say(&mut scene.world, &mut scene.talk, &Message::Retry { hash });
        scene.world.run_for(MINUTE);
        // Her confirmation too. The one that was asked for has another hash since.
        let again = if asked == 1 { 21 } else { 0 };
        assert_eq!(scene.reached() - before, again, "asked {asked} times");
    }
    let mut again = Vec::new();
    for _ in 0..5 {
        let (before, hash) = (scene.reached(), scene.last_heard());
        scene.puppet.say(&mut scene.world, &mut scene.talk, &Message::Retry { hash });
        scene.world.run_for(MINUTE);
        again.push(scene.reached() - before);
    }
    assert!(again.iter().sum::<usize>() <= 20 * 3, "each so often only: {again:?}");
    assert_eq!(again.last(), Some(&0));
}
