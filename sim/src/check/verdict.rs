//! From numbers to a verdict over seeds.
//!
//! A plain check must hold in every run. A `mean` check is about the mean over seeds: with several
//! of them, Student's 95 % interval must lie on one side of the limit, else it is inconclusive.

use engine::RunRecord;
pub use reports::Verdict;

use super::measure::measure;
use super::{Check, Unit};
use crate::sweep::Runs;

/// A check and what became of it in one variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// As the scenario writes it.
    pub text: String,
    /// In which variant; empty if there are none.
    pub variant: String,
    /// What became of it.
    pub verdict: Verdict,
    /// The mean over seeds.
    pub observed: Option<f64>,
    /// The 95 % interval of that mean.
    pub interval: Option<(f64, f64)>,
    /// The unit of both.
    pub unit: Unit,
    /// What was allowed: `< 400ms`.
    pub limit: String,
    /// Seeds in which it does not hold.
    pub failing: Vec<u64>,
}

/// Judges all checks in all variants they are about.
pub fn judge(checks: &[Check], runs: &[Runs]) -> Vec<Judged> {
    let mut judged = Vec::new();
    for check in checks {
        let wanted =
            |runs: &&Runs| check.variants.is_empty() || check.variants.contains(&runs.variant);
        for its in runs.iter().filter(wanted) {
            let base = check.relative_to.as_ref();
            let base = base.and_then(|name| runs.iter().find(|runs| runs.variant == *name));
            judged.push(one(check, its, base));
        }
    }
    judged
}

fn one(check: &Check, runs: &Runs, base: Option<&Runs>) -> Judged {
    let number = |(place, record): (usize, &RunRecord)| {
        let value = measure(check, record)?;
        if check.relative_to.is_none() {
            return Some(value);
        }
        let other = measure(check, base?.records.get(place)?)?;
        (other != 0.0).then_some(value / other)
    };
    let values: Vec<Option<f64>> = runs.records.iter().enumerate().map(number).collect();
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    let interval = interval(&known);
    let mut failing = Vec::new();
    for (record, value) in runs.records.iter().zip(&values) {
        if !check.mean && value.is_some_and(|value| !check.test.holds(value)) {
            failing.push(record.seed);
        }
    }
    let verdict = match (known.len() < values.len() || known.is_empty(), check.mean) {
        _ if !failing.is_empty() => Verdict::Fail,
        (true, _) => Verdict::NoSamples,
        (_, true) => of_mean(check, &known, interval),
        _ => Verdict::Pass,
    };
    let observed = (!known.is_empty()).then(|| mean(&known));
    let (text, variant, unit) = (check.text.clone(), runs.variant.clone(), check.unit());
    let limit = check.limit();
    Judged { text, variant, verdict, observed, interval, unit, limit, failing }
}

fn of_mean(check: &Check, values: &[f64], interval: Option<(f64, f64)>) -> Verdict {
    let mean = mean(values);
    let (low, high) = interval.unwrap_or((mean, mean));
    match [low, mean, high].map(|value| check.test.holds(value)) {
        [true, true, true] => Verdict::Pass,
        [false, false, false] if !straddles(check, low, high) => Verdict::Fail,
        _ => Verdict::Inconclusive,
    }
}

/// Whether some value between two that both fail would pass.
fn straddles(check: &Check, low: f64, high: f64) -> bool {
    match check.test {
        super::Test::Compare(super::Op::Equal, limit) => low < limit && limit < high,
        super::Test::Within(from, to) => low < to && from < high,
        super::Test::Compare(..) => false,
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Student's 95 % interval of the mean; `None` for fewer than two values.
pub fn interval(values: &[f64]) -> Option<(f64, f64)> {
    let count = values.len();
    let centre = mean(values);
    if count < 2 || !centre.is_finite() {
        return None;
    }
    let squares: f64 = values.iter().map(|value| (value - centre) * (value - centre)).sum();
    let error = (squares / (count - 1) as f64 / count as f64).sqrt();
    let half = student(count - 1) * error;
    Some((centre - half, centre + half))
}

/// The 97.5 % quantile of Student's t, from the usual table; between its rows the larger value.
fn student(freedom: usize) -> f64 {
    const TABLE: [f64; 30] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
        2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
        2.052, 2.048, 2.045, 2.042,
    ];
    match freedom {
        0..=30 => TABLE[freedom.clamp(1, 30) - 1],
        31..=39 => 2.042,
        40..=59 => 2.021,
        60..=119 => 2.000,
        120..=999 => 1.980,
        _ => 1.962,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::parse::parse;

    /// Values 1, 2, 3: mean 2, deviation 1, error 1/√3 = 0.5774, t(2) = 4.303: 2 ± 2.484.
    #[test]
    fn the_interval_is_students() {
        let (low, high) = interval(&[1.0, 2.0, 3.0]).unwrap();
        assert!((low + 0.4843).abs() < 1e-3 && (high - 4.4843).abs() < 1e-3, "{low} {high}");
        assert_eq!(interval(&[1.0]), None);
        assert_eq!(interval(&[2.0, 2.0]), Some((2.0, 2.0)));
    }

    #[test]
    fn a_mean_is_judged_by_its_interval() {
        let verdict = |text: &str, values: &[f64]| {
            let check = parse(text, 0).map_err(|it| it.message).unwrap();
            of_mean(&check, values, interval(values))
        };
        let even = [1.0, 2.0, 3.0];
        assert_eq!(verdict("mean count{x} < 5", &even), Verdict::Pass);
        assert_eq!(verdict("mean count{x} < 4", &even), Verdict::Inconclusive);
        assert_eq!(verdict("mean count{x} > 5", &even), Verdict::Fail);
        assert_eq!(verdict("mean count{x} within 1.9..2.1", &even), Verdict::Inconclusive);
        assert_eq!(verdict("mean count{x} within -1..9", &even), Verdict::Pass);
        assert_eq!(verdict("mean count{x} within 5..9", &even), Verdict::Fail);
    }
}
