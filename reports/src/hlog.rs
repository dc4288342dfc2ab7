//! Latencies for the tools that people know: the interval log and the percentile table of
//! HdrHistogram.

use std::fmt::Write as _;
use std::time::Duration;

use engine::record::Interval;
use engine::{Histogram, RunRecord};
use hdrhistogram::Histogram as Hdr;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use crate::Report;
use crate::series::MOST_SEEDS;
use crate::totals::latencies;

/// Nanoseconds in a millisecond: the log keeps nanoseconds, and shows milliseconds.
const DIVISOR: f64 = 1e6;
/// The log has at most this many histograms of an operation and seed.
const MOST_INTERVALS: usize = 60;

/// `latency.hlog`: one histogram per operation, interval, variant and seed (the first
/// [`MOST_SEEDS`] of them), tagged so.
pub fn log(report: &Report) -> String {
    let mut out = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut builder = IntervalLogWriterBuilder::new();
    builder
        .add_comment("[Latencies in simulated nanoseconds]")
        .add_comment("[StartTime: 0.000 (seconds since epoch)]")
        .with_max_value_divisor(DIVISOR);
    let mut writer =
        builder.begin_log_with(&mut out, &mut serializer).expect("memory takes everything");
    let several = report.variants.len() > 1 || report.runs().count() > 1;
    let mut hdr = empty();
    for variant in &report.variants {
        for run in variant.runs.iter().take(MOST_SEEDS) {
            for interval in intervals(run) {
                let label = match (several, &variant.name) {
                    (false, _) => interval.operation.to_string(),
                    (true, Some(variant)) => {
                        format!("{variant}:{}:{}", run.seed, interval.operation)
                    }
                    (true, None) => format!("{}:{}", run.seed, interval.operation),
                };
                let label = label.replace([',', ' ', '\n'], "_");
                hdr.reset();
                interval.parts.iter().for_each(|part| fill(&mut hdr, part.took.values()));
                let [start, span] = [interval.start, interval.span].map(Duration::from_nanos);
                writer
                    .write_histogram(&hdr, start, span, Tag::new(&label))
                    .expect("memory takes everything");
            }
        }
    }
    String::from_utf8(out).expect("the log is text")
}

/// What ended in one or several intervals of the series.
struct Logged<'a> {
    operation: &'a str,
    start: u64,
    span: u64,
    parts: &'a [Interval],
}

/// What is logged of a run: neighbours are put together where there are too many.
fn intervals(run: &RunRecord) -> impl Iterator<Item = Logged<'_>> {
    let ends = &run.series.times;
    let together = ends.len().div_ceil(MOST_INTERVALS).max(1);
    run.operations.iter().flat_map(move |(operation, record)| {
        let places = (0..ends.len()).step_by(together);
        let logged = places.zip(record.intervals.chunks(together)).map(move |(place, parts)| {
            let start = place.checked_sub(1).map_or(0, |before| ends[before].0);
            let end = ends[(place + together).min(ends.len()) - 1].0;
            Logged { operation, start, span: end - start, parts }
        });
        logged.filter(|interval| interval.parts.iter().any(|part| !part.took.is_empty()))
    })
}

fn empty() -> Hdr<u64> {
    Hdr::new(3).expect("three digits are allowed")
}

/// Ours in the library's form, three digits: values, each with its count.
fn fill(hdr: &mut Hdr<u64>, values: impl Iterator<Item = (u64, u64)>) {
    for (value, count) in values {
        hdr.record_n(value, count).expect("it grows as it needs");
    }
}

/// `latency.hgrm`: the percentile spectrum of each operation, in milliseconds.
pub fn percentiles(report: &Report) -> String {
    let mut out = String::new();
    for variant in &report.variants {
        for (operation, took) in latencies(&variant.runs) {
            let title = match &variant.name {
                Some(name) => format!("{name} {operation}"),
                None => operation,
            };
            let _ = writeln!(out, "# {title}");
            table(&mut out, &took);
        }
    }
    out
}

fn table(out: &mut String, took: &Histogram) {
    let mut hdr = empty();
    fill(&mut hdr, took.buckets().map(|(low, width, n)| (low + (width - 1) / 2, n)));
    let _ = writeln!(
        out,
        "{:>12} {:>14} {:>10} {:>14}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    let mut seen = 0;
    for step in hdr.iter_quantiles(5) {
        seen += step.count_since_last_iteration();
        let value = step.value_iterated_to() as f64 / DIVISOR;
        let quantile = step.quantile_iterated_to();
        let _ = match quantile < 1.0 {
            true => writeln!(
                out,
                "{value:>12.3} {quantile:>2.12} {seen:>10} {:>14.2}",
                1.0 / (1.0 - quantile)
            ),
            false => writeln!(out, "{value:>12.3} {quantile:>2.12} {seen:>10}"),
        };
    }
    let (mean, max) = (took.mean() / DIVISOR, took.max() as f64 / DIVISOR);
    let _ = writeln!(
        out,
        "#[Mean    = {mean:>12.3}, StdDeviation   = {:>12.3}]",
        hdr.stdev() / DIVISOR
    );
    let _ = writeln!(out, "#[Max     = {max:>12.3}, Total count    = {:>12}]\n", took.count());
}
