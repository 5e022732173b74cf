//! Stored envelopes: put over HTTP, pushed over the socket, acknowledged, all of it durable.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use sotto_wire::server::{Blob, Class, ClientFrame, Sequence, ServerFrame};
use tokio::task::{LocalSet, spawn_local};

use super::disk;
use super::figure::{Figure, Goal};
use super::place::Place;
use super::post::Poster;
use super::server::{NO_LIMITS, Server, own_processor_time};
use super::stamp::{age, stamped};
use crate::client::device::{Device, LONG, Socket};

/// People who receive, each on a socket, with as many who send, each on a connection of its own.
const PAIRS: usize = 96;

/// How long they send, in milliseconds.
const TIME_MS: usize = 5_000;

/// Most frames taken, and so envelopes acknowledged, at once.
const BURST: usize = 32;

/// What was seen from outside.
#[derive(Default)]
struct Seen {
    accepted: Vec<Duration>,
    delivered: Vec<Duration>,
    acknowledged: Vec<Duration>,
    refused: usize,
    out_of_order: usize,
}

pub async fn run(place: &Place, share: u32, _run: u32) -> Vec<Figure> {
    let pairs = super::part(PAIRS, share.min(100));
    let time = Duration::from_millis(super::part(TIME_MS, share) as u64);
    let data = place.data();
    let syncs = disk::syncs_per_second(data.path(), time / 5);
    let server = Server::start(place, data.path(), &NO_LIMITS).await;
    let (busy_server, busy_load) = (server.processor_time(), own_processor_time());
    let (seen, took) = LocalSet::new().run_until(exchange(&server, pairs, time)).await;
    let busy = |after: Duration, before| (after - before).as_secs_f64() / took.as_secs_f64() * 100.0;
    let (busy_server, busy_load) =
        (busy(server.processor_time(), busy_server), busy(own_processor_time(), busy_load));
    let Seen { mut accepted, mut delivered, mut acknowledged, refused, out_of_order } = seen;
    let lost = accepted.len().abs_diff(acknowledged.len());
    let rate = acknowledged.len() as f64 / took.as_secs_f64();
    let mut figures = vec![
        Figure::new("put, pushed, acknowledged", rate, "/s", Goal::AtLeast(10_000.0)),
        Figure::new("fdatasync of the same disk", syncs, "/s", Goal::None),
        Figure::count("accepted", accepted.len(), Goal::Some),
        Figure::count("accepted and not acknowledged", lost, Goal::Zero),
        Figure::count("refused", refused, Goal::Zero),
        Figure::count("out of order or twice", out_of_order, Goal::Zero),
    ];
    figures.extend(Figure::latencies("put until accepted", &mut accepted, Goal::AtMost(20.0)));
    figures.extend(Figure::latencies("put until pushed", &mut delivered, Goal::AtMost(20.0)));
    figures.extend(Figure::latencies("put until acknowledgement committed", &mut acknowledged, Goal::None));
    figures.push(Figure::new("server's core busy", busy_server, "%", Goal::None));
    figures.push(Figure::new("load's core busy", busy_load, "%", Goal::None));
    figures
}

/// Everyone connects, then sends for a while; the time is until the last is acknowledged.
async fn exchange(server: &Server, pairs: usize, time: Duration) -> (Seen, Duration) {
    let seen = Rc::new(RefCell::new(Seen::default()));
    let mut people = Vec::new();
    for _ in 0..pairs {
        let device = Device::new();
        let socket = device.register(server.address).await;
        people.push((device, socket, Poster::connect(server.address).await.unwrap()));
    }
    let start = Instant::now();
    let mut tasks = Vec::new();
    for (device, socket, poster) in people {
        let sent = spawn_local(send(device, poster, start, time, Rc::clone(&seen)));
        tasks.push(spawn_local(receive(socket, start, sent, Rc::clone(&seen))));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let took = start.elapsed();
    (Rc::into_inner(seen).unwrap().into_inner(), took)
}

/// One after the other; returns how many were accepted.
async fn send(
    device: Device,
    mut poster: Poster,
    start: Instant,
    time: Duration,
    seen: Rc<RefCell<Seen>>,
) -> usize {
    let mut accepted = 0;
    while start.elapsed() < time {
        let blob = stamped(start);
        let status = poster.put(&device.envelope(Class::Stored, blob.clone())).await.unwrap();
        let mut seen = seen.borrow_mut();
        if status == StatusCode::ACCEPTED {
            seen.accepted.push(age(&blob, start));
            accepted += 1;
        } else {
            seen.refused += 1;
        }
    }
    accepted
}

/// Acknowledges what comes, until all that was accepted has come and the server said that it forgot it.
async fn receive(
    mut socket: Socket,
    start: Instant,
    sent: tokio::task::JoinHandle<usize>,
    seen: Rc<RefCell<Seen>>,
) {
    let mut sent = std::pin::pin!(sent);
    let mut expected = None;
    let (mut acknowledged, mut last, mut asked) = (0, Sequence(0), 0);
    let mut waiting = VecDeque::new();
    while expected.is_none_or(|expected| acknowledged < expected) {
        let frames = tokio::select! {
            frames = tokio::time::timeout(LONG, socket.burst(BURST)) => frames.expect("frames in time").unwrap(),
            accepted = sent.as_mut(), if expected.is_none() => {
                expected = Some(accepted.unwrap());
                continue;
            }
        };
        let (mut sequences, mut blobs) = (Vec::new(), Vec::new());
        for frame in frames {
            let mut seen = seen.borrow_mut();
            match frame {
                ServerFrame::Deliver { sequence, blob, .. } => {
                    seen.delivered.push(age(&blob, start));
                    seen.out_of_order += usize::from(sequence <= last);
                    last = sequence;
                    sequences.push(sequence);
                    blobs.push(blob);
                }
                ServerFrame::Pong { .. } => {
                    let blobs: Vec<Blob> = waiting.pop_front().unwrap();
                    acknowledged += blobs.len();
                    seen.acknowledged.extend(blobs.iter().map(|blob| age(blob, start)));
                }
                ServerFrame::Drained {} => {}
                other => panic!("{other:?}"),
            }
        }
        if !sequences.is_empty() {
            asked += 1;
            let n = sequences.len().try_into().unwrap();
            // The pong comes after the acknowledgement before it was committed.
            let frames = [
                ClientFrame::acknowledge(sequences).unwrap(),
                ClientFrame::Credit { n },
                ClientFrame::Ping { n: asked },
            ];
            socket.send_all(&frames).await.unwrap();
            waiting.push_back(blobs);
        }
    }
}
