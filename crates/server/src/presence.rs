//! Which mailboxes are open on a socket of this process.
//!
//! Only a hint: what is stored is found again at the next look, whether or not somebody was told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sotto_wire::server::{Blob, EnvelopeId, MailboxId};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

/// Ephemeral envelopes waiting for one socket; more are dropped.
const EPHEMERAL_QUEUE: usize = 64;

/// Bytes of them; more are dropped.
const EPHEMERAL_BYTES: usize = 256 * 1024;

/// An ephemeral envelope on its way to a socket.
#[derive(Debug)]
pub struct Ephemeral {
    /// Its name.
    pub envelope_id: EnvelopeId,
    /// Its bytes.
    pub blob: Blob,
    _room: OwnedSemaphorePermit,
}

struct Entry {
    connection: u64,
    stored: Arc<Notify>,
    ephemeral: mpsc::Sender<Ephemeral>,
    room: Arc<Semaphore>,
    displaced: CancellationToken,
}

/// The open mailboxes.
#[derive(Default)]
pub struct Presence {
    open: Mutex<HashMap<MailboxId, Entry>>,
    next: AtomicU64,
}

/// What a socket hears about its mailbox; it is closed when this is dropped.
pub struct Listening<'a> {
    presence: &'a Presence,
    mailbox: MailboxId,
    connection: u64,
    /// Something was stored.
    pub stored: Arc<Notify>,
    /// Something ephemeral came.
    pub ephemeral: mpsc::Receiver<Ephemeral>,
    /// A newer connection took the mailbox over.
    pub displaced: CancellationToken,
}

impl Presence {
    /// Opens a mailbox here; whoever had it open is told to go.
    pub fn listen(&self, mailbox: MailboxId) -> Listening<'_> {
        let connection = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, ephemeral) = mpsc::channel(EPHEMERAL_QUEUE);
        let entry = Entry {
            connection,
            stored: Arc::default(),
            ephemeral: sender,
            room: Arc::new(Semaphore::new(EPHEMERAL_BYTES)),
            displaced: CancellationToken::new(),
        };
        let listening = Listening {
            presence: self,
            mailbox,
            connection,
            stored: Arc::clone(&entry.stored),
            ephemeral,
            displaced: entry.displaced.clone(),
        };
        let before = self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(mailbox, entry);
        if let Some(before) = before {
            before.displaced.cancel();
        }
        listening
    }

    /// Says that something was stored for a mailbox.
    pub fn stored(&self, mailbox: MailboxId) {
        if let Some(entry) = self.open.lock().unwrap_or_else(PoisonError::into_inner).get(&mailbox) {
            entry.stored.notify_one();
        }
    }

    /// Hands over an ephemeral envelope, or drops it if nobody is there or has room.
    pub fn ephemeral(&self, mailbox: MailboxId, envelope_id: EnvelopeId, blob: Blob) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = open.get(&mailbox) else { return };
        let Ok(size) = u32::try_from(blob.as_bytes().len()) else { return };
        if let Ok(room) = Arc::clone(&entry.room).try_acquire_many_owned(size) {
            // A full queue drops it, as `EPHEMERAL_QUEUE` says.
            drop(entry.ephemeral.try_send(Ephemeral { envelope_id, blob, _room: room }));
        }
    }
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        let mut open = self.presence.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.get(&self.mailbox).is_some_and(|entry| entry.connection == self.connection) {
            open.remove(&self.mailbox);
        }
    }
}
