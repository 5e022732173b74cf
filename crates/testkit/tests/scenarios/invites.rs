//! Links that are used, expired, cut, altered, foreign, withdrawn, one's own.

use core::time::Duration;

use sotto_engine::{CardRefusal, CardView, Command, Notice, Store};
use sotto_testkit::{Network, Who, World};

use crate::common::*;

const CAROL: Who = 2;

fn refused(world: &mut World, who: Who, link: &str) -> CardRefusal {
    match look(world, who, link) {
        CardView::Refused(refusal) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn bad_links_are_told_apart_and_leave_nothing() {
    let mut world = World::new(50, 2);
    let (_, link) = invite(&mut world, ANNA);
    world.run_for(MINUTE);
    let before = world.people[BEN].disk.clone();
    let cut = &link[..link.len() - 3];
    assert_eq!(refused(&mut world, BEN, cut), CardRefusal::Malformed);
    assert_eq!(refused(&mut world, BEN, "hello"), CardRefusal::Malformed);
    assert_eq!(refused(&mut world, BEN, "https://sotto.example/"), CardRefusal::Malformed);
    let newer = link.replace("#v1.", "#v2.");
    assert_eq!(refused(&mut world, BEN, &newer), CardRefusal::NewerVersion);
    let foreign = link.replace("sotto.example", "Other.Example:8443");
    let host = "other.example:8443".to_owned();
    assert_eq!(refused(&mut world, BEN, &foreign), CardRefusal::OtherServer { host });
    assert_eq!(refused(&mut world, ANNA, &link), CardRefusal::Own);
    // Another secret is another invite, which does not exist.
    let (head, payload) = link.split_once("#v1.").unwrap();
    let first = if payload.starts_with('A') { "B" } else { "A" };
    let altered = format!("{head}#v1.{first}{}", &payload[1..]);
    assert_eq!(refused(&mut world, BEN, &altered), CardRefusal::Gone);
    // Opening it did not use it up: just the fragment works too.
    let fragment = link.split_once('#').unwrap().1;
    assert!(matches!(look(&mut world, BEN, fragment), CardView::Open { .. }));
    assert_eq!(world.people[BEN].disk, before, "nothing is stored by looking");
}

#[test]
fn an_altered_account_hash_is_found_by_the_invitee() {
    let mut world = World::new(51, 2);
    let (_, link) = invite(&mut world, ANNA);
    let last = link.chars().rev().nth(8).unwrap();
    let place = link.len() - 9;
    let mut altered = link.clone();
    altered.replace_range(place..=place, if last == 'A' { "B" } else { "A" });
    assert!(matches!(look(&mut world, BEN, &altered), CardView::Open { .. }));
    world.command(BEN, Command::AcceptInvite { name: "Ben".to_owned() });
    world.run_for(MINUTE);
    assert_eq!(world.people[BEN].screen.card, Some(CardView::Refused(CardRefusal::Tampered)));
    assert!(world.people[BEN].screen.contacts.is_empty());
    assert_eq!(world.people[BEN].disk.count(Store::Invite), 0);
}

#[test]
fn a_used_link_is_refused() {
    let mut world = World::new(52, 3);
    let (_, link) = invite(&mut world, ANNA);
    accept(&mut world, BEN, &link, "Ben");
    arrival(&mut world, ANNA);
    assert_eq!(refused(&mut world, CAROL, &link), CardRefusal::Used);
}

#[test]
fn an_expired_link_is_refused_and_leaves_the_list() {
    let mut world = World::new(53, 2);
    let (id, link) = invite(&mut world, ANNA);
    world.run_for(Duration::from_secs(8 * 24 * 3600));
    assert_eq!(refused(&mut world, BEN, &link), CardRefusal::Gone);
    assert!(!world.people[ANNA].screen.invites.contains_key(&id));
    // Kept for somebody who used it in time, until the mailbox has been empty after its end.
    world.reload(ANNA);
    world.run_for(MINUTE);
    assert_eq!(world.people[ANNA].disk.count(Store::Invite), 0);
}

#[test]
fn a_withdrawn_link_is_refused() {
    let mut world = World::new(54, 2);
    let (id, link) = invite(&mut world, ANNA);
    world.command(ANNA, Command::RevokeInvite(id));
    world.run_for(MINUTE);
    assert_eq!(refused(&mut world, BEN, &link), CardRefusal::Gone);
    assert!(world.people[ANNA].screen.invites.is_empty());
    assert_eq!(world.people[ANNA].disk.count(Store::Invite), 0);
}

#[test]
fn a_link_to_a_contact_opens_the_conversation() {
    let mut world = World::new(55, 2);
    let (_, anna) = befriend(&mut world);
    let (_, link) = invite(&mut world, ANNA);
    assert_eq!(look(&mut world, BEN, &link), CardView::AlreadyContact(anna));
}

#[test]
fn a_second_use_that_the_server_allows_is_refused_and_shown() {
    let mut world = World::new(56, 3);
    world.network = Network::without_links();
    let (_, link) = invite(&mut world, ANNA);
    // The server lets two people redeem it.
    let second = {
        let bundle = world
            .server
            .model
            .invites
            .values()
            .next()
            .map(|invite| (invite.card.clone(), invite.bundle.clone()));
        bundle.unwrap()
    };
    accept(&mut world, BEN, &link, "Ben");
    let ben = arrival(&mut world, ANNA);
    world.reopen_invites();
    assert_eq!(
        world.server.model.invites.values().next().map(|invite| invite.bundle.clone()),
        Some(second.1)
    );
    accept(&mut world, CAROL, &link, "Carol");
    world.run_for(MINUTE);
    assert_eq!(world.people[ANNA].screen.contacts.keys().copied().collect::<Vec<_>>(), [ben]);
    assert!(world.people[ANNA].screen.notices.contains(&Notice::InviteUsedTwice));
    // Ben's further first messages are not taken for a second use.
    let notices = world.people[ANNA].screen.notices.len();
    let anna = *world.people[BEN].screen.contacts.keys().next().unwrap();
    say(&mut world, BEN, anna, "still me");
    assert!(world.run_until(MINUTE, |world| delivered(world, BEN, anna, "still me")));
    assert_eq!(world.people[ANNA].screen.notices.len(), notices);
}

#[test]
fn a_link_whose_token_the_server_refuses_leaves_nothing() {
    let mut world = World::new(59, 2);
    let (_, link) = invite(&mut world, ANNA);
    assert!(matches!(look(&mut world, BEN, &link), CardView::Open { .. }));
    world.server.take_tokens();
    world.command(BEN, Command::AcceptInvite { name: "Ben".to_owned() });
    let refused = |world: &World| world.people[BEN].screen.card == Some(CardView::Refused(CardRefusal::Gone));
    assert!(world.run_until(MINUTE, refused), "{:?}", world.people[BEN].screen.card);
    let posts = world.people[BEN].posts.len();
    world.run_for(MINUTE * 60);
    assert_eq!(world.people[BEN].posts.len(), posts, "and it is not tried any more");
    assert!(world.people[BEN].screen.contacts.is_empty());
    let others = [
        Store::Contact,
        Store::Session,
        Store::Invite,
        Store::Outbox,
        Store::Seen,
        Store::Message,
        Store::Transfer,
    ];
    for store in others {
        assert_eq!(world.people[BEN].disk.count(store), 0, "{store:?}");
    }
    // A new link of the same person works.
    let (_, link) = invite(&mut world, ANNA);
    accept(&mut world, BEN, &link, "Ben");
    arrival(&mut world, ANNA);
}

#[test]
fn a_conversation_that_was_shown_is_not_taken_back_because_its_token_is_refused() {
    let mut world = World::new(60, 2);
    world.network = Network::without_links();
    let (_, link) = invite(&mut world, ANNA);
    assert!(matches!(look(&mut world, BEN, &link), CardView::Open { .. }));
    // The bundle comes, and then the network is so bad that the conversation is shown before its first message is
    // anywhere.
    let tokens = world.server.take_tokens();
    world.command(BEN, Command::AcceptInvite { name: "Ben".to_owned() });
    let met = |world: &World| world.people[BEN].disk.count(Store::Contact) == 1;
    assert!(world.run_until(MINUTE, met));
    world.network.lost_answers = 1000;
    let shown = |world: &World| matches!(world.people[BEN].screen.card, Some(CardView::Accepted(_)));
    assert!(world.run_until(MINUTE, shown), "{:?}", world.people[BEN].screen.card);
    let Some(CardView::Accepted(anna)) = world.people[BEN].screen.card else { panic!("accepted") };
    assert!(!world.people[BEN].screen.contacts[&anna].refused);
    say(&mut world, BEN, anna, "are you there?");
    world.network.lost_answers = 0;
    let told_so = |world: &World| world.people[BEN].screen.contacts[&anna].refused;
    assert!(world.run_until(MINUTE * 2, told_so), "{:?}", world.people[BEN].log);
    world.reload(BEN);
    assert!(world.people[BEN].screen.contacts[&anna].refused, "also after a reload");
    world.run_for(MINUTE);
    assert_eq!(told(&mut world, BEN, anna), ["are you there?"], "what was written is kept");
    // The token works again: nothing of the trouble is left.
    world.server.give_tokens(tokens);
    let ben = arrival(&mut world, ANNA);
    assert!(world.run_until(MINUTE * 70, |world| delivered(world, BEN, anna, "are you there?")));
    assert!(!world.people[BEN].screen.contacts[&anna].refused);
    assert_eq!(told(&mut world, ANNA, ben), ["are you there?"]);
}

#[test]
fn redeeming_survives_lost_answers_and_reloads() {
    let mut world = World::new(57, 2);
    world.network = Network::without_links();
    let (_, link) = invite(&mut world, ANNA);
    assert!(matches!(look(&mut world, BEN, &link), CardView::Open { .. }));
    world.network.lost_answers = 1000;
    world.command(BEN, Command::AcceptInvite { name: "Ben".to_owned() });
    world.run_for(Duration::from_secs(10));
    assert_eq!(world.people[BEN].screen.card, Some(CardView::Refused(CardRefusal::Unreachable)));
    world.reload(BEN);
    world.network.lost_answers = 0;
    arrival(&mut world, ANNA);
    assert_eq!(world.people[BEN].disk.count(Store::Invite), 0);
}

#[test]
fn safety_numbers_are_the_same_and_scan() {
    let mut world = World::new(58, 3);
    let (ben, anna) = befriend(&mut world);
    world.command(ANNA, Command::ShowSafetyNumber(ben));
    world.command(BEN, Command::ShowSafetyNumber(anna));
    let (digits, qr) = world.people[ANNA].screen.safety_number.clone().unwrap();
    assert_eq!(digits.split(' ').filter(|group| group.len() == 5).count(), 12);
    assert_eq!(Some(&digits), world.people[BEN].screen.safety_number.as_ref().map(|(digits, _)| digits));
    world.command(BEN, Command::CompareSafetyNumber { contact: anna, scanned: qr.clone() });
    assert_eq!(world.people[BEN].screen.comparison, Some(sotto_engine::Comparison::Match));
    assert!(world.people[BEN].screen.contacts[&anna].verified);
    world.command(ANNA, Command::CompareSafetyNumber { contact: ben, scanned: qr });
    assert_eq!(world.people[ANNA].screen.comparison, Some(sotto_engine::Comparison::Mismatch));
    world.command(
        ANNA,
        Command::CompareSafetyNumber { contact: ben, scanned: b"https://example.org".to_vec() },
    );
    assert_eq!(world.people[ANNA].screen.comparison, Some(sotto_engine::Comparison::Unreadable));
    assert!(!world.people[ANNA].screen.contacts[&ben].verified);
    world.reload(BEN);
    assert!(world.people[BEN].screen.contacts[&anna].verified);
}

#[test]
fn the_invite_by_which_somebody_came_is_known() {
    let mut world = World::new(49, 3);
    let (first, link) = invite(&mut world, ANNA);
    let (second, other_link) = invite(&mut world, ANNA);
    let came_by =
        |world: &World, who: Who| world.people[who].screen.contacts.values().next().unwrap().came_by;
    accept(&mut world, BEN, &other_link, "Ben");
    let ben = arrival(&mut world, ANNA);
    assert_eq!((came_by(&world, ANNA), came_by(&world, BEN)), (Some(second), None));
    world.command(ANNA, Command::ConfirmContact(ben));
    accept(&mut world, 2, &link, "Cleo");
    let cleo = arrival(&mut world, ANNA);
    world.reload(ANNA);
    assert_eq!(world.people[ANNA].screen.contacts[&cleo].came_by, Some(first));
    assert_eq!(world.people[ANNA].screen.contacts[&ben].came_by, Some(second));
}
