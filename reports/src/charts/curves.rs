//! From records to points: values over intervals, with the band that several seeds span.

use std::ops::Range;

use engine::record::Interval;
use engine::{Histogram, RunRecord, Sparse};

use crate::totals::requests;

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

/// Which intervals are drawn: how many of them make one point, and before which one they end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    together: usize,
    end: usize,
}

/// Ends after traffic has stopped are drawn if they are more than this share of all.
const LATE: f64 = 0.02;

impl Grid {
    /// The whole run, in at most `most` points.
    pub fn whole(runs: &[RunRecord], most: usize) -> Grid {
        let end = runs[0].series.times.len();
        Grid { together: end.div_ceil(most).max(1), end }
    }

    /// As long as there is traffic: that nobody asks any more is no outage. If much ends later,
    /// until it has. A last point of less than half the length of the others is left out.
    pub fn traffic(runs: &[RunRecord], most: usize) -> Grid {
        let stops = |run: &RunRecord| {
            let times = &run.series.times;
            let end = times.partition_point(|time| time.0 <= run.duration.0);
            let ended = |range| within(run, range).map(|i| i.outcomes.total()).sum::<u64>() as f64;
            let (late, all) = (ended(end..times.len()), ended(0..times.len()));
            let any = |at: &usize| within(run, *at..at + 1).any(|i| i.outcomes.total() > 0);
            let last = (end..times.len()).rev().find(any).map_or(end, |last| last + 1);
            if late > LATE * all { last } else { end }
        };
        let end = runs.iter().map(stops).max().unwrap_or(0).min(runs[0].series.times.len());
        let together = end.div_ceil(most).max(1);
        Grid { together, end }.of_whole_points(&runs[0])
    }

    /// With points of at least so many intervals.
    pub fn coarser(self, together: usize, run: &RunRecord) -> Grid {
        Grid { together: together.max(self.together), ..self }.of_whole_points(run)
    }

    /// How many intervals make a point.
    pub fn together(self) -> usize {
        self.together
    }

    /// The second in which the last one ends.
    pub fn ends(self, run: &RunRecord) -> f64 {
        self.end.checked_sub(1).map_or(0.0, |last| run.series.times[last].as_secs())
    }

    fn of_whole_points(self, run: &RunRecord) -> Grid {
        let first = self.end.saturating_sub(1) / self.together * self.together;
        let whole = run.series.every.as_secs() * self.together as f64;
        let short = first > 0 && length(run, first..self.end) < 0.5 * whole;
        Grid { end: if short { first } else { self.end }, ..self }
    }
}

/// One curve for each of the `N` values per point of a grid; where a value is no number, there is
/// a gap.
pub fn bands<const N: usize>(
    runs: &[RunRecord],
    grid: Grid,
    of: impl Fn(&RunRecord, Range<usize>) -> [f64; N],
) -> [Vec<Point>; N] {
    spread(runs, grid, |seed, range| of(&runs[seed], range))
}

/// One curve.
pub fn band(
    runs: &[RunRecord],
    grid: Grid,
    of: impl Fn(&RunRecord, Range<usize>) -> f64,
) -> Vec<Point> {
    let [curve] = bands(runs, grid, |run, range| [of(run, range)]);
    curve
}

/// What was sampled: of which component or member, and which metric.
#[derive(Clone, Copy, Debug)]
pub struct Sampled<'a> {
    pub component: &'a str,
    /// Empty for the whole component.
    pub member: &'a str,
    pub metric: &'a str,
}

/// A curve of sampled values, each the mean over a point's intervals; a share of hits weighs as
/// much as there were look-ups.
pub fn sampled(runs: &[RunRecord], grid: Grid, what: Sampled<'_>) -> Vec<Point> {
    let columns = |metric| -> Vec<&[f64]> {
        let found = runs.iter().map(|run| sampled_column(run, Sampled { metric, ..what }));
        found.map(Option::unwrap_or_default).collect()
    };
    let values = columns(what.metric);
    let weights = (what.metric == "hit_ratio").then(|| columns("look_ups"));
    let mean = |seed: usize, range: Range<usize>| {
        weighed(values[seed], weights.as_ref().map(|weights| weights[seed]), range)
    };
    let [curve] = spread(runs, grid, |seed, range| [mean(seed, range)]);
    curve
}

/// The mean of what is there, each value as heavy as its weight; no number if nothing is there.
fn weighed(values: &[f64], weights: Option<&[f64]>, range: Range<usize>) -> f64 {
    let weight = |at| weights.map_or(1.0, |weights| weights.get(at).copied().unwrap_or(0.0));
    let there = range.filter_map(|at| Some((at, *values.get(at)?)));
    let there = there.filter(|(_, value)| value.is_finite());
    let (sum, all) = there
        .fold((0.0, 0.0), |(sum, all), (at, value)| (sum + value * weight(at), all + weight(at)));
    sum / all
}

fn sampled_column<'a>(run: &'a RunRecord, what: Sampled<'_>) -> Option<&'a [f64]> {
    let Sampled { component, member, metric } = what;
    let mut columns = run.series.columns.iter();
    let found =
        columns.find(|c| c.component == component && c.member == member && c.metric == metric);
    found.map(|column| &column.values[..])
}

fn spread<const N: usize>(
    runs: &[RunRecord],
    grid: Grid,
    of: impl Fn(usize, Range<usize>) -> [f64; N],
) -> [Vec<Point>; N] {
    let mut curves = [const { Vec::new() }; N];
    let mut broken = [true; N];
    let times = &runs[0].series.times;
    for start in (0..grid.end).step_by(grid.together) {
        let range = start..(start + grid.together).min(grid.end);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// One hit of one look-up and one of three are two of four, not two thirds.
    #[test]
    fn shares_are_put_together_by_their_weights() {
        let (shares, look_ups) = ([1.0, 1.0 / 3.0, f64::NAN], [1.0, 3.0, 0.0]);
        assert_eq!(weighed(&shares, Some(&look_ups), 0..3), 0.5);
        assert!((weighed(&shares, None, 0..3) - 2.0 / 3.0).abs() < 1e-12);
        assert!(weighed(&shares, Some(&look_ups), 2..3).is_nan());
    }
}
