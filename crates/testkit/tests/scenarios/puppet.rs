//! Somebody who knows all the rules and keeps none: an invitee played by hand.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sotto_crypto::envelope::{self, Address, Sender, TagKey};
use sotto_crypto::keys::{
    AccountKey, DeliveryKey, DeviceIdentityKey, DevicePublic, DeviceSigningKey, OneTimePreKeyPublic,
    SignedPreKey,
};
use sotto_crypto::ratchet::Session;
use sotto_crypto::x3dh::{self, PeerKeys};
use sotto_crypto::{DeliveryKeyId, DeliveryToken, DeviceId, MailboxId, PreKeyId, Timestamp};
use sotto_testkit::World;
use sotto_wire::peer::{
    Body, Bundle, Carried, Content, DeviceList, Ephemeral, FirstPrefix, InviteContents, InviteLink,
    ListedDevice, Message, Name,
};
use sotto_wire::server::Opaque;

/// One session of the puppet's.
pub struct Talk {
    pub session: Session,
    pub first: FirstPrefix,
    pub sequence: u64,
}

pub struct Puppet {
    pub rng: ChaCha12Rng,
    pub account: AccountKey,
    pub link: InviteLink,
    pub contents: InviteContents,
    pub list: DeviceList,
    pub device: DevicePublic,
    pub signing: DeviceSigningKey,
    pub identity: DeviceIdentityKey,
    pub bundle: Bundle,
    /// What lets others write to it, once it has said so.
    pub token: Option<DeliveryToken>,
}

/// Where the puppet says that it can be written to.
pub const MAILBOX: [u8; 16] = [0xee; 16];

impl Puppet {
    /// Takes the invite's boxes straight from the server.
    pub fn new(world: &World, link: &str, seed: u64) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let now = Timestamp::from_millis(world.now.0);
        let link = InviteLink::parse(link, &world.server.origin).unwrap();
        let sealed = &world.server.invites[&link.secret.id()].bundle;
        let opened = link.secret.open_bundle(sealed).unwrap();
        let contents = InviteContents::decode(&opened, &link.account, now).unwrap();
        let account = AccountKey::generate(&mut rng);
        let signing = DeviceSigningKey::generate(&mut rng);
        let identity = DeviceIdentityKey::generate(&mut rng);
        let id = DeviceId::generate(&mut rng);
        let listed = ListedDevice { id, signing: signing.public(), identity: identity.public() };
        let list = DeviceList::sign(&account, 1, [0; 32], vec![listed], &mut rng).unwrap();
        let device = list.devices()[0];
        let bundle = Bundle {
            device,
            signed_prekey: SignedPreKey::generate(PreKeyId(1), &mut rng).public(),
            delivery: DeliveryKey::generate(DeliveryKeyId(1), &mut rng).public(),
            created: now,
        };
        Self { rng, account, link, contents, list, device, signing, identity, bundle, token: None }
    }

    pub fn sender(&self) -> Sender {
        Sender { account: self.list.account().id(), device: self.device.device_id() }
    }

    /// Begins a session: by the invite, or as a contact without one-time prekey.
    pub fn begin(&mut self, by_invite: bool) -> Talk {
        let credential = self.link.secret.credential();
        let one_time: Option<OneTimePreKeyPublic> = by_invite.then_some(self.contents.one_time);
        let peer = PeerKeys {
            device: self.contents.bundle.device,
            signed_prekey: self.contents.bundle.signed_prekey,
            one_time_prekey: one_time,
        };
        let invite = by_invite.then_some(&credential);
        let (agreement, keys) =
            x3dh::initiate(&self.device, &self.identity, &peer, invite, &mut self.rng).unwrap();
        let session = Session::initiate(&agreement, &peer.signed_prekey, &mut self.rng);
        Talk { session, first: FirstPrefix { device_list: self.list.clone(), keys }, sequence: 0 }
    }

    pub fn tag(&self, by_invite: bool) -> TagKey {
        if by_invite {
            self.link.secret.tag_key()
        } else {
            TagKey::between(&self.identity, self.contents.bundle.device.identity())
        }
    }

    pub fn hello(&mut self) -> Content {
        let bundle = self.bundle.sign(&self.signing, &mut self.rng);
        let token = DeliveryToken::generate(&mut self.rng);
        self.token = Some(DeliveryToken::from_bytes(&token.to_bytes()));
        Content::Hello {
            name: Name::new("Mallory".to_owned()).unwrap(),
            mailbox: MailboxId::from_bytes(MAILBOX),
            token,
            bundle: Opaque::new(bundle).unwrap(),
        }
    }

    pub fn body(&mut self, talk: &mut Talk, content: Content) -> Body {
        talk.sequence += 1;
        let mut message_id = [0; 16];
        self.rng.fill_bytes(&mut message_id);
        Body {
            message_id,
            sequence: talk.sequence,
            previous: [0; 32],
            lamport: talk.sequence,
            sent_at: self.bundle.created.as_millis(),
            list_version: 1,
            list_hash: *self.list.hash(),
            content,
            delivery: None,
            token: None,
            mailbox: None,
            era: None,
        }
    }

    /// Seals what is carried to the inviter's device.
    pub fn seal(&mut self, carried: &[u8], sender: Sender, tag: &TagKey) -> Vec<u8> {
        let to = Address { mailbox: self.contents.mailbox, delivery_key: self.contents.bundle.delivery };
        envelope::seal(&to, sender, tag, carried, &mut self.rng).unwrap()
    }

    /// Says something in a session, with the prefix of first messages.
    pub fn say(&mut self, world: &mut World, talk: &mut Talk, message: &Message) {
        let ratchet = talk.session.seal(&message.encode(), &mut self.rng).unwrap();
        self.send(world, talk, &ratchet);
    }

    pub fn say_ephemeral(&mut self, world: &mut World, talk: &mut Talk, ephemeral: &Ephemeral) {
        let ratchet = talk.session.seal_ephemeral(&ephemeral.encode(), &mut self.rng).unwrap();
        self.send(world, talk, &ratchet);
    }

    fn send(&mut self, world: &mut World, talk: &Talk, ratchet: &[u8]) {
        let carried = Carried::encode(Some(&talk.first), ratchet);
        let tag = self.tag(talk.first.keys.invite_id.is_some());
        let blob = self.seal(&carried, self.sender(), &tag);
        world.inject(self.contents.mailbox, blob);
    }

    /// Opens the mailbox it has named, so that it can be answered.
    pub fn open_mailbox(&mut self, world: &mut World) {
        let bundle = self.bundle.sign(&self.signing, &mut self.rng);
        let token = *self.token.as_ref().unwrap().hash().as_bytes();
        world.server.open_mailbox(MailboxId::from_bytes(MAILBOX), token, bundle);
    }

    /// Says something in a session that nobody knows.
    pub fn say_unreadable(&mut self, world: &mut World) {
        let mut talk = self.begin(false);
        let ratchet = talk.session.seal(&Message::End {}.encode(), &mut self.rng).unwrap();
        let (sender, tag) = (self.sender(), self.tag(false));
        let blob = self.seal(&Carried::encode(None, &ratchet), sender, &tag);
        world.inject(self.contents.mailbox, blob);
    }

    /// Comes by the link, as it should be done.
    pub fn come(&mut self, world: &mut World) -> Talk {
        let mut talk = self.begin(true);
        let hello = self.hello();
        let body = self.body(&mut talk, hello);
        self.say(world, &mut talk, &Message::Body(body));
        talk
    }
}
