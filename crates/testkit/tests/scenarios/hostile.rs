//! What a contact, an invitee or a stranger may try.

use core::time::Duration;

use sotto_engine::{Content, FileState, Milestone, Notice, Standing, Store};
use sotto_testkit::{Network, World};
use sotto_wire::peer::{
    CancelReason, Carried, Content as Said, DescriptionKind, Ephemeral, FirstPrefix, Message, Signal,
};
use sotto_wire::server::List;

use crate::common::*;
use crate::puppet::Puppet;
use crate::scene::{Scene, among_others, id_of, offer, scene, text};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[test]
fn nothing_but_a_whole_greeting_uses_an_invite_up() {
    let (mut world, link, mut puppet) = scene(1);
    let mailbox = puppet.contents.mailbox;

    // Another tag key, another sender, another device, no list of its own.
    let mut talk = puppet.begin(true);
    let hello = puppet.hello();
    let body = puppet.body(&mut talk, hello);
    let ratchet = talk.session.seal(&Message::Body(body).encode(), &mut puppet.rng).unwrap();
    let carried = Carried::encode(Some(&talk.first), &ratchet);
    let (own, tag, pairwise) = (puppet.sender(), puppet.tag(true), puppet.tag(false));
    let stranger = Puppet::new(&world, &link, 77);
    let device = sotto_crypto::envelope::Sender { device: stranger.sender().device, ..own };
    for (sender, tag, why) in [
        (own, &pairwise, "envelope: wrong tag for its invite"),
        (stranger.sender(), &tag, "envelope: its sender is not in its device list"),
        (device, &tag, "envelope: its sender is not in its device list"),
    ] {
        let blob = puppet.seal(&carried, sender, tag);
        world.inject(mailbox, blob);
        world.run_for(MINUTE);
        assert!(logged(&world, ANNA, why), "{why}: {:?}", world.people[ANNA].log);
    }
    // Somebody else's list under the same ratchet message: another transcript.
    let prefix = FirstPrefix { device_list: stranger.list.clone(), keys: talk.first.keys };
    let blob = puppet.seal(&Carried::encode(Some(&prefix), &ratchet), stranger.sender(), &tag);
    world.inject(mailbox, blob);
    // An altered ratchet message, and none at all.
    let mut altered = ratchet.clone();
    *altered.last_mut().unwrap() ^= 1;
    for ratchet in [altered.as_slice(), b""] {
        let blob = puppet.seal(&Carried::encode(Some(&talk.first), ratchet), own, &tag);
        world.inject(mailbox, blob);
    }
    let blob = puppet.seal(b"not CBOR", own, &tag);
    world.inject(mailbox, blob);
    world.run_for(MINUTE);
    for why in ["first message: does not open", "message: malformed", "envelope: malformed content"] {
        assert!(logged(&world, ANNA, why), "{why}: {:?}", world.people[ANNA].log);
    }

    // What opens, but is no greeting.
    let mut talk = puppet.begin(true);
    let body = puppet.body(&mut talk, text("hello"));
    puppet.say(&mut world, &mut talk, &Message::Body(body));
    let mut talk = puppet.begin(true);
    puppet.say(&mut world, &mut talk, &Message::End {});
    let bundle = puppet.bundle;
    puppet.bundle = stranger.bundle;
    let mut talk = puppet.begin(true);
    let hello = puppet.hello();
    let body = puppet.body(&mut talk, hello);
    puppet.say(&mut world, &mut talk, &Message::Body(body));
    puppet.bundle = bundle;
    world.run_for(MINUTE);
    for why in
        ["first message: not a greeting", "first message: malformed content", "first message: bad bundle"]
    {
        assert!(logged(&world, ANNA, why), "{why}: {:?}", world.people[ANNA].log);
    }
    assert!(world.people[ANNA].screen.contacts.is_empty());
    assert_eq!(world.people[ANNA].disk.count(Store::Contact), 0);
    assert_eq!(world.people[ANNA].disk.count(Store::Session), 0);
    assert_eq!(world.people[ANNA].screen.invites.len(), 1);

    // The invite still works.
    accept(&mut world, BEN, &link, "Ben");
    arrival(&mut world, ANNA);
}

#[test]
fn a_second_use_of_a_link_is_refused_and_shown() {
    let (mut world, link, mut puppet) = scene(2);
    accept(&mut world, BEN, &link, "Ben");
    let ben = arrival(&mut world, ANNA);
    puppet.come(&mut world);
    world.run_for(MINUTE);
    assert!(world.people[ANNA].screen.notices.contains(&Notice::InviteUsedTwice));
    assert_eq!(world.people[ANNA].screen.contacts.keys().copied().collect::<Vec<_>>(), [ben]);
}

#[test]
fn a_link_used_again_and_again_is_told_once() {
    let (mut world, link, mut puppet) = scene(12);
    accept(&mut world, BEN, &link, "Ben");
    arrival(&mut world, ANNA);
    for _ in 0..5 {
        puppet.come(&mut world);
        world.run_for(MINUTE);
    }
    assert_eq!(world.people[ANNA].screen.notices, [Notice::InviteUsedTwice]);
    world.reload(ANNA);
    puppet.come(&mut world);
    world.run_for(MINUTE);
    assert_eq!(world.people[ANNA].screen.notices, [], "nor after a reload");
    let refused = "first message: its invite has been used";
    assert_eq!(world.people[ANNA].log.iter().filter(|line| **line == refused).count(), 6);
}

#[test]
fn nobody_is_let_in_under_ones_own_account() {
    let (mut world, _, mut puppet) = scene(13);
    puppet.come(&mut world);
    arrival(&mut world, ANNA);
    let mut talk = puppet.begin(false);
    let body = puppet.body(&mut talk, text("it is you"));
    let ratchet = talk.session.seal(&Message::Body(body).encode(), &mut puppet.rng).unwrap();
    let own = puppet.contents.device_list.clone();
    let (tag, mailbox) = (puppet.tag(false), puppet.contents.mailbox);
    // Her own account as the sender, and her own list in the prefix of somebody else.
    let sender =
        sotto_crypto::envelope::Sender { account: own.account().id(), device: own.devices()[0].device_id() };
    let prefix = FirstPrefix { device_list: own, keys: talk.first.keys };
    for (sender, prefix, why) in [
        (sender, None, "envelope: claims to be our own"),
        (sender, Some(&prefix), "envelope: claims to be our own"),
        (puppet.sender(), Some(&prefix), "envelope: its sender is not in its device list"),
    ] {
        let blob = puppet.seal(&Carried::encode(prefix, &ratchet), sender, &tag);
        world.people[ANNA].log.clear();
        world.inject(mailbox, blob);
        world.run_for(MINUTE);
        assert!(logged(&world, ANNA, why), "{why}: {:?}", world.people[ANNA].log);
    }
    assert_eq!(world.people[ANNA].screen.contacts.len(), 1);
    assert_eq!(world.people[ANNA].screen.notices, []);
}

#[test]
fn who_used_a_link_in_time_arrives_though_it_expired_meanwhile() {
    let mut world = World::new(3, 2);
    world.network = Network::without_links();
    let (_, link) = invite(&mut world, ANNA);
    world.close_page(ANNA);
    world.run_for(6 * DAY);
    accept(&mut world, BEN, &link, "Ben");
    world.run_for(MINUTE);
    world.close_page(BEN);
    world.run_for(4 * DAY);
    world.open_page(ANNA);
    assert!(world.people[ANNA].screen.invites.is_empty(), "it is not shown any more");
    arrival(&mut world, ANNA);
    // Once the mailbox has been empty after the end, everything about it is forgotten.
    world.run_for(MINUTE);
    world.reload(ANNA);
    world.run_for(MINUTE);
    assert_eq!(world.people[ANNA].disk.count(Store::Invite), 0);
}

#[test]
fn before_confirmation_there_are_no_links() {
    let (mut world, _, mut puppet) = scene(5);
    world.network = Network::default();
    let mut talk = puppet.come(&mut world);
    arrival(&mut world, ANNA);
    let sdp = "1 1".to_owned();
    let signals = List::new(vec![Signal::Description { kind: DescriptionKind::Offer, sdp }]).unwrap();
    puppet.say_ephemeral(&mut world, &mut talk, &Ephemeral::Here {});
    puppet.say_ephemeral(&mut world, &mut talk, &Ephemeral::Signal { attempt: 1, signals });
    world.run_for(MINUTE);
    assert_eq!(world.people[ANNA].screen.contacts[&id_of(&puppet)].standing, Standing::AwaitingOurs);
    let refused =
        world.people[ANNA].log.iter().filter(|line| **line == "ephemeral message: before confirmation");
    assert_eq!(refused.count(), 2, "{:?}", world.people[ANNA].log);
}

#[test]
fn absurd_places_are_refused_and_the_next_message_is_read() {
    let (mut world, _, mut puppet) = scene(6);
    let mut talk = puppet.come(&mut world);
    let mallory = arrival(&mut world, ANNA);
    for (sequence, lamport) in [(0, 2), (u64::MAX, 2), (2, u64::MAX), (2 + (1 << 16), 2), (2, 3 + (1 << 16))]
    {
        let mut body = puppet.body(&mut talk, text("absurd"));
        (body.sequence, body.lamport) = (sequence, lamport);
        puppet.say(&mut world, &mut talk, &Message::Body(body));
    }
    talk.sequence = 1;
    let body = puppet.body(&mut talk, text("sensible"));
    puppet.say(&mut world, &mut talk, &Message::Body(body));
    world.run_for(MINUTE);
    assert_eq!(told(&mut world, ANNA, mallory), ["sensible"]);
    assert_eq!(world.people[ANNA].log.iter().filter(|line| **line == "message: out of place").count(), 5);
}

#[test]
fn a_replayed_message_changes_nothing() {
    let (mut world, _, mut puppet) = scene(7);
    let mut talk = puppet.come(&mut world);
    let mallory = arrival(&mut world, ANNA);
    let body = puppet.body(&mut talk, text("once"));
    let ratchet = talk.session.seal(&Message::Body(body).encode(), &mut puppet.rng).unwrap();
    for _ in 0..3 {
        // Sealed anew each time: another envelope, the same ratchet message.
        let (sender, tag) = (puppet.sender(), puppet.tag(true));
        let blob = puppet.seal(&Carried::encode(Some(&talk.first), &ratchet), sender, &tag);
        world.inject(puppet.contents.mailbox, blob.clone());
        world.inject(puppet.contents.mailbox, blob);
    }
    world.run_for(MINUTE);
    assert_eq!(told(&mut world, ANNA, mallory), ["once"]);
    world.reload(ANNA);
    world.run_for(MINUTE);
    assert_eq!(world.people[ANNA].screen.contacts[&mallory].unread, 1);
}

#[test]
fn a_clock_that_was_far_ahead_does_no_lasting_harm() {
    let mut world = World::new(10, 2);
    world.network = Network::without_links();
    world.people[ANNA].clock_skew = 400 * 24 * 3600 * 1000;
    world.reload(ANNA);
    world.run_for(MINUTE);
    world.people[ANNA].clock_skew = 0;
    world.reload(ANNA);
    world.run_for(MINUTE);
    let (_, link) = invite(&mut world, ANNA);
    accept(&mut world, BEN, &link, "Ben");
    arrival(&mut world, ANNA);
}

#[test]
fn a_greeting_without_a_place_uses_no_invite_up() {
    let (mut world, _, mut puppet) = scene(14);
    for (sequence, lamport) in [(0, 1), (1, u64::MAX), (1 << 20, 1)] {
        let mut talk = puppet.begin(true);
        let hello = puppet.hello();
        let mut body = puppet.body(&mut talk, hello);
        (body.sequence, body.lamport) = (sequence, lamport);
        puppet.say(&mut world, &mut talk, &Message::Body(body));
    }
    world.run_for(MINUTE);
    assert!(world.people[ANNA].screen.contacts.is_empty());
    assert_eq!(world.people[ANNA].disk.count(Store::Session), 0);
    let refused = world.people[ANNA].log.iter().filter(|line| **line == "first message: out of place");
    assert_eq!(refused.count(), 3);
    puppet.come(&mut world);
    arrival(&mut world, ANNA);
}

#[test]
fn what_was_shown_is_not_written_over() {
    let mut scene = Scene::new(15);
    // The record of what is missing has the place that the second states.
    for (sequence, words) in [(4, "four"), (2, "two"), (3, "three")] {
        let mut body = scene.puppet.body(&mut scene.talk, text(words));
        (body.sequence, body.lamport) = (sequence, 50);
        scene.puppet.say(&mut scene.world, &mut scene.talk, &Message::Body(body));
        scene.world.run_for(MINUTE);
    }
    let mut told = scene.told();
    told.sort();
    assert_eq!(told, ["four", "three", "two"]);

    // A milestone has the place that the next message states.
    scene.talk.sequence = 4;
    let (old, new) = (scene.device(), scene.new_device());
    scene.puppet.list = scene.next(vec![old, new]);
    let list = scene.puppet.list.clone();
    while scene.talk.sequence < 12 {
        say(&mut scene.world, ANNA, scene.id, "one more of mine");
        scene.says_text("one more of mine");
    }
    scene.announces(&[&list]);
    let id = scene.id;
    let history = scene.world.history(ANNA, id);
    let changed = Content::Milestone(sotto_engine::Milestone::DevicesChanged);
    let place = history.iter().find(|message| message.content == changed).unwrap().order;
    for sequence in scene.talk.sequence + 1..scene.talk.sequence + 9 {
        let mut body = scene.puppet.body(&mut scene.talk, text("here too"));
        (body.sequence, body.lamport) = (sequence, place.lamport);
        scene.puppet.say(&mut scene.world, &mut scene.talk, &Message::Body(body));
    }
    scene.world.run_for(MINUTE);
    assert_eq!(scene.changes(), 1, "it is still there");
}

#[test]
fn what_only_a_newer_version_can_read_is_acknowledged_and_said_to_be_so() {
    let mut scene = Scene::new(19);
    assert!(scene.reaches("one"));
    let file = [9; 16];
    scene.says(offer(file, "picture", 1));
    let id = sotto_crypto::FileId::from_bytes(file);
    let cancel = Said::FileCancel { file: id, reason: CancelReason::DeviceFailed };
    let version = [0x00, 0x01, 0x01, 0x50];
    for (content, known, newer) in [
        // Another kind of content, another format of files, another reason.
        (text("from the future"), &[0x07, 0x82, 0x03, 0xa1][..], &[0x07, 0x82, 0x17, 0xa1][..]),
        (offer([8; 16], "hologram", 1), &version, &[0x00, 0x02, 0x01, 0x50]),
        (cancel, &[0x50, 9, 9], &[0x50, 9, 9]),
    ] {
        let last = matches!(content, Said::FileCancel { .. });
        let body = scene.puppet.body(&mut scene.talk, content);
        let mut plaintext = Message::Body(body).encode().to_vec();
        let place = plaintext.windows(known.len()).position(|window| window == known).unwrap();
        plaintext[place..place + newer.len()].copy_from_slice(newer);
        if last {
            *plaintext.last_mut().unwrap() = 0x17;
        }
        let before = scene.reached();
        scene.puppet.say_encoded(&mut scene.world, &mut scene.talk, &plaintext);
        scene.world.run_for(MINUTE);
        assert_eq!(scene.reached() - before, 1, "it is acknowledged");
    }
    scene.says_text("what comes next is in its place");
    let contact = scene.id;
    let history = scene.world.history(ANNA, contact);
    assert!(!history.iter().any(|message| matches!(message.content, Content::Gap { .. })));
    let states: Vec<FileState> = history
        .iter()
        .filter_map(
            |message| if let Content::File(file) = &message.content { Some(file.state) } else { None },
        )
        .collect();
    assert_eq!(states, [FileState::Cancelled { by_me: false }]);
    let newer = Content::Milestone(Milestone::Newer);
    assert_eq!(history.iter().filter(|message| message.content == newer).count(), 2);
}

#[test]
fn contradictory_acknowledgements_harm_only_their_author() {
    let (mut world, mut puppet, mut talk, mallory, ben) = among_others(23);
    say(&mut world, ANNA, mallory, "to Mallory");
    say(&mut world, ANNA, ben, "to Ben");
    world.run_for(MINUTE);
    let ids: Vec<[u8; 16]> = [mallory, ben]
        .iter()
        .flat_map(|contact| world.people[ANNA].screen.conversation(*contact))
        .filter(|message| message.mine)
        .map(|message| message.id.0)
        .collect();
    // What was never said, what was said to Ben, all of it twice, and that it was not understood after all.
    let lists = [vec![[9; 16]; 3], ids.clone(), ids, Vec::new()];
    for ids in lists {
        let ids = ids.into_iter().map(Into::into).collect();
        let ids = sotto_wire::peer::MessageIds::new(ids).unwrap();
        puppet.say(&mut world, &mut talk, &Message::Acknowledge { ids });
    }
    for hash in [[0; 16], [9; 16]] {
        let hash = sotto_crypto::MessageHash::from_bytes(hash);
        puppet.say(&mut world, &mut talk, &Message::Retry { hash });
    }
    world.run_for(MINUTE);
    assert!(delivered(&world, ANNA, mallory, "to Mallory"), "it said that it has it");
    assert!(logged(&world, ANNA, "retry: asked for a message that is not here any more"));
    say(&mut world, ANNA, ben, "and on");
    assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "and on")));
}

#[test]
fn a_contact_whose_clock_is_ten_years_off_is_understood() {
    let years = 10 * 365 * 24 * 3_600_000_i64;
    for (seed, skew) in [(24, years), (25, -years)] {
        let (mut world, mut puppet, mut talk, mallory, ben) = among_others(seed);
        let mut body = puppet.body(&mut talk, text("from another time"));
        body.sent_at = body.sent_at.saturating_add_signed(skew);
        puppet.say(&mut world, &mut talk, &Message::Body(body));
        world.run_for(MINUTE);
        assert_eq!(told(&mut world, ANNA, mallory), ["from another time"]);
        say(&mut world, ANNA, ben, "now");
        assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "now")));
        world.reload(ANNA);
        say(&mut world, ANNA, ben, "after a reload");
        assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "after a reload")));
    }
}
