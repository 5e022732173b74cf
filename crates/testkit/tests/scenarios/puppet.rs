//! Somebody who knows all the rules and keeps none: an invitee played by hand.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sotto_crypto::envelope::{self, Address, SealedEnvelope, Sender, TagKey};
use sotto_crypto::invite::InviteSecret;
use sotto_crypto::keys::{
    AccountKey, DeliveryKey, DeviceIdentityKey, DevicePublic, DeviceSigningKey, OneTimePreKey,
    OneTimePreKeyPublic, SignedPreKey,
};
use sotto_crypto::ratchet::{Preview, Session};
use sotto_crypto::x3dh;
use sotto_crypto::{DeliveryKeyId, DeliveryToken, DeviceId, MailboxId, PreKeyId, SessionId, Timestamp};
use sotto_testkit::World;
use sotto_wire::peer::{
    Body, Carried, Content, DeviceList, Ephemeral, FirstPrefix, InviteContents, InviteLink, ListedDevice,
    Message, Name, UnsignedBundle,
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
    pub delivery: DeliveryKey,
    pub bundle: UnsignedBundle,
    /// What lets others write to it, once it has said so.
    pub token: Option<DeliveryToken>,
}

/// Where the puppet says that it can be written to.
pub const MAILBOX: [u8; 16] = [0xee; 16];

fn boxes(world: &World, link: &str) -> (InviteLink, InviteContents) {
    let link = InviteLink::parse(link, &world.server.origin).unwrap();
    let opened = link.secret.open_bundle(&world.server.model.invites[&link.secret.id()].bundle).unwrap();
    let contents =
        InviteContents::decode(&opened, &link.account, Timestamp::from_millis(world.now.0)).unwrap();
    (link, contents)
}

impl Puppet {
    /// Takes the invite's boxes straight from the server.
    pub fn new(world: &World, link: &str, seed: u64) -> Self {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        let now = Timestamp::from_millis(world.now.0);
        let (link, contents) = boxes(world, link);
        let account = AccountKey::generate(&mut rng);
        let signing = DeviceSigningKey::generate(&mut rng);
        let identity = DeviceIdentityKey::generate(&mut rng);
        let id = DeviceId::generate(&mut rng);
        let listed = ListedDevice { id, signing: signing.public(), identity: identity.public() };
        let list = DeviceList::sign(&account, 1, [0; 32], vec![listed], &mut rng).unwrap();
        let device = list.devices()[0];
        let signed_prekey = SignedPreKey::generate(PreKeyId(1), &mut rng).public();
        let delivery = DeliveryKey::generate(DeliveryKeyId(1_800_000_000), &mut rng);
        let bundle = UnsignedBundle { device, signed_prekey, delivery: delivery.public(), created: now };
        Self { rng, account, link, contents, list, device, signing, identity, delivery, bundle, token: None }
    }

    /// Takes another link.
    pub fn hold(&mut self, world: &World, link: &str) {
        (self.link, self.contents) = boxes(world, link);
    }

    /// Makes a link of its own.
    pub fn invite(&mut self, world: &mut World) -> String {
        let rng = &mut self.rng;
        let secret = InviteSecret::generate(rng);
        let bundle = self.bundle.sign(&self.signing, rng);
        let one_time = OneTimePreKey::generate(PreKeyId(1), rng);
        let (mailbox, token) = (MailboxId::from_bytes(MAILBOX), DeliveryToken::generate(rng));
        self.token = Some(DeliveryToken::from_bytes(&token.to_bytes()));
        let contents = InviteContents::encode(&self.list, &bundle, one_time.public(), mailbox, token);
        let card = secret.seal_name(b"Mallory", rng).unwrap();
        let sealed = secret.seal_bundle(&contents, rng).unwrap();
        world.server.offer_invite(secret.id(), card, sealed);
        InviteLink { secret, account: self.account.public().hash() }.format(&world.server.origin)
    }

    /// The server gives nobody prekeys of it any more that can be used.
    pub fn withhold_prekeys(&self, world: &mut World) {
        let token = *self.token.as_ref().unwrap().hash().as_bytes();
        world.server.open_mailbox(MailboxId::from_bytes(MAILBOX), token, b"nothing".to_vec());
    }

    /// The session of what somebody has posted to it.
    pub fn session_of(&self, blob: &[u8]) -> SessionId {
        Preview::of(&self.ratchet_of(blob)).unwrap().session_id
    }

    /// The ratchet message that somebody has posted to it.
    pub fn ratchet_of(&self, blob: &[u8]) -> Vec<u8> {
        let sealed = SealedEnvelope::parse(blob).unwrap();
        let opened = sealed.open(MailboxId::from_bytes(MAILBOX), &self.delivery).unwrap();
        Carried::decode(opened.unverified_message()).unwrap().ratchet
    }

    /// Takes a delivery key of so many days later, and forgets the one before.
    pub fn renew_delivery_key(&mut self, days: u32) {
        let number = self.delivery.id().0 + days * 24 * 3600;
        self.delivery = DeliveryKey::generate(DeliveryKeyId(number), &mut self.rng);
        self.bundle.delivery = self.delivery.public();
    }

    pub fn sender(&self) -> Sender {
        Sender { account: self.list.account().id(), device: self.device.device_id() }
    }

    /// Begins a session: by the invite, or as a contact without one-time prekey.
    pub fn begin(&mut self, by_invite: bool) -> Talk {
        let credential = self.link.secret.credential();
        let one_time: Option<OneTimePreKeyPublic> = by_invite.then_some(self.contents.one_time);
        let peer = self.contents.bundle.peer_keys(one_time);
        let invite = by_invite.then_some(&credential);
        let (agreement, keys) =
            x3dh::initiate(&self.device, &self.identity, &peer, invite, &mut self.rng).unwrap();
        let session = Session::initiate(&agreement, &mut self.rng);
        Talk { session, first: FirstPrefix { device_list: self.list.clone(), keys }, sequence: 0 }
    }

    pub fn tag(&self, by_invite: bool) -> TagKey {
        if by_invite {
            self.link.secret.tag_key()
        } else {
            TagKey::between(&self.identity, self.contents.bundle.device().identity())
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
            list_version: self.list.version(),
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
        let to = Address { mailbox: self.contents.mailbox, delivery_key: *self.contents.bundle.delivery() };
        envelope::seal(&to, sender, tag, carried, &mut self.rng).unwrap()
    }

    /// Says something in a session, with the prefix of first messages.
    pub fn say(&mut self, world: &mut World, talk: &mut Talk, message: &Message) {
        self.say_encoded(world, talk, &message.encode());
    }

    /// Says whatever these bytes are.
    pub fn say_encoded(&mut self, world: &mut World, talk: &mut Talk, plaintext: &[u8]) {
        let ratchet = talk.session.seal(plaintext, &mut self.rng).unwrap();
        self.send(world, talk, &ratchet);
    }

    pub fn say_ephemeral(&mut self, world: &mut World, talk: &mut Talk, ephemeral: &Ephemeral) {
        let ratchet = talk.session.seal_ephemeral(&ephemeral.encode(), &mut self.rng).unwrap();
        self.send(world, talk, &ratchet);
    }

    /// Says something in passing, as the server hands it on.
    pub fn pass_by(&mut self, world: &mut World, talk: &mut Talk, ephemeral: &Ephemeral) {
        let blob = self.in_passing(talk, ephemeral);
        world.inject_ephemeral(self.contents.mailbox, blob);
    }

    /// The envelope of something said in passing.
    pub fn in_passing(&mut self, talk: &mut Talk, ephemeral: &Ephemeral) -> Vec<u8> {
        let ratchet = talk.session.seal_ephemeral(&ephemeral.encode(), &mut self.rng).unwrap();
        self.enclose(talk, &ratchet)
    }

    /// The envelope of a ratchet message, or of what is none.
    pub fn enclose(&mut self, talk: &Talk, ratchet: &[u8]) -> Vec<u8> {
        let carried = Carried::encode(Some(&talk.first), ratchet);
        let tag = self.tag(talk.first.keys.invite_id.is_some());
        self.seal(&carried, self.sender(), &tag)
    }

    /// Puts a ratchet message into the mailbox, with the prefix of first messages.
    pub fn send(&mut self, world: &mut World, talk: &Talk, ratchet: &[u8]) {
        let blob = self.enclose(talk, ratchet);
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
