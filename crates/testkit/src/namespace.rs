//! Networks of our own inside the kernel, made by `ip` as root, and whether they can be had here.

use std::env;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tun_rs::DeviceBuilder;

/// What the names of all our namespaces begin with; the process that made them follows.
const PREFIX: &str = "sotto-";
/// Where `ip netns` keeps them.
const DIRECTORY: &str = "/run/netns";
/// Set where a test that needs networks must not be skipped, as in CI.
const REQUIRED: &str = "SOTTO_REQUIRE_NETWORK_TESTS";

/// A network namespace with its loopback up. Dropped, it is removed, and what still runs in it is killed.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes one; `role` tells people what it is for.
    ///
    /// # Errors
    ///
    /// What `ip` says.
    pub fn new(role: &str) -> io::Result<Namespace> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}-{role}", std::process::id());
        run(Command::new("ip").args(["netns", "add", &name]))?;
        let namespace = Namespace { name };
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// Its name, as `ip netns` knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `ip` in it with these arguments.
    ///
    /// # Errors
    ///
    /// What `ip` says.
    pub fn ip(&self, arguments: &str) -> io::Result<()> {
        run(Command::new("ip").args(["-n", &self.name]).args(arguments.split_whitespace()))
    }

    /// Has `nft` carry out these lines in it, all or none.
    ///
    /// # Errors
    ///
    /// What `nft` says.
    pub fn nft(&self, lines: &str) -> io::Result<()> {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, "nft", "-f", "-"]).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(lines.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        if output.status.success() { Ok(()) } else { Err(said_by(&command, &output.stderr)) }
    }

    /// Lets a kernel setting (`net/ipv4/ip_forward`) have a value in it.
    ///
    /// # Errors
    ///
    /// When there is no such setting.
    pub fn set(&self, setting: &str, value: &str) -> io::Result<()> {
        self.enter(|| fs::write(Path::new("/proc/sys").join(setting), value))?
    }

    /// Does something on a thread inside it: sockets opened there belong to it for ever.
    ///
    /// # Errors
    ///
    /// When the namespace is gone, or the work panics.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        let file = File::open(Path::new(DIRECTORY).join(&self.name))?;
        let inside = || -> io::Result<T> {
            move_into(&file)?;
            Ok(work())
        };
        let joined = thread::scope(|scope| scope.spawn(inside).join());
        joined.map_err(|_| io::Error::other("a panic inside the namespace"))?
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// Whether networks can be made here: as root on Linux, with `ip`, `nft` and `/dev/net/tun`. If not, `test` is told to
/// be skipped, in a line that `cargo xtask test` repeats at its end.
///
/// # Panics
///
/// If they cannot, where `SOTTO_REQUIRE_NETWORK_TESTS` is 1.
pub fn networks_for(test: &str) -> bool {
    static REASON: OnceLock<Option<String>> = OnceLock::new();
    let Some(reason) = REASON.get_or_init(why_not) else { return true };
    assert!(env::var_os(REQUIRED).is_none_or(|value| value != "1"), "{test} must run here: {reason}");
    // Not by println!, which the test harness would keep to itself.
    let _ = writeln!(io::stderr(), "\nskipped: {test}: {reason}");
    false
}

/// Why no networks can be made here.
fn why_not() -> Option<String> {
    if !cfg!(target_os = "linux") {
        return Some("namespaces take Linux".to_owned());
    }
    if !geteuid().is_root() {
        return Some("namespaces take root".to_owned());
    }
    for program in ["ip", "nft"] {
        if run(Command::new(program).arg("-V")).is_err() {
            return Some(format!("`{program}` is not installed"));
        }
    }
    remove_stale();
    let try_all = || -> io::Result<()> {
        let namespace = Namespace::new("try")?;
        namespace
            .nft("table ip try { chain out { type nat hook postrouting priority srcnat; masquerade; };}")?;
        namespace.enter(|| DeviceBuilder::new().name("try").build_sync().map(drop))?
    };
    try_all().err().map(|error| format!("no networks of our own here: {error}"))
}

/// Removes the namespaces of processes that have ended without doing so.
fn remove_stale() {
    let Ok(entries) = fs::read_dir(DIRECTORY) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let made_by = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        let is_number = |text: &&str| text.parse::<u32>().is_ok();
        if made_by.filter(is_number).is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            remove(&name);
        }
    }
}

/// Removes a namespace with what runs in it. What is left over is removed as stale some day.
fn remove(name: &str) {
    let inside = Command::new("ip").args(["netns", "pids", name]).output();
    let inside = inside.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let processes = inside.unwrap_or_default();
    for process in processes.split_whitespace().filter_map(|process| Pid::from_raw(process.parse().ok()?)) {
        let _ = kill_process(process, Signal::KILL);
    }
    let _ = run(Command::new("ip").args(["netns", "del", name]));
}

/// Moves this thread into the network namespace that the file stands for.
#[cfg(target_os = "linux")]
fn move_into(namespace: &File) -> io::Result<()> {
    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
    use std::os::fd::AsFd;

    Ok(move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?)
}

#[cfg(not(target_os = "linux"))]
fn move_into(_: &File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() { Ok(()) } else { Err(said_by(command, &output.stderr)) }
}

fn said_by(command: &Command, errors: &[u8]) -> io::Error {
    let errors = String::from_utf8_lossy(errors);
    io::Error::other(format!("{command:?}: {}", errors.trim().replace('\n', "; ")))
}
