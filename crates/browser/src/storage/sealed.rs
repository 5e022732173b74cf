//! The engine's records, sealed by the vault on their way to storage and opened on their way back.

use std::collections::BTreeMap;

use sotto_crypto::vault::{RecordPlace, StoreCipher, VaultKey};
use sotto_engine::{Change, RECORD_MAX, Record, Store};

use super::{KeyRange, RawChange, RawRecord, RecordStore, StorageError};
use crate::js;

/// Version of what the sealed bytes are: the engine's records, whose own versions are inside.
const SCHEMA: u32 = 1;

/// Records that only this device's vault can read.
#[derive(Debug)]
pub(crate) struct SealedRecords<S> {
    raw: S,
    ciphers: BTreeMap<Store, StoreCipher>,
}

impl<S: RecordStore> SealedRecords<S> {
    pub(crate) fn new(raw: S, vault: &VaultKey) -> Self {
        let ciphers = Store::ALL.into_iter().map(|store| (store, vault.store(store.name()))).collect();
        Self { raw, ciphers }
    }

    /// Where the sealed records lie.
    pub(crate) fn raw(&self) -> &S {
        &self.raw
    }

    /// Makes all changes durable or none.
    ///
    /// # Errors
    /// [`StorageError`].
    pub(crate) async fn commit(&self, changes: &[Change]) -> Result<(), StorageError> {
        let changes = changes.iter().map(|change| self.seal(change)).collect::<Result<_, _>>()?;
        self.raw.commit(changes).await
    }

    /// All records of the stores that are loaded at start; those that do not open, without a value.
    ///
    /// # Errors
    /// [`StorageError`].
    pub(crate) async fn load(&self) -> Result<Vec<Record>, StorageError> {
        let mut records = Vec::new();
        for store in Store::ALL.into_iter().filter(|store| store.is_loaded_at_start()) {
            for raw in self.raw.read(store, KeyRange::all(), None).await? {
                records.push(self.open(store, raw)?);
            }
        }
        Ok(records)
    }

    /// The records with the greatest keys of a range, in ascending order; those that do not open, without a value.
    ///
    /// # Errors
    /// [`StorageError`].
    pub(crate) async fn read(
        &self,
        store: Store,
        range: KeyRange,
        limit: u32,
    ) -> Result<Vec<Record>, StorageError> {
        let raw = self.raw.read(store, range, Some(limit)).await?;
        raw.into_iter().map(|raw| self.open(store, raw)).collect()
    }

    fn cipher(&self, store: Store) -> Result<&StoreCipher, StorageError> {
        self.ciphers.get(&store).ok_or(StorageError::Failed)
    }

    fn seal(&self, change: &Change) -> Result<RawChange, StorageError> {
        Ok(match change {
            Change::Put(Record { value, .. }) if value.len() > RECORD_MAX => {
                return Err(StorageError::Failed);
            }
            Change::Put(Record { store, key, value }) => {
                let value = self.cipher(*store)?.seal(&place(key), value, &mut js::rng());
                RawChange::Put(*store, RawRecord { key: key.clone(), value })
            }
            Change::Delete { store, key } => RawChange::Delete(*store, key.clone()),
            Change::DeletePrefix { store, prefix } => RawChange::DeletePrefix(*store, prefix.clone()),
            Change::SetAside { store, key } => RawChange::SetAside(*store, key.clone()),
            Change::ForgetAside { prefix } => RawChange::ForgetAside(prefix.clone()),
        })
    }

    fn open(&self, store: Store, raw: RawRecord) -> Result<Record, StorageError> {
        Ok(match self.cipher(store)?.open(&place(&raw.key), &raw.value) {
            Ok(value) => Record { store, key: raw.key, value },
            Err(_) => Record::unreadable(store, raw.key),
        })
    }
}

/// Records are replaced as a whole and nothing else remembers how often, so the revision says nothing.
fn place(key: &[u8]) -> RecordPlace<'_> {
    RecordPlace { key, schema: SCHEMA, revision: 0 }
}

#[cfg(test)]
#[cfg(not(target_arch = "wasm32"))]
mod tests {
    use futures_util::FutureExt;
    use zeroize::Zeroizing;

    use super::{super::memory::MemoryStore, *};

    fn record(store: Store, key: &[u8], value: &[u8]) -> Record {
        Record { store, key: key.to_vec(), value: Zeroizing::new(value.to_vec()) }
    }

    fn now<T>(future: impl Future<Output = T>) -> T {
        future.now_or_never().expect("memory never waits")
    }

    fn filled() -> SealedRecords<MemoryStore> {
        let vault = VaultKey::generate(&mut js::rng());
        let records = SealedRecords::new(MemoryStore::default(), &vault);
        let changes = vec![
            Change::Put(record(Store::Contact, b"a", b"canary")),
            Change::Put(record(Store::Contact, b"b", b"canary")),
            Change::Put(record(Store::Message, b"m", b"canary")),
        ];
        now(records.commit(&changes)).unwrap();
        records
    }

    fn raw(records: &SealedRecords<MemoryStore>, store: Store) -> Vec<RawRecord> {
        now(records.raw().read(store, KeyRange::all(), None)).unwrap()
    }

    #[test]
    fn comes_back_as_it_went_and_lies_there_unreadable() {
        let records = filled();
        let loaded = now(records.load()).unwrap();
        let contacts = [record(Store::Contact, b"a", b"canary"), record(Store::Contact, b"b", b"canary")];
        assert_eq!(loaded, contacts, "history is not loaded");
        let messages = now(records.read(Store::Message, KeyRange::all(), 9)).unwrap();
        assert_eq!(messages, [record(Store::Message, b"m", b"canary")]);
        for store in Store::ALL {
            for record in raw(&records, store) {
                assert!(!record.value.windows(6).any(|window| window == b"canary"));
            }
        }
    }

    #[test]
    fn a_record_too_long_to_be_read_again_is_not_written() {
        let records = filled();
        let put = |length| Change::Put(record(Store::Contact, b"c", &vec![7; length]));
        assert_eq!(now(records.commit(&[put(RECORD_MAX + 1)])), Err(StorageError::Failed));
        assert_eq!(raw(&records, Store::Contact).len(), 2, "nothing of the transaction was stored");
        assert_eq!(now(records.commit(&[put(RECORD_MAX)])), Ok(()));
    }

    #[test]
    fn equal_values_are_not_stored_as_equal_bytes() {
        let records = raw(&filled(), Store::Contact);
        assert_ne!(records[0].value, records[1].value);
    }

    #[test]
    fn what_was_altered_or_moved_does_not_open_and_all_else_does() {
        let good = || record(Store::Contact, b"b", b"canary");
        for alter in [0, 20, 30] {
            let records = filled();
            let mut altered = raw(&records, Store::Contact).remove(0);
            altered.value[alter] ^= 1;
            now(records.raw().commit(vec![RawChange::Put(Store::Contact, altered)])).unwrap();
            let unreadable = Record::unreadable(Store::Contact, b"a".to_vec());
            assert_eq!(now(records.load()).unwrap(), [unreadable, good()]);
        }
        // Under another key, and in another store: each is bound to its place.
        let places =
            [(Store::Contact, b"c".as_slice(), Store::Contact), (Store::Message, b"m", Store::Contact)];
        for (from, key, to) in places {
            let records = filled();
            let mut moved = raw(&records, from).remove(0);
            moved.key = key.to_vec();
            now(records.raw().commit(vec![RawChange::Put(to, moved)])).unwrap();
            let unreadable = Record::unreadable(to, key.to_vec());
            let loaded = now(records.load()).unwrap();
            assert_eq!(loaded, [record(Store::Contact, b"a", b"canary"), good(), unreadable]);
        }
        // An older value of the same record is not told from the present one.
        let records = filled();
        let old = raw(&records, Store::Contact);
        now(records.commit(&[Change::Put(record(Store::Contact, b"a", b"newer"))])).unwrap();
        now(records.raw().commit(old.into_iter().map(|old| RawChange::Put(Store::Contact, old)).collect()))
            .unwrap();
        assert_eq!(now(records.load()).unwrap(), [record(Store::Contact, b"a", b"canary"), good()]);
    }
}
