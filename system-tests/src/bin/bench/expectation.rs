use std::path::Path;

use serde_json::{Value, json};

use crate::Failure;
use crate::progress::say;

/// What was expected of a figure, and whether it was met.
#[derive(Debug, Clone)]
pub(crate) struct Expectation {
    /// What was compared.
    pub(crate) scenario: &'static str,
    /// The unit of `ours` and `floor`.
    pub(crate) unit: &'static str,
    /// Our figure.
    pub(crate) ours: f64,
    /// What it is held against.
    pub(crate) floor: f64,
    /// What is expected of `ours / floor`.
    pub(crate) expected: Bound,
}

/// Where a ratio must lie.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    /// That much or more.
    AtLeast(f64),
    /// Less than that.
    Under(f64),
}

impl Expectation {
    /// Ours in terms of what it is held against.
    pub(crate) fn ratio(&self) -> f64 {
        self.ours / self.floor
    }

    /// Whether the ratio is as expected. One that is no number is not.
    pub(crate) fn is_met(&self) -> bool {
        match self.expected {
            Bound::AtLeast(least) => self.ratio() >= least,
            Bound::Under(limit) => self.ratio() < limit,
        }
    }

    /// For programs.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "scenario": self.scenario,
            "unit": self.unit,
            "ours": rounded(self.ours),
            "floor": rounded(self.floor),
            "ratio": rounded(self.ratio()),
            "expected": self.expected.in_words(),
            "met": self.is_met(),
        })
    }

    /// A row of [`TABLE_HEAD`].
    pub(crate) fn to_markdown(&self) -> String {
        let Self { scenario, unit, ours, floor, expected, .. } = self;
        let (ratio, expected) = (rounded(self.ratio()), expected.in_words());
        let met = if self.is_met() { "yes" } else { "**no**" };
        format!("| {scenario} | {ours:.0} | {floor:.0} | {unit} | {ratio} | {expected} | {met} |")
    }
}

/// The head of a table of expectations.
pub(crate) const TABLE_HEAD: &str =
    "| scenario | ours | floor | unit | ratio | expected | met |\n|---|--:|--:|---|--:|---|---|";

impl Bound {
    fn in_words(self) -> String {
        match self {
            Self::AtLeast(least) => format!("at least {least}"),
            Self::Under(limit) => format!("under {limit}"),
        }
    }
}

/// Says of each whether it was met, also in a file for programs; whether all were.
pub(crate) fn report(expectations: &[Expectation], file: Option<&Path>) -> Result<bool, Failure> {
    for expectation in expectations {
        let Expectation { scenario, unit, .. } = expectation;
        let met = if expectation.is_met() { "yes" } else { "no" };
        say(format!("{scenario} ({unit}): ratio {:.3}, met: {met}", expectation.ratio()));
    }
    if let Some(file) = file {
        let list = Value::Array(expectations.iter().map(Expectation::to_json).collect());
        std::fs::write(file, format!("{list:#}\n"))?;
    }
    Ok(expectations.iter().all(Expectation::is_met))
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(ours: f64, floor: f64, expected: Bound) -> Expectation {
        Expectation { scenario: "speed", unit: "events", ours, floor, expected }
    }

    #[test]
    fn a_bound_is_met_or_not() {
        assert!(held(6.0, 10.0, Bound::AtLeast(0.6)).is_met());
        assert!(!held(5.9, 10.0, Bound::AtLeast(0.6)).is_met());
        assert!(held(9.9, 100.0, Bound::Under(0.1)).is_met());
        assert!(!held(10.0, 100.0, Bound::Under(0.1)).is_met());
        assert!(!held(0.0, 0.0, Bound::AtLeast(0.6)).is_met(), "nothing was measured");
    }

    #[test]
    fn it_is_told_to_programs_and_people() {
        let expectation = held(2.0, 3.0, Bound::AtLeast(0.6));
        assert_eq!(
            expectation.to_json(),
            json!({ "scenario": "speed", "unit": "events", "ours": 2.0, "floor": 3.0, "ratio": 0.667,
                    "expected": "at least 0.6", "met": true })
        );
        assert_eq!(expectation.to_markdown(), "| speed | 2 | 3 | events | 0.667 | at least 0.6 | yes |");
    }
}
