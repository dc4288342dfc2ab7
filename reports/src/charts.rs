//! `charts/*.svg`: what happened over time, and how latency is distributed, drawn by plotters.
//!
//! Every chart has a title, axes with units and a legend; actions are shaded and named on all that
//! run over time. Several seeds: the line is their mean, the band behind it the lowest and highest
//! of them. A chart that would be empty is not drawn.

mod axis;
mod canvas;
mod curves;
mod side;
mod windows;

use std::ops::Range;

use engine::{Outcome, RunRecord};

use crate::series::QUANTILES;
use crate::totals::{latencies, latency};
use crate::{Report, VariantRuns};
use canvas::{Chart, Curve, Scale};
use curves::{Point, band, bands, length, nines, quantiles, sampled, within};
use windows::Windows;

/// No chart has more lines than there are colours.
const MOST_LINES: usize = 8;
/// Lines of several variants cross each other too often with more points than this.
const MOST_POINTS: usize = 60;
/// Nor can one variant's be told apart with more than these.
const MOST_OF_ONE: usize = 400;

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

/// How many intervals are put together so that a line has at most so many points.
fn together(runs: &[RunRecord], most: usize) -> usize {
    runs[0].series.times.len().div_ceil(most).max(1)
}

/// Requests a second that ended in one of these ways.
fn ended(run: &RunRecord, range: Range<usize>, keep: impl Fn(Outcome) -> bool) -> f64 {
    let kept = Outcome::ALL.into_iter().filter(|outcome| keep(*outcome));
    let intervals = within(run, range.clone());
    let n: u64 = intervals.flat_map(|i| kept.clone().map(|o| i.outcomes.of(o))).sum();
    n as f64 / length(run, range)
}

/// Offered and completed requests a second, and those that failed.
fn rate(runs: &[RunRecord], title: &str) -> Option<String> {
    let every = together(runs, MOST_OF_ONE);
    let [done, denied, failed] = bands(runs, every, |run, range| {
        [
            ended(run, range.clone(), |o| o == Outcome::Done),
            ended(run, range.clone(), |o| o == Outcome::Denied),
            ended(run, range, Outcome::is_error),
        ]
    });
    let curves = vec![
        Curve::new("offered", sampled(runs, every, "all", "offered")),
        Curve::new("completed", done),
        Curve::new("denied", denied),
        Curve::new("failed", failed),
    ];
    let title = format!("{title}: requests of users");
    Chart::over_time(runs, &title, "requests per second", Scale::Count).draw(curves)
}

/// Percentiles of all requests together, interval by interval.
fn over_time(runs: &[RunRecord], title: &str) -> Option<String> {
    let every = together(runs, MOST_OF_ONE);
    let curves = bands(runs, every, |run, range| quantiles(run, range, QUANTILES.map(|(_, q)| q)));
    let names = QUANTILES.iter().map(|(name, _)| name);
    let curves = names.zip(curves).map(|(name, points)| Curve::new(name, points));
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
    let every = together(runs, MOST_OF_ONE);
    let causes = Outcome::ALL.into_iter().filter(|outcome| outcome.is_error());
    let curves = causes.map(|cause| {
        Curve::new(cause.name(), band(runs, every, |run, range| ended(run, range, |o| o == cause)))
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
        .map(|found| Curve::new(&found.component, sampled(runs, 1, &found.component, metric)))
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

/// Variants side by side: all in one picture, then over time and by percentile. Of many variants
/// the latter are drawn in several charts, so that each line can be told from the others.
fn compared(report: &Report) -> Vec<(String, String)> {
    let every = report.variants.iter().map(|variant| together(&variant.runs, MOST_POINTS));
    let every = every.max().unwrap_or(1);
    let done = |run: &RunRecord, range: Range<usize>| ended(run, range, |o| o == Outcome::Done);
    let p99 = |run: &RunRecord, range: Range<usize>| quantiles(run, range, [0.99])[0];
    let mut charts = vec![("compare".to_string(), side::svg(report))];
    let parts = report.variants.len().div_ceil(MOST_LINES);
    let size = report.variants.len().div_ceil(parts);
    for (part, variants) in report.variants.chunks(size).enumerate() {
        let (number, of) = match parts {
            1 => (String::new(), String::new()),
            _ => (format!("-{}", part + 1), format!(" ({} of {parts})", part + 1)),
        };
        let each = |points: &dyn Fn(&VariantRuns) -> Vec<Point>| -> Vec<Curve> {
            let name = |variant: &VariantRuns| variant.name.clone().unwrap_or_default();
            variants.iter().map(|variant| Curve::new(&name(variant), points(variant))).collect()
        };
        let title = |what: &str| format!("{}, by variant: {what}{of}", report.scenario);
        let over_time = |what: &str, unit, scale| {
            let chart = Chart::over_time(&variants[0].runs, &title(what), unit, scale);
            chart.marked(Windows::of_variants(variants))
        };
        let completed = over_time("requests completed", "requests per second", Scale::Count)
            .draw(each(&|variant| band(&variant.runs, every, done)));
        let slow = over_time("p99 of all requests", "latency", Scale::Latency)
            .draw(each(&|variant| band(&variant.runs, every, p99)));
        let spectrum = Chart::over_nines(&title("latency of all requests by percentile"))
            .draw(each(&|variant| nines(&latency(&variant.runs))));
        charts.push((format!("compare-completed{number}"), completed));
        charts.push((format!("compare-p99{number}"), slow));
        charts.push((format!("compare-spectrum{number}"), spectrum));
    }
    charts.into_iter().filter_map(|(name, svg)| Some((name, svg?))).collect()
}
