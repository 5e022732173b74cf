//! What a contact, an invitee or a stranger may try.

use core::time::Duration;

use sotto_engine::{Command, ContactId, Content, FileState, Milestone, Notice, Standing, Store};
use sotto_testkit::{Network, World};
use sotto_wire::peer::{
    CancelReason, Carried, Content as Said, DescriptionKind, Ephemeral, FirstPrefix, Manifest, Message,
    Signal, Text, limits,
};
use sotto_wire::server::List;

use crate::common::*;
use crate::puppet::Puppet;
use crate::scene::Scene;

const DAY: Duration = Duration::from_secs(24 * 3600);

fn text(words: &str) -> Said {
    Said::Text { text: Text::new(words.to_owned()).unwrap() }
}

fn offer(file: [u8; 16], name: &str, size: u64) -> Said {
    Said::FileOffer(Manifest {
        version: 1,
        file: sotto_crypto::FileId::from_bytes(file),
        key: sotto_crypto::file::FileKey::from_bytes(&[7; 32]),
        size,
        root: None,
        name: Text::new(name.to_owned()).unwrap(),
        mime: Text::default(),
    })
}

/// A world in which Anna has made a link, and a puppet holds it.
fn scene(seed: u64) -> (World, String, Puppet) {
    let mut world = World::new(seed, 2);
    world.network = Network::without_links();
    let (_, link) = invite(&mut world, ANNA);
    let puppet = Puppet::new(&world, &link, seed);
    (world, link, puppet)
}

fn id_of(puppet: &Puppet) -> ContactId {
    ContactId(*puppet.sender().account.as_bytes())
}

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

/// How often Anna has asked for this.
fn posts(world: &World, path: &str) -> usize {
    world.people[ANNA].posts.iter().filter(|post| **post == path).count()
}

#[test]
fn what_cannot_be_decrypted_is_asked_for_once_an_hour() {
    use sotto_wire::server::path;
    let (mut world, _, mut puppet) = scene(14);
    puppet.come(&mut world);
    arrival(&mut world, ANNA);
    puppet.open_mailbox(&mut world);
    world.run_for(MINUTE * 2);
    let before = posts(&world, path::ENVELOPES);
    puppet.say_unreadable(&mut world);
    world.run_for(MINUTE);
    assert_eq!(posts(&world, path::ENVELOPES), before + 1, "{:?}", world.people[ANNA].log);
    for _ in 0..20 {
        puppet.say_unreadable(&mut world);
        world.run_for(MINUTE * 2);
    }
    world.run_for(MINUTE * 15);
    assert_eq!(posts(&world, path::ENVELOPES), before + 1, "an hour is not over");
    world.run_for(MINUTE * 10);
    assert_eq!(posts(&world, path::ENVELOPES), before + 1 + 16, "as many as are remembered, in one go");
    assert_eq!(posts(&world, path::PREKEYS), 1, "and in the session that was begun for the first");
}

#[test]
fn who_takes_no_questions_is_asked_without_using_up_prekeys() {
    use sotto_wire::server::{limits, path};
    let (mut world, _, mut puppet) = scene(15);
    puppet.come(&mut world);
    arrival(&mut world, ANNA);
    puppet.open_mailbox(&mut world);
    world.run_for(MINUTE * 2);
    for _ in 0..limits::MAILBOX_ENVELOPES_MAX {
        world.inject(sotto_crypto::MailboxId::from_bytes(crate::puppet::MAILBOX), vec![0; 1024]);
    }
    puppet.say_unreadable(&mut world);
    let before = posts(&world, path::ENVELOPES);
    world.run_for(DAY);
    let asked = posts(&world, path::ENVELOPES) - before;
    assert!((20..700).contains(&asked), "it is tried again, and nobody hammers: {asked}");
    assert_eq!(posts(&world, path::PREKEYS), 1);
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
fn a_contact_that_says_again_and_again_that_it_lost_its_state_is_posted_to_so_often() {
    let mut scene = Scene::new(16);
    assert!(scene.reaches("one"));
    let before = scene.reached();
    for era in 1..=10 {
        let mut body = scene.puppet.body(&mut scene.talk, text("lost again"));
        body.era = Some(era);
        scene.puppet.say(&mut scene.world, &mut scene.talk, &Message::Body(body));
        scene.world.run_for(MINUTE);
    }
    // The acknowledgements; and what Anna said and nobody acknowledged, with her confirmation, three times.
    assert_eq!(scene.reached() - before, 10 + 2 * 3);
}

/// Saying again because state was lost takes nothing from saying again what could not be read.
#[test]
fn what_was_put_again_as_often_as_it_may_be_is_still_said_again_when_asked_for() {
    let mut scene = Scene::new(17);
    assert!(scene.reaches("one"));
    let hash = scene.last_heard();
    for era in 1..=10 {
        let mut body = scene.puppet.body(&mut scene.talk, text("lost again"));
        body.era = Some(era);
        scene.puppet.say(&mut scene.world, &mut scene.talk, &Message::Body(body));
        scene.world.run_for(MINUTE);
    }
    let before = scene.reached();
    scene.puppet.say(&mut scene.world, &mut scene.talk, &Message::Retry { hash });
    scene.world.run_for(MINUTE);
    assert_eq!(scene.reached() - before, 1);
    assert!(!logged(&scene.world, ANNA, "retry: asked too often"));
}

#[test]
fn what_was_sealed_to_a_key_that_is_gone_is_put_again_when_prekeys_bring_the_new_one() {
    let mut scene = Scene::new(18);
    assert!(scene.reaches("one"));
    // The contact was away for long and has dropped the key; Anna hears of the new one from the server.
    scene.puppet.renew_delivery_key(46);
    scene.puppet.open_mailbox(&mut scene.world);
    let before = scene.reached();
    scene.puppet.say_unreadable(&mut scene.world);
    scene.world.run_for(MINUTE);
    // The question, and what Anna said and nobody acknowledged, with her confirmation.
    assert_eq!(scene.reached() - before, 1 + 2);
    let _ = scene.last_heard();
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

/// Mallory is a confirmed contact, and Ben another.
fn among_others(seed: u64) -> (World, Puppet, crate::puppet::Talk, ContactId, ContactId) {
    let (mut world, _, mut puppet) = scene(seed);
    let talk = puppet.come(&mut world);
    let mallory = arrival(&mut world, ANNA);
    world.command(ANNA, Command::ConfirmContact(mallory));
    puppet.open_mailbox(&mut world);
    let (ben, _) = befriend(&mut world);
    (world, puppet, talk, mallory, ben)
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
