//! Processes that stand still (SIGSTOP): all of a browser's, as in a laptop whose lid is closed, or only those that
//! hold its network. The page is told nothing of either.

use std::fs;

use rustix::process::{Pid, Signal, kill_process};

use crate::browser::Kind;
use crate::person::Person;
use crate::processes;
use crate::wait::{Outcome, PATIENCE, trouble, until};

/// Processes of a browser that stand still; they go on when this is dropped, too.
pub struct Standstill {
    stopped: Vec<u32>,
}

impl Person {
    /// The lid is closed: nothing of the browser runs, and nothing may be asked of it.
    ///
    /// # Errors
    ///
    /// When the browser is closed, or not all of its processes stand still.
    pub async fn fall_asleep(&self) -> Outcome<Standstill> {
        self.stop("fall asleep", |_| true).await
    }

    /// The network is gone and nobody is told: nothing is sent or received any more, and no connection ends. In
    /// Chromium that is all of the network; in Firefox direct paths only, and the rest is the proxy's to stall.
    ///
    /// # Errors
    ///
    /// When the browser is closed, or has no process of its own for this.
    pub async fn lose_network(&self) -> Outcome<Standstill> {
        let kind = self.kind;
        self.stop("lose the network", move |process| {
            let command = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command);
            match kind {
                Kind::Chromium => command.contains("--utility-sub-type=network.mojom.NetworkService"),
                // The kind of process is the last word of its title.
                Kind::Firefox => command.trim_end_matches('\0').ends_with(" socket"),
            }
        })
        .await
    }

    async fn stop(&self, what: &str, belongs: impl Fn(u32) -> bool) -> Outcome<Standstill> {
        let driver = self.driver_process().await?;
        let mut standstill = Standstill { stopped: Vec::new() };
        // One that still ran may have begun another.
        until(&format!("{} to {what}", self.name), PATIENCE, async || {
            let processes: Vec<u32> =
                processes::below(driver).into_iter().filter(|process| belongs(*process)).collect();
            let running: Vec<u32> =
                processes.iter().copied().filter(|process| is_running(*process)).collect();
            if running.is_empty() && !processes.is_empty() {
                return Ok(Some(()));
            }
            for process in &running {
                signal(*process, Signal::STOP);
                standstill.stopped.push(*process);
            }
            Err(trouble(format!("of {processes:?} these run: {running:?}")))
        })
        .await?;
        Ok(standstill)
    }
}

impl Standstill {
    /// Lets them go on.
    pub fn end(self) {
        drop(self);
    }
}

impl Drop for Standstill {
    fn drop(&mut self) {
        self.stopped.iter().for_each(|process| signal(*process, Signal::CONT));
    }
}

/// Whether a process neither stands still nor has ended.
fn is_running(process: u32) -> bool {
    processes::status(process, "State:").is_some_and(|state| !["T", "Z", "X"].contains(&state.as_str()))
}

fn signal(process: u32, signal: Signal) {
    // One that has ended in the meantime needs none.
    if let Some(process) = i32::try_from(process).ok().and_then(Pid::from_raw) {
        let _ = kill_process(process, signal);
    }
}
