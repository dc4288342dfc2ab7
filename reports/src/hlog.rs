//! Latencies for the tools that people know: the interval log and the percentile table of
//! HdrHistogram.

use std::fmt::Write as _;
use std::time::Duration;

use engine::{Histogram, RunRecord};
use hdrhistogram::Histogram as Hdr;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use crate::Report;
use crate::result::latencies;

/// One microsecond: values in the log are nanoseconds, shown in milliseconds.
const DIVISOR: f64 = 1e6;

/// `latency.hlog`: one histogram per operation, interval, variant and seed, tagged so.
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
    for variant in &report.variants {
        for run in &variant.runs {
            for (name, start, span, histogram) in intervals(run) {
                let label = match (several, &variant.name) {
                    (false, _) => name.to_string(),
                    (true, Some(variant)) => format!("{variant}:{}:{name}", run.seed),
                    (true, None) => format!("{}:{name}", run.seed),
                };
                let label = label.replace([',', ' ', '\n'], "_");
                writer
                    .write_histogram(&histogram, start, span, Tag::new(&label))
                    .expect("memory takes everything");
            }
        }
    }
    String::from_utf8(out).expect("the log is text")
}

/// Operation, start and length of each interval with something in it; made one by one, because
/// the library's histograms are large.
fn intervals(run: &RunRecord) -> impl Iterator<Item = (&str, Duration, Duration, Hdr<u64>)> {
    run.operations.iter().flat_map(|(name, operation)| {
        let ends = run.series.times.iter().map(|time| time.0);
        let starts = std::iter::once(0).chain(ends.clone());
        let filled = starts.zip(ends).zip(&operation.intervals);
        filled.filter(|(_, interval)| !interval.took.is_empty()).map(
            move |((start, end), interval)| {
                let nanos = Duration::from_nanos;
                let took = converted(interval.took.values());
                (name.as_str(), nanos(start), nanos(end - start), took)
            },
        )
    })
}

/// Ours in the library's form: each value at the middle of its bucket, three digits.
fn converted(values: impl Iterator<Item = (u64, u64)>) -> Hdr<u64> {
    let mut hdr = Hdr::new(3).expect("three digits are allowed");
    for (value, count) in values {
        hdr.record_n(value, count).expect("it grows as it needs");
    }
    hdr
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
    let hdr = converted(took.buckets().map(|(low, width, n)| (low + (width - 1) / 2, n)));
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
