//! People who go on talking while somebody attacks.

use std::cell::{Cell, RefCell};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};

use hyper::HeaderMap;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sotto_wire::server::{Class, ClientFrame, ServerFrame};
use tokio::task::{JoinSet, spawn_local};

use super::post::{Poster, connect_from};
use super::stamp::{age, stamped};
use crate::client::device::{Device, LONG, Socket};

/// Each sends itself this often, in milliseconds.
const EVERY_MS: u64 = 100;

/// What became of their envelopes.
#[derive(Default)]
pub struct Served {
    /// Until pushed, in this phase.
    pub latencies: RefCell<Vec<Duration>>,
    pub accepted: Cell<usize>,
    pub pushed: Cell<usize>,
    pub refused: Cell<usize>,
    over: Cell<bool>,
}

pub struct Others {
    pub served: Rc<Served>,
    tasks: JoinSet<()>,
}

impl Others {
    /// So many people, each with an address of its own, go on until [`stop`](Self::stop).
    pub async fn start(people: usize, address: SocketAddr) -> Self {
        let (served, mut tasks) = (Rc::new(Served::default()), JoinSet::new());
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let start = Instant::now();
        for number in 0..people {
            let source = Ipv4Addr::from([127, 1, (number / 250) as u8, (number % 250) as u8 + 1]);
            let device = Device::new();
            let socket = device
                .register_over(connect_from(source, address).await.unwrap(), address, HeaderMap::new())
                .await;
            let poster = Poster::over(connect_from(source, address).await.unwrap(), address).await.unwrap();
            let phase = Duration::from_millis(rng.next_u64() % EVERY_MS);
            tasks.spawn_local(talk(device, socket, poster, start, phase, Rc::clone(&served)));
        }
        Self { served, tasks }
    }

    /// The latencies since this was asked before.
    pub fn latencies(&self) -> Vec<Duration> {
        self.served.latencies.take()
    }

    pub async fn stop(mut self) -> Rc<Served> {
        self.served.over.set(true);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        self.served
    }
}

async fn talk(
    device: Device,
    socket: Socket,
    mut poster: Poster,
    start: Instant,
    phase: Duration,
    served: Rc<Served>,
) {
    let sent = Rc::new(Cell::new(None));
    let receiver = spawn_local(listen(socket, start, Rc::clone(&sent), Rc::clone(&served)));
    tokio::time::sleep(phase).await;
    let mut every = tokio::time::interval(Duration::from_millis(EVERY_MS));
    let mut accepted = 0;
    while !served.over.get() {
        every.tick().await;
        let status = poster.put(&device.envelope(Class::Stored, stamped(start))).await.unwrap();
        if status.is_success() {
            accepted += 1;
        } else {
            served.refused.set(served.refused.get() + 1);
        }
    }
    served.accepted.set(served.accepted.get() + accepted);
    sent.set(Some(accepted));
    receiver.await.unwrap();
}

/// Until as many have come as were accepted.
async fn listen(mut socket: Socket, start: Instant, sent: Rc<Cell<Option<usize>>>, served: Rc<Served>) {
    let mut pushed = 0;
    while sent.get().is_none_or(|sent| pushed < sent) {
        match tokio::time::timeout(Duration::from_millis(EVERY_MS), socket.try_next()).await {
            Ok(Ok(ServerFrame::Deliver { sequence, blob, .. })) => {
                served.latencies.borrow_mut().push(age(&blob, start));
                pushed += 1;
                served.pushed.set(served.pushed.get() + 1);
                let frames =
                    [ClientFrame::acknowledge(vec![sequence]).unwrap(), ClientFrame::Credit { n: 1 }];
                tokio::time::timeout(LONG, socket.send_all(&frames)).await.expect("taken").unwrap();
            }
            // A look whether all is sent; or everything has come.
            Err(_) | Ok(Ok(ServerFrame::Drained {})) => {}
            Ok(other) => panic!("{other:?}"),
        }
    }
}
