//! Sockets of people who only wait.

use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};

use super::figure::{Figure, Goal};
use super::place::Place;
use super::server::{NO_LIMITS, Server};
use crate::client::device::Device;

const SOCKETS: usize = 10_000;

/// Sockets that open at once.
const OPENING: usize = 64;

/// Longer than the server's interval of pings, so that everyone is asked.
const IDLE: Duration = Duration::from_secs(35);

pub async fn run(place: &Place, share: u32, _run: u32) -> Vec<Figure> {
    let data = place.data();
    let server = Server::start(place, data.path(), &NO_LIMITS).await;
    LocalSet::new().run_until(wait(server, super::part(SOCKETS, share), IDLE * share.min(100) / 100)).await
}

async fn wait(server: Server, sockets: usize, idle: Duration) -> Vec<Figure> {
    // What the first ones bring into being (threads' stacks, caches) is not theirs.
    let mut first = open(&server, sockets.div_ceil(100)).await;
    let (before, start) = (server.memory_kib(), Instant::now());
    let mut open = open(&server, sockets).await;
    let took = start.elapsed();
    let (after, busy, start) = (server.memory_kib(), server.processor_time(), Instant::now());
    tokio::time::sleep(idle).await;
    let busy = (server.processor_time() - busy).as_secs_f64() / start.elapsed().as_secs_f64();
    let later = server.memory_kib();
    // Those that ended are found among the finished.
    let lost = std::iter::from_fn(|| open.try_join_next().or_else(|| first.try_join_next())).count();
    let each = |memory: u64| memory.saturating_sub(before) as f64 * 1.024 / sockets as f64;
    vec![
        Figure::count("sockets", open.len(), Goal::Some),
        Figure::count("closed by the server", lost, Goal::Zero),
        Figure::new("opened and authenticated", sockets as f64 / took.as_secs_f64(), "/s", Goal::None),
        Figure::new("resident memory each", each(after.max(later)), "KB", Goal::AtMost(12.0)),
        Figure::new("idle, one core", busy * 100.0, "%", Goal::AtMost(3.0)),
        Figure::new("resident memory without", before as f64 / 1024.0, "MiB", Goal::None),
    ]
}

/// Opens sockets; each stays in a task that answers pings and ends when the server closes it.
async fn open(server: &Server, count: usize) -> JoinSet<()> {
    let places = Rc::new(Semaphore::new(OPENING));
    let opened = Rc::new(Semaphore::new(0));
    let mut sockets = JoinSet::new();
    for _ in 0..count {
        let (places, opened, address) = (Rc::clone(&places), Rc::clone(&opened), server.address);
        sockets.spawn_local(async move {
            let place = places.acquire().await.unwrap();
            let (mut socket, _) = Device::new().connect(address).await;
            drop(place);
            opened.add_permits(1);
            while socket.try_next().await.is_ok() {}
        });
    }
    drop(opened.acquire_many(count.try_into().unwrap()).await.unwrap());
    sockets
}
