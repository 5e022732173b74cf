use js_sys::{Array, ArrayBuffer, Promise, Uint8Array};
use sotto_crypto::file::FileKey;
use sotto_engine::FileId;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::{File, FileSystemFileHandle};

use super::pair::{End, Pair};
use crate::{
    inbox::Item,
    js, opfs,
    transfer::{FromWorker, PassBytes, SaveReport, ToWorker, TransferReport, describe},
};

pub(super) const KEY: [u8; 32] = [7; 32];

pub(super) fn file_id() -> FileId {
    let mut id = [0; 16];
    rand_core::Rng::fill_bytes(&mut js::rng(), &mut id);
    FileId(id)
}

fn random(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    rand_core::Rng::fill_bytes(&mut js::rng(), &mut bytes);
    bytes
}

fn picked(bytes: &[u8]) -> File {
    File::new_with_u8_array_sequence(&Array::of1(&Uint8Array::from(bytes)), "picked").unwrap()
}

/// A large file of zeros.
pub(super) fn blank(mib: u32) -> File {
    let part = Uint8Array::new_with_length(1 << 20);
    let parts: Array = (0..mib).map(|_| &part).collect();
    File::new_with_u8_array_sequence(&parts, "blank").unwrap()
}

pub(super) fn receive(pair: &Pair, file: FileId, key: &[u8; 32], size: u64) {
    let end = &pair.0[1];
    end.worker.tell(&ToWorker::Receive(end.id.0, describe(file, &FileKey::from_bytes(key), size)));
}

pub(super) fn send(pair: &Pair, file: FileId, source: &File, size: u64) {
    let end = &pair.0[0];
    let mut pass = [0; 56];
    pass[..16].copy_from_slice(&file.0);
    pass[16..48].copy_from_slice(&KEY);
    pass[48..].copy_from_slice(&size.to_be_bytes());
    end.worker.post(&ToWorker::Send(end.id.0, file.0, PassBytes { pass }), source, false).unwrap();
}

/// The last thing a transfer's worker said of it.
fn outcome(end: &End, file: FileId) -> Option<&TransferReport> {
    end.seen.iter().rev().find_map(|item| match item {
        Item::Worker(FromWorker::Transfer(of, report), _)
            if *of == file.0 && !matches!(report, TransferReport::Progress(_)) =>
        {
            Some(report)
        }
        _ => None,
    })
}

pub(super) async fn until_over(pair: &mut Pair, file: FileId) {
    pair.until("the transfer is over", |ends| ends.iter().all(|end| outcome(end, file).is_some())).await;
}

async fn stored(directory: &str, name: &str) -> Result<Vec<u8>, JsValue> {
    let directory = opfs::directory(directory).await?;
    let handle: FileSystemFileHandle =
        JsFuture::from(directory.get_file_handle(name)).await?.unchecked_into();
    let file: File = JsFuture::from(handle.get_file()).await?.unchecked_into();
    let buffer: ArrayBuffer = JsFuture::from(file.array_buffer()).await?.unchecked_into();
    Ok(Uint8Array::new(&buffer).to_vec())
}

async fn saved(pair: &mut Pair, file: FileId, size: u64) -> Vec<u8> {
    pair.0[1].worker.tell(&ToWorker::Save(1, describe(file, &FileKey::from_bytes(&KEY), size)));
    let report = |end: &End| {
        end.seen.iter().find_map(|item| match item {
            Item::Worker(FromWorker::Saved(1, report), _) => Some(format!("{report:?}")),
            _ => None,
        })
    };
    pair.until("it is saved", |ends| report(&ends[1]).is_some()).await;
    let position =
        pair.0[1].seen.iter().position(|item| matches!(item, Item::Worker(FromWorker::Saved(..), _)));
    match pair.0[1].seen.remove(position.unwrap()) {
        Item::Worker(FromWorker::Saved(1, SaveReport::Done(Some(name))), _) => {
            stored(opfs::PLAIN, &name).await.unwrap()
        }
        other => panic!("not saved: {other:?}"),
    }
}

async fn moves(pair: &mut Pair, length: usize) {
    let (file, plain) = (file_id(), random(length));
    let size = u64::try_from(length).unwrap();
    receive(pair, file, &KEY, size);
    send(pair, file, &picked(&plain), size);
    until_over(pair, file).await;
    match [0, 1].map(|end| outcome(&pair.0[end], file).unwrap()) {
        [TransferReport::Sent(sent), TransferReport::Received(received)] => assert_eq!(sent, received),
        other => panic!("{length} bytes: {other:?}"),
    }
    let sealed = stored(opfs::FILES, &file.to_string()).await.unwrap();
    assert_eq!(sealed.len(), length + 16 * length.div_ceil(65_536).max(1));
    assert!(length < 16 || !sealed.windows(16).any(|window| window == &plain[..16]));
    assert!(saved(pair, file, size).await == plain, "{length} bytes come back as they were");
}

#[wasm_bindgen_test]
async fn what_is_said_before_the_worker_listens_is_heard() {
    let mut pair = Pair::new([false, true]);
    let file = file_id();
    // Nothing was awaited yet, so neither worker can have started.
    pair.0[0].worker.tell(&ToWorker::Save(7, describe(file, &FileKey::from_bytes(&KEY), 1)));
    let answered = |item: &Item| matches!(item, Item::Worker(FromWorker::Saved(7, SaveReport::Gone), _));
    pair.until("the worker has answered", |ends| ends[0].has(answered)).await;
}

#[wasm_bindgen_test]
async fn files_of_every_awkward_size_arrive() {
    let mut pair = Pair::connected().await;
    for length in [0, 1, 65_535, 65_536, 65_537, 3 * (1 << 20) + 5] {
        moves(&mut pair, length).await;
    }
}

#[wasm_bindgen_test]
async fn a_file_longer_than_every_window_arrives() {
    let mut pair = Pair::connected().await;
    moves(&mut pair, 20 << 20).await;
    let progress = |end: &End| {
        end.has(|item| matches!(item, Item::Worker(FromWorker::Transfer(_, TransferReport::Progress(_)), _)))
    };
    assert!(pair.0.iter().all(progress));
}

#[wasm_bindgen_test]
async fn a_channel_that_cannot_be_handed_over_stays_on_the_page() {
    js_sys::eval(
        "globalThis.originalPost = Worker.prototype.postMessage;
         Worker.prototype.postMessage = function (message, transfer) {
             if (transfer.some(object => object instanceof RTCDataChannel)) {
                 throw new DOMException('not here', 'DataCloneError');
             }
             return originalPost.call(this, message, transfer);
         };",
    )
    .unwrap();
    let mut pair = Pair::connected().await;
    moves(&mut pair, 20 << 20).await;
    js_sys::eval("Worker.prototype.postMessage = originalPost").unwrap();
}

#[wasm_bindgen_test]
async fn a_chunk_that_does_not_open_ends_it_on_both_sides() {
    let mut pair = Pair::connected().await;
    let file = file_id();
    receive(&pair, file, &[8; 32], 100_000);
    send(&pair, file, &picked(&random(100_000)), 100_000);
    until_over(&mut pair, file).await;
    assert!(matches!(outcome(&pair.0[0], file), Some(TransferReport::LinkLost)));
    assert!(matches!(outcome(&pair.0[1], file), Some(TransferReport::Corrupt)));
}

#[wasm_bindgen_test]
async fn a_source_of_another_size_is_not_sent() {
    let mut pair = Pair::connected().await;
    let file = file_id();
    receive(&pair, file, &KEY, 1000);
    send(&pair, file, &picked(&random(999)), 1000);
    until_over(&mut pair, file).await;
    assert!(matches!(outcome(&pair.0[0], file), Some(TransferReport::Unreadable)));
    assert!(matches!(outcome(&pair.0[1], file), Some(TransferReport::LinkLost)));
}

#[wasm_bindgen_test]
async fn cancelling_stops_the_sender_and_leaves_nothing() {
    let mut pair = Pair::connected().await;
    let file = file_id();
    let size = 200 << 20;
    receive(&pair, file, &KEY, size);
    send(&pair, file, &blank(200), size);
    let progress = |end: &End| end.has(|item| matches!(item, Item::Worker(FromWorker::Transfer(..), _)));
    pair.until("something arrived", |ends| progress(&ends[1])).await;
    pair.0[1].worker.tell(&ToWorker::Cancel(file.0));
    pair.until("the sender has stopped", |ends| outcome(&ends[0], file).is_some()).await;
    assert!(matches!(outcome(&pair.0[0], file), Some(TransferReport::LinkLost)));
    assert!(outcome(&pair.0[1], file).is_none(), "who cancels is told nothing");
    // Deleting goes on beside; it is over when the file is gone.
    for _ in 0..200 {
        if stored(opfs::FILES, &file.to_string()).await.is_err() {
            return;
        }
        JsFuture::from(Promise::resolve(&JsValue::UNDEFINED)).await.unwrap();
        gloo_timers::future::TimeoutFuture::new(10).await;
    }
    panic!("the cancelled file is still there");
}

#[wasm_bindgen_test]
async fn a_closed_link_ends_its_transfers() {
    let mut pair = Pair::connected().await;
    let file = file_id();
    // Nobody sends it.
    receive(&pair, file, &KEY, 1 << 20);
    let id = pair.0[1].id;
    pair.0[1].worker.tell(&ToWorker::LinkClosed(id.0));
    pair.until("the receiver knows", |ends| outcome(&ends[1], file).is_some()).await;
    assert!(matches!(outcome(&pair.0[1], file), Some(TransferReport::LinkLost)));
}
