//! The slots of the vault in a real database, under real keys of the browser.

use std::rc::Rc;

use js_sys::{Function, Promise, Uint8Array};
use sotto_crypto::{
    passphrase::{Cost, Stretch, StretchedKey},
    vault::{RecordPlace, Role, SlotError, VaultKey},
};
use sotto_engine::{Change, Record, Store};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;
use zeroize::Zeroizing;

use super::unique;
use crate::{
    js,
    storage::{
        ChangeError, Database, Keyring, RawChange, RawRecord, RecordStore, SealedRecords, StorageError,
        Unlocked, delete_database, wipe_keyring,
    },
};

async fn open(name: &str) -> Rc<Database> {
    Rc::new(Database::open(name).await.unwrap())
}

async fn unlocked(database: &Rc<Database>) -> Unlocked {
    match Keyring::open(database).await.unwrap() {
        Keyring::Open(keyring) => keyring,
        Keyring::Locked(_) => panic!("locked"),
    }
}

async fn vault(keyring: &Unlocked) -> [u8; 32] {
    keyring.look(|table| *table.vault().to_bytes()).await
}

fn record() -> Record {
    Record { store: Store::Session, key: b"k".to_vec(), value: Zeroizing::new(b"secret".to_vec()) }
}

/// Calls a function written in JavaScript that gives a promise.
async fn call<const N: usize>(
    parameters: &str,
    body: &str,
    arguments: [JsValue; N],
) -> Result<JsValue, JsValue> {
    let function = Function::new_with_args(parameters, body);
    let promise = function.apply(&JsValue::NULL, &arguments.into_iter().collect::<js_sys::Array>()).unwrap();
    JsFuture::from(promise.unchecked_into::<Promise>()).await
}

/// Puts a table that was wrapped by hand.
async fn put_wrapped(database: &Database, content: &[u8], label: &str) {
    let made = call(
        "content, label",
        "return (async () => {
             const key = await crypto.subtle.generateKey({name: 'AES-GCM', length: 256}, false, ['encrypt', 'decrypt']);
             const iv = crypto.getRandomValues(new Uint8Array(12));
             const additionalData = new TextEncoder().encode(label);
             const sealed = await crypto.subtle.encrypt({name: 'AES-GCM', iv, additionalData}, key, content);
             return [key, new Uint8Array([...iv, ...new Uint8Array(sealed)])];
         })()",
        [Uint8Array::from(content).into(), label.into()],
    );
    let made: js_sys::Array = made.await.unwrap().unchecked_into();
    database.set_keyring(&[("wrapping-key", made.get(0)), ("slots", made.get(1))]).await.unwrap();
}

#[wasm_bindgen_test]
async fn the_vault_survives_and_its_wrapping_key_cannot_be_taken_out() {
    let name = unique("vault");
    let database = open(&name).await;
    let keyring = unlocked(&database).await;
    let records = keyring.look(|table| SealedRecords::new(Rc::clone(&database), table.vault())).await;
    records.commit(&[Change::Put(record())]).await.unwrap();
    let before = vault(&keyring).await;
    drop((keyring, records, database));

    let database = open(&name).await;
    let wrapping = database.keyring("wrapping-key").await.unwrap();
    assert!(wrapping.is_instance_of::<web_sys::CryptoKey>());
    assert!(call("key", "return crypto.subtle.exportKey('raw', key)", [wrapping]).await.is_err());
    let slots: Uint8Array = database.keyring("slots").await.unwrap().unchecked_into();
    assert_eq!(slots.length(), 12 + 414 + 16);
    let keyring = unlocked(&database).await;
    assert_eq!((keyring.role(), vault(&keyring).await), (Role::Main, before));
    let records = keyring.look(|table| SealedRecords::new(Rc::clone(&database), table.vault())).await;
    assert_eq!(records.load().await.unwrap(), [record()]);
    drop((keyring, records, database));
    delete_database(&name).await.unwrap();
}

#[wasm_bindgen_test]
async fn records_without_their_keys_are_damage_and_not_a_fresh_start() {
    for gone in ["wrapping-key", "slots", ""] {
        let name = unique("keyless");
        let database = open(&name).await;
        drop(unlocked(&database).await);
        let raw = RawRecord { key: b"k".to_vec(), value: b"v".to_vec() };
        database.commit(vec![RawChange::Put(Store::Account, raw)]).await.unwrap();
        if gone.is_empty() {
            wipe_keyring(&database).await.unwrap();
        } else {
            database.set_keyring(&[(gone, JsValue::UNDEFINED)]).await.unwrap();
        }
        assert_eq!(Keyring::open(&database).await.unwrap_err(), StorageError::Damaged, "{gone}");
        drop(database);
        delete_database(&name).await.unwrap();
    }
}

#[wasm_bindgen_test]
async fn what_the_first_version_stored_becomes_a_table() {
    let name = unique("migrated");
    let key = VaultKey::from_bytes(&[7; 32]);
    let place = RecordPlace { key: b"k", schema: 1, revision: 0 };
    let sealed = key.store("session").seal(&place, b"secret", &mut js::rng());
    // As the first version made the database, all of it.
    call(
        "name, vault, label, record",
        "return (async () => {
             const key = await crypto.subtle.generateKey({name: 'AES-GCM', length: 256}, false, ['encrypt', 'decrypt']);
             const iv = crypto.getRandomValues(new Uint8Array(12));
             const additionalData = new TextEncoder().encode(label);
             const wrapped = await crypto.subtle.encrypt({name: 'AES-GCM', iv, additionalData}, key, vault);
             const stores = ['account', 'contact', 'session', 'invite', 'outbox', 'seen', 'transfer', 'message', 'keyring'];
             return new Promise((done, failed) => {
                 const request = indexedDB.open(name, 1);
                 request.onerror = failed;
                 request.onupgradeneeded = () => stores.forEach(store => request.result.createObjectStore(store));
                 request.onsuccess = () => {
                     const transaction = request.result.transaction(['keyring', 'session'], 'readwrite');
                     const keyring = transaction.objectStore('keyring');
                     keyring.put(1, 'owner');
                     keyring.put(key, 'wrapping-key');
                     keyring.put(new Uint8Array([...iv, ...new Uint8Array(wrapped)]), 'vault');
                     transaction.objectStore('session').put(record, new Uint8Array([107]));
                     transaction.oncomplete = () => { request.result.close(); done(); };
                     transaction.onerror = failed;
                 };
             });
         })()",
        [
            name.as_str().into(),
            Uint8Array::from([7; 32].as_slice()).into(),
            "sotto/v1/vault-wrap\0".into(),
            Uint8Array::from(sealed.as_slice()).into(),
        ],
    )
    .await
    .unwrap();

    for _ in 0..2 {
        let database = open(&name).await;
        let keyring = unlocked(&database).await;
        assert_eq!((keyring.role(), vault(&keyring).await), (Role::Main, [7; 32]));
        let records = keyring.look(|table| SealedRecords::new(Rc::clone(&database), table.vault())).await;
        assert_eq!(records.load().await.unwrap(), [record()]);
        assert!(database.keyring("vault").await.unwrap().is_undefined());
        assert!(database.keyring("slots").await.unwrap().is_instance_of::<Uint8Array>());
    }
    // An older page takes it for what it is: newer.
    let opened = call(
        "name",
        "return new Promise((done, failed) => {
             const request = indexedDB.open(name, 1);
             request.onsuccess = done;
             request.onerror = () => failed(request.error.name);
         })",
        [name.as_str().into()],
    );
    assert_eq!(opened.await.unwrap_err(), "VersionError");
    delete_database(&name).await.unwrap();
}

#[wasm_bindgen_test]
async fn tables_that_are_not_ours_are_refused() {
    let name = unique("altered");
    let database = open(&name).await;
    let keyring = unlocked(&database).await;
    let table = keyring.look(|table| table.table().to_bytes()).await;
    let label = "sotto/v1/vault-slots\0";
    put_wrapped(&database, &table, label).await;
    assert!(matches!(Keyring::open(&database).await, Ok(Keyring::Open(_))));

    let with = |at: usize, bytes: &[u8]| {
        let mut altered = table;
        altered[at..at + bytes.len()].copy_from_slice(bytes);
        altered
    };
    let weak = [&[1], 19_455_u32.to_be_bytes().as_slice(), &2_u32.to_be_bytes()].concat();
    let costly = [&[1], 65_536_u32.to_be_bytes().as_slice(), &u32::MAX.to_be_bytes()].concat();
    for (altered, error) in [
        (with(0, &[2]).to_vec(), StorageError::Newer),
        (with(1, &[2]).to_vec(), StorageError::Damaged),
        (with(1, &weak).to_vec(), StorageError::Damaged),
        (with(1, &costly).to_vec(), StorageError::Damaged),
        (with(26, &[0; 388]).to_vec(), StorageError::Damaged),
        (table[..413].to_vec(), StorageError::Damaged),
        (Vec::new(), StorageError::Damaged),
    ] {
        put_wrapped(&database, &altered, label).await;
        assert_eq!(Keyring::open(&database).await.unwrap_err(), error);
    }
    // For another purpose, and altered outside.
    put_wrapped(&database, &table, "sotto/v1/vault-wrap\0").await;
    assert_eq!(Keyring::open(&database).await.unwrap_err(), StorageError::Damaged);
    for at in [0, 12, 441] {
        put_wrapped(&database, &table, label).await;
        let slots: Uint8Array = database.keyring("slots").await.unwrap().unchecked_into();
        slots.set_index(at, slots.get_index(at) ^ 1);
        database.set_keyring(&[("slots", slots.into())]).await.unwrap();
        assert_eq!(Keyring::open(&database).await.unwrap_err(), StorageError::Damaged);
    }
    drop((keyring, database));
    delete_database(&name).await.unwrap();
}

/// Whatever Argon2id gives.
fn key(stretch: Stretch, byte: u8) -> StretchedKey {
    StretchedKey::from_bytes(stretch, &[byte; 32])
}

#[wasm_bindgen_test]
async fn a_passphrase_locks_and_each_opens_its_vault() {
    let name = unique("locked");
    let database = open(&name).await;
    let keyring = unlocked(&database).await;
    let main = vault(&keyring).await;
    let stretch = Stretch::generate(Cost::DEFAULT, &mut js::rng());
    let rng = || js::rng();
    let first_wrapping = database.keyring("wrapping-key").await.unwrap();
    let first_slots: Uint8Array = database.keyring("slots").await.unwrap().unchecked_into();
    keyring.change(|table| table.set_passphrase(&key(stretch, 1), &mut rng())).await.unwrap();
    let decoy = VaultKey::from_bytes(&[9; 32]);
    keyring.change(|table| table.set_duress(&key(stretch, 2), &decoy, &mut rng())).await.unwrap();
    // Whoever kept the first wrapping key opens nothing that is stored now.
    let slots: Uint8Array = database.keyring("slots").await.unwrap().unchecked_into();
    assert_ne!(slots.to_vec(), first_slots.to_vec());
    let opens = call(
        "key, slots",
        "return crypto.subtle.decrypt({name: 'AES-GCM', iv: slots.slice(0, 12),
             additionalData: new TextEncoder().encode('sotto/v1/vault-slots\\0')}, key, slots.slice(12))",
        [first_wrapping.clone(), slots.into()],
    );
    assert!(opens.await.is_err());
    let opened = call(
        "key, slots",
        "return crypto.subtle.decrypt({name: 'AES-GCM', iv: slots.slice(0, 12),
             additionalData: new TextEncoder().encode('sotto/v1/vault-slots\\0')}, key, slots.slice(12))",
        [first_wrapping, first_slots.into()],
    );
    assert!(opened.await.is_ok(), "the same call opens what that key did wrap");
    drop((keyring, database));

    let database = open(&name).await;
    let Keyring::Locked(locked) = Keyring::open(&database).await.unwrap() else { panic!("open") };
    assert_eq!(*locked.stretch(), stretch);
    assert_eq!(locked.unlock(&key(stretch, 3)).unwrap_err(), SlotError::NoSlot);
    let opened = locked.unlock(&key(stretch, 1)).unwrap();
    assert_eq!((opened.role(), vault(&opened).await), (Role::Main, main));
    let opened = locked.unlock(&key(stretch, 2)).unwrap();
    assert_eq!((opened.role(), vault(&opened).await), (Role::Decoy, [9; 32]));
    let refused = opened.change(|table| table.remove_passphrases(&mut rng())).await;
    assert_eq!(refused, Err(ChangeError::Slot(SlotError::NotMain)));

    let opened = locked.unlock(&key(stretch, 1)).unwrap();
    opened.change(|table| table.remove_passphrases(&mut rng())).await.unwrap();
    assert_eq!(vault(&unlocked(&database).await).await, main);
    drop((opened, locked, database));
    delete_database(&name).await.unwrap();
}

#[wasm_bindgen_test]
async fn a_change_that_is_not_stored_is_none() {
    let name = unique("unstored");
    let database = open(&name).await;
    let keyring = unlocked(&database).await;
    let before = keyring.look(|table| table.table().to_bytes()).await;
    let second = open(&name).await;
    let stretch = Stretch::generate(Cost::DEFAULT, &mut js::rng());
    let refused = keyring.change(|table| table.set_passphrase(&key(stretch, 1), &mut js::rng())).await;
    assert_eq!(refused, Err(ChangeError::Storage(StorageError::Superseded)));
    assert_eq!(keyring.look(|table| table.table().to_bytes()).await, before);
    assert!(matches!(Keyring::open(&second).await, Ok(Keyring::Open(_))));
    drop((keyring, database, second));
    delete_database(&name).await.unwrap();
}
