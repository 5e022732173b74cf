use std::rc::Rc;

use js_sys::{Function, Promise};
use sotto_engine::Store;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;

use super::unique;
use crate::storage::{
    Database, KeyRange, Keyring, RawChange, RawRecord, RecordStore, StorageError, conformance,
    delete_database,
};

fn change(value: &[u8]) -> Vec<RawChange> {
    vec![RawChange::Put(Store::Account, RawRecord { key: b"k".to_vec(), value: value.to_vec() })]
}

async fn value(database: &Database) -> Vec<u8> {
    database.read(Store::Account, KeyRange::all(), None).await.unwrap().remove(0).value
}

#[wasm_bindgen_test]
async fn indexed_db_conforms() {
    let name = unique("conforms");
    conformance::conforms(&Database::open(&name).await.unwrap()).await;
    delete_database(&name).await.unwrap();
}

#[wasm_bindgen_test]
async fn every_write_is_strictly_durable() {
    let name = unique("durable");
    // The browser's own transactions say what they were asked for.
    let observed = js_sys::eval(
        "globalThis.durabilities = [];
         globalThis.originalTransaction = IDBDatabase.prototype.transaction;
         IDBDatabase.prototype.transaction = function (...parameters) {
             const transaction = originalTransaction.apply(this, parameters);
             if (transaction.mode === 'readwrite') durabilities.push(transaction.durability);
             return transaction;
         };
         durabilities",
    )
    .unwrap();
    let database = Rc::new(Database::open(&name).await.unwrap());
    drop(Keyring::open(&database).await.unwrap());
    let put = |store| RawChange::Put(store, RawRecord { key: b"k".to_vec(), value: b"1".to_vec() });
    database.commit(Store::ALL.map(put).into()).await.unwrap();
    js_sys::eval("IDBDatabase.prototype.transaction = originalTransaction").unwrap();
    let durabilities: Vec<_> =
        observed.unchecked_into::<js_sys::Array>().iter().map(|text| text.as_string().unwrap()).collect();
    assert_eq!(durabilities, ["strict"; 3], "taking ownership, the keys, and one for records of all stores");
    drop(database);
    delete_database(&name).await.unwrap();
}

#[wasm_bindgen_test]
async fn who_was_superseded_changes_nothing_any_more() {
    let name = unique("owner");
    let first = Database::open(&name).await.unwrap();
    first.commit(change(b"first")).await.unwrap();
    let second = Database::open(&name).await.unwrap();
    assert_eq!(first.commit(change(b"late")).await, Err(StorageError::Superseded));
    assert_eq!(value(&second).await, b"first");
    second.commit(change(b"second")).await.unwrap();
    assert_eq!(value(&second).await, b"second");
    drop((first, second));
    delete_database(&name).await.unwrap();
}

#[wasm_bindgen_test]
async fn a_closed_database_says_that_it_is_gone() {
    let name = unique("closed");
    let database = Database::open(&name).await.unwrap();
    // Another tab deletes it: this connection gives way.
    delete_database(&name).await.unwrap();
    assert_eq!(database.commit(change(b"1")).await, Err(StorageError::Gone));
    assert_eq!(database.read(Store::Account, KeyRange::all(), None).await.unwrap_err(), StorageError::Gone);
}

#[wasm_bindgen_test]
async fn a_newer_database_is_left_alone() {
    let name = unique("newer");
    let open = Function::new_with_args(
        "name",
        "return new Promise(done => {
             const request = indexedDB.open(name, 1000);
             request.onsuccess = () => { request.result.close(); done(); };
         })",
    );
    let opened: Promise = open.call1(&JsValue::NULL, &name.as_str().into()).unwrap().unchecked_into();
    JsFuture::from(opened).await.unwrap();
    assert_eq!(Database::open(&name).await.unwrap_err(), StorageError::Newer);
    delete_database(&name).await.unwrap();
}
