//! A crash at every point at which something is stored, before and after it.

use sotto_engine::{CardView, Command, Standing};
use sotto_testkit::{CrashAt, Network, Who, World};

use crate::common::*;

/// The whole first contact and some messages, with steps repeated by the user where a crash lost the wish.
fn play(world: &mut World, seed: &str) {
    set_name(world, ANNA, "Anna");
    let open = |world: &World, who: Who| world.people[who].client.is_some();
    let up =
        |world: &mut World| assert!(world.run_until(MINUTE, |world| open(world, ANNA) && open(world, BEN)));
    up(world);
    let ready =
        |world: &World| world.people[ANNA].screen.invites.values().find(|invite| invite.ready).cloned();
    for _ in 0..4 {
        if world.people[ANNA].screen.invites.is_empty() {
            world.command(ANNA, Command::CreateInvite);
        }
        up(world);
        if world.run_until(MINUTE, |world| ready(world).is_some()) {
            break;
        }
    }
    let link = ready(world).expect("an invite").link;
    for _ in 0..4 {
        up(world);
        if !world.people[BEN].screen.contacts.is_empty() {
            break;
        }
        if matches!(look(world, BEN, &link), CardView::Open { .. }) {
            world.command(BEN, Command::AcceptInvite { name: "Ben".to_owned() });
        }
        let stands = |world: &World| open(world, BEN) && !world.people[BEN].screen.contacts.is_empty();
        let _ = world.run_until(MINUTE, stands);
    }
    let anna = *world.people[BEN].screen.contacts.keys().next().expect("Ben has met Anna");
    for _ in 0..4 {
        up(world);
        let came = |world: &World| open(world, ANNA) && !world.people[ANNA].screen.contacts.is_empty();
        assert!(world.run_until(MINUTE * 3, came), "Ben comes {seed}");
        let ben = *world.people[ANNA].screen.contacts.keys().next().unwrap();
        if world.people[ANNA].screen.contacts[&ben].standing == Standing::AwaitingOurs {
            world.command(ANNA, Command::ConfirmContact(ben));
        }
        let confirmed = |world: &World| {
            open(world, ANNA) && world.people[ANNA].screen.contacts[&ben].standing == Standing::Confirmed
        };
        if world.run_until(MINUTE, confirmed) {
            break;
        }
    }
    let ben = *world.people[ANNA].screen.contacts.keys().next().unwrap();
    let mut expected = [Vec::new(), Vec::new()];
    for n in 0..1 {
        for (who, contact) in [(ANNA, ben), (BEN, anna)] {
            let text = format!("{who} says {n}");
            for _ in 0..4 {
                up(world);
                if told(world, who, contact).contains(&text) {
                    break;
                }
                say(world, who, contact, &text);
                world.run_for(MINUTE);
            }
            expected[who].push(text);
        }
    }
    world.run_for(MINUTE * 5);
    for (who, contact) in [(ANNA, ben), (BEN, anna)] {
        let history = world.history(who, contact);
        let mine: Vec<_> = history.iter().filter(|message| message.mine).collect();
        assert!(
            mine.iter().all(|message| message.delivery == sotto_engine::Delivery::Delivered),
            "{seed}: everything is delivered: {mine:?} {:?} {:?}",
            world.people[ANNA].log,
            world.people[BEN].log
        );
        let mut said = told(world, who, contact);
        said.sort();
        let mut all: Vec<String> = expected.concat();
        all.sort();
        assert_eq!(said, all, "{seed}: everything is there once");
    }
}

fn crash_everywhere(who: Who, at: fn(u64) -> CrashAt) {
    for n in 0..200 {
        let mut world = World::new(20 + n, 2);
        world.network = Network::without_links();
        world.crash(who, at(n));
        play(&mut world, &format!("person {who} at {:?}", at(n)));
        if world.is_crash_pending(who) {
            assert!(n > 10, "there are many places to crash");
            return;
        }
    }
    panic!("the scenario never ends");
}

#[test]
fn the_inviter_crashes_before_storing() {
    crash_everywhere(ANNA, CrashAt::BeforePersist);
}

#[test]
fn the_inviter_crashes_after_storing() {
    crash_everywhere(ANNA, CrashAt::AfterPersist);
}

#[test]
fn the_invitee_crashes_before_storing() {
    crash_everywhere(BEN, CrashAt::BeforePersist);
}

#[test]
fn the_invitee_crashes_after_storing() {
    crash_everywhere(BEN, CrashAt::AfterPersist);
}
