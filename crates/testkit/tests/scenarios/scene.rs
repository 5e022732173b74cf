//! Anna and a contact of hers that is played by hand.

use sotto_crypto::SessionId;
use sotto_crypto::keys::{DeviceIdentityKey, DeviceSigningKey};
use sotto_crypto::{DeviceId, MailboxId, MessageHash};
use sotto_engine::{Command, ContactId, ContactView, Content as Seen, Devices, Milestone};
use sotto_testkit::{Network, World};
use sotto_wire::peer::{Content, DeviceList, ListedDevice, Manifest, Message, Text};
use sotto_wire::server::{List, Opaque};

use crate::common::*;
use crate::puppet::{MAILBOX, Puppet, Talk};

/// What somebody says.
pub fn text(words: &str) -> Content {
    Content::Text { text: Text::new(words.to_owned()).unwrap() }
}

/// An offer of a file.
pub fn offer(file: [u8; 16], name: &str, size: u64) -> Content {
    Content::FileOffer(Manifest {
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
pub fn scene(seed: u64) -> (World, String, Puppet) {
    let mut world = World::new(seed, 2);
    world.network = Network::without_links();
    let (_, link) = invite(&mut world, ANNA);
    let puppet = Puppet::new(&world, &link, seed);
    (world, link, puppet)
}

/// Who the puppet is to others.
pub fn id_of(puppet: &Puppet) -> ContactId {
    ContactId(*puppet.sender().account.as_bytes())
}

/// Mallory is a confirmed contact, and Ben another.
pub fn among_others(seed: u64) -> (World, Puppet, Talk, ContactId, ContactId) {
    let (mut world, _, mut puppet) = scene(seed);
    let talk = puppet.come(&mut world);
    let mallory = arrival(&mut world, ANNA);
    world.command(ANNA, Command::ConfirmContact(mallory));
    puppet.open_mailbox(&mut world);
    let (ben, _) = befriend(&mut world);
    (world, puppet, talk, mallory, ben)
}

/// Anna, and a contact of hers that she has confirmed, played by hand.
pub struct Scene {
    pub world: World,
    pub puppet: Puppet,
    pub talk: Talk,
    pub id: ContactId,
}

impl Scene {
    pub fn new(seed: u64) -> Self {
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
    pub fn says(&mut self, content: Content) {
        let body = self.puppet.body(&mut self.talk, content);
        self.puppet.say(&mut self.world, &mut self.talk, &Message::Body(body));
        self.world.run_for(MINUTE);
    }

    pub fn says_text(&mut self, words: &str) {
        self.says(text(words));
    }

    pub fn announces(&mut self, lists: &[&DeviceList]) {
        let lists = lists.iter().map(|list| Opaque::new(list.as_bytes().to_vec()).unwrap()).collect();
        self.says(Content::Devices { lists: List::new(lists).unwrap() });
    }

    /// The next list, of these devices; not held by the puppet yet.
    pub fn next(&mut self, devices: Vec<ListedDevice>) -> DeviceList {
        let before = &self.puppet.list;
        let (version, hash) = (before.version() + 1, *before.hash());
        DeviceList::sign(&self.puppet.account, version, hash, devices, &mut self.puppet.rng).unwrap()
    }

    pub fn device(&self) -> ListedDevice {
        let device = &self.puppet.device;
        ListedDevice { id: device.device_id(), signing: *device.signing(), identity: *device.identity() }
    }

    pub fn new_device(&mut self) -> ListedDevice {
        let rng = &mut self.puppet.rng;
        ListedDevice {
            id: DeviceId::generate(rng),
            signing: DeviceSigningKey::generate(rng).public(),
            identity: DeviceIdentityKey::generate(rng).public(),
        }
    }

    pub fn devices(&self) -> Devices {
        self.world.people[ANNA].screen.contacts[&self.id].devices
    }

    /// How much of Anna's has reached the puppet's mailbox.
    pub fn reached(&self) -> usize {
        self.world.server.accepted.iter().filter(|(to, _)| *to == MailboxId::from_bytes(MAILBOX)).count()
    }

    /// Anna says something; whether anything of hers reaches the puppet's mailbox within a minute.
    pub fn reaches(&mut self, words: &str) -> bool {
        let before = self.reached();
        say(&mut self.world, ANNA, self.id, words);
        self.world.run_for(MINUTE);
        self.reached() > before
    }

    /// The session of the last of it.
    pub fn heard_in(&self) -> SessionId {
        let last = self.world.server.accepted.iter().rfind(|(to, _)| *to == MailboxId::from_bytes(MAILBOX));
        self.puppet.session_of(&last.unwrap().1)
    }

    /// The hash of the last ratchet message of it.
    pub fn last_heard(&self) -> MessageHash {
        let last = self.world.server.accepted.iter().rfind(|(to, _)| *to == MailboxId::from_bytes(MAILBOX));
        MessageHash::of(&self.puppet.ratchet_of(&last.unwrap().1))
    }

    pub fn seen(&self) -> &ContactView {
        &self.world.people[ANNA].screen.contacts[&self.id]
    }

    /// Anna makes a link that nobody has used, and the puppet holds it.
    pub fn another_link(&mut self) {
        let (_, link) = invite(&mut self.world, ANNA);
        self.puppet.hold(&self.world, &link);
    }

    /// The puppet comes by the link that it holds.
    pub fn comes(&mut self) {
        self.talk = self.puppet.come(&mut self.world);
        self.world.run_for(MINUTE);
    }

    pub fn told(&mut self) -> Vec<String> {
        told(&mut self.world, ANNA, self.id)
    }

    pub fn changes(&mut self) -> usize {
        let changed = Seen::Milestone(Milestone::DevicesChanged);
        let id = self.id;
        self.world.history(ANNA, id).into_iter().filter(|message| message.content == changed).count()
    }
}
