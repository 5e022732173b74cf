//! A contact's device list changes: it is followed version by version.

use sotto_crypto::keys::{DeviceIdentityKey, DeviceSigningKey};
use sotto_crypto::{DeviceId, MailboxId};
use sotto_engine::{Command, ContactId, Content as Seen, Devices, Milestone};
use sotto_testkit::{Network, World};
use sotto_wire::peer::{Content, DeviceList, ListedDevice, Message, Text};
use sotto_wire::server::{List, Opaque};

use crate::common::*;
use crate::puppet::{MAILBOX, Puppet, Talk};

/// Anna, and a contact of hers that she has confirmed, played by hand.
struct Scene {
    world: World,
    puppet: Puppet,
    talk: Talk,
    id: ContactId,
}

impl Scene {
    fn new(seed: u64) -> Self {
        let mut world = World::new(seed, 1);
        world.network = Network::without_links();
        let (_, link) = invite(&mut world, ANNA);
        let mut puppet = Puppet::new(&world, &link, seed);
        let talk = puppet.come(&mut world);
        let id = arrival(&mut world, ANNA);
        puppet.open_mailbox(&mut world);
        world.command(ANNA, Command::ConfirmContact(id));
        world.run_for(MINUTE);
        Self { world, puppet, talk, id }
    }

    /// The puppet says something, naming the list that it has now.
    fn says(&mut self, content: Content) {
        let mut body = self.puppet.body(&mut self.talk, content);
        (body.list_version, body.list_hash) = (self.puppet.list.version(), *self.puppet.list.hash());
        self.puppet.say(&mut self.world, &mut self.talk, &Message::Body(body));
        self.world.run_for(MINUTE);
    }

    fn says_text(&mut self, words: &str) {
        self.says(Content::Text { text: Text::new(words.to_owned()).unwrap() });
    }

    fn announces(&mut self, lists: &[&DeviceList]) {
        let lists = lists.iter().map(|list| Opaque::new(list.as_bytes().to_vec()).unwrap()).collect();
        self.says(Content::Devices { lists: List::new(lists).unwrap() });
    }

    /// The next list, of these devices; not held by the puppet yet.
    fn next(&mut self, devices: Vec<ListedDevice>) -> DeviceList {
        let before = &self.puppet.list;
        let (version, hash) = (before.version() + 1, *before.hash());
        DeviceList::sign(&self.puppet.account, version, hash, devices, &mut self.puppet.rng).unwrap()
    }

    fn device(&self) -> ListedDevice {
        let device = &self.puppet.device;
        ListedDevice { id: device.device_id(), signing: *device.signing(), identity: *device.identity() }
    }

    fn new_device(&mut self) -> ListedDevice {
        let rng = &mut self.puppet.rng;
        ListedDevice {
            id: DeviceId::generate(rng),
            signing: DeviceSigningKey::generate(rng).public(),
            identity: DeviceIdentityKey::generate(rng).public(),
        }
    }

    fn devices(&self) -> Devices {
        self.world.people[ANNA].screen.contacts[&self.id].devices
    }

    /// Anna says something; whether anything of hers reaches the puppet's mailbox within a minute.
    fn reaches(&mut self, words: &str) -> bool {
        let reached = |world: &World| {
            world.server.accepted.iter().filter(|(to, _)| *to == MailboxId::from_bytes(MAILBOX)).count()
        };
        let before = reached(&self.world);
        say(&mut self.world, ANNA, self.id, words);
        self.world.run_for(MINUTE);
        reached(&self.world) > before
    }

    fn changes(&mut self) -> usize {
        let changed = Seen::Milestone(Milestone::DevicesChanged);
        let id = self.id;
        self.world.history(ANNA, id).into_iter().filter(|message| message.content == changed).count()
    }
}

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
