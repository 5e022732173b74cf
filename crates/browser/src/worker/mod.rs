//! The dedicated worker: reading files, sealing and opening chunks, data channels for files, OPFS.

/// The worker's main: from now on it answers the page. Called once, in the worker.
pub fn run() {}
