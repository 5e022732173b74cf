//! Records in IndexedDB.

use js_sys::{Array, Uint8Array};
use sotto_engine::Store;
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use web_sys::{
    IdbCursorDirection, IdbCursorWithValue, IdbDatabase, IdbFactory, IdbKeyRange, IdbObjectStore,
    IdbOpenDbRequest, IdbRequest, IdbTransaction, IdbVersionChangeEvent,
};

use gloo_events::EventListener;

use super::{KeyRange, RawChange, RawRecord, RecordStore, StorageError};
use crate::js;

/// Name of the database: the keyring, and the records of the main vault.
pub(crate) const NAME: &str = "sotto";
/// Name of the database with the records of the decoy.
pub(crate) const DECOY: &str = "sotto-decoy";
/// The object store beside the engine's that holds keys and the owner's mark.
const KEYRING: &str = "keyring";
/// The object store of records that could not be read: as they were, under the name of their store, a zero and their key.
const ASIDE: &str = "set-aside";
/// In the keyring: which opening of the database owns the records.
const OWNER: &str = "owner";
/// How long a connection of another tab may hold up opening, in milliseconds.
const BLOCKED_LIMIT: u32 = 10_000;

type Migration = fn(&IdbDatabase) -> Result<(), JsValue>;

/// What leads from each version of the database to the next; the version is how many have run. Whatever an older page would
/// take for damage and set aside takes another version, which it refuses to open.
const MIGRATIONS: [Migration; 3] = [
    |database| {
        for store in Store::ALL {
            database.create_object_store(store.name())?;
        }
        database.create_object_store(KEYRING)?;
        Ok(())
    },
    // The keyring holds slots, which an older page would take for damage. Making them takes WebCrypto, for which a
    // migration does not wait: opening the keyring does it.
    |_| Ok(()),
    |database| database.create_object_store(ASIDE).map(drop),
];

#[wasm_bindgen]
extern "C" {
    /// `IDBDatabase` with the options of `transaction`, which web-sys has only behind its unstable switch.
    #[wasm_bindgen(extends = js_sys::Object)]
    type DurableDatabase;

    #[wasm_bindgen(method, catch)]
    fn transaction(
        this: &DurableDatabase,
        stores: &Array,
        mode: &str,
        options: &JsValue,
    ) -> Result<IdbTransaction, JsValue>;
}

/// An open database that owns its records until another opens it.
#[derive(Debug)]
pub(crate) struct Database {
    database: IdbDatabase,
    owner: f64,
    _listeners: [EventListener; 1],
}

impl Database {
    /// Opens the database, making or migrating it, and becomes the owner of its records: commits of whoever opened
    /// it before fail from now on with [`StorageError::Superseded`].
    ///
    /// # Errors
    /// [`StorageError`].
    pub(crate) async fn open(name: &str) -> Result<Self, StorageError> {
        let factory = factory()?;
        let version = u32::try_from(MIGRATIONS.len()).map_err(|_| StorageError::Failed)?;
        let request = factory.open_with_u32(name, version).map_err(|error| error_of(&error))?;
        let upgrade = EventListener::once(&request, "upgradeneeded", {
            let request = request.clone();
            move |event| migrate(&request, event)
        });
        let Some(opened) = wait_open(&request).await else {
            give_up(request, upgrade);
            return Err(StorageError::Blocked);
        };
        drop(upgrade);
        let database: IdbDatabase = opened?.unchecked_into();
        // A newer version of the page in another tab wants to migrate: give way rather than block it.
        let listeners = [EventListener::new(&database, "versionchange", {
            let database = database.clone();
            move |_| database.close()
        })];
        let mut this = Self { database, owner: 0.0, _listeners: listeners };
        this.become_owner().await?;
        Ok(this)
    }

    async fn become_owner(&mut self) -> Result<(), StorageError> {
        let transaction = self.begin(&[KEYRING])?;
        let keyring = store_of(&transaction, KEYRING)?;
        let previous = answer(&keyring.get(&OWNER.into()).map_err(|error| error_of(&error))?).await?;
        let owner = previous.as_f64().unwrap_or(0.0) + 1.0;
        keyring.put_with_key(&owner.into(), &OWNER.into()).map_err(|error| error_of(&error))?;
        committed(&transaction).await?;
        self.owner = owner;
        Ok(())
    }

    /// A value of the keyring; undefined when there is none.
    pub(crate) async fn keyring(&self, name: &str) -> Result<JsValue, StorageError> {
        let transaction = self.database.transaction_with_str(KEYRING).map_err(|error| error_of(&error))?;
        answer(&store_of(&transaction, KEYRING)?.get(&name.into()).map_err(|error| error_of(&error))?).await
    }

    /// Puts values into the keyring, together; undefined deletes. Only the owner of the records may.
    pub(crate) async fn set_keyring(&self, values: &[(&str, JsValue)]) -> Result<(), StorageError> {
        let transaction = self.begin(&[KEYRING])?;
        self.check_owner(&transaction).await?;
        let keyring = store_of(&transaction, KEYRING)?;
        let queued = values.iter().try_for_each(|(name, value)| {
            if value.is_undefined() {
                keyring.delete(&(*name).into()).map(drop)
            } else {
                keyring.put_with_key(value, &(*name).into()).map(drop)
            }
        });
        if let Err(error) = queued {
            // What was queued before must not be committed alone.
            let _ = transaction.abort();
            return Err(error_of(&error));
        }
        committed(&transaction).await
    }

    /// Closes the connection; every later use fails with [`StorageError::Gone`].
    pub(crate) fn close(&self) {
        self.database.close();
    }

    fn begin(&self, stores: &[&str]) -> Result<IdbTransaction, StorageError> {
        let stores: Array = stores.iter().map(|store| JsValue::from_str(store)).collect();
        let options = js::object(&[("durability", "strict".into())]);
        self.database
            .unchecked_ref::<DurableDatabase>()
            .transaction(&stores, "readwrite", &options)
            .map_err(|error| error_of(&error))
    }

    async fn check_owner(&self, transaction: &IdbTransaction) -> Result<(), StorageError> {
        let keyring = store_of(transaction, KEYRING)?;
        let owner = answer(&keyring.get(&OWNER.into()).map_err(|error| error_of(&error))?).await?;
        if owner.as_f64() == Some(self.owner) {
            return Ok(());
        }
        // It can only fail when it has ended already.
        let _ = transaction.abort();
        Err(StorageError::Superseded)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.database.close();
    }
}

impl RecordStore for Database {
    async fn commit(&self, changes: Vec<RawChange>) -> Result<(), StorageError> {
        let mut stores = vec![KEYRING];
        for change in &changes {
            stores.extend(stores_of(change));
        }
        stores.sort_unstable();
        stores.dedup();
        let transaction = self.begin(&stores)?;
        self.check_owner(&transaction).await?;
        for change in changes {
            if let Err(error) = queue(&transaction, change).await {
                // What was queued before must not be committed alone.
                let _ = transaction.abort();
                return Err(error);
            }
        }
        committed(&transaction).await
    }

    #[cfg(test)]
    async fn aside(&self, store: Store) -> Result<Vec<RawRecord>, StorageError> {
        let transaction = self.database.transaction_with_str(ASIDE).map_err(|error| error_of(&error))?;
        let prefix = aside_key(store, &[]);
        let range = range_of(&KeyRange::with_prefix(prefix.clone(), None))?;
        let mut records = read_all(&store_of(&transaction, ASIDE)?, &range).await?;
        records.iter_mut().for_each(|record| drop(record.key.drain(..prefix.len())));
        Ok(records)
    }

    async fn read(
        &self,
        store: Store,
        range: KeyRange,
        limit: Option<u32>,
    ) -> Result<Vec<RawRecord>, StorageError> {
        if range.is_empty() || limit == Some(0) {
            return Ok(Vec::new());
        }
        let transaction =
            self.database.transaction_with_str(store.name()).map_err(|error| error_of(&error))?;
        let records = store_of(&transaction, store.name())?;
        let range = range_of(&range)?;
        match limit {
            None => read_all(&records, &range).await,
            Some(limit) => read_last(&records, &range, limit).await,
        }
    }
}

/// The object stores that a change touches.
fn stores_of(change: &RawChange) -> Vec<&'static str> {
    match change {
        RawChange::Put(store, _) | RawChange::Delete(store, _) | RawChange::DeletePrefix(store, _) => {
            vec![store.name()]
        }
        RawChange::SetAside(store, _) => vec![store.name(), ASIDE],
        RawChange::ForgetAside(_) => vec![ASIDE],
    }
}

/// Queues a change in a transaction.
async fn queue(transaction: &IdbTransaction, change: RawChange) -> Result<(), StorageError> {
    let in_store = |name| store_of(transaction, name);
    match change {
        RawChange::Put(store, record) => in_store(store.name())?
            .put_with_key(&bytes(&record.value), &bytes(&record.key))
            .map_err(|error| error_of(&error))
            .map(drop),
        RawChange::Delete(store, key) => delete_in(&in_store(store.name())?, &bytes(&key)),
        RawChange::DeletePrefix(store, prefix) => {
            delete_in(&in_store(store.name())?, &range_of(&KeyRange::with_prefix(prefix, None))?)
        }
        RawChange::SetAside(store, key) => {
            let from = in_store(store.name())?;
            let value = answer(&from.get(&bytes(&key)).map_err(|error| error_of(&error))?).await?;
            if !value.is_undefined() {
                let aside = in_store(ASIDE)?.put_with_key(&value, &bytes(&aside_key(store, &key)));
                aside.map_err(|error| error_of(&error))?;
            }
            delete_in(&from, &bytes(&key))
        }
        RawChange::ForgetAside(prefix) => {
            let aside = in_store(ASIDE)?;
            Store::ALL.into_iter().try_for_each(|store| {
                let range = KeyRange::with_prefix(aside_key(store, &prefix), None);
                delete_in(&aside, &range_of(&range)?)
            })
        }
    }
}

fn delete_in(store: &IdbObjectStore, keys: &JsValue) -> Result<(), StorageError> {
    store.delete(keys).map(drop).map_err(|error| error_of(&error))
}

/// The key under which a record is set aside.
fn aside_key(store: Store, key: &[u8]) -> Vec<u8> {
    [store.name().as_bytes(), &[0], key].concat()
}

async fn read_all(store: &IdbObjectStore, range: &JsValue) -> Result<Vec<RawRecord>, StorageError> {
    let keys = store.get_all_keys_with_key(range).map_err(|error| error_of(&error))?;
    let values = store.get_all_with_key(range).map_err(|error| error_of(&error))?;
    // Both are queued in one transaction, so nothing comes between; the second answers last.
    let values: Array = answer(&values).await?.unchecked_into();
    let keys: Array = keys.result().map_err(|error| error_of(&error))?.unchecked_into();
    keys.iter().zip(values.iter()).map(|(key, value)| record(&key, &value)).collect()
}

async fn read_last(
    store: &IdbObjectStore,
    range: &JsValue,
    limit: u32,
) -> Result<Vec<RawRecord>, StorageError> {
    let request = store
        .open_cursor_with_range_and_direction(range, IdbCursorDirection::Prev)
        .map_err(|error| error_of(&error))?;
    let mut records = Vec::new();
    for _ in 0..limit {
        let Ok(cursor) = answer(&request).await?.dyn_into::<IdbCursorWithValue>() else { break };
        let key = cursor.key().map_err(|error| error_of(&error))?;
        let value = cursor.value().map_err(|error| error_of(&error))?;
        records.push(record(&key, &value)?);
        cursor.continue_().map_err(|error| error_of(&error))?;
    }
    records.reverse();
    Ok(records)
}

/// Deletes a database with everything in it.
///
/// # Errors
/// [`StorageError::Blocked`] when another tab holds it open for too long.
pub(crate) async fn delete(name: &str) -> Result<(), StorageError> {
    let request = factory()?.delete_database(name).map_err(|error| error_of(&error))?;
    wait_open(&request).await.unwrap_or(Err(StorageError::Blocked)).map(drop)
}

fn factory() -> Result<IdbFactory, StorageError> {
    js::get(&js_sys::global(), "indexedDB").dyn_into().map_err(|_| StorageError::Denied)
}

fn migrate(request: &IdbOpenDbRequest, event: &web_sys::Event) {
    let Some(event) = event.dyn_ref::<IdbVersionChangeEvent>() else { return };
    let Ok(database) = request.result() else { return };
    let database: IdbDatabase = database.unchecked_into();
    let done = usize::try_from(js::whole(event.old_version())).unwrap_or(usize::MAX);
    let migrated = MIGRATIONS.iter().skip(done).try_for_each(|migration| migration(&database));
    if let (Err(_), Some(transaction)) = (migrated, request.transaction()) {
        // The request then fails, and the database is as it was before.
        let _ = transaction.abort();
    }
}

/// What came of a request to open or delete; `None` if other tabs hold it up for too long.
async fn wait_open(request: &IdbOpenDbRequest) -> Option<Result<JsValue, StorageError>> {
    let answered = js::first_event(request, &["success", "error"]);
    let limit = gloo_timers::future::TimeoutFuture::new(BLOCKED_LIMIT);
    match futures_util::future::select(std::pin::pin!(answered), limit).await {
        futures_util::future::Either::Left(_) => Some(result_of(request)),
        futures_util::future::Either::Right(_) => None,
    }
}

/// A request to open cannot be taken back: when the other tabs let go at last, it migrates as it would have, and what it
/// opens is closed, so that it holds up nobody else.
fn give_up(request: IdbOpenDbRequest, upgrade: EventListener) {
    wasm_bindgen_futures::spawn_local(async move {
        js::first_event(&request, &["success", "error"]).await;
        drop(upgrade);
        if let Ok(opened) = result_of(&request) {
            opened.unchecked_into::<IdbDatabase>().close();
        }
    });
}

async fn answer(request: &IdbRequest) -> Result<JsValue, StorageError> {
    js::first_event(request, &["success", "error"]).await;
    result_of(request)
}

fn result_of(request: &IdbRequest) -> Result<JsValue, StorageError> {
    match request.error() {
        Ok(None) => request.result().map_err(|error| error_of(&error)),
        Ok(Some(error)) => Err(error_of(&error)),
        Err(error) => Err(error_of(&error)),
    }
}

async fn committed(transaction: &IdbTransaction) -> Result<(), StorageError> {
    match js::first_event(transaction, &["complete", "abort"]).await {
        Some(event) if event.type_() == "complete" => Ok(()),
        _ => Err(transaction.error().map_or(StorageError::Gone, |error| error_of(&error))),
    }
}

fn store_of(transaction: &IdbTransaction, name: &str) -> Result<IdbObjectStore, StorageError> {
    transaction.object_store(name).map_err(|error| error_of(&error))
}

fn range_of(range: &KeyRange) -> Result<JsValue, StorageError> {
    let lower = bytes(&range.lower);
    match &range.upper {
        Some(upper) => IdbKeyRange::bound_with_lower_open_and_upper_open(&lower, &bytes(upper), false, true),
        None => IdbKeyRange::lower_bound(&lower),
    }
    .map(Into::into)
    .map_err(|error| error_of(&error))
}

fn bytes(bytes: &[u8]) -> JsValue {
    Uint8Array::from(bytes).into()
}

fn record(key: &JsValue, value: &JsValue) -> Result<RawRecord, StorageError> {
    // Keys come back as ArrayBuffer, values as they were put. What is anything else was not put by us, and does not open.
    let value = value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec).unwrap_or_default();
    Ok(RawRecord { key: Uint8Array::new(key).to_vec(), value })
}

fn error_of(error: &JsValue) -> StorageError {
    match js::name_of(error).as_str() {
        "QuotaExceededError" => StorageError::Full,
        "VersionError" => StorageError::Newer,
        "InvalidStateError" | "AbortError" => StorageError::Gone,
        "SecurityError" | "NotAllowedError" => StorageError::Denied,
        _ => StorageError::Failed,
    }
}
