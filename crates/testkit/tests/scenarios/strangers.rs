//! A server that swaps bundles, and strangers who pretend.

use sotto_crypto::envelope::{self, Address, Sender, TagKey};
use sotto_crypto::keys::{AccountKey, DeliveryKey, DeviceIdentityKey, DeviceSigningKey, SignedPreKey};
use sotto_crypto::ratchet::Session;
use sotto_crypto::x3dh;
use sotto_crypto::{DeliveryKeyId, DeliveryToken, DeviceId, InviteId, MailboxId, PreKeyId, Timestamp};
use sotto_engine::{CardRefusal, CardView, Command};
use sotto_testkit::{Network, World};
use sotto_wire::peer::{
    Body, Bundle, Carried, Content, DeviceList, FirstPrefix, ListedDevice, Message, Name, UnsignedBundle,
};
use sotto_wire::server::Opaque;

use crate::common::*;

#[test]
fn a_swapped_bundle_is_found_by_the_invitee() {
    let mut world = World::new(110, 3);
    let (_, link) = invite(&mut world, ANNA);
    let (_, mallory) = invite(&mut world, 2);
    assert_ne!(link, mallory);
    // Under Anna's invite the server gives what Mallory's holds.
    let swapped: Vec<Vec<u8>> =
        world.server.model.invites.values().map(|invite| invite.bundle.clone()).rev().collect();
    for (invite, bundle) in world.server.model.invites.values_mut().zip(swapped) {
        invite.bundle = bundle;
    }
    assert!(matches!(look(&mut world, BEN, &link), CardView::Open { .. }));
    world.command(BEN, Command::AcceptInvite { name: "Ben".to_owned() });
    world.run_for(MINUTE);
    assert_eq!(world.people[BEN].screen.card, Some(CardView::Refused(CardRefusal::Tampered)));
    assert!(world.people[BEN].screen.contacts.is_empty());
    assert!(logged(&world, BEN, "invite: its bundle was altered"));
}

/// Somebody with keys but without the link.
struct Mallory {
    list: DeviceList,
    identity: DeviceIdentityKey,
    bundle: Vec<u8>,
}

impl Mallory {
    fn new(rng: &mut rand_chacha::ChaCha12Rng, now: Timestamp) -> Self {
        let account = AccountKey::generate(rng);
        let signing = DeviceSigningKey::generate(rng);
        let identity = DeviceIdentityKey::generate(rng);
        let listed = ListedDevice {
            id: DeviceId::generate(rng),
            signing: signing.public(),
            identity: identity.public(),
        };
        let list = DeviceList::sign(&account, 1, [0; 32], vec![listed], rng).unwrap();
        let bundle = UnsignedBundle {
            device: list.devices()[0],
            signed_prekey: SignedPreKey::generate(PreKeyId(1), rng).public(),
            delivery: DeliveryKey::generate(DeliveryKeyId(1), rng).public(),
            created: now,
        };
        let bundle = bundle.sign(&signing, rng);
        Self { list, identity, bundle }
    }
}

#[test]
fn a_greeting_without_the_links_secret_is_ignored() {
    use rand_chacha::rand_core::SeedableRng;
    let mut world = World::new(111, 2);
    world.network = Network::without_links();
    let (ben, _) = befriend(&mut world);
    let (invite_id, _) = invite(&mut world, ANNA);
    world.run_for(MINUTE * 60);
    let mut rng = rand_chacha::ChaCha12Rng::seed_from_u64(1);
    let now = Timestamp::from_millis(world.now.0);
    let mallory = Mallory::new(&mut rng, now);
    // The server knows every published bundle, and here even whose it is.
    let bundles: Vec<_> =
        world.server.model.mailboxes.iter().map(|(id, mailbox)| (*id, mailbox.bundle().unwrap())).collect();
    let lists = world.device_lists();
    for (mailbox, published) in bundles {
        let bundle = lists.iter().find_map(|list| Bundle::decode(&published, list, now).ok()).unwrap();
        let peer = bundle.peer_keys(None);
        let own = mallory.list.devices()[0];
        let (agreement, keys) = x3dh::initiate(&own, &mallory.identity, &peer, None, &mut rng).unwrap();
        let mut session = Session::initiate(&agreement, &mut rng);
        let hello = Message::Body(Body {
            message_id: [1; 16],
            sequence: 1,
            previous: [0; 32],
            lamport: 1,
            sent_at: now.as_millis(),
            list_version: 1,
            list_hash: *mallory.list.hash(),
            content: Content::Hello {
                name: Name::new("Ben".to_owned()).unwrap(),
                mailbox: MailboxId::generate(&mut rng),
                token: DeliveryToken::generate(&mut rng),
                bundle: Opaque::new(mallory.bundle.clone()).unwrap(),
            },
            delivery: None,
            token: None,
            mailbox: None,
            era: None,
        });
        let ratchet = session.seal(&hello.encode(), &mut rng).unwrap();
        let claimed = x3dh::FirstKeys { invite_id: Some(InviteId::from_bytes(invite_id.0)), ..keys };
        for keys in [keys, claimed] {
            let first = FirstPrefix { device_list: mallory.list.clone(), keys };
            let carried = Carried::encode(Some(&first), &ratchet);
            let sender = Sender { account: mallory.list.account().id(), device: own.device_id() };
            let tag = TagKey::between(&mallory.identity, bundle.device().identity());
            let address = Address { mailbox, delivery_key: *bundle.delivery() };
            let blob = envelope::seal(&address, sender, &tag, &carried, &mut rng).unwrap();
            world.inject(mailbox, blob);
            // And as if it came from Ben.
            let sender = Sender { account: sotto_crypto::AccountId::from_bytes(ben.0), ..sender };
            let blob = envelope::seal(&address, sender, &tag, &carried, &mut rng).unwrap();
            world.inject(mailbox, blob);
        }
    }
    let posts: Vec<usize> = world.people.iter().map(|person| person.posts.len()).collect();
    world.run_for(MINUTE);
    assert_eq!(
        posts,
        world.people.iter().map(|person| person.posts.len()).collect::<Vec<_>>(),
        "no reaction"
    );
    assert!(logged(&world, ANNA, "envelope: unknown sender"));
    assert!(logged(&world, ANNA, "envelope: wrong tag for its invite"));
    assert_eq!(world.people[ANNA].screen.contacts.len(), 1);
    assert!(world.people.iter().all(|person| person.screen.notices.is_empty()));
    assert!(world.people[ANNA].screen.invites.contains_key(&invite_id), "the invite is still open");
}
