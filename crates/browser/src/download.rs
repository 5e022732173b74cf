//! Saving through a plain file of our own, where the browser has no save picker.

use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, Promise};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{FileSystemFileHandle, HtmlAnchorElement};

use crate::{SaveError, js, opfs};

/// How long a browser may take to begin with a download and copy it, in milliseconds. What is left of older ones is
/// deleted at the next start.
const KEEP: u32 = 10 * 60 * 1000;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = js_sys::Object)]
    type PickerWindow;

    /// File System Access, `window.showSaveFilePicker`.
    #[wasm_bindgen(method, catch, js_name = showSaveFilePicker)]
    fn show_save_file_picker(this: &PickerWindow, options: &JsValue) -> Result<Promise, JsValue>;
}

/// Where the user wants the file.
#[derive(Debug)]
pub(crate) enum Target {
    /// Here.
    Picked(FileSystemFileHandle),
    /// Nowhere.
    Dismissed,
    /// The browser has no picker.
    NoPicker,
}

/// Asks the user where to save; must run in a user gesture.
pub(crate) async fn pick(name: &str) -> Target {
    let Some(window) = web_sys::window() else { return Target::NoPicker };
    if !js::get(&window, "showSaveFilePicker").is_instance_of::<Function>() {
        return Target::NoPicker;
    }
    let options = js::object(&[("suggestedName", name.into())]);
    let picked = match window.unchecked_ref::<PickerWindow>().show_save_file_picker(&options) {
        Ok(promise) => JsFuture::from(promise).await,
        Err(error) => Err(error),
    };
    match picked {
        Ok(handle) => Target::Picked(handle.unchecked_into()),
        Err(error) if js::name_of(&error) == "AbortError" => Target::Dismissed,
        // A name the picker does not like, a frame without permission: a download still works.
        Err(_) => Target::NoPicker,
    }
}

/// Offers a plain file of our own as a download under `name`. Gives the address it has until [`clean_up`].
///
/// # Errors
/// [`SaveError::Refused`].
pub(crate) async fn offer(plain: &str, name: &str) -> Result<String, SaveError> {
    click(plain, name).await.map_err(|_| SaveError::Refused)
}

async fn click(plain: &str, name: &str) -> Result<String, JsValue> {
    let directory = opfs::directory(opfs::PLAIN).await?;
    let handle: FileSystemFileHandle =
        JsFuture::from(directory.get_file_handle(plain)).await?.unchecked_into();
    let file: web_sys::File = JsFuture::from(handle.get_file()).await?.unchecked_into();
    let document = web_sys::window().and_then(|window| window.document()).ok_or(JsValue::UNDEFINED)?;
    let anchor: HtmlAnchorElement = document.create_element("a")?.unchecked_into();
    let url = web_sys::Url::create_object_url_with_blob(&file)?;
    anchor.set_href(&url);
    anchor.set_download(name);
    anchor.click();
    Ok(url)
}

/// Deletes a plain file when the browser has had time to take it, and withdraws its address.
pub(crate) async fn clean_up(plain: &str, url: Option<String>) {
    TimeoutFuture::new(KEEP).await;
    if let Some(url) = url {
        // It can only have been withdrawn before.
        let _ = web_sys::Url::revoke_object_url(&url);
    }
    if let Ok(directory) = opfs::directory(opfs::PLAIN).await {
        // If it is still being read it goes at the next start.
        let _ = JsFuture::from(directory.remove_entry(plain)).await;
    }
}
