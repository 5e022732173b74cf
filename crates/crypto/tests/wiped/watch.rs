//! An allocator that looks into every block as it is freed, for secrets that somebody announced.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, RwLock};

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Infallible, TryCryptoRng, TryRng};

/// Halves of 32-byte secrets: also what is left of a secret in part has to be found.
const HALF: usize = 16;
/// From here on a block has to be all zeros: only Argon2id takes as much.
const LARGE: usize = 8 << 20;

struct Announced {
    halves: [[u8; HALF]; 4_000],
    count: usize,
    /// Which first two bytes occur, so that most places in a block are passed over at once.
    beginnings: [bool; 1 << 16],
}

static ANNOUNCED: RwLock<Announced> =
    RwLock::new(Announced { halves: [[0; HALF]; 4_000], count: 0, beginnings: [false; 1 << 16] });
static FOUND: AtomicUsize = AtomicUsize::new(0);
static LARGE_NOT_ZERO: AtomicUsize = AtomicUsize::new(0);
static FREED: AtomicUsize = AtomicUsize::new(0);
/// There is one list of secrets, so one test at a time.
static TURN: Mutex<()> = Mutex::new(());

pub struct Watching;

// SAFETY: hands everything to the system's allocator; growing is left to the trait's own `realloc`, which allocates,
// copies and frees through these two, so that every block passes `dealloc` before it is given back.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeroed, so that every byte of a block may be read later, and nothing is left in it from before.
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is of `layout.size()` bytes and still ours.
        look(unsafe { std::slice::from_raw_parts(block, layout.size()) });
        // SAFETY: the block came from `System` with this layout.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Must not allocate: it is called while freeing.
fn look(block: &[u8]) {
    let announced = ANNOUNCED.read().unwrap();
    if announced.count == 0 {
        return;
    }
    FREED.fetch_add(1, Ordering::Relaxed);
    if block.len() >= LARGE {
        LARGE_NOT_ZERO.fetch_add(usize::from(block.iter().any(|byte| *byte != 0)), Ordering::Relaxed);
        return;
    }
    let halves = &announced.halves[..announced.count];
    for window in block.windows(HALF) {
        if announced.beginnings[beginning(window)] && halves.iter().any(|half| half == window) {
            FOUND.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn beginning(bytes: &[u8]) -> usize {
    usize::from(u16::from_be_bytes([bytes[0], bytes[1]]))
}

/// The right to announce secrets; forgets them at its end.
pub struct Watch(#[allow(dead_code, reason = "held, not used")] MutexGuard<'static, ()>);

impl Watch {
    pub fn begin() -> Self {
        let turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        forget();
        for counter in [&FOUND, &LARGE_NOT_ZERO, &FREED] {
            counter.store(0, Ordering::Relaxed);
        }
        Self(turn)
    }

    /// From now on no freed block may hold these bytes, nor half of them, in either order: the curve's library keeps
    /// scalars with the least byte first.
    pub fn secret(&self, bytes: &[u8]) {
        let mut announced = ANNOUNCED.write().unwrap();
        let mut enter = |half: [u8; HALF]| {
            if !announced.halves[..announced.count].contains(&half) {
                let place = announced.count;
                announced.halves[place] = half;
                announced.count += 1;
                announced.beginnings[beginning(&half)] = true;
            }
        };
        for half in bytes.chunks_exact(HALF) {
            let mut half: [u8; HALF] = half.try_into().unwrap();
            assert!(half.iter().any(|byte| *byte != half[0]), "too plain to be told from anything else");
            enter(half);
            half.reverse();
            enter(half);
        }
    }

    /// Freed blocks with secrets in them so far.
    pub fn found(&self) -> usize {
        FOUND.load(Ordering::Relaxed)
    }

    /// What was freed was looked at, and nothing was found.
    #[track_caller]
    pub fn nothing_left(self) {
        assert!(FREED.load(Ordering::Relaxed) > 0, "nothing was freed at all");
        assert_eq!(self.found(), 0, "secrets in freed memory");
        assert_eq!(LARGE_NOT_ZERO.load(Ordering::Relaxed), 0, "Argon2's memory was not wiped");
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        forget();
    }
}

fn forget() {
    let mut announced = ANNOUNCED.write().unwrap();
    announced.count = 0;
    announced.beginnings.fill(false);
}

/// Announces every 32 bytes that are drawn: private keys, secrets and the randomness of signatures are drawn so; salts
/// and ids, which are not secret, are shorter.
pub struct Announcing<'a>(pub &'a Watch, pub ChaCha12Rng);

impl TryRng for Announcing<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.1.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.1.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.1.try_fill_bytes(bytes)?;
        if bytes.len() == 32 {
            self.0.secret(bytes);
        }
        Ok(())
    }
}

impl TryCryptoRng for Announcing<'_> {}
