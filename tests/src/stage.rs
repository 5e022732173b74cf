//! What every scenario has: a server of its own, its people, and an end at which nothing is left unsaid.

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use sotto_testkit::namespace::{Namespace, networks_for};
use tempfile::TempDir;
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::browser::Kind;
use crate::internet::{self, Home, Internet, Nat};
use crate::person::{Newcomer, Person};
use crate::proxy::Proxy;
use crate::server::Server;
use crate::turn::Turn;
use crate::wait::{Outcome, Trouble, trouble};

/// No scenario takes longer; one that does has failed.
const LIMIT: Duration = Duration::from_secs(300);

/// A scenario's server and people.
pub struct Stage {
    /// The server.
    pub server: Server,
    people: Vec<Arc<Person>>,
    // A proxy that ended before its people were asked about their consoles would fill these with refusals.
    proxies: Vec<Arc<Proxy>>,
    directory: TempDir,
    artifacts: PathBuf,
}

impl Stage {
    /// Somebody with a fresh browser, who will visit the server itself.
    pub async fn person(&mut self, name: &str, kind: Kind) -> Outcome<Arc<Person>> {
        let origin = self.server.origin();
        self.person_at(name, kind, &origin).await
    }

    /// Somebody with a fresh browser, who will visit another origin: a proxy's.
    pub async fn person_at(&mut self, name: &str, kind: Kind, origin: &str) -> Outcome<Arc<Person>> {
        self.newcomer(name, kind, origin.to_owned(), None).await
    }

    /// Somebody with a fresh browser in a network of their own.
    pub async fn person_in(&mut self, home: &Home, name: &str, kind: Kind) -> Outcome<Arc<Person>> {
        let origin = self.server.origin();
        self.newcomer(name, kind, origin, Some(home.namespace())).await
    }

    async fn newcomer(
        &mut self,
        name: &str,
        kind: Kind,
        origin: String,
        namespace: Option<Arc<Namespace>>,
    ) -> Outcome<Arc<Person>> {
        let home = self.directory.path().join(name);
        let artifacts = self.artifacts.clone();
        let newcomer = Newcomer { name: name.to_owned(), kind, origin, namespace, home, artifacts };
        let person = Arc::new(Person::start(newcomer).await?);
        self.people.push(Arc::clone(&person));
        Ok(person)
    }

    /// A proxy in front of the server, which is started anew to answer to it.
    pub async fn proxy(&mut self) -> Outcome<Arc<Proxy>> {
        let proxy = Arc::new(Proxy::start(self.server.address()).await?);
        self.proxies.push(Arc::clone(&proxy));
        self.server.answer_to(proxy.origin()).await?;
        Ok(proxy)
    }

    /// A directory for the scenario's own files.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

/// Plays a scenario and looks afterwards whether anybody's console complains. When it fails, pictures and consoles
/// are in `artifacts/<name>/`.
///
/// # Errors
///
/// What the scenario says, or what the consoles say.
pub fn scenario(name: &str, play: impl AsyncFnOnce(&mut Stage) -> Outcome) -> Outcome {
    run(name, async |data| Server::start(&data).await, play)
}

/// Like [`scenario`], but everybody lives in networks of their own, behind NATs of these kinds, with the server between
/// them. Where there can be no such networks it is skipped.
///
/// # Errors
///
/// See [`scenario`].
pub fn scenario_on_internet(
    name: &str,
    nats: [Nat; 2],
    play: impl AsyncFnOnce(&mut Stage, &Internet) -> Outcome,
) -> Outcome {
    if !networks_for(name) {
        return Ok(());
    }
    let internet = Internet::build(nats)?;
    let mut turn = None;
    let start = async |data: PathBuf| {
        let files = data.with_file_name("turn");
        let started = turn.insert(Turn::start(Some(&internet.server()), internet::TURN, &files).await?);
        Server::start_in(internet.server(), internet::SERVER, started.settings(), &data).await
    };
    run(name, start, async |stage| play(stage, &internet).await)
}

fn run(
    name: &str,
    start: impl AsyncFnOnce(PathBuf) -> Outcome<Server>,
    play: impl AsyncFnOnce(&mut Stage) -> Outcome,
) -> Outcome {
    // Needed once in a process; a second time it is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let artifacts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../artifacts").join(name);
        let directory = TempDir::new()?;
        let server = start(directory.path().join("server")).await?;
        let mut stage = Stage { server, people: Vec::new(), proxies: Vec::new(), directory, artifacts };

        let played = timeout(LIMIT, AssertUnwindSafe(play(&mut stage)).catch_unwind()).await;
        let mut outcome = match played {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => Err(told_by(panic.as_ref())),
            Err(_) => Err(trouble(format!("not finished after {} s", LIMIT.as_secs()))),
        };
        for person in &stage.people {
            if outcome.is_ok() {
                outcome = person.check_console().await;
            }
        }
        if outcome.is_err() {
            for person in &stage.people {
                let _ = timeout(Duration::from_secs(20), person.save_evidence()).await;
            }
            let _ = std::fs::write(stage.artifacts.join("server.txt"), stage.server.printed().join("\n"));
        }
        for person in &stage.people {
            let _ = person.close().await;
        }
        outcome
    })
}

fn told_by(panic: &(dyn std::any::Any + Send)) -> Trouble {
    let text =
        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    trouble(text.unwrap_or("a panic"))
}
