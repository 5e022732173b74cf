//! Signalling: pairs who hand each other ephemeral envelopes, each put over HTTP and pushed over the socket.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sotto_wire::server::{Class, ServerFrame};
use tokio::task::{JoinSet, LocalSet};

use super::figure::{Figure, Goal};
use super::place::Place;
use super::post::Poster;
use super::server::{NO_LIMITS, Server};
use super::stamp::{age, stamped};
use crate::client::device::{Device, LONG, Socket};

const PAIRS: usize = 1_000;

/// Each of a pair sends this often, in milliseconds: some twenty envelopes make a connection, in ten seconds.
const EVERY_MS: u64 = 500;

const ENVELOPES: usize = 20;

pub async fn run(place: &Place, share: u32, run: u32) -> Vec<Figure> {
    let data = place.data();
    let server = Server::start(place, data.path(), &NO_LIMITS).await;
    LocalSet::new().run_until(exchange(server, super::part(PAIRS, share), run)).await
}

async fn exchange(server: Server, pairs: usize, run: u32) -> Vec<Figure> {
    let mut rng = ChaCha20Rng::seed_from_u64(run.into());
    let mut people = Vec::new();
    for _ in 0..2 * pairs {
        let device = Device::new();
        let socket = device.register(server.address).await;
        people.push((device, socket));
    }
    let latencies = Rc::new(RefCell::new(Vec::new()));
    let (start, busy) = (Instant::now(), server.processor_time());
    let (mut senders, mut receivers) = (JoinSet::new(), JoinSet::new());
    // Whose socket stands before whose mailbox is all the same: everyone sends to one and hears from one.
    for (device, socket) in people {
        let phase = Duration::from_millis(rng.next_u64() % EVERY_MS);
        senders.spawn_local(send(device, server.address, start, phase));
        receivers.spawn_local(receive(socket, start, Rc::clone(&latencies)));
    }
    while let Some(ended) = senders.join_next().await {
        ended.unwrap();
    }
    while let Some(ended) = receivers.join_next().await {
        ended.unwrap();
    }
    let took = start.elapsed().as_secs_f64();
    let busy = (server.processor_time() - busy).as_secs_f64() / took * 100.0;
    let mut latencies = Rc::into_inner(latencies).unwrap().into_inner();
    let sent = 2 * pairs * ENVELOPES;
    let mut figures = vec![
        Figure::count("pairs", pairs, Goal::Some),
        Figure::new("relayed", latencies.len() as f64 / took, "/s", Goal::Some),
        Figure::count("not relayed", sent.abs_diff(latencies.len()), Goal::Zero),
    ];
    figures.extend(Figure::latencies("put until pushed", &mut latencies, Goal::AtMost(10.0)));
    figures.push(Figure::new("server's core busy", busy, "%", Goal::None));
    figures
}

async fn send(device: Device, address: SocketAddr, start: Instant, phase: Duration) {
    tokio::time::sleep(phase).await;
    let mut poster = Poster::connect(address).await.unwrap();
    let mut every = tokio::time::interval(Duration::from_millis(EVERY_MS));
    for _ in 0..ENVELOPES {
        every.tick().await;
        let status = poster.put(&device.envelope(Class::Ephemeral, stamped(start))).await.unwrap();
        assert_eq!(status, StatusCode::ACCEPTED);
    }
}

async fn receive(mut socket: Socket, start: Instant, latencies: Rc<RefCell<Vec<Duration>>>) {
    for _ in 0..ENVELOPES {
        match tokio::time::timeout(LONG, socket.try_next()).await {
            Ok(Ok(ServerFrame::Deliver { blob, .. })) => latencies.borrow_mut().push(age(&blob, start)),
            // Dropped on the way: told by the count.
            Err(_) => return,
            Ok(other) => panic!("{other:?}"),
        }
    }
}
