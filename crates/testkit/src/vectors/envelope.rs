//! Envelopes of all sizes, and what opening refuses.

use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::DhP256HkdfSha256;
use hpke::{Deserializable, OpModeS, Serializable};
use sotto_crypto::envelope::{self, Address, EnvelopeError, SealedEnvelope, Sender, TagKey};
use sotto_crypto::invite::InviteSecret;
use sotto_crypto::keys::DeliveryKey;
use sotto_crypto::{DeliveryKeyId, EnvelopeId, MailboxId};

use super::form::{Case, Cases, Structure, counting, counting_json, hex, long};
use super::people::Person;
use super::primitives::{ecdh, hkdf, hmac, label};

pub(super) const ENVELOPE: Structure = Structure {
    name: "envelope",
    sections: "7",
    about: "A seals `carried` (here bytes that mean nothing) to B's DK and mailbox. `s` is an invite's secret whose tag \
            key is used in place of the one between the two DIKs. The draw for HPKE is the key material of \
            DeriveKeyPair. Refused cases give the `blob` that B finds in its mailbox.",
    fill,
};

type Kem = DhP256HkdfSha256;

fn sender(person: &Person) -> Sender {
    Sender { account: person.account.public().id(), device: person.device_id }
}

fn address(person: &Person) -> Address {
    Address { mailbox: person.mailbox, delivery_key: person.delivery.public() }
}

fn fill(cases: &mut Cases) {
    for (name, length) in [
        ("1 KiB, nothing", 0),
        ("1 KiB, one byte", 1),
        ("1 KiB, the most that fits", 884),
        ("4 KiB, the least", 885),
        ("4 KiB, the most that fits", 3_956),
        ("16 KiB, the least", 3_957),
        ("64 KiB, the most that may be carried", 64_512),
    ] {
        cases.case(name, |case| sealed(case, length, false));
    }
    cases.case("under an invite's tag key", |case| sealed(case, 300, true));
    refused(cases);
}

fn sealed(case: &mut Case, length: usize, invited: bool) {
    let a = Person::new(case, "A");
    let b = Person::new(case, "B");
    let carried = counting(length);
    case.given("carried", counting_json(length));
    let s = invited.then(|| InviteSecret::generate(case.random(["s"])));
    let tag_key: [u8; 32] = match &s {
        Some(s) => hkdf(&[], s.to_bytes().as_slice(), "invite-tag", &[]),
        None => {
            let shared = ecdh(a.identity.to_bytes().as_slice(), b.identity.public().as_bytes());
            hkdf(&[], &shared, "envelope-tag", &[])
        }
    };
    if let Some(s) = &s {
        case.given("s", hex(s.to_bytes().as_slice()));
    }
    let key =
        s.as_ref().map_or_else(|| TagKey::between(&a.identity, &b.identity.public()), InviteSecret::tag_key);
    assert_eq!(*key.to_bytes(), tag_key);
    let tag = tag(&tag_key, &b, &a, &carried);
    let blob =
        envelope::seal(&address(&b), sender(&a), &key, &carried, case.random(["HPKE"])).expect("sealed");
    let opened = SealedEnvelope::parse(&blob).and_then(|sealed| sealed.open(b.mailbox, &b.delivery));
    assert_eq!(opened.and_then(|opened| opened.verify(&key)).expect("opens").1, carried);
    let class = SealedEnvelope::parse(&blob).expect("an envelope").class();
    case.expect("size", class.size());
    case.expect("tag_key", hex(tag_key));
    case.expect("sender_tag", hex(tag));
    case.expect("info", hex(info()));
    case.expect("aad", hex(associated(&b, blob.len())));
    case.expect("enc", hex(&blob[7..72]));
    case.expect("blob", long(&blob));
    case.expect("envelope_id", hex(EnvelopeId::of(&blob).as_bytes()));
}

fn tag(key: &[u8; 32], to: &Person, from: &Person, carried: &[u8]) -> [u8; 16] {
    let id = to.delivery.id().0.to_be_bytes();
    let account = from.account.public().id();
    let parts: [&[u8]; 5] =
        [to.mailbox.as_bytes(), &id, account.as_bytes(), from.device_id.as_bytes(), carried];
    hmac(key, &parts)[..16].try_into().expect("16 bytes")
}

fn info() -> Vec<u8> {
    label("envelope", &[&[1, 0, 1]])
}

fn associated(to: &Person, size: usize) -> Vec<u8> {
    let class = match size {
        1024 => 0,
        4096 => 1,
        16384 => 2,
        _ => 3,
    };
    [to.mailbox.as_bytes().as_slice(), &to.delivery.id().0.to_be_bytes(), &[class]].concat()
}

/// Seals a content of any form, as somebody would who has another program.
fn seal_content(case: &mut Case, to: &Person, content: &[u8]) -> Vec<u8> {
    let size = content.len() + 7 + 65 + 16;
    let point = p256::PublicKey::from_sec1_bytes(to.delivery.public().as_bytes()).expect("a point");
    let point = p256::elliptic_curve::sec1::ToSec1Point::to_sec1_point(&point, false);
    let public = <Kem as hpke::Kem>::PublicKey::from_bytes(point.as_bytes()).expect("a public key");
    let aad = associated(to, size);
    let mut text = content.to_vec();
    let (enc, tag) = hpke::single_shot_seal_inout_detached_with_rng::<AesGcm256, HkdfSha256, Kem>(
        &OpModeS::Base,
        &public,
        &info(),
        hpke::inout::InOutBuf::from(text.as_mut_slice()),
        &aad,
        &mut case.random(["HPKE"]),
    )
    .expect("sealed");
    let head = [&[1, 0, 1], to.delivery.id().0.to_be_bytes().as_slice()].concat();
    [&head[..], &enc.to_bytes(), &text, &tag.to_bytes()].concat()
}

/// The content of an envelope as it should be, in `size` bytes of envelope.
fn content(from: &Person, to: &Person, carried: &[u8], size: usize) -> Vec<u8> {
    let shared = ecdh(from.identity.to_bytes().as_slice(), to.identity.public().as_bytes());
    let tag = tag(&hkdf(&[], &shared, "envelope-tag", &[]), to, from, carried);
    let length = u32::try_from(carried.len()).expect("short").to_be_bytes();
    let account = from.account.public().id();
    let mut content =
        [account.as_bytes().as_slice(), from.device_id.as_bytes(), &tag, &length, carried].concat();
    content.resize(size - 7 - 65 - 16, 0);
    content
}

fn verified(b: &Person, a: &Person, blob: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
    let opened = SealedEnvelope::parse(blob)?.open(b.mailbox, &b.delivery)?;
    let key = TagKey::between(&b.identity, &a.identity.public());
    opened.verify(&key).map(|(_, carried)| carried)
}

fn refused(cases: &mut Cases) {
    let mut altered = |name: &str, rule: &'static str, alter: &dyn Fn(&mut Vec<u8>)| {
        cases.case(name, |case| {
            let a = Person::new(case, "A");
            let b = Person::new(case, "B");
            let key = TagKey::between(&a.identity, &b.identity.public());
            let mut blob = envelope::seal(&address(&b), sender(&a), &key, b"carried", case.random(["HPKE"]))
                .expect("sealed");
            alter(&mut blob);
            case.given("blob", hex(&blob));
            case.refused(rule, verified(&b, &a, &blob));
        });
    };
    altered("a byte too short", "malformed", &|blob| blob.truncate(1023));
    altered("a byte too long", "malformed", &|blob| blob.push(0));
    altered("version 2", "malformed", &|blob| blob[0] = 2);
    altered("suite 2", "malformed", &|blob| blob[2] = 2);
    altered("another delivery key", "other-key", &|blob| blob[6] ^= 1);
    altered("enc begins with 02", "malformed", &|blob| blob[7] = 2);
    altered("enc not on the curve", "malformed", &|blob| blob[71] ^= 1);
    altered("a bit of the ciphertext", "bad-tag", &|blob| blob[72] ^= 1);
    altered("a bit of the last byte", "bad-tag", &|blob| blob[1023] ^= 1);

    let mut made = |name: &str, rule: &'static str, make: &dyn Fn(&Person, &Person) -> Vec<u8>| {
        cases.case(name, |case| {
            let a = Person::new(case, "A");
            let b = Person::new(case, "B");
            let blob = seal_content(case, &b, &make(&a, &b));
            case.given("blob", hex(&blob));
            case.refused(rule, verified(&b, &a, &blob));
        });
    };
    made("would have fitted a smaller size", "malformed", &|a, b| content(a, b, &counting(884), 4096));
    made("length beyond the end", "malformed", &|a, b| {
        let mut content = content(a, b, b"carried", 1024);
        content[48..52].copy_from_slice(&885_u32.to_be_bytes());
        content
    });
    made("padding that is not zero", "malformed", &|a, b| {
        let mut content = content(a, b, b"carried", 1024);
        *content.last_mut().expect("padding") = 1;
        content
    });
    made("wrong sender tag", "bad-sender", &|a, b| {
        let mut content = content(a, b, b"carried", 1024);
        content[32] ^= 1;
        content
    });
    made("tag of another sender", "bad-sender", &|a, b| {
        let mut content = content(a, b, b"carried", 1024);
        content[16] ^= 1;
        content
    });
    cases.case("sealed for another mailbox", |case| {
        let a = Person::new(case, "A");
        let b = Person::new(case, "B");
        let key = TagKey::between(&a.identity, &b.identity.public());
        let to = Address { mailbox: MailboxId::from_bytes([9; 16]), delivery_key: b.delivery.public() };
        let blob = envelope::seal(&to, sender(&a), &key, b"carried", case.random(["HPKE"])).expect("sealed");
        case.given("blob", hex(&blob));
        case.refused("bad-tag", verified(&b, &a, &blob));
    });
    cases.case("sealed to another key of the same number", |case| {
        let a = Person::new(case, "A");
        let b = Person::new(case, "B");
        let key = TagKey::between(&a.identity, &b.identity.public());
        let other = DeliveryKey::generate(DeliveryKeyId(9), case.random(["another DK"]));
        let to = Address { mailbox: b.mailbox, delivery_key: other.public() };
        let blob = envelope::seal(&to, sender(&a), &key, b"carried", case.random(["HPKE"])).expect("sealed");
        case.given("blob", hex(&blob));
        case.refused("bad-tag", verified(&b, &a, &blob));
    });
}
