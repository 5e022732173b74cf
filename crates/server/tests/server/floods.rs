//! Too much, too long, and under false names.

use std::net::SocketAddr;

use futures_util::SinkExt;
use sotto_server::config::Config;
use sotto_wire::server::{
    CONTENT_TYPE, Class, ClientFrame, CloseCode, ErrorCode, InviteId, LookAtInvite, Message, Sequence,
    ServerFrame, path,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::Message as Raw;

use crate::device::{Device, LONG, Socket, fresh_blob, origin};
use crate::support::{Response, Server, eventually, get, metric, request};

/// One bucket of two, which fills slowly.
fn strict(config: &mut Config) {
    config.address_meetings_burst = 2;
    config.address_meetings_per_min = 1;
}

async fn look(at: SocketAddr, forwarded: &str) -> Response {
    let body = LookAtInvite { invite_id: InviteId::from_bytes([1; 16]) }.encode();
    let headers = format!("content-type: {CONTENT_TYPE}\r\n{forwarded}");
    request(at, "POST", path::INVITE_CARD, &headers, &body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_addresses_make_no_difference() {
    // Nobody between us is configured: whatever is written there, it is one stranger.
    let server = Server::with(strict).await;
    let at = server.address;
    look(at, "x-forwarded-for: 198.51.100.1\r\n").await.refused(ErrorCode::InviteGone);
    look(at, "x-forwarded-for: 198.51.100.2\r\n").await.refused(ErrorCode::InviteGone);
    for forged in ["198.51.100.3", "2001:db8::1", "127.0.0.1", "garbage", "", "1.2.3.4, 127.0.0.1"] {
        look(at, &format!("x-forwarded-for: {forged}\r\n")).await.refused(ErrorCode::RateLimited);
    }

    // Behind a proxy of ours, what it appended counts, and nothing to the left of it.
    let server = Server::with(|config| {
        strict(config);
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    let at = server.address;
    let attacker = [
        "x-forwarded-for: 198.51.100.1\r\n",
        "x-forwarded-for: 203.0.113.7, 198.51.100.1\r\n",
        "x-forwarded-for: 203.0.113.8, garbage, 198.51.100.1, 127.0.0.9\r\n",
        "x-forwarded-for: 203.0.113.9\r\nx-forwarded-for: 198.51.100.1\r\n",
        "x-forwarded-for: \u{e4}, 198.51.100.1\r\n",
    ];
    for (turn, forwarded) in attacker.into_iter().enumerate() {
        let code = if turn < 2 { ErrorCode::InviteGone } else { ErrorCode::RateLimited };
        look(at, forwarded).await.refused(code);
    }
    look(at, "x-forwarded-for: 203.0.113.7\r\n").await.refused(ErrorCode::InviteGone);
    // IPv6: a network is one stranger, as is whoever the proxy cannot name.
    for (turn, address) in ["2001:db8::1", "2001:db8::2:2", "[2001:db8::3]:4711"].into_iter().enumerate() {
        let code = if turn < 2 { ErrorCode::InviteGone } else { ErrorCode::RateLimited };
        look(at, &format!("x-forwarded-for: {address}\r\n")).await.refused(code);
    }
    look(at, "x-forwarded-for: 2001:db8:0:1::1\r\n").await.refused(ErrorCode::InviteGone);
    for (turn, nonsense) in ["garbage", "1.2.3.4, unknown", "\u{fc}"].into_iter().enumerate() {
        let code = if turn < 2 { ErrorCode::InviteGone } else { ErrorCode::RateLimited };
        look(at, &format!("x-forwarded-for: {nonsense}\r\n")).await.refused(code);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_too_many_frames_is_closed_and_nobody_else() {
    let server = Server::with(|config| {
        config.socket_frames_burst = 20;
        config.socket_frames_per_s = 1;
    })
    .await;
    let mut watching = Device::new().register(server.address).await;
    let pings: [fn(u32) -> Raw; 3] = [
        |n| Raw::Binary(ClientFrame::Ping { n }.encode().into()),
        |n| Raw::Binary(ClientFrame::Credit { n }.encode().into()),
        |_| Raw::Ping(Vec::new().into()),
    ];
    for message in pings {
        let mut socket = Device::new().register(server.address).await;
        for n in 0..100 {
            // The server may have closed already.
            if socket.0.feed(message(n)).await.is_err() {
                break;
            }
        }
        let _ = socket.0.flush().await;
        assert_eq!(socket.closed().await, Some(CloseCode::RateLimited));
    }
    watching.answered().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_ephemeral_envelopes_is_dropped_and_what_is_stored_comes_through() {
    let server = Server::with(|config| {
        config.address_requests_burst = 100_000;
        config.mailbox_envelopes_burst = 100_000;
        // However long the flood takes, who does not read it is not closed meanwhile.
        config.send_timeout_s = 600;
        config.ping_interval_s = 600;
    })
    .await;
    let device = Device::new();
    let mut socket = device.register(server.address).await;
    for _ in 0..300 {
        // Nobody reads meanwhile: more than its queue holds is dropped, not kept.
        assert_eq!(device.put(&server, Class::Ephemeral, &fresh_blob(64 * 1024)).await.status, 202);
    }
    let stored = fresh_blob(1024);
    assert_eq!(device.put(&server, Class::Stored, &stored).await.status, 202);
    let mut ephemeral = 0;
    loop {
        match socket.delivered().await {
            (0, Class::Ephemeral, _) => ephemeral += 1,
            (1, Class::Stored, blob) => break assert_eq!(blob, stored),
            other => panic!("{other:?}"),
        }
    }
    assert!(ephemeral < 300, "{ephemeral} of 300 were kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_say_nothing_do_not_keep_others_out_for_long() {
    let server = Server::with(|config| {
        config.connections = 4;
        config.header_timeout_s = 1;
    })
    .await;
    let mut silent = Vec::new();
    for _ in 0..12 {
        silent.push(TcpStream::connect(server.address).await.unwrap());
    }
    // It waits in the system's queue behind them, until the silent ones are closed.
    let answer = tokio::time::timeout(LONG, get(server.address, "/v1", "")).await.expect("served in time");
    answer.refused(ErrorCode::NotFound);
    assert!(metric(server.health, "connections").await <= 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_was_used_and_then_says_nothing_is_closed() {
    let server = Server::with(|config| config.header_timeout_s = 1).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let ask = format!("GET /v1 HTTP/1.1\r\nhost: localhost:{}\r\n\r\n", server.address.port());
    for _ in 0..2 {
        stream.write_all(ask.as_bytes()).await.unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 404");
        let mut rest = vec![0; 4096];
        assert!(stream.read(&mut rest).await.unwrap() > 0);
    }
    let mut rest = Vec::new();
    tokio::time::timeout(LONG, stream.read_to_end(&mut rest)).await.expect("closed in time").unwrap();
    assert!(rest.is_empty(), "{rest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_closed_connections_leave_nothing_behind() {
    let server = Server::start().await;
    let at = server.address;
    let device = Device::new();
    drop(device.register(at).await);
    let head = format!("POST {} HTTP/1.1\r\nhost: localhost:{}\r\n", path::INVITE_CARD, at.port());
    let body = format!("{head}content-type: {CONTENT_TYPE}\r\ncontent-length: 50\r\n\r\nxx");
    let mut halves = Vec::new();
    for sent in ["", "GET / HT", &head, &body] {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        halves.push(stream);
    }
    for mut stream in halves {
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(LONG, stream.read_to_end(&mut rest)).await.expect("closed in time");
        assert!(ended.is_err() || !rest.starts_with(b"HTTP/1.1 200"), "{rest:?}");
    }
    // A socket whose other side says no more, before its answer, after it, and in the middle of a frame.
    let mut early = Socket::open(at).await.unwrap();
    early.challenge().await;
    let late = device.register_again(at).await;
    let middle = Device::new().register(at).await;
    let mut streams = vec![early.0.into_inner(), late.0.into_inner(), middle.0.into_inner()];
    // A masked binary message of 100 bytes, of which ten come.
    streams[2].write_all(&[0x82, 0xe4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]).await.unwrap();
    for stream in &mut streams {
        stream.shutdown().await.unwrap();
    }
    eventually("the sockets are gone", async || metric(server.health, "sockets").await == 0).await;
    eventually("their places are free", async || metric(server.health, "connections").await == 1).await;
    let (mut socket, _) = device.connect(at).await;
    assert_eq!(socket.next().await, ServerFrame::Drained {});
    socket.answered().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_readers_are_closed_while_others_are_served() {
    let server = Server::with(|config| {
        config.send_timeout_s = 1;
        config.address_requests_burst = 100_000;
        config.mailbox_envelopes_burst = 100_000;
    })
    .await;
    let at = server.address;
    let slow = Device::new();
    drop(slow.register(at).await);
    for _ in 0..64 {
        assert_eq!(slow.put(&server, Class::Stored, &fresh_blob(64 * 1024)).await.status, 202);
    }
    let other = Device::new();
    let mut reading = other.register(at).await;
    let small = async || {
        let stream = TcpSocket::new_v4().unwrap();
        stream.set_recv_buffer_size(4096).unwrap();
        stream.connect(at).await.unwrap()
    };
    let mut never = Socket::over(small().await, at).await;
    let answer = slow.answer(&origin(at), &never.challenge().await);
    never.send(&ClientFrame::Authenticate(answer)).await;
    // The same with answers to requests, one behind the other and none of them read.
    let mut pipelined = small().await;
    let asking = tokio::spawn(async move {
        let one = format!("GET / HTTP/1.1\r\nhost: localhost:{}\r\n\r\n", at.port());
        let many = one.repeat(1_000);
        while pipelined.write_all(many.as_bytes()).await.is_ok() {}
    });
    let mut sequence = 0;
    while metric(server.health, "sockets_slow_total").await == 0 || !asking.is_finished() {
        sequence += 1;
        let blob = fresh_blob(1024);
        assert_eq!(other.put(&server, Class::Stored, &blob).await.status, 202);
        assert_eq!(reading.delivered().await, (sequence, Class::Stored, blob));
        assert_eq!(reading.next().await, ServerFrame::Drained {});
        reading.send(&ClientFrame::acknowledge(vec![Sequence(sequence)]).unwrap()).await;
        reading.send(&ClientFrame::Credit { n: 1 }).await;
        reading.answered().await;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        assert!(sequence < 600, "nobody was closed");
    }
    drop(never);
}
