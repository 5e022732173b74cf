//! The formulas of the specification written out once more, byte by byte and straight on the primitives, beside what
//! the modules do: a change of any layout, label or order of inputs is a change of the protocol.

use crate::bytes::join;
use crate::envelope::{self, Address, SealedEnvelope, Sender, TagKey};
use crate::file::{FilePass, FileSealer};
use crate::invite::InviteSecret;
use crate::keys::{
    AccountKey, BundleSigner, DeliveryKey, DeviceIdentityKey, DevicePublic, DeviceSigningKey, OneTimePreKey,
    SignedPreKey,
};
use crate::ratchet::Session;
use crate::vault::{RecordPlace, VaultKey};
use crate::x3dh::{self, PeerKeys};
use crate::{AccountId, DeliveryKeyId, DeviceId, MailboxId, PreKeyId};
use aes_gcm::{Aes256Gcm, KeyInit, aead::Aead, aead::Payload};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use sha2::{Digest, Sha256};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn rng(seed: u64) -> ChaCha12Rng {
    ChaCha12Rng::seed_from_u64(seed)
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    Sha256::digest(parts.concat()).into()
}

fn hkdf<const N: usize>(salt: &[u8], ikm: &[u8], info: &[&[u8]]) -> [u8; N] {
    let mut output = [0; N];
    Hkdf::<Sha256>::new(Some(salt), ikm).expand(&info.concat(), &mut output).unwrap();
    output
}

fn hmac(key: &[u8], message: &[&[u8]]) -> [u8; 32] {
    Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(message.concat()).finalize().into_bytes().into()
}

fn open(key: &[u8], nonce: &[u8], sealed: &[u8], aad: &[u8]) -> Vec<u8> {
    let nonce: [u8; 12] = nonce.try_into().unwrap();
    let cipher = Aes256Gcm::new_from_slice(key).unwrap();
    cipher.decrypt(&nonce.into(), Payload { msg: sealed, aad }).unwrap()
}

fn ecdh(secret: &[u8; 32], public: &[u8]) -> [u8; 32] {
    let secret = p256::SecretKey::from_slice(secret).unwrap();
    let public = p256::PublicKey::from_sec1_bytes(public).unwrap();
    (*secret.diffie_hellman(&public).raw_secret_bytes()).into()
}

struct Device {
    identity: DeviceIdentityKey,
    public: DevicePublic,
    vouched: BundleSigner,
}

fn device(seed: u64) -> Device {
    let rng = &mut rng(seed);
    let account = AccountKey::generate(rng).public();
    let signing = DeviceSigningKey::generate(rng);
    let identity = DeviceIdentityKey::generate(rng);
    let id = DeviceId::generate(rng);
    let public = DevicePublic::new(account, id, signing.public(), identity.public()).unwrap();
    let vouched = public.verify_bundle(b"bundle", &signing.sign_bundle(b"bundle", rng)).unwrap();
    Device { identity, public, vouched }
}

fn flat(device: &DevicePublic) -> Vec<u8> {
    let (account, signing, identity) = (device.account(), device.signing(), device.identity());
    [account.as_bytes().as_slice(), device.device_id().as_bytes(), signing.as_bytes(), identity.as_bytes()]
        .concat()
}

/// X3DH with everything in it, the first message of the session, and an ephemeral one.
#[test]
fn x3dh_and_ratchet() {
    let (a, b) = (device(1), device(2));
    let spk = SignedPreKey::generate(PreKeyId(0x0102_0304), &mut rng(3));
    let opk = OneTimePreKey::generate(PreKeyId(0x0506_0708), &mut rng(4));
    let s = InviteSecret::generate(&mut rng(5));
    let bundle = PeerKeys::new(b.vouched, spk.public(), Some(opk.public()));
    let (agreement, first) =
        x3dh::initiate(&a.public, &a.identity, &bundle, Some(&s.credential()), &mut rng(6)).unwrap();

    let ek = first.ephemeral.as_bytes();
    let psk: [u8; 32] = hkdf(&[], s.to_bytes().as_slice(), &[b"sotto/v1/invite-psk\0"]);
    let invite_id: [u8; 16] = hkdf(&[], s.to_bytes().as_slice(), &[b"sotto/v1/invite-id\0"]);
    assert_eq!(*s.id().as_bytes(), invite_id);
    let th = sha256(&[
        b"sotto/v1/x3dh-transcript\0",
        &[0, 1],
        &[3],
        &flat(&a.public),
        &flat(&b.public),
        &[1, 2, 3, 4],
        spk.public().as_bytes(),
        &[5, 6, 7, 8],
        opk.public().as_bytes(),
        &invite_id,
        ek,
    ]);
    let dh1 = ecdh(&spk.to_bytes(), a.identity.public().as_bytes());
    let dh2 = ecdh(&b.identity.to_bytes(), ek);
    let dh3 = ecdh(&spk.to_bytes(), ek);
    let dh4 = ecdh(&opk.to_bytes(), ek);
    let ikm = [dh1, dh2, dh3, dh4, psk].concat();
    let sk: [u8; 32] = hkdf(&[0; 32], &ikm, &[b"sotto/v1/x3dh-secret\0", &th]);
    let session_id = &sha256(&[b"sotto/v1/session-id\0", &th])[..16];
    assert_eq!(agreement.agreed.transcript, th);
    assert_eq!(agreement.agreed.secret, sk);
    assert_eq!(agreement.session_id().as_bytes(), session_id);

    let mut session = Session::initiate(&agreement, &mut rng(7));
    let message = session.seal(b"message", &mut rng(8)).unwrap();
    let (header, sealed) = message.split_at(75);
    let (dh, r) = (&header[18..51], &header[59..]);
    assert_eq!(header[..18], [&[1, 1], session_id].concat());
    assert_eq!(header[51..59], [0; 8]);
    let step: [u8; 96] = hkdf(&sk, &ecdh(&spk.to_bytes(), dh), &[b"sotto/v1/ratchet-root\0"]);
    let mk = hmac(&step[32..64], &[&[1]]);
    let key: [u8; 44] = hkdf(r, &mk, &[b"sotto/v1/ratchet-message\0", session_id]);
    let aad = [th.as_slice(), header].concat();
    assert_eq!(open(&key[..32], &key[32..], sealed, &aad), b"message");

    let second = session.seal(b"second", &mut rng(9)).unwrap();
    let (header, sealed) = second.split_at(75);
    let mk = hmac(&hmac(&step[32..64], &[&[2]]), &[&[1]]);
    let key: [u8; 44] = hkdf(&header[59..], &mk, &[b"sotto/v1/ratchet-message\0", session_id]);
    assert_eq!(open(&key[..32], &key[32..], sealed, &[th.as_slice(), header].concat()), b"second");

    let ephemeral = session.seal_ephemeral(b"ephemeral", &mut rng(10)).unwrap();
    let (header, sealed) = ephemeral.split_at(75);
    let label = b"sotto/v1/ratchet-ephemeral\0";
    let key: [u8; 44] = hkdf(&header[59..], &step[64..], &[label, session_id, dh, &[0; 4]]);
    assert_eq!(open(&key[..32], &key[32..], sealed, &[th.as_slice(), header].concat()), b"ephemeral");
}

/// Without one-time prekey and invite, zeros stand in their places.
#[test]
fn x3dh_with_nothing_optional() {
    let (a, b) = (device(1), device(2));
    let spk = SignedPreKey::generate(PreKeyId(7), &mut rng(3));
    let bundle = PeerKeys::new(b.vouched, spk.public(), None);
    let (agreement, first) = x3dh::initiate(&a.public, &a.identity, &bundle, None, &mut rng(6)).unwrap();
    let ek = first.ephemeral.as_bytes();
    let th = sha256(&[
        b"sotto/v1/x3dh-transcript\0",
        &[0, 1, 0],
        &flat(&a.public),
        &flat(&b.public),
        &[0, 0, 0, 7],
        spk.public().as_bytes(),
        &[0; 4 + 33 + 16],
        ek,
    ]);
    let dh1 = ecdh(&spk.to_bytes(), a.identity.public().as_bytes());
    let dh2 = ecdh(&b.identity.to_bytes(), ek);
    let dh3 = ecdh(&spk.to_bytes(), ek);
    let ikm = [dh1, dh2, dh3, [0; 32], [0; 32]].concat();
    let sk: [u8; 32] = hkdf(&[0; 32], &ikm, &[b"sotto/v1/x3dh-secret\0", &th]);
    assert_eq!((agreement.agreed.transcript, agreement.agreed.secret), (th, sk));
}

#[test]
fn account_hashes() {
    let account = device(1).public;
    let account = account.account();
    let aik = account.as_bytes().as_slice();
    assert_eq!(account.id().as_bytes()[..], sha256(&[b"sotto/v1/account-id\0", aik])[..16]);
    assert_eq!(*account.hash().as_bytes(), sha256(&[b"sotto/v1/invite-account\0", aik]));
}

#[test]
fn envelope_tag_and_outside() {
    let (a, b) = (device(1), device(2));
    let key = DeliveryKey::generate(DeliveryKeyId(9), &mut rng(3));
    let mailbox = MailboxId::from_bytes([5; 16]);
    let sender = Sender { account: AccountId::from_bytes([6; 16]), device: DeviceId::from_bytes([7; 16]) };
    let to = Address { mailbox, delivery_key: key.public() };
    let tag_key = TagKey::between(&a.identity, &b.identity.public());
    let blob = envelope::seal(&to, sender, &tag_key, b"message", &mut rng(4)).unwrap();

    // HPKE itself is the library's; opened here with info and AAD written out.
    let private = hpke::Deserializable::from_bytes(key.to_bytes().as_slice()).unwrap();
    let enc = hpke::Deserializable::from_bytes(&blob[7..72]).unwrap();
    let mut context = hpke::setup_receiver::<
        hpke::aead::AesGcm256,
        hpke::kdf::HkdfSha256,
        hpke::kem::DhP256HkdfSha256,
    >(&hpke::OpModeR::Base, &private, &enc, b"sotto/v1/envelope\0\x01\x00\x01")
    .unwrap();
    let aad = [&[5; 16], [0, 0, 0, 9].as_slice(), &[0]].concat();
    let mut content = blob[72..1024 - 16].to_vec();
    let tag = hpke::Deserializable::from_bytes(&blob[1024 - 16..]).unwrap();
    context.open_inout_detached(hpke::inout::InOutBuf::from(content.as_mut_slice()), &aad, &tag).unwrap();

    let shared = ecdh(&b.identity.to_bytes(), a.identity.public().as_bytes());
    let mac_key: [u8; 32] = hkdf(&[], &shared, &[b"sotto/v1/envelope-tag\0"]);
    let mac = hmac(&mac_key, &[&[5; 16], &[0, 0, 0, 9], &[6; 16], &[7; 16], b"message"]);
    let expected = [&[6; 16], [7; 16].as_slice(), &mac[..16], &[0, 0, 0, 7], b"message"].concat();
    assert_eq!(content[..expected.len()], expected);
    assert!(content[expected.len()..].iter().all(|byte| *byte == 0));
    assert!(SealedEnvelope::parse(&blob).is_ok());
}

#[test]
fn invite_boxes() {
    let s = InviteSecret::generate(&mut rng(1));
    let secret = s.to_bytes();
    let enc: [u8; 32] = hkdf(&[], secret.as_slice(), &[b"sotto/v1/invite-enc\0"]);
    let name: [u8; 32] = hkdf(&[], secret.as_slice(), &[b"sotto/v1/invite-name\0"]);
    for (key, sealed) in [
        (enc, s.seal_bundle(b"Alice", &mut rng(2)).unwrap()),
        (name, s.seal_name(b"Alice", &mut rng(2)).unwrap()),
    ] {
        let content = open(&key, &sealed[..12], &sealed[12..], s.id().as_bytes());
        assert_eq!(content[..7], *b"\0\x05Alice");
        assert!(content[7..].iter().all(|byte| *byte == 0));
    }
}

#[test]
fn file_of_two_chunks() {
    let size = 65_536_u64 + 3;
    let pass = FilePass::generate(size, &mut rng(1)).unwrap();
    let file_key = pass.key();
    let mut sealer = FileSealer::start(pass);
    let file_id = sealer.header().file_id();
    let mut chunks = [vec![1; 65_536 + 16], vec![2; 3 + 16]];
    let leaves = [0, 1].map(|index| *sealer.seal_next(&mut chunks[index]).unwrap().as_bytes());

    let hdr = [b"SOTF".as_slice(), &[1, 16], &size.to_be_bytes(), file_id.as_bytes()].concat();
    let bound = sha256(&[&hdr]);
    let material: [u8; 64] =
        hkdf(file_id.as_bytes(), file_key.to_bytes().as_slice(), &[b"sotto/v1/file\0", &bound]);
    let (key, commit) = material.split_at(32);
    let nonce = |i: u8, last: u8| [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, i, last];
    assert_eq!(open(key, &nonce(0, 0), &chunks[0], &bound), [1; 65_536]);
    assert_eq!(open(key, &nonce(1, 1), &chunks[1], &bound), [2; 3]);
    let leaf = |i: u8, chunk: &[u8]| sha256(&[&[0], &[0, 0, 0, i], chunk]);
    assert_eq!(leaves, [leaf(0, &chunks[0]), leaf(1, &chunks[1])]);
    let top = sha256(&[&[1], &leaves[0], &leaves[1]]);
    let root = sha256(&[&[2], &hdr, commit, &[0, 0, 0, 2], &top]);
    assert_eq!(*sealer.root().unwrap().as_bytes(), root);
}

#[test]
fn vault_record_and_token() {
    let key = VaultKey::generate(&mut rng(1));
    let place = RecordPlace { key: b"k", schema: 2, revision: 3 };
    let record = key.store("chats").seal(&place, b"content", &mut rng(2));
    let store_key: [u8; 32] = hkdf(&[], key.to_bytes().as_slice(), &[b"sotto/v1/vault-store\0", b"chats"]);
    let aad = b"\0\0\0\x05chats\0\0\0\x01k\0\0\0\x04\0\0\0\x02\0\0\0\x08\0\0\0\0\0\0\0\x03";
    assert_eq!(record[0], 1);
    assert_eq!(open(&store_key, &record[1..13], &record[13..], aad), b"content");
    let names: [u8; 32] = hkdf(&[], key.to_bytes().as_slice(), &[b"sotto/v1/vault-names\0", b"chats"]);
    assert_eq!(key.store("chats").name(b"k"), join::<16>(&[&hmac(&names, &[b"k"])]));

    let token = crate::DeliveryToken::generate(&mut rng(3));
    let hash = sha256(&[b"sotto/v1/delivery-token\0", token.to_bytes().as_slice()]);
    assert_eq!(*token.hash().as_bytes(), hash);
}
