//! Rows of cells that the terminal and the page both show, each in its own frame: so that they
//! cannot disagree.

use engine::record::Outcomes;
use engine::{Histogram, Outcome, RunRecord};

use crate::format::{count, percent, time};
use crate::series::QUANTILES;
use crate::totals::{latencies, loads};

/// What latencies are told by, after the name: how many, the mean, percentiles, the longest.
pub(crate) const OF_LATENCY: [&str; 7] = ["count", "mean", "p50", "p90", "p99", "p99.9", "max"];

/// The cells under [`OF_LATENCY`].
pub(crate) fn latency(took: &Histogram) -> [String; 7] {
    let [p50, p90, p99, p999] = QUANTILES.map(|(_, q)| time(took.quantile(q) as f64));
    let (n, mean, max) = (count(took.count() as f64), time(took.mean()), time(took.max() as f64));
    [n, mean, p50, p90, p99, p999, max]
}

/// A row for all requests and for each operation; for one operation, which is all, only that.
pub(crate) fn operations(runs: &[RunRecord]) -> Vec<(String, [String; 7])> {
    let rows = latencies(runs);
    let skip = usize::from(rows.len() == 2);
    rows.into_iter().skip(skip).map(|(name, took)| (name, latency(&took))).collect()
}

/// What components are told by, after name and kind.
pub(crate) const OF_COMPONENTS: [&str; 6] =
    ["replicas", "busy", "at peak", "queue max", "calls/s", "turned away"];

/// Name, kind, and the cells under [`OF_COMPONENTS`].
pub(crate) fn components(runs: &[RunRecord]) -> Vec<(String, String, [String; 6])> {
    let share = |busy: Option<f64>| busy.map_or("–".into(), percent);
    let loads = loads(runs).into_iter().filter(|load| load.kind != "Traffic");
    let rows = loads.map(|load| {
        let cells = [
            load.replicas.to_string(),
            share(load.busy),
            share(load.peak.map(|peak| peak.value)),
            count(load.queue.map_or(0.0, |queue| queue.value)),
            count(load.rate),
            count(load.turned_away),
        ];
        (load.name, load.kind, cells)
    });
    rows.collect()
}

/// Errors by what they were: `refused 963, timed out 1730`.
pub(crate) fn causes(ends: &Outcomes) -> String {
    listed(ends, Outcome::is_error)
}

/// Ends by what they were.
pub(crate) fn listed(ends: &Outcomes, keep: impl Fn(Outcome) -> bool) -> String {
    let there = Outcome::ALL.into_iter().filter(|o| keep(*o) && ends.of(*o) > 0);
    let there = there.map(|o| format!("{} {}", o.name(), count(ends.of(o) as f64)));
    there.collect::<Vec<_>>().join(", ")
}
