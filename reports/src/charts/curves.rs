//! From records to points: values over intervals, with the band that several seeds span.

use engine::{Histogram, RunRecord, Sparse};

/// One point of a curve: where, the first seed's value, and the lowest and highest of all seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
    pub low: f64,
    pub high: f64,
}

/// One point per interval in which the first seed has a value.
pub fn band(runs: &[RunRecord], of: impl Fn(&RunRecord, usize) -> Option<f64>) -> Vec<Point> {
    let times = runs[0].series.times.iter().enumerate();
    let point = |(index, time): (usize, &engine::Time)| {
        let values = runs.iter().filter_map(|run| of(run, index)).filter(|v| v.is_finite());
        let y = of(&runs[0], index).filter(|y| y.is_finite())?;
        let (low, high) = values.fold((y, y), |(low, high), v| (low.min(v), high.max(v)));
        Some(Point { x: time.as_secs(), y, low, high })
    };
    times.filter_map(point).collect()
}

/// How long an interval lasted, in seconds.
pub fn length(run: &RunRecord, index: usize) -> f64 {
    let times = &run.series.times;
    let before = if index == 0 { 0.0 } else { times[index - 1].as_secs() };
    times.get(index).map_or(f64::NAN, |time| time.as_secs() - before)
}

/// A sampled value of a whole group.
pub fn column(run: &RunRecord, component: &str, metric: &str, index: usize) -> Option<f64> {
    let mut columns = run.series.columns.iter();
    let is_it = |c: &&engine::record::Column| {
        c.component == component && c.member.is_empty() && c.metric == metric
    };
    columns.find(is_it)?.values.get(index).copied()
}

/// A quantile of all operations that ended in an interval, in milliseconds.
pub fn merged_quantile(run: &RunRecord, index: usize, q: f64) -> Option<f64> {
    let intervals = run.operations.values().filter_map(|op| op.intervals.get(index));
    let took = Sparse::merged(intervals.map(|interval| &interval.took));
    took.quantiles([q]).map(|[nanos]| (nanos as f64 / 1e6).max(1e-3))
}

/// Latency (ms) against nines: x = 1 is p90, 2 is p99, 3 is p99.9; as far as samples reach.
pub fn nines(took: &Histogram) -> Vec<Point> {
    let most = libm::log10(took.count().max(10) as f64).min(6.0);
    let steps = (0..=120).map(|step| f64::from(step) * most / 120.0);
    let point = |x: f64| {
        let q = 1.0 - libm::pow(10.0, -x);
        let y = (took.quantile(q) as f64 / 1e6).max(1e-3);
        Point { x, y, low: y, high: y }
    };
    steps.map(point).collect()
}
