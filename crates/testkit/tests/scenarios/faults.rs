//! Faults one at a time: what the random scenarios mix.

use core::time::Duration;

use sotto_engine::{Delivery, Route, ServerStatus, Store};
use sotto_testkit::{CrashAt, Network, Party, World};

use crate::common::*;

const SECOND: Duration = Duration::from_secs(1);

fn met(seed: u64) -> (World, sotto_engine::ContactId, sotto_engine::ContactId) {
    let mut world = World::new(seed, 2);
    world.network = Network::without_links();
    let (ben, anna) = befriend(&mut world);
    world.run_for(MINUTE);
    (world, ben, anna)
}

#[test]
fn a_full_disk_stops_visibly_and_nothing_leaves_the_device() {
    let (mut world, ben, anna) = met(200);
    world.people[ANNA].disk_full = true;
    let (accepted, disk) = (world.server.accepted.len(), world.people[ANNA].disk.clone());
    say(&mut world, ANNA, ben, "no room");
    assert!(world.people[ANNA].stopped && world.people[ANNA].client.is_none());
    world.run_for(MINUTE * 10);
    assert_eq!(world.server.accepted.len(), accepted, "nothing was sent");
    assert_eq!(world.people[ANNA].disk, disk, "nothing was stored");
    assert!(world.people[ANNA].screen.texts(ben).is_empty(), "nor shown as if it had been accepted");
    world.people[ANNA].disk_full = false;
    world.open_page(ANNA);
    say(&mut world, ANNA, ben, "room again");
    assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "room again")));
    assert_eq!(told(&mut world, BEN, anna), ["room again"]);
}

#[test]
fn while_a_slow_disk_writes_nothing_leaves_and_what_happens_waits() {
    let (mut world, ben, anna) = met(201);
    world.people[ANNA].slow_store = Duration::from_secs(20);
    let waiting = world.people[ANNA].disk.count(Store::Outbox);
    for n in 0..5 {
        say(&mut world, ANNA, ben, &format!("slowly {n}"));
    }
    assert!(world.people[ANNA].screen.texts(ben).is_empty(), "nothing is shown before it is stored");
    assert_eq!(world.people[ANNA].disk.count(Store::Outbox), waiting);
    assert!(world.run_until(MINUTE * 20, |world| delivered(world, ANNA, ben, "slowly 4")));
    let all: Vec<String> = (0..5).map(|n| format!("slowly {n}")).collect();
    assert_eq!(told(&mut world, BEN, anna), all);
}

#[test]
fn a_crash_in_the_middle_of_what_is_sent_loses_and_doubles_nothing() {
    for n in 0..14 {
        let (mut world, ben, anna) = met(202);
        let text = format!("before output {n}");
        world.crash(ANNA, CrashAt::BeforeOutput(n));
        say(&mut world, ANNA, ben, &text);
        world.run_for(MINUTE * 2);
        let shown = told(&mut world, ANNA, ben);
        assert!(n == 0 || !shown.is_empty(), "it was stored first");
        assert_eq!(told(&mut world, BEN, anna), shown, "{n}");
    }
}

#[test]
fn a_partition_in_one_direction_doubles_nothing() {
    let (mut world, ben, anna) = met(203);
    // Requests reach the server and nothing comes back, so that everything is said again and again.
    world.cut(Party::Server, Party::Person(ANNA));
    for n in 0..3 {
        say(&mut world, ANNA, ben, &format!("heard, not answered {n}"));
        world.run_for(SECOND);
    }
    world.run_for(MINUTE * 5);
    assert_eq!(told(&mut world, BEN, anna).first().map(String::as_str), Some("heard, not answered 0"));
    assert_ne!(
        world.people[ANNA].screen.server,
        Some(ServerStatus::Connected),
        "it is not shown as connected"
    );
    assert!(world.people[ANNA].screen.texts(ben).iter().all(|(_, how)| *how == Delivery::Waiting));
    world.mend();
    assert!(world.run_until(MINUTE * 3, |world| all_delivered(world, ANNA)));
    assert_eq!(told(&mut world, BEN, anna).len(), 3);
}

#[test]
fn two_who_cannot_reach_each_other_go_through_the_server() {
    let mut world = World::new(204, 2);
    let (ben, anna) = befriend(&mut world);
    let route = |world: &World| world.people[ANNA].screen.contacts[&ben].route;
    assert!(world.run_until(MINUTE, |world| route(world) == Route::Direct));
    world.cut(Party::Person(ANNA), Party::Person(BEN));
    say(&mut world, ANNA, ben, "into the cut");
    assert!(world.run_until(MINUTE * 2, |world| delivered(world, ANNA, ben, "into the cut")));
    assert!(world.run_until(MINUTE * 3, |world| route(world) != Route::Direct), "the true path is shown");
    say(&mut world, BEN, anna, "around it");
    assert!(world.run_until(MINUTE, |world| delivered(world, BEN, anna, "around it")));
    world.mend();
    world.input(ANNA, sotto_engine::Input::Wake);
    assert!(world.run_until(MINUTE * 10, |world| route(world) == Route::Direct), "and back");
    assert_eq!(told(&mut world, BEN, anna), ["into the cut", "around it"]);
}

#[test]
fn doubled_and_overtaking_requests_double_nothing() {
    let (mut world, ben, anna) = met(205);
    world.network = Network { links: false, doubled_requests: 1000, ..Network::confused() };
    let texts: Vec<String> = (0..30).map(|n| format!("twice on its way {n}")).collect();
    for text in &texts {
        say(&mut world, ANNA, ben, text);
        world.run_for(SECOND);
    }
    assert!(world.run_until(MINUTE * 20, |world| all_delivered(world, ANNA)));
    assert_eq!(told(&mut world, BEN, anna), texts);
}

#[test]
fn a_server_that_refuses_most_and_is_slow_loses_nothing() {
    let (mut world, ben, anna) = met(206);
    world.network = Network { links: false, refused_requests: 800, ..Network::overloaded() };
    for n in 0..10 {
        say(&mut world, ANNA, ben, &format!("patience {n}"));
    }
    assert!(world.run_until(MINUTE * 60 * 3, |world| all_delivered(world, ANNA)));
    assert_eq!(told(&mut world, BEN, anna).len(), 10);
}

#[test]
fn a_server_put_back_to_an_older_backup_loses_nothing_that_devices_have() {
    let (mut world, ben, anna) = met(207);
    world.server.store().back_up();
    world.close_page(BEN);
    for n in 0..3 {
        say(&mut world, ANNA, ben, &format!("lost by the server {n}"));
    }
    world.run_for(MINUTE);
    assert!(world.people[ANNA].screen.texts(ben).iter().all(|(_, how)| *how == Delivery::Sent));
    assert!(world.server.store().go_back());
    world.kill_server();
    world.start_server();
    world.open_page(BEN);
    assert!(world.run_until(MINUTE * 60 * 26, |world| all_delivered(world, ANNA)), "said again after a day");
    assert_eq!(told(&mut world, BEN, anna).len(), 3);
}

#[test]
fn clocks_that_jump_by_years_stop_nothing() {
    for (seed, years) in [(208, 10_i64), (209, -10), (210, 1)] {
        let (mut world, ben, anna) = met(seed);
        for (n, skew) in [years, 0, -years, 0].into_iter().enumerate() {
            world.people[ANNA].clock_skew = skew * 365 * 24 * 3_600_000;
            if n % 2 == 0 {
                world.reload(ANNA);
            }
            world.run_for(MINUTE);
            let (there, back) = (format!("there {n}"), format!("back {n}"));
            say(&mut world, ANNA, ben, &there);
            say(&mut world, BEN, anna, &back);
            let both =
                |world: &World| delivered(world, ANNA, ben, &there) && delivered(world, BEN, anna, &back);
            assert!(
                world.run_until(MINUTE * 10, both),
                "{years} years, step {n}: {:?} {:?}",
                world.people[ANNA].log,
                world.people[BEN].log
            );
        }
        assert_eq!(told(&mut world, BEN, anna).len(), 8);
    }
}

#[test]
fn a_device_that_sleeps_for_hours_goes_on_when_it_wakes() {
    let mut world = World::new(211, 2);
    let (ben, anna) = befriend(&mut world);
    world.run_for(MINUTE);
    world.sleep(BEN);
    world.drop_silently(BEN);
    for n in 0..3 {
        say(&mut world, ANNA, ben, &format!("asleep {n}"));
        world.run_for(MINUTE * 60);
    }
    assert!(told(&mut world, ANNA, ben).len() == 3 && !all_delivered(&world, ANNA));
    world.wake_up(BEN);
    assert!(world.run_until(MINUTE * 2, |world| all_delivered(world, ANNA)));
    assert_eq!(told(&mut world, BEN, anna).len(), 3);
}
