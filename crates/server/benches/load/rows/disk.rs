//! What the disk itself can do.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// How often a second a page appended to a file becomes durable there, one after the other.
pub fn syncs_per_second(directory: &Path, time: Duration) -> f64 {
    let path = directory.join("syncs");
    let mut file = File::create(&path).unwrap();
    let start = Instant::now();
    let mut syncs = 0_u32;
    while start.elapsed() < time {
        file.write_all(&[1; 4096]).unwrap();
        file.sync_data().unwrap();
        syncs += 1;
    }
    let rate = f64::from(syncs) / start.elapsed().as_secs_f64();
    std::fs::remove_file(path).unwrap();
    rate
}
