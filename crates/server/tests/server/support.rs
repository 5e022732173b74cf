//! A server on a free port, and HTTP as plainly as it goes.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use sotto_server::Running;
use sotto_server::config::Config;
use sotto_server::store::{Quotas, SqliteOptions, SqliteStore, Store};
use sotto_wire::server::{CONTENT_TYPE, ErrorCode, Failure, Message};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Server {
    running: Option<Running>,
    pub address: SocketAddr,
    pub health: SocketAddr,
    data: TempDir,
    config: Config,
}

impl Server {
    pub async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let (data, config) = configured(change);
        let running = Running::start(config.clone()).await.unwrap();
        Self::of(running, data, config)
    }

    /// A server over a store that `wrap` puts around the real one, whose queue has `write_queue` places.
    pub async fn over(
        write_queue: usize,
        change: impl FnOnce(&mut Config),
        wrap: impl FnOnce(SqliteStore) -> Arc<dyn Store>,
    ) -> Self {
        let (data, config) = configured(change);
        let quotas = Quotas {
            mailbox_envelopes: config.mailbox_envelopes,
            mailbox_bytes: config.mailbox_bytes,
            mailbox_tokens: 10,
            mailbox_one_time_prekeys: 10,
            mailbox_idle_days: 1,
        };
        let (directory, max_bytes) = (config.data.clone(), 64 * 1024 * 1024);
        let store = SqliteStore::open(&SqliteOptions { directory, max_bytes, quotas, write_queue }).unwrap();
        let running = Running::over(config.clone(), wrap(store)).await.unwrap();
        Self::of(running, data, config)
    }

    fn of(running: Running, data: TempDir, config: Config) -> Self {
        let (address, health) = (running.address(), running.health_address());
        Self { running: Some(running), address, health, data, config }
    }

    /// The database, opened beside the server.
    pub fn database(&self) -> Connection {
        Connection::open(self.data.path().join("sotto.sqlite3")).unwrap()
    }

    /// Stops it, then starts it on the same data (and another port).
    pub async fn restart(&mut self) {
        self.stop().await;
        let running = Running::start(self.config.clone()).await.unwrap();
        (self.address, self.health) = (running.address(), running.health_address());
        self.running = Some(running);
    }

    pub async fn stop(&mut self) {
        self.running.take().unwrap().stop().await;
    }

    pub async fn post<T: Message>(&self, path: &str, body: &T) -> Response {
        post(self.address, path, &body.encode()).await
    }
}

fn configured(change: impl FnOnce(&mut Config)) -> (TempDir, Config) {
    let data = tempfile::tempdir().unwrap();
    let listen = "127.0.0.1:0".parse().unwrap();
    let mut config = Config { listen, data: data.path().to_owned(), ..Config::default() };
    change(&mut config);
    (data, config)
}

#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn decode<T: Message>(&self) -> T {
        T::decode(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub fn refused(&self, code: ErrorCode) -> Failure {
        let failure: Failure = self.decode();
        assert_eq!((failure.code, self.status), (code, code.status()));
        assert_eq!(self.header("content-type"), Some(CONTENT_TYPE));
        failure
    }
}

/// Sends exactly these bytes and reads until the server closes.
pub async fn raw(address: SocketAddr, request: &[u8]) -> Response {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let split = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("an HTTP answer");
    let head = String::from_utf8(answer[..split].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Response { status, head, body: answer[split + 4..].to_vec() }
}

pub async fn request(address: SocketAddr, method: &str, path: &str, headers: &str, body: &[u8]) -> Response {
    let mut request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    if !headers.contains("host:") {
        request += &format!("host: localhost:{}\r\n", address.port());
    }
    if !body.is_empty() {
        request += &format!("content-length: {}\r\n", body.len());
    }
    request += headers;
    request += "\r\n";
    raw(address, &[request.as_bytes(), body].concat()).await
}

pub async fn get(address: SocketAddr, path: &str, headers: &str) -> Response {
    request(address, "GET", path, headers, &[]).await
}

pub async fn post(address: SocketAddr, path: &str, body: &[u8]) -> Response {
    request(address, "POST", path, &format!("content-type: {CONTENT_TYPE}\r\n"), body).await
}

/// Bytes that differ from call to call.
pub fn unique<const N: usize>() -> [u8; N] {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let number = NEXT.fetch_add(1, Ordering::Relaxed).to_le_bytes();
    std::array::from_fn(|at| *number.get(at).unwrap_or(&0))
}

/// One value of `/metrics`.
pub async fn metric(health: SocketAddr, name: &str) -> u64 {
    let text = String::from_utf8(get(health, "/metrics", "").await.body).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("sotto_{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

/// Asks again until the answer is right.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if holds().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}

/// Says that something was left out, on a line that `cargo xtask test` repeats at its end.
///
/// # Panics
/// Where nothing may be left out.
pub fn skipped(what: &str, reason: &str) {
    let required = std::env::var_os("SOTTO_REQUIRE_NETWORK_TESTS").is_some_and(|value| value == "1");
    assert!(!required, "{what} must not be skipped here: {reason}");
    // Not `eprintln!`, which is shown for failed tests only.
    let mut lines = std::io::stderr();
    writeln!(lines, "skipped: {what}: {reason}").unwrap();
}
