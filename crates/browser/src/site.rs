//! What belongs to this site as a whole: how much it may store, and deleting all of it.

use js_sys::{Array, Promise};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{ServiceWorkerRegistration, StorageManager};

use crate::{
    StorageEstimate, WipeError, js, opfs,
    storage::{DATABASE, DECOY_DATABASE, Database, StorageError, delete_database, wipe_keyring},
};

#[wasm_bindgen]
extern "C" {
    /// `CacheStorage`, as far as it is needed to empty it.
    #[wasm_bindgen(extends = js_sys::Object)]
    type Caches;

    #[wasm_bindgen(method)]
    fn keys(this: &Caches) -> Promise;

    #[wasm_bindgen(method)]
    fn delete(this: &Caches, name: &str) -> Promise;
}

/// How much room there is.
pub(crate) async fn estimate() -> Option<StorageEstimate> {
    let storage = storage_manager()?;
    let estimate = JsFuture::from(storage.estimate().ok()?).await.ok()?;
    let number = |name| js::get(&estimate, name).as_f64().map(js::whole);
    let persisted = JsFuture::from(storage.persisted().ok()?).await.ok()?.is_truthy();
    let files = js::get(&js::get(&estimate, "usageDetails"), "fileSystem").as_f64().map(js::whole);
    // Firefox refuses it in private windows, and only there.
    let private = opfs::root().await.is_err_and(|error| js::name_of(&error) == "SecurityError");
    Some(StorageEstimate { used: number("usage")?, quota: number("quota")?, files, persisted, private })
}

/// Asks for storage that is not evicted.
pub(crate) async fn persist() -> bool {
    let Some(promise) = storage_manager().and_then(|storage| storage.persist().ok()) else { return false };
    JsFuture::from(promise).await.is_ok_and(|granted| granted.is_truthy())
}

/// Deletes everything: keys first, so that nothing can be read if the rest is interrupted.
pub(crate) async fn wipe() -> Result<(), WipeError> {
    let keys = async {
        let database = Database::open(DATABASE).await?;
        wipe_keyring(&database).await
    };
    match keys.await {
        Ok(()) => {}
        // Nothing could ever be stored.
        Err(StorageError::Denied) => {}
        Err(_) => delete_database(DATABASE).await.map_err(|_| WipeError::KeysRemain)?,
    }
    let database = delete_database(DATABASE).await.is_ok();
    let decoy = delete_database(DECOY_DATABASE).await.is_ok();
    let plain = opfs::remove_directory(opfs::PLAIN).await.is_ok();
    let files = opfs::remove_directory(opfs::FILES).await.is_ok();
    let rest = remove_rest().await.is_ok();
    if database && decoy && plain && files && rest { Ok(()) } else { Err(WipeError::Incomplete) }
}

async fn remove_rest() -> Result<(), JsValue> {
    let window = web_sys::window().ok_or(JsValue::UNDEFINED)?;
    for kind in ["localStorage", "sessionStorage"] {
        if let Ok(storage) = js::get(&window, kind).dyn_into::<web_sys::Storage>() {
            storage.clear()?;
        }
    }
    let caches = js::get(&window, "caches");
    if caches.is_object() {
        let caches: Caches = caches.unchecked_into();
        for name in Array::from(&JsFuture::from(caches.keys()).await?).iter() {
            JsFuture::from(caches.delete(&name.as_string().unwrap_or_default())).await?;
        }
    }
    if js::get(&window.navigator(), "serviceWorker").is_object() {
        let registrations = JsFuture::from(window.navigator().service_worker().get_registrations()).await?;
        for registration in Array::from(&registrations).iter() {
            JsFuture::from(registration.unchecked_into::<ServiceWorkerRegistration>().unregister()?).await?;
        }
    }
    Ok(())
}

fn storage_manager() -> Option<StorageManager> {
    js::get(&web_sys::window()?.navigator(), "storage").dyn_into().ok()
}
