//! The operations under test. Each is measured for inputs of two classes that must not differ in time.

use super::common::{NOW, Person, rng, sessions};
use super::measure::Bench;
use super::welch::Class;
use hpke::aead::{AeadTag, AesGcm256};
use hpke::inout::InOutBuf;
use hpke::kdf::HkdfSha256;
use hpke::kem::DhP256HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use p256::ProjectivePoint;
use p256::elliptic_curve::ops::Double;
use p256::elliptic_curve::sec1::ToSec1Point;
use rand_core::Rng;
use sotto_crypto::envelope::{self, Address, SealedEnvelope, Sender, TagKey, UnverifiedEnvelope};
use sotto_crypto::file::FileRoot;
use sotto_crypto::keys::{AccountHash, DeliveryKey, DeviceIdentityKey, GroupSigningKey};
use sotto_crypto::sender_key::{ChainOwner, GroupMessage, ReceivingChain, RosterPlace, SendingChain};
use sotto_crypto::{AccountId, DeliveryKeyId, DeviceId, GroupId, MailboxId, Purpose, RosterHash, TokenHash};
use std::hint::black_box;

/// An operation, and whether its two classes are known to differ: a check that finds nothing has to be able to.
pub struct Subject {
    /// What is measured.
    pub name: &'static str,
    /// What the classes are.
    pub classes: &'static str,
    /// A deliberately leaking one.
    pub control: bool,
    /// How many measurements a full run takes: as many as a minute or so holds.
    pub measurements: u32,
    /// Measures so many.
    pub run: fn(&mut Bench, u32),
}

const SMALL: u32 = 1_000_000;

/// All of them, the controls first.
pub const SUBJECTS: &[Subject] = &[
    Subject {
        name: "control: comparison that stops at the first difference",
        classes: "32 bytes that differ in the first or in the last byte",
        control: true,
        measurements: SMALL,
        run: leaking_comparison,
    },
    Subject {
        name: "control: double and add",
        classes: "the scalar 2^255 or random scalars",
        control: true,
        measurements: 20_000,
        run: leaking_multiplication,
    },
    Subject {
        name: "token comparison (TokenHash)",
        classes: "hashes that differ in the first or in the last byte",
        control: false,
        measurements: SMALL,
        run: |bench, count| comparison(bench, count, TokenHash::from_bytes),
    },
    Subject {
        name: "account hash of a link (AccountHash)",
        classes: "hashes that differ in the first or in the last byte",
        control: false,
        measurements: SMALL,
        run: |bench, count| comparison(bench, count, AccountHash::from_bytes),
    },
    Subject {
        name: "file root comparison (FileRoot)",
        classes: "roots that differ in the first or in the last byte",
        control: false,
        measurements: SMALL,
        run: |bench, count| comparison(bench, count, FileRoot::from_bytes),
    },
    Subject {
        name: "sender tag (UnverifiedEnvelope::verify)",
        classes: "tags that differ in the first or in the last byte",
        control: false,
        measurements: 100_000,
        run: sender_tag,
    },
    Subject {
        name: "GCM tag (ratchet Session::open)",
        classes: "tags that differ in the first or in the last byte",
        control: false,
        measurements: 500_000,
        run: gcm_tag,
    },
    Subject {
        name: "commitment (ReceivingChain::open)",
        classes: "commitments that differ in the first or in the last byte",
        control: false,
        measurements: 200_000,
        run: commitment,
    },
    Subject {
        name: "ECDH (TagKey::between), one scalar",
        classes: "one scalar or random scalars",
        control: false,
        measurements: 200_000,
        run: |bench, count| multiplication(bench, count, &[0x5a; 32]),
    },
    Subject {
        name: "ECDH (TagKey::between), a scalar of few ones",
        classes: "the scalar 2^248 or random scalars",
        control: false,
        measurements: 200_000,
        run: |bench, count| multiplication(bench, count, &few_ones(1)),
    },
];

fn flipped<const N: usize>(bytes: &[u8; N], class: Class) -> [u8; N] {
    let mut other = *bytes;
    match class {
        Class::First => other[0] ^= 1,
        Class::Second => other[N - 1] ^= 1,
    }
    other
}

fn few_ones(first: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = first;
    bytes
}

fn random<const N: usize>(rng: &mut impl Rng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

fn comparison<T: PartialEq>(bench: &mut Bench, count: u32, make: fn([u8; 32]) -> T) {
    let rng = &mut rng(1);
    let prepare = |class| {
        let bytes = random(rng);
        (make(bytes), make(flipped(&bytes, class)))
    };
    // One comparison is shorter than the clock's grain.
    bench.measure(count, prepare, |(a, b)| (0..32).any(|_| black_box(&*a) == black_box(&*b)));
}

#[inline(never)]
fn stops_early(a: &[u8; 32], b: &[u8; 32]) -> bool {
    for (a, b) in a.iter().zip(b) {
        if black_box(a) != black_box(b) {
            return false;
        }
    }
    true
}

fn leaking_comparison(bench: &mut Bench, count: u32) {
    let rng = &mut rng(1);
    let prepare = |class| {
        let bytes = random(rng);
        (bytes, flipped(&bytes, class))
    };
    bench.measure(count, prepare, |(a, b)| (0..32).any(|_| stops_early(black_box(a), black_box(b))));
}

fn scalar(rng: &mut impl Rng) -> [u8; 32] {
    loop {
        let bytes = random(rng);
        if DeviceIdentityKey::from_bytes(&bytes).is_ok() {
            return bytes;
        }
    }
}

fn leaking_multiplication(bench: &mut Bench, count: u32) {
    let rng = &mut rng(2);
    let prepare = |class| match class {
        Class::First => few_ones(0x80),
        Class::Second => scalar(rng),
    };
    bench.measure(count, prepare, |bytes| {
        let mut sum = ProjectivePoint::IDENTITY;
        for bit in (0..256).map(|bit| bytes[bit / 8] >> (7 - bit % 8) & 1) {
            sum = sum.double();
            if bit == 1 {
                sum += ProjectivePoint::GENERATOR;
            }
        }
        sum
    });
}

fn multiplication(bench: &mut Bench, count: u32, fixed: &[u8; 32]) {
    let rng = &mut rng(3);
    let theirs = Person::new(1).identity.public();
    let prepare = |class| {
        let bytes = match class {
            Class::First => *fixed,
            Class::Second => scalar(rng),
        };
        DeviceIdentityKey::from_bytes(&bytes).unwrap()
    };
    bench.measure(count, prepare, |own| TagKey::between(own, black_box(&theirs)));
}

fn gcm_tag(bench: &mut Bench, count: u32) {
    let (mut alice, mut bob) = sessions(1);
    let message = alice.seal(b"a message of some length", &mut rng(4)).unwrap();
    let prepare = |class| {
        let mut message = message.clone();
        let at = message.len() - 16;
        let tag: &[u8; 16] = message[at..].try_into().unwrap();
        let tag = flipped(tag, class);
        message[at..].copy_from_slice(&tag);
        message
    };
    bench.measure(count, prepare, |message| bob.open(message, NOW).is_ok());
}

fn commitment(bench: &mut Bench, count: u32) {
    /// Section 21.6: where the commitment stands in a group message, and where the chain's key in its state.
    const COMMIT: core::ops::Range<usize> = 89..121;
    const SIGNING: core::ops::Range<usize> = 85..117;

    let rng = &mut rng(5);
    let owner = ChainOwner {
        group: GroupId::from_bytes([1; 16]),
        account: AccountId::from_bytes([2; 16]),
        device: DeviceId::from_bytes([3; 16]),
    };
    let place = RosterPlace { epoch: 1, hash: RosterHash::from_bytes([4; 32]) };
    let mut sending = SendingChain::generate(owner, place, rng);
    let mut receiving = ReceivingChain::new(owner, sending.announcement().unwrap()).unwrap();
    let signing = GroupSigningKey::from_bytes(sending.to_bytes()[SIGNING].try_into().unwrap()).unwrap();
    let message = sending.seal(place, b"a message of some length", rng).unwrap();
    let mut altered = |class| {
        let mut message = message.clone();
        let commit: [u8; 32] = message[COMMIT].try_into().unwrap();
        message[COMMIT].copy_from_slice(&flipped(&commit, class));
        let signed = message.len() - 64;
        let signature = signing.sign_group_message(&message[..signed], rng).to_bytes();
        message[signed..].copy_from_slice(&signature);
        message
    };
    let [first, second] = [Class::First, Class::Second].map(&mut altered);
    let key = ReceivingChain::from_bytes(&receiving.to_bytes()).unwrap();
    // Each measurement has a place in memory of its own: with a thousand places for each class the classes differed by
    // 2 ns, in one run this way and in the next the other. Verified beforehand, because only what follows the
    // signature is measured. What is leaked are some megabytes.
    let prepare = |class| {
        let message = match class {
            Class::First => &first,
            Class::Second => &second,
        };
        key.verify(GroupMessage::parse(Vec::leak(message.clone())).unwrap()).unwrap()
    };
    bench.measure(count, prepare, |message| receiving.open(message, NOW).is_ok());
}

fn sender_tag(bench: &mut Bench, count: u32) {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let rng = &mut rng(6);
    let delivery = DeliveryKey::generate(DeliveryKeyId(1), rng);
    let mailbox = MailboxId::from_bytes([7; 16]);
    let address = Address { mailbox, delivery_key: delivery.public() };
    let sender = Sender { account: alice.account.public().id(), device: alice.device.device_id() };
    let tag_key = TagKey::between(&alice.identity, &bob.identity.public());
    let blob = envelope::seal(&address, sender, &tag_key, b"a message of some length", rng).unwrap();
    let [first, second] = [Class::First, Class::Second].map(|class| reseal(&blob, &delivery, mailbox, class));
    let prepare = |class| -> Option<UnverifiedEnvelope> {
        let blob = match class {
            Class::First => &first,
            Class::Second => &second,
        };
        Some(SealedEnvelope::parse(blob).unwrap().open(mailbox, &delivery).unwrap())
    };
    bench.measure(count, prepare, |envelope| {
        envelope.take().map(|envelope| envelope.verify(&tag_key).is_ok())
    });
}

/// An envelope with another sender tag inside, which only somebody with the delivery key could have noticed (section 7).
fn reseal(blob: &[u8], key: &DeliveryKey, mailbox: MailboxId, class: Class) -> Vec<u8> {
    const HEAD: usize = 7;
    const ENC: usize = 65;
    const SENDER_TAG: core::ops::Range<usize> = 32..48;
    type Private = <DhP256HkdfSha256 as Kem>::PrivateKey;
    type Public = <DhP256HkdfSha256 as Kem>::PublicKey;
    type Encapsulated = <DhP256HkdfSha256 as Kem>::EncappedKey;

    let (head, rest) = blob.split_at(HEAD);
    let (enc, rest) = rest.split_at(ENC);
    let (text, tag) = rest.split_at(rest.len() - 16);
    let info = Purpose::ENVELOPE.label(&[&head[..3]]);
    let associated = [mailbox.as_bytes().as_slice(), &head[3..7], &[0]].concat();

    let mut content = text.to_vec();
    hpke::single_shot_open_inout_detached::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(
        &OpModeR::Base,
        &Private::from_bytes(key.to_bytes().as_slice()).unwrap(),
        &Encapsulated::from_bytes(enc).unwrap(),
        &info,
        InOutBuf::from(content.as_mut_slice()),
        &associated,
        &AeadTag::<AesGcm256>::from_bytes(tag).unwrap(),
    )
    .unwrap();

    let sender_tag: [u8; 16] = content[SENDER_TAG].try_into().unwrap();
    content[SENDER_TAG].copy_from_slice(&flipped(&sender_tag, class));
    let public = p256::PublicKey::from_sec1_bytes(key.public().as_bytes()).unwrap();
    let (enc, tag) =
        hpke::single_shot_seal_inout_detached_with_rng::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(
            &OpModeS::Base,
            &Public::from_bytes(public.to_sec1_point(false).as_bytes()).unwrap(),
            &info,
            InOutBuf::from(content.as_mut_slice()),
            &associated,
            &mut rng(8),
        )
        .unwrap();
    [head, enc.to_bytes().as_slice(), &content, tag.to_bytes().as_slice()].concat()
}
