//! Welch's t-test between two classes of measurements, cropped and uncropped, as dudect does it (Reparaz, Balasch,
//! Verbauwhede: "Dude, is my code constant time?", 2017).

use core::fmt;

/// Beyond this, two classes differ; dudect's bound.
pub const THRESHOLD: f64 = 10.0;
/// A cropped test counts once each class holds so many measurements.
const LEAST: f64 = 500.0;
/// Cropping bounds: `1 − 2^(−10·i/100)` of the measurements lie below the i-th.
const CROPS: u32 = 100;

/// Which of the two kinds of input was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The first kind.
    First,
    /// The second kind.
    Second,
}

/// Mean and variance, one value after another (Welford).
#[derive(Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn push(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }

    fn variance_of_mean(&self) -> f64 {
        self.squares / (self.count - 1.0) / self.count
    }
}

/// One t-test, over the measurements below a bound.
#[derive(Clone, Copy)]
struct Test {
    below: f64,
    first: Moments,
    second: Moments,
}

impl Test {
    fn new(below: f64) -> Self {
        Self { below, first: Moments::default(), second: Moments::default() }
    }

    fn push(&mut self, class: Class, nanoseconds: f64) {
        if nanoseconds >= self.below {
            return;
        }
        match class {
            Class::First => self.first.push(nanoseconds),
            Class::Second => self.second.push(nanoseconds),
        }
    }

    /// `None` while there are too few measurements to say anything.
    fn t(&self) -> Option<f64> {
        if self.first.count < LEAST || self.second.count < LEAST {
            return None;
        }
        let difference = self.first.mean - self.second.mean;
        let spread = (self.first.variance_of_mean() + self.second.variance_of_mean()).sqrt();
        // A clock that never moves tells nothing; two that never move but differ tell everything.
        Some(match (difference == 0.0, spread == 0.0) {
            (true, true) => 0.0,
            (false, true) => f64::INFINITY.copysign(difference),
            _ => difference / spread,
        })
    }
}

/// The tests over all measurements of one operation.
pub struct Welch {
    tests: Vec<Test>,
}

impl Welch {
    /// Takes the cropping bounds from measurements that are used for nothing else.
    pub fn new(calibration: &[f64]) -> Self {
        let mut sorted = calibration.to_vec();
        sorted.sort_by(f64::total_cmp);
        let bound = |crop: u32| {
            let share = 1.0 - 0.5_f64.powf(f64::from(10 * crop) / f64::from(CROPS));
            #[allow(clippy::as_conversions, reason = "a share of a few thousand")]
            let place = (share * sorted.len() as f64) as usize;
            sorted.get(place).copied().unwrap_or(f64::INFINITY)
        };
        let bounds = core::iter::once(f64::INFINITY).chain((1..=CROPS).map(bound));
        Self { tests: bounds.map(Test::new).collect() }
    }

    /// Adds a measurement.
    pub fn push(&mut self, class: Class, nanoseconds: f64) {
        for test in &mut self.tests {
            test.push(class, nanoseconds);
        }
    }

    /// What the tests say so far.
    pub fn verdict(&self) -> Verdict {
        let all = self.tests[0];
        let largest = self
            .tests
            .iter()
            .filter_map(|test| Some((test.t()?, test)))
            .max_by(|(a, _), (b, _)| a.abs().total_cmp(&b.abs()));
        let (largest, of) = largest.map_or((0.0, all), |(t, test)| (t, *test));
        Verdict {
            measurements: all.first.count + all.second.count,
            uncropped: all.t().unwrap_or(0.0),
            largest,
            below: of.below,
            means: (of.first.mean, of.second.mean),
        }
    }
}

/// The outcome for one operation.
#[derive(Clone, Copy, Debug)]
pub struct Verdict {
    /// All measurements, those cropped away included.
    pub measurements: f64,
    /// t over all of them.
    pub uncropped: f64,
    /// The t farthest from zero.
    pub largest: f64,
    /// Only measurements below so many nanoseconds count for it.
    below: f64,
    /// Means of both classes for it, in nanoseconds.
    means: (f64, f64),
}

impl Verdict {
    /// Whether the two classes take different times.
    pub fn differs(&self) -> bool {
        self.largest.abs() > THRESHOLD
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.means;
        write!(
            f,
            "{:>9} measurements, t {:+8.2} uncropped, {:+8.2} at most (below {:.0} ns: {first:.1} and {second:.1} ns)",
            self.measurements, self.uncropped, self.largest, self.below
        )
    }
}
