//! The worker: files, chunks and channels off the main thread.

fn main() {
    sotto_browser::worker::run();
}
