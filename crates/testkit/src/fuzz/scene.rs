//! Two people who know each other, as they are stored, so that every input begins from the same moment.

use core::time::Duration;
use std::collections::BTreeSet;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use sotto_engine::{CardView, Command, ContactId, Delivery, Input, Standing, Store, Timestamp};

use crate::disk::Disk;
use crate::network::Network;
use crate::person::Person;
use crate::server::ModelServer;
use crate::world::{Who, World};

pub(super) const ANNA: Who = 0;
pub(super) const BEN: Who = 1;
pub(super) const MINUTE: Duration = Duration::from_secs(60);

/// One-time prekeys that are left of the hundred: every restored client computes the public halves of all of them, and
/// below 20 it would make a hundred more.
const ONE_TIME_KEPT: usize = 22;

/// Where every input begins.
pub(super) struct Scene {
    /// The contact of each: Ben as Anna knows him, Anna as Ben knows her.
    pub(super) contacts: [ContactId; 2],
    now: Timestamp,
    disks: [Disk; 2],
    server: ModelServer,
}

impl Scene {
    /// Anna and Ben met and said something to each other; both pages are closed.
    pub(super) fn met() -> Self {
        let mut world = World::new(1, 2);
        world.network = Network::without_links();
        let contacts = befriend(&mut world);
        for who in [ANNA, BEN] {
            let text = format!("{who} was here");
            world.command(who, Command::SendText { contact: contacts[who], text });
        }
        world.run_for(MINUTE);
        Self::of(world, contacts)
    }

    /// Much is under way on Anna's side: messages, a file offered each way, an open invite, one that is being accepted, a
    /// farewell; and Ben has posted while she was away.
    pub(super) fn busy() -> Self {
        let mut world = World::new(2, 3);
        world.network = Network::without_links();
        let contacts = befriend(&mut world);
        let [ben, anna] = contacts;
        for (who, contact) in [(ANNA, ben), (BEN, anna)] {
            world.command(who, Command::SendText { contact, text: format!("{who} was here") });
            let (name, mime) = ("file.txt".to_owned(), "text/plain".to_owned());
            let file = sotto_engine::LocalFile(who as u64);
            world.command(who, Command::OfferFile { contact, file, name, size: 70_000, mime });
        }
        world.run_for(MINUTE);
        // Somebody whom Anna removes again while she cannot say so, and an invite she cannot redeem yet.
        let [third, _] = befriend_as(&mut world, ANNA, 2);
        let link = invite(&mut world, 2);
        world.command(ANNA, Command::LookAtInvite(link));
        world.run_for(MINUTE);
        world.command(ANNA, Command::CreateInvite);
        world.run_for(MINUTE);
        world.server_up = false;
        world.command(ANNA, Command::AcceptInvite { name: "Anna".to_owned() });
        world.command(ANNA, Command::RemoveContact(third));
        world.command(ANNA, Command::SendText { contact: ben, text: "waiting".to_owned() });
        world.run_for(Duration::from_secs(2));
        world.close_page(ANNA);
        world.server_up = true;
        world.command(BEN, Command::SendText { contact: anna, text: "while you were away".to_owned() });
        world.run_for(MINUTE * 2);
        Self::of(world, contacts)
    }

    fn of(mut world: World, contacts: [ContactId; 2]) -> Self {
        for who in 0..world.people.len() {
            if world.people[who].client.is_some() {
                world.close_page(who);
            }
        }
        let mut kept = BTreeSet::new();
        for mailbox in world.server.model.mailboxes.values_mut() {
            kept.extend(mailbox.trim_one_time(ONE_TIME_KEPT));
        }
        let disks = [ANNA, BEN].map(|who| {
            let mut disk = world.people[who].disk.clone();
            disk.retain(Store::Account, |key| {
                let id = key.strip_prefix(b"one-time").and_then(|id| id.try_into().ok());
                id.is_none_or(|id| kept.contains(&u32::from_be_bytes(id)))
            });
            disk
        });
        Self { contacts, now: world.now, disks, server: world.server }
    }

    /// What somebody has stored.
    pub(super) fn disk(&self, who: Who) -> &Disk {
        &self.disks[who]
    }

    /// The world goes on from there with the first so many people; their pages are closed.
    pub(super) fn world(&self, people: usize) -> World {
        let mut world = World::new(3, 0);
        world.now = self.now;
        world.server = self.server.copy();
        for (seed, disk) in (10..).zip(&self.disks[..people]) {
            let mut person = Person::new(ChaCha12Rng::seed_from_u64(seed));
            person.disk = disk.clone();
            world.people.push(person);
        }
        world
    }
}

fn until(world: &mut World, what: &str, condition: impl Fn(&World) -> bool) {
    assert!(world.run_until(MINUTE, condition), "{what}");
}

fn invite(world: &mut World, who: Who) -> String {
    world.command(who, Command::CreateInvite);
    let ready = |world: &World| world.people[who].screen.invites.values().any(|invite| invite.ready);
    until(world, "the invite becomes ready", ready);
    world.people[who].screen.invites.values().find(|invite| invite.ready).unwrap().link.clone()
}

fn befriend(world: &mut World) -> [ContactId; 2] {
    befriend_as(world, ANNA, BEN)
}

fn befriend_as(world: &mut World, inviter: Who, invitee: Who) -> [ContactId; 2] {
    let link = invite(world, inviter);
    world.command(invitee, Command::LookAtInvite(link));
    until(world, "the card comes", |world| {
        matches!(world.people[invitee].screen.card, Some(CardView::Open { .. }))
    });
    world.command(invitee, Command::AcceptInvite { name: "Ben".to_owned() });
    let accepted = |world: &World| match world.people[invitee].screen.card {
        Some(CardView::Accepted(id)) => Some(id),
        _ => None,
    };
    until(world, "the conversation stands", |world| accepted(world).is_some());
    let theirs = accepted(world).unwrap();
    let arrival = |world: &World| {
        let contacts = &world.people[inviter].screen.contacts;
        contacts.values().find(|contact| contact.standing == Standing::AwaitingOurs).map(|contact| contact.id)
    };
    until(world, "somebody comes", |world| arrival(world).is_some());
    let ours = arrival(world).unwrap();
    world.command(inviter, Command::ConfirmContact(ours));
    until(world, "both are confirmed", |world| {
        world.people[invitee].screen.contacts[&theirs].standing == Standing::Confirmed
            && world.people[inviter].screen.contacts[&ours].standing == Standing::Confirmed
    });
    [ours, theirs]
}

/// The trouble is over: everything works again, and everybody is there.
pub(super) fn heal(world: &mut World) {
    world.network = Network::default();
    world.start_server();
    for who in 0..world.people.len() {
        world.cancel_crash(who);
        world.people[who].online = true;
    }
    world.run_for(Duration::from_secs(2));
    for who in 0..world.people.len() {
        if world.people[who].client.is_none() {
            world.open_page(who);
        }
        world.input(who, Input::Online(true));
    }
}

/// Whether nothing that anybody said is still on its way.
pub(super) fn nothing_waits(world: &World) -> bool {
    world.people.iter().all(|person| {
        let messages = person.screen.messages.values().flat_map(|messages| messages.values());
        let waiting = |delivery| matches!(delivery, Delivery::Waiting | Delivery::Sent);
        person.disk.count(Store::Outbox) == 0
            && !messages.into_iter().any(|message| waiting(message.delivery))
    })
}
