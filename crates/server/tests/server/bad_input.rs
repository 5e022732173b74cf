//! Every body and every frame, bent: each is refused by its rule, and nobody else notices.

use futures_util::SinkExt;
use sotto_server::config::Config;
use sotto_server::store::Timestamp;
use sotto_wire::server::{
    BundleBytes, CONTENT_TYPE, Class, ClientFrame, CloseCode, CreateInvite, DeliveryToken, ErrorCode,
    FetchPreKeys, FetchTurn, InviteBundle, InviteCard, InviteId, ListedToken, LookAtInvite, Message, Nonce,
    OneTimePreKeyEntry, OneTimePreKeys, OwnerSecret, PutEnvelope, RedeemId, RedeemInvite, RevokeInvite,
    Sequence, ServerFrame, TokenHash, TokenHashes, limits, path,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message as Raw;

use crate::device::{Device, LONG, Socket, fresh_blob};
use crate::support::{Server, eventually, get, metric, post, raw, request};

fn generous(config: &mut Config) {
    config.address_requests_burst = 100_000;
    config.address_meetings_burst = 100_000;
    config.mailbox_envelopes_burst = 100_000;
}

/// Each path, a body that it understands, and the most it may have.
fn bodies(device: &Device) -> Vec<(&'static str, Vec<u8>, usize)> {
    let invite_id = InviteId::from_bytes([7; 16]);
    let create = CreateInvite {
        invite_id,
        owner_hash: OwnerSecret::from_bytes([1; 32]).hash(),
        expires_at: Timestamp::now().plus(3600).0,
        card: InviteCard::new(vec![2; 60]).unwrap(),
        bundle: InviteBundle::new(vec![3; 100]).unwrap(),
    };
    let put = device.envelope(Class::Stored, fresh_blob(1024));
    let token = DeliveryToken::from_bytes(&device.token);
    let redeem = RedeemInvite { invite_id, redeem_id: RedeemId([1; 16]) };
    let revoke = RevokeInvite { invite_id, owner_secret: OwnerSecret::from_bytes([1; 32]) };
    let fetch = FetchPreKeys { mailbox: device.mailbox, token };
    vec![
        (path::ENVELOPES, put.encode(), PutEnvelope::MAX),
        (path::INVITES, create.encode(), CreateInvite::MAX),
        (path::INVITE_CARD, LookAtInvite { invite_id }.encode(), LookAtInvite::MAX),
        (path::INVITE_REDEEM, redeem.encode(), RedeemInvite::MAX),
        (path::INVITE_REVOKE, revoke.encode(), RevokeInvite::MAX),
        (path::PREKEYS, fetch.encode(), FetchPreKeys::MAX),
        (path::TURN, FetchTurn {}.encode(), FetchTurn::MAX),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_body_bent_is_refused() {
    let server = Server::with(generous).await;
    let at = server.address;
    let device = Device::new();
    let mut socket = device.register(at).await;
    for (path, body, max) in bodies(&device) {
        for cut in (0..body.len()).step_by(1 + body.len() / 24) {
            post(at, path, &body[..cut]).await.refused(ErrorCode::Malformed);
        }
        post(at, path, &[body.as_slice(), &[0]].concat()).await.refused(ErrorCode::Malformed);
        post(at, path, &vec![0; max]).await.refused(ErrorCode::Malformed);
        post(at, path, &vec![0; max + 1]).await.refused(ErrorCode::TooLarge);
        // A map whose head is longer than it has to be: the same value, in another encoding.
        let long = [&[0xb8, body[0] & 0x1f], &body[1..]].concat();
        post(at, path, &long).await.refused(ErrorCode::Malformed);
        get(at, path, "").await.refused(ErrorCode::MethodNotAllowed);
        for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
            let method = request(at, method, path, &format!("content-type: {CONTENT_TYPE}\r\n"), &body).await;
            method.refused(ErrorCode::MethodNotAllowed);
        }
        for kind in ["text/plain", "application/cbor; charset=utf-8", "application/x-www-form-urlencoded"] {
            let other = request(at, "POST", path, &format!("content-type: {kind}\r\n"), &body).await;
            other.refused(ErrorCode::UnsupportedMediaType);
        }
        request(at, "POST", path, "", &body).await.refused(ErrorCode::UnsupportedMediaType);
        let cbor = format!("content-type: {CONTENT_TYPE}\r\n");
        for foreign in ["origin: https://evil.example\r\n", "origin: null\r\n", "host: evil.example\r\n"] {
            let foreign = request(at, "POST", path, &format!("{cbor}{foreign}"), &body).await;
            foreign.refused(ErrorCode::WrongOrigin);
        }
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: localhost:{}\r\nconnection: close\r\n{cbor}", at.port());
        // Chunks that announce nothing, and grow too large.
        let mut chunked = format!("{head}transfer-encoding: chunked\r\n\r\n").into_bytes();
        for _ in 0..=max / 4096 + 1 {
            chunked.extend_from_slice(b"1000\r\n");
            chunked.extend_from_slice(&[0; 4096]);
            chunked.extend_from_slice(b"\r\n");
        }
        raw(at, &chunked).await.refused(ErrorCode::TooLarge);
        let nonsense = [format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes(), b"zz\r\n"].concat();
        assert_eq!(raw(at, &nonsense).await.status, 400);
        // Two lengths, or a length and chunks, are how requests are smuggled past proxies.
        let twice = format!("{head}content-length: 1\r\ncontent-length: 2\r\n\r\nxx");
        assert_eq!(raw(at, twice.as_bytes()).await.status, 400, "{path}");
    }
    let left: Vec<_> = bodies(&device).into_iter().map(|(path, body, _)| (path, body)).collect();
    for (path, body) in left {
        let response = post(at, path, &body).await;
        assert!(response.status < 500 && response.status != 400, "{path}: {response:?}");
    }
    while !matches!(socket.next().await, ServerFrame::Deliver { .. }) {}
    assert_eq!(metric(server.health, "requests_failed_total").await, 0);
}

/// Each frame a client may send, but the first.
fn frames() -> Vec<ClientFrame> {
    let hashes = || TokenHashes::new(vec![ListedToken(TokenHash::from_bytes([6; 32]))]).unwrap();
    let one_time = OneTimePreKeys::new(vec![OneTimePreKeyEntry { id: 9, key: [2; 33].into() }]).unwrap();
    vec![
        ClientFrame::Credit { n: 64 },
        ClientFrame::acknowledge(vec![Sequence(1), Sequence(u64::MAX)]).unwrap(),
        ClientFrame::AddTokens { request: 1, hashes: hashes() },
        ClientFrame::RevokeTokens { request: 2, hashes: hashes() },
        ClientFrame::PublishPreKeys { request: 3, bundle: BundleBytes::new(vec![8; 300]).unwrap(), one_time },
        ClientFrame::Ping { n: 5 },
    ]
}

async fn closed_for(mut socket: Socket, frame: Vec<u8>) -> Option<CloseCode> {
    socket.0.send(Raw::Binary(frame.into())).await.unwrap();
    socket.closed().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_frame_in_the_wrong_state_closes_its_connection() {
    let server = Server::with(generous).await;
    let at = server.address;
    let mut watching = Device::new().register(at).await;
    for frame in frames() {
        let mut early = Socket::open(at).await.unwrap();
        early.challenge().await;
        assert_eq!(closed_for(early, frame.encode()).await, Some(CloseCode::Malformed), "{frame:?}");
    }
    // What only a server says.
    let blob = fresh_blob(1024);
    for frame in [
        ServerFrame::Challenge { version: 1, nonce: Nonce([1; 32]) },
        ServerFrame::Deliver { sequence: Sequence(1), envelope_id: blob.id(), class: Class::Stored, blob },
        ServerFrame::Failed { request: 1, code: ErrorCode::Quota },
    ] {
        let socket = Device::new().register(at).await;
        assert_eq!(closed_for(socket, frame.encode()).await, Some(CloseCode::Malformed), "{frame:?}");
    }
    let device = Device::new();
    let socket = device.register(at).await;
    let again = ClientFrame::Authenticate(device.answer("http://localhost", &Nonce([0; 32])));
    assert_eq!(closed_for(socket, again.encode()).await, Some(CloseCode::Malformed));
    watching.answered().await;
    eventually("only the one that watches is left", async || metric(server.health, "sockets").await == 1)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_frame_bent_closes_its_connection() {
    let server = Server::with(generous).await;
    let at = server.address;
    let mut watching = Device::new().register(at).await;
    let mut bent: Vec<Vec<u8>> = Vec::new();
    for frame in frames() {
        let bytes = frame.encode();
        for cut in (0..bytes.len()).step_by(1 + bytes.len() / 8) {
            bent.push(bytes[..cut].to_vec());
        }
        bent.push([bytes.as_slice(), &[0]].concat());
        // The list of type and fields, with a longer head than it needs.
        bent.push([&[0x98, 0x02], &bytes[1..]].concat());
    }
    // One more than each list may have, and lists that only announce that many.
    let sequences = |count: u16| [&[0x82, 0x02, 0xa1, 0x00, 0x99][..], &count.to_be_bytes()].concat();
    let too_many = u16::try_from(limits::ACKNOWLEDGE_MAX + 1).unwrap();
    bent.push([sequences(too_many), vec![1; limits::ACKNOWLEDGE_MAX + 1]].concat());
    bent.push(sequences(u16::MAX));
    bent.push(vec![0x82, 0x03, 0xa2, 0x00, 0x01, 0x01, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    let count = u64::try_from(bent.len()).unwrap();
    for bytes in bent {
        let socket = Device::new().register(at).await;
        let closed = closed_for(socket, bytes.clone()).await;
        assert_eq!(closed, Some(CloseCode::Malformed), "{bytes:02x?}");
    }
    assert_eq!(metric(server.health, "sockets_malformed_total").await, count);
    watching.answered().await;
}

/// What the other side says until it closes.
async fn rest_of(mut stream: TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(LONG, stream.read_to_end(&mut rest)).await;
    // Reset or closed in order, as the network has it.
    let _ = ended.expect("closed in time");
    rest
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_websocket_frame_closes_its_connection() {
    let server = Server::with(generous).await;
    let at = server.address;
    let mut watching = Device::new().register(at).await;
    let masked = |first: u8, length: &[u8], payload: &[u8]| {
        let mut length = length.to_vec();
        length[0] |= 0x80;
        [&[first], length.as_slice(), &[0; 4], payload].concat()
    };
    let bent: Vec<(&str, Vec<u8>)> = vec![
        ("not masked", vec![0x82, 0x01, 0x00]),
        ("an opcode that is reserved", masked(0x83, &[0], &[])),
        ("a control opcode that is reserved", masked(0x8b, &[0], &[])),
        ("a bit that is reserved", masked(0xc2, &[1], &[0])),
        ("a ping in parts", masked(0x09, &[0], &[])),
        ("a ping of 126 bytes", masked(0x89, &[126, 0, 126], &[0; 126])),
        ("a part of nothing", masked(0x80, &[0], &[])),
        ("a beginning in the middle", [masked(0x02, &[0], &[]), masked(0x02, &[0], &[])].concat()),
        ("text that is none", masked(0x81, &[1], &[0xff])),
        ("128 KiB and a byte", masked(0x82, &[127, 0, 0, 0, 0, 0, 2, 0, 1], &[])),
        ("nearly everything", masked(0x82, &[127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &[])),
        ("a length below zero", masked(0x82, &[127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &[])),
    ];
    let close = [&[0x88, 2][..], &CloseCode::Malformed.code().to_be_bytes()].concat();
    for (what, bytes) in bent {
        for authenticated in [false, true] {
            let mut socket = Socket::open(at).await.unwrap();
            socket.challenge().await;
            let socket = if authenticated { Device::new().register(at).await } else { socket };
            let mut stream = socket.0.into_inner();
            stream.write_all(&bytes).await.unwrap();
            let rest = rest_of(stream).await;
            assert!(rest.ends_with(&close), "{what}, authenticated {authenticated}: {rest:02x?}");
        }
    }
    // In parts that are each small enough, and too much together.
    let mut stream = Device::new().register(at).await.0.into_inner();
    let part = |first| masked(first, &[126, 0xff, 0xff], &[0; 0xffff]);
    for first in [0x02, 0x00, 0x00] {
        // It may be closed before the last is sent.
        let _ = stream.write_all(&part(first)).await;
    }
    drop(rest_of(stream).await);
    watching.answered().await;
    eventually("only the one that watches is left", async || metric(server.health, "sockets").await == 1)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_are_bounded() {
    let server = Server::with(generous).await;
    let at = server.address;
    let head = |header: &str| format!("GET / HTTP/1.1\r\nhost: localhost:{}\r\n{header}\r\n\r\n", at.port());
    let long = "x".repeat(17 * 1024);
    assert_eq!(raw(at, head(&format!("x: {long}")).as_bytes()).await.status, 431);
    let many: String = (0..200).map(|number| format!("x-{number}: y\r\n")).collect();
    assert_eq!(raw(at, head(many.trim_end()).as_bytes()).await.status, 431);
    let target = format!("GET /{long} HTTP/1.1\r\nhost: localhost:{}\r\n\r\n", at.port());
    let answer = raw(at, target.as_bytes()).await.status;
    assert!([414, 431].contains(&answer), "{answer}");
    for nonsense in
        [&b"GET / HTTP/1.1\nx\0: y\r\n\r\n"[..], b"\x16\x03\x01\x00\xa5\x01\x00", b"GET / HTTP/9.9\r\n\r\n"]
    {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(nonsense).await.unwrap();
        stream.shutdown().await.unwrap();
        let rest = rest_of(stream).await;
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&rest));
    }
    eventually("nothing is left", async || metric(server.health, "connections").await == 1).await;
}
