//! What every request may use.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::metrics::Metrics;
use crate::origin::Origins;
use crate::page::Page;
use crate::presence::Presence;
use crate::store::Store;
use crate::stranger::{Abuse, Cost, Strangers, TooMany};
use crate::turn::Turn;

/// Shared by all connections.
pub struct App {
    /// What was configured.
    pub config: Config,
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// Who is connected.
    pub presence: Presence,
    /// Who asks too often, stores too much, or is banned.
    pub strangers: Strangers,
    /// Which STUN and TURN servers to name.
    pub turn: Turn,
    /// Under which names this server answers.
    pub origins: Origins,
    /// What is served.
    pub page: Page,
    /// What is counted.
    pub metrics: Metrics,
    /// Takes requests; false from the moment shutdown begins.
    pub ready: AtomicBool,
    /// Ends every connection.
    pub stopping: CancellationToken,
    /// Every connection, so that shutdown can wait for them.
    pub connections: TaskTracker,
}

impl App {
    /// Counts what nobody does by mistake.
    pub fn abused(&self, address: IpAddr, abuse: Abuse) {
        if self.strangers.abused(address, abuse) {
            self.metrics.bans_total.add();
        }
    }

    /// Takes what is to be stored out of an address's allowance.
    ///
    /// # Errors
    /// [`TooMany`] if that does not fit.
    pub fn may_store(&self, address: IpAddr, cost: Cost) -> Result<(), TooMany> {
        self.strangers.store(address, cost).inspect_err(|_| self.metrics.requests_over_allowance_total.add())
    }

    /// Time for a request's body, and for the answer to a challenge.
    #[must_use]
    pub const fn body_timeout(&self) -> Duration {
        Duration::from_secs(self.config.body_timeout_s)
    }

    /// Time for what is sent to be taken.
    #[must_use]
    pub const fn send_timeout(&self) -> Duration {
        Duration::from_secs(self.config.send_timeout_s)
    }
}
