//! Somebody is away: messages wait, and arrive in order, once.

use core::time::Duration;

use sotto_engine::{Delivery, Route, ServerStatus};
use sotto_testkit::{Network, World};

use crate::common::*;

#[test]
fn messages_for_somebody_away_arrive_in_order_and_once() {
    let mut world = World::new(10, 2);
    let (ben, anna) = befriend(&mut world);
    world.run_for(MINUTE);
    world.close_page(BEN);
    world.run_for(MINUTE);
    // More than the credit window.
    let texts: Vec<String> = (0..150).map(|n| format!("message {n}")).collect();
    for text in &texts {
        say(&mut world, ANNA, ben, text);
        world.run_for(Duration::from_millis(100));
    }
    world.run_for(MINUTE);
    let shown = world.people[ANNA].screen.texts(ben);
    assert!(shown.iter().all(|(_, how)| *how == Delivery::Sent), "the server has them");
    world.run_for(Duration::from_secs(3600));
    world.open_page(BEN);
    assert!(world.run_until(MINUTE * 5, |world| all_delivered(world, ANNA)));
    assert_eq!(told(&mut world, BEN, anna), texts);
    assert_eq!(world.people[BEN].screen.contacts[&anna].unread, 150);
    world.run_for(MINUTE);
    assert!(
        world.server.model.mailboxes.values().all(|mailbox| mailbox.stored.is_empty()),
        "mailboxes are emptied"
    );
}

#[test]
fn both_are_away_in_turn() {
    let mut world = World::new(11, 2);
    let (ben, anna) = befriend(&mut world);
    world.close_page(BEN);
    say(&mut world, ANNA, ben, "are you there?");
    world.run_for(MINUTE);
    world.close_page(ANNA);
    world.open_page(BEN);
    world.run_for(MINUTE);
    assert_eq!(told(&mut world, BEN, anna), ["are you there?"]);
    say(&mut world, BEN, anna, "now I am");
    world.run_for(MINUTE);
    world.close_page(BEN);
    world.open_page(ANNA);
    world.run_for(MINUTE);
    assert_eq!(told(&mut world, ANNA, ben), ["are you there?", "now I am"]);
    world.open_page(BEN);
    world.run_for(MINUTE);
    // What was said before the reload is known from the history.
    let how: Vec<Delivery> = world.history(BEN, anna).into_iter().map(|message| message.delivery).collect();
    assert!(how.iter().all(|how| matches!(how, Delivery::Delivered | Delivery::Incoming)), "{how:?}");
}

#[test]
fn without_a_network_messages_wait_visibly() {
    let mut world = World::new(12, 2);
    world.network = Network::without_links();
    let (ben, anna) = befriend(&mut world);
    world.set_online(ANNA, false);
    assert_eq!(world.people[ANNA].screen.server, Some(ServerStatus::Offline));
    say(&mut world, ANNA, ben, "waiting");
    world.run_for(MINUTE * 10);
    assert_eq!(world.people[ANNA].screen.texts(ben), [("waiting".to_owned(), Delivery::Waiting)]);
    assert_eq!(world.people[ANNA].screen.contacts[&ben].route, Route::Waiting);
    world.set_online(ANNA, true);
    assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "waiting")));
    assert_eq!(told(&mut world, BEN, anna), ["waiting"]);
}

#[test]
fn a_link_works_on_while_the_server_is_gone() {
    let mut world = World::new(13, 2);
    let (ben, anna) = befriend(&mut world);
    let direct = |world: &World| world.people[ANNA].screen.contacts[&ben].route == Route::Direct;
    assert!(world.run_until(MINUTE, direct));
    world.kill_server();
    world.run_for(MINUTE);
    say(&mut world, ANNA, ben, "without a server");
    assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "without a server")));
    assert_eq!(told(&mut world, BEN, anna), ["without a server"]);
}

#[test]
fn sleep_and_wake_find_a_dead_socket() {
    let mut world = World::new(14, 2);
    world.network = Network::without_links();
    let (ben, _) = befriend(&mut world);
    // The server forgets the connection, and nobody tells the browser.
    world.drop_silently(ANNA);
    say(&mut world, ANNA, ben, "into the void");
    world.input(ANNA, sotto_engine::Input::Wake);
    assert!(
        world.run_until(MINUTE, |world| world.people[ANNA].screen.server == Some(ServerStatus::Connecting))
    );
    assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "into the void")));
}

#[test]
fn a_server_out_of_reach_is_not_a_device_offline() {
    let mut world = World::new(20, 2);
    world.network = Network::without_links();
    let (ben, _) = befriend(&mut world);
    world.kill_server();
    world.run_for(Duration::from_millis(1));
    assert_eq!(
        world.people[ANNA].screen.server,
        Some(ServerStatus::Connecting),
        "it may be back in a moment"
    );
    assert!(
        world.run_until(MINUTE, |world| {
            world.people[ANNA].screen.server == Some(ServerStatus::Unreachable)
        })
    );
    assert_eq!(world.people[ANNA].screen.contacts[&ben].route, Route::Waiting);
    world.run_for(MINUTE * 10);
    assert_eq!(world.people[ANNA].screen.server, Some(ServerStatus::Unreachable), "as long as it lasts");
    world.set_online(ANNA, false);
    assert_eq!(world.people[ANNA].screen.server, Some(ServerStatus::Offline));
    world.set_online(ANNA, true);
    world.start_server();
    assert!(world.run_until(MINUTE * 2, |world| {
        world.people[ANNA].screen.server == Some(ServerStatus::Connected)
    }));
}

#[test]
fn a_displaced_client_stops() {
    let mut world = World::new(15, 2);
    befriend(&mut world);
    world.input(ANNA, sotto_engine::Input::Socket(sotto_engine::SocketEvent::Closed { code: 4409 }));
    assert_eq!(world.people[ANNA].screen.server, Some(ServerStatus::Displaced));
    world.input(ANNA, sotto_engine::Input::Wake);
    world.input(ANNA, sotto_engine::Input::Online(true));
    world.run_for(MINUTE * 60);
    assert_eq!(world.people[ANNA].screen.server, Some(ServerStatus::Displaced));
}

#[test]
fn a_clock_that_jumps_back_stops_nothing() {
    let mut world = World::new(16, 2);
    world.network = Network::without_links();
    let (ben, anna) = befriend(&mut world);
    world.people[ANNA].clock_skew = -20 * 3600 * 1000;
    world.people[BEN].clock_skew = 20 * 3600 * 1000;
    world.run_for(MINUTE);
    say(&mut world, ANNA, ben, "yesterday");
    say(&mut world, BEN, anna, "tomorrow");
    assert!(world.run_until(MINUTE * 3, |world| all_delivered(world, ANNA) && all_delivered(world, BEN)));
}

fn route(world: &World, who: sotto_testkit::Who) -> Route {
    world.people[who].screen.contacts.values().next().unwrap().route
}

#[test]
fn who_talks_through_the_server_is_not_called_away() {
    let mut world = World::new(17, 2);
    world.network = Network::without_links();
    let (ben, anna) = befriend(&mut world);
    // Longer than attempts at a link go on.
    for n in 0..60 {
        say(&mut world, ANNA, ben, &format!("line {n}"));
        world.run_for(MINUTE);
        say(&mut world, BEN, anna, &format!("answer {n}"));
        world.run_for(MINUTE);
    }
    assert_eq!([route(&world, ANNA), route(&world, BEN)], [Route::Server; 2]);
    // Ben says nothing more: after a while nobody claims to know that he is there.
    world.close_page(BEN);
    say(&mut world, ANNA, ben, "still there?");
    assert!(world.run_until(MINUTE * 6, |world| route(world, ANNA) == Route::Away));
    world.open_page(BEN);
    assert!(world.run_until(MINUTE * 2, |world| route(world, ANNA) == Route::Server));
}

#[test]
fn what_lay_in_the_mailbox_does_not_say_that_its_sender_is_there() {
    let mut world = World::new(18, 2);
    world.network = Network::without_links();
    let (_, anna) = befriend(&mut world);
    world.run_for(MINUTE * 60);
    world.close_page(ANNA);
    say(&mut world, BEN, anna, "while you were away");
    world.run_for(MINUTE);
    world.close_page(BEN);
    world.run_for(MINUTE * 60);
    world.open_page(ANNA);
    let mut routes = Vec::new();
    let _ = world.run_until(MINUTE, |world| {
        routes.push(route(world, ANNA));
        false
    });
    assert!(world.people[ANNA].screen.contacts.values().any(|contact| contact.unread == 1), "it came");
    assert!(routes.contains(&Route::Away) && !routes.contains(&Route::Server), "{routes:?}");
}

#[test]
fn who_leaves_a_link_is_away_at_once() {
    let mut world = World::new(19, 2);
    befriend(&mut world);
    assert!(world.run_until(MINUTE, |world| route(world, ANNA) == Route::Direct));
    world.close_page(BEN);
    world.run_for(Duration::from_millis(100));
    assert_eq!(route(&world, ANNA), Route::Away);
}
