//! A contact's device list changes: it is followed version by version.

use core::time::Duration;

use sotto_crypto::DeviceId;
use sotto_crypto::keys::{DeviceIdentityKey, DeviceSigningKey};
use sotto_engine::{
    CardRefusal, CardView, Command, Content as Seen, Devices, FileFailure, FileState, Input, LinkEvent,
    LinkId, LinkPath, Route, Standing,
};
use sotto_wire::peer::{
    Content, DescriptionKind, DeviceList, Ephemeral, LinkFrame, ListedDevice, Manifest, Message, Signal, Text,
};
use sotto_wire::server::{List, Opaque};

use crate::common::*;
use crate::scene::Scene;

#[test]
fn a_newer_list_that_is_named_stops_sending_until_it_is_there() {
    let mut scene = Scene::new(120);
    assert!(scene.reaches("one"));
    let (old, new) = (scene.device(), scene.new_device());
    scene.puppet.list = scene.next(vec![old.clone(), new.clone()]);
    let second = scene.puppet.list.clone();
    scene.says_text("from a longer list");
    assert_eq!(scene.devices(), Devices::Awaited);
    assert!(!scene.reaches("two"));
    scene.world.reload(ANNA);
    scene.world.run_for(MINUTE);
    assert_eq!(scene.devices(), Devices::Awaited, "also after a reload");
    assert!(!scene.reaches("three"));
    let id = scene.id;
    assert_eq!(told(&mut scene.world, ANNA, id).len(), 4, "what is received is shown");
    scene.announces(&[&second]);
    assert_eq!(scene.devices(), Devices::Known);
    assert_eq!(scene.changes(), 1, "a new device is announced in the conversation");
    assert!(scene.reaches("four"));

    // Two versions further on, with the one between missing at first.
    let third = scene.next(vec![old.clone()]);
    scene.puppet.list = third.clone();
    let fourth = scene.next(vec![old, new]);
    scene.puppet.list = fourth.clone();
    scene.announces(&[&fourth]);
    assert!(logged(&scene.world, ANNA, "devices: a list before this one is missing"));
    assert_eq!(scene.devices(), Devices::Awaited);
    assert!(!scene.reaches("five"));
    scene.announces(&[&third, &fourth]);
    assert_eq!(scene.devices(), Devices::Known);
    assert!(scene.reaches("six"));
    scene.announces(&[&second, &third, &fourth]);
    assert_eq!((scene.devices(), scene.changes()), (Devices::Known, 3), "known lists change nothing");
}

#[test]
fn the_next_list_can_come_with_a_first_message() {
    let mut scene = Scene::new(121);
    let (old, new) = (scene.device(), scene.new_device());
    scene.puppet.list = scene.next(vec![old, new]);
    let sequence = scene.talk.sequence;
    scene.talk = scene.puppet.begin(false);
    scene.talk.sequence = sequence;
    scene.says_text("a fresh session");
    assert_eq!((scene.devices(), scene.changes()), (Devices::Known, 1));
    assert!(scene.reaches("hello"));
}

#[test]
fn two_lists_of_one_version_stop_sending_for_good() {
    for shown in [false, true] {
        let mut scene = Scene::new(122);
        assert!(scene.reaches("one"));
        let (old, new) = (scene.device(), scene.new_device());
        let held = scene.next(vec![old.clone()]);
        let other = scene.next(vec![old, new]);
        scene.puppet.list = held.clone();
        scene.announces(&[&held]);
        assert_eq!(scene.devices(), Devices::Known);
        if shown {
            scene.announces(&[&other]);
        } else {
            scene.puppet.list = other;
            scene.says_text("which list?");
        }
        assert_eq!(scene.devices(), Devices::Split);
        assert!(logged(&scene.world, ANNA, "devices: two lists of one version"));
        assert!(!scene.reaches("two"));
        scene.world.reload(ANNA);
        scene.puppet.list = held.clone();
        scene.announces(&[&held]);
        assert_eq!(scene.devices(), Devices::Split, "nothing that is said makes it good");
        assert!(!scene.reaches("three"));
    }
}

#[test]
fn a_device_that_is_listed_no_more_is_written_to_no_more() {
    let mut scene = Scene::new(123);
    let new = scene.new_device();
    let next = scene.next(vec![new]);
    scene.announces(&[&next]);
    assert_eq!((scene.devices(), scene.changes()), (Devices::Gone, 1));
    assert!(!scene.reaches("one"));
}

#[test]
fn lists_of_others_and_ones_own_change_nothing() {
    let mut scene = Scene::new(124);
    let own = scene.puppet.contents.device_list.clone();
    scene.announces(&[&own]);
    assert!(logged(&scene.world, ANNA, "devices: another account's list"));
    let (old, new) = (scene.device(), scene.new_device());
    let mut unsigned = scene.next(vec![old, new]).as_bytes().to_vec();
    *unsigned.last_mut().unwrap() ^= 1;
    let lists = List::new(vec![Opaque::new(unsigned).unwrap()]).unwrap();
    scene.says(Content::Devices { lists });
    assert!(logged(&scene.world, ANNA, "devices: a list that is malformed or not signed"));
    assert_eq!((scene.devices(), scene.changes()), (Devices::Known, 0));
    assert!(scene.reaches("hello"));
}

/// The thief of a device that was taken out has its keys, the list from before, and a link that nobody used.
#[test]
fn no_link_brings_an_earlier_list_back() {
    let mut scene = Scene::new(125);
    let before = scene.puppet.list.clone();
    let (signing, identity) = (
        DeviceSigningKey::generate(&mut scene.puppet.rng),
        DeviceIdentityKey::generate(&mut scene.puppet.rng),
    );
    let id = DeviceId::generate(&mut scene.puppet.rng);
    let new = ListedDevice { id, signing: signing.public(), identity: identity.public() };
    let second = scene.next(vec![new]);
    scene.announces(&[&second]);
    scene.another_link();
    for another in [false, true] {
        if another {
            // Signed by the account all the same, and of the version that is held.
            let old = scene.device();
            scene.puppet.list = scene.next(vec![old]);
        }
        scene.comes();
        assert_eq!((scene.devices(), scene.seen().standing), (Devices::Gone, Standing::Confirmed));
        assert_eq!(scene.world.people[ANNA].screen.invites.len(), 1, "the link is not used up");
        // A link of the thief's own does not either.
        let link = scene.puppet.invite(&mut scene.world);
        assert!(matches!(look(&mut scene.world, ANNA, &link), CardView::Open { .. }));
        scene.world.command(ANNA, Command::AcceptInvite { name: "Anna".to_owned() });
        scene.world.run_for(MINUTE);
        assert_eq!(scene.world.people[ANNA].screen.card, Some(CardView::Refused(CardRefusal::OldDevices)));
        assert_eq!((scene.devices(), scene.seen().standing), (Devices::Gone, Standing::Confirmed));
        scene.puppet.list = before.clone();
    }
    let refused =
        "first message: an earlier device list than the one held or named, or another of its version";
    assert_eq!(scene.world.people[ANNA].log.iter().filter(|line| **line == refused).count(), 2);

    // The device that took its place comes.
    scene.puppet.device = second.devices()[0];
    (scene.puppet.signing, scene.puppet.identity) = (signing, identity);
    scene.puppet.bundle.device = scene.puppet.device;
    scene.puppet.list = second;
    scene.comes();
    assert_eq!((scene.devices(), scene.seen().standing), (Devices::Known, Standing::AwaitingOurs));
}

#[test]
fn a_device_that_is_listed_no_more_is_not_believed() {
    let mut scene = Scene::new(126);
    scene.says_text("from a device that is listed");
    let new = scene.new_device();
    let next = scene.next(vec![new]);
    scene.announces(&[&next]);
    let texts = scene.told();
    for again in [false, true] {
        if again {
            scene.world.reload(ANNA);
            scene.world.run_for(MINUTE);
        }
        scene.says_text("from nobody");
        scene.puppet.say(&mut scene.world, &mut scene.talk, &Message::End {});
        scene.world.run_for(MINUTE);
        assert_eq!(scene.told(), texts, "{again}");
        assert_eq!((scene.devices(), scene.seen().standing), (Devices::Gone, Standing::Confirmed));
    }
    // Nor what it says of lists.
    scene.puppet.list = DeviceList::sign(
        &scene.puppet.account,
        u32::MAX,
        [0; 32],
        vec![scene.device()],
        &mut scene.puppet.rng,
    )
    .unwrap();
    scene.says_text("a list that nobody will ever see");
    assert_eq!(scene.devices(), Devices::Gone);
}

/// The server holds the news back that a device was taken out, and its thief has a link.
#[test]
fn no_link_brings_a_list_before_the_one_that_was_named() {
    let mut scene = Scene::new(127);
    let (held, device, new) = (scene.puppet.list.clone(), scene.device(), scene.new_device());
    let second = scene.next(vec![device.clone(), new.clone()]);
    scene.puppet.list = second.clone();
    let third = scene.next(vec![device, new]);
    scene.puppet.list = third.clone();
    scene.says_text("from a list that the server holds back");
    assert_eq!(scene.devices(), Devices::Awaited);
    scene.another_link();
    for list in [held, second] {
        scene.puppet.list = list;
        scene.comes();
        assert_eq!((scene.devices(), scene.seen().standing), (Devices::Awaited, Standing::Confirmed));
        assert_eq!(scene.world.people[ANNA].screen.invites.len(), 1, "the link is not used up");
        let link = scene.puppet.invite(&mut scene.world);
        assert!(matches!(look(&mut scene.world, ANNA, &link), CardView::Open { .. }));
        scene.world.command(ANNA, Command::AcceptInvite { name: "Anna".to_owned() });
        scene.world.run_for(MINUTE);
        assert_eq!(scene.world.people[ANNA].screen.card, Some(CardView::Refused(CardRefusal::OldDevices)));
        assert_eq!((scene.devices(), scene.seen().standing), (Devices::Awaited, Standing::Confirmed));
        scene.world.reload(ANNA);
    }
    // The list that was named comes by the link itself.
    scene.puppet.list = third;
    scene.comes();
    assert_eq!((scene.devices(), scene.seen().standing), (Devices::Known, Standing::AwaitingOurs));
}

#[test]
fn a_list_that_never_comes_is_got_over_by_removing_the_contact() {
    let mut scene = Scene::new(128);
    let (held, device) = (scene.puppet.list.clone(), scene.device());
    scene.puppet.list =
        DeviceList::sign(&scene.puppet.account, u32::MAX, [0; 32], vec![device], &mut scene.puppet.rng)
            .unwrap();
    scene.says_text("a list that nobody will ever see");
    assert_eq!(scene.devices(), Devices::Awaited);
    assert!(!scene.reaches("one"));
    scene.puppet.list = held;
    scene.world.command(ANNA, Command::RemoveContact(scene.id));
    scene.world.run_for(MINUTE);
    let link = scene.puppet.invite(&mut scene.world);
    scene.puppet.open_mailbox(&mut scene.world);
    assert_eq!(accept(&mut scene.world, ANNA, &link, "Anna"), scene.id);
    assert_eq!((scene.devices(), scene.seen().standing), (Devices::Known, Standing::AwaitingTheirs));
    assert!(!scene.seen().verified);
    assert!(scene.reaches("two"));
}

/// An open link and a file on it, from the puppet.
fn with_a_file_under_way(scene: &mut Scene) -> impl Fn(&Scene) -> FileState + use<> {
    let sdp = "v=0\r\ns=0 9\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n".to_owned();
    let offer = Signal::Description { kind: DescriptionKind::Offer, sdp };
    let signals = List::new(vec![offer]).unwrap();
    scene.puppet.say_ephemeral(&mut scene.world, &mut scene.talk, &Ephemeral::Signal { attempt: 1, signals });
    scene.world.run_for(Duration::from_secs(1));
    let link = LinkId(scene.world.people[ANNA].links_opened);
    scene.world.input(ANNA, Input::Link(link, LinkEvent::Opened));
    scene.world.input(ANNA, Input::Link(link, LinkEvent::Path(LinkPath::Local)));
    let file = sotto_crypto::FileId::from_bytes([5; 16]);
    scene.says(Content::FileOffer(Manifest {
        version: 1,
        file,
        key: sotto_crypto::file::FileKey::from_bytes(&[7; 32]),
        size: 1_000,
        root: None,
        name: Text::new("a".to_owned()).unwrap(),
        mime: Text::default(),
    }));
    let id = scene.id;
    let message = scene.world.people[ANNA].screen.conversation(id).last().unwrap().id;
    scene.world.command(ANNA, Command::AcceptFile(id, message));
    scene.world.input(ANNA, Input::Link(link, LinkEvent::Message(LinkFrame::FileStart { file }.encode())));
    move |scene: &Scene| {
        let messages = scene.world.people[ANNA].screen.conversation(id);
        let file = messages.into_iter().find_map(|message| match message.content {
            Seen::File(file) => Some(file.state),
            _ => None,
        });
        file.unwrap()
    }
}

#[test]
fn a_newer_list_that_is_named_closes_the_link_and_stops_what_is_on_it() {
    let mut scene = Scene::new(128);
    let state = with_a_file_under_way(&mut scene);
    assert_eq!((state(&scene), scene.seen().route), (FileState::Transferring, Route::Direct));
    let (old, new) = (scene.device(), scene.new_device());
    scene.puppet.list = scene.next(vec![old, new]);
    let second = scene.puppet.list.clone();
    scene.says_text("from a longer list");
    assert_eq!(scene.devices(), Devices::Awaited);
    assert_eq!(
        (state(&scene), scene.seen().route),
        (FileState::Failed(FileFailure::Interrupted), Route::Server)
    );
    let before = scene.world.people[ANNA].links_opened;
    scene.world.run_for(MINUTE * 10);
    assert_eq!(scene.world.people[ANNA].links_opened, before, "and makes no other");
    scene.announces(&[&second]);
    scene.world.run_for(MINUTE);
    assert!(scene.world.people[ANNA].links_opened > before, "before the list is there");
}

#[test]
fn nothing_is_asked_and_no_last_word_said_before_the_devices_are_known() {
    let mut scene = Scene::new(129);
    for _ in 0..2 {
        scene.puppet.say_unreadable(&mut scene.world);
        scene.world.run_for(MINUTE);
    }
    let (old, new) = (scene.device(), scene.new_device());
    scene.puppet.list = scene.next(vec![old, new]);
    scene.says_text("from a longer list");
    let before = scene.reached();
    scene.world.run_for(MINUTE * 61);
    assert_eq!(scene.reached(), before);
    scene.world.command(ANNA, Command::RemoveContact(scene.id));
    scene.world.run_for(MINUTE);
    assert_eq!(scene.reached(), before, "nor a last word");
}

#[test]
fn what_was_not_read_is_asked_for_once_the_list_is_there() {
    let mut scene = Scene::new(130);
    for _ in 0..2 {
        scene.puppet.say_unreadable(&mut scene.world);
        scene.world.run_for(MINUTE);
    }
    let (old, new) = (scene.device(), scene.new_device());
    scene.puppet.list = scene.next(vec![old, new]);
    let second = scene.puppet.list.clone();
    scene.says_text("from a longer list");
    scene.world.run_for(MINUTE * 61);
    let before = scene.reached();
    scene.announces(&[&second]);
    assert!(scene.reached() > before + 1, "what is owed, and what is asked for");
}
