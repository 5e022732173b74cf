//! How much of the store a stranger gets, and who is banned.

use std::net::SocketAddr;

use sotto_server::config::Config;
use sotto_server::store::Timestamp;
use sotto_wire::server::{
    BundleBytes, CONTENT_TYPE, Class, ClientFrame, CloseCode, CreateInvite, ErrorCode, InviteBundle,
    InviteCard, InviteId, ListedToken, Message, OneTimePreKeyEntry, OneTimePreKeys, OwnerSecret, ServerFrame,
    TokenHash, TokenHashes, path,
};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::http::HeaderMap;

use crate::device::{Device, Socket, fresh_blob};
use crate::support::{Response, Server, eventually, get, metric, request, unique};

/// Addresses for documentation, as a proxy names them.
const ABUSER: &str = "203.0.113.7";
const NEIGHBOUR_NETWORK: &str = "203.0.113.8";

/// Tests come through a proxy of ours, so that each request can have an address.
fn proxied(config: &mut Config) {
    config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    config.address_requests_burst = 100_000;
    config.address_meetings_burst = 100_000;
    config.mailbox_envelopes_burst = 100_000;
}

async fn post(at: SocketAddr, from: &str, path: &str, body: &[u8]) -> Response {
    let headers = format!("content-type: {CONTENT_TYPE}\r\nx-forwarded-for: {from}\r\n");
    request(at, "POST", path, &headers, body).await
}

async fn put(at: SocketAddr, from: &str, device: &Device, size: usize) -> Response {
    post(at, from, path::ENVELOPES, &device.envelope(Class::Stored, fresh_blob(size)).encode()).await
}

fn forwarded(from: &str) -> HeaderMap {
    HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), from.parse().unwrap())])
}

async fn register(at: SocketAddr, from: &str) -> (Device, Socket) {
    let device = Device::new();
    let stream = TcpStream::connect(at).await.unwrap();
    let socket = device.register_over(stream, at, forwarded(from)).await;
    (device, socket)
}

fn invite() -> Vec<u8> {
    let invite = CreateInvite {
        invite_id: InviteId::from_bytes(unique()),
        owner_hash: OwnerSecret::from_bytes([1; 32]).hash(),
        expires_at: Timestamp::now().plus(3600).0,
        card: InviteCard::new(vec![2; 512]).unwrap(),
        bundle: InviteBundle::new(vec![3; 4352]).unwrap(),
    };
    invite.encode()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_fills_its_allowance_and_nobody_elses() {
    let server = Server::with(|config| {
        proxied(config);
        config.address_store_mib = 1;
    })
    .await;
    let at = server.address;
    let (device, mut socket) = register(at, ABUSER).await;
    let mut stored = 0;
    let refused = loop {
        let response = put(at, ABUSER, &device, 64 * 1024).await;
        if response.status != 202 {
            break response;
        }
        stored += 1;
        assert!(stored < 17, "more than a mebibyte");
    };
    assert!(stored > 12, "{stored}");
    let failure = refused.refused(ErrorCode::RateLimited);
    let wait = failure.retry_after_s.unwrap();
    assert!((1..24 * 3600 / 10).contains(&wait), "{wait}");
    assert_eq!(refused.header("retry-after"), Some(wait.to_string().as_str()));

    // What is refused, or there already, costs nothing.
    let known = device.envelope(Class::Stored, fresh_blob(1024)).encode();
    assert_eq!(post(at, ABUSER, path::ENVELOPES, &known).await.status, 202);
    for _ in 0..100 {
        let again = post(at, ABUSER, path::ENVELOPES, &known).await;
        if again.status == 429 {
            again.refused(ErrorCode::RateLimited);
            panic!("a repetition was counted");
        }
    }
    while put(at, ABUSER, &device, 1024).await.status == 202 {}

    // Whatever else could be stored is refused too.
    let (mut limited, mut invites) = (false, 0);
    while !limited {
        limited = post(at, ABUSER, path::INVITES, &invite()).await.status == 429;
        invites += 1;
        assert!(invites < 200, "invites do not count");
    }
    let tokens = (0..200).map(|_| ListedToken(TokenHash::from_bytes(unique()))).collect();
    let hashes = TokenHashes::new(tokens).unwrap();
    socket.send(&ClientFrame::AddTokens { request: 7, hashes }).await;
    let failed = ServerFrame::Failed { request: 7, code: ErrorCode::RateLimited };
    while socket.next().await != failed {}
    let one_time = (0..100).map(|id| OneTimePreKeyEntry { id, key: [2; 33].into() }).collect();
    let one_time = OneTimePreKeys::new(one_time).unwrap();
    let bundle = BundleBytes::new(vec![8; 300]).unwrap();
    socket.send(&ClientFrame::PublishPreKeys { request: 8, bundle, one_time }).await;
    let failed = ServerFrame::Failed { request: 8, code: ErrorCode::RateLimited };
    while socket.next().await != failed {}
    let mut made = 0;
    loop {
        let stream = TcpStream::connect(at).await.unwrap();
        let mut newcomer =
            Socket::upgrade(stream, at, &crate::device::origin(at), forwarded(ABUSER)).await.unwrap();
        let device = Device::new();
        let answer = device.answer(&crate::device::origin(at), &newcomer.challenge().await);
        newcomer.send(&ClientFrame::Authenticate(answer)).await;
        match newcomer.try_next().await {
            Ok(_) => made += 1,
            Err(_) => break,
        }
        assert!(made < 200, "mailboxes do not count");
    }
    assert!(metric(server.health, "requests_over_allowance_total").await > 4);

    // Who knew the server before is let in, and others do not notice; what is not stored is not refused.
    let stream = TcpStream::connect(at).await.unwrap();
    let mut back = Socket::upgrade(stream, at, &crate::device::origin(at), forwarded(ABUSER)).await.unwrap();
    device.authenticate(&mut back, at).await.unwrap();
    let ephemeral = device.envelope(Class::Ephemeral, fresh_blob(64 * 1024)).encode();
    assert_eq!(post(at, ABUSER, path::ENVELOPES, &ephemeral).await.status, 202);
    let (other, _socket) = register(at, NEIGHBOUR_NETWORK).await;
    assert_eq!(put(at, NEIGHBOUR_NETWORK, &other, 64 * 1024).await.status, 202);
    assert_eq!(put(at, NEIGHBOUR_NETWORK, &device, 64 * 1024).await.status, 202);
    assert_eq!(post(at, NEIGHBOUR_NETWORK, path::INVITES, &invite()).await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stranger_takes_more_than_a_part_of_a_small_database() {
    let server = Server::with(|config| {
        proxied(config);
        config.database_mib = 32;
        config.mailbox_bytes = 1 << 30;
        config.address_store_percent = 10;
    })
    .await;
    let at = server.address;
    let (device, _socket) = register(at, ABUSER).await;
    eventually("its room is known", async || metric(server.health, "database_room_bytes").await > 0).await;
    let mut taken = Vec::new();
    for stranger in 1..=4 {
        let from = format!("198.51.100.{stranger}");
        let mut stored = 0;
        while put(at, &from, &device, 64 * 1024).await.status == 202 {
            stored += 1;
            assert!(stored < 512);
        }
        taken.push(stored);
    }
    // A tenth of 32 MiB are fifty; and so on with what is left.
    assert!(taken[0] <= 51 && taken[3] < taken[0] && taken[3] > 20, "{taken:?}");
    // The networks of one site share.
    let mut stored = 0;
    for network in 0..64 {
        let from = format!("2001:db8:7:{network:x}::1");
        while put(at, &from, &device, 64 * 1024).await.status == 202 {
            stored += 1;
        }
    }
    assert!(stored < 4 * 40, "{stored} of one site");
}

async fn banned(at: SocketAddr, from: &str) -> bool {
    let response = get(at, path::SOCKET, &format!("x-forwarded-for: {from}\r\n")).await;
    if response.status != 429 {
        response.refused(ErrorCode::Malformed);
        return false;
    }
    let wait = response.refused(ErrorCode::RateLimited).retry_after_s.unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    true
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sends_nonsense_is_banned_and_its_neighbours_still_talk() {
    let server = Server::with(|config| {
        proxied(config);
        config.ban_after = 5;
    })
    .await;
    let at = server.address;
    let (neighbour, mut socket) = register(at, ABUSER).await;
    for _ in 0..5 {
        assert!(!banned(at, ABUSER).await);
        post(at, ABUSER, path::INVITE_CARD, b"nonsense").await.refused(ErrorCode::Malformed);
    }
    assert!(banned(at, ABUSER).await);
    post(at, ABUSER, path::INVITES, &invite()).await.refused(ErrorCode::RateLimited);
    assert!(metric(server.health, "requests_banned_total").await >= 2);
    assert_eq!(metric(server.health, "bans_total").await, 1);
    assert_eq!(metric(server.health, "addresses_banned").await, 1);

    // Behind the same address: what is connected stays so, and a token is worth what it was.
    assert_eq!(put(at, ABUSER, &neighbour, 1024).await.status, 202);
    assert!(matches!(socket.next().await, ServerFrame::Deliver { .. }));
    // And the page, which says what is wrong.
    assert_ne!(get(at, "/", &format!("x-forwarded-for: {ABUSER}\r\n")).await.status, 429);
    assert!(!banned(at, NEIGHBOUR_NETWORK).await);
    assert_eq!(post(at, NEIGHBOUR_NETWORK, path::INVITES, &invite()).await.status, 201);
    // The proxy itself is everybody.
    for _ in 0..20 {
        crate::support::post(at, path::INVITE_CARD, b"nonsense").await.refused(ErrorCode::Malformed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_that_break_the_rules_are_banned() {
    let server = Server::with(|config| {
        proxied(config);
        config.ban_after = 3;
        config.socket_frames_burst = 20;
        config.socket_frames_per_s = 1;
    })
    .await;
    let at = server.address;
    let here = crate::device::origin(at);
    let open = async |from: &str| {
        let stream = TcpStream::connect(at).await.unwrap();
        Socket::upgrade(stream, at, &here, forwarded(from)).await
    };
    for _ in 0..3 {
        let mut socket = open("192.0.2.1").await.unwrap();
        socket.challenge().await;
        socket.send(&ClientFrame::Ping { n: 1 }).await;
        assert_eq!(socket.closed().await, Some(CloseCode::Malformed));
    }
    for _ in 0..3 {
        let mut socket = open("192.0.2.2").await.unwrap();
        let mut answer = Device::new().answer(&here, &socket.challenge().await);
        answer.signature[40] ^= 1;
        socket.send(&ClientFrame::Authenticate(answer)).await;
        assert_eq!(socket.closed().await, Some(CloseCode::Unauthenticated));
    }
    for _ in 0..3 {
        let (_, mut socket) = register(at, "192.0.2.3").await;
        for n in 0..100 {
            if socket.try_send(&ClientFrame::Ping { n }).await.is_err() {
                break;
            }
        }
        assert_eq!(socket.closed().await, Some(CloseCode::RateLimited));
    }
    for abuser in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        eventually("banned", async || banned(at, abuser).await).await;
        assert!(open(abuser).await.is_err(), "{abuser}");
    }
    assert!(open("192.0.2.4").await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_are_banned_unless_another_site_made_them() {
    let server = Server::with(|config| {
        proxied(config);
        config.ban_after = 2;
        config.address_requests_burst = 1;
        config.address_requests_per_s = 1;
    })
    .await;
    let at = server.address;
    let flood = async |from: &str, more: &str| {
        let headers = format!("x-forwarded-for: {from}\r\n{more}");
        for _ in 0..200 {
            get(at, path::SOCKET, &headers).await;
        }
    };
    flood("192.0.2.1", "sec-fetch-site: cross-site\r\n").await;
    flood("192.0.2.2", "origin: https://evil.example\r\n").await;
    assert_eq!(metric(server.health, "bans_total").await, 0);
    flood("192.0.2.3", "").await;
    assert!(metric(server.health, "bans_total").await >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_has_so_many_sockets_and_no_more() {
    let server = Server::with(|config| {
        proxied(config);
        config.address_connections = 3;
    })
    .await;
    let at = server.address;
    let here = crate::device::origin(at);
    let open = async |from: &str| {
        let stream = TcpStream::connect(at).await.unwrap();
        Socket::upgrade(stream, at, &here, forwarded(from)).await
    };
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(register(at, ABUSER).await.1);
    }
    assert!(open(ABUSER).await.is_err());
    assert!(open(NEIGHBOUR_NETWORK).await.is_ok());
    // Requests are answered as ever, and a socket that ends makes room for another.
    assert_eq!(post(at, ABUSER, path::INVITES, &invite()).await.status, 201);
    drop(held.pop());
    eventually("there is room again", async || open(ABUSER).await.is_ok()).await;
}
