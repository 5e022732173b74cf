//! Figures and what they should be.

use std::time::Duration;

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// Only told.
    None,
    /// Not zero, or nothing was tried.
    Some,
    /// A promise: never anything else.
    Zero,
    AtMost(f64),
    AtLeast(f64),
}

/// One number of one run.
#[derive(Clone, Debug)]
pub struct Figure {
    pub what: String,
    pub unit: &'static str,
    pub goal: Goal,
    pub value: f64,
}

impl Figure {
    pub fn new(what: impl Into<String>, value: f64, unit: &'static str, goal: Goal) -> Self {
        Self { what: what.into(), unit, goal, value }
    }

    pub fn count(what: impl Into<String>, count: usize, goal: Goal) -> Self {
        Self::new(what, count as f64, "", goal)
    }

    /// The quantiles of latencies that are always told: half, and 99 of 100.
    pub fn latencies(what: &str, latencies: &mut [Duration], p99: Goal) -> [Self; 2] {
        latencies.sort_unstable();
        [
            Self::new(format!("{what}, p50"), milliseconds(quantile(latencies, 50)), "ms", Goal::None),
            Self::new(format!("{what}, p99"), milliseconds(quantile(latencies, 99)), "ms", p99),
        ]
    }

    pub fn reached(&self) -> bool {
        match self.goal {
            Goal::None => true,
            Goal::Some => self.value > 0.0,
            Goal::Zero => self.value == 0.0,
            Goal::AtMost(most) => self.value <= most,
            Goal::AtLeast(least) => self.value >= least,
        }
    }

    /// Whether the figure is sound: what was promised holds, and something was tried. Speed is another matter.
    pub fn sound(&self) -> bool {
        matches!(self.goal, Goal::None | Goal::AtMost(_) | Goal::AtLeast(_)) || self.reached()
    }
}

pub fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Of sorted latencies; none is zero.
pub fn quantile(sorted: &[Duration], percent: usize) -> Duration {
    sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
}
