//! Which mailboxes are open on a socket of this process.
//!
//! Only a hint: what is stored is found again at the next look, whether or not somebody was told.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sotto_wire::server::{Blob, EnvelopeId, MailboxId, Sequence};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

/// Envelopes on their way to one socket. Of more, the ephemeral are dropped, and the stored found in the store.
const QUEUE: usize = 64;

/// Bytes of them.
const QUEUE_BYTES: usize = 256 * 1024;

/// An envelope on its way to a socket.
#[derive(Debug)]
pub struct Arriving {
    /// Its position, if it is stored.
    pub sequence: Option<Sequence>,
    /// Its name.
    pub envelope_id: EnvelopeId,
    /// Its bytes.
    pub blob: Blob,
    /// Its place in the queue, for as long as it takes one.
    pub room: OwnedSemaphorePermit,
}

/// When a connection came, among all others: the later displaces the earlier, whichever is done first with proving
/// whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival(u64);

struct Entry {
    arrival: Arrival,
    stored: Arc<Notify>,
    arriving: mpsc::Sender<Arriving>,
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
    arrival: Arrival,
    /// Something was stored that is not among what arrives.
    pub stored: Arc<Notify>,
    /// What came just now, stored or ephemeral.
    pub arriving: mpsc::Receiver<Arriving>,
    /// A newer connection took the mailbox over.
    pub displaced: CancellationToken,
}

impl Presence {
    /// Notes that a connection came.
    pub fn arrive(&self) -> Arrival {
        Arrival(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Opens a mailbox here, and whoever came before and has it open is told to go; none if somebody has it who came
    /// after.
    pub fn listen(&self, mailbox: MailboxId, arrival: Arrival) -> Option<Listening<'_>> {
        let (sender, arriving) = mpsc::channel(QUEUE);
        let entry = Entry {
            arrival,
            stored: Arc::default(),
            arriving: sender,
            room: Arc::new(Semaphore::new(QUEUE_BYTES)),
            displaced: CancellationToken::new(),
        };
        let listening = Listening {
            presence: self,
            mailbox,
            arrival,
            stored: Arc::clone(&entry.stored),
            arriving,
            displaced: entry.displaced.clone(),
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let later = open.get(&mailbox).is_some_and(|there| there.arrival > arrival);
        let before = if later { None } else { open.insert(mailbox, entry) };
        // Dropping what was made here locks it again.
        drop(open);
        if let Some(before) = before {
            before.displaced.cancel();
        }
        (!later).then_some(listening)
    }

    /// Whether somebody has it open.
    pub fn is_open(&self, mailbox: MailboxId) -> bool {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&mailbox)
    }

    /// Says that something is stored for a mailbox.
    pub fn stored(&self, mailbox: MailboxId) {
        if let Some(entry) = self.open.lock().unwrap_or_else(PoisonError::into_inner).get(&mailbox) {
            entry.stored.notify_one();
        }
    }

    /// Hands over an envelope. If nobody is there or has room, an ephemeral one is dropped, and of a stored one is said that
    /// it is there.
    pub fn arrived(
        &self,
        mailbox: MailboxId,
        sequence: Option<Sequence>,
        envelope_id: EnvelopeId,
        blob: Blob,
    ) {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = open.get(&mailbox) else { return };
        let Ok(size) = u32::try_from(blob.as_bytes().len()) else { return };
        let handed = Arc::clone(&entry.room).try_acquire_many_owned(size).is_ok_and(|room| {
            entry.arriving.try_send(Arriving { sequence, envelope_id, blob, room }).is_ok()
        });
        if !handed && sequence.is_some() {
            entry.stored.notify_one();
        }
    }
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        let mut open = self.presence.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.get(&self.mailbox).is_some_and(|entry| entry.arrival == self.arrival) {
            open.remove(&self.mailbox);
        }
    }
}
