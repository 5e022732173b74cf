//! Links: glare, breaks, silence.

use core::time::Duration;

use sotto_engine::{Delivery, Route};
use sotto_testkit::{Network, World};

use crate::common::*;

fn direct(world: &World) -> bool {
    world
        .people
        .iter()
        .all(|person| person.screen.contacts.values().all(|contact| contact.route == Route::Direct))
}

#[test]
fn both_offer_at_once_and_one_link_comes_of_it() {
    for seed in 60..70 {
        let mut world = World::new(seed, 2);
        befriend(&mut world);
        assert!(world.run_until(MINUTE, direct));
        // Both lose and regain the network together: both hear of each other and offer.
        for _ in 0..3 {
            for online in [false, true] {
                world.set_online(ANNA, online);
                world.set_online(BEN, online);
            }
            world.run_for(Duration::from_secs(1));
            assert!(world.run_until(MINUTE, direct), "seed {seed}");
        }
        world.run_for(MINUTE);
        assert!(direct(&world), "it stays");
        assert_eq!(world.people.iter().map(|person| person.open_links()).collect::<Vec<_>>(), [1, 1]);
    }
}

#[test]
fn no_address_is_shown_before_confirmation() {
    let mut world = World::new(70, 2);
    let (_, link) = invite(&mut world, ANNA);
    accept(&mut world, BEN, &link, "Ben");
    arrival(&mut world, ANNA);
    world.run_for(MINUTE * 10);
    world.reload(BEN);
    world.reload(ANNA);
    world.run_for(MINUTE * 10);
    assert_eq!(world.links_ever_opened(), 0);
}

#[test]
fn unacknowledged_messages_on_a_silent_link_go_to_the_mailbox() {
    let mut world = World::new(71, 2);
    let (ben, anna) = befriend(&mut world);
    assert!(world.run_until(MINUTE, direct));
    world.network.silent_links = 1000;
    say(&mut world, ANNA, ben, "is anybody there");
    world.run_for(Duration::from_secs(5));
    assert_eq!(world.people[ANNA].screen.texts(ben), [("is anybody there".to_owned(), Delivery::Sent)]);
    assert!(told(&mut world, BEN, anna).is_empty());
    assert!(world.run_until(Duration::from_secs(8), |world| delivered(world, ANNA, ben, "is anybody there")));
    assert_eq!(told(&mut world, BEN, anna), ["is anybody there"]);
}

#[test]
fn what_a_lost_link_carried_unacknowledged_waits_visibly() {
    let mut world = World::new(79, 2);
    let (ben, anna) = befriend(&mut world);
    assert!(world.run_until(MINUTE, direct));
    world.network.silent_links = 1000;
    world.kill_server();
    say(&mut world, ANNA, ben, "to nobody");
    world.run_for(Duration::from_secs(5));
    assert_eq!(world.people[ANNA].screen.texts(ben), [("to nobody".to_owned(), Delivery::Sent)]);
    world.break_links(ANNA);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.people[ANNA].screen.texts(ben), [("to nobody".to_owned(), Delivery::Waiting)]);
    world.network.silent_links = 0;
    world.start_server();
    assert!(world.run_until(MINUTE * 2, |world| delivered(world, ANNA, ben, "to nobody")));
    assert_eq!(told(&mut world, BEN, anna), ["to nobody"]);
}

#[test]
fn lost_acknowledgements_on_a_link_double_nothing() {
    for seed in 72..76 {
        let mut world = World::new(seed, 2);
        let (ben, anna) = befriend(&mut world);
        assert!(world.run_until(MINUTE, direct));
        world.network.silent_links = 400;
        let texts: Vec<String> = (0..20).map(|n| format!("maybe {n}")).collect();
        for text in &texts {
            say(&mut world, ANNA, ben, text);
            world.run_for(Duration::from_millis(300));
        }
        world.run_for(MINUTE);
        assert!(all_delivered(&world, ANNA), "{:?}", world.people[ANNA].screen.texts(ben));
        assert_eq!(told(&mut world, BEN, anna), texts);
    }
}

#[test]
fn a_broken_link_comes_back() {
    let mut world = World::new(76, 2);
    let (ben, anna) = befriend(&mut world);
    for n in 0..5 {
        assert!(world.run_until(MINUTE, direct));
        world.break_links(ANNA);
        say(&mut world, ANNA, ben, &format!("after break {n}"));
    }
    assert!(world.run_until(MINUTE, direct));
    assert!(world.run_until(MINUTE, |world| all_delivered(world, ANNA)));
    assert_eq!(told(&mut world, BEN, anna).len(), 5);
}

#[test]
fn a_reload_is_followed_by_a_new_link() {
    let mut world = World::new(77, 2);
    befriend(&mut world);
    for who in [ANNA, BEN, ANNA] {
        assert!(world.run_until(MINUTE, direct));
        world.reload(who);
    }
    assert!(world.run_until(MINUTE, direct));
}

#[test]
fn where_no_link_can_be_made_attempts_end() {
    let mut world = World::new(78, 2);
    world.network = Network::without_links();
    let (ben, _) = befriend(&mut world);
    world.run_for(MINUTE * 60);
    let posts = world.people[ANNA].posts.len();
    world.run_for(MINUTE * 60);
    assert_eq!(world.people[ANNA].posts.len(), posts, "nobody goes on calling in vain");
    assert_eq!(world.people[ANNA].screen.contacts[&ben].route, Route::Away);
}

#[test]
fn with_many_contacts_links_are_tried_a_few_at_once() {
    const OTHERS: usize = 12;
    let mut world = World::new(77, 1 + OTHERS);
    world.network = Network::without_links();
    for other in 1..=OTHERS {
        befriend_as(&mut world, ANNA, other);
    }
    world.run_for(MINUTE * 60);
    for other in 1..=OTHERS {
        world.close_page(other);
    }
    let tried = |world: &World| {
        let contacts = world.people[ANNA].screen.contacts.values();
        contacts.filter(|contact| contact.route == Route::Connecting).count()
    };
    let before = world.people[ANNA].links_opened;
    let mut most = 0;
    world.input(ANNA, sotto_engine::Input::Wake);
    let _ = world.run_until(MINUTE * 5, |world| {
        most = most.max(tried(world));
        false
    });
    assert_eq!(most, 8);
    assert!(world.people[ANNA].links_opened - before >= OTHERS as u64, "but everybody has a turn");
}
