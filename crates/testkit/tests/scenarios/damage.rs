//! Records of a device that cannot be read any more: each is set aside, its owner is told, and everything else goes on.

use sotto_engine::{
    CardView, Command, ContactId, Content, Damage, DamagedPart, Delivery, Record, RestoreError, Standing,
    Store,
};
use sotto_testkit::{Network, World};

use crate::common::*;

/// Anna and Ben have talked; Ben's page is closed. Gives (Ben as Anna knows him, Anna as Ben knows her).
fn talked(seed: u64) -> (World, ContactId, ContactId) {
    let mut world = World::new(seed, 2);
    world.network = Network::without_links();
    let (ben, anna) = befriend(&mut world);
    say(&mut world, ANNA, ben, "from Anna");
    assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "from Anna")));
    say(&mut world, BEN, anna, "from Ben");
    assert!(world.run_until(MINUTE, |world| all_delivered(world, ANNA) && all_delivered(world, BEN)));
    world.close_page(BEN);
    (world, ben, anna)
}

/// Both can say something and are heard.
fn go_on(world: &mut World, ben: ContactId, anna: ContactId) {
    say(world, BEN, anna, "after it, Ben");
    say(world, ANNA, ben, "after it, Anna");
    let heard = |world: &World| {
        delivered(world, BEN, anna, "after it, Ben") && delivered(world, ANNA, ben, "after it, Anna")
    };
    assert!(world.run_until(MINUTE * 10, heard), "{:?} {:?}", world.people[ANNA].log, world.people[BEN].log);
}

fn told_of(part: DamagedPart, contact: Option<ContactId>) -> [Damage; 1] {
    [Damage { part, contact, count: 1 }]
}

#[test]
fn a_damaged_session_is_never_used_again_and_another_is_begun() {
    let (mut world, ben, anna) = talked(900);
    let before: Vec<Vec<u8>> = keys(&world, Store::Session);
    let damaged = world.people[BEN].disk.damage(Store::Session, |_| true);
    assert_eq!(damaged, 1);
    // What comes meanwhile is sealed in the session that is gone.
    say(&mut world, ANNA, ben, "into the gone session");
    world.run_for(MINUTE);
    world.open_page(BEN);
    assert_eq!(world.people[BEN].screen.damage, told_of(DamagedPart::Session, Some(anna)));
    assert_eq!(world.people[BEN].disk.set_aside(Store::Session), before);
    go_on(&mut world, ben, anna);
    let after = keys(&world, Store::Session);
    assert!(!after.is_empty() && before.iter().all(|key| !after.contains(key)), "a session of another id");
    assert!(world.run_until(MINUTE * 10, |world| all_delivered(world, ANNA)));
    let said = told(&mut world, BEN, anna);
    let once = |text: &str| said.iter().filter(|said| *said == text).count() == 1;
    assert!(once("into the gone session") && once("from Anna") && once("after it, Anna"), "{said:?}");
    // It is told until it was taken note of, not longer.
    world.reload(BEN);
    assert_eq!(world.people[BEN].screen.damage.len(), 1);
    world.command(BEN, Command::DismissDamage);
    assert!(world.people[BEN].screen.damage.is_empty());
    world.reload(BEN);
    assert!(world.people[BEN].screen.damage.is_empty());
}

fn keys(world: &World, store: Store) -> Vec<Vec<u8>> {
    let all = world.people[BEN].disk.all();
    all.into_iter().filter(|record| record.store == store).map(|record| record.key).collect()
}

#[test]
fn a_damaged_message_is_a_place_in_the_history() {
    let (mut world, ben, anna) = talked(901);
    let mut n = 0;
    // The last two: one of each.
    let records = keys(&world, Store::Message).len();
    world.people[BEN].disk.damage(Store::Message, |_| {
        n += 1;
        n > records - 2
    });
    world.open_page(BEN);
    assert!(world.people[BEN].screen.damage.is_empty(), "histories are read when they are looked at");
    let history = world.history(BEN, anna);
    let unreadable: Vec<_> =
        history.iter().filter(|message| message.content == Content::Unreadable).collect();
    assert_eq!(history.len(), records);
    assert_eq!(unreadable.iter().filter(|message| message.mine).count(), 1);
    assert_eq!(unreadable.iter().filter(|message| !message.mine).count(), 1);
    assert!(unreadable.iter().all(|message| history.iter().any(|other| other.sent_at == message.sent_at)));
    assert!(history.is_sorted_by_key(|message| message.order));
    go_on(&mut world, ben, anna);
}

#[test]
fn a_message_that_waited_and_is_gone_does_not_look_as_if_it_waited() {
    let (mut world, ben, anna) = talked(902);
    world.open_page(BEN);
    world.set_online(BEN, false);
    say(&mut world, BEN, anna, "lost on its way");
    say(&mut world, BEN, anna, "not lost");
    world.close_page(BEN);
    let first = keys(&world, Store::Outbox).remove(0);
    assert_eq!(world.people[BEN].disk.damage(Store::Outbox, |key| key == first), 1);
    world.set_online(BEN, true);
    world.open_page(BEN);
    assert_eq!(world.people[BEN].screen.damage, told_of(DamagedPart::Waiting, Some(anna)));
    let history = world.history(BEN, anna);
    let lost = history.iter().find(|message| message.content == Content::Text("lost on its way".to_owned()));
    assert_eq!(lost.map(|message| message.delivery), Some(Delivery::Undeliverable));
    go_on(&mut world, ben, anna);
    assert!(told(&mut world, ANNA, ben).contains(&"not lost".to_owned()));
    assert_eq!(world.people[BEN].disk.set_aside(Store::Outbox), [first]);
}

#[test]
fn a_lost_contact_is_met_anew_behind_its_history() {
    for orphaned in [false, true] {
        let (mut world, ben, anna) = talked(903);
        if orphaned {
            // Deleted, not damaged: what is left of it says so.
            world.people[BEN].disk.forget(Store::Contact);
        } else {
            assert_eq!(world.people[BEN].disk.damage(Store::Contact, |key| key.len() == 16), 1);
        }
        world.open_page(BEN);
        assert_eq!(world.people[BEN].screen.damage, told_of(DamagedPart::Contact, Some(anna)));
        assert!(world.people[BEN].screen.contacts.is_empty());
        assert_eq!(world.people[BEN].disk.set_aside(Store::Session).len(), 1);
        assert_eq!(world.people[BEN].disk.count(Store::Session), 0, "its keys are not used");
        let before = keys(&world, Store::Message).len();
        // What Anna says meanwhile does not reach him, and waits with her.
        say(&mut world, ANNA, ben, "into the void");
        world.run_for(MINUTE);
        world.reload(BEN);
        let (_, link) = invite(&mut world, BEN);
        assert!(matches!(look(&mut world, ANNA, &link), CardView::AlreadyContact(_)));
        world.command(ANNA, Command::RemoveContact(ben));
        world.run_for(MINUTE);
        let ben = accept(&mut world, ANNA, &link, "Anna");
        assert_eq!(arrival(&mut world, BEN), anna);
        world.command(BEN, Command::ConfirmContact(anna));
        let confirmed =
            |world: &World| world.people[ANNA].screen.contacts[&ben].standing == Standing::Confirmed;
        assert!(world.run_until(MINUTE, confirmed));
        go_on(&mut world, ben, anna);
        let said = told(&mut world, BEN, anna);
        assert_eq!(said[..2], ["from Anna", "from Ben"], "what was before is there, before it: {said:?}");
        assert!(keys(&world, Store::Message).len() > before, "nothing was written over");
        // Removing her now also removes what was set aside.
        world.command(BEN, Command::RemoveContact(anna));
        for store in Store::ALL {
            assert!(world.people[BEN].disk.set_aside(store).iter().all(|key| !key.starts_with(&anna.0)));
        }
    }
}

#[test]
fn whose_link_a_lost_contact_uses_does_not_matter() {
    let (mut world, _, anna) = talked(904);
    world.people[BEN].disk.damage(Store::Contact, |key| key.len() == 16);
    world.open_page(BEN);
    let (_, link) = invite(&mut world, ANNA);
    assert_eq!(accept(&mut world, BEN, &link, "Ben"), anna);
    let ben = arrival(&mut world, ANNA);
    world.command(ANNA, Command::ConfirmContact(ben));
    let confirmed = |world: &World| world.people[BEN].screen.contacts[&anna].standing == Standing::Confirmed;
    assert!(world.run_until(MINUTE, confirmed));
    go_on(&mut world, ben, anna);
    assert_eq!(told(&mut world, BEN, anna)[..2], ["from Anna", "from Ben"]);
}

#[test]
fn lost_prekeys_are_made_anew_as_after_a_roll_back() {
    let (mut world, ben, anna) = talked(905);
    let sessions = keys(&world, Store::Session);
    assert_eq!(world.people[BEN].disk.damage(Store::Account, |key| key == b"prekeys"), 1);
    say(&mut world, ANNA, ben, "to a key that is gone");
    world.run_for(MINUTE);
    world.open_page(BEN);
    assert_eq!(world.people[BEN].screen.damage, told_of(DamagedPart::Keys, None));
    go_on(&mut world, ben, anna);
    let heard = |world: &World| all_delivered(world, ANNA);
    assert!(world.run_until(MINUTE * 60 * 24, heard), "{:?}", world.people[ANNA].log);
    assert!(told(&mut world, BEN, anna).contains(&"to a key that is gone".to_owned()));
    assert!(keys(&world, Store::Session).iter().any(|key| !sessions.contains(key)), "a fresh session");
}

/// Whatever single record is damaged: all others are there, and both can talk, perhaps after they have met anew.
#[test]
fn who_hid_the_address_hides_it_without_the_record_of_it() {
    let (mut world, ..) = talked(906);
    world.command(ANNA, Command::SetRelayOnly(true));
    world.close_page(ANNA);
    assert_eq!(world.people[ANNA].disk.damage(Store::Account, |key| key == b"settings"), 1);
    for _ in 0..2 {
        world.open_page(ANNA);
        assert!(world.people[ANNA].screen.settings.relay_only);
        world.close_page(ANNA);
    }
}

#[test]
fn any_one_record_may_be_damaged_but_the_identity() {
    let (world, ben, anna) = talked(906);
    let records: Vec<Record> = world.people[BEN].disk.loaded_at_start();
    assert!(records.len() > 10);
    let is_one_time = |key: &[u8]| key.starts_with(b"one-time");
    let a_one_time = records.iter().find(|record| is_one_time(&record.key)).map(|record| record.key.clone());
    // One-time prekeys are alike: one stands for all.
    let different = |record: &Record| !is_one_time(&record.key) || Some(&record.key) == a_one_time.as_ref();
    for (n, record) in records.into_iter().filter(different).enumerate() {
        let (mut world, ..) = talked(906);
        let is_this = |key: &[u8]| key == record.key;
        assert_eq!(world.people[BEN].disk.damage(record.store, is_this), 1);
        let opened = world.try_open_page(BEN);
        if record.store == Store::Account && record.key == b"identity" {
            assert_eq!(opened, Err(RestoreError::Damaged("account")));
            let unchanged = world.people[BEN].disk.loaded_at_start();
            assert!(unchanged.iter().any(|other| other.key == b"prekeys"), "nothing was touched");
            assert!(world.people[BEN].disk.set_aside(Store::Account).is_empty());
            continue;
        }
        assert_eq!(opened, Ok(()), "record {n}: {record:?}");
        let damage = world.people[BEN].screen.damage.clone();
        assert_eq!(
            damage.iter().map(|damage| damage.count).sum::<u32>(),
            1,
            "record {n}: {record:?} {damage:?}"
        );
        assert_eq!(world.people[BEN].disk.set_aside(record.store), std::slice::from_ref(&record.key));
        if !damage.iter().any(|damage| damage.part == DamagedPart::Contact) {
            go_on(&mut world, ben, anna);
        }
    }
}
