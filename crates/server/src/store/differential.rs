//! A store beside the model of it: some thousand random operations, and every answer the same.
#![allow(clippy::as_conversions, reason = "tests")]

use std::sync::Arc;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use sotto_wire::server::{Blob, BundleBytes, MailboxId, OneTimePreKeyEntry, Sequence, TokenHash};

use super::conformance::QUOTAS;
use super::model::Model;
use super::{NewEnvelope, Store, Timestamp};

const SEEDS: u64 = 5;
const OPERATIONS: u32 = 300;

/// Runs it for several seeds, each on a store that `open` makes empty with [`QUOTAS`].
pub(super) async fn behaves_like_the_model(open: impl AsyncFn() -> Arc<dyn Store>) {
    for seed in 0..SEEDS {
        let mut run = Run {
            rng: ChaCha20Rng::seed_from_u64(seed),
            now: Timestamp(1_800_000_000),
            model: Model::new(QUOTAS),
            store: open().await,
        };
        for number in 0..OPERATIONS {
            run.step(&format!("seed {seed}, operation {number}")).await;
        }
    }
}

struct Run {
    rng: ChaCha20Rng,
    now: Timestamp,
    model: Model,
    store: Arc<dyn Store>,
}

impl Run {
    fn below(&mut self, bound: u8) -> u8 {
        (self.rng.next_u32() % u32::from(bound)) as u8
    }

    fn mailbox(&mut self) -> MailboxId {
        MailboxId::from_bytes([self.below(3); 16])
    }

    fn token(&mut self) -> TokenHash {
        TokenHash::from_bytes([self.below(6); 32])
    }

    fn tokens(&mut self) -> Vec<TokenHash> {
        (0..=self.below(3)).map(|_| self.token()).collect()
    }

    async fn step(&mut self, at: &str) {
        let (store, now) = (Arc::clone(&self.store), self.now);
        let mailbox = self.mailbox();
        match self.below(16) {
            0 | 1 => {
                // Seldom by a stranger.
                let owner = [u8::from(self.below(8) == 0); 33];
                let expected = self.model.open(mailbox, owner, now);
                assert_eq!(store.open_mailbox(mailbox, owner, now).await, Ok(expected), "{at}: open");
            }
            2..=6 => {
                let blob = Blob::new(vec![self.below(40); [1024, 4096, 65_536][usize::from(self.below(3))]])
                    .unwrap();
                let life = 600 * (1 + u64::from(self.below(12)));
                let token = self.token();
                let envelope =
                    NewEnvelope { mailbox, token, envelope_id: blob.id(), expires: now.plus(life), blob };
                let expected = self.model.put(envelope.clone(), now);
                assert_eq!(store.put(envelope, now).await, Ok(expected), "{at}: put");
            }
            7 | 8 => {
                let (after, count) = (Sequence(u64::from(self.below(12))), 1 + u32::from(self.below(6)));
                let expected = self.model.fetch(mailbox, after, count, now);
                assert_eq!(store.fetch(mailbox, after, count, now).await, Ok(expected), "{at}: fetch");
            }
            9 | 10 => {
                let first = u64::from(self.below(20));
                let sequences = vec![Sequence(first), Sequence(first + 1), Sequence(first)];
                self.model.acknowledge(mailbox, &sequences, now);
                assert_eq!(store.acknowledge(mailbox, sequences, now).await, Ok(()), "{at}: acknowledge");
            }
            11 => {
                let tokens = self.tokens();
                let expected = self.model.add_tokens(mailbox, &tokens);
                assert_eq!(store.add_tokens(mailbox, tokens).await, Ok(expected), "{at}: add tokens");
            }
            12 => {
                let tokens = self.tokens();
                if self.below(4) == 0 {
                    self.model.revoke_tokens(mailbox, &tokens);
                    assert_eq!(store.revoke_tokens(mailbox, tokens).await, Ok(()), "{at}: revoke tokens");
                }
            }
            13 => {
                let bundle = BundleBytes::new(vec![self.below(250); 40]).unwrap();
                let first = u32::from(self.below(30));
                let ids = first..first + u32::from(self.below(4));
                let one_time: Vec<_> = ids.map(|id| OneTimePreKeyEntry { id, key: [2; 33].into() }).collect();
                let expected = self.model.publish(mailbox, bundle.clone(), &one_time);
                let found = store.publish_prekeys(mailbox, bundle, one_time).await;
                assert_eq!(found, Ok(expected), "{at}: publish");
            }
            14 => {
                let token = self.token();
                let expected = self.model.take_prekeys(mailbox, token, now);
                assert_eq!(store.take_prekeys(mailbox, token, now).await, Ok(expected), "{at}: take prekeys");
            }
            _ => {
                // From minutes to days: envelopes end, tombstones, idle mailboxes.
                let step = [60, 700, 4_000, 100_000, 1_000_000][usize::from(self.below(5))];
                self.now = now.plus(step);
                self.model.reap(self.now);
                while store.reap(self.now).await.unwrap() {}
            }
        }
        let token = self.token();
        assert_eq!(store.authorise(mailbox, token).await, Ok(self.model.authorise(mailbox, token)), "{at}");
    }
}
