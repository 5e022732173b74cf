//! Threads that own database connections, and the group commit.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::store::StoreError;

/// Most operations in one commit.
const GROUP_MAX: usize = 256;

/// Longest time a commit collects operations; while one commit is written, the next ones queue up.
const GROUP_TIME: Duration = Duration::from_millis(2);

/// Runs inside the transaction; what it returns runs after the commit and is told whether that succeeded.
type WriteJob = Box<dyn FnOnce(&Connection) -> Completion + Send>;
type Completion = Box<dyn FnOnce(bool) + Send>;
type ReadJob = Box<dyn FnOnce(&Connection) + Send>;

/// The one thread that writes.
pub(super) struct Writer {
    queue: Mutex<Option<SyncSender<WriteJob>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, queue: usize) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(queue);
        let thread = std::thread::Builder::new().name("store-writer".into()).spawn(move || {
            write_groups(&connection, &receiver);
            if let Err(error) = finish(connection) {
                tracing::error!(%error, "the database could not be closed cleanly; it recovers at the next start");
            }
        })?;
        Ok(Self { queue: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    /// Runs `operation` in the next commit and answers after it.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: WriteJob = Box::new(move |connection| {
            let result = in_savepoint(connection, operation);
            Box::new(move |committed| {
                let result = result.map_err(|error| {
                    tracing::error!(%error, "a write failed");
                    StoreError::Unavailable
                });
                // The asker may have gone; what was committed stays committed.
                drop(answer.send(if committed { result } else { Err(StoreError::Unavailable) }));
            })
        });
        let sent = {
            let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.as_ref().map(|sender| sender.try_send(job))
        };
        match sent {
            Some(Ok(())) => answered.await.unwrap_or(Err(StoreError::Unavailable)),
            Some(Err(TrySendError::Full(_))) => Err(StoreError::Busy),
            Some(Err(TrySendError::Disconnected(_))) | None => Err(StoreError::Unavailable),
        }
    }

    /// Takes no more, writes what is queued, checkpoints, closes. Blocks.
    pub(super) fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the store's writer had stopped");
        }
    }
}

fn in_savepoint<T>(
    connection: &Connection,
    operation: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    connection.prepare_cached("SAVEPOINT operation")?.execute([])?;
    let result = operation(connection);
    if result.is_err() {
        connection.prepare_cached("ROLLBACK TO operation")?.execute([])?;
    }
    connection.prepare_cached("RELEASE operation")?.execute([])?;
    result
}

fn write_groups(connection: &Connection, queue: &Receiver<WriteJob>) {
    while let Ok(first) = queue.recv() {
        if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
            // Dropping the job tells its asker that nothing was done.
            tracing::error!(%error, "a transaction could not begin");
            continue;
        }
        let mut completions = Vec::new();
        let start = Instant::now();
        let mut next = Some(first);
        while let Some(job) = next {
            completions.push(job(connection));
            // Some errors (a full disk) make SQLite roll the whole group back: then COMMIT fails, and with it all.
            let alive = !connection.is_autocommit();
            let more = alive && completions.len() < GROUP_MAX && start.elapsed() < GROUP_TIME;
            next = if more { queue.try_recv().ok() } else { None };
        }
        let committed = connection.execute_batch("COMMIT");
        if let Err(error) = &committed {
            tracing::error!(%error, "a commit failed");
            if !connection.is_autocommit() && connection.execute_batch("ROLLBACK").is_err() {
                tracing::error!("a failed commit could not be rolled back");
            }
        }
        for completion in completions {
            completion(committed.is_ok());
        }
    }
}

fn finish(connection: Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
    connection.close().map_err(|(_, error)| error)
}

/// Threads that read.
pub(super) struct Readers {
    queue: Mutex<Option<SyncSender<ReadJob>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Readers {
    pub(super) fn start(connections: Vec<Connection>, queue: usize) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel::<ReadJob>(queue);
        let receiver = Arc::new(Mutex::new(receiver));
        let mut threads = Vec::new();
        for connection in connections {
            let receiver = Arc::clone(&receiver);
            let thread = std::thread::Builder::new().name("store-reader".into()).spawn(move || {
                loop {
                    let job = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    match job {
                        Ok(job) => job(&connection),
                        Err(_) => return,
                    }
                }
            })?;
            threads.push(thread);
        }
        Ok(Self { queue: Mutex::new(Some(sender)), threads: Mutex::new(threads) })
    }

    /// Runs `query` on what is committed.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: ReadJob = Box::new(move |connection| drop(answer.send(query(connection))));
        let sent = {
            let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.as_ref().map(|sender| sender.try_send(job))
        };
        match sent {
            Some(Ok(())) => {}
            Some(Err(TrySendError::Full(_))) => return Err(StoreError::Busy),
            Some(Err(TrySendError::Disconnected(_))) | None => return Err(StoreError::Unavailable),
        }
        match answered.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                tracing::error!(%error, "a read failed");
                Err(StoreError::Unavailable)
            }
            Err(_) => Err(StoreError::Unavailable),
        }
    }

    /// Takes no more, answers what is queued, closes. Blocks.
    pub(super) fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("one of the store's readers had stopped");
            }
        }
    }
}
