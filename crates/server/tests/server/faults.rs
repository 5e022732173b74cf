//! A store that is busy, fails or panics, and what people notice of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use sotto_server::store::{NewEnvelope, PutOutcome, Store as _, StoreError, Timestamp};
use sotto_wire::server::{
    Blob, Class, ClientFrame, CloseCode, DeliveryToken, ErrorCode, FetchPreKeys, Sequence, ServerFrame, path,
};

use crate::device::{Device, Socket, fresh_blob, origin};
use crate::support::{Response, Server, metric, post};
use crate::watched::Watched;

/// So that nothing here is refused for being too much.
fn generous(config: &mut sotto_server::config::Config) {
    config.address_requests_burst = 100_000;
    config.address_meetings_burst = 100_000;
    config.mailbox_envelopes_burst = 100_000;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_told_and_what_was_accepted_is_kept() {
    let server = Server::over(4, generous, |store| Arc::new(store)).await;
    let device = Device::new();
    drop(device.register(server.address).await);
    // Nobody else may write now: the writer waits, and its queue fills up.
    let database = server.database();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let blobs: Vec<Blob> = (0..40).map(|_| fresh_blob(1024)).collect();
    let (answered, mut answers) = tokio::sync::mpsc::channel::<(Blob, Response)>(blobs.len());
    for blob in blobs {
        let (address, sender, answered) = (server.address, device.sender(), answered.clone());
        tokio::spawn(async move {
            let response = sender.put(address, Class::Stored, &blob).await;
            let _ = answered.send((blob, response)).await;
        });
    }
    drop(answered);
    let (_, first) = answers.recv().await.unwrap();
    let failure = first.refused(ErrorCode::Unavailable);
    assert_eq!((failure.retry_after_s, first.header("retry-after")), (Some(1), Some("1")));
    database.execute_batch("ROLLBACK").unwrap();
    let mut accepted = Vec::new();
    while let Some((blob, response)) = answers.recv().await {
        match response.status {
            202 => accepted.push(blob),
            _ => drop(response.refused(ErrorCode::Unavailable)),
        }
    }
    assert!(metric(server.health, "requests_unavailable_total").await > 0);
    assert!(!accepted.is_empty());
    let (mut socket, _) = device.connect(server.address).await;
    let mut found = Vec::new();
    while let ServerFrame::Deliver { blob, .. } = socket.next().await {
        found.push(blob);
    }
    let lost: Vec<_> = accepted.iter().filter(|blob| !found.contains(blob)).collect();
    assert!(lost.is_empty(), "{} of {} lost", lost.len(), accepted.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledgement_waits_for_a_busy_store() {
    let busy = Arc::new(AtomicU32::new(0));
    let left = Arc::clone(&busy);
    let before = move |what: &'static str| {
        let one_less = |left: u32| left.checked_sub(1);
        let refuse =
            what == "acknowledge" && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok();
        if refuse { Err(StoreError::Busy) } else { Ok(()) }
    };
    let server = Server::over(64, generous, |store| Arc::new(Watched::new(store, Box::new(before)).0)).await;
    let device = Device::new();
    let mut socket = device.register(server.address).await;
    assert_eq!(device.put(&server, Class::Stored, &fresh_blob(1024)).await.status, 202);
    assert_eq!(socket.delivered().await.0, 1);
    assert_eq!(socket.next().await, ServerFrame::Drained {});
    busy.store(3, Ordering::SeqCst);
    socket.acknowledge(&[1]).await;
    let (_, welcome) = device.connect(server.address).await;
    let expected = ServerFrame::Welcome { acknowledged_through: Sequence(1), one_time_left: 0, waiting: 0 };
    assert_eq!(welcome, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_fails_is_told_and_comes_back() {
    let failing = Arc::new(AtomicBool::new(false));
    let fails = Arc::clone(&failing);
    let before = move |_: &'static str| {
        if fails.load(Ordering::SeqCst) { Err(StoreError::Unavailable) } else { Ok(()) }
    };
    let server = Server::over(64, generous, |store| Arc::new(Watched::new(store, Box::new(before)).0)).await;
    let device = Device::new();
    let mut socket = device.register(server.address).await;
    failing.store(true, Ordering::SeqCst);
    let refused = device.put(&server, Class::Stored, &fresh_blob(1024)).await;
    assert!(refused.refused(ErrorCode::Unavailable).retry_after_s.is_some());
    let hashes = sotto_wire::server::TokenHashes::new(Vec::new()).unwrap();
    socket.send(&ClientFrame::RevokeTokens { request: 9, hashes }).await;
    assert_eq!(socket.next().await, ServerFrame::Failed { request: 9, code: ErrorCode::Unavailable });
    let mut opening = Socket::open(server.address).await.unwrap();
    let answer = device.answer(&origin(server.address), &opening.challenge().await);
    opening.send(&ClientFrame::Authenticate(answer)).await;
    assert_eq!(opening.closed().await, Some(CloseCode::Unavailable));
    failing.store(false, Ordering::SeqCst);
    assert_eq!(device.put(&server, Class::Stored, &fresh_blob(1024)).await.status, 202);
    assert_eq!(socket.delivered().await.0, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_is_told_and_is_nobody_elses() {
    let before = |what: &'static str| match what {
        "invite_card" | "fetch" => panic!("on purpose"),
        _ => Ok(()),
    };
    let server = Server::over(64, generous, |store| Arc::new(Watched::new(store, Box::new(before)).0)).await;
    let look =
        sotto_wire::server::LookAtInvite { invite_id: sotto_wire::server::InviteId::from_bytes([1; 16]) };
    for _ in 0..3 {
        let response = server.post(path::INVITE_CARD, &look).await;
        response.refused(ErrorCode::Internal);
        assert!(!String::from_utf8_lossy(&response.body).contains("purpose"));
    }
    assert_eq!(metric(server.health, "requests_failed_total").await, 3);
    // A socket in which something panics ends, and nothing of it stays.
    let device = Device::new();
    let mut socket = Socket::open(server.address).await.unwrap();
    let answer = device.answer(&origin(server.address), &socket.challenge().await);
    socket.send(&ClientFrame::Authenticate(answer)).await;
    assert_eq!(socket.closed().await, None);
    crate::support::eventually("the socket is gone", async || metric(server.health, "sockets").await == 0)
        .await;
    // The connection of this request is the only one left.
    crate::support::eventually("its place is free", async || metric(server.health, "connections").await == 1)
        .await;
    assert_eq!(server.post(path::TURN, &sotto_wire::server::FetchTurn {}).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_accepted_while_it_stops_is_kept() {
    let mut server = Server::with(generous).await;
    let device = Device::new();
    drop(device.register(server.address).await);
    let address = server.address;
    let (accepted, mut some) = tokio::sync::mpsc::unbounded_channel::<Blob>();
    let senders: Vec<_> = (0..8)
        .map(|_| {
            let (sender, accepted) = (device.sender(), accepted.clone());
            tokio::spawn(async move {
                for _ in 0..100 {
                    let blob = fresh_blob(1024);
                    match sender.try_put_at(address, Class::Stored, &blob).await {
                        Some(202) => drop(accepted.send(blob)),
                        // Stopping, or gone.
                        _ => return,
                    }
                }
            })
        })
        .collect();
    drop(accepted);
    let mut kept = Vec::new();
    while kept.len() < 40 {
        kept.push(some.recv().await.unwrap());
    }
    server.restart().await;
    for sender in senders {
        sender.await.unwrap();
    }
    while let Some(blob) = some.recv().await {
        kept.push(blob);
    }
    let (mut socket, _) = device.connect(server.address).await;
    let mut found = Vec::new();
    loop {
        match socket.next().await {
            ServerFrame::Deliver { blob, .. } => {
                found.push(blob);
                socket.send(&ClientFrame::Credit { n: 1 }).await;
            }
            ServerFrame::Drained {} => break,
            other => panic!("{other:?}"),
        }
    }
    let lost: Vec<_> = kept.iter().filter(|blob| !found.contains(blob)).collect();
    assert!(lost.is_empty(), "{} of {} lost", lost.len(), kept.len());
}

/// What an answer says, but for the date and the random request id.
fn said(response: &Response) -> (u16, Vec<String>, usize) {
    let head = response.head.lines().filter(|line| !line.starts_with("date:")).map(str::to_owned).collect();
    (response.status, head, response.body.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn for_known_and_unknown_mailboxes_the_store_does_the_same() {
    let mut asked = None;
    let server = Server::over(64, generous, |store| {
        let (watched, list) = Watched::new(store, Box::new(|_| Ok(())));
        asked = Some(list);
        Arc::new(watched)
    })
    .await;
    let asked = asked.unwrap();
    let known = Device::new();
    let mut socket = known.register(server.address).await;
    let one_time = sotto_wire::server::OneTimePreKeys::new(Vec::new()).unwrap();
    let bundle = sotto_wire::server::BundleBytes::new(vec![1; 100]).unwrap();
    socket.send(&ClientFrame::PublishPreKeys { request: 2, bundle, one_time }).await;
    assert_eq!(socket.next().await, ServerFrame::Done { request: 2 });
    // A mailbox that is there and online, one that is there and away, and one that never was.
    let away = Device::new();
    drop(away.register(server.address).await);
    let strangers = [&known, &away, &Device::new()].map(|to| Device { mailbox: to.mailbox, ..Device::new() });
    let blob = fresh_blob(1024);
    let mut answers = Vec::new();
    for stranger in &strangers {
        asked.lock().unwrap().clear();
        let token = DeliveryToken::from_bytes(&stranger.token);
        let fetch = FetchPreKeys { mailbox: stranger.mailbox, token };
        let three = [
            stranger.put(&server, Class::Stored, &blob).await,
            stranger.put(&server, Class::Ephemeral, &blob).await,
            server.post(path::PREKEYS, &fetch).await,
        ];
        for response in &three {
            response.refused(ErrorCode::Forbidden);
        }
        let calls = asked
            .lock()
            .unwrap()
            .iter()
            .copied()
            .filter(|what| !["reap", "room"].contains(what))
            .collect::<Vec<_>>();
        answers.push((three.map(|response| said(&response)), calls));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    assert_eq!(answers[0].1, ["authorise", "authorise", "take_prekeys"]);

    // Whoever may send learns nothing about who is there by an ephemeral envelope.
    let mut told = Vec::new();
    for to in [&known, &away] {
        told.push(said(&to.put(&server, Class::Ephemeral, &blob).await));
    }
    assert_eq!(told[0], told[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_cannot_use_up_what_a_mailbox_takes() {
    let server = Server::with(|config| {
        config.mailbox_envelopes_burst = 2;
        config.mailbox_envelopes_per_s = 1;
        config.address_requests_burst = 100_000;
    })
    .await;
    let device = Device::new();
    drop(device.register(server.address).await);
    let stranger = Device { mailbox: device.mailbox, ..Device::new() };
    for _ in 0..20 {
        stranger.put(&server, Class::Stored, &fresh_blob(1024)).await.refused(ErrorCode::Forbidden);
    }
    assert_eq!(device.put(&server, Class::Stored, &fresh_blob(1024)).await.status, 202);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_ended_is_neither_delivered_nor_kept() {
    let mut server = Server::with(|config| config.mailbox_idle_days = 30).await;
    let (device, forgotten) = (Device::new(), Device::new());
    drop(device.register(server.address).await);
    drop(forgotten.register(server.address).await);
    for _ in 0..3 {
        assert_eq!(device.put(&server, Class::Stored, &fresh_blob(1024)).await.status, 202);
    }
    let database = server.database();
    database.busy_timeout(Duration::from_secs(10)).unwrap();
    let aged = database.execute("UPDATE envelope SET expires = 1 WHERE sequence <= 2", []).unwrap();
    assert_eq!(aged, 2);
    let forget = "UPDATE mailbox SET seen_day = 1 WHERE id = ?1";
    assert_eq!(database.execute(forget, [forgotten.mailbox.as_bytes()]).unwrap(), 1);
    let (mut socket, _) = device.connect(server.address).await;
    assert_eq!(socket.delivered().await.0, 3, "what has ended is passed over");
    // The reaper comes at every start, and then every minute.
    server.restart().await;
    let rows = |query: &str| database.query_row(query, [], |row| row.get::<_, u32>(0)).unwrap();
    crate::support::eventually("it is gone from the database", async || {
        rows("SELECT count(*) FROM envelope") == 1 && rows("SELECT count(*) FROM mailbox") == 1
    })
    .await;
    let (_, welcome) = device.connect(server.address).await;
    assert!(matches!(welcome, ServerFrame::Welcome { waiting: 1, .. }), "{welcome:?}");
    forgotten.put(&server, Class::Stored, &fresh_blob(1024)).await.refused(ErrorCode::Forbidden);
    post(server.address, path::ENVELOPES, b"").await.refused(ErrorCode::Malformed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_socket_was_not_told_of_comes_all_the_same_and_in_order() {
    let (mut kept, mut asked) = (None, None);
    let server = Server::over(64, generous, |store| {
        let (watched, calls) = Watched::new(store, Box::new(|_| Ok(())));
        let watched = Arc::new(watched);
        (kept, asked) = (Some(Arc::clone(&watched)), Some(calls));
        watched
    })
    .await;
    let (store, asked) = (kept.unwrap(), asked.unwrap());
    let device = Device::new();
    let mut socket = device.register(server.address).await;
    let untold = async |blob: &Blob| {
        let envelope = NewEnvelope {
            mailbox: device.mailbox,
            token: DeliveryToken::from_bytes(&device.token).hash(),
            envelope_id: blob.id(),
            expires: Timestamp::now().plus(3600),
            blob: blob.clone(),
        };
        assert!(matches!(store.put(envelope, Timestamp::now()).await, Ok(PutOutcome::Stored(_))));
    };
    let [first, second, third, fourth, fifth] = [(); 5].map(|()| fresh_blob(1024));

    // What comes next in order needs no look into the store.
    assert_eq!(device.put(&server, Class::Stored, &first).await.status, 202);
    assert_eq!(socket.pushed().await, (1, Class::Stored, first));
    assert_eq!(socket.next().await, ServerFrame::Drained {});
    asked.lock().unwrap().clear();
    assert_eq!(device.put(&server, Class::Stored, &second).await.status, 202);
    assert_eq!(socket.pushed().await, (2, Class::Stored, second));
    assert_eq!(socket.next().await, ServerFrame::Drained {});
    assert!(!asked.lock().unwrap().contains(&"fetch"), "{asked:?}");

    // Stored, and the one who asked for it gone before anybody was told: what is stored after it brings it along.
    untold(&third).await;
    assert_eq!(device.put(&server, Class::Stored, &fourth).await.status, 202);
    assert_eq!(socket.pushed().await, (3, Class::Stored, third));
    assert_eq!(socket.pushed().await, (4, Class::Stored, fourth));
    assert_eq!(socket.next().await, ServerFrame::Drained {});
    // And so does its repetition.
    untold(&fifth).await;
    assert_eq!(device.put(&server, Class::Stored, &fifth).await.status, 202);
    assert_eq!(socket.pushed().await, (5, Class::Stored, fifth));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_while_a_socket_was_busy_comes_whole() {
    let busy = Arc::new(AtomicBool::new(false));
    let holds_up = Arc::clone(&busy);
    let server = Server::over(64, generous, |store| {
        let before = move |what: &'static str| match what {
            "acknowledge" if holds_up.load(Ordering::SeqCst) => Err(StoreError::Busy),
            _ => Ok(()),
        };
        Arc::new(Watched::new(store, Box::new(before)).0)
    })
    .await;
    let device = Device::new();
    let mut socket = device.register(server.address).await;
    busy.store(true, Ordering::SeqCst);
    socket.send(&ClientFrame::acknowledge(vec![Sequence(1)]).unwrap()).await;
    let mut sent = Vec::new();
    for number in 0..50 {
        let class = if number % 2 == 0 { Class::Stored } else { Class::Ephemeral };
        let blob = fresh_blob(1024);
        assert_eq!(device.put(&server, class, &blob).await.status, 202);
        sent.push((class, blob));
    }
    busy.store(false, Ordering::SeqCst);
    let (mut came, mut last) = (Vec::new(), 0);
    while came.len() < sent.len() {
        let (sequence, class, blob) = socket.pushed().await;
        if class == Class::Stored {
            assert!(sequence > last);
            last = sequence;
        }
        came.push((class, blob));
    }
    let of = |class: Class, all: &[(Class, Blob)]| {
        all.iter().filter(|(other, _)| *other == class).map(|(_, blob)| blob.clone()).collect::<Vec<_>>()
    };
    for class in [Class::Stored, Class::Ephemeral] {
        assert!(of(class, &came) == of(class, &sent), "{class:?}");
    }
}
