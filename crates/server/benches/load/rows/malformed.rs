//! Frames, bodies and raw bytes made wrong, while somebody else is served.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sotto_wire::server::{Class, ClientFrame, Message, ServerFrame, path};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};
use tokio_tungstenite::tungstenite::Message as Raw;

use super::figure::{Figure, Goal};
use super::mutate::mutate;
use super::place::Place;
use super::post::Poster;
use super::samples;
use super::server::{NO_LIMITS, Server};
use super::stamp::{age, stamped};
use crate::client::device::{Device, LONG, Socket, origin};

/// Of one run; five with other seeds make a million.
const BODIES: usize = 130_000;
const FRAMES: usize = 60_000;
const RAW: usize = 10_000;

/// Connections that send them at once, of each kind.
const AT_ONCE: usize = 8;

/// How often the other person gets an envelope.
const OTHER_EVERY: Duration = Duration::from_millis(20);

/// What came of it.
#[derive(Default)]
struct Seen {
    bodies: Cell<usize>,
    frames: Cell<usize>,
    raw: Cell<usize>,
    /// Bodies and frames that were refused; the others were still valid.
    refused: Cell<usize>,
    /// Answers that mean a fault of the server.
    faults: Cell<usize>,
    /// How long the other person's envelopes took.
    other: RefCell<Vec<Duration>>,
    /// Those who send are done.
    over: Cell<bool>,
}

fn add(cell: &Cell<usize>) {
    cell.set(cell.get() + 1);
}

pub async fn run(place: &Place, share: u32, run: u32) -> Vec<Figure> {
    let data = place.data();
    let server = Server::start(place, data.path(), &NO_LIMITS).await;
    LocalSet::new().run_until(send_all(server, share, run)).await
}

async fn send_all(mut server: Server, share: u32, run: u32) -> Vec<Figure> {
    let seen = Rc::new(Seen::default());
    let victim = Device::new();
    let socket = victim.register(server.address).await;
    let other = tokio::task::spawn_local(be_served(victim, socket, server.address, Rc::clone(&seen)));
    let mut tasks = JoinSet::new();
    for worker in 0..AT_ONCE {
        let seed = |kind: u64| ChaCha20Rng::seed_from_u64(u64::from(run) << 32 | kind << 16 | worker as u64);
        let each = |all: usize| super::part(all, share).div_ceil(AT_ONCE);
        tasks.spawn_local(bodies(server.address, each(BODIES), seed(0), Rc::clone(&seen)));
        tasks.spawn_local(frames(server.address, each(FRAMES), seed(1), Rc::clone(&seen)));
        tasks.spawn_local(raw(server.address, each(RAW), seed(2), Rc::clone(&seen)));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
    seen.over.set(true);
    let sent = other.await.unwrap();
    let alive = server.alive();
    let mut served = seen.other.take();
    let mut figures = vec![
        Figure::count("mutated bodies", seen.bodies.get(), Goal::Some),
        Figure::count("mutated frames", seen.frames.get(), Goal::Some),
        Figure::count("mutated heads and raw bytes", seen.raw.get(), Goal::Some),
        Figure::count("of bodies and frames, refused", seen.refused.get(), Goal::Some),
        Figure::count("panics in the log", server.logged().matches("panicked").count(), Goal::Zero),
        Figure::count("answers 500", seen.faults.get(), Goal::Zero),
        Figure::count("server gone", usize::from(!alive), Goal::Zero),
        Figure::count("another person's envelopes", served.len(), Goal::Some),
        Figure::count("of these not delivered", sent.abs_diff(served.len()), Goal::Zero),
    ];
    figures.extend(Figure::latencies("these, put until pushed", &mut served, Goal::None));
    figures
}

/// Somebody else, all the while: returns how many envelopes were accepted.
async fn be_served(victim: Device, mut socket: Socket, address: SocketAddr, seen: Rc<Seen>) -> usize {
    let mut poster = Poster::connect(address).await.unwrap();
    let (start, mut sent) = (Instant::now(), 0);
    let mut every = tokio::time::interval(OTHER_EVERY);
    while !seen.over.get() {
        every.tick().await;
        let status = poster.put(&victim.envelope(Class::Stored, stamped(start))).await.unwrap();
        assert_eq!(status.as_u16(), 202);
        sent += 1;
        loop {
            match tokio::time::timeout(LONG, socket.try_next()).await.expect("served").unwrap() {
                ServerFrame::Deliver { sequence, blob, .. } => {
                    seen.other.borrow_mut().push(age(&blob, start));
                    let frames =
                        [ClientFrame::acknowledge(vec![sequence]).unwrap(), ClientFrame::Credit { n: 1 }];
                    socket.send_all(&frames).await.unwrap();
                    break;
                }
                ServerFrame::Drained {} => {}
                other => panic!("{other:?}"),
            }
        }
    }
    sent
}

async fn bodies(address: SocketAddr, count: usize, mut rng: ChaCha20Rng, seen: Rc<Seen>) {
    let device = Device::new();
    drop(device.register(address).await);
    let samples = samples::bodies(&device);
    let mut poster = Poster::connect(address).await.unwrap();
    for _ in 0..count {
        let (path, valid) = &samples[rng.next_u32() as usize % samples.len()];
        let mut body = valid.clone();
        mutate(&mut body, &samples[rng.next_u32() as usize % samples.len()].1, &mut rng);
        match poster.post(path, body).await {
            Ok(status) => {
                add(&seen.bodies);
                seen.refused.set(seen.refused.get() + usize::from(!status.is_success()));
                seen.faults.set(seen.faults.get() + usize::from(status.as_u16() == 500));
            }
            // After a body it did not want to read, the server closes.
            Err(_) => poster = Poster::connect(address).await.unwrap(),
        }
    }
}

async fn frames(address: SocketAddr, count: usize, mut rng: ChaCha20Rng, seen: Rc<Seen>) {
    let device = Device::new();
    let samples = samples::frames(&device);
    let mut left = count;
    while left > 0 {
        let mut socket = Socket::open(address).await.unwrap();
        let challenge = socket.challenge().await;
        let answer = ClientFrame::Authenticate(device.answer(&origin(address), &challenge));
        // Every fourth never gets past the challenge.
        let stranger = rng.next_u32().is_multiple_of(4);
        if !stranger {
            socket.send(&answer).await;
        }
        let answer = [answer.encode()];
        let samples = if stranger { &answer[..] } else { &samples[..] };
        let mut refused = false;
        while left > 0 && !refused {
            let mut frame = samples[rng.next_u32() as usize % samples.len()].clone();
            mutate(&mut frame, &samples[rng.next_u32() as usize % samples.len()], &mut rng);
            refused = ClientFrame::decode(&frame).is_err();
            if socket.send_raw(Raw::Binary(frame.into())).await.is_err() {
                break;
            }
            left -= 1;
            add(&seen.frames);
            if stranger {
                break;
            }
            // What it answers must not pile up.
            while let Some(Ok(_)) = socket.try_next().now_or_never() {}
        }
        if refused {
            add(&seen.refused);
            let closed = async { while socket.try_next().await.is_ok() {} };
            tokio::time::timeout(LONG, closed).await.expect("closed for a malformed frame");
        }
    }
}

/// Heads of requests and of WebSocket frames, with the end of the connection right behind them.
async fn raw(address: SocketAddr, count: usize, mut rng: ChaCha20Rng, seen: Rc<Seen>) {
    let host = format!("host: localhost:{}\r\n", address.port());
    let post = format!(
        "POST {} HTTP/1.1\r\n{host}content-type: application/cbor\r\ncontent-length: 3\r\n\r\nabc",
        path::ENVELOPES
    );
    let get = format!("GET / HTTP/1.1\r\n{host}accept-encoding: br\r\n\r\n");
    let upgrade = format!(
        "GET {} HTTP/1.1\r\n{host}origin: http://localhost:{}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        path::SOCKET,
        address.port()
    );
    let masked = [upgrade.as_bytes(), &[0x82, 0x83, 1, 2, 3, 4, 5, 6, 7]].concat();
    let samples = [post.into_bytes(), get.into_bytes(), upgrade.into_bytes(), masked];
    for _ in 0..count {
        let mut bytes = samples[rng.next_u32() as usize % samples.len()].clone();
        mutate(&mut bytes, &samples[rng.next_u32() as usize % samples.len()], &mut rng);
        let mut stream = TcpStream::connect(address).await.unwrap();
        // The server may close before it has read all: that is an answer too.
        let sent = stream.write_all(&bytes).await.is_ok() && stream.shutdown().await.is_ok();
        if sent {
            let mut answer = Vec::new();
            drop(tokio::time::timeout(LONG, stream.read_to_end(&mut answer)).await.expect("closed"));
            seen.faults.set(seen.faults.get() + usize::from(answer.starts_with(b"HTTP/1.1 500")));
        }
        add(&seen.raw);
    }
}
