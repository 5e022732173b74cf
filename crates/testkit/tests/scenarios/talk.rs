//! Link → card → talking, both ways.

use sotto_engine::{CardView, Command, Delivery, Route, ServerStatus, Standing};
use sotto_testkit::{Network, World};

use crate::common::*;

#[test]
fn a_link_leads_to_a_conversation() {
    let mut world = World::new(1, 2);
    world.network = Network::without_links();
    set_name(&mut world, ANNA, "Anna");
    let (invite_id, link) = invite(&mut world, ANNA);
    assert!(link.starts_with("https://sotto.example/i#v1."));
    assert_eq!(look(&mut world, BEN, &link), CardView::Open { name: "Anna".to_owned() });
    assert_eq!(world.people[BEN].posts.iter().filter(|path| path.ends_with("redeem")).count(), 0);

    let anna = accept(&mut world, BEN, &link, "Ben");
    say(&mut world, BEN, anna, "before you confirm");
    let ben = arrival(&mut world, ANNA);
    assert_eq!(world.people[ANNA].screen.contacts[&ben].name, "Ben");
    assert_eq!(world.people[BEN].screen.contacts[&anna].name, "Anna");
    assert!(!world.people[ANNA].screen.invites.contains_key(&invite_id), "the invite is used up");
    assert!(world.run_until(MINUTE, |world| delivered(world, BEN, anna, "before you confirm")));
    assert_eq!(world.people[BEN].screen.contacts[&anna].standing, Standing::AwaitingTheirs);
    say(&mut world, ANNA, ben, "nothing can be said before confirming");
    assert!(world.people[ANNA].screen.texts(ben).iter().all(|(_, how)| *how == Delivery::Incoming));

    world.command(ANNA, Command::ConfirmContact(ben));
    say(&mut world, ANNA, ben, "hello Ben");
    assert!(
        world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "hello Ben")),
        "{:?}",
        world.people[BEN].log
    );
    say(&mut world, BEN, anna, "hello Anna");
    assert!(world.run_until(MINUTE, |world| delivered(world, BEN, anna, "hello Anna")));

    let expected = ["before you confirm", "hello Ben", "hello Anna"];
    assert_eq!(told(&mut world, ANNA, ben), expected);
    assert_eq!(told(&mut world, BEN, anna), expected);
    assert_eq!(world.people[ANNA].screen.server, Some(ServerStatus::Connected));
    assert_eq!(world.people[ANNA].screen.contacts[&ben].unread, 2);
    world.run_for(MINUTE);
    assert!(all_delivered(&world, ANNA) && all_delivered(&world, BEN));
}

#[test]
fn with_a_link_the_route_is_direct() {
    let mut world = World::new(2, 2);
    let (ben, anna) = befriend(&mut world);
    let direct = |world: &World| {
        world.people[ANNA].screen.contacts[&ben].route == Route::Direct
            && world.people[BEN].screen.contacts[&anna].route == Route::Direct
    };
    assert!(world.run_until(MINUTE, direct), "{:?} {:?}", world.people[ANNA].log, world.people[BEN].log);
    let posts = world.people[ANNA].posts.len();
    say(&mut world, ANNA, ben, "over the link");
    assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "over the link")));
    assert_eq!(world.people[ANNA].posts.len(), posts, "nothing went through the server");
}

#[test]
fn a_reload_goes_on_without_a_handshake() {
    let mut world = World::new(3, 2);
    world.network = Network::without_links();
    let (ben, anna) = befriend(&mut world);
    say(&mut world, ANNA, ben, "one");
    assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "one")));
    world.reload(ANNA);
    assert_eq!(told(&mut world, ANNA, ben), ["one"]);
    say(&mut world, ANNA, ben, "two");
    say(&mut world, BEN, anna, "three");
    assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "two")));
    assert!(world.run_until(MINUTE, |world| delivered(world, BEN, anna, "three")));
    assert!(world.people.iter().all(|person| person.posts.iter().all(|path| !path.contains("prekeys"))));
}
