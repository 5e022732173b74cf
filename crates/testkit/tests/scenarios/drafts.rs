//! What is being written: kept until it is sent, given back when it cannot be.

use core::time::Duration;

use sotto_engine::{Command, ContactId, Notice, Store};
use sotto_testkit::{CrashAt, World};

use crate::common::*;

fn draft(world: &World, contact: ContactId) -> Option<&str> {
    world.people[ANNA].screen.drafts.get(&contact).map(String::as_str)
}

fn write(world: &mut World, contact: ContactId, text: &str) {
    world.command(ANNA, Command::KeepDraft { contact, text: text.to_owned() });
}

#[test]
fn a_draft_is_there_after_a_reload_and_gone_once_sent() {
    let mut world = World::new(140, 2);
    let (ben, anna) = befriend(&mut world);
    write(&mut world, ben, "half a thou");
    write(&mut world, ben, "half a thought");
    world.reload(ANNA);
    assert_eq!(draft(&world, ben), Some("half a thought"));
    write(&mut world, ben, "");
    world.reload(ANNA);
    assert_eq!(draft(&world, ben), None);
    write(&mut world, ben, "a whole thought");
    say(&mut world, ANNA, ben, "a whole thought");
    world.reload(ANNA);
    assert_eq!(draft(&world, ben), None);
    assert!(world.run_until(MINUTE, |world| !world.people[BEN].screen.texts(anna).is_empty()));
    assert_eq!(told(&mut world, BEN, anna), ["a whole thought"]);
}

#[test]
fn a_crash_leaves_either_the_draft_or_the_message() {
    for (at, is_sent) in [(CrashAt::BeforePersist(0), false), (CrashAt::AfterPersist(0), true)] {
        let mut world = World::new(141, 2);
        let (ben, anna) = befriend(&mut world);
        world.run_for(MINUTE);
        write(&mut world, ben, "only once");
        world.crash(ANNA, at);
        say(&mut world, ANNA, ben, "only once");
        world.run_for(MINUTE);
        assert_eq!(draft(&world, ben), (!is_sent).then_some("only once"));
        assert_eq!(told(&mut world, BEN, anna).len(), usize::from(is_sent));
    }
}

#[test]
fn a_draft_goes_with_its_contact() {
    let mut world = World::new(142, 2);
    let (ben, _) = befriend(&mut world);
    write(&mut world, ben, "never mind");
    world.command(ANNA, Command::RemoveContact(ben));
    write(&mut world, ben, "to nobody");
    assert_eq!(world.people[ANNA].disk.count(Store::Contact), 0);
    world.reload(ANNA);
    assert_eq!(draft(&world, ben), None);
}

#[test]
fn a_draft_has_a_longest_length_and_is_cut_between_characters() {
    let mut world = World::new(143, 2);
    let (ben, _) = befriend(&mut world);
    write(&mut world, ben, &format!("x{}", "é".repeat(64 * 1024)));
    world.reload(ANNA);
    assert_eq!(draft(&world, ben).map(str::len), Some(64 * 1024 - 1));
}

#[test]
fn what_cannot_be_sent_is_given_back_and_its_draft_stays() {
    let mut world = World::new(144, 2);
    let (ben, anna) = befriend(&mut world);
    let long = "x".repeat(60 * 1024);
    write(&mut world, ben, &long);
    say(&mut world, ANNA, ben, &long);
    assert_eq!(draft(&world, ben), Some(long.as_str()));
    assert_eq!(world.people[ANNA].screen.notices, [Notice::TextTooLong { limit: 56 * 1024 }]);
    world.reload(ANNA);
    assert_eq!(draft(&world, ben), Some(long.as_str()));

    world.close_page(BEN);
    for number in 0..1_100 {
        say(&mut world, ANNA, ben, &format!("{number}"));
        if draft(&world, ben) == Some(&number.to_string()) {
            break;
        }
        world.run_for(Duration::from_millis(10));
    }
    assert!(world.people[ANNA].screen.notices.contains(&Notice::TooManyWaiting(ben)));
    assert_eq!(draft(&world, ben), Some("1000"), "the first that was not taken is given back");

    world.open_page(BEN);
    world.command(BEN, Command::RemoveContact(anna));
    let ended =
        |world: &World| world.people[ANNA].screen.contacts[&ben].standing == sotto_engine::Standing::Ended;
    assert!(world.run_until(MINUTE * 5, ended));
    say(&mut world, ANNA, ben, "too late");
    assert_eq!(draft(&world, ben), Some("too late"));
}
