use std::sync::Arc;

use rusqlite::Connection;
use sotto_wire::server::{Blob, MailboxId, TokenHash};
use tempfile::TempDir;

use super::{MigrationError, OpenError, SqliteOptions, SqliteStore};
use crate::store::conformance::{QUOTAS, conforms};
use crate::store::differential::behaves_like_the_model;
use crate::store::{NewEnvelope, OpenOutcome, PutOutcome, Store, StoreError, Timestamp};

fn options(directory: &TempDir) -> SqliteOptions {
    SqliteOptions {
        directory: directory.path().join("data"),
        max_bytes: 64 * 1024 * 1024,
        quotas: QUOTAS,
        write_queue: 256,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_conforms() {
    let directories = std::sync::Mutex::new(Vec::new());
    let open = async || {
        let directory = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&options(&directory)).unwrap());
        directories.lock().unwrap().push(directory);
        store
    };
    conforms(&open).await;
    behaves_like_the_model(&open).await;
}

#[test]
fn a_newer_schema_and_a_second_server_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let first = SqliteStore::open(&options(&directory)).unwrap();
    assert!(matches!(SqliteStore::open(&options(&directory)), Err(OpenError::InUse(_))));
    drop(first);
    let path = directory.path().join("data/sotto.sqlite3");
    let database = Connection::open(&path).unwrap();
    database.pragma_update(None, "user_version", 1000).unwrap();
    drop(database);
    let refused = SqliteStore::open(&options(&directory));
    assert!(matches!(refused, Err(OpenError::Migration(MigrationError::Newer { found: 1000, .. }))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_commits_durably_and_gives_space_back() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&options(&directory)).unwrap();
    store.close().await.unwrap();
    let database = Connection::open(directory.path().join("data/sotto.sqlite3")).unwrap();
    let mode: String = database.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
    let vacuum: u32 = database.pragma_query_value(None, "auto_vacuum", |row| row.get(0)).unwrap();
    assert_eq!((mode.as_str(), vacuum), ("wal", 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_database_refuses_and_keeps_what_it_has() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = options(&directory);
    options.max_bytes = 512 * 1024;
    options.quotas.mailbox_envelopes = 1000;
    options.quotas.mailbox_bytes = u64::MAX;
    let store = SqliteStore::open(&options).unwrap();
    let (mailbox, token, now) =
        (MailboxId::from_bytes([1; 16]), TokenHash::from_bytes([2; 32]), Timestamp(1000));
    assert!(matches!(store.open_mailbox(mailbox, [3; 33], now).await, Ok(OpenOutcome::Opened(_))));
    store.add_tokens(mailbox, vec![token]).await.unwrap();
    let mut stored = 0;
    let refused = loop {
        let blob = Blob::new(vec![stored; 64 * 1024]).unwrap();
        let envelope =
            NewEnvelope { mailbox, token, envelope_id: blob.id(), expires: Timestamp(u64::MAX), blob };
        match store.put(envelope, now).await {
            Ok(outcome) => assert!(matches!(outcome, PutOutcome::Stored(_))),
            Err(error) => break error,
        }
        stored += 1;
        assert!(stored < 100, "the limit does not hold");
    };
    assert_eq!(refused, StoreError::Unavailable);
    let Ok(OpenOutcome::Opened(state)) = store.open_mailbox(mailbox, [3; 33], now).await else {
        panic!("closed")
    };
    assert_eq!(state.waiting, u32::from(stored));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_share_commits() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&options(&directory)).unwrap());
    let opened = (0..200_u8).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            store.open_mailbox(MailboxId::from_bytes([number; 16]), [1; 33], Timestamp(1)).await
        })
    });
    for opened in opened.collect::<Vec<_>>() {
        assert!(matches!(opened.await.unwrap(), Ok(OpenOutcome::Opened(_))));
    }
}
