//! How fast the cryptography runs in a browser. `cargo xtask bench` runs it.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "the lints know test functions, but not the helpers beside them"
)]

#[allow(dead_code, reason = "shared with the tests, which use more of it")]
#[path = "it/common.rs"]
mod common;

use common::{NOW, Person, rng, sessions};
use sotto_crypto::envelope::{self, Address, SealedEnvelope, Sender, TagKey};
use sotto_crypto::file::{
    CHUNK, CHUNK_OVERHEAD, FileKey, FileOpener, FilePass, FileSealer, Leaf, TreeHasher,
};
use sotto_crypto::keys::DeliveryKey;
use sotto_crypto::passphrase::{Cost, Passphrase, Stretch};
use sotto_crypto::{DeliveryKeyId, MailboxId, x3dh};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen]
extern "C" {
    /// Milliseconds, in steps of a tenth.
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

const ROUNDS: usize = 5;
const CHUNKS: u32 = 1024;
const MESSAGES: u32 = 200;
/// Of what takes milliseconds each.
const FEW: u32 = 50;

/// Milliseconds that `work` takes.
fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let begun = now();
    let done = work();
    (now() - begun, done)
}

/// Milliseconds for one of `count` runs, in each round.
fn each(count: u32, mut work: impl FnMut()) -> Vec<f64> {
    let round = |_| timed(|| (0..count).for_each(|_| work())).0 / f64::from(count);
    (0..ROUNDS).map(round).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn tell(what: &str, unit: &str, values: Vec<f64>) {
    let (least, most) =
        values.iter().fold((f64::MAX, 0.0_f64), |(least, most), value| (least.min(*value), most.max(*value)));
    let middle = median(values);
    console_log!("rate: {what}: {middle:.3} {unit} (median of {ROUNDS}; {least:.3} to {most:.3})");
}

fn start(size: u64, seed: u64) -> (FileSealer, FileKey) {
    let pass = FilePass::generate(size, &mut rng(seed)).unwrap();
    let key = pass.key();
    (FileSealer::start(pass), key)
}

#[wasm_bindgen_test]
fn rate_of_chunks() {
    let size = u64::from(CHUNKS) * u64::try_from(CHUNK).unwrap();
    let megabytes = f64::from(CHUNKS) * f64::from(u32::try_from(CHUNK).unwrap()) / 1e6;
    let (mut sealing, mut opening) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (mut sealer, key) = start(size, 1);
        let mut buffer = vec![7; CHUNK + CHUNK_OVERHEAD];
        let (took, ()) = timed(|| {
            for _ in 0..CHUNKS {
                sealer.seal_next(&mut buffer).unwrap();
            }
        });
        sealing.push(megabytes / took * 1e3);

        // One chunk many times: opening keeps nothing between chunks.
        let (mut sealer, key_of_one) = start(size, 2);
        let mut sealed = vec![7; CHUNK + CHUNK_OVERHEAD];
        sealer.seal_next(&mut sealed).unwrap();
        let opener = FileOpener::new(*sealer.header(), &key_of_one);
        let (took, ()) = timed(|| {
            for _ in 0..CHUNKS {
                buffer.copy_from_slice(&sealed);
                opener.open(0, &mut buffer).unwrap();
            }
        });
        opening.push(megabytes / took * 1e3);
        drop(key);
    }
    tell("seal 64 KiB chunks, with their leaves", "MB/s", sealing);
    tell("open 64 KiB chunks, with their leaves", "MB/s", opening);
}

#[wasm_bindgen_test]
fn rate_of_the_hash_tree() {
    let size = u64::from(CHUNKS) * u64::try_from(CHUNK).unwrap();
    let (sealer, key) = start(size, 1);
    let opener = FileOpener::new(*sealer.header(), &key);
    let sealed = vec![7; CHUNK + CHUNK_OVERHEAD];
    let megabytes = f64::from(CHUNKS) * f64::from(u32::try_from(CHUNK).unwrap()) / 1e6;
    let hashed = each(1, || {
        let mut tree = TreeHasher::default();
        for index in 0..CHUNKS {
            tree.push(&Leaf::of(index, &sealed));
        }
        opener.root(&tree).unwrap();
    });
    tell("hash tree over sealed chunks", "MB/s", hashed.iter().map(|took| megabytes / took * 1e3).collect());
}

#[wasm_bindgen_test]
fn rate_of_messages() {
    let (mut sealing, mut opening) = (Vec::new(), Vec::new());
    let (mut turning_seal, mut turning_open) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (mut alice, mut bob) = sessions(1);
        let rng = &mut rng(3);
        let (took, sealed) =
            timed(|| (0..MESSAGES).map(|_| alice.seal(&[7; 200], rng).unwrap()).collect::<Vec<_>>());
        sealing.push(took / f64::from(MESSAGES));
        let (took, ()) = timed(|| sealed.iter().for_each(|message| drop(bob.open(message, NOW).unwrap())));
        opening.push(took / f64::from(MESSAGES));

        // Each answers the other, so every message begins a chain: a step of the root on either side.
        let (mut seal, mut open) = (0.0, 0.0);
        for _ in 0..FEW {
            let (took, message) = timed(|| bob.seal(&[7; 200], rng).unwrap());
            seal += took;
            open += timed(|| alice.open(&message, NOW).unwrap()).0;
            let (took, message) = timed(|| alice.seal(&[7; 200], rng).unwrap());
            seal += took;
            open += timed(|| bob.open(&message, NOW).unwrap()).0;
        }
        turning_seal.push(seal / f64::from(FEW) / 2.0);
        turning_open.push(open / f64::from(FEW) / 2.0);
    }
    tell("seal a message of 200 bytes, same chain", "ms", sealing);
    tell("open a message of 200 bytes, same chain", "ms", opening);
    tell("seal a message of 200 bytes, with a DH step", "ms", turning_seal);
    tell("open a message of 200 bytes, with a DH step", "ms", turning_open);
}

#[wasm_bindgen_test]
fn rate_of_x3dh() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let bundle = bob.bundle(true);
    let rng = &mut rng(5);
    let initiating = each(FEW, || {
        x3dh::initiate(&alice.device, &alice.identity, &bundle, None, rng).unwrap();
    });
    tell("X3DH, initiator, with a one-time prekey", "ms", initiating);
    let (_, first) = alice.initiate(&bundle, None, 6);
    let responding = each(FEW, || {
        x3dh::respond(&bob.responder_keys(true, None), &alice.device, &first).unwrap();
    });
    tell("X3DH, responder, with a one-time prekey", "ms", responding);
}

#[wasm_bindgen_test]
fn rate_of_envelopes() {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let rng = &mut rng(7);
    let delivery_key = DeliveryKey::generate(DeliveryKeyId(5), rng);
    let mailbox = MailboxId::generate(rng);
    let address = Address { mailbox, delivery_key: delivery_key.public() };
    let sender = Sender { account: alice.account.public().id(), device: alice.device.device_id() };
    let tag_key = TagKey::between(&alice.identity, &bob.identity.public());
    let sealing = each(FEW, || {
        envelope::seal(&address, sender, &tag_key, &[7; 1_000], rng).unwrap();
    });
    tell("seal an envelope around 1,000 bytes", "ms", sealing);
    let blob = envelope::seal(&address, sender, &tag_key, &[7; 1_000], rng).unwrap();
    let opening = each(FEW, || {
        let opened = SealedEnvelope::parse(&blob).unwrap().open(mailbox, &delivery_key).unwrap();
        opened.verify(&tag_key).unwrap();
    });
    tell("open an envelope around 1,000 bytes, with its tag", "ms", opening);
}

#[wasm_bindgen_test]
fn rate_of_passphrases() {
    let stretch = Stretch::generate(Cost::DEFAULT, &mut rng(8));
    let passphrase = Passphrase::new("correct horse battery staple").unwrap();
    let stretching = each(1, || drop(stretch.run(&passphrase).unwrap()));
    tell("Argon2id, 64 MiB, 3 passes, 1 lane", "ms", stretching);
}
