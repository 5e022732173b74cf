//! Keys of messages that have not arrived.

use super::MAX_SKIPPED;
use super::chain::MessageSecret;
use crate::Timestamp;
use crate::point::Point;
use std::collections::VecDeque;

/// The key of one missing message and when it was skipped.
pub(super) struct SkippedKey {
    pub(super) dh: [u8; Point::LENGTH],
    pub(super) n: u32,
    pub(super) since: Timestamp,
    pub(super) secret: MessageSecret,
}

/// At most [`MAX_SKIPPED`] keys, oldest first.
#[derive(Default)]
pub(super) struct SkippedKeys(VecDeque<SkippedKey>);

impl SkippedKeys {
    pub(super) fn get(&self, dh: &[u8; Point::LENGTH], n: u32) -> Option<&MessageSecret> {
        self.0.iter().find(|key| key.n == n && key.dh == *dh).map(|key| &key.secret)
    }

    pub(super) fn remove(&mut self, dh: &[u8; Point::LENGTH], n: u32) {
        if let Some(place) = self.0.iter().position(|key| key.n == n && key.dh == *dh) {
            self.0.remove(place);
        }
    }

    pub(super) fn push(&mut self, dh: [u8; Point::LENGTH], n: u32, secret: MessageSecret, since: Timestamp) {
        self.0.push_back(SkippedKey { dh, n, since, secret });
        while self.0.len() > MAX_SKIPPED {
            self.0.pop_front();
        }
    }

    pub(super) fn append(&mut self, newer: SkippedKeys) {
        for key in newer.0 {
            self.push(key.dh, key.n, key.secret, key.since);
        }
    }

    pub(super) fn forget_before(&mut self, time: Timestamp) {
        self.0.retain(|key| key.since >= time);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &SkippedKey> {
        self.0.iter()
    }
}
