//! Envelopes from a stranger's request to an acknowledgement.

use sotto_server::store::ONE_TIME_PREKEYS_PER_TOKEN;
use sotto_wire::server::{
    Blob, BundleBytes, Class, ClientFrame, DeliveryToken, EnvelopeId, ErrorCode, FetchPreKeys,
    FetchedPreKeys, ListedToken, Message, OneTimePreKeyEntry, OneTimePreKeys, PutEnvelope, Sequence,
    ServerFrame, TokenHashes, limits, path,
};

use crate::device::{Device, Socket, fresh_blob};
use crate::support::{Server, post, refused, unique};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_put_is_pushed_until_acknowledged() {
    let server = Server::start().await;
    let device = Device::new();
    let mut socket = device.register(server.address).await;
    let blobs: Vec<Blob> = limits::ENVELOPE_SIZES.into_iter().map(fresh_blob).collect();
    for (sequence, blob) in (1..).zip(&blobs) {
        assert_eq!(device.put(&server, Class::Stored, blob).await.status, 202);
        assert_eq!(socket.delivered().await, (sequence, Class::Stored, blob.clone()));
        assert_eq!(socket.next().await, ServerFrame::Drained {});
    }
    socket.acknowledge(&[1, 2, 2, 99]).await;
    drop(socket);

    let (mut socket, welcome) = device.connect(server.address).await;
    let expected = ServerFrame::Welcome { acknowledged_through: Sequence(2), one_time_left: 0, waiting: 2 };
    assert_eq!(welcome, expected);
    assert_eq!(socket.delivered().await, (3, Class::Stored, blobs[2].clone()));
    assert_eq!(socket.delivered().await, (4, Class::Stored, blobs[3].clone()));
    assert_eq!(socket.next().await, ServerFrame::Drained {});
    socket.acknowledge(&[3, 4]).await;
    let (_, welcome) = device.connect(server.address).await;
    let expected = ServerFrame::Welcome { acknowledged_through: Sequence(4), one_time_left: 0, waiting: 0 };
    assert_eq!(welcome, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_is_accepted_and_delivered_once() {
    let server = Server::start().await;
    let device = Device::new();
    let mut socket = device.register(server.address).await;
    let blob = fresh_blob(1024);
    let first = device.put(&server, Class::Stored, &blob).await;
    assert_eq!(socket.delivered().await.0, 1);
    assert_eq!(socket.next().await, ServerFrame::Drained {});
    let again = device.put(&server, Class::Stored, &blob).await;
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    socket.acknowledge(&[1]).await;
    assert_eq!(device.put(&server, Class::Stored, &blob).await.status, 202);
    let other = fresh_blob(1024);
    device.put(&server, Class::Stored, &other).await;
    assert_eq!(socket.delivered().await, (2, Class::Stored, other));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ephemeral_envelopes_reach_an_open_socket_only() {
    let server = Server::start().await;
    let device = Device::new();
    let mut socket = device.register(server.address).await;
    let blob = fresh_blob(4096);
    let there = device.put(&server, Class::Ephemeral, &blob).await;
    assert_eq!(socket.delivered().await, (0, Class::Ephemeral, blob.clone()));
    drop(socket);
    let away = device.put(&server, Class::Ephemeral, &blob).await;
    assert_eq!((there.status, &there.body), (away.status, &away.body));
    assert_eq!(there.status, 202);
    let (mut socket, _) = device.connect(server.address).await;
    assert_eq!(socket.next().await, ServerFrame::Drained {});
    socket.answered().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credit_bounds_what_is_on_its_way() {
    let server = Server::start().await;
    let device = Device::new();
    drop(device.register(server.address).await);
    let window = u64::from(limits::CREDIT_WINDOW);
    for _ in 0..window + 3 {
        assert_eq!(device.put(&server, Class::Stored, &fresh_blob(1024)).await.status, 202);
    }
    let (mut socket, _) = device.connect(server.address).await;
    for sequence in 1..=window {
        assert_eq!(socket.delivered().await.0, sequence);
    }
    socket.answered().await;
    socket.send(&ClientFrame::Credit { n: 2 }).await;
    assert_eq!(socket.delivered().await.0, window + 1);
    assert_eq!(socket.delivered().await.0, window + 2);
    socket.answered().await;
    socket.send(&ClientFrame::Credit { n: u32::MAX }).await;
    assert_eq!(socket.delivered().await.0, window + 3);
    assert_eq!(socket.next().await, ServerFrame::Drained {});
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_learns_whether_a_mailbox_exists() {
    let server = Server::start().await;
    let device = Device::new();
    let socket = device.register(server.address).await;
    let wrong_token = Device { token: unique(), ..Device::new() };
    let wrong_token = Device { mailbox: device.mailbox, ..wrong_token };
    let unknown = Device::new();
    for class in [Class::Stored, Class::Ephemeral] {
        let blob = fresh_blob(1024);
        let mut answers = Vec::new();
        for sender in [&wrong_token, &unknown] {
            let response = sender.put(&server, class, &blob).await;
            let failure = response.refused(ErrorCode::Forbidden);
            let head: Vec<_> = response.head.lines().filter(|line| !line.starts_with("date:")).collect();
            answers.push((head.join("\n"), failure.retry_after_s, response.body.len()));
        }
        assert_eq!(answers[0], answers[1]);
    }
    for sender in [&wrong_token, &unknown] {
        let fetch = FetchPreKeys { mailbox: sender.mailbox, token: DeliveryToken::from_bytes(&sender.token) };
        server.post(path::PREKEYS, &fetch).await.refused(ErrorCode::Forbidden);
    }
    drop(socket);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_is_worth_nothing() {
    let server = Server::start().await;
    let device = Device::new();
    let mut socket = device.register(server.address).await;
    let hashes =
        || TokenHashes::new(vec![ListedToken(DeliveryToken::from_bytes(&device.token).hash())]).unwrap();
    for request in [7, 8] {
        socket.send(&ClientFrame::RevokeTokens { request, hashes: hashes() }).await;
        assert_eq!(socket.next().await, ServerFrame::Done { request });
        refused(&server, &device, ErrorCode::Forbidden).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_mailbox_tells_only_those_with_a_token() {
    let server = Server::with(|config| config.mailbox_envelopes = 2).await;
    let device = Device::new();
    let mut socket = device.register(server.address).await;
    for _ in 0..2 {
        assert_eq!(device.put(&server, Class::Stored, &fresh_blob(1024)).await.status, 202);
    }
    refused(&server, &device, ErrorCode::Quota).await;
    let stranger = Device { mailbox: device.mailbox, ..Device::new() };
    refused(&server, &stranger, ErrorCode::Forbidden).await;
    assert_eq!(device.put(&server, Class::Ephemeral, &fresh_blob(1024)).await.status, 202);
    for _ in 0..3 {
        while !matches!(socket.next().await, ServerFrame::Deliver { .. }) {}
    }
    socket.send(&ClientFrame::acknowledge(vec![Sequence(1)]).unwrap()).await;
    socket.send(&ClientFrame::Ping { n: 1 }).await;
    while socket.next().await != (ServerFrame::Pong { n: 1 }) {}
    assert_eq!(device.put(&server, Class::Stored, &fresh_blob(1024)).await.status, 202);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blob_under_another_name_or_size_is_refused() {
    let server = Server::start().await;
    let device = Device::new();
    drop(device.register(server.address).await);
    let put = PutEnvelope {
        envelope_id: EnvelopeId::from_bytes([9; 16]),
        ..device.envelope(Class::Stored, fresh_blob(1024))
    };
    server.post(path::ENVELOPES, &put).await.refused(ErrorCode::Malformed);
    let mut bytes = device.envelope(Class::Stored, fresh_blob(1024)).encode();
    // The last field is the blob; 0x59 announces its length in two bytes.
    let at = bytes.len() - 1024 - 2;
    assert_eq!(bytes[at..at + 2], [0x04, 0x00]);
    bytes[at + 1] = 0x01;
    bytes.push(0);
    post(server.address, path::ENVELOPES, &bytes).await.refused(ErrorCode::Malformed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_accepted_survives_a_restart() {
    let mut server = Server::start().await;
    let device = Device::new();
    let mut socket = device.register(server.address).await;
    let blobs: Vec<Blob> = (0..10).map(|_| fresh_blob(1024)).collect();
    for blob in &blobs {
        assert_eq!(device.put(&server, Class::Stored, blob).await.status, 202);
    }
    while !matches!(socket.next().await, ServerFrame::Deliver { sequence: Sequence(10), .. }) {}
    socket.send(&ClientFrame::acknowledge(vec![Sequence(1), Sequence(2)]).unwrap()).await;
    socket.send(&ClientFrame::Ping { n: 1 }).await;
    while socket.next().await != (ServerFrame::Pong { n: 1 }) {}
    server.restart().await;
    let (mut socket, welcome) = device.connect(server.address).await;
    assert!(matches!(welcome, ServerFrame::Welcome { acknowledged_through: Sequence(2), waiting: 8, .. }));
    for (sequence, blob) in (3..=10).zip(&blobs[2..]) {
        assert_eq!(socket.delivered().await, (sequence, Class::Stored, blob.clone()));
    }
    assert_eq!(device.put(&server, Class::Stored, &blobs[0]).await.status, 202, "the token is still valid");
}

async fn publish(socket: &mut Socket, count: u32) -> BundleBytes {
    let bundle = BundleBytes::new(vec![1; 400]).unwrap();
    let one_time = (0..count).map(|id| OneTimePreKeyEntry { id, key: [2; 33].into() }).collect();
    let one_time = OneTimePreKeys::new(one_time).unwrap();
    socket.send(&ClientFrame::PublishPreKeys { request: 2, bundle: bundle.clone(), one_time }).await;
    assert_eq!(socket.next().await, ServerFrame::Done { request: 2 });
    bundle
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_one_time_prekey_goes_to_one_asker() {
    let server = Server::start().await;
    let device = Device::new();
    let mut socket = device.register(server.address).await;
    let fetch =
        |token: &[u8; 32]| FetchPreKeys { mailbox: device.mailbox, token: DeliveryToken::from_bytes(token) };
    server.post(path::PREKEYS, &fetch(&device.token)).await.refused(ErrorCode::NotFound);
    let bundle = publish(&mut socket, 8).await;
    // Each asks often enough to take all of them alone.
    let tokens: [[u8; 32]; 2] = [device.token, unique()];
    let hashes = TokenHashes::new(vec![ListedToken(DeliveryToken::from_bytes(&tokens[1]).hash())]).unwrap();
    socket.send(&ClientFrame::AddTokens { request: 3, hashes }).await;
    assert_eq!(socket.next().await, ServerFrame::Done { request: 3 });
    let asking = (0..20).map(|turn| {
        let (address, body) = (server.address, fetch(&tokens[turn % 2]).encode());
        tokio::spawn(async move { post(address, path::PREKEYS, &body).await })
    });
    let mut ids = Vec::new();
    for asked in asking.collect::<Vec<_>>() {
        let found: FetchedPreKeys = asked.await.unwrap().decode();
        assert_eq!(found.bundle, bundle);
        ids.extend(found.one_time.map(|entry| entry.id));
    }
    ids.sort_unstable();
    assert_eq!(ids, [0, 1, 2, 3, 4, 5, 6, 7]);
    let (_, welcome) = device.connect(server.address).await;
    assert!(matches!(welcome, ServerFrame::Welcome { one_time_left: 0, .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_a_token_cannot_take_all_one_time_prekeys() {
    let mut server = Server::start().await;
    let device = Device::new();
    let mut socket = device.register(server.address).await;
    let bundle = publish(&mut socket, 100).await;
    let fetch = || FetchPreKeys { mailbox: device.mailbox, token: DeliveryToken::from_bytes(&device.token) };
    let mut taken = 0;
    for turn in 0..30 {
        if turn == 15 {
            // Not by waiting for a restart either.
            server.restart().await;
        }
        let found: FetchedPreKeys = server.post(path::PREKEYS, &fetch()).await.decode();
        assert_eq!(found.bundle, bundle, "the bundle alone still begins a session");
        taken += u64::from(found.one_time.is_some());
    }
    assert_eq!(taken, ONE_TIME_PREKEYS_PER_TOKEN);
}
