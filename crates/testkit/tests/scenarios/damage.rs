//! Records of a device that cannot be read any more: each is set aside, its owner is told, and everything else goes on.

use sotto_engine::{
    CardRefusal, CardView, Change, Command, ContactId, Content, Damage, DamagedPart, Delivery, FileFailure,
    FileState, LocalFile, MessageView, Record, RestoreError, Standing, Store,
};
use sotto_testkit::{Disk, Network, Who, World};
use zeroize::Zeroizing;

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
        assert!(world.people[BEN].disk.set_aside(Store::Session).is_empty());
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

/// Whatever single record is damaged: all others are there, and both can talk, perhaps after they have met anew.
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

fn put(disk: &mut Disk, store: Store, key: &[u8], value: &[u8]) {
    let record = Record { store, key: key.to_vec(), value: Zeroizing::new(value.to_vec()) };
    disk.apply(vec![Change::Put(record)]);
}

/// What opens was written so: by another version, or by a fault of this one. Neither is to cost anything.
#[test]
fn a_record_that_opens_and_is_not_understood_is_no_damage() {
    let (mut world, _, anna) = talked(907);
    let sound = world.people[BEN].disk.clone();
    let mut altered: Vec<Disk> = Vec::new();
    for record in sound.loaded_at_start() {
        let mut disk = sound.clone();
        put(&mut disk, record.store, &record.key, &[&record.value[..1], &[0xff]].concat());
        altered.push(disk);
    }
    let contact = [&anna.0[..], b"nickname"].concat();
    for (store, key) in
        [(Store::Account, &b"something"[..]), (Store::Contact, &contact), (Store::Seen, b"new")]
    {
        let mut disk = sound.clone();
        let like = sound.loaded_at_start().into_iter().find(|record| record.store == store).unwrap();
        put(&mut disk, store, key, &like.value);
        altered.push(disk);
    }
    for disk in altered {
        world.people[BEN].disk = disk.clone();
        let opened = world.try_open_page(BEN);
        assert!(matches!(opened, Err(RestoreError::Newer(_))), "{opened:?}");
        assert!(world.people[BEN].disk == disk, "nothing was touched");
    }
    world.people[BEN].disk = sound;
    assert_eq!(world.try_open_page(BEN), Ok(()));
    assert!(world.people[BEN].screen.damage.is_empty());
}

/// Nothing on the disk says that there was a contact but what was said with it.
#[test]
fn a_history_is_not_written_over_by_who_was_forgotten() {
    for theirs in [false, true] {
        let (mut world, ben, anna) = talked(908);
        for store in [Store::Contact, Store::Session, Store::Outbox, Store::Seen] {
            world.people[BEN].disk.forget(store);
        }
        let history = |world: &World| -> Vec<Record> {
            let all = world.people[BEN].disk.all();
            all.into_iter().filter(|record| record.store == Store::Message).collect()
        };
        let before = history(&world);
        world.open_page(BEN);
        assert!(world.people[BEN].screen.damage.is_empty());
        let (host, guest) = if theirs { (ANNA, BEN) } else { (BEN, ANNA) };
        if !theirs {
            world.command(ANNA, Command::RemoveContact(ben));
            world.run_for(MINUTE);
        }
        let (_, link) = invite(&mut world, host);
        accept(&mut world, guest, &link, "again");
        let came = arrival(&mut world, host);
        world.command(host, Command::ConfirmContact(came));
        world.run_for(MINUTE);
        go_on(&mut world, ben, anna);
        let after = history(&world);
        assert!(before.iter().all(|record| after.contains(record)), "something was written over");
        assert_eq!(told(&mut world, BEN, anna)[..2], ["from Anna", "from Ben"]);
    }
}

/// A record under a key that only resembles a contact's takes nothing from the contact.
#[test]
fn junk_beside_a_contact_is_not_the_contact() {
    let (mut world, ben, anna) = talked(909);
    put(&mut world.people[BEN].disk, Store::Contact, &[&anna.0[..], b"junk"].concat(), &[]);
    world.open_page(BEN);
    assert_eq!(world.people[BEN].screen.damage, told_of(DamagedPart::Notes, None));
    go_on(&mut world, ben, anna);
    world.command(BEN, Command::DismissDamage);
    world.close_page(BEN);
    world.people[BEN].disk.damage(Store::Contact, |key| key == anna.0);
    world.open_page(BEN);
    assert_eq!(world.people[BEN].screen.damage, told_of(DamagedPart::Contact, Some(anna)));
    // And if it happens a second time, it is told a second time.
    world.command(BEN, Command::DismissDamage);
    world.close_page(BEN);
    put(&mut world.people[BEN].disk, Store::Contact, &anna.0, &[]);
    world.open_page(BEN);
    assert_eq!(world.people[BEN].screen.damage, told_of(DamagedPart::Contact, Some(anna)));
}

/// Keys are made anew only where keys were lost.
#[test]
fn what_was_only_noted_is_not_called_keys() {
    let (mut world, ben, anna) = talked(910);
    world.people[BEN].disk.damage(Store::Seen, |_| true);
    world.people[BEN].disk.damage(Store::Account, |key| key == b"cursor");
    world.open_page(BEN);
    let damage = &world.people[BEN].screen.damage;
    assert!(
        !damage.is_empty() && damage.iter().all(|damage| damage.part == DamagedPart::Notes),
        "{damage:?}"
    );
    go_on(&mut world, ben, anna);
}

/// What is in a link that was handed out cannot be changed, and the keys in it are gone.
#[test]
fn links_to_lost_prekeys_are_withdrawn() {
    for gone in [false, true] {
        let (mut world, ben, _) = talked(911);
        world.open_page(BEN);
        let (_, link) = invite(&mut world, BEN);
        world.close_page(BEN);
        if gone {
            let key = b"prekeys".to_vec();
            world.people[BEN].disk.apply(vec![Change::Delete { store: Store::Account, key }]);
        } else {
            assert_eq!(world.people[BEN].disk.damage(Store::Account, |key| key == b"prekeys"), 1);
        }
        world.open_page(BEN);
        let damage = &world.people[BEN].screen.damage;
        assert!(damage.contains(&told_of(DamagedPart::Link, None)[0]), "{damage:?}");
        assert!(world.people[BEN].screen.invites.is_empty());
        world.command(ANNA, Command::RemoveContact(ben));
        world.run_for(MINUTE);
        assert_eq!(look(&mut world, ANNA, &link), CardView::Refused(CardRefusal::Gone));
        let (_, link) = invite(&mut world, BEN);
        accept(&mut world, ANNA, &link, "Anna");
        arrival(&mut world, BEN);
    }
}

fn confirmed(world: &World, who: Who, contact: ContactId) -> bool {
    world.people[who].screen.contacts.get(&contact).is_some_and(|known| known.standing == Standing::Confirmed)
}

#[test]
fn a_lost_greeting_is_said_again() {
    let mut world = World::new(912, 2);
    world.network = Network::without_links();
    let (_, link) = invite(&mut world, ANNA);
    look(&mut world, BEN, &link);
    world.command(BEN, Command::AcceptInvite { name: "Ben".to_owned() });
    assert!(world.run_until(MINUTE, |world| world.people[BEN].disk.count(Store::Outbox) > 0));
    world.close_page(BEN);
    assert_eq!(world.people[BEN].disk.damage(Store::Outbox, |_| true), 1);
    world.open_page(BEN);
    let anna = *world.people[BEN].screen.contacts.keys().next().unwrap();
    say(&mut world, BEN, anna, "behind the greeting");
    let ben = arrival(&mut world, ANNA);
    world.command(ANNA, Command::ConfirmContact(ben));
    assert!(world.run_until(MINUTE, |world| confirmed(world, BEN, anna)));
    go_on(&mut world, ben, anna);
}

#[test]
fn a_lost_confirmation_is_said_again() {
    let mut world = World::new(913, 2);
    world.network = Network::without_links();
    let (_, link) = invite(&mut world, ANNA);
    let anna = accept(&mut world, BEN, &link, "Ben");
    let ben = arrival(&mut world, ANNA);
    world.set_online(ANNA, false);
    world.command(ANNA, Command::ConfirmContact(ben));
    world.close_page(ANNA);
    assert_eq!(world.people[ANNA].disk.damage(Store::Outbox, |_| true), 1);
    world.set_online(ANNA, true);
    world.open_page(ANNA);
    assert!(world.run_until(MINUTE, |world| confirmed(world, BEN, anna)));
    go_on(&mut world, ben, anna);
}

fn offer(world: &mut World, who: Who, contact: ContactId) {
    let (file, name, mime) = (LocalFile(1), "file.txt".to_owned(), "text/plain".to_owned());
    world.command(who, Command::OfferFile { contact, file, name, size: 100_000, mime });
}

fn files(world: &World, who: Who, contact: ContactId) -> Vec<MessageView> {
    let all = world.people[who].screen.conversation(contact).into_iter();
    all.filter(|message| matches!(message.content, Content::File(_))).collect()
}

fn kept_states(messages: Vec<MessageView>) -> Vec<FileState> {
    let state = |message: MessageView| match message.content {
        Content::File(file) => Some(file.state),
        _ => None,
    };
    messages.into_iter().filter_map(state).collect()
}

fn states(world: &World, who: Who, contact: ContactId) -> Vec<FileState> {
    kept_states(files(world, who, contact))
}

const FAILED: FileState = FileState::Failed(FileFailure::DeviceFailed);

#[test]
fn a_lost_offer_leaves_no_file_behind() {
    let (mut world, ben, anna) = talked(914);
    world.open_page(BEN);
    world.set_online(ANNA, false);
    offer(&mut world, ANNA, ben);
    world.close_page(ANNA);
    assert_eq!(world.people[ANNA].disk.damage(Store::Outbox, |_| true), 1);
    world.set_online(ANNA, true);
    world.open_page(ANNA);
    go_on(&mut world, ben, anna);
    assert_eq!(world.people[ANNA].disk.count(Store::Transfer), 0);
    let history = world.history(ANNA, ben);
    let shown = history.iter().find(|message| matches!(message.content, Content::File(_))).unwrap();
    assert_eq!(shown.delivery, Delivery::Undeliverable);
    assert!(matches!(kept_states(history)[..], [FileState::Failed(_)]));
}

/// Both sides hear of it, and it is in nobody's way.
#[test]
fn a_file_without_its_record_has_failed() {
    for sender in [false, true] {
        let (mut world, ben, anna) = talked(915);
        world.open_page(BEN);
        offer(&mut world, ANNA, ben);
        assert!(world.run_until(MINUTE, |world| states(world, BEN, anna) == [FileState::Offered]));
        let first = files(&world, BEN, anna)[0].id;
        let who = if sender { ANNA } else { BEN };
        if !sender {
            world.command(BEN, Command::AcceptFile(anna, first));
            assert!(world.run_until(MINUTE, |world| states(world, ANNA, ben) == [FileState::Accepted]));
        }
        world.run_for(MINUTE);
        world.close_page(who);
        assert_eq!(world.people[who].disk.damage(Store::Transfer, |_| true), 1);
        world.open_page(who);
        assert_eq!(world.people[who].screen.damage, told_of(DamagedPart::File, None));
        if sender {
            world.command(BEN, Command::AcceptFile(anna, first));
        }
        world.network = Network::default();
        for who in [ANNA, BEN] {
            world.set_online(who, false);
            world.set_online(who, true);
        }
        let failed = |world: &World, other: Who, contact| states(world, other, contact) == [FAILED];
        let told = |world: &World| if sender { failed(world, BEN, anna) } else { failed(world, ANNA, ben) };
        assert!(
            world.run_until(MINUTE * 10, told),
            "{:?} {:?}",
            world.people[ANNA].log,
            world.people[BEN].log
        );
        let other = if sender { ben } else { anna };
        assert_eq!(kept_states(world.history(who, other)), [FAILED]);
        offer(&mut world, ANNA, ben);
        assert!(
            world.run_until(MINUTE, |world| states(world, BEN, anna).last() == Some(&FileState::Offered))
        );
        let second = files(&world, BEN, anna).last().unwrap().id;
        world.command(BEN, Command::AcceptFile(anna, second));
        let verified = |world: &World| states(world, ANNA, ben).last() == Some(&FileState::Verified);
        assert!(world.run_until(MINUTE * 10, verified), "{:?}", states(&world, ANNA, ben));
        // What is kept goes with the record of it.
        if !sender {
            world.close_page(BEN);
            assert_eq!(world.people[BEN].disk.damage(Store::Transfer, |_| true), 1);
            world.open_page(BEN);
            assert!(world.people[BEN].kept.is_empty());
            assert_eq!(kept_states(world.history(BEN, anna)), [FAILED, FileState::Deleted]);
        }
    }
}

#[test]
fn nothing_stays_set_aside_for_ever() {
    let (mut world, _, anna) = talked(916);
    world.people[BEN].disk.damage(Store::Account, |key| key == b"prekeys");
    world.people[BEN].disk.damage(Store::Contact, |key| key == anna.0);
    world.open_page(BEN);
    let aside = |world: &World| -> Vec<Store> {
        Store::ALL.into_iter().filter(|store| !world.people[BEN].disk.set_aside(*store).is_empty()).collect()
    };
    assert_eq!(aside(&world), [Store::Account, Store::Contact], "what opens is deleted, not set aside");
    for store in [Store::Session, Store::Outbox, Store::Seen] {
        assert_eq!(world.people[BEN].disk.count(store), 0);
    }
    world.command(BEN, Command::DismissDamage);
    assert!(aside(&world).is_empty());
    // Whom nobody wants to meet again leaves no history either.
    assert!(world.people[BEN].disk.count(Store::Message) > 0);
    world.command(BEN, Command::RemoveContact(anna));
    assert_eq!(world.people[BEN].disk.count(Store::Message), 0);
}
