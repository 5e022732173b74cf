//! From a configuration to a running server, and back.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sotto_wire::server::limits;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::config::{Config, ConfigError};
use crate::metrics::Metrics;
use crate::origin::Origins;
use crate::page::{Page, PageError};
use crate::presence::Presence;
use crate::store::{Quotas, SqliteOpenError, SqliteOptions, SqliteStore, Store, Timestamp};
use crate::stranger::{NoRandomness, Strangers};
use crate::turn::Turn;
use crate::{health, serve, web};

/// How often what has ended is removed.
const TIDY_EVERY: Duration = Duration::from_secs(60);

/// How often buckets are pruned: whoever owns many networks can fill as many of them in the meantime as connections
/// can be made.
const PRUNE_EVERY: Duration = Duration::from_secs(10);

/// Pause between two steps of removing, so that others get their turn at the database.
const TIDY_PAUSE: Duration = Duration::from_millis(20);

/// Operations that may wait to be written; each holds at most one envelope (64 KiB).
const WRITE_QUEUE: usize = 1024;

/// How long connections may take to end.
const STOP_TIME: Duration = Duration::from_secs(10);

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] SqliteOpenError),
    /// The page cannot be served.
    #[error(transparent)]
    Page(#[from] PageError),
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

/// A server that listens.
pub struct Running {
    app: Arc<App>,
    address: SocketAddr,
    health: SocketAddr,
}

impl Running {
    /// Opens everything and begins to serve.
    ///
    /// # Errors
    /// [`StartError`] says what is in the way.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let listeners = Listeners::bind(&config).await?;
        let store = SqliteStore::open(&SqliteOptions {
            directory: config.data.clone(),
            max_bytes: config.database_mib.saturating_mul(1024 * 1024),
            quotas: quotas(&config),
            write_queue: WRITE_QUEUE,
        })?;
        Self::serve(config, listeners, Arc::new(store))
    }

    /// The same over a store that is open.
    ///
    /// # Errors
    /// [`StartError`] says what is in the way.
    pub async fn over(config: Config, store: Arc<dyn Store>) -> Result<Self, StartError> {
        let listeners = Listeners::bind(&config).await?;
        Self::serve(config, listeners, store)
    }

    fn serve(config: Config, listeners: Listeners, store: Arc<dyn Store>) -> Result<Self, StartError> {
        let page = match &config.page {
            Some(directory) => Page::from_directory(directory)?,
            None => Page::embedded()?,
        };
        let Listeners { people: (people, address), operator: (operator, health) } = listeners;
        let app = Arc::new(App {
            store,
            presence: Presence::default(),
            strangers: Strangers::new(&config)?,
            turn: Turn::new(&config)?,
            origins: Origins::new(config.origins.clone(), address.port()),
            page,
            metrics: Metrics::default(),
            ready: AtomicBool::new(true),
            stopping: CancellationToken::new(),
            connections: TaskTracker::new(),
            config,
        });
        tokio::spawn(tidy(Arc::clone(&app)));
        tokio::spawn(prune(Arc::clone(&app)));
        tokio::spawn(serve::accept(Arc::clone(&app), people, web::router(Arc::clone(&app))));
        tokio::spawn(serve::accept(Arc::clone(&app), operator, health::router(Arc::clone(&app))));
        Ok(Self { app, address, health })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it tells how it is.
    #[must_use]
    pub const fn health_address(&self) -> SocketAddr {
        self.health
    }

    /// The address to open in a browser.
    #[must_use]
    pub fn origin(&self) -> String {
        self.app.origins.first()
    }

    /// Stops: not ready, no new connections, sockets closed with 1001, what is queued written, the database closed.
    pub async fn stop(self) {
        self.app.ready.store(false, Ordering::Relaxed);
        self.app.stopping.cancel();
        self.app.connections.close();
        if tokio::time::timeout(STOP_TIME, self.app.connections.wait()).await.is_err() {
            tracing::warn!("some connections did not end in time");
        }
        if let Err(error) = self.app.store.close().await {
            tracing::error!(%error, "the store could not be closed");
        }
    }
}

/// The sockets for people and for the operator, and where they are.
struct Listeners {
    people: (TcpListener, SocketAddr),
    operator: (TcpListener, SocketAddr),
}

impl Listeners {
    async fn bind(config: &Config) -> Result<Self, StartError> {
        let people = listen(config.listen).await?;
        let beside = match config.listen.port() {
            0 => 0,
            port => port.checked_add(1).unwrap_or(0),
        };
        let beside = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), beside);
        Ok(Self { people, operator: listen(config.health_listen.unwrap_or(beside)).await? })
    }
}

async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |error| StartError::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

fn quotas(config: &Config) -> Quotas {
    Quotas {
        mailbox_envelopes: config.mailbox_envelopes,
        mailbox_bytes: config.mailbox_bytes,
        mailbox_tokens: u32::try_from(limits::TOKENS_PER_MAILBOX_MAX).unwrap_or(u32::MAX),
        mailbox_one_time_prekeys: u32::try_from(limits::ONE_TIME_PREKEYS_MAX).unwrap_or(u32::MAX),
        mailbox_idle_days: config.mailbox_idle_days,
    }
}

async fn tidy(app: Arc<App>) {
    let mut every = tokio::time::interval(TIDY_EVERY);
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            _ = every.tick() => {}
        }
        while app.store.reap(Timestamp::now()).await == Ok(true) {
            tokio::time::sleep(TIDY_PAUSE).await;
        }
    }
}

async fn prune(app: Arc<App>) {
    let mut every = tokio::time::interval(PRUNE_EVERY);
    loop {
        tokio::select! {
            () = app.stopping.cancelled() => return,
            _ = every.tick() => app.strangers.prune(),
        }
        // While the store is busy or fails, what was known and taken since is near enough.
        if let Ok(room) = app.store.room().await {
            app.strangers.room(room);
            app.metrics.database_room_bytes.set(room);
        }
    }
}
