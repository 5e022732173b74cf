//! Paths of links: TURN servers and their credentials, hiding an address, seeking another path, and none at all.

use core::time::Duration;

use sotto_engine::{
    Command, Finding, Input, LinkEvent, LinkPath, Linking, RelayTransport, Route, Timestamp, TurnKnown,
};
use sotto_testkit::{Network, Who, World};
use sotto_wire::peer::{DescriptionKind, Ephemeral, LinkFrame, Signal};
use sotto_wire::server::{List, path};

use crate::common::*;
use crate::scene::Scene;

const TURN: LinkPath = LinkPath::Relayed(RelayTransport::Udp);
const SECOND: Duration = Duration::from_secs(1);

fn route(world: &World, who: Who) -> Option<Route> {
    world.people[who].screen.contacts.values().next().map(|contact| contact.route)
}

fn path_of(world: &World, who: Who) -> Option<LinkPath> {
    world.people[who].screen.contacts.values().next().and_then(|contact| contact.path)
}

fn both(world: &World, path: LinkPath) -> bool {
    [ANNA, BEN].iter().all(|who| path_of(world, *who) == Some(path))
}

fn asked(world: &World, who: Who) -> usize {
    world.people[who].posts.iter().filter(|post| **post == path::TURN).count()
}

/// A world where only a TURN server can join the two.
fn apart(seed: u64) -> World {
    let mut world = World::new(seed, 2);
    world.network.direct = false;
    world.server.has_turn = true;
    world
}

#[test]
fn where_no_direct_path_is_a_turn_server_carries() {
    let mut world = apart(700);
    let (ben, anna) = befriend(&mut world);
    assert!(world.run_until(MINUTE, |world| both(world, TURN)));
    assert_eq!(route(&world, ANNA), Some(Route::Relayed));
    say(&mut world, ANNA, ben, "over the relay");
    assert!(world.run_until(SECOND * 5, |world| delivered(world, ANNA, ben, "over the relay")));
    assert_eq!(told(&mut world, BEN, anna), ["over the relay"]);
}

#[test]
fn credentials_are_asked_for_once_and_again_before_they_end() {
    let mut world = apart(701);
    world.server.turn_lifetime_s = 1_200;
    befriend(&mut world);
    assert!(world.run_until(MINUTE, |world| both(world, TURN)));
    world.break_links(ANNA);
    assert!(world.run_until(MINUTE, |world| both(world, TURN)));
    assert_eq!(asked(&world, ANNA), 1, "they are kept");
    // A better path is sought meanwhile, with credentials that live long enough.
    world.run_for(MINUTE * 60);
    world.break_links(ANNA);
    assert!(world.run_until(MINUTE, |world| both(world, TURN)));
    assert!((3..=6).contains(&asked(&world, ANNA)), "{}", asked(&world, ANNA));
}

#[test]
fn a_server_that_does_not_answer_delays_a_direct_link_by_little() {
    let mut world = World::new(702, 2);
    befriend(&mut world);
    assert!(world.run_until(MINUTE, |world| both(world, LinkPath::Local)));
    for who in [ANNA, BEN] {
        world.reload(who);
    }
    world.server.turn_silent = true;
    let begun = world.now;
    assert!(world.run_until(MINUTE, |world| both(world, LinkPath::Local)));
    assert!(world.now.saturating_since(begun) < SECOND * 5, "{:?}", world.now.saturating_since(begun));
}

#[test]
fn whoever_hides_the_address_shows_none_and_is_seen_behind_a_relay() {
    let mut world = World::new(703, 2);
    world.server.has_turn = true;
    let (ben, anna) = befriend(&mut world);
    assert!(world.run_until(MINUTE, |world| both(world, LinkPath::Local)));
    say(&mut world, ANNA, ben, "before");
    world.run_for(SECOND);
    assert!(world.people[BEN].signals_heard.iter().any(shows_address), "otherwise it does");
    world.command(ANNA, Command::SetRelayOnly(true));
    world.run_for(SECOND / 4);
    world.people[BEN].signals_heard.clear();
    for text in ["during", "after"] {
        say(&mut world, ANNA, ben, text);
        assert!(world.run_until(MINUTE, |world| both(world, TURN)), "rebuilt at once");
    }
    assert!(world.people[ANNA].screen.settings.relay_only);
    for _ in 0..4 {
        world.break_links(BEN);
        assert!(world.run_until(MINUTE, |world| both(world, TURN)));
        world.disturb_links(ANNA);
        world.run_for(SECOND * 30);
        assert!(both(&world, TURN));
    }
    assert!(!world.people[BEN].signals_heard.is_empty());
    for signal in &world.people[BEN].signals_heard {
        assert!(!shows_address(signal), "no address of hers reaches him");
    }
    // It is remembered, and given up as readily.
    world.reload(ANNA);
    assert!(world.people[ANNA].screen.settings.relay_only);
    assert!(world.run_until(MINUTE, |world| both(world, TURN)));
    world.command(ANNA, Command::SetRelayOnly(false));
    assert!(world.run_until(SECOND * 10, |world| both(world, LinkPath::Local)));
    world.run_for(MINUTE);
    assert_eq!(told(&mut world, BEN, anna), ["before", "during", "after"]);
}

fn shows_address(signal: &Signal) -> bool {
    match signal {
        Signal::Candidate { candidate, .. } => candidate.contains("host") || candidate.contains("srflx"),
        Signal::Description { .. } => false,
    }
}

#[test]
fn without_a_relay_to_hide_behind_the_server_carries_and_that_is_said() {
    let mut world = World::new(704, 2);
    let (ben, anna) = befriend(&mut world);
    assert!(world.run_until(MINUTE, |world| both(world, LinkPath::Local)));
    world.command(ANNA, Command::SetRelayOnly(true));
    assert_eq!(world.people[ANNA].screen.linking, Some(Linking::NoRelay));
    let opened = world.people[ANNA].links_opened;
    world.run_for(MINUTE * 10);
    assert_eq!(world.people[ANNA].links_opened, opened, "no link is made");
    say(&mut world, BEN, anna, "can you read this");
    assert!(world.run_until(SECOND * 5, |world| delivered(world, BEN, anna, "can you read this")));
    assert_eq!(route(&world, BEN), Some(Route::Server), "and he sees that she is there");
    world.command(ANNA, Command::Examine(ben));
    let examination = world.people[ANNA].screen.examination.expect("told at once");
    assert_eq!(examination.findings(), [Finding::RelayOnlyWithoutTurn]);
    assert_eq!(examination.turn, TurnKnown::None);
    world.command(ANNA, Command::SetRelayOnly(false));
    assert!(world.run_until(SECOND * 10, |world| both(world, LinkPath::Local)));
}

#[test]
fn a_browser_without_webrtc_talks_through_the_server_at_once() {
    let mut world = World::new(705, 2);
    world.people[BEN].webrtc = false;
    world.reload(BEN);
    let (ben, anna) = befriend(&mut world);
    world.run_for(MINUTE * 2);
    assert_eq!(world.people[BEN].links_opened, 0);
    assert_eq!(world.people[BEN].screen.linking, Some(Linking::Blocked));
    for (who, to, text) in [(ANNA, ben, "hello"), (BEN, anna, "hello you"), (ANNA, ben, "well")] {
        say(&mut world, who, to, text);
        assert!(world.run_until(SECOND * 2, |world| delivered(world, who, to, text)), "{text}");
        for who in [ANNA, BEN] {
            let contact = world.people[who].screen.contacts.values().next().expect("a contact");
            assert!(matches!(contact.route, Route::Server | Route::Connecting), "{:?}", contact.route);
        }
    }
    world.run_for(MINUTE * 3);
    assert_eq!(route(&world, ANNA), Some(Route::Server), "no attempt goes on in vain");
    world.command(BEN, Command::Examine(anna));
    let examination = world.people[BEN].screen.examination.expect("told at once");
    assert_eq!(examination.findings(), [Finding::WebrtcBlocked]);
}

#[test]
fn who_does_not_acknowledge_is_away() {
    let mut world = World::new(706, 2);
    world.network = Network::without_links();
    let (ben, _) = befriend(&mut world);
    world.run_for(MINUTE * 5);
    let here = |world: &World| route(world, ANNA) == Some(Route::Server);
    say(&mut world, ANNA, ben, "are you there");
    assert!(world.run_until(SECOND * 5, here), "the acknowledgement shows it");
    // Meanwhile another link is tried, whose signals are signs of life too.
    world.run_for(MINUTE * 20);
    assert!(!here(&world), "nothing was heard for long");
    say(&mut world, ANNA, ben, "and now");
    assert!(world.run_until(SECOND * 5, here));
    world.close_page(BEN);
    say(&mut world, ANNA, ben, "too late");
    world.run_for(SECOND * 20);
    assert!(!here(&world), "{:?} {:?}", world.people[ANNA].log, world.people[ANNA].screen.texts(ben));
}

#[test]
fn a_link_in_trouble_seeks_another_path_and_stays() {
    let mut world = apart(707);
    let (ben, anna) = befriend(&mut world);
    assert!(world.run_until(MINUTE, |world| both(world, TURN)));
    // What is still under way shows that the link works.
    world.run_for(SECOND);
    let opened = world.links_ever_opened();
    world.network.silent_links = 1000;
    world.disturb_links(ANNA);
    say(&mut world, ANNA, ben, "while it is silent");
    assert!(
        world.run_until(SECOND, |world| delivered(world, ANNA, ben, "while it is silent")),
        "the mailbox has it at once"
    );
    assert_eq!(route(&world, ANNA), Some(Route::Connecting));
    world.network.silent_links = 0;
    assert!(world.run_until(SECOND * 5, |world| both(world, TURN)));
    assert_eq!(world.links_ever_opened(), opened, "it is the same link");
    assert!(world.people[ANNA].links_restarted > 0);
    say(&mut world, ANNA, ben, "after");
    assert!(world.run_until(SECOND, |world| delivered(world, ANNA, ben, "after")));
    assert_eq!(told(&mut world, BEN, anna), ["while it is silent", "after"]);
}

#[test]
fn a_link_that_stays_silent_is_made_anew() {
    let mut world = World::new(708, 2);
    let (ben, anna) = befriend(&mut world);
    assert!(world.run_until(MINUTE, |world| both(world, LinkPath::Local)));
    // What is still under way shows that the link works.
    world.run_for(SECOND);
    let opened = world.links_ever_opened();
    world.network.links = false;
    world.network.silent_links = 1000;
    world.disturb_links(ANNA);
    world.run_for(SECOND * 20);
    assert_eq!(path_of(&world, ANNA), None);
    world.network = Network::default();
    assert!(world.run_until(MINUTE, |world| both(world, LinkPath::Local)));
    assert!(world.links_ever_opened() > opened);
    say(&mut world, ANNA, ben, "again");
    assert!(world.run_until(SECOND, |world| delivered(world, ANNA, ben, "again")));
    assert_eq!(told(&mut world, BEN, anna), ["again"]);
}

#[test]
fn a_relay_is_left_when_a_direct_path_is_there_and_nothing_is_lost() {
    let mut world = apart(709);
    let (ben, anna) = befriend(&mut world);
    assert!(world.run_until(MINUTE, |world| both(world, TURN)));
    let opened = world.links_ever_opened();
    world.run_for(MINUTE * 30);
    assert!(both(&world, TURN));
    let sought = world.people.iter().map(|person| person.links_restarted).sum::<u64>();
    assert!((2..=14).contains(&sought), "with growing pauses: {sought}");
    world.network.direct = true;
    let texts: Vec<String> = (0..40).map(|n| format!("minute {n}")).collect();
    for text in &texts {
        say(&mut world, ANNA, ben, text);
        world.run_for(MINUTE);
    }
    assert!(both(&world, LinkPath::Local));
    assert_eq!(world.links_ever_opened(), opened, "it is the same link");
    assert_eq!(told(&mut world, BEN, anna), texts);
    let sought = world.people.iter().map(|person| person.links_restarted).sum::<u64>();
    world.run_for(MINUTE * 120);
    assert_eq!(world.people.iter().map(|person| person.links_restarted).sum::<u64>(), sought);
}

#[test]
fn a_relay_that_only_one_browser_knows_to_be_one_is_seen_by_both() {
    let mut world = World::new(711, 2);
    befriend(&mut world);
    assert!(world.run_until(MINUTE, |world| both(world, LinkPath::Local)));
    let theirs = LinkPath::Relayed(RelayTransport::Theirs);
    for (seen, paths, route_of_both) in [
        (TURN, [TURN, theirs], Route::Relayed),
        (LinkPath::Internet, [LinkPath::Internet, LinkPath::Local], Route::Direct),
    ] {
        world.find_path(ANNA, seen);
        let shown = |world: &World| [ANNA, BEN].map(|who| path_of(world, who)) == paths.map(Some);
        assert!(world.run_until(SECOND * 5, shown), "{seen:?}");
        assert_eq!([ANNA, BEN].map(|who| route(&world, who)), [Some(route_of_both); 2]);
    }
    // Who heard of it from the other side seeks a better path as well.
    let restarted = world.people[BEN].links_restarted;
    world.find_path(ANNA, TURN);
    assert!(world.run_until(MINUTE * 3, |world| world.people[BEN].links_restarted > restarted));
}

#[test]
fn another_network_makes_an_open_link_seek_another_path() {
    let mut world = World::new(710, 2);
    befriend(&mut world);
    assert!(world.run_until(MINUTE, |world| both(world, LinkPath::Local)));
    let opened = world.links_ever_opened();
    world.input(ANNA, Input::Online(true));
    world.run_for(SECOND * 5);
    assert_eq!(world.people[ANNA].links_restarted, 1);
    assert!(both(&world, LinkPath::Local));
    assert_eq!(world.links_ever_opened(), opened);
    // Waking up alone is no reason, as long as the link answers.
    world.input(ANNA, Input::Wake);
    world.run_for(SECOND * 20);
    assert_eq!(world.people[ANNA].links_restarted, 1);
}

#[test]
fn a_conversation_through_the_server_finds_its_direct_path_at_last() {
    let mut world = World::new(711, 2);
    world.network = Network::without_links();
    let (ben, anna) = befriend(&mut world);
    world.run_for(MINUTE * 60);
    world.network = Network::default();
    world.run_for(MINUTE * 10);
    assert_eq!(route(&world, ANNA), Some(Route::Away), "nobody calls while nobody talks");
    say(&mut world, ANNA, ben, "still here");
    say(&mut world, BEN, anna, "yes");
    assert!(world.run_until(MINUTE * 3, |world| both(world, LinkPath::Local)));
}

#[test]
fn signals_that_the_server_did_not_take_are_posted_again() {
    for seed in 712..718 {
        let mut world = World::new(seed, 2);
        befriend(&mut world);
        assert!(world.run_until(MINUTE, |world| both(world, LinkPath::Local)));
        world.network.lost_requests = 300;
        let opened = world.links_ever_opened();
        world.break_links(ANNA);
        assert!(world.run_until(MINUTE, |world| both(world, LinkPath::Local)), "seed {seed}");
        assert!(world.links_ever_opened() - opened <= 6, "seed {seed}");
        assert!(world.now > Timestamp(0));
    }
}

#[test]
fn a_look_at_the_path_is_no_sign_of_life() {
    let mut world = World::new(720, 2);
    befriend(&mut world);
    assert!(world.run_until(MINUTE, |world| both(world, LinkPath::Local)));
    world.run_for(SECOND);
    let restarted = world.people[ANNA].links_restarted;
    world.network.links = false;
    world.network.silent_links = 1000;
    world.disturb_links(ANNA);
    for n in 0..24 {
        world.find_path(ANNA, if n % 2 == 0 { LinkPath::Internet } else { LinkPath::Local });
        world.run_for(SECOND);
        assert_ne!(route(&world, ANNA), Some(Route::Direct), "after {n} s");
    }
    assert!(world.people[ANNA].links_restarted > restarted, "another path was sought");
    assert_eq!(path_of(&world, ANNA), None, "and the link given up");
}

#[test]
fn a_contact_that_changes_its_mind_about_the_path_does_not_keep_it_sought() {
    let mut world = World::new(721, 2);
    befriend(&mut world);
    assert!(world.run_until(MINUTE, |world| both(world, LinkPath::Local)));
    let link = world.links(ANNA)[0];
    let says = |world: &mut World, relayed| {
        world.input(ANNA, Input::Link(link, LinkEvent::Message(LinkFrame::Path { relayed }.encode())));
    };
    let begun = world.people[ANNA].links_restarted;
    for _ in 0..60 {
        says(&mut world, true);
        world.run_for(MINUTE * 2);
        says(&mut world, false);
        world.run_for(SECOND);
    }
    let sought = world.people[ANNA].links_restarted - begun;
    assert!((1..=8).contains(&sought), "with growing pauses: {sought}");
    // What it has said already changes nothing.
    says(&mut world, true);
    world.run_for(SECOND);
    world.watch();
    for _ in 0..100 {
        says(&mut world, true);
    }
    assert!(world.take_watched().is_empty());
}

#[test]
fn a_clock_that_goes_back_holds_no_signals_back() {
    let mut world = World::new(722, 2);
    befriend(&mut world);
    assert!(world.run_until(MINUTE, |world| both(world, LinkPath::Local)));
    world.network.lost_requests = 1000;
    world.break_links(ANNA);
    world.run_for(SECOND * 5);
    world.people[ANNA].clock_skew = -20 * 3600 * 1000;
    world.network.lost_requests = 0;
    assert!(world.run_until(MINUTE, |world| both(world, LinkPath::Local)));
}

#[test]
fn attempts_without_end_are_not_all_answered() {
    let mut scene = Scene::new(723);
    scene.world.network = Network::default();
    let begun = scene.world.people[ANNA].links_opened;
    let says = |scene: &mut Scene, ephemeral: &Ephemeral| {
        scene.puppet.say_ephemeral(&mut scene.world, &mut scene.talk, ephemeral);
        scene.world.run_for(SECOND / 10);
    };
    let sdp = "v=0\r\ns=0 9\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n";
    for attempt in 1..=50 {
        let offer = Signal::Description { kind: DescriptionKind::Offer, sdp: sdp.to_owned() };
        let signals = List::new(vec![offer]).unwrap();
        says(&mut scene, &Ephemeral::Signal { attempt, signals });
        says(&mut scene, &Ephemeral::HangUp { attempt });
        says(&mut scene, &Ephemeral::Here {});
    }
    let opened = scene.world.people[ANNA].links_opened - begun;
    assert!((1..=20).contains(&opened), "{opened}");
    // One that comes later is answered.
    scene.world.run_for(MINUTE * 30);
    let opened = scene.world.people[ANNA].links_opened;
    says(&mut scene, &Ephemeral::Here {});
    assert!(scene.world.people[ANNA].links_opened > opened);
}

#[test]
fn a_browser_that_fails_to_make_a_link_is_asked_again() {
    let mut world = World::new(724, 2);
    world.network.links = false;
    befriend(&mut world);
    assert!(world.run_until(MINUTE, |world| !world.links(ANNA).is_empty()));
    let link = world.links(ANNA)[0];
    world.input(ANNA, Input::Link(link, LinkEvent::Failed));
    assert!(!world.links(ANNA).contains(&link));
    assert_eq!(world.people[ANNA].screen.linking, Some(Linking::Possible));
    world.network.links = true;
    assert!(world.run_until(MINUTE, |world| both(world, LinkPath::Local)));
}
