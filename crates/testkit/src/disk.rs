//! What survives a crash.

use std::collections::BTreeMap;

use sotto_engine::{Change, Changes, RECORD_MAX, Record, Store};
use zeroize::Zeroizing;

/// A device's storage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    records: BTreeMap<(Store, Vec<u8>), Vec<u8>>,
    aside: BTreeMap<(Store, Vec<u8>), Vec<u8>>,
}

impl Disk {
    /// Makes all changes, as one transaction.
    pub fn apply(&mut self, changes: Changes) {
        for change in changes {
            match change {
                Change::Put(Record { store, key, value }) => {
                    assert!(key.len() <= 64, "keys are at most 64 bytes");
                    let length = value.len();
                    assert!(length <= RECORD_MAX, "{length} bytes in {store:?} could not be written");
                    self.records.insert((store, key), value.to_vec());
                }
                Change::Delete { store, key } => {
                    self.records.remove(&(store, key));
                }
                Change::DeletePrefix { store, prefix } => {
                    assert!(!prefix.is_empty(), "a prefix has at least one byte");
                    self.records.retain(|(of, key), _| *of != store || !key.starts_with(&prefix));
                }
                Change::SetAside { store, key } => {
                    if let Some(value) = self.records.remove(&(store, key.clone())) {
                        self.aside.insert((store, key), value);
                    }
                }
                Change::ForgetAside { prefix } => {
                    self.aside.retain(|(_, key), _| !key.starts_with(&prefix));
                }
            }
        }
    }

    /// What a client is restored from.
    #[must_use]
    pub fn loaded_at_start(&self) -> Vec<Record> {
        self.all().into_iter().filter(|record| record.store.is_loaded_at_start()).collect()
    }

    /// Every record.
    #[must_use]
    pub fn all(&self) -> Vec<Record> {
        let record = |((store, key), value): (&(Store, Vec<u8>), &Vec<u8>)| Record {
            store: *store,
            key: key.clone(),
            value: Zeroizing::new(value.clone()),
        };
        self.records.iter().map(record).collect()
    }

    /// The records of a store.
    fn of(&self, store: Store) -> impl Iterator<Item = (&Vec<u8>, &Vec<u8>)> {
        let from_there = self.records.range((store, Vec::new())..);
        from_there.take_while(move |((of, _), _)| *of == store).map(|((_, key), value)| (key, value))
    }

    /// How many records a store has.
    #[must_use]
    pub fn count(&self, store: Store) -> usize {
        self.of(store).count()
    }

    /// Reads as [`Request::Read`](sotto_engine::Request::Read) asks.
    #[must_use]
    pub fn read(&self, store: Store, prefix: &[u8], before: Option<&[u8]>, limit: u32) -> Vec<Record> {
        let mut found: Vec<Record> = self
            .of(store)
            .filter(|(key, _)| key.starts_with(prefix))
            .filter(|(key, _)| before.is_none_or(|before| key.as_slice() < before))
            .map(|(key, value)| Record { store, key: key.clone(), value: Zeroizing::new(value.clone()) })
            .collect();
        let surplus = found.len().saturating_sub(limit as usize);
        found.drain(..surplus);
        found
    }

    /// Makes the records of a store that `wanted` picks unreadable; how many there are.
    pub fn damage(&mut self, store: Store, mut wanted: impl FnMut(&[u8]) -> bool) -> usize {
        let mut damaged = 0;
        for ((of, key), value) in &mut self.records {
            if *of == store && wanted(key) {
                value.clear();
                damaged += 1;
            }
        }
        damaged
    }

    /// The keys of a store under which something was set aside.
    #[must_use]
    pub fn set_aside(&self, store: Store) -> Vec<Vec<u8>> {
        self.aside.keys().filter(|(of, _)| *of == store).map(|(_, key)| key.clone()).collect()
    }

    /// Loses what `keep` does not want of a store.
    pub(crate) fn retain(&mut self, store: Store, mut keep: impl FnMut(&[u8]) -> bool) {
        self.records.retain(|(of, key), _| *of != store || keep(key));
    }

    /// Loses a store.
    pub fn forget(&mut self, store: Store) {
        self.records.retain(|(of, _), _| *of != store);
    }

    /// Whether any value contains these bytes.
    #[must_use]
    pub fn contains(&self, bytes: &[u8]) -> bool {
        self.records.values().any(|value| value.windows(bytes.len()).any(|window| window == bytes))
    }
}
