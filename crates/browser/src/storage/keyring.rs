//! The vault key, and the WebCrypto key that wraps it and cannot be taken out of the browser.

use js_sys::{Array, Promise, Uint8Array};
use sotto_crypto::vault::VaultKey;
use sotto_engine::Store;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto};
use zeroize::Zeroizing;

use super::{Database, KeyRange, RecordStore, StorageError};
use crate::js;

/// In the keyring: the non-extractable AES-GCM key.
const WRAPPING_KEY: &str = "wrapping-key";
/// In the keyring: nonce ‖ wrapped vault key.
const WRAPPED: &str = "vault";
/// Binds the wrapped key to its purpose.
const LABEL: &[u8] = b"sotto/v1/vault-wrap\0";
/// Bytes of an AES-GCM nonce.
const NONCE: usize = 12;

/// Opens the vault, or makes one if nothing was ever stored.
///
/// # Errors
/// [`StorageError::Damaged`] when something is stored but its key is gone or does not open.
pub(crate) async fn open_vault(database: &Database) -> Result<VaultKey, StorageError> {
    let wrapping: Option<CryptoKey> = database.keyring(WRAPPING_KEY).await?.dyn_into().ok();
    let wrapped: Option<Uint8Array> = database.keyring(WRAPPED).await?.dyn_into().ok();
    match (wrapping, wrapped) {
        (Some(wrapping), Some(wrapped)) => unwrap(&wrapping, &wrapped.to_vec()).await,
        (None, None) if is_fresh(database).await? => make(database).await,
        _ => Err(StorageError::Damaged),
    }
}

/// Deletes the keys, after which no record can be read.
///
/// # Errors
/// [`StorageError`].
pub(crate) async fn wipe(database: &Database) -> Result<(), StorageError> {
    let gone = JsValue::UNDEFINED;
    database.set_keyring(&[(WRAPPING_KEY, gone.clone()), (WRAPPED, gone)]).await
}

async fn is_fresh(database: &Database) -> Result<bool, StorageError> {
    for store in Store::ALL {
        if !database.read(store, KeyRange::all(), Some(1)).await?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn make(database: &Database) -> Result<VaultKey, StorageError> {
    let usages: Array = ["encrypt", "decrypt"].into_iter().map(JsValue::from_str).collect();
    let algorithm = js::object(&[("name", "AES-GCM".into()), ("length", 256.into())]);
    let generated = subtle()?.generate_key_with_object(&algorithm, false, &usages);
    let wrapping: CryptoKey = settle(generated).await?.unchecked_into();
    let vault = VaultKey::generate(&mut js::rng());
    let mut nonce = [0; NONCE];
    rand_core::Rng::fill_bytes(&mut js::rng(), &mut nonce);
    let sealed = subtle()?.encrypt_with_object_and_u8_array(
        &parameters(&nonce),
        &wrapping,
        vault.to_bytes().as_slice(),
    );
    let sealed = Uint8Array::new(&settle(sealed).await?).to_vec();
    let wrapped = Uint8Array::from([nonce.as_slice(), &sealed].concat().as_slice());
    database.set_keyring(&[(WRAPPING_KEY, wrapping.into()), (WRAPPED, wrapped.into())]).await?;
    Ok(vault)
}

async fn unwrap(wrapping: &CryptoKey, wrapped: &[u8]) -> Result<VaultKey, StorageError> {
    let (nonce, sealed) = wrapped.split_first_chunk::<NONCE>().ok_or(StorageError::Damaged)?;
    let opened = subtle()?.decrypt_with_object_and_u8_array(&parameters(nonce), wrapping, sealed);
    let opened = Uint8Array::new(&settle(opened).await.map_err(|_| StorageError::Damaged)?);
    let mut key = Zeroizing::new([0; 32]);
    if opened.length() != 32 {
        return Err(StorageError::Damaged);
    }
    opened.copy_to(key.as_mut_slice());
    opened.fill(0, 0, 32);
    Ok(VaultKey::from_bytes(&key))
}

fn parameters(nonce: &[u8; NONCE]) -> js_sys::Object {
    js::object(&[
        ("name", "AES-GCM".into()),
        ("iv", Uint8Array::from(nonce.as_slice()).into()),
        ("additionalData", Uint8Array::from(LABEL).into()),
    ])
}

/// WebCrypto exists in secure contexts only.
fn subtle() -> Result<SubtleCrypto, StorageError> {
    let crypto = js::get(&js_sys::global(), "crypto");
    js::get(&crypto, "subtle").dyn_into().map_err(|_| StorageError::Denied)
}

async fn settle(promise: Result<Promise, JsValue>) -> Result<JsValue, StorageError> {
    JsFuture::from(promise.map_err(|_| StorageError::Failed)?).await.map_err(|_| StorageError::Failed)
}
