//! Published vectors, run through the primitives exactly as the rest of the crate uses them.
//!
//! Wycheproof contains inputs that our formats cannot express or that our stricter rules refuse. Each such case is
//! counted under the rule that refuses it, and the counts are printed and pinned, so that a rule that starts to refuse
//! more, or a set that shrinks, is noticed.

mod hpke;
mod rfc;
mod specification;
mod wycheproof_ecdh;
mod wycheproof_ecdsa;
mod wycheproof_symmetric;

use std::collections::BTreeMap;

/// What became of each case of a set.
#[derive(Default)]
pub(crate) struct Tally(BTreeMap<&'static str, usize>);

impl Tally {
    pub(crate) fn count(&mut self, outcome: &'static str) {
        *self.0.entry(outcome).or_default() += 1;
    }

    pub(crate) fn assert(&self, set: &str, expected: &[(&str, usize)], total: usize) {
        println!("{set}: {total} cases");
        for (outcome, count) in &self.0 {
            println!("  {count:4}  {outcome}");
        }
        assert_eq!(self.0.values().sum::<usize>(), total, "{set}: every case has an outcome");
        assert_eq!(self.0.iter().map(|(k, v)| (*k, *v)).collect::<Vec<_>>(), expected, "{set}");
    }
}
