//! Envelopes and the boxes of invites: as they come, altered, and with an inside that only somebody with the keys can
//! make. The first byte chooses which.

use std::sync::OnceLock;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use hkdf::Hkdf;
use hpke::aead::AesGcm256;
use hpke::inout::InOutBuf;
use hpke::kdf::HkdfSha256;
use hpke::kem::DhP256HkdfSha256;
use hpke::{Deserializable, Kem, OpModeS, Serializable};
use sha2::Sha256;
use sotto_crypto::envelope::{self, Address, EnvelopeClass, SealedEnvelope, Sender, TagKey};
use sotto_crypto::invite::{BOX_OVERHEAD, BUNDLE_BOX, InviteSecret, NAME_BOX};
use sotto_crypto::{AccountId, DeviceId, MailboxId};
use sotto_wire::peer::{Carried, InviteContents};

use super::Seeds;
use super::input::{Choices, alter};
use super::someone::{NOW, Someone, rng};

/// Bytes of an envelope before HPKE's ciphertext.
const HEAD: usize = 1 + 2 + 4 + 65;
const TAG: usize = 16;
/// Bytes of the content before the message.
const SENDER: usize = 16 + 16 + 16 + 4;

const CLASSES: [EnvelopeClass; 4] =
    [EnvelopeClass::Kib1, EnvelopeClass::Kib4, EnvelopeClass::Kib16, EnvelopeClass::Kib64];

struct Scene {
    ben: Someone,
    mailbox: MailboxId,
    sender: Sender,
    tag: TagKey,
    invite: InviteSecret,
    /// Enough space left in it to be of the smallest class.
    sealed: Vec<u8>,
    name: Vec<u8>,
    bundle: Vec<u8>,
}

fn scene() -> &'static Scene {
    static SCENE: OnceLock<Scene> = OnceLock::new();
    SCENE.get_or_init(|| {
        let (anna, ben) = (Someone::new(1), Someone::new(2));
        let mailbox = MailboxId::from_bytes([5; 16]);
        let sender = Sender { account: anna.list.account().id(), device: anna.device().device_id() };
        let tag = TagKey::between(&anna.identity, &ben.identity.public());
        let to = Address { mailbox, delivery_key: ben.delivery.public() };
        let sealed = envelope::seal(&to, sender, &tag, b"message", &mut rng(3)).unwrap();
        let invite = InviteSecret::from_bytes(&[0xfb; 32]);
        let name = invite.seal_name(b"Anna", &mut rng(4)).unwrap();
        let bundle = invite.seal_bundle(b"bundle", &mut rng(5)).unwrap();
        Scene { ben, mailbox, sender, tag, invite, sealed, name, bundle }
    })
}

/// Opens the bytes as an envelope or box.
pub fn envelope(data: &[u8]) -> bool {
    let Some((kind, bytes)) = data.split_first() else { return false };
    let mut choices = Choices::new(bytes);
    match kind {
        0 => raw(bytes),
        1 => filled(&mut choices),
        2 => altered(choices),
        3 => inside(choices),
        4 => bundle_box(bytes),
        5 => altered_boxes(choices),
        6 => inside_boxes(choices),
        _ => false,
    }
}

/// Opens for Ben, and verifies as Anna's if it opens. What came out is the message.
fn open(blob: &[u8]) -> Option<(Sender, Vec<u8>)> {
    let scene = scene();
    let sealed = SealedEnvelope::parse(blob).ok()?;
    assert_eq!(sealed.class().size(), blob.len());
    let opened = sealed.open(scene.mailbox, &scene.ben.delivery).ok()?;
    assert!(opened.unverified_message().len() <= sealed.class().capacity());
    assert_eq!(EnvelopeClass::for_message(opened.unverified_message().len()), Some(sealed.class()));
    // A claim of any sender may be looked into before it is verified.
    let _ = Carried::decode(opened.unverified_message());
    let claimed = opened.claimed_sender();
    let (sender, message) = opened.verify(&scene.tag).ok()?;
    assert_eq!(sender, claimed);
    Some((sender, message))
}

fn raw(bytes: &[u8]) -> bool {
    open(bytes).is_some()
}

/// Filled up with zeros to the size of a class.
fn filled(choices: &mut Choices<'_>) -> bool {
    let class = CLASSES[usize::from(choices.u8()) % 4];
    let mut blob = core::mem::replace(choices, Choices::new(&[])).rest().to_vec();
    blob.resize(class.size(), 0);
    // Nobody has sealed this.
    assert!(open(&blob).is_none());
    SealedEnvelope::parse(&blob).is_ok()
}

/// A sealed envelope, altered: it opens exactly if nothing changed.
fn altered(mut choices: Choices<'_>) -> bool {
    let mut blob = scene().sealed.clone();
    let changed = alter(&mut blob, &mut choices);
    let opened = open(&blob);
    assert_eq!(opened.is_none(), changed);
    !changed
}

/// Any content, sealed to Ben by somebody who knows his delivery key: tag, length and padding may lie.
fn inside(mut choices: Choices<'_>) -> bool {
    type Public = <DhP256HkdfSha256 as Kem>::PublicKey;
    type Private = <DhP256HkdfSha256 as Kem>::PrivateKey;
    let scene = scene();
    let code = choices.u8() % 4;
    let class = CLASSES[usize::from(code)];
    let tagged = choices.u8() % 2 == 1;
    let mut content = choices.rest().to_vec();
    content.resize(class.size() - HEAD - TAG, 0);
    let key_id = scene.ben.delivery.id().0.to_be_bytes();
    if tagged {
        // Length and padding may lie; the sender tag does not, so that they are all there is to refuse.
        let length =
            usize::try_from(u32::from_be_bytes([content[48], content[49], content[50], content[51]]));
        let message = content[SENDER..].get(..length.unwrap_or(usize::MAX)).unwrap_or_default().to_vec();
        let sender = Sender {
            account: AccountId::from_bytes(content[..16].try_into().unwrap()),
            device: DeviceId::from_bytes(content[16..32].try_into().unwrap()),
        };
        content[32..48].copy_from_slice(&sender_tag(sender, &key_id, &message));
    }
    let private = Private::from_bytes(scene.ben.delivery.to_bytes().as_slice()).unwrap();
    let public: Public = DhP256HkdfSha256::sk_to_pk(&private);
    let (enc, tag) =
        hpke::single_shot_seal_inout_detached_with_rng::<AesGcm256, HkdfSha256, DhP256HkdfSha256>(
            &OpModeS::Base,
            &public,
            b"sotto/v1/envelope\0\x01\x00\x01",
            InOutBuf::from(content.as_mut_slice()),
            &[scene.mailbox.as_bytes().as_slice(), &key_id, &[code]].concat(),
            &mut rng(6),
        )
        .unwrap();
    let head = [&[1, 0, 1], key_id.as_slice(), &enc.to_bytes()].concat();
    let opened = open(&[head.as_slice(), &content, &tag.to_bytes()].concat());
    let Some((sender, message)) = opened else { return false };
    // Only what sealing makes is accepted: sealing it again gives an envelope of the same size that says the same.
    let to = Address { mailbox: scene.mailbox, delivery_key: scene.ben.delivery.public() };
    let again = envelope::seal(&to, sender, &scene.tag, &message, &mut rng(7)).unwrap();
    assert_eq!(again.len(), class.size());
    assert_eq!(open(&again), Some((sender, message)));
    true
}

/// The formula of section 7.
fn sender_tag(sender: Sender, key_id: &[u8; 4], message: &[u8]) -> [u8; 16] {
    use hmac::Mac;
    let scene = scene();
    let mut mac = hmac::Hmac::<Sha256>::new_from_slice(scene.tag.to_bytes().as_slice()).unwrap();
    for part in [
        scene.mailbox.as_bytes().as_slice(),
        key_id,
        sender.account.as_bytes(),
        sender.device.as_bytes(),
        message,
    ] {
        mac.update(part);
    }
    let tag: [u8; 32] = mac.finalize().into_bytes().into();
    tag[..16].try_into().unwrap()
}

/// The bytes as the content of a bundle box: what the box gives back is exactly that.
fn bundle_box(bytes: &[u8]) -> bool {
    let scene = scene();
    let sealed = scene.invite.seal_bundle(bytes, &mut rng(8));
    assert_eq!(sealed.is_err(), bytes.len() > BUNDLE_BOX - BOX_OVERHEAD);
    let Ok(sealed) = sealed else { return false };
    let opened = scene.invite.open_bundle(&sealed).expect("what was sealed opens");
    assert_eq!(*opened, bytes);
    assert!(scene.invite.open_name(&sealed).is_err());
    let account = Someone::new(1).list.account().hash();
    InviteContents::decode(&opened, &account, NOW).is_ok()
}

fn altered_boxes(mut choices: Choices<'_>) -> bool {
    let scene = scene();
    let name = choices.u8().is_multiple_of(2);
    let mut sealed = if name { scene.name.clone() } else { scene.bundle.clone() };
    let changed = alter(&mut sealed, &mut choices);
    let opened = if name { scene.invite.open_name(&sealed) } else { scene.invite.open_bundle(&sealed) };
    assert_eq!(opened.is_err(), changed);
    !changed
}

/// A box made by somebody who has the link: length and padding may lie.
fn inside_boxes(mut choices: Choices<'_>) -> bool {
    let scene = scene();
    let name = choices.u8().is_multiple_of(2);
    let (purpose, size) = if name { ("name", NAME_BOX) } else { ("enc", BUNDLE_BOX) };
    let mut content = choices.rest().to_vec();
    content.resize(size - 12 - TAG, 0);
    let mut key = [0; 32];
    let secret = scene.invite.to_bytes();
    let label = format!("sotto/v1/invite-{purpose}\0");
    Hkdf::<Sha256>::new(None, secret.as_slice()).expand(label.as_bytes(), &mut key).unwrap();
    let cipher = Aes256Gcm::new_from_slice(&key).unwrap();
    let id = scene.invite.id();
    let payload = Payload { msg: &content, aad: id.as_bytes() };
    let sealed = [&[7; 12], cipher.encrypt(&[7; 12].into(), payload).unwrap().as_slice()].concat();
    let opened = if name { scene.invite.open_name(&sealed) } else { scene.invite.open_bundle(&sealed) };
    let length = usize::from(u16::from_be_bytes([content[0], content[1]]));
    let well_formed = content.get(2 + length..).is_some_and(|rest| rest.iter().all(|byte| *byte == 0));
    assert_eq!(opened.is_ok(), well_formed);
    assert!(opened.is_err() || opened.is_ok_and(|opened| *opened == content[2..2 + length]));
    well_formed
}

pub(super) fn seeds() -> Seeds {
    let scene = scene();
    let content = |length: u32, message: &[u8]| {
        let (account, device) = (scene.sender.account, scene.sender.device);
        [account.as_bytes().as_slice(), device.as_bytes(), &[0; 16], &length.to_be_bytes(), message].concat()
    };
    let anna = Someone::new(1);
    let first = sotto_wire::peer::FirstPrefix {
        device_list: anna.list.clone(),
        keys: sotto_crypto::x3dh::FirstKeys {
            ephemeral: sotto_crypto::keys::EphemeralPublic::from_bytes(anna.identity.public().as_bytes())
                .unwrap(),
            spk_id: sotto_crypto::PreKeyId(1),
            opk_id: None,
            invite_id: None,
        },
    };
    let carried = Carried::encode(Some(&first), b"message");
    let carried_length = u32::try_from(carried.len()).unwrap();
    let bundle = anna.bundle().sign(&anna.signing, &mut rng(9));
    let token = sotto_crypto::DeliveryToken::from_bytes(&[7; 32]);
    let invite =
        InviteContents::encode(&anna.list, &bundle, anna.one_time.public(), scene.mailbox, token).to_vec();
    [
        ("raw", 0, scene.sealed.clone()),
        ("filled", 1, [&[1], &scene.sealed[..80]].concat()),
        ("unchanged", 2, Vec::new()),
        ("inside-empty", 3, [&[0, 1], content(0, b"").as_slice()].concat()),
        ("inside", 3, [&[0, 1], content(7, b"message").as_slice()].concat()),
        ("inside-carried", 3, [&[0, 1], content(carried_length, &carried).as_slice()].concat()),
        ("inside-full", 3, [&[0, 1], content(884, &[1; 884]).as_slice()].concat()),
        ("inside-4k", 3, [&[1, 1], content(1_000, &[1; 1_000]).as_slice()].concat()),
        ("inside-16k", 3, [&[2, 1], content(4_000, &[]).as_slice()].concat()),
        ("inside-64k", 3, [&[3, 1], content(20_000, &[]).as_slice()].concat()),
        ("refused-length", 3, [&[0, 1], content(900, b"message").as_slice()].concat()),
        ("refused-padding", 3, [&[0, 1], content(7, b"message and more").as_slice()].concat()),
        ("refused-class", 3, [&[1, 1], content(7, b"message").as_slice()].concat()),
        ("refused-tag", 3, [&[0, 0], content(7, b"message").as_slice()].concat()),
        ("refused-version", 2, vec![3, 0, 0, 3]),
        ("refused-key", 2, vec![3, 0, 6, 1]),
        ("refused-enc", 2, vec![3, 0, 40, 1]),
        ("refused-end", 2, vec![2, 0, 0, 1]),
        ("refused-cut", 2, vec![0, 0, 0]),
        ("bundle", 4, invite),
        ("box-unchanged", 5, vec![1]),
        ("refused-box", 5, vec![0, 3, 0, 20, 1]),
        ("refused-box-length", 6, vec![0, 0xff, 0xff]),
        ("refused-box-padding", 6, [&[0, 0, 4], b"Anna Lee".as_slice()].concat()),
        ("box-name", 6, [&[0, 0, 4], b"Anna".as_slice()].concat()),
        ("box-bundle", 6, [&[1, 0, 6], b"bundle".as_slice()].concat()),
    ]
    .into_iter()
    .map(|(name, kind, bytes)| (name.to_owned(), [&[kind], bytes.as_slice()].concat()))
    .collect()
}
