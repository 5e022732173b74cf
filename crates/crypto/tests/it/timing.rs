//! That the timing check can tell and runs; what it measures is not judged here (`cargo xtask timing`).

#[path = "../../benches/timing/measure.rs"]
mod measure;
#[path = "../../benches/timing/subjects.rs"]
mod subjects;
#[path = "../../benches/timing/welch.rs"]
mod welch;

use super::common;
use common::rng;
use measure::Bench;
use rand_core::Rng;
use welch::{Class, Welch};

/// Noise between 100 and 200, for the second class moved by `shift`; every 50th comes with an interruption.
fn synthetic(shift: f64) -> welch::Verdict {
    let rng = &mut rng(1);
    let mut value = |class| {
        let noise = 100.0 + f64::from(rng.next_u32() % 1000) / 10.0;
        let interruption =
            if rng.next_u32().is_multiple_of(50) { f64::from(rng.next_u32() % 1_000_000) } else { 0.0 };
        noise + interruption + if class == Class::Second { shift } else { 0.0 }
    };
    let calibration: Vec<f64> = (0..2_000).map(|_| value(Class::First)).collect();
    let mut welch = Welch::new(&calibration);
    for number in 0..40_000 {
        let class = if number % 2 == 0 { Class::First } else { Class::Second };
        welch.push(class, value(class));
    }
    welch.verdict()
}

#[test]
fn cropping_finds_what_interruptions_hide() {
    let same = synthetic(0.0);
    assert!(!same.differs(), "{same}");
    let moved = synthetic(5.0);
    assert!(moved.differs(), "{moved}");
    assert!(moved.uncropped.abs() < welch::THRESHOLD, "{moved}");
}

/// Checked by hand: means 2 and 4, variances 1 and 1 (n − 1), 1,500 of each.
#[test]
fn t_is_welchs() {
    let mut welch = Welch::new(&[1e9]);
    for number in 0..1_500 {
        let offset = [-1.0, 0.0, 1.0][number % 3];
        welch.push(Class::First, 2.0 + offset);
        welch.push(Class::Second, 4.0 + offset);
    }
    // The sample variance is 1000/1499, so t = −2 / sqrt(2 · 1000 / 1499 / 1500).
    let expected = -2.0 / (2.0 * 1000.0 / 1499.0 / 1500.0_f64).sqrt();
    assert!((welch.verdict().uncropped - expected).abs() < 1e-6, "{}", welch.verdict());
}

#[test]
fn every_operation_can_be_measured() {
    for subject in subjects::SUBJECTS {
        let mut bench = Bench::new(rng(0), 50);
        (subject.run)(&mut bench, 50);
        let verdict = bench.verdict().unwrap();
        assert_eq!(verdict.measurements, 50.0, "{}: {}", subject.name, subject.classes);
        // The cropped tests need thousands in each class.
        assert!(subject.measurements >= 20_000, "{}", subject.name);
    }
    assert!(subjects::SUBJECTS.iter().any(|subject| subject.control));
}
