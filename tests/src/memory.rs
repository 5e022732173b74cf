//! What the processes that run a browser's pages hold in memory.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::processes;
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
    let mut sum = 0;
    for process in processes::below(ancestor) {
        let command = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command);
        // Chromium's renderers, Firefox's content processes. Sizes are in KiB.
        if command.contains("--type=renderer") || command.contains("-isForBrowser") {
            let size = |field| processes::status(process, field)?.parse::<u64>().ok();
            sum += ["RssAnon:", "RssShmem:"].into_iter().filter_map(size).sum::<u64>() * 1024;
        }
    }
    if sum == 0 { Err(trouble("the browser has no process that runs a page")) } else { Ok(sum) }
}
