//! Envelopes: four sizes, one recipient, one mailbox, one sender.

use crate::common::{Person, rng};
use sotto_crypto::envelope::{
    self, Address, EnvelopeClass, EnvelopeError, SealedEnvelope, Sender, TagKey, UnverifiedEnvelope,
};
use sotto_crypto::invite::InviteSecret;
use sotto_crypto::keys::DeliveryKey;
use sotto_crypto::ratchet::{MAX_BODY, MESSAGE_OVERHEAD};
use sotto_crypto::{DeliveryKeyId, EnvelopeId, MailboxId};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

struct Scene {
    alice: Person,
    bob: Person,
    delivery_key: DeliveryKey,
    mailbox: MailboxId,
}

impl Scene {
    fn new() -> Self {
        let rng = &mut rng(77);
        Self {
            alice: Person::new(1),
            bob: Person::new(2),
            delivery_key: DeliveryKey::generate(DeliveryKeyId(5), rng),
            mailbox: MailboxId::generate(rng),
        }
    }

    fn address(&self) -> Address {
        Address { mailbox: self.mailbox, delivery_key: self.delivery_key.public() }
    }

    fn sender(&self) -> Sender {
        Sender { account: self.alice.account.public().id(), device: self.alice.device.device_id() }
    }

    fn tag_key(&self) -> TagKey {
        TagKey::between(&self.alice.identity, &self.bob.identity.public())
    }

    fn tag_key_at_bob(&self) -> TagKey {
        TagKey::between(&self.bob.identity, &self.alice.identity.public())
    }

    fn seal(&self, message: &[u8]) -> Vec<u8> {
        envelope::seal(&self.address(), self.sender(), &self.tag_key(), message, &mut rng(3)).unwrap()
    }

    fn open(&self, blob: &[u8]) -> Result<UnverifiedEnvelope, EnvelopeError> {
        SealedEnvelope::parse(blob)?.open(self.mailbox, &self.delivery_key)
    }
}

#[test]
fn an_envelope_has_one_of_four_sizes() {
    let scene = Scene::new();
    let [small, medium, large, huge] =
        [EnvelopeClass::Kib1, EnvelopeClass::Kib4, EnvelopeClass::Kib16, EnvelopeClass::Kib64];
    for (length, class) in [
        (0, small),
        (small.capacity(), small),
        (small.capacity() + 1, medium),
        (medium.capacity(), medium),
        (medium.capacity() + 1, large),
        (large.capacity() + 1, huge),
        (MAX_BODY + MESSAGE_OVERHEAD, huge),
        (huge.capacity(), huge),
    ] {
        let message = vec![0xab; length];
        let blob = scene.seal(&message);
        assert_eq!(blob.len(), class.size(), "{length}");
        let sealed = SealedEnvelope::parse(&blob).unwrap();
        assert_eq!((sealed.class(), sealed.key_id()), (class, DeliveryKeyId(5)));
        let opened = sealed.open(scene.mailbox, &scene.delivery_key).unwrap();
        assert_eq!(opened.claimed_sender(), scene.sender());
        assert_eq!(opened.unverified_message(), message);
        assert_eq!(opened.verify(&scene.tag_key_at_bob()), Ok((scene.sender(), message)));
    }
    assert_eq!([small, medium, large, huge].map(EnvelopeClass::size), [1024, 4096, 16384, 65536]);
    assert!(huge.capacity() >= MAX_BODY + MESSAGE_OVERHEAD + 3_072, "a body and a device list of eight fit");
    let too_long = vec![0; huge.capacity() + 1];
    let refused = envelope::seal(&scene.address(), scene.sender(), &scene.tag_key(), &too_long, &mut rng(3));
    assert_eq!(refused, Err(EnvelopeError::TooLong));
}

#[test]
fn the_outside_says_version_suite_and_key_only() {
    let scene = Scene::new();
    let blob = scene.seal(b"message");
    assert_eq!(blob[..8], [1, 0, 1, 0, 0, 0, 5, 4]);
    let again =
        envelope::seal(&scene.address(), scene.sender(), &scene.tag_key(), b"message", &mut rng(4)).unwrap();
    assert_ne!(blob[8..], again[8..]);
    assert_ne!(EnvelopeId::of(&blob), EnvelopeId::of(&again));
}

#[test]
fn any_altered_byte_is_refused() {
    let scene = Scene::new();
    let blob = scene.seal(b"message");
    for place in 0..blob.len() {
        let mut altered = blob.clone();
        altered[place] ^= 1 << (place % 8);
        assert!(scene.open(&altered).is_err(), "byte {place}");
    }
    let open = |blob: &[u8]| scene.open(blob).map(|_| ()).unwrap_err();
    assert_eq!(open(&blob[..1023]), EnvelopeError::Malformed);
    assert_eq!(open(&[blob.as_slice(), &[0; 3072]].concat()), EnvelopeError::BadTag, "another class");
    let with = |place: usize, byte: u8| {
        let mut altered = blob.clone();
        altered[place] = byte;
        open(&altered)
    };
    assert_eq!(with(0, 2), EnvelopeError::Malformed);
    assert_eq!(with(2, 2), EnvelopeError::Malformed);
    assert_eq!(with(6, 6), EnvelopeError::OtherKey);
    for tag in [0, 2, 3, 5, 6, 7] {
        let mut altered = blob.clone();
        altered[7] = tag;
        assert!(SealedEnvelope::parse(&altered).is_err(), "enc begins with 04 only");
    }
}

#[test]
fn an_envelope_is_for_one_mailbox_and_one_key() {
    let scene = Scene::new();
    let blob = scene.seal(b"message");
    let sealed = SealedEnvelope::parse(&blob).unwrap();
    let other_mailbox = MailboxId::generate(&mut rng(9));
    let open = |mailbox, key: &DeliveryKey| sealed.open(mailbox, key).map(|_| ()).unwrap_err();
    assert_eq!(open(other_mailbox, &scene.delivery_key), EnvelopeError::BadTag);
    let same_number = DeliveryKey::generate(DeliveryKeyId(5), &mut rng(10));
    assert_eq!(open(scene.mailbox, &same_number), EnvelopeError::BadTag);
    let other_number = DeliveryKey::from_bytes(DeliveryKeyId(6), &scene.delivery_key.to_bytes()).unwrap();
    assert_eq!(open(scene.mailbox, &other_number), EnvelopeError::OtherKey);
}

#[test]
fn only_the_named_sender_can_make_the_tag() {
    let scene = Scene::new();
    let mallory = Person::new(3);
    let forged_key = TagKey::between(&mallory.identity, &scene.bob.identity.public());
    let forged =
        envelope::seal(&scene.address(), scene.sender(), &forged_key, b"garbage from Alice", &mut rng(4))
            .unwrap();
    let refused = scene.open(&forged).unwrap().verify(&scene.tag_key_at_bob());
    assert_eq!(refused, Err(EnvelopeError::BadSender));
    let other_sender = Sender { device: mallory.device.device_id(), ..scene.sender() };
    let claimed =
        envelope::seal(&scene.address(), other_sender, &scene.tag_key(), b"message", &mut rng(4)).unwrap();
    let opened = scene.open(&claimed).unwrap();
    assert_eq!(opened.claimed_sender(), other_sender);
    assert!(opened.verify(&forged_key).is_err());
}

#[test]
fn an_invites_tag_comes_from_its_secret() {
    let scene = Scene::new();
    let (invite, other) = (InviteSecret::generate(&mut rng(5)), InviteSecret::generate(&mut rng(6)));
    let blob =
        envelope::seal(&scene.address(), scene.sender(), &invite.tag_key(), b"first", &mut rng(7)).unwrap();
    assert!(scene.open(&blob).unwrap().verify(&invite.tag_key()).is_ok());
    let stored = TagKey::from_bytes(&invite.tag_key().to_bytes());
    assert!(scene.open(&blob).unwrap().verify(&stored).is_ok());
    assert!(scene.open(&blob).unwrap().verify(&other.tag_key()).is_err());
    assert!(scene.open(&blob).unwrap().verify(&scene.tag_key_at_bob()).is_err());
}
