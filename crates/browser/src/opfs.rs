//! The origin's private file system: where received files lie.

use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    FileSystemDirectoryHandle, FileSystemGetDirectoryOptions, FileSystemRemoveOptions, StorageManager,
};

use crate::js;

/// The directory of received files: sealed chunks one after the other, under the file's id.
pub(crate) const FILES: &str = "files";
/// The directory of plain copies on their way out.
pub(crate) const PLAIN: &str = "saving";

/// The root. Works in the page and in the worker.
///
/// # Errors
/// What the browser throws where it has none, as some private modes do.
pub(crate) async fn root() -> Result<FileSystemDirectoryHandle, JsValue> {
    let navigator = js::get(&js_sys::global(), "navigator");
    let storage: StorageManager = js::get(&navigator, "storage").dyn_into()?;
    if !js::get(&storage, "getDirectory").is_function() {
        return Err(JsValue::UNDEFINED);
    }
    Ok(JsFuture::from(storage.get_directory()).await?.unchecked_into())
}

/// One of the directories, made if it is missing.
///
/// # Errors
/// What the browser throws.
pub(crate) async fn directory(name: &str) -> Result<FileSystemDirectoryHandle, JsValue> {
    let options = FileSystemGetDirectoryOptions::new();
    options.set_create(true);
    let directory = root().await?.get_directory_handle_with_options(name, &options);
    Ok(JsFuture::from(directory).await?.unchecked_into())
}

/// Deletes a directory with everything in it; no error when there is none.
///
/// # Errors
/// What the browser throws, for instance when a file in it is open.
pub(crate) async fn remove_directory(name: &str) -> Result<(), JsValue> {
    let options = FileSystemRemoveOptions::new();
    options.set_recursive(true);
    match JsFuture::from(root().await?.remove_entry_with_options(name, &options)).await {
        Err(error) if js::name_of(&error) != "NotFoundError" => Err(error),
        _ => Ok(()),
    }
}
