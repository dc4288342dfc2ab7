//! Charts of variants side by side: all in one picture, then over time, by percentile, by what is
//! checked. Of many variants those over time are drawn in several charts, so that each line can be
//! told from the others. A variant has one colour in all of them.

use std::ops::Range;

use engine::{Outcome, RunRecord};

use super::canvas::{COLOURS, Chart, Scale};
use super::curves::{Grid, Point, Sampled, band, nines, quantiles, sampled};
use super::levels::LEVELS;
use super::lines::Curve;
use super::windows::Windows;
use super::{MOST_LINES, MOST_POINTS, OFFERED, ended, judged, side};
use crate::totals::latency;
use crate::{Report, VariantRuns};

/// Lines of more than [`FEW`] variants cross each other too often with more points than this.
const POINTS_OF_MANY: usize = 100;
const FEW: usize = 3;

/// Every chart that compares, by name.
pub fn all(report: &Report) -> Vec<(String, String)> {
    let drawn = [("compare", side::svg(report)), ("compare-checks", judged::svg(report))];
    let mut charts: Vec<(String, String)> =
        drawn.into_iter().filter_map(|(name, svg)| Some((name.to_string(), svg?))).collect();
    let parts = report.variants.len().div_ceil(MOST_LINES);
    let size = report.variants.len().div_ceil(parts);
    for (part, variants) in report.variants.chunks(size).enumerate() {
        let first = part * size;
        let part = (parts > 1).then(|| (part + 1, parts));
        charts.extend(Part { report, variants, first, part }.charts());
    }
    charts
}

/// As many variants as one chart can show.
struct Part<'a> {
    report: &'a Report,
    variants: &'a [VariantRuns],
    /// The place of the first among all.
    first: usize,
    /// Which of how many, if there are several.
    part: Option<(usize, usize)>,
}

impl Part<'_> {
    fn charts(&self) -> Vec<(String, String)> {
        let done = |run: &RunRecord, range: Range<usize>| ended(run, range, |o| o == Outcome::Done);
        let p99 = |run: &RunRecord, range: Range<usize>| quantiles(run, range, [0.99])[0];
        let bad = |run: &RunRecord, range: Range<usize>| ended(run, range, Outcome::is_error);
        let most = if self.report.variants.len() > FEW { POINTS_OF_MANY } else { MOST_POINTS };
        let together = self.variants.iter().map(|v| Grid::traffic(&v.runs, most).together()).max();
        let grid = |variant: &VariantRuns| {
            Grid::traffic(&variant.runs, most).coarser(together.unwrap_or(1), &variant.runs[0])
        };
        let over_time = |of: &dyn Fn(&RunRecord, Range<usize>) -> f64| {
            self.curves(&|variant| band(&variant.runs, grid(variant), of))
        };
        let ends = self.variants.iter().map(|v| grid(v).ends(&v.runs[0])).fold(0.0, f64::max);
        let chart = |what, unit, scale| self.over_time(what, unit, scale).until(ends);
        let mut completed = over_time(&done);
        completed.extend(self.offered(&grid));
        let spectrum = Chart::over_nines(&self.title("latency of all requests by percentile"));
        let mut charts = vec![
            (
                "completed".to_string(),
                chart("requests completed", "requests per second", Scale::Count).draw(completed),
            ),
            (
                "errors".into(),
                chart("requests that ended in an error", "errors per second", Scale::Count)
                    .draw(over_time(&bad)),
            ),
            (
                "p99".into(),
                chart("p99 of all requests", "latency", Scale::Latency).draw(over_time(&p99)),
            ),
            (
                "spectrum".into(),
                spectrum.draw(self.curves(&|variant| nines(&latency(&variant.runs)))),
            ),
        ];
        charts.extend(self.levels(most));
        let number = self.part.map_or(String::new(), |(part, _)| format!("-{part}"));
        let drawn = charts.into_iter().filter_map(|(name, svg)| Some((name, svg?)));
        drawn.map(|(name, svg)| (format!("compare-{name}{number}"), svg)).collect()
    }

    fn title(&self, what: &str) -> String {
        let of = self.part.map_or(String::new(), |(part, of)| format!(" ({part} of {of})"));
        format!("{}, by variant: {what}{of}", self.report.scenario)
    }

    /// The longest run sets how far the chart reaches.
    fn over_time(&self, what: &str, unit: &str, scale: Scale) -> Chart {
        let runs = self.variants.iter().map(|variant| &variant.runs);
        let longest = runs.max_by_key(|runs| runs[0].ended).expect("a part has variants");
        let chart = Chart::over_time(longest, &self.title(what), unit, scale);
        chart.marked(Windows::of_variants(self.variants))
    }

    /// A line of each variant, in its colour, also where it is always zero.
    fn curves(&self, points: &dyn Fn(&VariantRuns) -> Vec<Point>) -> Vec<Curve> {
        let lines = self.variants.iter().enumerate().map(|(place, variant)| {
            let name = variant.name.as_deref().unwrap_or("");
            let colour = (self.first + place) % COLOURS.len();
            Curve::new(name, points(variant)).coloured(colour).kept()
        });
        lines.collect()
    }

    /// What users asked for, where all variants were asked the same.
    fn offered(&self, grid: &dyn Fn(&VariantRuns) -> Grid) -> Option<Curve> {
        let of = |variant: &VariantRuns| sampled(&variant.runs, grid(variant), OFFERED);
        let first = of(&self.variants[0]);
        let same = |variant| of(variant).iter().zip(&first).all(|(a, b)| a.y == b.y);
        self.variants.iter().all(same).then(|| Curve::new("offered", first).faint())
    }

    /// What was sampled over time, of all that some check names.
    fn levels(&self, most: usize) -> Vec<(String, Option<String>)> {
        let mut named: Vec<(&str, &str)> = Vec::new();
        for check in &self.report.checks {
            let found = judged::of(&check.text);
            named.extend(found.filter(|found| !named.contains(found)));
        }
        let charts = named.into_iter().filter_map(|(metric, of)| {
            let level = LEVELS.iter().find(|level| level.metric == metric)?;
            let component = of.split_once('/').map_or(of, |(component, _)| component);
            let member = if of.contains('/') { of } else { "" };
            let what = Sampled { component, member, metric };
            let curves = self
                .curves(&|variant| sampled(&variant.runs, Grid::whole(&variant.runs, most), what));
            let chart = self.over_time(&format!("{} of {of}", level.what), level.unit, level.scale);
            Some((format!("{metric}-{}", of.replace('/', "-")), chart.draw(curves)))
        });
        charts.collect()
    }
}
