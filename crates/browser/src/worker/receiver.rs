//! Receiving a file: every chunk is opened to be sure of it, and its ciphertext goes to disk.

use core::fmt;
use std::{cell::RefCell, rc::Rc};

use js_sys::Uint8Array;
use sotto_crypto::file::{CHUNK, CHUNK_OVERHEAD, FileHeader, FileKey, FileOpener, TreeHasher};
use sotto_engine::{FileId, TransferFailure};
use sotto_wire::peer::TransferTag;

use super::{
    channel::FileChannel,
    disk::{OpenFile, SEALED_CHUNK, sealed_size},
    sender::{REPORT_EVERY, WINDOW, plain_bytes},
    usize_of,
};
use crate::{
    js::{self, Task},
    opfs,
    transfer::tag,
};

/// Chunks after which credit is given: 1 MiB.
const CREDIT_CHUNKS: u32 = 16;
/// Milliseconds after which it is given for less.
const CREDIT_EVERY: u64 = 50;
/// Frames that may come while the file is being made; a sender does not go beyond its window.
const MAX_EARLY: usize = 4 * 256;
const _: () = assert!(WINDOW == 256);

/// A file being received; its file is closed when dropped.
pub(super) struct Receiver {
    state: Rc<RefCell<State>>,
    _task: Task,
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

enum State {
    /// The file is being made; frames wait.
    Early(Vec<Part>),
    Writing(Box<Writing>),
    /// Failed or complete.
    Over,
}

struct Part {
    chunk: u32,
    offset: u32,
    bytes: Uint8Array,
}

struct Writing {
    opener: FileOpener,
    tree: TreeHasher,
    file: OpenFile,
    channel: Rc<FileChannel>,
    transfer: TransferTag,
    end: Rc<dyn Fn(Result<[u8; 32], TransferFailure>)>,
    progress: Box<dyn Fn(u64)>,
    /// The chunk that is awaited, and as much of it as has come.
    chunk: Vec<u8>,
    credited: u32,
    credited_at: u64,
    reported_at: u64,
}

impl Receiver {
    pub(super) fn start(
        header: FileHeader,
        key: &FileKey,
        channel: Rc<FileChannel>,
        end: impl Fn(Result<[u8; 32], TransferFailure>) + 'static,
        progress: impl Fn(u64) + 'static,
    ) -> Self {
        let opener = FileOpener::new(header, key);
        let state = Rc::new(RefCell::new(State::Early(Vec::new())));
        let file_id = FileId(*header.file_id().as_bytes());
        let task = Task::spawn({
            let state = Rc::clone(&state);
            let end: Rc<dyn Fn(Result<[u8; 32], TransferFailure>)> = Rc::new(end);
            async move {
                let size = sealed_size(header.size(), header.chunks());
                let file = match OpenFile::create(opfs::FILES, &file_id.to_string(), size).await {
                    Ok(file) => file,
                    Err(failure) => return end(Err(failure)),
                };
                let mut writing = Writing {
                    opener,
                    tree: TreeHasher::default(),
                    file,
                    channel,
                    transfer: tag(file_id),
                    end: Rc::clone(&end),
                    progress: Box::new(progress),
                    chunk: Vec::with_capacity(CHUNK + CHUNK_OVERHEAD),
                    credited: 0,
                    credited_at: 0,
                    reported_at: 0,
                };
                let early = state.replace(State::Over);
                if let State::Early(parts) = early {
                    for part in parts {
                        match writing.part(part.chunk, part.offset, &part.bytes) {
                            Ok(false) => {}
                            Ok(true) => return,
                            Err(failure) => return end(Err(failure)),
                        }
                    }
                    state.replace(State::Writing(Box::new(writing)));
                }
            }
        });
        Self { state, _task: task }
    }

    /// A part of a chunk came. Gives a failure that ends the transfer.
    pub(super) fn data(&mut self, chunk: u32, offset: u32, bytes: Uint8Array) -> Option<TransferFailure> {
        // Before anything is kept: some browsers take messages of a gigabyte.
        if usize_of(bytes.length()) > CHUNK + CHUNK_OVERHEAD {
            return Some(TransferFailure::Corrupt);
        }
        let mut state = self.state.borrow_mut();
        match &mut *state {
            State::Early(parts) if parts.len() >= MAX_EARLY => Some(TransferFailure::Corrupt),
            State::Early(parts) => {
                parts.push(Part { chunk, offset, bytes });
                None
            }
            State::Writing(writing) => match writing.part(chunk, offset, &bytes) {
                Ok(false) => None,
                Ok(true) => {
                    *state = State::Over;
                    None
                }
                Err(failure) => Some(failure),
            },
            State::Over => Some(TransferFailure::Corrupt),
        }
    }
}

impl Writing {
    /// Takes a part of the awaited chunk; whether the file is complete now.
    fn part(&mut self, chunk: u32, offset: u32, bytes: &Uint8Array) -> Result<bool, TransferFailure> {
        let header = *self.opener.header();
        let index = self.tree.leaves();
        let length = header.chunk_length(index).ok_or(TransferFailure::Corrupt)? + CHUNK_OVERHEAD;
        let (have, more) = (self.chunk.len(), usize_of(bytes.length()));
        if chunk != index || usize_of(offset) != have || more == 0 || more > length - have {
            return Err(TransferFailure::Corrupt);
        }
        self.chunk.resize(have + more, 0);
        if let Some(part) = self.chunk.get_mut(have..) {
            bytes.copy_to(part);
        }
        if self.chunk.len() < length {
            return Ok(false);
        }
        // Opening leaves plaintext behind, so what goes to disk is taken before, or from the message itself.
        let sealed = if have == 0 { bytes.clone() } else { Uint8Array::from(self.chunk.as_slice()) };
        let leaf = self.opener.open(index, &mut self.chunk).map_err(|_| TransferFailure::Corrupt)?;
        self.chunk.clear();
        self.file.write(&sealed, u64::from(index) * SEALED_CHUNK)?;
        self.tree.push(&leaf);
        self.written(index + 1, &header)
    }

    fn written(&mut self, chunks: u32, header: &FileHeader) -> Result<bool, TransferFailure> {
        let complete = chunks == header.chunks();
        if complete {
            self.file.flush()?;
        }
        let now = js::now().0;
        if complete
            || chunks - self.credited >= CREDIT_CHUNKS
            || now.saturating_sub(self.credited_at) >= CREDIT_EVERY
        {
            self.credited = chunks;
            self.credited_at = now;
            self.channel.credit(self.transfer, chunks);
        }
        if complete {
            let root = self.opener.root(&self.tree).map_err(|_| TransferFailure::Corrupt)?;
            (self.end)(Ok(*root.as_bytes()));
        } else if now.saturating_sub(self.reported_at) >= REPORT_EVERY {
            self.reported_at = now;
            (self.progress)(plain_bytes(chunks, header));
        }
        Ok(complete)
    }
}
