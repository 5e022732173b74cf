//! Takes the measurements: inputs of both classes in random order, made in batches before they are timed.

use super::welch::{Class, Verdict, Welch};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::Rng;
use std::hint::black_box;
use std::time::Instant;

/// Inputs that exist at a time.
const BATCH: u32 = 1_000;

/// The measurements of one operation.
pub struct Bench {
    order: ChaCha12Rng,
    calibration: Vec<f64>,
    calibrate: usize,
    welch: Option<Welch>,
}

impl Bench {
    /// The cropping bounds come from the first `calibrate` measurements, which are then discarded.
    pub fn new(order: ChaCha12Rng, calibrate: usize) -> Self {
        Self { order, calibration: Vec::with_capacity(calibrate), calibrate, welch: None }
    }

    /// Times `work` on `count` inputs made by `prepare`, after those for calibration.
    pub fn measure<I, O>(
        &mut self,
        count: u32,
        mut prepare: impl FnMut(Class) -> I,
        mut work: impl FnMut(&mut I) -> O,
    ) {
        let mut left = count.saturating_add(u32::try_from(self.calibrate).unwrap());
        while left > 0 {
            let size = left.min(BATCH);
            left -= size;
            // All inputs lie side by side before the first is timed, so that neither class is warmer in the caches.
            let mut inputs: Vec<(Class, I)> = (0..size)
                .map(|_| if self.order.next_u32() & 1 == 0 { Class::First } else { Class::Second })
                .map(|class| (class, prepare(class)))
                .collect();
            for (class, input) in &mut inputs {
                let begun = Instant::now();
                let output = work(black_box(input));
                let took = begun.elapsed();
                black_box(output);
                self.record(*class, took.as_secs_f64() * 1e9);
            }
        }
    }

    fn record(&mut self, class: Class, nanoseconds: f64) {
        match &mut self.welch {
            Some(welch) => welch.push(class, nanoseconds),
            None => {
                self.calibration.push(nanoseconds);
                if self.calibration.len() >= self.calibrate {
                    self.welch = Some(Welch::new(&self.calibration));
                }
            }
        }
    }

    /// What the measurements say; `None` before calibration has ended.
    pub fn verdict(&self) -> Option<Verdict> {
        self.welch.as_ref().map(Welch::verdict)
    }
}
