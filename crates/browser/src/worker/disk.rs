//! Received files on disk: sealed chunks one after the other, in the origin's private file system.

use futures_channel::oneshot;
use gloo_timers::future::TimeoutFuture;
use sotto_crypto::file::{CHUNK, CHUNK_OVERHEAD};
use sotto_engine::{FileId, TransferFailure};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    FileSystemFileHandle, FileSystemGetFileOptions, FileSystemReadWriteOptions, FileSystemSyncAccessHandle,
};

use crate::{js, opfs};

/// Bytes of a whole sealed chunk.
pub(super) const SEALED_CHUNK: u64 = 65_536 + 16;
const _: () = assert!(CHUNK == 65_536 && CHUNK_OVERHEAD == 16);

/// How often deleting an open file is tried, and how long to wait between, in milliseconds.
const DELETE_TRIES: u32 = 50;
const DELETE_AGAIN: u32 = 100;

/// Bytes of a file's sealed chunks together.
pub(super) fn sealed_size(size: u64, chunks: u32) -> u64 {
    size.saturating_add(u64::from(chunks).saturating_mul(16))
}

/// A file open for writing, closed when dropped.
#[derive(Debug)]
pub(super) struct OpenFile(FileSystemSyncAccessHandle);

impl Drop for OpenFile {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl OpenFile {
    /// Makes a file and reserves its room, so that what is missing shows before anything is received.
    ///
    /// # Errors
    /// `NoSpace` or `Storage`.
    pub(super) async fn create(directory: &str, name: &str, size: u64) -> Result<Self, TransferFailure> {
        let file = Self::open(directory, name).await.map_err(|error| failure_of(&error))?;
        file.0
            .truncate_with_f64(0.0)
            .and_then(|()| file.0.truncate_with_f64(js::double(size)))
            .map_err(|error| failure_of(&error))?;
        Ok(file)
    }

    async fn open(directory: &str, name: &str) -> Result<Self, JsValue> {
        let options = FileSystemGetFileOptions::new();
        options.set_create(true);
        let handle = opfs::directory(directory).await?.get_file_handle_with_options(name, &options);
        let handle: FileSystemFileHandle = JsFuture::from(handle).await?.unchecked_into();
        let opening = JsFuture::from(handle.create_sync_access_handle());
        let (give, given) = oneshot::channel();
        // Goes on when nobody waits any more: a handle that is not closed locks the file.
        wasm_bindgen_futures::spawn_local(async move {
            let opened = opening.await.map(|handle| Self(handle.unchecked_into()));
            drop(give.send(opened));
        });
        given.await.unwrap_or(Err(JsValue::UNDEFINED))
    }

    /// Writes all of `bytes` at a position.
    ///
    /// # Errors
    /// `NoSpace` or `Storage`.
    pub(super) fn write(&self, bytes: &js_sys::Uint8Array, at: u64) -> Result<(), TransferFailure> {
        let options = FileSystemReadWriteOptions::new();
        options.set_at(js::double(at));
        let written =
            self.0.write_with_js_u8_array_and_options(bytes, &options).map_err(|error| failure_of(&error))?;
        if js::whole(written) == u64::from(bytes.length()) { Ok(()) } else { Err(TransferFailure::NoSpace) }
    }

    /// Puts on disk what the system still holds back.
    ///
    /// # Errors
    /// `NoSpace` or `Storage`.
    pub(super) fn flush(&self) -> Result<(), TransferFailure> {
        self.0.flush().map_err(|error| failure_of(&error))
    }
}

/// Deletes a received file; one that is still open, when it is closed.
pub(super) async fn delete(file: FileId) {
    let Ok(directory) = opfs::directory(opfs::FILES).await else { return };
    for _ in 0..DELETE_TRIES {
        match JsFuture::from(directory.remove_entry(&file.to_string())).await {
            Err(error) if js::name_of(&error) == "NoModificationAllowedError" => {
                TimeoutFuture::new(DELETE_AGAIN).await;
            }
            // Deleted, or never there.
            _ => return,
        }
    }
}

/// Deletes the plain copies that an earlier run left.
pub(super) async fn tidy() {
    let _ = opfs::remove_directory(opfs::PLAIN).await;
}

fn failure_of(error: &JsValue) -> TransferFailure {
    match js::name_of(error).as_str() {
        "QuotaExceededError" => TransferFailure::NoSpace,
        _ => TransferFailure::Storage,
    }
}
