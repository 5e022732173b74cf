//! Valid bytes made wrong.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::Rng;

/// Heads of CBOR items with lengths that lie, ends, extremes.
const TELLING: [u8; 12] = [0x00, 0x01, 0x1b, 0x5b, 0x5f, 0x7f, 0x80, 0x9b, 0x9f, 0xbf, 0xf7, 0xff];

/// Changes bytes in one to four ways; `other` is something else that is valid.
pub fn mutate(bytes: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha20Rng) {
    for _ in 0..=rng.next_u32() % 4 {
        let (at, to) = (below(bytes.len(), rng), below(bytes.len(), rng));
        let range = at.min(to)..at.max(to);
        match rng.next_u32() % 8 {
            0 | 1 => with(bytes, at, |byte| byte ^ (1 << (to % 8))),
            2 | 3 => with(bytes, at, |_| TELLING[to % TELLING.len()]),
            4 => bytes.truncate(at),
            5 => drop(bytes.drain(range)),
            6 => {
                let again = bytes[range].to_vec();
                bytes.splice(at..at, again);
            }
            _ => {
                let from = below(other.len(), rng);
                bytes.splice(range, other[from..].iter().copied());
            }
        }
    }
}

fn with(bytes: &mut [u8], at: usize, change: impl FnOnce(u8) -> u8) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte = change(*byte);
    }
}

/// From 0 to `limit`, that included.
fn below(limit: usize, rng: &mut ChaCha20Rng) -> usize {
    (rng.next_u64() % (limit as u64 + 1)) as usize
}
