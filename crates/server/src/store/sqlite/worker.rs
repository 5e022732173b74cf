//! Threads that own database connections, and the group commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
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
                let result = result.map_err(|failed| failed.told("a write failed"));
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

/// Why an operation did nothing.
enum Failed {
    Database(rusqlite::Error),
    /// A mistake of ours, which must not take the thread and everybody else's operations along.
    Panicked,
}

impl From<rusqlite::Error> for Failed {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl Failed {
    /// Tells the log, and what to tell the asker.
    fn told(self, what: &str) -> StoreError {
        match self {
            Self::Database(error) => complain(what, &error),
            Self::Panicked => complain(what, &"a panic, see above"),
        }
        StoreError::Unavailable
    }
}

/// Where a disk is full, everything that is asked for fails: one line in this time says so.
const COMPLAINT_EVERY: Duration = Duration::from_secs(10);

/// Writes an error to the log, or only counts it if one was written a moment ago.
fn complain(what: &str, error: &dyn std::fmt::Display) {
    static LAST: Mutex<(Option<Instant>, u64)> = Mutex::new((None, 0));
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let (at, more) = *last;
    if at.is_some_and(|at| at.elapsed() < COMPLAINT_EVERY) {
        *last = (at, more.saturating_add(1));
    } else {
        *last = (Some(Instant::now()), 0);
        tracing::error!(%error, more_before = more, "{what}");
    }
}

fn caught<T>(operation: impl FnOnce() -> rusqlite::Result<T>) -> Result<T, Failed> {
    // What it may leave half done is in the database, and rolled back.
    match catch_unwind(AssertUnwindSafe(operation)) {
        Ok(result) => Ok(result?),
        Err(_) => Err(Failed::Panicked),
    }
}

fn in_savepoint<T>(
    connection: &Connection,
    operation: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, Failed> {
    connection.prepare_cached("SAVEPOINT operation")?.execute([])?;
    let result = caught(|| operation(connection));
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
            complain("a transaction could not begin", &error);
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
            complain("a commit failed", &error);
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
        let job: ReadJob = Box::new(move |connection| drop(answer.send(caught(|| query(connection)))));
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
            Ok(Err(failed)) => Err(failed.told("a read failed")),
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

#[cfg(test)]
mod tests {
    use super::*;

    type Operation = Box<dyn FnOnce(&Connection) -> rusqlite::Result<usize> + Send>;

    fn database() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE number (n INTEGER NOT NULL)").unwrap();
        connection
    }

    fn insert(db: &Connection, number: i64) -> rusqlite::Result<usize> {
        db.execute("INSERT INTO number (n) VALUES (?1)", [number])
    }

    fn all(db: &Connection) -> rusqlite::Result<Vec<i64>> {
        db.prepare("SELECT n FROM number ORDER BY n")?.query_map([], |row| row.get(0))?.collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_failure_or_panic_undoes_its_own_operation_only() {
        let writer = Writer::start(database(), 8).unwrap();
        assert_eq!(writer.write(|db| insert(db, 1)).await, Ok(1));
        let panicked = writer.write(|db| {
            insert(db, 2)?;
            if insert(db, 3).is_ok() {
                panic!("on purpose");
            }
            Ok(())
        });
        assert_eq!(panicked.await, Err(StoreError::Unavailable));
        let failed = writer.write(|db| {
            insert(db, 4)?;
            db.execute("INSERT INTO nothing VALUES (1)", [])
        });
        assert_eq!(failed.await, Err(StoreError::Unavailable));
        assert_eq!(writer.write(|db| insert(db, 5)).await, Ok(1));
        assert_eq!(writer.write(all).await, Ok(vec![1, 5]));
        writer.close();
        assert_eq!(writer.write(|db| insert(db, 6)).await, Err(StoreError::Unavailable));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_panic_of_a_query_is_nobody_elses() {
        let readers = Readers::start(vec![database()], 8).unwrap();
        for _ in 0..3 {
            let panicked: Result<(), _> = readers.read(|_| panic!("on purpose")).await;
            assert_eq!(panicked, Err(StoreError::Unavailable));
        }
        assert_eq!(readers.read(all).await, Ok(vec![]));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_full_queue_refuses_at_once_and_what_was_taken_is_written() {
        let writer = Arc::new(Writer::start(database(), 2).unwrap());
        let (go, waiting) = sync_channel::<()>(0);
        let (began, begun) = oneshot::channel();
        let write = |operation: Operation| {
            let writer = Arc::clone(&writer);
            tokio::spawn(async move { writer.write(operation).await })
        };
        let slow = write(Box::new(move |db| {
            let _ = began.send(());
            let _ = waiting.recv();
            insert(db, 0)
        }));
        begun.await.unwrap();
        // Two find room behind it, whichever they are; the third is told at once.
        let mut asked: Vec<_> = (1..=3).map(|number| write(Box::new(move |db| insert(db, number)))).collect();
        let (refused, at) = first_of(&mut asked).await;
        drop(asked.remove(at));
        assert_eq!(refused, Err(StoreError::Busy));
        go.send(()).unwrap();
        assert_eq!(slow.await.unwrap(), Ok(1));
        for answered in asked {
            assert_eq!(answered.await.unwrap(), Ok(1));
        }
        assert_eq!(writer.write(all).await.unwrap().len(), 3);
    }

    /// The answer of whichever is answered first.
    async fn first_of<T>(asked: &mut [tokio::task::JoinHandle<T>]) -> (T, usize) {
        loop {
            if let Some(at) = asked.iter().position(tokio::task::JoinHandle::is_finished) {
                return ((&mut asked[at]).await.unwrap(), at);
            }
            tokio::task::yield_now().await;
        }
    }
}
