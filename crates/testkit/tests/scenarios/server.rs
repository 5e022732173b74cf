//! The server is killed and started again.

use core::time::Duration;

use sotto_engine::{Command, Standing, Store};
use sotto_testkit::{Network, World};

use crate::common::*;

#[test]
fn a_restart_while_both_talk_loses_and_doubles_nothing() {
    for seed in 40..44 {
        let mut world = World::new(seed, 2);
        world.network = Network { links: seed % 2 == 0, ..Network::default() };
        let (ben, anna) = befriend(&mut world);
        let mut expected = Vec::new();
        for n in 0..30 {
            if n % 10 == 5 {
                world.kill_server();
            }
            if n % 10 == 8 {
                world.start_server();
            }
            for (who, contact) in [(ANNA, ben), (BEN, anna)] {
                let text = format!("{who} says {n}");
                say(&mut world, who, contact, &text);
                expected.push(text);
            }
            let pause = world.random(1500);
            world.run_for(Duration::from_millis(pause));
        }
        world.run_for(MINUTE * 5);
        assert!(all_delivered(&world, ANNA) && all_delivered(&world, BEN));
        for (who, contact) in [(ANNA, ben), (BEN, anna)] {
            let mut said = told(&mut world, who, contact);
            said.sort();
            let mut all = expected.clone();
            all.sort();
            assert_eq!(said, all);
        }
    }
}

#[test]
fn a_server_that_lost_its_database_is_given_everything_again() {
    let mut world = World::new(45, 3);
    world.network = Network::without_links();
    let (ben, anna) = befriend(&mut world);
    say(&mut world, ANNA, ben, "one");
    say(&mut world, BEN, anna, "two");
    world.run_for(MINUTE);
    let (_, link) = invite(&mut world, ANNA);
    world.kill_server();
    world.server.model.mailboxes.clear();
    world.server.model.invites.clear();
    say(&mut world, BEN, anna, "three");
    world.start_server();
    say(&mut world, ANNA, ben, "four");
    assert!(world.run_until(MINUTE * 15, |world| all_delivered(world, ANNA) && all_delivered(world, BEN)));
    assert_eq!(told(&mut world, ANNA, ben).len(), 4);
    accept(&mut world, 2, &link, "Carol");
    arrival(&mut world, ANNA);
}

#[test]
fn a_server_that_refuses_for_days_ends_nothing() {
    let mut world = World::new(46, 2);
    world.network = Network::without_links();
    let (ben, anna) = befriend(&mut world);
    world.run_for(MINUTE);
    let tokens = world.server.take_tokens();
    say(&mut world, ANNA, ben, "refused");
    world.run_for(MINUTE * 60 * 24 * 3);
    assert_eq!(
        world.people[ANNA].screen.texts(ben),
        [("refused".to_owned(), sotto_engine::Delivery::Waiting)]
    );
    assert!(world.people[ANNA].screen.contacts[&ben].refused, "and it is said");
    assert!(world.people[ANNA].posts.len() < 200, "and nobody hammers: {}", world.people[ANNA].posts.len());
    world.server.give_tokens(tokens);
    assert!(world.run_until(MINUTE * 61, |world| delivered(world, ANNA, ben, "refused")));
    assert_eq!(told(&mut world, BEN, anna), ["refused"]);
    assert!(!world.people[ANNA].screen.contacts[&ben].refused);
}

#[test]
fn a_refused_token_is_over_with_the_next_one() {
    let mut world = World::new(47, 2);
    world.network = Network::without_links();
    let (ben, anna) = befriend(&mut world);
    world.run_for(MINUTE);
    world.server.take_tokens();
    say(&mut world, ANNA, ben, "refused");
    let refused = |world: &World| world.people[ANNA].screen.contacts[&ben].refused;
    assert!(world.run_until(MINUTE, refused));
    // They meet again by a link, which brings new tokens for both.
    world.command(BEN, Command::RemoveContact(anna));
    let (_, link) = invite(&mut world, ANNA);
    accept(&mut world, BEN, &link, "Ben");
    let back = |world: &World| world.people[ANNA].screen.contacts[&ben].standing == Standing::AwaitingOurs;
    assert!(world.run_until(MINUTE, back), "{:?}", world.people[ANNA].log);
    assert!(!refused(&world));
    world.command(ANNA, Command::ConfirmContact(ben));
    say(&mut world, ANNA, ben, "again");
    assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "again")));
}

#[test]
fn who_is_refused_comes_again_by_a_new_link_and_says_what_waited() {
    let mut world = World::new(44, 2);
    world.network = Network::without_links();
    let (ben, anna) = befriend(&mut world);
    say(&mut world, BEN, anna, "before");
    assert!(world.run_until(MINUTE, |world| delivered(world, BEN, anna, "before")));
    world.server.take_tokens();
    say(&mut world, BEN, anna, "one");
    say(&mut world, BEN, anna, "two");
    let refused = |world: &World| world.people[BEN].screen.contacts[&anna].refused;
    assert!(world.run_until(MINUTE, refused));
    let (_, link) = invite(&mut world, ANNA);
    accept(&mut world, BEN, &link, "Ben");
    assert!(!refused(&world));
    assert_eq!(arrival(&mut world, ANNA), ben);
    assert!(world.run_until(MINUTE, |world| all_delivered(world, BEN)), "{:?}", world.people[BEN].log);
    assert_eq!(told(&mut world, BEN, anna), ["before", "one", "two"]);
    assert_eq!(told(&mut world, ANNA, ben), ["before", "one", "two"]);
    let lasts = world.people[BEN].screen.texts(anna);
    assert_eq!(lasts.len(), 3, "none stands twice on the screen: {lasts:?}");
}

#[test]
fn as_much_as_may_wait_is_said_again_by_a_new_link() {
    let mut world = World::new(45, 2);
    world.network = Network::without_links();
    let (ben, anna) = befriend(&mut world);
    world.run_for(MINUTE);
    world.server.take_tokens();
    world.set_online(BEN, false);
    let texts: Vec<String> = (0..1_000).map(|n| format!("{n}")).collect();
    for text in &texts {
        say(&mut world, BEN, anna, text);
    }
    say(&mut world, BEN, anna, "one too many");
    let shown = |world: &World, who: usize, contact| -> Vec<String> {
        world.people[who].screen.texts(contact).into_iter().map(|(text, _)| text).collect()
    };
    assert!(shown(&world, BEN, anna) == texts);
    world.set_online(BEN, true);
    let refused = |world: &World| world.people[BEN].screen.contacts[&anna].refused;
    assert!(world.run_until(MINUTE, refused));
    let (_, link) = invite(&mut world, ANNA);
    accept(&mut world, BEN, &link, "Ben");
    assert!(shown(&world, BEN, anna) == texts);
    assert_eq!(arrival(&mut world, ANNA), ben);
    assert!(world.run_until(MINUTE * 10, |world| all_delivered(world, BEN)), "{:?}", world.people[BEN].log);
    assert!(shown(&world, ANNA, ben) == texts);
}

#[test]
fn a_link_ends_a_refusal() {
    let mut world = World::new(48, 2);
    world.network = Network::without_links();
    let (ben, anna) = befriend(&mut world);
    world.run_for(MINUTE);
    let tokens = world.server.take_tokens();
    say(&mut world, ANNA, ben, "refused");
    let refused = |world: &World| world.people[ANNA].screen.contacts[&ben].refused;
    assert!(world.run_until(MINUTE, refused));
    // Signals go through, the stored message is not tried again before the hour is over.
    world.run_for(MINUTE * 20);
    world.server.give_tokens(tokens);
    world.network = Network::default();
    world.reload(BEN);
    assert!(world.run_until(MINUTE * 2, |world| world.people[ANNA].open_links() == 1));
    assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "refused")));
    assert!(!refused(&world));
    assert_eq!(told(&mut world, BEN, anna), ["refused"]);
}

#[test]
fn prekeys_that_are_refused_with_the_token_are_told_as_well() {
    let mut world = World::new(49, 2);
    world.network = Network::without_links();
    let (ben, anna) = befriend(&mut world);
    world.run_for(MINUTE);
    world.close_page(ANNA);
    world.people[ANNA].disk.forget(Store::Session);
    let tokens = world.server.take_tokens();
    world.open_page(ANNA);
    say(&mut world, ANNA, ben, "no session, no prekeys");
    world.run_for(MINUTE * 60 * 24);
    assert!(world.people[ANNA].screen.contacts[&ben].refused);
    assert!(world.people[ANNA].posts.len() < 100, "nobody hammers: {}", world.people[ANNA].posts.len());
    world.server.give_tokens(tokens);
    assert!(world.run_until(MINUTE * 61, |world| delivered(world, ANNA, ben, "no session, no prekeys")));
    assert!(!world.people[ANNA].screen.contacts[&ben].refused);
    assert_eq!(told(&mut world, BEN, anna), ["no session, no prekeys"]);
}
