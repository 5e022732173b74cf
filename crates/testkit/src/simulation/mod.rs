//! Random scenarios, each from one number: several people, what they do and what befalls them, a reference model beside
//! them that sees every event, and the end of all trouble, after which everything has to be as promised.
//!
//! The same number is the same scenario. Where one fails, steps are left out as long as it still fails.

mod fate;
mod plan;
mod play;
mod town;
mod witness;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use plan::{Plan, Step};
pub use play::Figures;

use crate::server::ServerStore;

/// Most times that a failing scenario is played again with steps left out.
const SHRINKS_MAX: u32 = 120;

/// Plays a scenario. `store` keeps what the server keeps, in the model's place.
///
/// # Panics
/// When something is not as promised.
#[must_use]
pub fn play(plan: &Plan, store: Option<Box<dyn ServerStore>>) -> Figures {
    play::play(plan, store)
}

/// A scenario failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its number.
    pub seed: u64,
    /// What was not as promised.
    pub why: String,
    /// The places of the steps without which it does not fail.
    pub steps: Vec<usize>,
    /// These steps.
    pub shrunk: Plan,
}

impl core::fmt::Display for Failure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let steps: Vec<String> = self.steps.iter().map(ToString::to_string).collect();
        writeln!(f, "seed {}: {}", self.seed, self.why)?;
        writeln!(f, "its steps, as far as they are needed: {:#?}", self.shrunk)?;
        write!(f, "again: cargo xtask simulate --seed {} --steps {}", self.seed, steps.join(","))
    }
}

/// Plays a scenario from its number; `steps` names those to play, all without it.
///
/// # Errors
/// When something is not as promised: what, and how to see it again.
pub fn try_seed(
    seed: u64,
    steps: Option<&[usize]>,
    store: &dyn Fn() -> Option<Box<dyn ServerStore>>,
) -> Result<Figures, Box<Failure>> {
    let plan = Plan::of(seed);
    let all: Vec<usize> = (0..plan.steps.len()).collect();
    let steps = steps.map_or(all, <[usize]>::to_vec);
    match attempt(&plan.only(&steps), store) {
        Ok(figures) => Ok(figures),
        Err(_) => Err(Box::new(shrink(&plan, steps, store))),
    }
}

fn attempt(plan: &Plan, store: &dyn Fn() -> Option<Box<dyn ServerStore>>) -> Result<Figures, String> {
    catch_unwind(AssertUnwindSafe(|| play(plan, store()))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })
}

/// Leaves steps out, larger parts first, as long as something is still not as promised.
fn shrink(plan: &Plan, mut steps: Vec<usize>, store: &dyn Fn() -> Option<Box<dyn ServerStore>>) -> Failure {
    let mut why = attempt(&plan.only(&steps), store).err().unwrap_or_default();
    let (mut part, mut tries) = (steps.len().div_ceil(2).max(1), 0);
    loop {
        let mut at = 0;
        while at < steps.len() && tries < SHRINKS_MAX {
            let mut fewer = steps.clone();
            fewer.drain(at..(at + part).min(steps.len()));
            tries += 1;
            match attempt(&plan.only(&fewer), store) {
                Err(reason) => (steps, why) = (fewer, reason),
                Ok(_) => at += part,
            }
        }
        if part == 1 || tries >= SHRINKS_MAX {
            break;
        }
        part = part.div_ceil(2);
    }
    Failure { seed: plan.seed, why, shrunk: plan.only(&steps), steps }
}
