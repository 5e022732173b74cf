//! Who may open a mailbox, and how a connection ends.

use futures_util::{SinkExt, StreamExt};
use sotto_wire::server::{
    Authentication, Class, ClientFrame, CloseCode, MailboxId, Message, Nonce, Sequence, ServerFrame,
};
use tokio_tungstenite::tungstenite::{Error, Message as Raw};

use crate::device::{Device, Socket, fresh_blob, origin};
use crate::support::{Server, eventually, get, metric, unique};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_opens_for_its_key_only() {
    let server = Server::start().await;
    let device = Device::new();
    let socket = device.register(server.address).await;
    let thief = Device { mailbox: device.mailbox, ..Device::new() };
    let mut attempt = Socket::open(server.address).await.unwrap();
    let challenge = attempt.challenge().await;
    let answer = thief.answer(&origin(server.address), &challenge);
    attempt.send(&ClientFrame::Authenticate(answer)).await;
    assert_eq!(attempt.closed().await, Some(CloseCode::Unauthenticated));
    let mut socket = socket;
    socket.answered().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_right_signature_authenticates() {
    let server = Server::start().await;
    let here = origin(server.address);
    let forge: [fn(&mut Authentication); 4] = [
        |answer| answer.signature[40] ^= 1,
        |answer| answer.mailbox = MailboxId::from_bytes(unique()),
        |answer| answer.client_nonce.0[0] ^= 1,
        |answer| answer.signing_key[0] = 5,
    ];
    for change in forge {
        let mut socket = Socket::open(server.address).await.unwrap();
        let challenge = socket.challenge().await;
        let mut answer = Device::new().answer(&here, &challenge);
        change(&mut answer);
        socket.send(&ClientFrame::Authenticate(answer)).await;
        assert_eq!(socket.closed().await, Some(CloseCode::Unauthenticated));
    }
    let mut socket = Socket::open(server.address).await.unwrap();
    let challenge = socket.challenge().await;
    socket.send(&ClientFrame::Authenticate(Device::new().answer("https://other.example", &challenge))).await;
    assert_eq!(socket.closed().await, Some(CloseCode::Unauthenticated), "signed for another server");

    let device = Device::new();
    let mut first = Socket::open(server.address).await.unwrap();
    let answer = device.answer(&here, &first.challenge().await);
    let mut second = Socket::open(server.address).await.unwrap();
    second.challenge().await;
    second.send(&ClientFrame::Authenticate(answer)).await;
    assert_eq!(second.closed().await, Some(CloseCode::Unauthenticated), "an answer to another challenge");

    let mut socket = Socket::open(server.address).await.unwrap();
    let mut answer = device.answer(&here, &socket.challenge().await);
    answer.version = 2;
    socket.send(&ClientFrame::Authenticate(answer)).await;
    assert_eq!(socket.closed().await, Some(CloseCode::UnsupportedVersion));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_connection_displaces_the_older() {
    let server = Server::start().await;
    let device = Device::new();
    let first = device.register(server.address).await;
    let (mut second, _) = device.connect(server.address).await;
    assert_eq!(second.next().await, ServerFrame::Drained {});
    assert_eq!(first.closed().await, Some(CloseCode::Displaced));
    let blob = fresh_blob(1024);
    assert_eq!(device.put(&server, Class::Ephemeral, &blob).await.status, 202);
    assert_eq!(second.delivered().await, (0, Class::Ephemeral, blob));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_frame_closes_its_sender_and_nobody_else() {
    let server = Server::start().await;
    let bystander = Device::new();
    let mut watching = bystander.register(server.address).await;
    let bad: Vec<Raw> = vec![
        Raw::Text("hello".into()),
        Raw::Binary(Vec::new().into()),
        Raw::Binary(vec![0x82, 0x18, 0x63, 0xa0].into()),
        Raw::Binary(vec![0xff; 100].into()),
        Raw::Binary(vec![0; 129 * 1024].into()),
        Raw::Binary(vec![0x9f; 100 * 1024].into()),
    ];
    for authenticated in [false, true] {
        for message in &bad {
            let device = Device::new();
            let mut socket = if authenticated {
                device.register(server.address).await
            } else {
                let mut socket = Socket::open(server.address).await.unwrap();
                socket.challenge().await;
                socket
            };
            // The server may close while a message that is too large is still being sent.
            let sent = socket.0.send(message.clone()).await;
            let closed = socket.closed().await;
            assert!(sent.is_err() || closed.is_none() || closed == Some(CloseCode::Malformed), "{closed:?}");
            drop(device.connect(server.address).await);
        }
    }
    watching.answered().await;
    assert_eq!(metric(server.health, "sockets_malformed_total").await, 12);
    // A frame that is fine, at the wrong time.
    let mut socket = Socket::open(server.address).await.unwrap();
    socket.challenge().await;
    socket.send(&ClientFrame::Ping { n: 1 }).await;
    assert_eq!(socket.closed().await, Some(CloseCode::Malformed));
    let device = Device::new();
    let mut socket = device.register(server.address).await;
    socket.send(&ClientFrame::Authenticate(device.answer("x", &Nonce([0; 32])))).await;
    assert_eq!(socket.closed().await, Some(CloseCode::Malformed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_pages_of_ours_open_sockets() {
    let server = Server::start().await;
    for origin in ["https://evil.example", "null", "http://localhost:1"] {
        match Socket::open_from(server.address, origin).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 421),
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("{origin} was let in"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_closes_sockets_and_says_so() {
    let mut server = Server::start().await;
    let device = Device::new();
    let socket = device.register(server.address).await;
    let waiting = Socket::open(server.address).await.unwrap();
    assert_eq!(get(server.health, "/readyz", "").await.status, 200);
    let closing = tokio::spawn(async move { (socket.closed().await, waiting.closed().await) });
    server.stop().await;
    assert_eq!(closing.await.unwrap(), (Some(CloseCode::ShuttingDown), Some(CloseCode::ShuttingDown)));
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_socket_is_asked_and_then_closed() {
    let server = Server::with(|config| config.ping_interval_s = 1).await;
    let device = Device::new();
    let mut answering = device.register(server.address).await;
    let silent = Device::new().register(server.address).await;
    assert_eq!(metric(server.health, "sockets").await, 2);
    // Reading is what answers pings; the silent one does not read.
    let answering = tokio::spawn(async move { while let Some(Ok(_)) = answering.0.next().await {} });
    eventually("the silent socket is closed", async || metric(server.health, "sockets").await == 1).await;
    assert!(!answering.is_finished(), "the answering one stays");
    assert_eq!(metric(server.health, "sockets_slow_total").await, 1);
    answering.abort();
    drop(silent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutated_frames_harm_nobody() {
    let server = Server::with(|config| {
        config.address_meetings_burst = 10_000;
        config.address_requests_burst = 10_000;
    })
    .await;
    let bystander = Device::new();
    let mut watching = bystander.register(server.address).await;
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 16).unwrap()
    };
    for _ in 0..150 {
        let device = Device::new();
        let mut socket = device.register(server.address).await;
        for _ in 0..20 {
            let frame = match next() % 3 {
                0 => ClientFrame::Ping { n: 70_000 },
                1 => ClientFrame::Credit { n: 70_000 },
                _ => ClientFrame::acknowledge(vec![Sequence(70_000); 3]).unwrap(),
            };
            let mut bytes = frame.encode();
            for _ in 0..=next() % 3 {
                let at = next() % bytes.len();
                bytes[at] = next().to_le_bytes()[0];
            }
            if socket.0.send(Raw::Binary(bytes.into())).await.is_err() {
                break;
            }
        }
    }
    watching.answered().await;
    let device = Device::new();
    let mut socket = device.register(server.address).await;
    socket.answered().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_older_connection_loses_however_late_it_authenticates() {
    let server = Server::start().await;
    let device = Device::new();
    drop(device.register(server.address).await);
    let mut older = Socket::open(server.address).await.unwrap();
    let challenge = older.challenge().await;
    let (mut newer, _) = device.connect(server.address).await;
    assert_eq!(newer.next().await, ServerFrame::Drained {});
    // Its answer was under way when the device gave it up and opened the other.
    older.send(&ClientFrame::Authenticate(device.answer(&origin(server.address), &challenge))).await;
    assert_eq!(older.closed().await, Some(CloseCode::Displaced));
    newer.answered().await;
    let blob = fresh_blob(1024);
    assert_eq!(device.put(&server, Class::Ephemeral, &blob).await.status, 202);
    assert_eq!(newer.delivered().await, (0, Class::Ephemeral, blob));
    assert_eq!(metric(server.health, "sockets").await, 1);
    // When the newer is gone, a still newer one is let in as ever.
    drop(newer);
    drop(device.connect(server.address).await);
}
