//! `series.csv`: everything that was sampled, long and tidy: one value a line.
//!
//! Up to [`MOST_SEEDS`] seeds each have lines of their own. Of more, the file holds the mean, the
//! lowest and the highest over the seeds, so that its size does not grow with their number.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use engine::record::{Column, Interval};
use engine::{Outcome, RunRecord, Time};

use crate::Report;
use crate::format::exact;

/// More seeds than this are summed up.
pub const MOST_SEEDS: usize = 8;

/// Percentiles that are told wherever there is room: name and quantile.
pub const QUANTILES: [(&str, f64); 4] =
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

/// The whole table.
pub fn csv(report: &Report) -> String {
    let mut out = String::from("variant,seed,t,component,member,metric,unit,value\n");
    for variant in &report.variants {
        let name = quoted(variant.name.as_deref().unwrap_or(""));
        match variant.runs.len() {
            0..=MOST_SEEDS => variant.runs.iter().for_each(|run| each(&mut out, &name, run)),
            _ => over_seeds(&mut out, &name, &variant.runs),
        }
    }
    out
}

/// A name as a field: quoted where CSV wants it.
pub fn quoted(name: &str) -> String {
    match name.contains([',', '"', '\n']) {
        true => format!("\"{}\"", name.replace('"', "\"\"")),
        false => name.into(),
    }
}

/// What a value belongs to: component, member, metric and unit, as fields.
type Key = String;

fn key(column: &Column) -> Key {
    let Column { component, member, metric, unit, .. } = column;
    format!("{},{member},{metric},{unit}", quoted(component))
}

fn line(out: &mut String, head: &str, time: Time, key: &str, value: f64) {
    let _ = writeln!(out, "{head},{},{key},{}", exact(time.as_secs()), exact(value));
}

/// The lines of one seed.
fn each(out: &mut String, variant: &str, run: &RunRecord) {
    let head = format!("{variant},{}", run.seed);
    for column in &run.series.columns {
        let key = key(column);
        for (time, value) in run.series.times.iter().zip(&column.values) {
            line(out, &head, *time, &key, *value);
        }
    }
    for (operation, record) in &run.operations {
        let operation = quoted(operation);
        for (time, interval) in run.series.times.iter().zip(&record.intervals) {
            for (metric, value) in ended(interval).into_iter().filter(|(_, value)| *value > 0.0) {
                line(out, &head, *time, &format!("{operation},,{metric}"), value);
            }
        }
    }
}

/// Ends by outcome, and percentiles where anything ended.
fn ended(interval: &Interval) -> Vec<(String, f64)> {
    let ends = Outcome::ALL.into_iter();
    let mut values: Vec<(String, f64)> = ends
        .map(|outcome| (format!("{},", outcome.name()), interval.outcomes.of(outcome) as f64))
        .collect();
    if let Some(nanos) = interval.took.quantiles(QUANTILES.map(|(_, q)| q)) {
        let named = QUANTILES.iter().zip(nanos);
        values.extend(named.map(|((name, _), nanos)| (format!("{name},ns"), nanos as f64)));
    }
    values
}

/// Mean, lowest and highest of one metric at one time.
#[derive(Clone, Copy)]
struct Spread {
    sum: f64,
    low: f64,
    high: f64,
    count: f64,
}

impl Spread {
    const NONE: Spread =
        Spread { sum: 0.0, low: f64::INFINITY, high: f64::NEG_INFINITY, count: 0.0 };

    fn add(&mut self, value: f64) {
        if !value.is_nan() {
            self.sum += value;
            self.count += 1.0;
            self.low = self.low.min(value);
            self.high = self.high.max(value);
        }
    }
}

/// The lines of many seeds: `mean`, `min` and `max` stand where the seed would.
fn over_seeds(out: &mut String, variant: &str, runs: &[RunRecord]) {
    let longest = runs.iter().max_by_key(|run| run.series.times.len()).expect("at least one run");
    let times = &longest.series.times;
    let mut spreads: BTreeMap<Key, Vec<Spread>> = BTreeMap::new();
    let blank = || vec![Spread::NONE; times.len()];
    for run in runs {
        for column in &run.series.columns {
            let spread = spreads.entry(key(column)).or_insert_with(blank);
            spread.iter_mut().zip(&column.values).for_each(|(spread, value)| spread.add(*value));
        }
        for (operation, record) in &run.operations {
            for (index, interval) in record.intervals.iter().enumerate() {
                for (metric, value) in ended(interval) {
                    let key = format!("{},,{metric}", quoted(operation));
                    let spread = spreads.entry(key).or_insert_with(blank);
                    spread.get_mut(index).into_iter().for_each(|spread| spread.add(value));
                }
            }
        }
    }
    let heads = ["mean", "min", "max"].map(|what| format!("{variant},{what}"));
    let outcomes = Outcome::ALL.map(|outcome| format!(",,{},", outcome.name()));
    for (key, spreads) in spreads {
        let counts = outcomes.iter().any(|ending| key.ends_with(ending));
        for (time, spread) in times.iter().zip(spreads) {
            if spread.count > 0.0 && !(counts && spread.high == 0.0) {
                let values = [spread.sum / spread.count, spread.low, spread.high];
                let lines = heads.iter().zip(values);
                lines.for_each(|(head, value)| line(out, head, *time, &key, value));
            }
        }
    }
}
