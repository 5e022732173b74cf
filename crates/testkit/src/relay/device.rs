//! The relay between two devices of the kernel's.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tun_rs::{DeviceBuilder, InterruptEvent, SyncDevice};

use super::{Conditions, Counts, Pipe};
use crate::namespace::Namespace;

/// Longest IP packet there can be.
const LONGEST: usize = 65_535;

/// Where a relay ends: a tun device of this name, in this namespace. It has no address and no routes at first.
#[derive(Clone, Copy, Debug)]
pub struct End<'a> {
    /// The namespace.
    pub namespace: &'a Namespace,
    /// The name of the device there, at most 15 letters.
    pub device: &'a str,
}

/// A relay at work; ended with its devices when dropped.
pub struct Relay {
    pipes: [Arc<Mutex<Pipe>>; 2],
    stop: Arc<InterruptEvent>,
    threads: Vec<JoinHandle<()>>,
}

impl Relay {
    /// Begins to relay between two ends, perfectly at first.
    ///
    /// # Errors
    ///
    /// When a device cannot be made.
    pub fn start(ends: [End<'_>; 2], seed: u64) -> io::Result<Relay> {
        let open = |end: End<'_>| end.namespace.enter(|| DeviceBuilder::new().name(end.device).build_sync());
        let [here, there] = ends;
        let (here, there) = (Arc::new(open(here)??), Arc::new(open(there)??));
        let stop = Arc::new(InterruptEvent::new()?);
        let pipes = [seed, !seed].map(|seed| Arc::new(Mutex::new(Pipe::new(seed))));
        let ways = [(&here, &there), (&there, &here)];
        let threads = pipes
            .iter()
            .zip(ways)
            .map(|(pipe, (from, to))| {
                let (pipe, from, to) = (Arc::clone(pipe), Arc::clone(from), Arc::clone(to));
                let stop = Arc::clone(&stop);
                thread::spawn(move || carry(&pipe, &from, &to, &stop))
            })
            .collect();
        Ok(Relay { pipes, stop, threads })
    }

    /// Changes the conditions, for packets that come from now on, in both directions.
    pub fn set(&self, conditions: Conditions) {
        self.pipes.iter().for_each(|pipe| lock(pipe).set(conditions));
    }

    /// What became of the packets from the first end, and of those from the second.
    #[must_use]
    pub fn counts(&self) -> [Counts; 2] {
        [&self.pipes[0], &self.pipes[1]].map(|pipe| lock(pipe).counts())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // If that fails the threads end with the process.
        if self.stop.trigger().is_ok() {
            self.threads.drain(..).for_each(|thread| drop(thread.join()));
        }
    }
}

/// Carries packets one way until it is stopped or the device is gone.
fn carry(pipe: &Mutex<Pipe>, from: &SyncDevice, to: &SyncDevice, stop: &InterruptEvent) {
    let start = Instant::now();
    let mut packet = vec![0; LONGEST];
    loop {
        let wait = lock(pipe).next_due().map(|due| due.saturating_sub(start.elapsed()));
        let came = if wait == Some(Duration::ZERO) {
            None
        } else {
            match from.recv_intr_timeout(&mut packet, stop, wait) {
                Ok(length) => Some(length),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => None,
                Err(_) => return,
            }
        };
        let mut pipe = lock(pipe);
        if let Some(length) = came {
            pipe.take(start.elapsed(), &packet[..length]);
        }
        while let Some(packet) = pipe.give(start.elapsed()) {
            // A device that is down takes nothing: lost, as on any network.
            let _ = to.send(&packet);
        }
    }
}

fn lock(pipe: &Mutex<Pipe>) -> MutexGuard<'_, Pipe> {
    pipe.lock().unwrap_or_else(PoisonError::into_inner)
}
