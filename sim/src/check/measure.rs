//! One check's number in one run: a pure function of the record.

use engine::record::{Column, EdgeRecord, GroupRecord, OperationRecord, Outcomes, TableRecord};
use engine::{Histogram, RunRecord, Time};
use reports::totals::{counted_seconds, requests};

use super::metric::Source;
use super::recovery::recovery;
use super::{Check, Stat, Unit, Window};

/// The number; `None` where there is nothing to measure.
pub fn measure(check: &Check, record: &RunRecord) -> Option<f64> {
    let of = check.label(check.metric.labels.first().map_or("", |label| label.name));
    match check.metric.source {
        Source::Latency => times(check, record, &operations(record, of)),
        Source::Age => times(check, record, &[record.ages.get(of?)?]),
        Source::Ends(count) => ends(check, record, of, count),
        Source::InFlight => Some(record.requests.in_flight as f64),
        Source::Counter => record.counters.get(of?).map(|count| *count as f64),
        Source::Table(number) => record.tables.get(of?).map(|table| number(table) as f64),
        Source::Rows => rows(check, record.tables.get(of?)?),
        Source::Missing => {
            let pair = (of?.to_string(), check.label("in")?.to_string());
            record.missing.get(&pair).map(|count| *count as f64)
        }
        Source::Log(number) => record.logs.get(of?).map(|log| number(log) as f64),
        Source::Lag => lag(check, record, of?),
        Source::Recovery => recovery(record, of?),
        Source::Level => level(check, record, of?),
        Source::HitRatio if of_the_whole_run(check) => hit_ratio(group(record, of?)?),
        Source::Imbalance if of_the_whole_run(check) => imbalance(group(record, of?)?),
        Source::HitRatio | Source::Imbalance => level(check, record, of?),
        Source::Tally => {
            group(record, of?)?.totals.get(check.label("of")?).map(|total| *total as f64)
        }
        Source::Calls(number) => calls(check, record, of?, number),
    }
}

/// The named operation, or all requests of users, as reports count them: operations that they ask
/// for by themselves, and journeys. A call that is only a part of a journey is counted with it.
pub fn operations<'a>(record: &'a RunRecord, of: Option<&str>) -> Vec<&'a OperationRecord> {
    match of {
        Some(name) => record.operations.get(name).into_iter().collect(),
        None => requests(record).collect(),
    }
}

fn group<'a>(record: &'a RunRecord, name: &str) -> Option<&'a GroupRecord> {
    record.groups.iter().find(|group| group.name == name)
}

/// Whether it is one number of the whole run, and not one of many of its parts.
fn of_the_whole_run(check: &Check) -> bool {
    check.stat == Stat::Plain && check.window.is_none()
}

/// Numbers of the intervals that touch the window.
fn within(check: &Check, record: &RunRecord) -> Option<std::ops::Range<usize>> {
    let times = &record.series.times;
    match check.window? {
        Window::AtEnd => Some(times.len().saturating_sub(1)..times.len()),
        Window::Between(from, to) => {
            // `after` reaches to the end of traffic: `settle` is no part of what users saw.
            let to = if to == Time::NEVER { Time::ZERO + record.duration } else { to };
            let first = times.partition_point(|end| *end <= from);
            let last = times.partition_point(|end| *end < to);
            Some(first..(last + 1).min(times.len()))
        }
    }
}

fn times(check: &Check, record: &RunRecord, operations: &[&OperationRecord]) -> Option<f64> {
    let mut whole = Histogram::fine();
    for operation in operations {
        match within(check, record) {
            None => whole.merge(&operation.took),
            Some(range) => {
                let intervals = operation.intervals.get(range).unwrap_or(&[]);
                intervals.iter().for_each(|interval| whole.merge_sparse(&interval.took));
            }
        }
    }
    let value = match check.stat {
        Stat::Quantile(q) => whole.quantile(q) as f64,
        Stat::Max => whole.max() as f64,
        Stat::Min => whole.min() as f64,
        _ => whole.mean(),
    };
    (whole.count() > 0).then_some(value)
}

fn ends(
    check: &Check,
    record: &RunRecord,
    of: Option<&str>,
    count: fn(&Outcomes) -> u64,
) -> Option<f64> {
    let mut ends = Outcomes::default();
    let mut seconds = counted_seconds(record);
    for operation in operations(record, of) {
        match within(check, record) {
            None => ends.add(&operation.outcomes),
            Some(range) => {
                seconds = lasts(record, &range);
                let intervals = operation.intervals.get(range).unwrap_or(&[]);
                intervals.iter().for_each(|interval| ends.add(&interval.outcomes));
            }
        }
    }
    let (number, all) = (count(&ends) as f64, ends.total());
    match (check.stat, check.metric.unit(Stat::Rate)) {
        // That nothing went wrong where nothing ended is not known.
        (_, Unit::Share) if all == 0 => None,
        (Stat::Rate, Unit::Share) => Some(number / all as f64),
        (Stat::Rate, _) => (seconds > 0.0).then_some(number / seconds),
        _ => Some(number),
    }
}

fn lasts(record: &RunRecord, range: &std::ops::Range<usize>) -> f64 {
    let times = &record.series.times;
    let end = |index: usize| match index {
        0 => Time::ZERO,
        _ => times.get(index - 1).copied().unwrap_or(Time::ZERO),
    };
    end(range.end).since(end(range.start)).as_secs()
}

fn level(check: &Check, record: &RunRecord, of: &str) -> Option<f64> {
    let metric = check.metric.name;
    let name = of.split_once('/').map_or(of, |(name, _)| name);
    // The only member of a group has no column of its own.
    let lone = group(record, name).is_some_and(|group| group.members.len() == 1);
    let member = if of.contains('/') && !lone { of } else { "" };
    let is_it = |c: &&Column| c.component == name && c.member == member && c.metric == metric;
    let column = record.series.columns.iter().find(is_it);
    let traffic = Window::Between(Time::ZERO + record.warmup, Time::ZERO + record.duration);
    let end = if check.finally { Window::AtEnd } else { traffic };
    let check = Check { window: check.window.or(Some(end)), ..check.clone() };
    let values = column?.values.get(within(&check, record)?)?;
    let mut values: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    values.sort_by(f64::total_cmp);
    match check.stat {
        Stat::Min => values.first().copied(),
        Stat::Mean if values.is_empty() => None,
        Stat::Mean => Some(values.iter().sum::<f64>() / values.len() as f64),
        _ => values.last().copied(),
    }
}

/// As a level; or at the end, of the slowest group of consumers.
fn lag(check: &Check, record: &RunRecord, of: &str) -> Option<f64> {
    if check.stat != Stat::Plain {
        return level(check, record, of);
    }
    Some(record.logs.get(of)?.lag.values().copied().max().unwrap_or(0) as f64)
}

fn calls(
    check: &Check,
    record: &RunRecord,
    of: &str,
    number: fn(&EdgeRecord) -> u64,
) -> Option<f64> {
    let edges = || record.edges.iter().filter(|edge| edge.to == of);
    let sum = |number: fn(&EdgeRecord) -> u64| edges().map(number).sum::<u64>() as f64;
    let (asked, seconds) = (sum(|edge| edge.asked), counted_seconds(record));
    match (check.stat, check.metric.unit(Stat::Rate)) {
        (Stat::Rate, Unit::Share) => (asked > 0.0).then(|| sum(number) / asked),
        (Stat::Rate, _) => (seconds > 0.0).then(|| sum(|edge| edge.counted) / seconds),
        _ => Some(sum(number)),
    }
}

fn hit_ratio(group: &GroupRecord) -> Option<f64> {
    let [hits, misses] = ["hits", "misses"].map(|name| group.totals.get(name));
    let (hits, misses) = (*hits?, *misses?);
    (hits + misses > 0).then(|| hits as f64 / (hits + misses) as f64)
}

/// The most calls that came to one member, by the mean of all, over the whole run.
fn imbalance(group: &GroupRecord) -> Option<f64> {
    let arrived = || group.members.iter().map(|member| member.arrived);
    let (most, all) = (arrived().max()? as f64, arrived().sum::<u64>() as f64);
    (all > 0.0).then(|| most * group.members.len() as f64 / all)
}

fn rows(check: &Check, table: &TableRecord) -> Option<f64> {
    Some(match check.label("state") {
        Some(state) => table.states.get(state).copied().unwrap_or(0) as f64,
        None => table.rows as f64,
    })
}
