//! Somebody who is a contact comes by another link.

use core::time::Duration;

use sotto_engine::{CardView, Command, ContactId, Standing};
use sotto_testkit::{Network, World};
use sotto_wire::peer::{Content, Message, Text};
use sotto_wire::server::path;

use crate::common::*;
use crate::puppet::Puppet;
use crate::scene::Scene;

/// Half a second each way, so that what is posted crosses what arrives.
fn slow() -> Network {
    Network { delay: Duration::from_millis(500), jitter: Duration::ZERO, ..Network::without_links() }
}

/// Runs until Anna posts something to somebody, which nobody has answered then.
fn posted(world: &mut World) {
    let posts =
        |world: &World| world.people[ANNA].posts.iter().filter(|path| **path == path::ENVELOPES).count();
    let before = posts(world);
    assert!(world.run_until(MINUTE, |world| posts(world) > before));
}

#[test]
fn each_uses_the_others_link_at_once_and_the_server_takes_back_neither() {
    let mut world = World::new(140, 1);
    world.network = slow();
    let (_, link) = invite(&mut world, ANNA);
    let mut puppet = Puppet::new(&world, &link, 140);
    let theirs = puppet.invite(&mut world);
    assert!(matches!(look(&mut world, ANNA, &theirs), CardView::Open { .. }));
    world.command(ANNA, Command::AcceptInvite { name: "Anna".to_owned() });
    // Nobody has opened the mailbox that Anna's greeting is for: it will be refused, after the puppet's has come.
    posted(&mut world);
    let id = ContactId(*puppet.sender().account.as_bytes());
    puppet.come(&mut world);
    world.run_for(MINUTE);
    assert_eq!(world.people[ANNA].screen.contacts[&id].standing, Standing::AwaitingOurs);
    assert_eq!(world.people[ANNA].screen.card, Some(CardView::Accepted(id)));
}

#[test]
fn an_answer_to_what_was_before_is_not_taken_for_one_to_what_is_now() {
    let mut scene = Scene::new(141);
    scene.talk = scene.puppet.begin(false);
    scene.talk.sequence = 1;
    scene.another_link();
    scene.world.network = slow();
    let text = Content::Text { text: Text::new("to be acknowledged".to_owned()).unwrap() };
    let body = scene.puppet.body(&mut scene.talk, text);
    scene.puppet.say(&mut scene.world, &mut scene.talk, &Message::Body(body));
    posted(&mut scene.world);
    // The server takes that acknowledgement, and refuses the one of the greeting: its token is not there yet.
    scene.comes();
    assert_eq!(scene.seen().standing, Standing::AwaitingOurs);
    let before = scene.reached();
    scene.puppet.open_mailbox(&mut scene.world);
    scene.world.run_for(MINUTE * 2);
    assert_eq!(scene.reached(), before + 1, "the greeting is acknowledged");
}

/// What a removed contact once sent does not begin a session when it is met again.
#[test]
fn a_session_that_was_begun_before_a_contact_was_removed_is_not_begun_again() {
    let mut scene = Scene::new(142);
    let mut old = scene.puppet.begin(false);
    old.sequence = 1;
    let text = Content::Text { text: Text::new("again?".to_owned()).unwrap() };
    let body = Message::Body(scene.puppet.body(&mut old, text));
    let ratchet = old.session.seal(&body.encode(), &mut scene.puppet.rng).unwrap();
    scene.puppet.send(&mut scene.world, &old, &ratchet);
    scene.world.run_for(MINUTE);
    assert_eq!(scene.told(), ["again?"]);
    scene.another_link();
    scene.world.command(ANNA, Command::RemoveContact(scene.id));
    scene.world.run_for(MINUTE);
    scene.comes();
    for again in [false, true] {
        if again {
            scene.world.reload(ANNA);
        }
        scene.puppet.send(&mut scene.world, &old, &ratchet);
        scene.world.run_for(MINUTE);
        assert!(logged(&scene.world, ANNA, "first message: its session was begun before"));
        assert!(scene.told().is_empty());
    }
}
