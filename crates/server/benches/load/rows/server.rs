//! The real program as a child.

use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::place::Place;

/// Lifts every limit on how often one may ask: where the load comes from one address and is meant to be served.
pub const NO_LIMITS: [&str; 20] = [
    "--address-requests-per-s",
    "100000000",
    "--address-requests-burst",
    "100000000",
    "--address-meetings-per-min",
    "100000000",
    "--address-meetings-burst",
    "100000000",
    "--address-store-mib",
    "100000000",
    "--address-store-percent",
    "100",
    "--mailbox-envelopes-per-s",
    "100000000",
    "--mailbox-envelopes-burst",
    "100000000",
    "--socket-frames-per-s",
    "100000000",
    "--socket-frames-burst",
    "100000000",
];

pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// From the start of the program to its first word.
    pub took: Duration,
    log: PathBuf,
}

impl Server {
    /// Starts it with its data in `data` and its log beside it.
    pub async fn start(place: &Place, data: &Path, settings: &[&str]) -> Self {
        let log = data.with_extension("log");
        let errors = File::options().create(true).append(true).open(&log).unwrap();
        let start = Instant::now();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sotto-server"));
        command
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(settings)
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(errors)
            .kill_on_drop(true);
        let mut child = place.on_the_servers_core(|| command.spawn().unwrap());
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
        let took = start.elapsed();
        let port = line.trim().strip_prefix("Sotto is at http://localhost:").expect(&line).parse().unwrap();
        Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)), took, log }
    }

    /// The processor's time it has used.
    pub fn processor_time(&self) -> Duration {
        processor_time(&format!("/proc/{}/stat", self.child.id().unwrap()))
    }

    /// Resident memory; what is shared with other programs counts in full.
    pub fn memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }

    /// Connections it has open, with a few of its own.
    pub fn connections(&self) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.child.id().unwrap())).unwrap();
        // One that is closed while this looks is none.
        let targets = open.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
        targets.filter(|target| target.to_string_lossy().starts_with("socket:")).count()
    }

    /// Threads it runs in.
    pub fn threads(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/task", self.child.id().unwrap())).unwrap().count()
    }

    /// Hands over each part of its memory that can be read; how many bytes that was.
    pub fn each_memory(&self, mut look: impl FnMut(&[u8])) -> usize {
        let process = format!("/proc/{}", self.child.id().unwrap());
        let maps = std::fs::read_to_string(format!("{process}/maps")).unwrap();
        let memory = File::open(format!("{process}/mem")).unwrap();
        let mut all = 0;
        for line in maps.lines() {
            let (range, rest) = line.split_once(' ').unwrap();
            let (from, to) = range.split_once('-').unwrap();
            let [from, to] = [from, to].map(|text| u64::from_str_radix(text, 16).unwrap());
            // The kernel's own pages cannot be read, and hold nothing of ours.
            if !rest.starts_with('r') || ["[vvar", "[vsyscall]"].iter().any(|name| rest.contains(name)) {
                continue;
            }
            let mut bytes = vec![0; (to - from) as usize];
            let whole = memory.read_exact_at(&mut bytes, from);
            // A file mapped beyond its end, like the database's index of its log, is not there to be read.
            if whole.is_ok() {
                look(&bytes);
                all += bytes.len();
            }
        }
        all
    }

    /// Everything it logged, over all starts with this data.
    pub fn logged(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Whether it still runs.
    pub fn alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Ends it as a power cut would, but for the system's own caches.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// The processor's time this process has used.
pub fn own_processor_time() -> Duration {
    processor_time("/proc/self/stat")
}

/// Fields 14 and 15 of proc_pid_stat(5); the second is in parentheses and may hold anything.
fn processor_time(stat: &str) -> Duration {
    let text = std::fs::read_to_string(stat).unwrap();
    let fields = text.rsplit_once(')').unwrap().1.split_ascii_whitespace();
    let ticks: u64 = fields.skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}
