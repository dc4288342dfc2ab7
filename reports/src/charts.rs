//! `charts/*.svg`: what happened over time, and how latency is distributed, drawn by plotters.
//!
//! Every chart has a title, axes with units and a legend; actions are shaded and named on all that
//! run over time. Several seeds: the line is their mean, the band behind it the lowest and highest
//! of them. A chart that would be empty is not drawn.

mod axis;
mod canvas;
mod curves;
mod windows;

use engine::{Outcome, RunRecord};

use crate::totals::{latencies, latency, requests};
use crate::{Report, VariantRuns};
use canvas::{Chart, Curve, Scale};
use curves::{band, bands, length, nines, quantiles, sampled};

/// No chart has more lines than there are colours.
const MOST_LINES: usize = 8;

/// Every chart of a report: its name, and the drawing.
pub fn all(report: &Report) -> Vec<(String, String)> {
    let mut charts = Vec::new();
    for variant in &report.variants {
        let folder = variant.name.as_ref().map_or(String::new(), |name| format!("{name}/"));
        let title = match &variant.name {
            Some(name) => format!("{} [{name}]", report.scenario),
            None => report.scenario.clone(),
        };
        for (name, svg) in of_variant(variant, &title) {
            charts.push((format!("{folder}{name}"), svg));
        }
    }
    if report.variants.len() > 1 {
        charts.extend(compared(report));
    }
    charts
}

fn of_variant(variant: &VariantRuns, title: &str) -> Vec<(&'static str, String)> {
    let runs = &variant.runs;
    let mut charts = vec![
        ("rate", rate(runs, title)),
        ("latency", over_time(runs, title)),
        ("spectrum", spectrum(runs, title)),
        ("errors", errors(runs, title)),
    ];
    let metrics = [
        ("queue", "queue depth", "calls waiting", Scale::Count),
        ("utilisation", "utilisation", "share of time busy", Scale::Percent),
        ("lag", "consumer lag", "records not yet consumed", Scale::Count),
        ("hit_ratio", "cache hits", "share of look-ups", Scale::Percent),
    ];
    for (metric, what, unit, scale) in metrics {
        charts.push((metric, metric_chart(runs, title, metric, what, unit, scale)));
    }
    charts.into_iter().filter_map(|(name, svg)| Some((name, svg?))).collect()
}

/// Requests a second that ended in one of these ways.
fn ended(run: &RunRecord, index: usize, keep: impl Fn(Outcome) -> bool) -> f64 {
    let intervals = requests(run).filter_map(|operation| operation.intervals.get(index));
    let kept = Outcome::ALL.into_iter().filter(|outcome| keep(*outcome));
    let n: u64 = intervals.flat_map(|i| kept.clone().map(|o| i.outcomes.of(o))).sum();
    n as f64 / length(run, index)
}

/// Offered and completed requests a second, and those that failed.
fn rate(runs: &[RunRecord], title: &str) -> Option<String> {
    let [done, denied, failed] = bands(runs, |run, index| {
        [
            ended(run, index, |o| o == Outcome::Done),
            ended(run, index, |o| o == Outcome::Denied),
            ended(run, index, Outcome::is_error),
        ]
    });
    let curves = vec![
        Curve::new("offered", sampled(runs, "all", "offered")),
        Curve::new("completed", done),
        Curve::new("denied", denied),
        Curve::new("failed", failed),
    ];
    let title = format!("{title}: requests of users");
    Chart::over_time(runs, &title, "requests per second", Scale::Count).draw(curves)
}

/// Percentiles of all requests together, interval by interval.
fn over_time(runs: &[RunRecord], title: &str) -> Option<String> {
    let curves = bands(runs, |run, index| quantiles(run, index, [0.5, 0.9, 0.99, 0.999]));
    let names = ["p50", "p90", "p99", "p99.9"];
    let curves = names.into_iter().zip(curves).map(|(name, points)| Curve::new(name, points));
    let title = format!("{title}: latency of all requests");
    Chart::over_time(runs, &title, "latency", Scale::Latency).draw(curves.collect())
}

/// The percentile spectrum: latency against how rare it is, in nines.
fn spectrum(runs: &[RunRecord], title: &str) -> Option<String> {
    let rows = latencies(runs);
    let skip = usize::from(rows.len() == 2);
    let rows = rows.into_iter().skip(skip).filter(|(_, took)| took.count() > 0);
    let curves = rows.take(MOST_LINES).map(|(name, took)| Curve::new(&name, nines(&took)));
    Chart::over_nines(&format!("{title}: latency by percentile")).draw(curves.collect())
}

/// Errors a second by cause.
fn errors(runs: &[RunRecord], title: &str) -> Option<String> {
    let causes = Outcome::ALL.into_iter().filter(|outcome| outcome.is_error());
    let curves = causes.map(|cause| {
        Curve::new(cause.name(), band(runs, |run, index| ended(run, index, |o| o == cause)))
    });
    let title = format!("{title}: requests that ended in an error, by cause");
    Chart::over_time(runs, &title, "errors per second", Scale::Count).draw(curves.collect())
}

/// One metric of every component that has it; of more than eight, those that reached highest.
fn metric_chart(
    runs: &[RunRecord],
    title: &str,
    metric: &str,
    what: &str,
    unit: &str,
    scale: Scale,
) -> Option<String> {
    let columns = runs[0].series.columns.iter();
    let with = columns.filter(|c| c.metric == metric && c.member.is_empty());
    let mut curves: Vec<Curve> = with
        .map(|found| Curve::new(&found.component, sampled(runs, &found.component, metric)))
        .filter(Curve::is_something)
        .collect();
    curves.sort_by(|a, b| b.highest().total_cmp(&a.highest()));
    let more = match curves.len() {
        ..=MOST_LINES => String::new(),
        n => format!(" (the highest {MOST_LINES} of {n})"),
    };
    curves.truncate(MOST_LINES);
    let title = format!("{title}: {what}{more}");
    Chart::over_time(runs, &title, unit, scale).draw(curves)
}

/// Variants side by side: what was completed, the p99 over time, and all percentiles.
fn compared(report: &Report) -> Vec<(String, String)> {
    let first = &report.variants[0].runs;
    let each = |points: &dyn Fn(&VariantRuns) -> Vec<curves::Point>| -> Vec<Curve> {
        let variants = report.variants.iter().take(MOST_LINES);
        let name = |variant: &VariantRuns| variant.name.clone().unwrap_or_default();
        variants.map(|variant| Curve::new(&name(variant), points(variant))).collect()
    };
    let done = |run: &RunRecord, index: usize| ended(run, index, |o| o == Outcome::Done);
    let p99 = |run: &RunRecord, index: usize| quantiles(run, index, [0.99])[0];
    let title = |what: &str| format!("{}, by variant: {what}", report.scenario);
    let over_time = |what: &str, unit, scale| Chart::over_time(first, &title(what), unit, scale);
    let charts = [
        (
            "compare-completed",
            over_time("requests completed", "requests per second", Scale::Count)
                .draw(each(&|variant| band(&variant.runs, done))),
        ),
        (
            "compare-p99",
            over_time("p99 of all requests", "latency", Scale::Latency)
                .draw(each(&|variant| band(&variant.runs, p99))),
        ),
        (
            "compare-spectrum",
            Chart::over_nines(&title("latency of all requests by percentile"))
                .draw(each(&|variant| nines(&latency(&variant.runs)))),
        ),
    ];
    let drawn = charts.into_iter().filter_map(|(name, svg)| Some((name.to_string(), svg?)));
    drawn.collect()
}
