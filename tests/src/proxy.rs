//! A proxy in front of the server: the network, and a server that has turned against its users. It can lose
//! connections, change what is asked and answered, and keeps everything that passes, for a search afterwards.

mod exchange;
mod frames;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::wait::{Outcome, trouble};

/// How the network behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    Works,
    /// Connections stay open and carry nothing.
    Stalls,
    /// Every connection is broken, also a new one.
    IsCut,
}

/// What changes a body; `None` leaves it as it is.
type Change = Box<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync>;

/// Which bodies a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Request,
    Response,
}

struct Rule {
    side: Side,
    path: String,
    change: Change,
}

/// Everything that has passed, in both directions, frames of WebSockets unmasked.
#[derive(Debug, Default)]
pub struct Recording(Mutex<Vec<u8>>);

impl Recording {
    fn add(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
    }

    /// How often these bytes have passed.
    pub fn count(&self, wanted: &[u8]) -> usize {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bytes.windows(wanted.len().max(1)).filter(|window| *window == wanted).count()
    }

    /// All of it.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Shared {
    server: SocketAddr,
    network: watch::Sender<Network>,
    /// How often all connections there were have been forgotten.
    forgotten: watch::Sender<u64>,
    rules: Mutex<Vec<Rule>>,
    recording: Recording,
}

/// A running proxy; ends with it.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Starts on a free port of the loopback.
    pub async fn start(server: SocketAddr) -> Outcome<Proxy> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (network, _) = watch::channel(Network::Works);
        let shared = Arc::new(Shared {
            server,
            network,
            forgotten: watch::Sender::default(),
            rules: Mutex::default(),
            recording: Recording::default(),
        });
        let accepting = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(attend(client, Arc::clone(&shared)));
                }
            }
        });
        Ok(Proxy { address, shared, accepting })
    }

    /// The origin under which the page is to be opened.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes the bodies of answers to paths that begin so.
    pub fn change_responses(
        &self,
        path: &str,
        change: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) {
        self.add_rule(Side::Response, path, Box::new(change));
    }

    /// Changes the bodies of requests to paths that begin so.
    pub fn change_requests(
        &self,
        path: &str,
        change: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) {
        self.add_rule(Side::Request, path, Box::new(change));
    }

    /// Forgets all changes.
    pub fn be_honest(&self) {
        self.shared.rules.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Breaks every connection, also new ones.
    pub fn cut(&self) {
        self.shared.network.send_replace(Network::IsCut);
    }

    /// Lets connections stand and carries nothing.
    pub fn stall(&self) {
        self.shared.network.send_replace(Network::Stalls);
    }

    /// Forgets the connections there are, as a router does: nobody is told, they never carry anything again, and
    /// new ones are like any other.
    pub fn forget(&self) {
        self.shared.forgotten.send_modify(|times| *times += 1);
    }

    /// Carries on.
    pub fn mend(&self) {
        self.shared.network.send_replace(Network::Works);
    }

    /// What has passed.
    pub fn recording(&self) -> &Recording {
        &self.shared.recording
    }

    fn add_rule(&self, side: Side, path: &str, change: Change) {
        let rule = Rule { side, path: path.to_owned(), change };
        self.shared.rules.lock().unwrap_or_else(PoisonError::into_inner).push(rule);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.network.send_replace(Network::IsCut);
        self.accepting.abort();
    }
}

impl Shared {
    fn has_rule(&self, side: Side, path: &str) -> bool {
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        rules.iter().any(|rule| rule.side == side && path.starts_with(&rule.path))
    }

    fn changed(&self, side: Side, path: &str, body: Vec<u8>) -> Vec<u8> {
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        rules
            .iter()
            .filter(|rule| rule.side == side && path.starts_with(&rule.path))
            .fold(body, |body, rule| (rule.change)(&body).unwrap_or(body))
    }

    /// Returns when the network works; never while it stalls.
    async fn works(&self) -> Outcome {
        let mut network = self.network.subscribe();
        let state = *network.wait_for(|state| *state != Network::Stalls).await?;
        if state == Network::Works { Ok(()) } else { Err(trouble("the network is cut")) }
    }
}

/// One connection of a browser, until either side ends it or the network is cut.
async fn attend(client: TcpStream, shared: Arc<Shared>) {
    let mut network = shared.network.subscribe();
    let mut forgotten = shared.forgotten.subscribe();
    let mut is_cut = pin!(async {
        let _ = network.wait_for(|state| *state == Network::IsCut).await;
    });
    let carry = pin!(exchange::carry(client, &shared));
    tokio::select! {
        () = &mut is_cut => {}
        _ = carry => {}
        // Both ends stay open, and neither is attended to any more.
        Ok(()) = forgotten.changed() => is_cut.await,
    }
}
