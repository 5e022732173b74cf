//! Records in memory, for tests.

use std::{cell::RefCell, collections::BTreeMap, ops::Bound};

use sotto_engine::Store;

use super::{KeyRange, RawChange, RawRecord, RecordStore, StorageError};

/// Records that last as long as this does.
#[derive(Debug, Default)]
pub(crate) struct MemoryStore {
    records: RefCell<Records>,
    aside: RefCell<Records>,
}

type Records = BTreeMap<(Store, Vec<u8>), Vec<u8>>;

impl MemoryStore {
    fn keys(&self, store: Store, range: &KeyRange) -> Vec<Vec<u8>> {
        if range.is_empty() {
            return Vec::new();
        }
        let lower = Bound::Included((store, range.lower.clone()));
        let records = self.records.borrow();
        records
            .range((lower, Bound::Unbounded))
            .take_while(|((of, key), _)| *of == store && range.upper.as_ref().is_none_or(|upper| key < upper))
            .map(|((_, key), _)| key.clone())
            .collect()
    }
}

impl RecordStore for MemoryStore {
    async fn aside(&self, store: Store) -> Result<Vec<RawRecord>, StorageError> {
        let aside = self.aside.borrow();
        let of = aside.iter().filter(|((of, _), _)| *of == store);
        Ok(of.map(|((_, key), value)| RawRecord { key: key.clone(), value: value.clone() }).collect())
    }

    async fn commit(&self, changes: Vec<RawChange>) -> Result<(), StorageError> {
        for change in changes {
            match change {
                RawChange::Put(store, record) => {
                    self.records.borrow_mut().insert((store, record.key), record.value);
                }
                RawChange::Delete(store, key) => {
                    self.records.borrow_mut().remove(&(store, key));
                }
                RawChange::DeletePrefix(store, prefix) => {
                    for key in self.keys(store, &KeyRange::with_prefix(prefix, None)) {
                        self.records.borrow_mut().remove(&(store, key));
                    }
                }
                RawChange::SetAside(store, key) => {
                    if let Some(value) = self.records.borrow_mut().remove(&(store, key.clone())) {
                        self.aside.borrow_mut().insert((store, key), value);
                    }
                }
                RawChange::ForgetAside(prefix) => {
                    self.aside.borrow_mut().retain(|(_, key), _| !key.starts_with(&prefix));
                }
            }
        }
        Ok(())
    }

    async fn read(
        &self,
        store: Store,
        range: KeyRange,
        limit: Option<u32>,
    ) -> Result<Vec<RawRecord>, StorageError> {
        let keys = self.keys(store, &range);
        let limit = limit.map_or(keys.len(), |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let left_out = keys.len().saturating_sub(limit);
        let records = self.records.borrow();
        Ok(keys
            .into_iter()
            .skip(left_out)
            .filter_map(|key| {
                let value = records.get(&(store, key.clone()))?.clone();
                Some(RawRecord { key, value })
            })
            .collect())
    }
}

#[test]
fn conforms() {
    use futures_util::FutureExt;
    super::conformance::conforms(&MemoryStore::default()).now_or_never().expect("memory never waits");
}
