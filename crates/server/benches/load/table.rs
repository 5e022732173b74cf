//! The table of a row over several runs.

use std::fmt;

use crate::rows::figure::{Figure, Goal};

/// The figures of several runs of a row.
#[derive(Default)]
pub struct Table {
    runs: Vec<Vec<Figure>>,
}

impl Table {
    pub fn add(&mut self, run: Vec<Figure>) {
        for figure in &run {
            println!("  {:<48} {:>12} {}", figure.what, number(figure.value), figure.unit);
        }
        self.runs.push(run);
    }

    pub fn sound(&self) -> bool {
        self.runs.iter().flatten().all(Figure::sound)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.runs.first() else { return Ok(()) };
        writeln!(f, "| figure | median | least to most | goal | |\n|---|---|---|---|---|")?;
        for (at, figure) in first.iter().enumerate() {
            let mut values: Vec<f64> = self.runs.iter().map(|run| run[at].value).collect();
            values.sort_unstable_by(f64::total_cmp);
            let (least, most) = (values[0], values[values.len() - 1]);
            // A promise holds in every run or not at all.
            let value = if figure.goal == Goal::Zero { most } else { values[values.len() / 2] };
            let goal = match figure.goal {
                Goal::None | Goal::Some => String::new(),
                Goal::Zero => "0".into(),
                Goal::AtMost(most) => format!("≤ {} {}", number(most), figure.unit),
                Goal::AtLeast(least) => format!("≥ {} {}", number(least), figure.unit),
            };
            let reached = Figure { value, ..figure.clone() }.reached();
            let verdict = match (figure.goal, reached) {
                (Goal::None, _) | (Goal::Some, true) => "",
                (_, true) => "reached",
                (_, false) => "**missed**",
            };
            writeln!(
                f,
                "| {} | {} {} | {} to {} | {goal} | {verdict} |",
                figure.what,
                number(value),
                figure.unit,
                number(least),
                number(most)
            )?;
        }
        Ok(())
    }
}

/// Three digits that say something, whole numbers with their thousands apart.
fn number(value: f64) -> String {
    if value.fract() != 0.0 && value.abs() < 100.0 {
        return if value.abs() < 10.0 { format!("{value:.2}") } else { format!("{value:.1}") };
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = String::from(if value < 0.0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
