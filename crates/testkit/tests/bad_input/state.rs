//! Bad input to a whole client: whatever comes over a link, the socket or into the mailbox and is not as it must be, what
//! is stored stays byte for byte what it was.

use core::time::Duration;

use sotto_engine::{Input, LinkEvent, LinkId, Record, SocketEvent, Store};
use sotto_testkit::{Network, World};

use crate::common::{ANNA, BEN, MINUTE, befriend, delivered, say};
use crate::structures::structures;

/// Everything stored but the place in the mailbox, which moves on behind what is of no use.
fn stored(world: &World) -> Vec<Record> {
    let records = world.people[BEN].disk.all();
    records
        .into_iter()
        .filter(|record| !(record.store == Store::Account && record.key == b"cursor"))
        .collect()
}

#[test]
fn bad_bytes_on_a_link_change_nothing() {
    let mut world = World::new(300, 2);
    let (ben, _) = befriend(&mut world);
    assert!(world.run_until(MINUTE, |world| world.people[BEN].open_links() == 1));
    say(&mut world, ANNA, ben, "one");
    world.run_for(MINUTE);
    let before = stored(&world);
    for structure in structures() {
        // A file that is not known is answered: whoever waits for it waits in vain.
        let valid = if structure.name == "LinkFrame, file start" { &[][..] } else { &structure.valid };
        for bytes in [valid, &structure.valid[..structure.valid.len() / 2], &[0xff], &[]] {
            // Which name the link has is the client's own affair.
            for link in 0..8 {
                world.input(BEN, Input::Link(LinkId(link), LinkEvent::Message(bytes.to_vec())));
            }
        }
        assert!(stored(&world) == before, "{}", structure.name);
    }
    assert_eq!(world.people[BEN].open_links(), 1, "a malformed frame does not end the link");
    say(&mut world, ANNA, ben, "two");
    assert!(world.run_until(MINUTE, |world| delivered(world, ANNA, ben, "two")));
}

#[test]
fn bad_frames_of_the_server_change_nothing() {
    let mut world = World::new(301, 2);
    world.network = Network::without_links();
    let (ben, _) = befriend(&mut world);
    world.run_for(MINUTE);
    let before = stored(&world);
    for structure in structures() {
        // A server may say what it likes in its own words; everything else is no frame of its.
        if structure.name.starts_with("ServerFrame") {
            continue;
        }
        for bytes in [&structure.valid[..], &structure.valid[..structure.valid.len() / 2], &[0xff], &[]] {
            world.input(BEN, Input::Socket(SocketEvent::Message(bytes.to_vec())));
        }
        assert!(stored(&world) == before, "{}", structure.name);
    }
    world.run_for(MINUTE * 2);
    say(&mut world, ANNA, ben, "two");
    assert!(world.run_until(MINUTE * 2, |world| delivered(world, ANNA, ben, "two")));
}

#[test]
fn altered_envelopes_change_nothing() {
    let mut world = World::new(302, 2);
    world.network = Network::without_links();
    let (ben, _) = befriend(&mut world);
    world.run_for(MINUTE);
    world.close_page(BEN);
    say(&mut world, ANNA, ben, "on its way");
    world.run_for(MINUTE);
    let (mailbox, envelope) = world.server.accepted.last().cloned().unwrap();
    world.open_page(BEN);
    world.run_for(MINUTE);
    assert!(delivered(&world, ANNA, ben, "on its way"));
    world.run_for(MINUTE * 2);
    let before = stored(&world);
    let mut inject = |blob: Vec<u8>, what: &str| {
        world.inject(mailbox, blob);
        world.run_for(Duration::from_secs(10));
        let now = stored(&world);
        let changed: Vec<&Record> = now.iter().filter(|record| !before.contains(record)).collect();
        assert!(now == before, "{what}: {changed:?} {:?}", world.people[BEN].log);
    };
    for byte in (0..envelope.len()).step_by(13) {
        let mut altered = envelope.clone();
        altered[byte] ^= 1 << (byte % 8);
        inject(altered, &format!("byte {byte}"));
    }
    for size in [1024, 4096, 16_384, 65_536] {
        inject(vec![0; size], &format!("{size} zeros"));
        inject(vec![1; size], &format!("{size} ones"));
    }
}
