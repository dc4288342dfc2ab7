//! `charts/*.svg`: what happened over time, and how latency is distributed, drawn by plotters.
//!
//! Every chart has a title, axes with units and a legend; actions are shaded and named on all that
//! run over time. Several seeds: the line is the first seed's, the band behind it the lowest and
//! highest of all. Text width is guessed by plotters when it has no fonts, hence wide margins.

mod canvas;
mod curves;

use engine::{Outcome, RunRecord};

use crate::{Report, VariantRuns};
use canvas::{Chart, Curve, Scale};
use curves::{band, column, merged_quantile};

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
        ("latency", latency(runs, title)),
        ("spectrum", spectrum(runs, title)),
        ("errors", errors(runs, title)),
    ];
    let metrics = [
        ("queue", "queue depth", "waiting", Scale::Linear),
        ("utilisation", "utilisation", "share of time busy, %", Scale::Percent),
        ("lag", "consumer lag", "records behind", Scale::Linear),
        ("hit_ratio", "cache hits", "hit ratio, %", Scale::Percent),
    ];
    for (metric, what, unit, scale) in metrics {
        if let Some(svg) = metric_chart(runs, title, metric, what, unit, scale) {
            charts.push((metric, svg));
        }
    }
    charts
}

/// Offered and completed requests a second, and those that failed.
fn rate(runs: &[RunRecord], title: &str) -> String {
    let ended = |keep: fn(Outcome) -> bool| {
        band(runs, move |run, index| {
            let seconds = curves::length(run, index);
            let kept = |o: &Outcome| keep(*o);
            let ends = run.operations.values().filter_map(|op| op.intervals.get(index));
            let n: u64 = ends
                .map(|i| {
                    Outcome::ALL.iter().filter(|o| kept(o)).map(|o| i.outcomes.of(*o)).sum::<u64>()
                })
                .sum();
            Some(n as f64 / seconds)
        })
    };
    let offered = band(runs, |run, index| column(run, "all", "offered", index));
    let curves = vec![
        Curve::new("offered", offered),
        Curve::new("completed", ended(|o| o == Outcome::Done)),
        Curve::new("denied", ended(|o| o == Outcome::Denied)),
        Curve::new("failed", ended(Outcome::is_error)),
    ];
    let curves = curves.into_iter().filter(|curve| curve.is_something()).collect();
    Chart::over_time(runs, &format!("{title}: requests"), "requests per second").draw(curves)
}

/// Percentiles of all operations together, interval by interval.
fn latency(runs: &[RunRecord], title: &str) -> String {
    let quantiles = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];
    let curves = quantiles
        .map(|(name, q)| Curve::new(name, band(runs, |run, index| merged_quantile(run, index, q))));
    let chart = Chart::over_time(runs, &format!("{title}: latency"), "latency, ms");
    chart.scale(Scale::Log).draw(curves.into())
}

/// The percentile spectrum: latency against how rare it is, in nines.
fn spectrum(runs: &[RunRecord], title: &str) -> String {
    let rows = crate::result::latencies(runs);
    let skip = usize::from(rows.len() == 2);
    let curves = rows.into_iter().skip(skip).take(8).filter(|(_, took)| took.count() > 0);
    let curves = curves.map(|(name, took)| Curve::new(&name, curves::nines(&took))).collect();
    let chart = Chart::over_nines(&format!("{title}: latency by percentile"), "latency, ms");
    chart.scale(Scale::Log).draw(curves)
}

/// Errors a second by cause.
fn errors(runs: &[RunRecord], title: &str) -> String {
    let causes = Outcome::ALL.into_iter().filter(|outcome| outcome.is_error());
    let curves = causes.map(|outcome| {
        let band = band(runs, |run, index| {
            let seconds = curves::length(run, index);
            let ends = run.operations.values().filter_map(|op| op.intervals.get(index));
            Some(ends.map(|i| i.outcomes.of(outcome)).sum::<u64>() as f64 / seconds)
        });
        Curve::new(outcome.name(), band)
    });
    let curves = curves.filter(Curve::is_something).collect();
    Chart::over_time(runs, &format!("{title}: errors by cause"), "errors per second").draw(curves)
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
        .map(|found| {
            let name = &found.component;
            Curve::new(name, band(runs, |run, index| column(run, name, metric, index)))
        })
        .filter(|curve| curve.is_something())
        .collect();
    if curves.is_empty() {
        return None;
    }
    curves.sort_by(|a, b| b.highest().total_cmp(&a.highest()));
    let left_out = curves.len().saturating_sub(8);
    curves.truncate(8);
    let more = match left_out {
        0 => String::new(),
        n => format!(" (the highest 8 of {})", n + 8),
    };
    let chart = Chart::over_time(runs, &format!("{title}: {what}{more}"), unit);
    Some(chart.scale(scale).draw(curves))
}

/// Variants side by side: what was completed, and the p99.
fn compared(report: &Report) -> Vec<(String, String)> {
    let first = &report.variants[0].runs;
    let curve = |variant: &VariantRuns, of: &dyn Fn(&RunRecord, usize) -> Option<f64>| {
        Curve::new(variant.name.as_deref().unwrap_or(""), band(&variant.runs, of))
    };
    let completed = |run: &RunRecord, index: usize| {
        let ends = run.operations.values().filter_map(|op| op.intervals.get(index));
        let done = ends.map(|i| i.outcomes.of(Outcome::Done)).sum::<u64>();
        Some(done as f64 / curves::length(run, index))
    };
    let p99 = |run: &RunRecord, index: usize| merged_quantile(run, index, 0.99);
    let all = report.variants.iter().take(8);
    let goodput = all.clone().map(|variant| curve(variant, &completed)).collect();
    let tails = all.map(|variant| curve(variant, &p99)).collect();
    let name = &report.scenario;
    let rate =
        Chart::over_time(first, &format!("{name}: completed by variant"), "requests per second");
    let tail = Chart::over_time(first, &format!("{name}: p99 by variant"), "latency, ms");
    vec![
        ("compare-completed".into(), rate.draw(goodput)),
        ("compare-p99".into(), tail.scale(Scale::Log).draw(tails)),
    ]
}
