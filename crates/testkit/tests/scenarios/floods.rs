//! What a contact or the server may send without end.

use core::time::Duration;

use sotto_engine::{Command, Content, FileState, Notice, Store};
use sotto_wire::peer::{Content as Said, DescriptionKind, Ephemeral, Message, Signal, limits};
use sotto_wire::server::List;

use crate::common::*;
use crate::scene::{Scene, among_others, offer, scene, text};

#[test]
fn offers_without_end_do_not_fill_the_device() {
    let (mut world, _, mut puppet) = scene(8);
    let mut talk = puppet.come(&mut world);
    let mallory = arrival(&mut world, ANNA);
    for n in 0..1_400_u64 {
        let mut file = [0; 16];
        file[..8].copy_from_slice(&n.to_be_bytes());
        file.rotate_left(4);
        let content = offer(file, "../../\u{202e}fdp.exe", limits::FILE_SIZE_MAX);
        let body = puppet.body(&mut talk, content);
        puppet.say(&mut world, &mut talk, &Message::Body(body));
        if n % 50 == 0 {
            world.run_for(Duration::from_secs(2));
        }
    }
    world.run_for(MINUTE);
    let person = &world.people[ANNA];
    assert!(person.disk.count(Store::Transfer) <= 100);
    assert!(person.disk.count(Store::Outbox) <= 1_201, "{}", person.disk.count(Store::Outbox));
    assert!(logged(&world, ANNA, "file: too many answers wait"));
    let first = world.people[ANNA].screen.conversation(mallory).into_iter().find_map(|message| match message
        .content
    {
        Content::File(file) => Some((file.name, file.state)),
        _ => None,
    });
    assert_eq!(first, Some(("_.._fdp.exe".to_owned(), FileState::Offered)));
    world.command(ANNA, Command::RemoveContact(mallory));
    world.run_for(MINUTE);
    assert_eq!(world.people[ANNA].disk.count(Store::Transfer), 0);
    assert!(world.people[ANNA].disk.count(Store::Outbox) <= 1, "the farewell at most");
}

#[test]
fn sessions_without_end_do_not_shut_others_out() {
    let (mut world, _, mut puppet) = scene(9);
    let mut talk = puppet.come(&mut world);
    let mallory = arrival(&mut world, ANNA);
    for n in 0..80 {
        let sequence = talk.sequence;
        talk = puppet.begin(false);
        talk.sequence = sequence;
        let body = puppet.body(&mut talk, text(&format!("{n}")));
        puppet.say(&mut world, &mut talk, &Message::Body(body));
        world.run_for(Duration::from_secs(1));
    }
    assert_eq!(told(&mut world, ANNA, mallory).len(), 80);
    assert!(world.people[ANNA].disk.count(Store::Session) <= 5);
    let (_, link) = invite(&mut world, ANNA);
    accept(&mut world, BEN, &link, "Ben");
    assert!(world.run_until(MINUTE, |world| world.people[ANNA].screen.contacts.len() == 2));
}

/// An envelope of the contact's, as often as the server likes: nobody but the server did that.
#[test]
fn the_server_cannot_make_a_contact_seem_to_flood() {
    let mut scene = Scene::new(23);
    let here = scene.puppet.in_passing(&mut scene.talk, &Ephemeral::Here {});
    let mailbox = scene.puppet.contents.mailbox;
    for _ in 0..600 {
        scene.world.inject_ephemeral(mailbox, here.clone());
    }
    scene.world.run_for(Duration::from_secs(1));
    assert!(!scene.world.people[ANNA].screen.notices.contains(&Notice::Flooding(scene.id)));
    // What the contact says is listened to all the same.
    let before = scene.world.people[ANNA].links_opened;
    let offer = Signal::Description { kind: DescriptionKind::Offer, sdp: "0 9".to_owned() };
    let signals = List::new(vec![offer]).unwrap();
    scene.puppet.pass_by(&mut scene.world, &mut scene.talk, &Ephemeral::Signal { attempt: 9, signals });
    scene.world.run_for(Duration::from_secs(1));
    assert_eq!(scene.world.people[ANNA].links_opened, before + 1);
}

/// What has a contact's tag and opens in no chain: only so much of it is looked into.
#[test]
fn what_does_not_open_in_passing_is_looked_into_so_often() {
    let mut scene = Scene::new(24);
    let mailbox = scene.puppet.contents.mailbox;
    for _ in 0..600 {
        let ephemeral = Ephemeral::Here {}.encode();
        let mut ratchet = scene.talk.session.seal_ephemeral(&ephemeral, &mut scene.puppet.rng).unwrap();
        *ratchet.last_mut().unwrap() ^= 1;
        let blob = scene.puppet.enclose(&scene.talk, &ratchet);
        scene.world.inject_ephemeral(mailbox, blob);
    }
    scene.world.run_for(Duration::from_secs(1));
    let refused = "ephemeral message: does not open";
    let looked = scene.world.people[ANNA].log.iter().filter(|line| **line == refused).count();
    assert!((256..300).contains(&looked), "{looked}");
}

#[test]
fn a_flood_in_passing_is_bounded_told_and_ends_with_removing() {
    // A million shows the same, and takes minutes: SOTTO_FLOOD=1000000.
    let count = std::env::var("SOTTO_FLOOD").ok().and_then(|count| count.parse().ok()).unwrap_or(3_000);
    let (mut world, mut puppet, mut talk, mallory, ben) = among_others(21);
    let (persists, posts, links) =
        (world.people[ANNA].persists, world.people[ANNA].posts.len(), world.people[ANNA].links_opened);
    let begun = world.now;
    for n in 0..count {
        let signal = Signal::Candidate { candidate: "a".to_owned(), mid: None, line_index: Some(0) };
        let ephemeral = match n % 3 {
            0 => Ephemeral::Here {},
            1 => Ephemeral::Signal { attempt: n, signals: List::new(vec![signal]).unwrap() },
            _ => Ephemeral::HangUp { attempt: n },
        };
        puppet.pass_by(&mut world, &mut talk, &ephemeral);
        if n % 100 == 0 {
            world.run_for(Duration::from_secs(1));
            let client = world.people[ANNA].client.as_ref().unwrap();
            assert!(client.bounded().iter().all(|bounded| bounded.size <= bounded.most));
        }
    }
    let seconds = world.now.saturating_since(begun).as_secs();
    let stored = world.people[ANNA].persists - persists;
    assert!(stored <= 256 + 8 * seconds, "{stored} transactions in {seconds} s");
    assert!(world.people[ANNA].posts.len() - posts <= 64 + seconds as usize);
    assert!(world.people[ANNA].links_opened - links <= 8 + seconds / 10);
    let told: Vec<_> = world.people[ANNA]
        .screen
        .notices
        .iter()
        .filter(|notice| **notice == Notice::Flooding(mallory))
        .collect();
    assert_eq!(told.len(), 1, "the user is told, once");
    // Others are not affected.
    say(&mut world, ANNA, ben, "still here");
    assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "still here")));
    // And there is something to do.
    world.command(ANNA, Command::RemoveContact(mallory));
    world.run_for(MINUTE);
    let before = world.people[ANNA].persists;
    for _ in 0..100 {
        puppet.pass_by(&mut world, &mut talk, &Ephemeral::Here {});
    }
    world.run_for(MINUTE);
    assert!(world.people[ANNA].persists - before < 50, "nothing is stored because of what it sends");
    assert!(logged(&world, ANNA, "ephemeral message: unknown session"));
}

#[test]
fn offers_without_end_are_told() {
    let (mut world, mut puppet, mut talk, mallory, _) = among_others(22);
    for n in 0..150_u64 {
        let mut file = [0; 16];
        file[..8].copy_from_slice(&n.to_be_bytes());
        file.rotate_left(4);
        let body = puppet.body(&mut talk, offer(file, "one more", 1));
        puppet.say(&mut world, &mut talk, &Message::Body(body));
    }
    world.run_for(MINUTE);
    let notices = &world.people[ANNA].screen.notices;
    assert_eq!(notices.iter().filter(|notice| **notice == Notice::Flooding(mallory)).count(), 1);
}

/// An answer about each file that somebody makes up would be stored, and sent.
#[test]
fn files_that_nobody_offered_are_answered_so_often() {
    let (mut world, mut puppet, mut talk, _, ben) = among_others(27);
    let too_many = "file: too many that are not known";
    for n in 0..150_u64 {
        let mut file = [0; 16];
        file[..8].copy_from_slice(&n.to_be_bytes());
        let file = sotto_crypto::FileId::from_bytes(file);
        let body = puppet.body(&mut talk, Said::FileAccept { file });
        puppet.say(&mut world, &mut talk, &Message::Body(body));
    }
    world.run_for(MINUTE);
    let refused = world.people[ANNA].log.iter().filter(|line| **line == too_many).count();
    assert_eq!(refused, 50);
    say(&mut world, ANNA, ben, "still here");
    assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "still here")));
}
