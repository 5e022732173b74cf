//! Where it runs: which core serves, which loads, and on which disk.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tempfile::TempDir;

/// Descriptors that the largest row needs on either side.
const DESCRIPTORS: u64 = 30_000;

pub struct Place {
    /// The cores of the server and of the load; none, where it does not matter.
    cores: Option<[CpuSet; 2]>,
}

impl Place {
    /// Wherever the system puts it, as for a test.
    #[allow(dead_code, reason = "the measurement never says so")]
    pub fn anywhere() -> Self {
        raise_descriptors();
        Self { cores: None }
    }

    /// The server on the first core of those this process may use, the load on the second.
    #[allow(dead_code, reason = "a test never says so")]
    pub fn two_cores() -> Self {
        raise_descriptors();
        let allowed = sched_getaffinity(None).unwrap();
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).map(|core| {
            let mut set = CpuSet::new();
            set.set(core);
            set
        });
        let both = [cores.next().expect("a core"), cores.next().expect("a second core, for the load")];
        sched_setaffinity(None, &both[1]).unwrap();
        Self { cores: Some(both) }
    }

    /// Starts something as the server is to run: a process begins on the cores of the thread that starts it.
    pub fn on_the_servers_core<T>(&self, start: impl FnOnce() -> T) -> T {
        if let Some([server, _]) = &self.cores {
            sched_setaffinity(None, server).unwrap();
        }
        let started = start();
        if let Some([_, load]) = &self.cores {
            sched_setaffinity(None, load).unwrap();
        }
        started
    }

    /// A directory on the disk that holds the build, never one in memory.
    pub fn data(&self) -> TempDir {
        tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
    }

    /// The machine, in a line.
    #[allow(dead_code, reason = "a test does not tell")]
    pub fn describe(&self) -> String {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let model = cpuinfo.lines().find(|line| line.starts_with("model name"));
        let model = model.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, model)| model);
        let memory = read("/proc/meminfo");
        let memory = memory.split_ascii_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok());
        format!(
            "hardware: {model}, {} processors, {} GiB, Linux {}; load average {}",
            std::thread::available_parallelism()
                .map_or(1, usize::from)
                .max(cpuinfo.matches("processor\t").count()),
            memory.unwrap_or(0) / (1024 * 1024),
            read("/proc/sys/kernel/osrelease").trim(),
            read("/proc/loadavg").split(' ').next().unwrap_or_default(),
        )
    }
}

/// As many as are permitted; a row that has too few says so by failing.
fn raise_descriptors() {
    let now = getrlimit(Resource::Nofile);
    let most = now.maximum.map_or(DESCRIPTORS, |hard| hard.max(DESCRIPTORS));
    for maximum in [Some(most), now.maximum] {
        let current = Some(maximum.unwrap_or(DESCRIPTORS).min(DESCRIPTORS));
        if setrlimit(Resource::Nofile, Rlimit { current, maximum }).is_ok() {
            return;
        }
    }
}
