//! From records to points: values over intervals, with the band that several seeds span.

use std::ops::Range;

use engine::record::Interval;
use engine::{Histogram, RunRecord, Sparse};

use crate::totals::{column, requests};

/// One point of a curve: where, the value (the mean, of several seeds), and the lowest and highest
/// of all seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub x: f64,
    pub y: f64,
    pub low: f64,
    pub high: f64,
    /// Nothing was measured just before it: the line does not reach back.
    pub first: bool,
}

/// One curve for each of the `N` values per `together` intervals; where a value is no number,
/// there is a gap.
pub fn bands<const N: usize>(
    runs: &[RunRecord],
    together: usize,
    of: impl Fn(&RunRecord, Range<usize>) -> [f64; N],
) -> [Vec<Point>; N] {
    spread(runs, together, |seed, range| of(&runs[seed], range))
}

/// One curve.
pub fn band(
    runs: &[RunRecord],
    together: usize,
    of: impl Fn(&RunRecord, Range<usize>) -> f64,
) -> Vec<Point> {
    let [curve] = bands(runs, together, |run, range| [of(run, range)]);
    curve
}

/// A curve of the sampled values of a metric of a component, each the mean of `together`.
pub fn sampled(runs: &[RunRecord], together: usize, component: &str, metric: &str) -> Vec<Point> {
    let columns: Vec<&[f64]> =
        runs.iter().map(|run| column(run, component, metric).unwrap_or(&[])).collect();
    let mean = |seed: usize, range: Range<usize>| {
        let within = columns[seed].iter().take(range.end).skip(range.start);
        let there = within.filter(|value| value.is_finite());
        let (sum, count) = there.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
        // Nothing there: zero by zero, which is a gap.
        sum / count
    };
    let [curve] = spread(runs, together, |seed, range| [mean(seed, range)]);
    curve
}

fn spread<const N: usize>(
    runs: &[RunRecord],
    together: usize,
    of: impl Fn(usize, Range<usize>) -> [f64; N],
) -> [Vec<Point>; N] {
    let mut curves = [const { Vec::new() }; N];
    let mut broken = [true; N];
    let times = &runs[0].series.times;
    for start in (0..times.len()).step_by(together) {
        let range = start..(start + together).min(times.len());
        let end = times[range.end - 1].as_secs();
        let none = Point { x: end, y: 0.0, low: f64::MAX, high: 0.0, first: true };
        let (mut points, mut counts) = ([none; N], [0.0; N]);
        for seed in 0..runs.len() {
            let found = of(seed, range.clone());
            for ((point, count), value) in points.iter_mut().zip(&mut counts).zip(found) {
                if value.is_finite() {
                    (point.y, *count) = (point.y + value, *count + 1.0);
                    point.low = point.low.min(value);
                    point.high = point.high.max(value);
                }
            }
        }
        for place in 0..N {
            if counts[place] > 0.0 {
                let y = points[place].y / counts[place];
                curves[place].push(Point { y, first: broken[place], ..points[place] });
            }
            broken[place] = counts[place] == 0.0;
        }
    }
    curves
}

/// How long intervals lasted together, in seconds.
pub fn length(run: &RunRecord, range: Range<usize>) -> f64 {
    let times = &run.series.times;
    let before = if range.start == 0 { 0.0 } else { times[range.start - 1].as_secs() };
    times.get(range.end - 1).map_or(f64::NAN, |time| time.as_secs() - before)
}

/// What ended in intervals, of all requests.
pub fn within(run: &RunRecord, range: Range<usize>) -> impl Iterator<Item = &Interval> {
    let inside = requests(run).map(move |operation| {
        let end = range.end.min(operation.intervals.len());
        &operation.intervals[range.start.min(end)..end]
    });
    inside.flatten()
}

/// Quantiles of all requests that ended in intervals, in seconds; no numbers if none did.
pub fn quantiles<const N: usize>(run: &RunRecord, range: Range<usize>, q: [f64; N]) -> [f64; N] {
    let intervals = within(run, range);
    let mut tooks = intervals.map(|interval| &interval.took).filter(|took| !took.is_empty());
    let found = match (tooks.next(), tooks.next()) {
        (Some(only), None) => only.quantiles(q),
        (Some(one), Some(two)) => Sparse::merged([one, two].into_iter().chain(tooks)).quantiles(q),
        _ => None,
    };
    found.map_or([f64::NAN; N], |found| found.map(seconds))
}

/// Nanoseconds as seconds, and never nothing: the axis may be logarithmic.
fn seconds(nanos: u64) -> f64 {
    nanos.max(1) as f64 / 1e9
}

/// Latency (s) against nines: x = 1 is p90, 2 is p99, 3 is p99.9; as far as samples reach.
pub fn nines(took: &Histogram) -> Vec<Point> {
    const STEPS: u32 = 120;
    let most = libm::log10(took.count().max(10) as f64).min(6.0);
    let mut buckets = took.buckets();
    let (mut value, mut seen) = (took.min(), 0);
    let point = |step| {
        let x = f64::from(step) * most / f64::from(STEPS);
        let rank = (1.0 - libm::pow(10.0, -x)) * took.count() as f64;
        while (seen as f64) < rank {
            let Some((low, width, count)) = buckets.next() else { break };
            value = (low + (width - 1) / 2).clamp(took.min(), took.max());
            seen += count;
        }
        let y = seconds(value);
        Point { x, y, low: y, high: y, first: step == 0 }
    };
    (0..=STEPS).map(point).collect()
}
