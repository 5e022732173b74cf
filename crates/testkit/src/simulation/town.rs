//! Where scenarios begin: people who know each other. Making their acquaintance costs more than most scenarios, so it is
//! done once for each number of people, and what is stored then is copied.

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::OnceLock;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use sotto_engine::{CardView, Client, Command, ContactId, Standing, Store, Timestamp};

use crate::disk::Disk;
use crate::network::Network;
use crate::person::Person;
use crate::server::{ModelServer, ServerStore};
use crate::world::{Who, World};

const MINUTE: Duration = Duration::from_secs(60);
/// One-time prekeys left of the hundred at the server: a restored client computes the public halves of all it keeps.
const ONE_TIME_KEPT: usize = 21;

/// People who have met, all pages closed.
pub(super) struct Town {
    now: Timestamp,
    disks: Vec<Disk>,
    server: ModelServer,
    /// Whom each knows.
    pub(super) friends: Vec<Vec<Who>>,
    /// Their accounts, by which the others know them.
    pub(super) ids: Vec<ContactId>,
}

/// Those of two people and more.
static TOWNS: [OnceLock<Town>; 4] = [const { OnceLock::new() }; 4];

/// Who knows whom: neighbours in a ring, and across it.
fn acquaintances(people: usize) -> Vec<(Who, Who)> {
    let mut pairs: Vec<(Who, Who)> = (1..people).map(|who| (who - 1, who)).collect();
    if people > 2 {
        pairs.push((people - 1, 0));
    }
    if people > 3 {
        pairs.push((0, 2));
    }
    pairs
}

impl Town {
    /// The town of so many people.
    pub(super) fn of(people: usize) -> &'static Self {
        TOWNS[people - 2].get_or_init(|| Self::found(people, None).0)
    }

    /// They meet. Gives the world in which they did as well.
    pub(super) fn found(people: usize, store: Option<Box<dyn ServerStore>>) -> (Self, World) {
        let mut world = World::new(7, 0);
        world.server.other = store;
        world.network = Network::without_links();
        for seed in 0..people as u64 {
            world.people.push(Person::new(ChaCha12Rng::seed_from_u64(seed)));
            world.open_page(seed as usize);
        }
        let mut friends = vec![Vec::new(); people];
        for (one, other) in acquaintances(people) {
            befriend(&mut world, one, other);
            friends[one].push(other);
            friends[other].push(one);
        }
        world.run_for(MINUTE);
        let id = |person: &Person| {
            let list = person.client.as_ref().map(Client::device_list).expect("is open");
            ContactId(*list.account().id().as_bytes())
        };
        let ids = world.people.iter().map(id).collect();
        for who in 0..people {
            world.close_page(who);
        }
        world.run_for(MINUTE);
        let mut server = world.server.copy();
        server.accepted.clear();
        let mailboxes = server.model.mailboxes.values_mut();
        let kept: BTreeSet<u32> =
            mailboxes.flat_map(|mailbox| mailbox.trim_one_time(ONE_TIME_KEPT)).collect();
        let is_kept = |key: &[u8]| {
            let id = key.strip_prefix(b"one-time").and_then(|id| id.try_into().ok());
            id.is_none_or(|id| kept.contains(&u32::from_be_bytes(id)))
        };
        let disk = |person: &Person| {
            let mut disk = person.disk.clone();
            disk.retain(Store::Account, is_kept);
            disk
        };
        let disks = world.people.iter().map(disk).collect();
        (Self { now: world.now, disks, server, friends, ids }, world)
    }

    /// A world that goes on from there.
    pub(super) fn world(&self, seed: u64) -> World {
        let mut world = World::new(seed, 0);
        world.now = self.now;
        world.server = self.server.copy();
        for (place, disk) in self.disks.iter().enumerate() {
            let mut person = Person::new(ChaCha12Rng::seed_from_u64(seed.rotate_left(8) ^ place as u64));
            person.disk = disk.clone();
            world.people.push(person);
        }
        world
    }
}

fn until(world: &mut World, what: &str, condition: impl Fn(&World) -> bool) {
    assert!(world.run_until(MINUTE, condition), "{what}");
}

fn befriend(world: &mut World, inviter: Who, invitee: Who) {
    world.command(inviter, Command::CreateInvite);
    let ready = |world: &World| {
        let invites = &world.people[inviter].screen.invites;
        invites.values().find(|invite| invite.ready).map(|invite| invite.link.clone())
    };
    until(world, "the invite becomes ready", |world| ready(world).is_some());
    let link = ready(world).expect("is ready");
    world.command(invitee, Command::LookAtInvite(link));
    until(world, "the card comes", |world| {
        matches!(world.people[invitee].screen.card, Some(CardView::Open { .. }))
    });
    world.command(invitee, Command::AcceptInvite { name: format!("person {invitee}") });
    let arrival = |world: &World| {
        let contacts = &world.people[inviter].screen.contacts;
        contacts.values().find(|contact| contact.standing == Standing::AwaitingOurs).map(|contact| contact.id)
    };
    until(world, "somebody comes", |world| arrival(world).is_some());
    let came = arrival(world).expect("has come");
    world.command(inviter, Command::ConfirmContact(came));
    let all_confirmed = |world: &World| {
        let contacts = world.people.iter().flat_map(|person| person.screen.contacts.values());
        contacts.into_iter().all(|contact| contact.standing == Standing::Confirmed)
    };
    until(world, "both are confirmed", all_confirmed);
}
