//! What the page and its worker say to each other: a CBOR header, and beside it the objects that only the browser
//! can carry over.

use js_sys::{Array, Uint8Array};
use minicbor::{Decode, Encode};
use sotto_crypto::file::{FileKey, FilePass};
use sotto_engine::{FileId, TransferEvent, TransferFailure};
use wasm_bindgen::{JsCast, JsValue};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::SaveError;

/// Which file, under which key, and how long its plaintext is.
#[derive(Encode, Decode, Zeroize, ZeroizeOnDrop)]
pub(crate) struct FileDescription {
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub(crate) file: [u8; 16],
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub(crate) key: [u8; 32],
    #[n(2)]
    pub(crate) size: u64,
}

impl core::fmt::Debug for FileDescription {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "FileDescription({} bytes)", self.size)
    }
}

/// A [`FilePass`] on its way: the worker that seals takes it out.
#[derive(Encode, Decode, Zeroize, ZeroizeOnDrop)]
pub(crate) struct PassBytes {
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub(crate) pass: [u8; FilePass::LENGTH],
}

impl core::fmt::Debug for PassBytes {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PassBytes(..)")
    }
}

/// A passphrase as it was typed, and salt and cost to stretch it under.
#[derive(Encode, Decode, Zeroize, ZeroizeOnDrop)]
pub(crate) struct StretchJob {
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub(crate) stretch: [u8; 24],
    #[n(1)]
    pub(crate) typed: String,
}

impl core::fmt::Debug for StretchJob {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("StretchJob(..)")
    }
}

/// The key a passphrase was stretched to.
#[derive(Encode, Decode, Zeroize, ZeroizeOnDrop)]
pub(crate) struct StretchedBytes {
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub(crate) key: [u8; 32],
}

impl core::fmt::Debug for StretchedBytes {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("StretchedBytes(..)")
    }
}

/// From the page to the worker.
#[derive(Debug, Encode, Decode)]
pub(crate) enum ToWorker {
    /// A link was made. Beside it: its file channel, or undefined when that stays with the page.
    #[n(0)]
    LinkMade(#[n(0)] u64),
    /// The link stands; its longest message in bytes.
    #[n(1)]
    LinkOpen(#[n(0)] u64, #[n(1)] u32),
    /// The link is gone.
    #[n(2)]
    LinkClosed(#[n(0)] u64),
    /// A frame came on a channel that stays with the page. Beside it: an `ArrayBuffer`.
    #[n(3)]
    Frame(#[n(0)] u64),
    /// So many bytes in all have left a channel that stays with the page.
    #[n(4)]
    Drained(#[n(0)] u64, #[n(1)] u64),
    /// Send a file over a link. Beside it: the `File`.
    #[n(5)]
    Send(#[n(0)] u64, #[cbor(n(1), with = "minicbor::bytes")] [u8; 16], #[n(2)] PassBytes),
    /// Expect a file on a link.
    #[n(6)]
    Receive(#[n(0)] u64, #[n(1)] FileDescription),
    /// Stop a transfer and delete what was received.
    #[n(7)]
    Cancel(#[cbor(n(0), with = "minicbor::bytes")] [u8; 16]),
    /// Delete a received file.
    #[n(8)]
    Delete(#[cbor(n(0), with = "minicbor::bytes")] [u8; 16]),
    /// Write a received file out in plain. Beside it: a `FileSystemFileHandle` of the user's choice, or undefined
    /// for a file of our own that is then offered as a download.
    #[n(9)]
    Save(#[n(0)] u32, #[n(1)] FileDescription),
    /// Stretch a passphrase.
    #[n(10)]
    Stretch(#[n(0)] u32, #[n(1)] StretchJob),
}

/// From the worker to the page.
#[derive(Debug, Encode, Decode)]
pub(crate) enum FromWorker {
    /// It listens.
    #[n(0)]
    Ready,
    /// It could not be started or has crashed. Made by the page itself.
    #[n(1)]
    Broken,
    /// Something happened to a transfer.
    #[n(2)]
    Transfer(#[cbor(n(0), with = "minicbor::bytes")] [u8; 16], #[n(1)] TransferReport),
    /// Send this on a channel that stays with the page. Beside it: an `ArrayBuffer`.
    #[n(3)]
    Frame(#[n(0)] u64),
    /// A save ended.
    #[n(4)]
    Saved(#[n(0)] u32, #[n(1)] SaveReport),
    /// A passphrase was stretched or refused.
    #[n(5)]
    Stretched(#[n(0)] u32, #[n(1)] StretchReport),
}

/// [`TransferEvent`] on its way.
#[derive(Debug, Encode, Decode)]
pub(crate) enum TransferReport {
    #[n(0)]
    Progress(#[n(0)] u64),
    #[n(1)]
    Sent(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]),
    #[n(2)]
    Received(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]),
    #[n(3)]
    Unreadable,
    #[n(4)]
    NoSpace,
    #[n(5)]
    Storage,
    #[n(6)]
    Corrupt,
    #[n(7)]
    LinkLost,
}

impl From<TransferFailure> for TransferReport {
    fn from(failure: TransferFailure) -> Self {
        match failure {
            TransferFailure::Unreadable => Self::Unreadable,
            TransferFailure::NoSpace => Self::NoSpace,
            TransferFailure::Storage => Self::Storage,
            TransferFailure::Corrupt => Self::Corrupt,
            TransferFailure::LinkLost => Self::LinkLost,
        }
    }
}

impl From<TransferReport> for TransferEvent {
    fn from(report: TransferReport) -> Self {
        match report {
            TransferReport::Progress(bytes) => Self::Progress(bytes),
            TransferReport::Sent(root) => Self::Sent { root },
            TransferReport::Received(root) => Self::Received { root },
            TransferReport::Unreadable => Self::Failed(TransferFailure::Unreadable),
            TransferReport::NoSpace => Self::Failed(TransferFailure::NoSpace),
            TransferReport::Storage => Self::Failed(TransferFailure::Storage),
            TransferReport::Corrupt => Self::Failed(TransferFailure::Corrupt),
            TransferReport::LinkLost => Self::Failed(TransferFailure::LinkLost),
        }
    }
}

/// How stretching ended in the worker.
#[derive(Debug, Encode, Decode)]
pub(crate) enum StretchReport {
    #[n(0)]
    Key(#[n(0)] StretchedBytes),
    #[n(1)]
    Empty,
    #[n(2)]
    TooLong,
    #[n(3)]
    OutOfMemory,
}

/// How a save ended in the worker.
#[derive(Debug, Encode, Decode)]
pub(crate) enum SaveReport {
    /// Written to where it was to go; the name of the plain file if it is one of our own.
    #[n(0)]
    Done(#[n(0)] Option<String>),
    #[n(1)]
    Gone,
    #[n(2)]
    NoSpace,
    #[n(3)]
    Damaged,
    #[n(4)]
    Refused,
}

impl From<SaveReport> for Result<Option<String>, SaveError> {
    fn from(report: SaveReport) -> Self {
        match report {
            SaveReport::Done(name) => Ok(name),
            SaveReport::Gone => Err(SaveError::Gone),
            SaveReport::NoSpace => Err(SaveError::NoSpace),
            SaveReport::Damaged => Err(SaveError::Damaged),
            SaveReport::Refused => Err(SaveError::Refused),
        }
    }
}

/// The file a message is about.
pub(crate) fn describe(file: FileId, key: &FileKey, size: u64) -> FileDescription {
    FileDescription { file: file.0, key: *key.to_bytes(), size }
}

/// What `postMessage` is given: `[header, attachment]` and the list of what is handed over rather than copied. The
/// header is handed over too, so that keys in it do not stay behind.
pub(crate) fn pack<T: Encode<()>>(message: &T, attachment: &JsValue, hand_over: bool) -> (JsValue, Array) {
    // Room for the longest passphrase: a vector that grew would leave copies behind.
    let mut encoded = Vec::with_capacity(1280);
    // Writing to a Vec cannot fail.
    let _ = minicbor::encode(message, &mut encoded);
    let header = Uint8Array::from(encoded.as_slice());
    encoded.zeroize();
    let transfer = Array::of1(&header.buffer());
    if hand_over {
        transfer.push(attachment);
    }
    (Array::of2(&header, attachment).into(), transfer)
}

/// The message and what was beside it; `None` if it is none of ours.
pub(crate) fn unpack<T: for<'b> Decode<'b, ()>>(data: &JsValue) -> Option<(T, JsValue)> {
    let parts = data.dyn_ref::<Array>()?;
    let header = parts.get(0).dyn_into::<Uint8Array>().ok()?;
    let mut encoded = header.to_vec();
    header.fill(0, 0, header.length());
    let message = minicbor::decode(&encoded).ok();
    encoded.zeroize();
    Some((message?, parts.get(1)))
}
