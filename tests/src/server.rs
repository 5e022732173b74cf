//! The real server, in a process of its own.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use sotto_testkit::namespace::Namespace;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Child;

use crate::inside;
use crate::wait::{Outcome, PATIENCE, trouble, until};

/// A server with its data; ends with it.
pub struct Server {
    child: Option<Child>,
    /// The network it is in, if not the machine's own.
    namespace: Option<Arc<Namespace>>,
    /// Settings beside the usual ones.
    settings: Vec<(&'static str, String)>,
    address: SocketAddr,
    /// Origins beside its own under which people reach it.
    further_origins: Vec<String>,
    data: PathBuf,
    printed: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a server on a free port of the loopback, with its data in `data`.
    ///
    /// # Errors
    ///
    /// When the binary or the page is not built, or the server does not say where it listens.
    pub async fn start(data: &Path) -> Outcome<Server> {
        Server::start_at(None, SocketAddr::from(([127, 0, 0, 1], 0)), Vec::new(), data).await
    }

    /// Starts a server at an address of a network of ours, with further settings as its environment.
    ///
    /// # Errors
    ///
    /// See [`Server::start`].
    pub async fn start_in(
        namespace: Arc<Namespace>,
        address: SocketAddr,
        settings: Vec<(&'static str, String)>,
        data: &Path,
    ) -> Outcome<Server> {
        Server::start_at(Some(namespace), address, settings, data).await
    }

    async fn start_at(
        namespace: Option<Arc<Namespace>>,
        address: SocketAddr,
        settings: Vec<(&'static str, String)>,
        data: &Path,
    ) -> Outcome<Server> {
        let mut server = Server {
            child: None,
            namespace,
            settings,
            address,
            further_origins: Vec::new(),
            data: data.to_path_buf(),
            printed: Arc::default(),
        };
        server.start_again().await?;
        Ok(server)
    }

    /// Ends the server at once, as a crash or a power cut would (SIGKILL).
    ///
    /// # Errors
    ///
    /// When it was not running.
    pub async fn kill(&mut self) -> Outcome {
        let mut child = self.child.take().ok_or_else(|| trouble("the server is not running"))?;
        child.kill().await?;
        Ok(())
    }

    /// Starts the server on the same port with the same data.
    ///
    /// # Errors
    ///
    /// See [`Server::start`].
    pub async fn start_again(&mut self) -> Outcome {
        let binary = binary()?;
        let mut command = inside::command(self.namespace.as_deref(), binary.as_os_str());
        // Without being told, it answers to the loopback only.
        if self.namespace.is_some() || !self.further_origins.is_empty() {
            let origins = [&[self.origin()][..], &self.further_origins].concat();
            command.arg("--origins").arg(origins.join(","));
        }
        let mut child = command
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .args(["--listen", &self.address.to_string(), "--health-listen", "127.0.0.1:0", "--data"])
            .arg(&self.data)
            .arg("--page")
            .arg(Page::directory())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| trouble(format!("cannot start {}: {error}", binary.display())))?;
        let already = self.printed().len();
        if let Some(output) = child.stdout.take() {
            collect(output, Arc::clone(&self.printed));
        }
        if let Some(output) = child.stderr.take() {
            collect(output, Arc::clone(&self.printed));
        }
        let found = until("the server to tell its address", PATIENCE, async || {
            if let Some(status) = child.try_wait()? {
                return Err(trouble(format!("it ended with {status}")));
            }
            Ok(self.printed().iter().skip(already).find_map(|line| port_in(line)))
        })
        .await;
        let port = found.map_err(|error| trouble(format!("{error}\n{}", self.printed().join("\n"))))?;
        self.address.set_port(port);
        self.child = Some(child);
        Ok(())
    }

    /// Starts it anew, to answer to one more origin: a proxy's.
    ///
    /// # Errors
    ///
    /// See [`Server::start`].
    pub async fn answer_to(&mut self, origin: String) -> Outcome {
        self.further_origins.push(origin);
        self.kill().await?;
        self.start_again().await
    }

    /// Starts it anew, with further settings as its environment.
    ///
    /// # Errors
    ///
    /// See [`Server::start`].
    pub async fn set(&mut self, settings: Vec<(&'static str, String)>) -> Outcome {
        self.settings.extend(settings);
        self.kill().await?;
        self.start_again().await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The origin of the page it serves.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every byte it keeps on disk: the database with its journal, and whatever else there is.
    ///
    /// # Errors
    ///
    /// When the files cannot be read.
    pub fn everything_on_disk(&self) -> Outcome<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut open = vec![self.data.clone()];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(directory)? {
                let path = entry?.path();
                if path.is_dir() { open.push(path) } else { bytes.extend(fs::read(path)?) }
            }
        }
        Ok(bytes)
    }

    /// What it has printed so far, line by line.
    pub fn printed(&self) -> Vec<String> {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn collect(output: impl AsyncRead + Unpin + Send + 'static, into: Arc<Mutex<Vec<String>>>) {
    tokio::spawn(async move {
        let mut lines = BufReader::new(output).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            into.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    });
}

/// The port in `Sotto is at http://localhost:8080`.
fn port_in(line: &str) -> Option<u16> {
    let (_, authority) = line.strip_prefix("Sotto is at ")?.split_once("://")?;
    authority.rsplit_once(':')?.1.parse().ok()
}

/// The server's binary: beside the test's own, where cargo puts both.
fn binary() -> Outcome<PathBuf> {
    if let Some(path) = env::var_os("SOTTO_SERVER") {
        return Ok(path.into());
    }
    let test = env::current_exe()?;
    let built = test.parent().and_then(Path::parent).map(|profile| profile.join("sotto-server"));
    built.filter(|path| path.exists()).ok_or_else(|| {
        trouble("the server is not built: `cargo build --package sotto-server`, or `cargo xtask test`")
    })
}

/// The built page.
pub struct Page;

impl Page {
    /// The directory `cargo xtask page` builds.
    pub fn directory() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist")
    }

    /// The address of the one file whose name starts with `stem`, then has a digest, then `extension`.
    ///
    /// # Errors
    ///
    /// When the page is not built or has no such file.
    pub fn file(stem: &str, extension: &str) -> Outcome<String> {
        let missing = |_| trouble("the page is not built: `cargo xtask page`");
        for entry in fs::read_dir(Page::directory()).map_err(missing)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let digest = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('-'));
            let digest =
                digest.and_then(|rest| rest.strip_suffix(extension)).and_then(|rest| rest.strip_suffix('.'));
            if digest.is_some_and(|digest| digest.len() == 16) {
                return Ok(format!("/{name}"));
            }
        }
        Err(trouble(format!("the page has no {stem}-….{extension}")))
    }
}
