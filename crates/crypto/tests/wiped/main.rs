//! Secrets are gone from the heap once what held them is dropped, over whole operations.
//!
//! As far as Rust allows: the compiler may leave copies in registers and on the stack, where nobody can look for them
//! reliably. Of the heap every block is looked at as it is freed.
#![cfg(not(target_arch = "wasm32"))]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "the lints know test functions, but not the helpers beside them"
)]
#![allow(unsafe_code, reason = "only an allocator sees what is freed, and to be one is unsafe")]

#[allow(dead_code, reason = "shared with the other tests, which use more of it")]
#[path = "../it/common.rs"]
mod common;
mod watch;

use common::{NOW, Person, rng, sessions, signer};
use hmac::{Hmac, KeyInit, Mac};
use p256::elliptic_curve::sec1::FromSec1Point;
use sha2::Sha256;
use sotto_crypto::backup::{BackupHead, BackupSealer, RecoveryKey};
use sotto_crypto::envelope::{self, Address, SealedEnvelope, Sender, TagKey};
use sotto_crypto::file::{CHUNK, CHUNK_OVERHEAD, FileOpener, FilePass, FileSealer};
use sotto_crypto::invite::InviteSecret;
use sotto_crypto::keys::{
    AccountKey, DeliveryKey, DeviceIdentityKey, DeviceSigningKey, OneTimePreKey, SignedPreKey,
};
use sotto_crypto::passphrase::{Cost, Passphrase, Stretch};
use sotto_crypto::ratchet::Session;
use sotto_crypto::sender_key::{ChainOwner, GroupMessage, ReceivingChain, RosterPlace, SendingChain};
use sotto_crypto::vault::{OpenTable, RecordPlace, VaultKey};
use sotto_crypto::x3dh::{self, PeerKeys, ResponderKeys};
use sotto_crypto::{
    AccountId, DeliveryKeyId, DeviceId, FileId, GroupId, MailboxId, PreKeyId, Purpose, RosterHash,
};
use std::ops::Range;
use watch::{Announcing, Watch, Watching};
use zeroize::{Zeroize, Zeroizing};

#[global_allocator]
static ALLOCATOR: Watching = Watching;

/// A text that is recognised wherever it stands.
const TEXT: &[u8; 48] = b"the quick brown fox jumps over 13 lazy dogs; yes";

/// Announces what `hkdf` of the specification derives from a secret.
fn derived<const N: usize>(watch: &Watch, salt: &[u8], secret: &[u8], info: &[u8]) -> Zeroizing<[u8; N]> {
    let mut output = Zeroizing::new([0; N]);
    hkdf::Hkdf::<Sha256>::new(Some(salt), secret).expand(info, output.as_mut_slice()).unwrap();
    watch.secret(output.as_slice());
    output
}

fn ecdh(watch: &Watch, secret: &[u8; 32], public: &[u8; 33]) {
    let secret = p256::SecretKey::from_slice(secret).unwrap();
    let public = p256::PublicKey::from_sec1_point(&p256::Sec1Point::from_bytes(public).unwrap()).unwrap();
    watch.secret(secret.diffie_hellman(&public).raw_secret_bytes());
}

/// Announces the keys inside a session's stored state (`ratchet/store.rs`), and what the next messages derive.
fn announce_state(watch: &Watch, session: &Session) {
    let state = session.to_bytes();
    let mut at = 1 + 32;
    let mut key = |length: usize| {
        let range: Range<usize> = at..at + length;
        at = range.end;
        state[range].to_vec()
    };
    let mut chains = Vec::new();
    watch.secret(&Zeroizing::new(key(32)));
    watch.secret(&Zeroizing::new(key(32)));
    key(33 + 4);
    if key(1) == [1] {
        chains.push(Zeroizing::new(key(32)));
        key(4);
        watch.secret(&Zeroizing::new(key(32)));
        key(4);
    }
    if key(1) == [1] {
        key(33);
        chains.push(Zeroizing::new(key(32)));
        key(4);
        watch.secret(&Zeroizing::new(key(32)));
    }
    for chain in chains {
        let mut chain = chain;
        for _ in 0..4 {
            watch.secret(&chain);
            let step = |byte: u8| {
                let mut mac = Hmac::<Sha256>::new_from_slice(&chain).unwrap();
                mac.update(&[byte]);
                Zeroizing::new(<[u8; 32]>::from(mac.finalize().into_bytes()))
            };
            watch.secret(step(1).as_slice());
            let next = step(2);
            chain.copy_from_slice(next.as_slice());
        }
    }
}

#[test]
fn what_is_left_is_found() {
    let watch = Watch::begin();
    let secret = *TEXT;
    watch.secret(&secret);
    drop(Zeroizing::new(secret.to_vec()));
    assert_eq!(watch.found(), 0);

    drop(secret.to_vec());
    assert_eq!(watch.found(), 3, "whole");
    drop([&[1, 2, 3], &secret[16..32]].concat());
    assert_eq!(watch.found(), 4, "in part, out of line");
    let mut backwards = secret.to_vec();
    backwards.reverse();
    drop(backwards);
    assert_eq!(watch.found(), 7, "with the least byte first");
    let mut grows = secret.to_vec();
    grows.reserve_exact(1_000);
    assert_eq!(watch.found(), 10, "left behind by growing");
    grows.zeroize();
    drop(grows);
    assert_eq!(watch.found(), 10);
}

#[test]
fn keys_and_signatures() {
    let watch = Watch::begin();
    let rng = &mut Announcing(&watch, rng(401));
    let account = Box::new(AccountKey::generate(rng));
    let _ = account.sign_device_list(b"list", rng);
    drop(Box::new(account.to_bytes()));
    drop(Box::new(AccountKey::from_bytes(&account.to_bytes()).unwrap()));
    drop(account);
    let signing = Box::new(DeviceSigningKey::generate(rng));
    let _ = signing.sign_challenge(b"challenge", rng);
    drop(signing);
    drop(Box::new(SignedPreKey::generate(PreKeyId(1), rng)));
    drop(Box::new(OneTimePreKey::generate(PreKeyId(1), rng)));
    drop(vec![DeviceIdentityKey::generate(rng), DeviceIdentityKey::generate(rng)]);
    watch.nothing_left();
}

#[test]
fn x3dh_and_the_first_messages() {
    let watch = Watch::begin();
    let rng = &mut Announcing(&watch, rng(402));
    let alice = Box::new(Person::new(1));
    let bob = Box::new(Person::new(2));
    let spk = bob.signed_prekey.public();
    let opk = bob.one_time_prekey.public();
    for secret in [
        alice.identity.to_bytes(),
        bob.identity.to_bytes(),
        bob.signed_prekey.to_bytes(),
        bob.one_time_prekey.to_bytes(),
    ] {
        watch.secret(secret.as_slice());
    }
    ecdh(&watch, &alice.identity.to_bytes(), spk.as_bytes());
    let link = Box::new(InviteSecret::generate(rng));
    let credential = Box::new(link.credential());
    derived::<32>(&watch, &[], link.to_bytes().as_slice(), &Purpose::INVITE_PSK.label(&[]));

    let peer = PeerKeys::new(signer(&bob.device, &bob.signing), spk, Some(opk));
    let (agreement, first) =
        x3dh::initiate(&alice.device, &alice.identity, &peer, Some(&credential), rng).unwrap();
    let agreement = Box::new(agreement);
    ecdh(&watch, &bob.identity.to_bytes(), first.ephemeral.as_bytes());
    ecdh(&watch, &bob.signed_prekey.to_bytes(), first.ephemeral.as_bytes());
    ecdh(&watch, &bob.one_time_prekey.to_bytes(), first.ephemeral.as_bytes());
    let mut ours = Box::new(Session::initiate(&agreement, rng));
    drop(agreement);
    announce_state(&watch, &ours);

    watch.secret(TEXT);
    let hello = ours.seal(TEXT, rng).unwrap();
    let keys = ResponderKeys {
        device: &bob.device,
        identity: &bob.identity,
        signed_prekey: &bob.signed_prekey,
        one_time_prekey: Some(&bob.one_time_prekey),
        invite: Some(&credential),
    };
    let agreement = Box::new(x3dh::respond(&keys, &alice.device, &first).unwrap());
    let (theirs, opened) = Session::respond(&agreement, &hello, NOW).unwrap();
    let (mut theirs, opened) = (Box::new(theirs), Zeroizing::new(opened));
    assert_eq!(opened.as_slice(), TEXT);
    drop(agreement);
    drop(opened);
    announce_state(&watch, &theirs);
    let answer = theirs.seal(TEXT, rng).unwrap();
    announce_state(&watch, &theirs);
    drop(Zeroizing::new(ours.open(&answer, NOW).unwrap()));
    announce_state(&watch, &ours);
    drop((ours, theirs, alice, bob, link, credential));
    watch.nothing_left();
}

#[test]
fn a_conversation_with_skipped_keys_and_root_steps() {
    let watch = Watch::begin();
    let (alice, bob) = sessions(3);
    let (mut alice, mut bob) = (Box::new(alice), Box::new(bob));
    let rng = &mut Announcing(&watch, rng(403));
    watch.secret(TEXT);
    for round in 0..8 {
        announce_state(&watch, &alice);
        announce_state(&watch, &bob);
        let messages: Vec<Vec<u8>> = (0..4).map(|_| alice.seal(TEXT, rng).unwrap()).collect();
        announce_state(&watch, &alice);
        // The last first, then those it skipped, but for one.
        for message in [&messages[3], &messages[0], &messages[2]] {
            drop(Zeroizing::new(bob.open(message, NOW).unwrap()));
        }
        assert!(bob.open(&messages[3], NOW).is_err());
        let mut altered = messages[1].clone();
        altered[80] ^= 1;
        assert!(bob.open(&altered, NOW).is_err());
        let ephemeral = bob.seal_ephemeral(TEXT, rng).unwrap();
        drop(Zeroizing::new(alice.open_ephemeral(&ephemeral, NOW).unwrap()));
        let answer = bob.seal(TEXT, rng).unwrap();
        drop(Zeroizing::new(alice.open(&answer, NOW).unwrap()));
        bob = Box::new(Session::from_bytes(&bob.to_bytes()).unwrap());
        if round == 6 {
            bob.forget_skipped_before(sotto_crypto::Timestamp::from_millis(u64::MAX));
        }
    }
    drop((alice, bob));
    watch.nothing_left();
}

#[test]
fn envelopes() {
    let watch = Watch::begin();
    let rng = &mut Announcing(&watch, rng(404));
    let (alice, bob) = (Person::new(1), Person::new(2));
    let delivery = Box::new(DeliveryKey::generate(DeliveryKeyId(1), rng));
    let mailbox = MailboxId::from_bytes([7; 16]);
    let tag_key = Box::new(TagKey::between(&alice.identity, &bob.identity.public()));
    watch.secret(tag_key.to_bytes().as_slice());
    ecdh(&watch, &alice.identity.to_bytes(), bob.identity.public().as_bytes());
    watch.secret(TEXT);
    let address = Address { mailbox, delivery_key: delivery.public() };
    let sender = Sender { account: alice.account.public().id(), device: alice.device.device_id() };
    let blob = envelope::seal(&address, sender, &tag_key, TEXT, rng).unwrap();
    ecdh(&watch, &delivery.to_bytes(), &compressed(&blob[7..72]));

    let sealed = SealedEnvelope::parse(&blob).unwrap();
    let opened = sealed.open(mailbox, &delivery).unwrap();
    drop(Zeroizing::new(opened.verify(&tag_key).unwrap().1));
    let opened = sealed.open(mailbox, &delivery).unwrap();
    let wrong = TagKey::between(&bob.identity, &bob.identity.public());
    assert!(opened.verify(&wrong).is_err());
    drop(sealed.open(mailbox, &delivery).unwrap());
    assert!(sealed.open(MailboxId::from_bytes([8; 16]), &delivery).is_err());
    drop((delivery, tag_key, alice, bob));
    watch.nothing_left();
}

fn compressed(point: &[u8]) -> [u8; 33] {
    let mut short = [0; 33];
    short.copy_from_slice(&point[..33]);
    short[0] = 2 + (point[64] & 1);
    short
}

#[test]
fn invites() {
    let watch = Watch::begin();
    let rng = &mut Announcing(&watch, rng(405));
    watch.secret(TEXT);
    let link = Box::new(InviteSecret::generate(rng));
    for purpose in [Purpose::INVITE_ENC, Purpose::INVITE_NAME, Purpose::INVITE_PSK, Purpose::INVITE_TAG] {
        derived::<32>(&watch, &[], link.to_bytes().as_slice(), &purpose.label(&[]));
    }
    let name = link.seal_name(TEXT, rng).unwrap();
    let bundle = link.seal_bundle(TEXT, rng).unwrap();
    drop((link.open_name(&name).unwrap(), link.open_bundle(&bundle).unwrap()));
    assert!(link.open_name(&bundle[..256]).is_err());
    drop((Box::new(link.credential()), Box::new(link.tag_key()), link));
    watch.nothing_left();
}

#[test]
fn files() {
    let watch = Watch::begin();
    let rng = &mut Announcing(&watch, rng(406));
    watch.secret(TEXT);
    let pass = Box::new(FilePass::generate(100_000, rng).unwrap());
    let key = Box::new(pass.key());
    let mut handed = Box::new(pass.hand_over());
    let mut sealer = Box::new(FileSealer::start(FilePass::take_over(&mut handed).unwrap()));
    let id: FileId = sealer.header().file_id();
    let header: [u8; 32] =
        sha2::Digest::finalize(sha2::Digest::chain_update(Sha256::default(), sealer.header().to_bytes()))
            .into();
    derived::<32>(&watch, id.as_bytes(), key.to_bytes().as_slice(), &Purpose::FILE.label(&[&header]));
    let mut buffer = Zeroizing::new(vec![0; CHUNK + CHUNK_OVERHEAD]);
    buffer[..48].copy_from_slice(TEXT);
    sealer.seal_next(&mut buffer).unwrap();
    let opener = Box::new(FileOpener::new(*sealer.header(), &key));
    opener.open(0, &mut buffer).unwrap();
    assert_eq!(&buffer[..48], TEXT);
    drop((sealer, opener, key, handed, buffer));
    watch.nothing_left();
}

#[test]
fn vault_and_passphrase() {
    let watch = Watch::begin();
    let rng = &mut Announcing(&watch, rng(407));
    watch.secret(TEXT);
    let mut open = Box::new(OpenTable::new(VaultKey::generate(rng), rng));
    for purpose in [Purpose::VAULT_STORE, Purpose::VAULT_NAMES] {
        derived::<32>(&watch, &[], open.vault().to_bytes().as_slice(), &purpose.label(&[b"contacts"]));
    }
    let store = Box::new(open.vault().store("contacts"));
    let place = RecordPlace { key: b"key", schema: 1, revision: 0 };
    let record = store.seal(&place, TEXT, rng);
    drop(store.open(&place, &record).unwrap());
    let _ = store.name(b"key");
    drop(store);

    let typed = "correct horse battery staple, of course";
    watch.secret(&typed.as_bytes()[..32]);
    let passphrase = Box::new(Passphrase::new(typed).unwrap());
    let stretch = Stretch::generate(Cost::new(Cost::MEMORY_MIN, Cost::PASSES_MIN).unwrap(), rng);
    let key = Box::new(stretch.run(&passphrase).unwrap());
    watch.secret(key.to_bytes().as_slice());
    drop(passphrase);
    open.set_passphrase(&key, rng).unwrap();
    let table = open.table().clone();
    drop(open);
    let again = Box::new(table.open(&key).unwrap());
    drop(Box::new(again.vault().to_bytes()));
    drop((again, key));
    watch.nothing_left();
}

#[test]
fn backups() {
    let watch = Watch::begin();
    let rng = &mut Announcing(&watch, rng(408));
    watch.secret(TEXT);
    let key = Box::new(RecoveryKey::generate(rng));
    let text = key.to_text();
    watch.secret(&text.as_bytes()[..96]);
    drop(Box::new(RecoveryKey::from_text(&text).unwrap()));
    drop(text);

    let mut item = Zeroizing::new(vec![0; 30_000]);
    item[..48].copy_from_slice(TEXT);
    let mut sealer = BackupSealer::with_recovery_key(&key, rng);
    let head = *sealer.head();
    let info = Purpose::BACKUP.label(&[&head[..30]]);
    derived::<32>(&watch, &head[30..46], key.to_bytes().as_slice(), &info);
    let mut chunks: Vec<Vec<u8>> = (0..5).filter_map(|_| sealer.push(&item).unwrap()).collect();
    chunks.extend(sealer.finish());
    let mut opener = BackupHead::from_bytes(&head).unwrap().open_with_recovery_key(&key).unwrap();
    let (last, others) = chunks.split_last().unwrap();
    for chunk in others {
        drop(opener.open(chunk).unwrap());
    }
    drop(opener.open_last(last).unwrap());
    drop((key, item));
    watch.nothing_left();
}

#[test]
fn sender_chains() {
    let watch = Watch::begin();
    let rng = &mut Announcing(&watch, rng(409));
    watch.secret(TEXT);
    let owner = ChainOwner {
        group: GroupId::from_bytes([1; 16]),
        account: AccountId::from_bytes([2; 16]),
        device: DeviceId::from_bytes([3; 16]),
    };
    let place = RosterPlace { epoch: 1, hash: RosterHash::from_bytes([4; 32]) };
    let mut sending = Box::new(SendingChain::generate(owner, place, rng));
    let announcement = Box::new(sending.announcement().unwrap());
    let mut receiving = Box::new(ReceivingChain::new(owner, *announcement).unwrap());
    let messages: Vec<Vec<u8>> = (0..4)
        .map(|_| {
            watch.secret(sending.announcement().unwrap().key.to_bytes().as_slice());
            sending.seal(place, TEXT, rng).unwrap()
        })
        .collect();
    for number in [3, 0, 2] {
        let message = receiving.verify(GroupMessage::parse(&messages[number]).unwrap()).unwrap();
        drop(Zeroizing::new(receiving.open(&message, NOW).unwrap()));
    }
    drop(Box::new(SendingChain::from_bytes(&sending.to_bytes()).unwrap()));
    drop(Box::new(ReceivingChain::from_bytes(&receiving.to_bytes()).unwrap()));
    drop((sending, receiving));
    watch.nothing_left();
}
