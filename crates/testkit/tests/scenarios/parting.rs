//! Ending a conversation, and meeting again.

use sotto_engine::{Command, Content, Delivery, Milestone, Standing, Store};
use sotto_testkit::{Network, World};

use crate::common::*;

fn meet(seed: u64) -> (World, sotto_engine::ContactId, sotto_engine::ContactId) {
    let mut world = World::new(seed, 2);
    world.network = Network::without_links();
    let (ben, anna) = befriend(&mut world);
    say(&mut world, ANNA, ben, "hello");
    say(&mut world, BEN, anna, "hello too");
    world.run_for(MINUTE);
    (world, ben, anna)
}

#[test]
fn a_removed_contact_is_told_and_leaves_nothing() {
    let (mut world, ben, anna) = meet(100);
    world.command(ANNA, Command::RemoveContact(ben));
    assert!(world.people[ANNA].screen.contacts.is_empty());
    world.run_for(MINUTE);
    let disk = &world.people[ANNA].disk;
    for store in [Store::Contact, Store::Session, Store::Outbox, Store::Seen, Store::Transfer, Store::Message]
    {
        assert_eq!(disk.count(store), 0, "{store:?}");
    }
    assert_eq!(world.people[BEN].screen.contacts[&anna].standing, Standing::Ended);
    let history = world.history(BEN, anna);
    assert_eq!(history.last().map(|last| last.content.clone()), Some(Content::Milestone(Milestone::Ended)));
    assert_eq!(world.people[BEN].disk.count(Store::Session), 0);
    assert_eq!(told(&mut world, BEN, anna), ["hello", "hello too"], "the history stays");
    let before = world.people[BEN].posts.len();
    say(&mut world, BEN, anna, "too late");
    world.run_for(MINUTE);
    assert_eq!(world.people[BEN].posts.len(), before);
}

#[test]
fn somebody_removed_while_away_hears_it_later_and_its_messages_are_undeliverable() {
    let (mut world, ben, anna) = meet(101);
    world.set_online(BEN, false);
    say(&mut world, BEN, anna, "never delivered");
    world.command(ANNA, Command::RemoveContact(ben));
    world.run_for(MINUTE);
    world.set_online(BEN, true);
    world.run_for(MINUTE);
    let texts = world.people[BEN].screen.texts(anna);
    assert!(texts.contains(&("never delivered".to_owned(), Delivery::Undeliverable)), "{texts:?}");
}

#[test]
fn those_who_parted_can_meet_again() {
    for inviter in [ANNA, BEN] {
        let (mut world, ben, anna) = meet(102);
        world.command(ANNA, Command::RemoveContact(ben));
        world.run_for(MINUTE);
        let invitee = if inviter == ANNA { BEN } else { ANNA };
        befriend_as(&mut world, inviter, invitee);
        say(&mut world, ANNA, ben, "again");
        say(&mut world, BEN, anna, "again too");
        world.run_for(MINUTE);
        assert!(delivered(&world, ANNA, ben, "again") && delivered(&world, BEN, anna, "again too"));
        assert_eq!(told(&mut world, ANNA, ben), ["again", "again too"]);
        assert_eq!(told(&mut world, BEN, anna), ["hello", "hello too", "again", "again too"]);
    }
}

#[test]
fn a_renamed_person_is_renamed_at_its_contacts() {
    let (mut world, ben, anna) = meet(103);
    set_name(&mut world, BEN, "Benjamin");
    world.run_for(MINUTE);
    assert_eq!(world.people[ANNA].screen.contacts[&ben].name, "Benjamin");
    world.command(ANNA, Command::RenameContact { contact: ben, name: "Benny \u{202e}".to_owned() });
    assert_eq!(world.people[ANNA].screen.contacts[&ben].name, "Benny");
    world.command(ANNA, Command::RenameContact { contact: ben, name: String::new() });
    assert_eq!(world.people[ANNA].screen.contacts[&ben].name, "Benjamin");
    assert_eq!(world.people[BEN].screen.contacts[&anna].name, world.people[ANNA].screen.profile.name);
}
