//! Databases as older versions left them, tabs that hold them up, and transactions that break off.

use std::rc::Rc;

use js_sys::{Array, Function, Promise, Uint8Array};
use sotto_crypto::vault::{OpenTable, RecordPlace, VaultKey};
use sotto_engine::{Record, Store};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;
use zeroize::Zeroizing;

use super::unique;
use crate::{
    js,
    storage::{
        Database, KeyRange, Keyring, RawChange, RawRecord, RecordStore, SealedRecords, StorageError,
        delete_database,
    },
};

/// Makes a database as versions 1 and 2 did: the same stores, and the vault's key in the keyring each in its way.
const MAKE: &str = "return (async () => {
    const key = await crypto.subtle.generateKey({name: 'AES-GCM', length: 256}, false, ['encrypt', 'decrypt']);
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const additionalData = new TextEncoder().encode(label);
    const wrapped = await crypto.subtle.encrypt({name: 'AES-GCM', iv, additionalData}, key, content);
    return new Promise((done, failed) => {
        const request = indexedDB.open(name, version);
        request.onerror = failed;
        request.onupgradeneeded = () => {
            for (const [store] of records) request.result.createObjectStore(store);
            request.result.createObjectStore('keyring');
        };
        request.onsuccess = () => {
            const transaction = request.result.transaction(request.result.objectStoreNames, 'readwrite');
            const keyring = transaction.objectStore('keyring');
            keyring.put(1, 'owner');
            keyring.put(key, 'wrapping-key');
            keyring.put(new Uint8Array([...iv, ...new Uint8Array(wrapped)]), vault);
            for (const [store, key, value] of records) transaction.objectStore(store).put(value, key);
            transaction.oncomplete = () => { if (!held) request.result.close(); done(request.result); };
            transaction.onerror = failed;
        };
    });
})()";

/// One record of each store.
fn records() -> Vec<Record> {
    let record = |store: Store| Record {
        store,
        key: format!("key in {}", store.name()).into_bytes(),
        value: Zeroizing::new(format!("value in {}", store.name()).into_bytes()),
    };
    Store::ALL.map(record).into()
}

/// Makes a database of a version; held open, if wanted, by who does not give way.
async fn make(name: &str, version: u32, held: bool) -> web_sys::IdbDatabase {
    let key = || VaultKey::from_bytes(&[7; 32]);
    let (content, vault, label) = if version == 1 {
        (vec![7; 32], "vault", "sotto/v1/vault-wrap\0")
    } else {
        let table = OpenTable::new(key(), &mut js::rng());
        (table.table().to_bytes().to_vec(), "slots", "sotto/v1/vault-slots\0")
    };
    let bytes = |bytes: &[u8]| JsValue::from(Uint8Array::from(bytes));
    let sealed: Array = records()
        .into_iter()
        .map(|Record { store, key: place, value }| {
            let at = RecordPlace { key: &place, schema: 1, revision: 0 };
            let sealed = key().store(store.name()).seal(&at, &value, &mut js::rng());
            Array::of3(&store.name().into(), &bytes(&place), &bytes(&sealed))
        })
        .collect();
    let arguments: Array = [
        name.into(),
        version.into(),
        bytes(&content),
        vault.into(),
        label.into(),
        sealed.into(),
        held.into(),
    ]
    .into_iter()
    .collect();
    let make = Function::new_with_args("name, version, content, vault, label, records, held", MAKE);
    let made: Promise = make.apply(&JsValue::NULL, &arguments).unwrap().unchecked_into();
    JsFuture::from(made).await.unwrap().unchecked_into()
}

/// Everything is there, and what this version does can be done.
async fn is_whole(name: &str) {
    let database = Rc::new(Database::open(name).await.unwrap());
    let Keyring::Open(keyring) = Keyring::open(&database).await.unwrap() else { panic!("locked") };
    let sealed = keyring.look(|table| SealedRecords::new(Rc::clone(&database), table.vault())).await;
    let mut found = sealed.load().await.unwrap();
    found.extend(sealed.read(Store::Message, KeyRange::all(), 9).await.unwrap());
    assert_eq!(found, records());
    let session = records().remove(2);
    database.commit(vec![RawChange::SetAside(session.store, session.key.clone())]).await.unwrap();
    assert_eq!(database.aside(Store::Session).await.unwrap().remove(0).key, session.key);
}

#[wasm_bindgen_test]
async fn every_older_version_is_brought_up_to_date_with_all_it_holds() {
    for version in [1, 2] {
        let name = unique("older");
        make(&name, version, false).await;
        is_whole(&name).await;
        delete_database(&name).await.unwrap();
    }
}

#[wasm_bindgen_test]
async fn a_tab_that_does_not_give_way_holds_a_migration_up_and_nothing_is_lost_by_it() {
    let name = unique("held-up");
    let held = make(&name, 1, true).await;
    assert_eq!(Database::open(&name).await.unwrap_err(), StorageError::Blocked);
    held.close();
    // What was given up migrates now, and lets go.
    is_whole(&name).await;
    delete_database(&name).await.unwrap();
}

#[wasm_bindgen_test]
async fn a_transaction_that_breaks_off_leaves_nothing() {
    let name = unique("broken-off");
    let database = Database::open(&name).await.unwrap();
    let put =
        |store, value: &[u8]| RawChange::Put(store, RawRecord { key: b"k".to_vec(), value: value.to_vec() });
    database.commit(vec![put(Store::Session, b"before")]).await.unwrap();
    let changes = || {
        vec![
            RawChange::SetAside(Store::Session, b"k".to_vec()),
            put(Store::Contact, b"1"),
            put(Store::Session, b"2"),
            put(Store::Outbox, b"3"),
        ]
    };
    // The last of them is refused.
    js_sys::eval(
        "globalThis.workingPut = IDBObjectStore.prototype.put;
         IDBObjectStore.prototype.put = function (...parameters) {
             if (this.name === 'outbox') throw new DOMException('full', 'QuotaExceededError');
             return workingPut.apply(this, parameters);
         };",
    )
    .unwrap();
    let refused = database.commit(changes()).await;
    js_sys::eval("IDBObjectStore.prototype.put = workingPut").unwrap();
    assert_eq!(refused, Err(StorageError::Full));
    let left = async |store| {
        let read = database.read(store, KeyRange::all(), None).await.unwrap();
        read.into_iter().map(|record| record.value).collect::<Vec<_>>()
    };
    assert_eq!(left(Store::Session).await, [b"before"]);
    assert!(left(Store::Contact).await.is_empty() && left(Store::Outbox).await.is_empty());
    assert!(database.aside(Store::Session).await.unwrap().is_empty());
    database.commit(changes()).await.unwrap();
    assert_eq!(left(Store::Session).await, [b"2"]);
    assert_eq!(database.aside(Store::Session).await.unwrap().remove(0).value, b"before");
    drop(database);
    delete_database(&name).await.unwrap();
}
