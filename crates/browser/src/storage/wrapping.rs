//! The outer layer around keys at rest: WebCrypto keys that cannot be taken out of the browser.

use js_sys::{Array, Promise, Uint8Array};
use sotto_crypto::Purpose;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto};
use zeroize::Zeroizing;

use super::StorageError;
use crate::js;

/// Bytes of an AES-GCM nonce.
const NONCE: usize = 12;

/// A fresh, non-extractable key for AES-256-GCM.
///
/// # Errors
/// [`StorageError::Denied`] where there is no WebCrypto, as outside secure contexts.
pub(super) async fn generate() -> Result<CryptoKey, StorageError> {
    let usages: Array = ["encrypt", "decrypt"].into_iter().map(JsValue::from_str).collect();
    let algorithm = js::object(&[("name", "AES-GCM".into()), ("length", 256.into())]);
    let generated = subtle()?.generate_key_with_object(&algorithm, false, &usages);
    Ok(settle(generated).await?.unchecked_into())
}

/// `nonce ‖ ciphertext ‖ tag`.
///
/// # Errors
/// [`StorageError`].
pub(super) async fn wrap(
    key: &CryptoKey,
    purpose: Purpose,
    content: &[u8],
) -> Result<Uint8Array, StorageError> {
    let mut nonce = [0; NONCE];
    rand_core::Rng::fill_bytes(&mut js::rng(), &mut nonce);
    let sealed = subtle()?.encrypt_with_object_and_u8_array(&parameters(&nonce, purpose), key, content);
    let sealed = Uint8Array::new(&settle(sealed).await?).to_vec();
    Ok(Uint8Array::from([nonce.as_slice(), &sealed].concat().as_slice()))
}

/// What was wrapped for this purpose.
///
/// # Errors
/// [`StorageError::Damaged`] when it does not open.
pub(super) async fn unwrap(
    key: &CryptoKey,
    purpose: Purpose,
    wrapped: &[u8],
) -> Result<Zeroizing<Vec<u8>>, StorageError> {
    let (nonce, sealed) = wrapped.split_first_chunk::<NONCE>().ok_or(StorageError::Damaged)?;
    let opened = subtle()?.decrypt_with_object_and_u8_array(&parameters(nonce, purpose), key, sealed);
    let opened = Uint8Array::new(&settle(opened).await.map_err(|_| StorageError::Damaged)?);
    let content = Zeroizing::new(opened.to_vec());
    opened.fill(0, 0, opened.length());
    Ok(content)
}

fn parameters(nonce: &[u8; NONCE], purpose: Purpose) -> js_sys::Object {
    js::object(&[
        ("name", "AES-GCM".into()),
        ("iv", Uint8Array::from(nonce.as_slice()).into()),
        ("additionalData", Uint8Array::from(purpose.label(&[]).as_slice()).into()),
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
