//! `series.csv`: everything that was sampled, long and tidy: one value a line.

use std::fmt::Write as _;

use engine::{Outcome, RunRecord};

use crate::Report;
use crate::format::exact;

/// The whole table.
pub fn csv(report: &Report) -> String {
    let mut out = String::from("variant,seed,t,component,member,metric,unit,value\n");
    for variant in &report.variants {
        let name = variant.name.as_deref().unwrap_or("");
        variant.runs.iter().for_each(|run| rows(&mut out, name, run));
    }
    out
}

fn rows(out: &mut String, variant: &str, run: &RunRecord) {
    let seed = run.seed;
    for column in &run.series.columns {
        for (time, value) in run.series.times.iter().zip(&column.values) {
            let (t, value) = (exact(time.as_secs()), exact(*value));
            let (component, member) = (&column.component, &column.member);
            let (metric, unit) = (&column.metric, &column.unit);
            let _ =
                writeln!(out, "{variant},{seed},{t},{component},{member},{metric},{unit},{value}");
        }
    }
    for (operation, record) in &run.operations {
        for (time, interval) in run.series.times.iter().zip(&record.intervals) {
            let t = exact(time.as_secs());
            for outcome in Outcome::ALL.into_iter().filter(|o| interval.outcomes.of(*o) > 0) {
                let (metric, n) = (outcome.name(), interval.outcomes.of(outcome));
                let _ = writeln!(out, "{variant},{seed},{t},{operation},,{metric},,{n}");
            }
            let Some(quantiles) = interval.took.quantiles([0.5, 0.9, 0.99, 0.999]) else {
                continue;
            };
            for (metric, nanos) in ["p50", "p90", "p99", "p99.9"].into_iter().zip(quantiles) {
                let _ = writeln!(out, "{variant},{seed},{t},{operation},,{metric},ns,{nanos}");
            }
        }
    }
}
