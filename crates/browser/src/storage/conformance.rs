//! What every place for records must do. Run against a fresh one.

use sotto_engine::Store;

use super::{KeyRange, RawChange, RawRecord, RecordStore};

fn put(store: Store, key: &[u8], value: &[u8]) -> RawChange {
    RawChange::Put(store, RawRecord { key: key.to_vec(), value: value.to_vec() })
}

async fn keys(records: &impl RecordStore, store: Store, range: KeyRange, limit: Option<u32>) -> Vec<Vec<u8>> {
    let read = records.read(store, range, limit).await.unwrap();
    read.into_iter().map(|record| record.key).collect()
}

pub(crate) async fn conforms(records: &impl RecordStore) {
    empty_at_first(records).await;
    replaces_and_deletes(records).await;
    keeps_stores_apart(records).await;
    reads_ranges(records).await;
    deletes_by_prefix(records).await;
    keeps_the_order_of_changes(records).await;
    sets_aside(records).await;
}

async fn empty_at_first(records: &impl RecordStore) {
    for store in Store::ALL {
        assert!(keys(records, store, KeyRange::all(), None).await.is_empty());
        assert!(keys(records, store, KeyRange::all(), Some(3)).await.is_empty());
    }
    records.commit(Vec::new()).await.unwrap();
}

async fn replaces_and_deletes(records: &impl RecordStore) {
    records.commit(vec![put(Store::Contact, b"", b"empty"), put(Store::Contact, b"k", b"1")]).await.unwrap();
    records.commit(vec![put(Store::Contact, b"k", b"2")]).await.unwrap();
    let read = records.read(Store::Contact, KeyRange::all(), None).await.unwrap();
    let values: Vec<_> = read.iter().map(|record| record.value.as_slice()).collect();
    assert_eq!(values, [b"empty".as_slice(), b"2"]);
    let gone = vec![
        RawChange::Delete(Store::Contact, b"k".to_vec()),
        RawChange::Delete(Store::Contact, b"never there".to_vec()),
        RawChange::Delete(Store::Contact, Vec::new()),
    ];
    records.commit(gone).await.unwrap();
    assert!(keys(records, Store::Contact, KeyRange::all(), None).await.is_empty());
}

async fn keeps_stores_apart(records: &impl RecordStore) {
    records
        .commit(Store::ALL.map(|store| put(store, b"same", store.name().as_bytes())).to_vec())
        .await
        .unwrap();
    for store in Store::ALL {
        let read = records.read(store, KeyRange::all(), None).await.unwrap();
        assert_eq!(read, [RawRecord { key: b"same".to_vec(), value: store.name().into() }]);
    }
    let gone = Store::ALL.map(|store| RawChange::Delete(store, b"same".to_vec()));
    records.commit(gone.to_vec()).await.unwrap();
}

async fn reads_ranges(records: &impl RecordStore) {
    let all: Vec<Vec<u8>> =
        [[1, 9], [2, 0], [2, 1], [2, 200], [2, 255], [3, 0]].iter().map(|key| key.to_vec()).collect();
    // Put in another order than they are read in.
    let changes = all.iter().rev().map(|key| put(Store::Message, key, key)).collect();
    records.commit(changes).await.unwrap();
    let read = async |prefix: &[u8], before: Option<&[u8]>, limit| {
        let range = KeyRange::with_prefix(prefix.to_vec(), before.map(<[u8]>::to_vec));
        keys(records, Store::Message, range, limit).await
    };
    assert_eq!(keys(records, Store::Message, KeyRange::all(), None).await, all);
    assert_eq!(read(&[], None, Some(100)).await, all);
    assert_eq!(read(&[2], None, None).await, all[1..5]);
    assert_eq!(read(&[2], None, Some(2)).await, all[3..5]);
    assert_eq!(read(&[2], Some(&[2, 255]), Some(2)).await, all[2..4]);
    assert_eq!(read(&[2], Some(&[2, 100]), Some(9)).await, all[1..3]);
    assert!(read(&[2], Some(&[2]), Some(9)).await.is_empty());
    assert!(read(&[2], Some(&[1]), Some(9)).await.is_empty());
    assert!(read(&[2], None, Some(0)).await.is_empty());
    assert!(read(&[4], None, Some(9)).await.is_empty());
    assert_eq!(read(&[3], None, Some(1)).await, all[5..]);
}

async fn deletes_by_prefix(records: &impl RecordStore) {
    records.commit(vec![put(Store::Outbox, &[2, 0], b"stays")]).await.unwrap();
    records.commit(vec![RawChange::DeletePrefix(Store::Message, vec![2])]).await.unwrap();
    let left = keys(records, Store::Message, KeyRange::all(), None).await;
    assert_eq!(left, [vec![1, 9], vec![3, 0]]);
    records.commit(vec![put(Store::Message, &[255, 255, 1], b"at the end")]).await.unwrap();
    records.commit(vec![RawChange::DeletePrefix(Store::Message, vec![255])]).await.unwrap();
    assert_eq!(keys(records, Store::Message, KeyRange::all(), None).await, left);
    assert_eq!(keys(records, Store::Outbox, KeyRange::all(), None).await, [vec![2, 0]]);
}

async fn keeps_the_order_of_changes(records: &impl RecordStore) {
    let changes = vec![
        put(Store::Seen, &[1, 1], b"a"),
        put(Store::Seen, &[1, 2], b"b"),
        RawChange::DeletePrefix(Store::Seen, vec![1]),
        put(Store::Seen, &[1, 3], b"c"),
        RawChange::Delete(Store::Seen, vec![1, 3]),
        put(Store::Seen, &[1, 3], b"d"),
    ];
    records.commit(changes).await.unwrap();
    let read = records.read(Store::Seen, KeyRange::all(), None).await.unwrap();
    assert_eq!(read, [RawRecord { key: vec![1, 3], value: b"d".to_vec() }]);
}

async fn sets_aside(records: &impl RecordStore) {
    let (a, b) = (b"person a, session 1".as_slice(), b"person b".as_slice());
    records.commit(vec![put(Store::Session, a, b"1"), put(Store::Outbox, b, b"2")]).await.unwrap();
    let aside = |store, key: &[u8]| RawChange::SetAside(store, key.to_vec());
    // Together with other changes, in their order; what is put there afterwards stays.
    let changes = vec![
        aside(Store::Session, a),
        put(Store::Session, a, b"new"),
        aside(Store::Outbox, b),
        aside(Store::Contact, b"never there"),
    ];
    records.commit(changes).await.unwrap();
    let moved = |key: &[u8], value: &[u8]| RawRecord { key: key.to_vec(), value: value.to_vec() };
    let of = async |store| records.aside(store).await.unwrap();
    assert_eq!(of(Store::Session).await, [moved(a, b"1")]);
    assert_eq!(of(Store::Outbox).await, [moved(b, b"2")]);
    assert!(of(Store::Contact).await.is_empty());
    assert_eq!(records.read(Store::Session, KeyRange::all(), None).await.unwrap(), [moved(a, b"new")]);
    assert!(keys(records, Store::Outbox, KeyRange::all(), None).await.iter().all(|key| key != b));
    records.commit(vec![RawChange::ForgetAside(b"person b".to_vec())]).await.unwrap();
    assert!(of(Store::Outbox).await.is_empty());
    assert_eq!(of(Store::Session).await, [moved(a, b"1")]);
    records.commit(vec![RawChange::ForgetAside(b"person".to_vec())]).await.unwrap();
    assert!(of(Store::Session).await.is_empty());
    records.commit(vec![aside(Store::Session, a)]).await.unwrap();
    assert_eq!(of(Store::Session).await, [moved(a, b"new")]);
    records.commit(vec![RawChange::ForgetAside(Vec::new())]).await.unwrap();
    assert!(of(Store::Session).await.is_empty());
}
