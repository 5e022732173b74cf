//! Files: offered, accepted, declined, cancelled, interrupted, verified, altered.

use core::time::Duration;

use sotto_engine::{
    Command, ContactId, Content, FileFailure, FileId, FileState, FileView, Input, LocalFile, MessageId,
    Notice, Route, Store, TransferEvent, TransferFailure,
};
use sotto_testkit::{Who, World};

use crate::common::*;

fn meet(seed: u64) -> (World, ContactId, ContactId) {
    let mut world = World::new(seed, 2);
    let (ben, anna) = befriend(&mut world);
    let direct = |world: &World| world.people[ANNA].screen.contacts[&ben].route == Route::Direct;
    assert!(world.run_until(MINUTE, direct));
    (world, ben, anna)
}

fn offer(world: &mut World, contact: ContactId, number: u64) {
    world.command(
        ANNA,
        Command::OfferFile {
            contact,
            file: LocalFile(number),
            name: format!("../file\u{202e} {number}.txt"),
            size: 100_000 + number,
            mime: "text/plain".to_owned(),
        },
    );
}

fn files(world: &World, who: Who, contact: ContactId) -> Vec<(MessageId, FileView)> {
    world.people[who]
        .screen
        .conversation(contact)
        .into_iter()
        .filter_map(|message| match message.content {
            Content::File(view) => Some((message.id, view)),
            _ => None,
        })
        .collect()
}

fn states(world: &World, who: Who, contact: ContactId) -> Vec<FileState> {
    files(world, who, contact).into_iter().map(|(_, view)| view.state).collect()
}

/// Anna has offered one; gives Ben's message and file.
fn offered(world: &mut World, ben: ContactId, anna: ContactId) -> (MessageId, FileId) {
    offer(world, ben, 1);
    assert!(world.run_until(MINUTE, |world| states(world, BEN, anna) == [FileState::Offered]));
    let (message, view) = files(world, BEN, anna).remove(0);
    assert_eq!(view.name, "_file 1.txt");
    (message, view.id)
}

#[test]
fn an_accepted_file_arrives_and_is_verified_on_both_sides() {
    let (mut world, ben, anna) = meet(80);
    let (message, file) = offered(&mut world, ben, anna);
    world.command(BEN, Command::AcceptFile(anna, message));
    let verified = |world: &World| {
        states(world, ANNA, ben) == [FileState::Verified] && states(world, BEN, anna) == [FileState::Verified]
    };
    assert!(world.run_until(MINUTE, verified));
    world.run_for(MINUTE);
    assert!(all_delivered(&world, ANNA));
    assert_eq!(world.people[ANNA].disk.count(Store::Transfer), 0, "nothing is left with the sender");
    world.reload(BEN);
    world.command(BEN, Command::OpenFile(anna, file));
    assert!(world.people[BEN].screen.notices.is_empty());
    world.command(BEN, Command::DeleteFile(anna, file));
    assert!(world.people[BEN].kept.is_empty());
    world.command(BEN, Command::OpenFile(anna, file));
    assert_eq!(world.people[BEN].screen.notices, [Notice::FileGone(file)]);
    assert_eq!(world.people[BEN].disk.count(Store::Transfer), 0);
}

#[test]
fn many_files_are_sent_one_after_the_other() {
    let (mut world, ben, anna) = meet(81);
    for number in 0..5 {
        offer(&mut world, ben, number);
    }
    assert!(world.run_until(MINUTE, |world| states(world, BEN, anna).len() == 5));
    for (message, _) in files(&world, BEN, anna) {
        world.command(BEN, Command::AcceptFile(anna, message));
    }
    let verified = |world: &World| states(world, ANNA, ben) == [FileState::Verified; 5];
    assert!(world.run_until(MINUTE, verified), "{:?}", states(&world, ANNA, ben));
}

#[test]
fn a_declined_file_is_declined_on_both_sides() {
    let (mut world, ben, anna) = meet(82);
    let (message, _) = offered(&mut world, ben, anna);
    world.command(BEN, Command::DeclineFile(anna, message));
    assert!(world.run_until(MINUTE, |world| states(world, ANNA, ben) == [FileState::Declined]));
    assert_eq!(states(&world, BEN, anna), [FileState::Declined]);
    world.run_for(MINUTE);
    assert!(world.people.iter().all(|person| person.disk.count(Store::Transfer) == 0));
}

#[test]
fn either_side_can_cancel() {
    for who in [ANNA, BEN] {
        let (mut world, ben, anna) = meet(83);
        let (message, _) = offered(&mut world, ben, anna);
        world.command(BEN, Command::AcceptFile(anna, message));
        assert!(world.run_until(MINUTE, |world| states(world, ANNA, ben) == [FileState::Transferring]));
        let contact = if who == ANNA { ben } else { anna };
        world.command(who, Command::CancelFile(contact, message));
        world.run_for(MINUTE);
        assert_eq!(states(&world, ANNA, ben), [FileState::Cancelled { by_me: who == ANNA }]);
        assert_eq!(states(&world, BEN, anna), [FileState::Cancelled { by_me: who == BEN }]);
        assert!(world.people[BEN].kept.is_empty(), "what was received is deleted");
    }
}

#[test]
fn another_root_than_the_senders_is_never_verified() {
    let (mut world, ben, anna) = meet(84);
    world.corrupt_files = true;
    let (message, _) = offered(&mut world, ben, anna);
    world.command(BEN, Command::AcceptFile(anna, message));
    world.run_for(MINUTE);
    let corrupt = FileState::Failed(FileFailure::Corrupt);
    assert_eq!(states(&world, ANNA, ben), [corrupt]);
    assert_eq!(states(&world, BEN, anna), [corrupt]);
    assert!(world.people[BEN].kept.is_empty());
}

#[test]
fn a_reload_in_the_middle_is_shown_as_interrupted_on_both_sides() {
    for who in [ANNA, BEN] {
        let (mut world, ben, anna) = meet(85);
        let (message, _) = offered(&mut world, ben, anna);
        world.command(BEN, Command::AcceptFile(anna, message));
        let started = |world: &World| {
            states(world, who, if who == ANNA { ben } else { anna }) == [FileState::Transferring]
        };
        assert!(world.run_until(MINUTE, started));
        world.reload(who);
        world.run_for(MINUTE);
        let interrupted = FileState::Failed(FileFailure::Interrupted);
        for (who, contact) in [(ANNA, ben), (BEN, anna)] {
            let history = world.history(who, contact);
            let states: Vec<FileState> = history
                .into_iter()
                .filter_map(|message| match message.content {
                    Content::File(view) => Some(view.state),
                    _ => None,
                })
                .collect();
            assert_eq!(states, [interrupted]);
        }
        assert!(world.people.iter().all(|person| person.disk.count(Store::Transfer) == 0));
    }
}

#[test]
fn an_accepted_file_waits_for_a_link() {
    let (mut world, ben, anna) = meet(86);
    let (message, _) = offered(&mut world, ben, anna);
    world.network.links = false;
    world.break_links(ANNA);
    world.run_for(Duration::from_secs(2));
    world.command(BEN, Command::AcceptFile(anna, message));
    world.run_for(MINUTE);
    assert_eq!(states(&world, ANNA, ben), [FileState::Accepted]);
    world.network.links = true;
    assert!(world.run_until(MINUTE * 30, |world| states(world, ANNA, ben) == [FileState::Verified]));
}

#[test]
fn a_lost_link_in_the_middle_is_an_interruption() {
    let (mut world, ben, anna) = meet(87);
    let (message, _) = offered(&mut world, ben, anna);
    world.stall_files = true;
    world.command(BEN, Command::AcceptFile(anna, message));
    assert!(world.run_until(MINUTE, |world| states(world, ANNA, ben) == [FileState::Transferring]));
    world.break_links(BEN);
    world.run_for(MINUTE);
    let interrupted = FileState::Failed(FileFailure::Interrupted);
    assert_eq!(
        (states(&world, ANNA, ben), states(&world, BEN, anna)),
        (vec![interrupted], vec![interrupted])
    );
}

#[test]
fn a_device_that_cannot_go_on_is_not_told_as_a_full_one() {
    for who in [ANNA, BEN] {
        let (mut world, ben, anna) = meet(89);
        let (message, file) = offered(&mut world, ben, anna);
        world.stall_files = true;
        world.command(BEN, Command::AcceptFile(anna, message));
        let transferring = |world: &World| {
            [states(world, ANNA, ben), states(world, BEN, anna)] == [[FileState::Transferring]; 2]
        };
        assert!(world.run_until(MINUTE, transferring));
        world.input(who, Input::Transfer(file, TransferEvent::Failed(TransferFailure::Storage)));
        world.run_for(MINUTE);
        let failed = FileState::Failed(FileFailure::DeviceFailed);
        assert_eq!([states(&world, ANNA, ben), states(&world, BEN, anna)], [[failed]; 2]);
    }
}

#[test]
fn too_large_a_file_is_refused() {
    let (mut world, ben, _) = meet(88);
    let command = Command::OfferFile {
        contact: ben,
        file: LocalFile(1),
        name: "large".to_owned(),
        size: (1 << 38) + 1,
        mime: String::new(),
    };
    world.command(ANNA, command);
    assert_eq!(world.people[ANNA].screen.notices, [Notice::FileTooLarge]);
    assert!(files(&world, ANNA, ben).is_empty());
}
