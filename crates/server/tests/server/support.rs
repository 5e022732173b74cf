//! A server in this process, on a free port.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use rusqlite::Connection;
use sotto_server::Running;
use sotto_server::config::Config;
use sotto_server::store::{Quotas, SqliteOptions, SqliteStore, Store};
use sotto_wire::server::{Class, ErrorCode, Message};
use tempfile::TempDir;

use crate::client::device::{Device, fresh_blob};
pub use crate::client::http::{Response, eventually, get, metric, post, raw, request, unique};

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

impl From<&Server> for SocketAddr {
    fn from(server: &Server) -> Self {
        server.address
    }
}

pub async fn refused(server: &Server, device: &Device, code: ErrorCode) {
    device.put(server, Class::Stored, &fresh_blob(1024)).await.refused(code);
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
