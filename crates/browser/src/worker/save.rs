//! Writing a received file out in plain: to where the user picked, or into a file of our own that is then offered as
//! a download.

use js_sys::{ArrayBuffer, Uint8Array};
use sotto_crypto::file::{CHUNK, CHUNK_OVERHEAD, FileHeader, FileKey, FileOpener};
use sotto_engine::{FileId, TransferFailure};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{File, FileSystemFileHandle, FileSystemWritableFileStream};
use zeroize::Zeroizing;

use super::{
    disk::{OpenFile, SEALED_CHUNK, sealed_size},
    header,
};
use crate::{
    SaveError, js, opfs,
    transfer::{FileDescription, SaveReport},
};

/// Chunks read and written at once: 2 MiB.
const SLICE: u32 = 32;

impl From<SaveError> for SaveReport {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::Gone => Self::Gone,
            SaveError::NoSpace => Self::NoSpace,
            SaveError::Damaged => Self::Damaged,
            SaveError::Refused | SaveError::Stopped => Self::Refused,
        }
    }
}

/// Where the plaintext goes.
enum Sink {
    /// A file of the user's choice.
    Picked(FileSystemWritableFileStream),
    /// A file of our own, and its name.
    Own(OpenFile, String),
}

/// Opens a received file chunk by chunk and writes it out. Gives the name of the file of our own, if it is one.
pub(super) async fn save(
    description: &FileDescription,
    target: JsValue,
) -> Result<Option<String>, SaveError> {
    let header = header(description).map_err(|_| SaveError::Gone)?;
    let opener = FileOpener::new(header, &FileKey::from_bytes(&description.key));
    let source = stored(FileId(description.file)).await.map_err(|_| SaveError::Gone)?;
    if js::whole(source.size()) != sealed_size(header.size(), header.chunks()) {
        return Err(SaveError::Damaged);
    }
    let sink = Sink::open(target, header.size()).await?;
    match write_all(&opener, &header, &source, &sink).await {
        Ok(()) => sink.close().await,
        Err(error) => {
            sink.discard().await;
            Err(error)
        }
    }
}

async fn stored(file: FileId) -> Result<File, JsValue> {
    let directory = opfs::directory(opfs::FILES).await?;
    let handle: FileSystemFileHandle =
        JsFuture::from(directory.get_file_handle(&file.to_string())).await?.unchecked_into();
    Ok(JsFuture::from(handle.get_file()).await?.unchecked_into())
}

async fn write_all(
    opener: &FileOpener,
    header: &FileHeader,
    source: &File,
    sink: &Sink,
) -> Result<(), SaveError> {
    let mut chunk = Zeroizing::new(vec![0; CHUNK + CHUNK_OVERHEAD]);
    let mut written = 0;
    let mut first = 0;
    while first < header.chunks() {
        let next = first.saturating_add(SLICE).min(header.chunks());
        let start = u64::from(first) * SEALED_CHUNK;
        let end = (u64::from(next) * SEALED_CHUNK).min(sealed_size(header.size(), header.chunks()));
        let slice =
            source.slice_with_f64_and_f64(js::double(start), js::double(end)).map_err(|_| SaveError::Gone)?;
        let sealed: ArrayBuffer =
            JsFuture::from(slice.array_buffer()).await.map_err(|_| SaveError::Gone)?.unchecked_into();
        let sealed = Uint8Array::new(&sealed);
        let mut plain = Zeroizing::new(Vec::with_capacity(usize::try_from(end - start).unwrap_or(0)));
        let mut position = 0;
        for index in first..next {
            let length = header.chunk_length(index).ok_or(SaveError::Damaged)?;
            let buffer = chunk.get_mut(..length + CHUNK_OVERHEAD).ok_or(SaveError::Damaged)?;
            let until = position + u32::try_from(buffer.len()).map_err(|_| SaveError::Damaged)?;
            if until > sealed.length() {
                return Err(SaveError::Damaged);
            }
            sealed.subarray(position, until).copy_to(buffer);
            position = until;
            opener.open(index, buffer).map_err(|_| SaveError::Damaged)?;
            plain.extend(buffer.iter().take(length));
        }
        // The browser may write after this returns, so it gets bytes that stay where they are.
        sink.write(&Uint8Array::from(plain.as_slice()), written).await?;
        written += u64::try_from(plain.len()).unwrap_or(0);
        first = next;
    }
    Ok(())
}

impl Sink {
    async fn open(target: JsValue, size: u64) -> Result<Self, SaveError> {
        if let Ok(picked) = target.dyn_into::<FileSystemFileHandle>() {
            let stream = JsFuture::from(picked.create_writable()).await.map_err(|error| error_of(&error))?;
            return Ok(Self::Picked(stream.unchecked_into()));
        }
        let mut name = [0; 16];
        rand_core::Rng::fill_bytes(&mut js::rng(), &mut name);
        let name = FileId(name).to_string();
        let file = OpenFile::create(opfs::PLAIN, &name, size).await?;
        Ok(Self::Own(file, name))
    }

    async fn write(&self, bytes: &Uint8Array, at: u64) -> Result<(), SaveError> {
        match self {
            Self::Picked(stream) => {
                let written = stream.write_with_js_u8_array(bytes).map_err(|error| error_of(&error))?;
                JsFuture::from(written).await.map(drop).map_err(|error| error_of(&error))
            }
            Self::Own(file, _) => Ok(file.write(bytes, at)?),
        }
    }

    async fn close(self) -> Result<Option<String>, SaveError> {
        match self {
            Self::Picked(stream) => {
                JsFuture::from(stream.close()).await.map_err(|error| error_of(&error))?;
                Ok(None)
            }
            Self::Own(file, name) => {
                file.flush()?;
                Ok(Some(name))
            }
        }
    }

    async fn discard(self) {
        match self {
            // What was there before stays.
            Self::Picked(stream) => drop(JsFuture::from(stream.abort()).await),
            Self::Own(file, name) => {
                drop(file);
                if let Ok(directory) = opfs::directory(opfs::PLAIN).await {
                    let _ = JsFuture::from(directory.remove_entry(&name)).await;
                }
            }
        }
    }
}

impl From<TransferFailure> for SaveError {
    fn from(failure: TransferFailure) -> Self {
        match failure {
            TransferFailure::NoSpace => Self::NoSpace,
            TransferFailure::Unreadable
            | TransferFailure::Storage
            | TransferFailure::Corrupt
            | TransferFailure::LinkLost => Self::Refused,
        }
    }
}

fn error_of(error: &JsValue) -> SaveError {
    match js::name_of(error).as_str() {
        "QuotaExceededError" => SaveError::NoSpace,
        _ => SaveError::Refused,
    }
}
