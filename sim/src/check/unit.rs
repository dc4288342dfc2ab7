//! Units of checks: mandatory and typed, so that `p99 < 400` is a mistake and `p99 < 2%` too.

use engine::Span;
use models::units::{Dur, Rate, Share};

/// What kind of number it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds; written `400ms`.
    Time,
    /// Between 0 and 1; written `1%`.
    Share,
    /// Per second; written `950/s`.
    PerSecond,
    /// How many; written `20_000`.
    Count,
}

impl Unit {
    /// Reads a limit in this unit.
    pub fn parse(self, text: &str) -> Result<f64, String> {
        let read = match self {
            Unit::Time => Dur::parse(text).ok().map(|dur| dur.0.0 as f64),
            Unit::Share => Share::parse(text).ok().map(|share| share.0),
            Unit::PerSecond => Rate::parse(text).ok().map(|rate| rate.0),
            Unit::Count => text.replace('_', "").parse().ok().filter(|n: &f64| n.is_finite()),
        };
        read.ok_or_else(|| format!("`{text}` is no {}", self.what()))
    }

    /// What it is called.
    pub fn what(self) -> &'static str {
        match self {
            Unit::Time => "time: write `400ms`",
            Unit::Share => "share: write `1%`, from 0 to 100 %",
            Unit::PerSecond => "rate: write `950/s`",
            Unit::Count => "number: write `20_000`",
        }
    }

    /// How results call it, in the notation of the series.
    pub fn symbol(self) -> &'static str {
        match self {
            Unit::Time => "ns",
            Unit::Share => "ratio",
            Unit::PerSecond => "1/s",
            Unit::Count => "",
        }
    }

    /// A value with its unit, three digits.
    pub fn show(self, value: f64) -> String {
        match self {
            _ if value.is_infinite() => "never".into(),
            Unit::Time => Span::from_f64(value).to_string(),
            Unit::Share => format!("{}%", digits(value * 100.0)),
            Unit::PerSecond => format!("{}/s", digits(value)),
            Unit::Count => digits(value),
        }
    }
}

/// Whole numbers as they are, others to three digits.
fn digits(value: f64) -> String {
    match value.abs() {
        v if v == v.trunc() && v < 1e15 => format!("{value:.0}"),
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_mandatory_and_typed() {
        assert_eq!(Unit::Time.parse("400ms"), Ok(4e8));
        assert_eq!(Unit::Share.parse("1%"), Ok(0.01));
        assert_eq!(Unit::PerSecond.parse("60/min"), Ok(1.0));
        assert_eq!(Unit::Count.parse("20_000"), Ok(20_000.0));
        for (unit, text) in [
            (Unit::Time, "400"),
            (Unit::Time, "1%"),
            (Unit::Share, "0.01"),
            (Unit::PerSecond, "950"),
            (Unit::Count, "5ms"),
            (Unit::Count, "inf"),
        ] {
            assert!(unit.parse(text).is_err(), "{text}");
        }
    }
}
