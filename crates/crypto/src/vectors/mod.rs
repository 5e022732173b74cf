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
pub(crate) struct Tally {
    counts: BTreeMap<&'static str, usize>,
    /// Numbers of the cases, by outcome, where they have any.
    cases: BTreeMap<&'static str, Vec<usize>>,
}

impl Tally {
    pub(crate) fn count(&mut self, outcome: &'static str) {
        *self.counts.entry(outcome).or_default() += 1;
    }

    /// The same for a case that has a number.
    pub(crate) fn case(&mut self, outcome: &'static str, number: usize) {
        self.count(outcome);
        self.cases.entry(outcome).or_default().push(number);
    }

    /// Prints what became of the set, and by number which cases each of our own rules refuses: `cargo xtask test` repeats
    /// lines that begin so.
    pub(crate) fn assert(&self, set: &str, expected: &[(&str, usize)], total: usize) {
        let counts: Vec<String> =
            self.counts.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
        println!("vectors {set}: {total} cases: {}", counts.join("; "));
        for (outcome, numbers) in &self.cases {
            // What is invalid anyhow needs no rule of ours.
            if outcome.contains("refused") && !outcome.starts_with("invalid") {
                println!("vectors {set}: {outcome}: {}", ranges(numbers));
            }
        }
        assert_eq!(self.counts.values().sum::<usize>(), total, "{set}: every case has an outcome");
        assert_eq!(self.counts.iter().map(|(k, v)| (*k, *v)).collect::<Vec<_>>(), expected, "{set}");
    }
}

/// Rising numbers as `1, 3-5`.
fn ranges(numbers: &[usize]) -> String {
    let runs = numbers.chunk_by(|before, after| before + 1 == *after);
    let written = runs.filter_map(|run| match run {
        [] => None,
        [one] => Some(one.to_string()),
        [first, .., last] => Some(format!("{first}-{last}")),
    });
    written.collect::<Vec<_>>().join(", ")
}
