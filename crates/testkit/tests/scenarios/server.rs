//! The server is killed and started again.

use core::time::Duration;

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
    world.server.mailboxes.clear();
    world.server.invites.clear();
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
    assert!(world.people[ANNA].posts.len() < 200, "and nobody hammers: {}", world.people[ANNA].posts.len());
    world.server.give_tokens(tokens);
    assert!(world.run_until(MINUTE * 61, |world| delivered(world, ANNA, ben, "refused")));
    assert_eq!(told(&mut world, BEN, anna), ["refused"]);
}
