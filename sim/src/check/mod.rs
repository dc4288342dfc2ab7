//! Checks: what a scenario says must hold, from text to verdict.
//!
//! ```text
//! [finally] [mean] metric[{label=value, …}] [stat] op value [window] [in variant, …]
//! ```
//!
//! Read ([`parse`]), tried against the names of the scenario before anything runs ([`bind`]),
//! measured on the records of the runs ([`measure`]), and judged ([`verdict`]).

pub mod bind;
pub mod measure;
pub mod metric;
pub mod parse;
mod recovery;
#[cfg(test)]
mod tests;
pub mod unit;
pub mod verdict;

pub use metric::Metric;
pub use unit::Unit;
pub use verdict::{Judged, Verdict};

use engine::Time;

/// One check, read.
#[derive(Clone, Debug)]
pub struct Check {
    /// As the scenario writes it.
    pub text: String,
    /// Its place in the list.
    pub index: usize,
    /// Judged on the world at its end, after `settle`.
    pub finally: bool,
    /// Judged on the mean over seeds, not on each seed.
    pub mean: bool,
    /// What is measured.
    pub metric: &'static Metric,
    /// Of whom: names and values; a lone value has no name.
    pub labels: Vec<(String, String)>,
    /// Which number of it.
    pub stat: Stat,
    /// What must be true of that number.
    pub test: Test,
    /// When; `None`: from the end of the warm-up to the end of the traffic.
    pub window: Option<Window>,
    /// In which variants; empty: in all.
    pub variants: Vec<String>,
    /// The number is divided by the same one of this variant first.
    pub relative_to: Option<String>,
}

/// Which number of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stat {
    /// `p99`: the value that this fraction does not exceed.
    Quantile(f64),
    /// The highest.
    Max,
    /// The lowest.
    Min,
    /// The mean.
    Mean,
    /// Per second, or as a share of all.
    Rate,
    /// The number itself.
    Plain,
}

/// What must be true.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Test {
    /// `< 400ms`
    Compare(Op, f64),
    /// `within 0.63..0.77`, both ends included.
    Within(f64, f64),
}

/// How a number is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `=`
    Equal,
    /// `!=`
    Unequal,
}

/// A part of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// `during 60s..180s`, `after 60s`, `before 60s`
    Between(Time, Time),
    /// `at end`: the last interval.
    AtEnd,
}

impl Op {
    /// As it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Op::Less => "<",
            Op::AtMost => "<=",
            Op::More => ">",
            Op::AtLeast => ">=",
            Op::Equal => "=",
            Op::Unequal => "!=",
        }
    }
}

impl Test {
    /// Whether a number passes.
    pub fn holds(self, value: f64) -> bool {
        match self {
            Test::Compare(Op::Less, limit) => value < limit,
            Test::Compare(Op::AtMost, limit) => value <= limit,
            Test::Compare(Op::More, limit) => value > limit,
            Test::Compare(Op::AtLeast, limit) => value >= limit,
            Test::Compare(Op::Equal, limit) => value == limit,
            Test::Compare(Op::Unequal, limit) => value != limit,
            Test::Within(low, high) => (low..=high).contains(&value),
        }
    }
}

impl Check {
    /// The value of a label; a lone value stands for the metric's first label.
    pub fn label(&self, name: &str) -> Option<&str> {
        let first = self.metric.labels.first().is_some_and(|label| label.name == name);
        let found = self.labels.iter().find(|(its, _)| its == name || (first && its.is_empty()));
        found.map(|(_, value)| value.as_str())
    }

    /// What is allowed, with its unit: `< 400ms`.
    pub fn limit(&self) -> String {
        let shown = |limit| self.unit().show(limit);
        let limit = match self.test {
            Test::Within(low, high) => format!("{}..{}", shown(low), shown(high)),
            Test::Compare(op, limit) => format!("{} {}", op.symbol(), shown(limit)),
        };
        match &self.relative_to {
            Some(variant) => format!("{limit} × {variant}"),
            None => limit,
        }
    }

    /// The unit of its number.
    pub fn unit(&self) -> Unit {
        match self.relative_to {
            Some(_) => Unit::Count,
            None => self.metric.unit(self.stat),
        }
    }
}
