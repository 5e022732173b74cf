//! What the processes that run a browser's pages hold in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::wait::{Outcome, trouble};

/// How often it is looked at.
const EVERY: Duration = Duration::from_millis(100);

/// Watches how much memory a browser's pages take, and keeps the most that was seen.
pub struct MemoryWatch {
    before: u64,
    most: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl MemoryWatch {
    /// Begins with what there is now. `driver` is the process id of the browser's driver.
    pub(crate) fn start(driver: u32) -> Outcome<MemoryWatch> {
        let before = pages_of(driver)?;
        let most = Arc::new(AtomicU64::new(before));
        let over = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn({
            let (most, over) = (Arc::clone(&most), Arc::clone(&over));
            async move {
                while !over.load(Ordering::Relaxed) {
                    if let Ok(now) = pages_of(driver) {
                        most.fetch_max(now, Ordering::Relaxed);
                    }
                    tokio::time::sleep(EVERY).await;
                }
            }
        });
        Ok(MemoryWatch { before, most, over, task })
    }

    /// By how many bytes the pages' memory had grown when it was largest.
    pub async fn growth(self) -> u64 {
        self.over.store(true, Ordering::Relaxed);
        // It only ends early with the runtime, and then nobody asks.
        let _ = self.task.await;
        self.most.load(Ordering::Relaxed).saturating_sub(self.before)
    }
}

/// Bytes of memory, not counting what is mapped from files, of all processes below `ancestor` that run pages.
fn pages_of(ancestor: u32) -> Outcome<u64> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(process) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if let Some(parent) = status(process, "PPid:").and_then(|parent| u32::try_from(parent).ok()) {
            children.entry(parent).or_default().push(process);
        }
    }
    let mut open = vec![ancestor];
    let mut seen = BTreeSet::new();
    let mut sum = 0;
    while let Some(process) = open.pop() {
        if !seen.insert(process) {
            continue;
        }
        open.extend(children.get(&process).into_iter().flatten());
        let command = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command);
        // Chromium's renderers, Firefox's content processes.
        if command.contains("--type=renderer") || command.contains("-isForBrowser") {
            let held = ["RssAnon:", "RssShmem:"].iter().filter_map(|field| status(process, field));
            sum += held.sum::<u64>() * 1024;
        }
    }
    if sum == 0 { Err(trouble("the browser has no process that runs a page")) } else { Ok(sum) }
}

/// A number from a process's status; sizes are in KiB.
fn status(process: u32, field: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    text.lines().find_map(|line| line.strip_prefix(field))?.split_whitespace().next()?.parse().ok()
}
