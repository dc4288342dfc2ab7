//! Variants side by side: one line each. The terminal's table, `compare.csv`, the page and the
//! chart show these lines, so that they cannot disagree.

use std::fmt::Write as _;

use engine::record::Outcomes;
use engine::{Histogram, Outcome, RunRecord};

use crate::format::exact;
use crate::series::{QUANTILES, quoted};
use crate::summary::bottleneck;
use crate::totals::{counted_seconds, latency, loads, outcomes};
use crate::{Report, VariantRuns};

/// A value over all seeds together, and the lowest and highest of single seeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Of all seeds together.
    pub value: f64,
    /// Of the seed with the lowest.
    pub low: f64,
    /// Of the seed with the highest.
    pub high: f64,
}

/// What a variant is compared by: requests of users born after the warm-up.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    /// The variant.
    pub name: &'a str,
    /// How they ended.
    pub ends: Outcomes,
    /// Completed per second of traffic.
    pub done: Spread,
    /// Share that ended in an error.
    pub errors: Spread,
    /// Mean time taken, in nanoseconds.
    pub mean: Spread,
    /// Percentiles, in nanoseconds, in the order of [`QUANTILES`].
    pub percentiles: [Spread; 4],
    /// The longest, in nanoseconds.
    pub max: u64,
    /// Of those for whom users waited, the member that was busiest in its busiest interval, and
    /// that share.
    pub busiest: Option<(String, f64)>,
}

/// A line per variant, in the scenario's order.
pub fn lines(report: &Report) -> Vec<Line<'_>> {
    report.variants.iter().map(|variant| line(report, variant)).collect()
}

fn line<'a>(report: &Report, variant: &'a VariantRuns) -> Line<'a> {
    let runs = &variant.runs;
    let all = Sums::of(runs);
    let each: Vec<Sums> = runs.chunks(1).map(Sums::of).collect();
    let spread = |of: &dyn Fn(&Sums) -> f64| Spread {
        value: of(&all),
        low: each.iter().map(of).fold(f64::INFINITY, f64::min),
        high: each.iter().map(of).fold(f64::NEG_INFINITY, f64::max),
    };
    let loads = loads(runs);
    let busiest = bottleneck(report, &loads);
    Line {
        name: variant.name.as_deref().unwrap_or(""),
        ends: all.ends,
        done: spread(&|sums| sums.ends.of(Outcome::Done) as f64 / sums.seconds),
        errors: spread(&|sums| sums.ends.errors() as f64 / sums.ends.total().max(1) as f64),
        mean: spread(&|sums| sums.took.mean()),
        percentiles: QUANTILES.map(|(_, q)| spread(&|sums| sums.took.quantile(q) as f64)),
        max: all.took.max(),
        busiest: busiest.map(|peak| (peak.who.clone(), peak.value)),
    }
}

/// What lines are made of.
struct Sums {
    ends: Outcomes,
    took: Histogram,
    /// For how long traffic that counts went on.
    seconds: f64,
}

impl Sums {
    fn of(runs: &[RunRecord]) -> Sums {
        let seconds = runs.iter().map(counted_seconds).sum::<f64>();
        Sums { ends: outcomes(runs), took: latency(runs), seconds }
    }
}

/// `compare.csv`: the table for programs. Empty where nothing was measured.
pub fn csv(report: &Report) -> String {
    let mut out = String::from("variant,requests,done_per_s,errors,mean_ns");
    QUANTILES.iter().for_each(|(name, _)| out += &format!(",{}_ns", name.replace('.', "")));
    out += ",max_ns,busiest,busiest_peak\n";
    for line in lines(report) {
        let measured = line.ends.total() > 0;
        let value = |value: f64| if measured { exact(value) } else { String::new() };
        let _ = write!(out, "{},{}", quoted(line.name), line.ends.total());
        for spread in [line.done, line.errors, line.mean].iter().chain(&line.percentiles) {
            let _ = write!(out, ",{}", value(spread.value));
        }
        let (name, peak) =
            line.busiest.map_or(Default::default(), |(name, peak)| (quoted(&name), exact(peak)));
        let _ = writeln!(out, ",{},{name},{peak}", value(line.max as f64));
    }
    out
}
