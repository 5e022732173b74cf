//! Sending a file: slices are read one ahead, sealed chunk by chunk in place, and leave as the channel and the
//! receiver's disk have room.

use core::fmt;
use std::{cell::Cell, rc::Rc};

use js_sys::{ArrayBuffer, Uint8Array};
use sotto_crypto::file::{CHUNK, CHUNK_OVERHEAD, FileHeader, FilePass, FileSealer};
use sotto_engine::TransferFailure;
use sotto_wire::peer::{FileFrame, FileFrameKind, TransferTag};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use super::{channel::FileChannel, usize_of};
use crate::js::{self, Task};

/// Chunks read from the file at once: 2 MiB.
const SLICE: u32 = 32;
/// Chunks that may be on their way without being on the receiver's disk: 16 MiB.
pub(super) const WINDOW: u32 = 256;
/// Shortest time between two reports, in milliseconds.
pub(super) const REPORT_EVERY: u64 = 100;

/// A file being sent; stops when dropped.
pub(super) struct Sender {
    credit: Rc<Cell<u32>>,
    header: FileHeader,
    channel: Rc<FileChannel>,
    progress: Box<dyn Fn(u64)>,
    reported_at: u64,
    _task: Task,
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("credit", &self.credit).finish_non_exhaustive()
    }
}

impl Sender {
    pub(super) fn start(
        pass: FilePass,
        source: File,
        channel: Rc<FileChannel>,
        end: impl Fn(Result<[u8; 32], TransferFailure>) + 'static,
        progress: impl Fn(u64) + 'static,
    ) -> Self {
        let credit = Rc::<Cell<u32>>::default();
        let sealer = FileSealer::start(pass);
        let header = *sealer.header();
        let task = Task::spawn({
            let (credit, channel) = (Rc::clone(&credit), Rc::clone(&channel));
            async move {
                end(send(sealer, &source, &channel, &credit).await);
            }
        });
        Self { credit, header, channel, progress: Box::new(progress), reported_at: 0, _task: task }
    }

    /// So many chunks are on the receiver's disk. It can only rise; a claim of more than there are changes nothing, and
    /// one of more than were sent only harms the receiver.
    pub(super) fn credit(&mut self, chunks: u32) {
        if chunks <= self.credit.get() || chunks > self.header.chunks() {
            return;
        }
        self.credit.set(chunks);
        let now = js::now().0;
        if now.saturating_sub(self.reported_at) >= REPORT_EVERY {
            self.reported_at = now;
            (self.progress)(plain_bytes(chunks, &self.header));
        }
        self.channel.changed();
    }
}

/// Plaintext bytes in the first `chunks` chunks.
pub(super) fn plain_bytes(chunks: u32, header: &FileHeader) -> u64 {
    (u64::from(chunks) * u64::try_from(CHUNK).unwrap_or(u64::MAX)).min(header.size())
}

async fn send(
    mut sealer: FileSealer,
    source: &File,
    channel: &FileChannel,
    credit: &Cell<u32>,
) -> Result<[u8; 32], TransferFailure> {
    let header = *sealer.header();
    if js::whole(source.size()) != header.size() {
        return Err(TransferFailure::Unreadable);
    }
    let transfer = TransferTag::of(header.file_id());
    let mut frame = vec![0; FileFrame::MAX];
    let mut slice = read(source, &header, 0);
    let mut first = 0;
    while first < header.chunks() {
        let next = first.saturating_add(SLICE).min(header.chunks());
        let bytes = slice.await?;
        slice = read(source, &header, next);
        if js::whole(f64::from(bytes.length())) != plain_bytes(next, &header) - plain_bytes(first, &header) {
            return Err(TransferFailure::Unreadable);
        }
        let mut position = 0;
        for index in first..next {
            let length = header.chunk_length(index).ok_or(TransferFailure::Corrupt)?;
            let max_message = channel.room(|| index < credit.get().saturating_add(WINDOW)).await;
            let end = position + u32::try_from(length).map_err(|_| TransferFailure::Corrupt)?;
            let sealed = FileFrame::HEAD + length + CHUNK_OVERHEAD;
            let (Some(frame), Some(view)) = (frame.get_mut(..sealed), Some(bytes.subarray(position, end)))
            else {
                return Err(TransferFailure::Corrupt);
            };
            let Some((head, body)) = frame.split_at_mut_checked(FileFrame::HEAD) else {
                return Err(TransferFailure::Corrupt);
            };
            let plain = body.get_mut(..length).ok_or(TransferFailure::Corrupt)?;
            view.copy_to(plain);
            sealer.seal_next(body).map_err(|_| TransferFailure::Corrupt)?;
            let kind = FileFrameKind::Data { chunk: index, offset: 0 };
            head.copy_from_slice(&FileFrame { transfer, kind }.to_bytes());
            if sealed <= usize_of(max_message) {
                channel.send(frame);
            } else {
                send_parts(channel, transfer, index, body, usize_of(max_message));
            }
            position = end;
        }
        first = next;
    }
    let root = sealer.root().map_err(|_| TransferFailure::Corrupt)?;
    channel.room(|| credit.get() == header.chunks()).await;
    Ok(*root.as_bytes())
}

/// Sends a sealed chunk in parts, for a channel whose messages are short.
fn send_parts(channel: &FileChannel, transfer: TransferTag, chunk: u32, sealed: &[u8], max_message: usize) {
    // A channel that takes next to nothing is answered by nothing sensible; parts of a byte would still arrive.
    let longest = max_message.saturating_sub(FileFrame::HEAD).max(1);
    let mut offset = 0;
    for part in sealed.chunks(longest) {
        let head = FileFrame { transfer, kind: FileFrameKind::Data { chunk, offset } }.to_bytes();
        channel.send(&[head.as_slice(), part].concat());
        offset = offset.saturating_add(u32::try_from(part.len()).unwrap_or(u32::MAX));
    }
}

/// Begins to read the slice that starts with chunk `first`; the browser reads while the one before is sealed.
fn read(
    source: &File,
    header: &FileHeader,
    first: u32,
) -> impl Future<Output = Result<Uint8Array, TransferFailure>> + use<> {
    let start = plain_bytes(first, header);
    let end = plain_bytes(first.saturating_add(SLICE).min(header.chunks()), header);
    let reading = if start < end {
        let slice = source.slice_with_f64_and_f64(js::double(start), js::double(end)).ok();
        // Listened to from now on, so that a failure of a slice that is never awaited is not an unhandled one.
        slice.map(|slice| JsFuture::from(slice.array_buffer()))
    } else {
        None
    };
    async move {
        if start >= end {
            return Ok(Uint8Array::new_with_length(0));
        }
        // Fails when the file changed, moved or is gone.
        let buffer = reading.ok_or(TransferFailure::Unreadable)?.await;
        let buffer: ArrayBuffer = buffer.map_err(|_| TransferFailure::Unreadable)?.unchecked_into();
        Ok(Uint8Array::new(&buffer))
    }
}
