//! Envelopes that carry when they were sent, so that whoever gets one knows how long it took.

use std::time::{Duration, Instant};

use sotto_wire::server::Blob;

use crate::client::device::fresh_blob;

/// An envelope of 1 KiB unlike every other.
pub fn stamped(start: Instant) -> Blob {
    let mut bytes = fresh_blob(1024).into_bytes();
    bytes[8..24].copy_from_slice(&start.elapsed().as_nanos().to_le_bytes());
    Blob::new(bytes).unwrap()
}

pub fn age(blob: &Blob, start: Instant) -> Duration {
    let stamp = u128::from_le_bytes(blob.as_bytes()[8..24].try_into().unwrap());
    start.elapsed().saturating_sub(Duration::from_nanos(stamp.try_into().unwrap()))
}
