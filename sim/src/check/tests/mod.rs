//! Checks on records made by hand, so that every number can be worked out beside them.

mod metrics;
mod names;
mod recovery;
mod verdicts;

use engine::record::{Interval, OperationRecord, Outcomes, Requests, Series};
use engine::{Histogram, Outcome, RunRecord, Span, Time};

use super::Check;
use super::measure::measure;
use super::parse::parse;

const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

/// How a request ended, and after how many milliseconds.
type End = (Outcome, u64);

fn check(text: &str) -> Check {
    parse(text, 0).unwrap_or_else(|it| panic!("{text}: {}", it.message))
}

/// What a metric is in a record; the limit of the check does not matter.
fn number(record: &RunRecord, text: &str) -> Option<f64> {
    measure(&check(text), record)
}

/// A run of so many intervals of a second in which nothing happened: 2 s of warm-up, traffic until
/// 6 s.
fn quiet(intervals: u64) -> RunRecord {
    let times = (1..=intervals).map(|second| Time(second * SECOND)).collect();
    RunRecord {
        seed: 1,
        digest: 0,
        events: 0,
        duration: Span(6 * SECOND),
        warmup: Span(2 * SECOND),
        ended: Time(intervals * SECOND),
        requests: Requests::default(),
        operations: Default::default(),
        edges: Vec::new(),
        groups: Vec::new(),
        series: Series { every: Span(SECOND), times, columns: Vec::new() },
        actions: Vec::new(),
        counters: Default::default(),
        ages: Default::default(),
        tables: Default::default(),
        logs: Default::default(),
        missing: Default::default(),
    }
}

/// What ended in each interval; those of the first two were born in the warm-up.
fn operation(intervals: &[&[End]]) -> OperationRecord {
    let counted = |ends: &[End]| {
        let mut outcomes = Outcomes::default();
        ends.iter().for_each(|(outcome, _)| outcomes.0[*outcome as usize] += 1);
        Interval { outcomes, took: ends.iter().map(|(_, took)| took * MILLI).collect() }
    };
    let mut took = Histogram::fine();
    let born_later = intervals.iter().skip(2);
    born_later.clone().copied().flatten().for_each(|(_, millis)| took.record(millis * MILLI));
    let mut outcomes = Outcomes::default();
    born_later.for_each(|ends| outcomes.add(&counted(ends).outcomes));
    let intervals = intervals.iter().map(|ends| counted(ends)).collect();
    OperationRecord { whole: true, outcomes, took, intervals }
}
