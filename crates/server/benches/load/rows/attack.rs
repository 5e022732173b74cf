//! Attackers, each in a thread of its own and behind everyone else in the queue for the processor, so that what
//! others measure is the server and not this program.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use hyper::HeaderMap;
use sotto_wire::server::Class;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::task::{JoinSet, LocalSet};

use super::post::{Poster, connect_from};
use crate::client::device::{Device, fresh_blob};

/// Most files of a connection flood that are opening at once.
const OPENING: usize = 64;

/// What an attacker and whoever watches it know of each other.
#[derive(Default)]
pub struct Attack {
    count: AtomicUsize,
    over: AtomicBool,
    ended: AtomicBool,
}

impl Attack {
    /// Runs an attack in its own thread; it keeps what it opened until [`end`](Self::end).
    pub fn start<F: Future<Output = ()>>(attack: impl FnOnce(Arc<Self>) -> F + Send + 'static) -> Arc<Self> {
        let shared = Arc::new(Self::default());
        let own = Arc::clone(&shared);
        std::thread::spawn(move || {
            // Not permitted, it competes with the rest: then the others' times are worse than they would be.
            let _ = rustix::process::setpriority_process(None, 5);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            LocalSet::new().block_on(&runtime, attack(Arc::clone(&own)));
            own.over.store(true, Ordering::Release);
        });
        shared
    }

    /// How many connections were attacked with.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Everything was sent.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }

    /// Lets go what is still open.
    pub fn end(&self) {
        self.ended.store(true, Ordering::Release);
    }

    fn one_more(&self) -> usize {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    /// Everything is sent; what is open stays so.
    async fn keep<T>(&self, open: T) {
        self.over.store(true, Ordering::Release);
        while !self.ended.load(Ordering::Acquire) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        drop(open);
    }
}

/// One of many addresses.
fn source(network: u8, number: usize) -> Ipv4Addr {
    Ipv4Addr::from([127, network, (number / 250 % 250) as u8, (number % 250) as u8 + 1])
}

/// Opens and closes connections, at most `per_s` each second.
pub async fn connections(address: SocketAddr, per_s: usize, time: Duration, attack: Arc<Attack>) {
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..OPENING {
        let attack = Arc::clone(&attack);
        tasks.spawn_local(async move {
            while start.elapsed() < time {
                if attack.count() as f64 >= start.elapsed().as_secs_f64() * per_s as f64 {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                } else if connect_from(source(2, number), address).await.is_ok() {
                    attack.one_more();
                }
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.unwrap();
    }
}

/// Opens sockets that never read, and has `each` envelopes of 64 KiB sent to every one of them.
pub async fn readers(address: SocketAddr, readers: usize, each: usize, attack: Arc<Attack>) {
    let mut open = Vec::new();
    for number in 0..readers {
        let device = Device::new();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        socket.bind(SocketAddr::from((source(3, number), 0))).unwrap();
        let stream = socket.connect(address).await.unwrap();
        open.push((device.register_over(stream, address, HeaderMap::new()).await, device));
        attack.one_more();
    }
    for (number, (_, device)) in open.iter().enumerate() {
        let stream = connect_from(source(3, number), address).await.unwrap();
        let mut poster = Poster::over(stream, address).await.unwrap();
        for _ in 0..each {
            let status = poster.put(&device.envelope(Class::Ephemeral, fresh_blob(64 * 1024))).await.unwrap();
            assert!(status.is_success(), "{status}");
        }
    }
    attack.keep(open).await;
}

/// Opens connections that begin a request and go on for a byte each second, or send nothing at all.
pub async fn slow(address: SocketAddr, count: usize, attack: Arc<Attack>) {
    let mut open = Vec::new();
    for number in 0..count {
        open.push(Some(connect_from(source(4, number), address).await.unwrap()));
        attack.one_more();
    }
    let mut head = b"GET / HTTP/1.1\r\nx-a: ".to_vec();
    head.resize(60, b'a');
    for byte in head {
        for stream in open.iter_mut().step_by(2) {
            // Once the server has closed it, there is no use.
            let gone = match stream {
                Some(stream) => stream.write_all(&[byte]).await.is_err(),
                None => false,
            };
            if gone {
                *stream = None;
            }
        }
        if open.iter().step_by(2).all(Option::is_none) {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    attack.keep(open).await;
}
