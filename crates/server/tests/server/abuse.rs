//! Requests that are wrong, too large, too many or too slow.

use std::time::Duration;

use sotto_wire::server::{
    CONTENT_TYPE, Class, CreateInvite, ErrorCode, InviteId, LookAtInvite, Message, PutEnvelope, path,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::device::{Device, LONG, fresh_blob};
use crate::support::{Server, eventually, get, metric, post, raw, request};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_requests_are_told_what_is_wrong() {
    let server = Server::start().await;
    let at = server.address;
    post(at, path::ENVELOPES, b"garbage").await.refused(ErrorCode::Malformed);
    post(at, path::ENVELOPES, &vec![0; PutEnvelope::MAX + 1]).await.refused(ErrorCode::TooLarge);
    post(at, path::INVITES, &vec![0; CreateInvite::MAX + 1]).await.refused(ErrorCode::TooLarge);
    get(at, path::ENVELOPES, "").await.refused(ErrorCode::MethodNotAllowed);
    request(at, "DELETE", path::INVITES, "", &[]).await.refused(ErrorCode::MethodNotAllowed);
    post(at, "/v1/nothing", b"x").await.refused(ErrorCode::NotFound);
    get(at, "/v1", "").await.refused(ErrorCode::NotFound);
    get(at, path::SOCKET, "").await.refused(ErrorCode::Malformed);
    let body = LookAtInvite { invite_id: InviteId::from_bytes([1; 16]) }.encode();
    request(at, "POST", path::INVITE_CARD, "content-type: text/plain\r\n", &body)
        .await
        .refused(ErrorCode::UnsupportedMediaType);
    let cbor = format!("content-type: {CONTENT_TYPE}\r\n");
    for foreign in ["origin: https://evil.example\r\n", "host: evil.example\r\n"] {
        request(at, "POST", path::INVITE_CARD, &format!("{cbor}{foreign}"), &body)
            .await
            .refused(ErrorCode::WrongOrigin);
    }
    // Chunked, so that no length announces that it is too large.
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: localhost:{}\r\nconnection: close\r\n{cbor}transfer-encoding: chunked\r\n\r\n",
        path::INVITE_CARD,
        at.port()
    );
    let chunked = [head.as_bytes(), b"200\r\n", &[0; 0x200], b"\r\n0\r\n\r\n"].concat();
    raw(at, &chunked).await.refused(ErrorCode::TooLarge);
    assert_eq!(raw(at, b"nonsense\r\n\r\n").await.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_requests_are_told_when_to_come_back() {
    let server = Server::with(|config| {
        config.address_meetings_burst = 3;
        config.address_meetings_per_min = 1;
    })
    .await;
    let look = LookAtInvite { invite_id: InviteId::from_bytes([1; 16]) };
    for _ in 0..3 {
        server.post(path::INVITE_CARD, &look).await.refused(ErrorCode::InviteGone);
    }
    let response = server.post(path::INVITE_CARD, &look).await;
    let failure = response.refused(ErrorCode::RateLimited);
    let wait = failure.retry_after_s.unwrap();
    assert!((1..=61).contains(&wait));
    assert_eq!(response.header("retry-after"), Some(wait.to_string().as_str()));
    assert_eq!(metric(server.health, "requests_limited_total").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_takes_only_so_much_at_once() {
    let server = Server::with(|config| {
        config.mailbox_envelopes_burst = 2;
        config.mailbox_envelopes_per_s = 1;
    })
    .await;
    let (device, other) = (Device::new(), Device::new());
    drop(device.register(server.address).await);
    drop(other.register(server.address).await);
    let mut limited = 0;
    // More than a second's worth; the bucket of one gives one a second.
    for _ in 0..20 {
        let response = device.put(&server, Class::Ephemeral, &fresh_blob(1024)).await;
        limited += u32::from(response.status == 429);
    }
    assert!(limited > 0);
    assert_eq!(other.put(&server, Class::Ephemeral, &fresh_blob(1024)).await.status, 202);
}

/// Waits until the server closes, passing over what it says.
async fn closes(stream: &mut TcpStream) {
    let mut rest = [0; 4096];
    tokio::time::timeout(LONG, async { while let Ok(1..) = stream.read(&mut rest).await {} })
        .await
        .expect("closed in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_heads_and_bodies_are_closed() {
    let server = Server::with(|config| {
        config.header_timeout_s = 1;
        config.body_timeout_s = 1;
    })
    .await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut partial = TcpStream::connect(server.address).await.unwrap();
    partial.write_all(b"GET / HTTP/1.1\r\nhost: loc").await.unwrap();
    let trickling = TcpStream::connect(server.address).await.unwrap();
    let (mut reading, mut writing) = trickling.into_split();
    let trickle = tokio::spawn(async move {
        for byte in b"GET / HTTP/1.1\r\nx: ".iter().chain(std::iter::repeat_n(&b'y', 10_000)) {
            if writing.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut body = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: localhost:{}\r\ncontent-type: {CONTENT_TYPE}\r\ncontent-length: 50\r\n\r\nxx",
        path::INVITE_CARD,
        server.address.port()
    );
    body.write_all(head.as_bytes()).await.unwrap();
    let mut unanswered = crate::device::Socket::open(server.address).await.unwrap();
    unanswered.challenge().await;
    closes(&mut silent).await;
    closes(&mut partial).await;
    closes(&mut body).await;
    let mut rest = Vec::new();
    let trickled = tokio::time::timeout(LONG, reading.read_to_end(&mut rest)).await;
    assert!(trickled.is_ok(), "closed in time");
    trickle.abort();
    let closed = unanswered.closed().await;
    assert_eq!(closed, None, "no answer to the challenge");
    eventually("all are gone", async || metric(server.health, "connections").await == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_reads_is_closed_and_loses_nothing() {
    let server = Server::with(|config| {
        config.send_timeout_s = 1;
        config.address_requests_burst = 10_000;
        config.mailbox_envelopes_burst = 10_000;
    })
    .await;
    let device = Device::new();
    drop(device.register(server.address).await);
    for _ in 0..64 {
        assert_eq!(device.put(&server, Class::Stored, &fresh_blob(64 * 1024)).await.status, 202);
    }
    let stream = TcpSocket::new_v4().unwrap();
    // So that the four megabytes waiting do not fit into the system's buffers.
    stream.set_recv_buffer_size(4096).unwrap();
    let stream = stream.connect(server.address).await.unwrap();
    let mut slow = crate::device::Socket::over(stream, server.address).await;
    let challenge = slow.challenge().await;
    let answer = device.answer(&crate::device::origin(server.address), &challenge);
    slow.send(&sotto_wire::server::ClientFrame::Authenticate(answer)).await;
    eventually("it is closed", async || metric(server.health, "sockets_slow_total").await == 1).await;
    let (mut socket, welcome) = device.connect(server.address).await;
    assert!(matches!(welcome, sotto_wire::server::ServerFrame::Welcome { waiting: 64, .. }));
    for sequence in 1..=64 {
        assert_eq!(socket.delivered().await.0, sequence);
    }
}
