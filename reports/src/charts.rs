//! `charts/*.svg`: what happened over time, and how latency is distributed, drawn by plotters.
//!
//! Every chart has a title, axes with units and a legend; actions are shaded and named on all that
//! run over time. Several seeds: the line is their mean, the band behind it the lowest and highest
//! of them. A chart that would be empty is not drawn.

mod axis;
mod canvas;
mod compared;
mod curves;
mod judged;
mod levels;
mod lines;
mod side;
mod windows;

use std::ops::Range;

use engine::{Outcome, RunRecord};

use crate::series::QUANTILES;
use crate::totals::latencies;
use crate::{Report, VariantRuns};
use canvas::{Chart, Scale};
use curves::{Grid, Sampled, band, bands, length, nines, quantiles, sampled, within};
use levels::LEVELS;
use lines::Curve;

/// No chart has more lines than there are colours.
const MOST_LINES: usize = 8;
/// Nor can a line's points be told apart if they are more than these.
const MOST_POINTS: usize = 400;
/// What users offered, a second.
const OFFERED: Sampled<'static> = Sampled { component: "all", member: "", metric: "offered" };

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
        charts.extend(compared::all(report));
    }
    charts
}

fn of_variant(variant: &VariantRuns, title: &str) -> Vec<(&'static str, String)> {
    let runs = &variant.runs;
    let users = [
        ("rate", rate(runs, title)),
        ("latency", over_time(runs, title)),
        ("spectrum", spectrum(runs, title)),
        ("errors", errors(runs, title)),
    ];
    let sampled = LEVELS.iter().map(|level| (level.metric, levels::svg(runs, title, level)));
    users.into_iter().chain(sampled).filter_map(|(name, svg)| Some((name, svg?))).collect()
}

/// Requests a second that ended in one of these ways.
fn ended(run: &RunRecord, range: Range<usize>, keep: impl Fn(Outcome) -> bool) -> f64 {
    let kept = Outcome::ALL.into_iter().filter(|outcome| keep(*outcome));
    let intervals = within(run, range.clone());
    let n: u64 = intervals.flat_map(|i| kept.clone().map(|o| i.outcomes.of(o))).sum();
    n as f64 / length(run, range)
}

/// A chart of what users lived through, and the grid of its points.
fn of_users(runs: &[RunRecord], title: &str, unit: &str, scale: Scale) -> (Chart, Grid) {
    let grid = Grid::traffic(runs, MOST_POINTS);
    (Chart::over_time(runs, title, unit, scale).until(grid.ends(&runs[0])), grid)
}

/// Offered and completed requests a second, and those that failed.
fn rate(runs: &[RunRecord], title: &str) -> Option<String> {
    let title = format!("{title}: requests of users");
    let (chart, grid) = of_users(runs, &title, "requests per second", Scale::Count);
    let [done, denied, failed] = bands(runs, grid, |run, range| {
        [
            ended(run, range.clone(), |o| o == Outcome::Done),
            ended(run, range.clone(), |o| o == Outcome::Denied),
            ended(run, range, Outcome::is_error),
        ]
    });
    chart.draw(vec![
        Curve::new("offered", sampled(runs, grid, OFFERED)).kept(),
        Curve::new("completed", done).kept(),
        Curve::new("denied", denied),
        Curve::new("failed", failed),
    ])
}

/// Percentiles of all requests together, interval by interval.
fn over_time(runs: &[RunRecord], title: &str) -> Option<String> {
    let title = format!("{title}: latency of all requests");
    let (chart, grid) = of_users(runs, &title, "latency", Scale::Latency);
    let curves = bands(runs, grid, |run, range| quantiles(run, range, QUANTILES.map(|(_, q)| q)));
    let names = QUANTILES.iter().map(|(name, _)| name);
    chart.draw(names.zip(curves).map(|(name, points)| Curve::new(name, points)).collect())
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
    let title = format!("{title}: requests that ended in an error, by cause");
    let (chart, grid) = of_users(runs, &title, "errors per second", Scale::Count);
    let causes = Outcome::ALL.into_iter().filter(|outcome| outcome.is_error());
    let curves = causes.map(|cause| {
        Curve::new(cause.name(), band(runs, grid, |run, range| ended(run, range, |o| o == cause)))
    });
    chart.draw(curves.collect())
}
