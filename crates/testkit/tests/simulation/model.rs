//! The model of the server's store beside the real one: whatever is asked, both answer alike.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_core::Rng;
use sotto_crypto::{EnvelopeId, InviteId, MailboxId};
use sotto_testkit::{ModelStore, NewEnvelope, ServerStore};
use sotto_wire::server::{
    Blob, CreateInvite, OneTimePreKeyEntry, Opaque, OwnerSecret, RedeemId, Sequence, TokenHash, limits,
};

use crate::sqlite::Sqlite;

const HOUR_S: u64 = 3600;
const DAY_S: u64 = 24 * HOUR_S;

struct Draw(ChaCha12Rng);

impl Draw {
    fn below(&mut self, below: u64) -> u64 {
        self.0.next_u64() % below
    }

    /// One of few, so that things meet.
    fn bytes<const N: usize>(&mut self, of: u64) -> [u8; N] {
        [self.below(of) as u8 + 1; N]
    }
}

/// Asks one of both the next thing; what is drawn is the same for both. Gives its answer in words.
fn ask(store: &mut dyn ServerStore, draw: &mut Draw, now: u64) -> String {
    let mailbox = MailboxId::from_bytes(draw.bytes(3));
    let token = TokenHash::from_bytes(draw.bytes(4));
    let id = InviteId::from_bytes(draw.bytes(4));
    match draw.below(16) {
        0 => format!("{:?}", store.open(mailbox, draw.bytes(2), now)),
        1 => format!("{:?}", store.authorise(mailbox, token)),
        2..=5 => {
            let size = limits::ENVELOPE_SIZES[draw.below(4) as usize];
            let blob = Blob::new(vec![draw.below(40) as u8; size]).unwrap();
            let expires = now + draw.below(31) * DAY_S;
            let envelope_id = EnvelopeId::of(blob.as_bytes());
            format!("{:?}", store.put(&NewEnvelope { mailbox, token, envelope_id, expires, blob }, now))
        }
        6 => {
            let (after, count) = (draw.below(20), 1 + draw.below(8) as u32);
            let found = store.fetch(mailbox, after, count, now);
            format!("{:?}", found.iter().map(|(at, blob)| (*at, blob.id())).collect::<Vec<_>>())
        }
        7 | 8 => {
            let sequences: Vec<Sequence> = (0..3).map(|_| Sequence(draw.below(30))).collect();
            store.acknowledge(mailbox, &sequences, now);
            String::new()
        }
        9 => format!("{:?}", store.add_tokens(mailbox, &[token, TokenHash::from_bytes(draw.bytes(4))])),
        10 => {
            store.revoke_tokens(mailbox, &[token]);
            String::new()
        }
        11 => {
            let bundle = Opaque::new(vec![draw.below(9) as u8; 100]).unwrap();
            let first = draw.below(300) as u32;
            let entry = |id| OneTimePreKeyEntry { id, key: [id as u8; 33].into() };
            let one_time: Vec<_> = (first..first + draw.below(90) as u32).map(entry).collect();
            format!("{:?}", store.publish(mailbox, &bundle, &one_time))
        }
        12 => {
            let found = store.take_prekeys(mailbox, token, now);
            format!("{:?}", found.map(|found| (found.bundle, found.one_time.map(|entry| entry.id))))
        }
        13 => {
            let owner_hash = OwnerSecret::from_bytes(draw.bytes(2)).hash();
            let expires_at = now + draw.below(9) * DAY_S;
            let card = Opaque::new(vec![draw.below(9) as u8; 40]).unwrap();
            let bundle = Opaque::new(vec![draw.below(9) as u8; 400]).unwrap();
            let invite = CreateInvite { invite_id: id, owner_hash, expires_at, card, bundle };
            format!("{:?}", store.create_invite(&invite, now))
        }
        14 => match draw.below(3) {
            0 => format!("{:?}", store.invite_card(id, now)),
            1 => format!("{:?}", store.revoke_invite(id, OwnerSecret::from_bytes(draw.bytes(2)).hash(), now)),
            _ => format!("{:?}", store.redeem_invite(id, RedeemId(draw.bytes(2)), now)),
        },
        _ => {
            match draw.below(12) {
                0 | 1 => store.reap(now),
                2 => store.restart(),
                3 => store.back_up(),
                4 => return format!("{:?}", store.go_back()),
                _ => {}
            }
            String::new()
        }
    }
}

#[test]
fn the_model_and_the_real_store_answer_alike() {
    for seed in 0..6 {
        let (mut model, mut real) = (ModelStore::default(), Sqlite::new());
        // The server opens a mailbox before it asks anything else for its device.
        for mailbox in 1..=3 {
            let mailbox = MailboxId::from_bytes([mailbox; 16]);
            assert_eq!(model.open(mailbox, [1; 33], 0), real.open(mailbox, [1; 33], 0));
        }
        let mut now = 1_800_000_000;
        for step in 0..400 {
            let draw = |salt: u64| Draw(ChaCha12Rng::seed_from_u64(seed << 32 | salt << 16 | step));
            now += [0, 1, HOUR_S / 2, DAY_S][draw(1).below(4) as usize];
            let (ours, theirs) = (ask(&mut model, &mut draw(0), now), ask(&mut real, &mut draw(0), now));
            assert_eq!(ours, theirs, "model (left) and real store, seed {seed}, step {step}");
        }
    }
}
