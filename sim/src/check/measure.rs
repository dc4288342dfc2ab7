//! One check's number in one run: a pure function of the record.

use engine::record::{Column, OperationRecord, Outcomes};
use engine::{Histogram, Outcome, RunRecord, Time};

use super::recovery::recovery;
use super::{Check, Stat, Window};

/// The number; `None` where there is nothing to measure.
pub fn measure(check: &Check, record: &RunRecord) -> Option<f64> {
    let of = check.label(check.metric.labels.first().map_or("", |label| label.name));
    match check.metric.name {
        "latency" => times(check, record, &operations(record, of)),
        "age" => times(check, record, &[record.ages.get(of?)?]),
        "errors" => ends(check, record, of, Outcomes::errors),
        "denied" => ends(check, record, of, |o| o.of(Outcome::Denied)),
        "goodput" => ends(check, record, of, |o| o.of(Outcome::Done)),
        "requests" => ends(check, record, of, Outcomes::total),
        "in_flight" => Some(record.requests.in_flight as f64),
        "count" => record.counters.get(of?).map(|count| *count as f64),
        "missing" => {
            let pair = (of?.to_string(), check.label("in")?.to_string());
            record.missing.get(&pair).map(|count| *count as f64)
        }
        "tally" => {
            let group = record.groups.iter().find(|group| Some(group.name.as_str()) == of)?;
            group.totals.get(check.label("of")?).map(|total| *total as f64)
        }
        "lost_records" => record.logs.get(of?).map(|log| log.lost as f64),
        "appended" => record.logs.get(of?).map(|log| log.appended as f64),
        "lag" if check.stat == Stat::Plain => {
            let lag = &record.logs.get(of?)?.lag;
            Some(lag.values().copied().max().unwrap_or(0) as f64)
        }
        "recovery" => recovery(record, of?),
        "work" | "wasted" => edges(check, record, of?),
        "hit_ratio" if check.stat == Stat::Plain && check.window.is_none() => {
            let totals =
                &record.groups.iter().find(|group| group.name == *of.unwrap_or(""))?.totals;
            let (hits, misses) = (*totals.get("hits")?, *totals.get("misses")?);
            (hits + misses > 0).then(|| hits as f64 / (hits + misses) as f64)
        }
        "imbalance" if check.stat == Stat::Plain && check.window.is_none() => {
            imbalance(record, of?)
        }
        "lag" | "utilisation" | "queue" | "hit_ratio" | "imbalance" | "entries" | "bytes"
        | "stampede" | "unwritten" => level(check, record, of?),
        _ => table(check, record, of?),
    }
}

/// The named operation, or all: those of calls, and journeys only where there are no calls (a
/// journey's calls would count twice).
pub fn operations<'a>(record: &'a RunRecord, of: Option<&str>) -> Vec<&'a OperationRecord> {
    if let Some(name) = of {
        return record.operations.get(name).into_iter().collect();
    }
    let calls = record.operations.iter().filter(|(name, _)| name.contains('.'));
    let calls: Vec<_> = calls.map(|(_, operation)| operation).collect();
    if calls.is_empty() { record.operations.values().collect() } else { calls }
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
    // A run cut short may end before the warmup does.
    let mut seconds = record.duration.0.saturating_sub(record.warmup.0) as f64 / 1e9;
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
    match (check.stat, check.metric.name) {
        // That nothing went wrong where nothing ended is not known.
        (_, "errors" | "denied") if all == 0 => None,
        (Stat::Rate, "errors" | "denied") => Some(number / all as f64),
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
    let group = of.split_once('/').map_or(of, |(group, _)| group);
    let member = if of.contains('/') { of } else { "" };
    let columns = &record.series.columns;
    let is_it = |c: &&Column| c.component == group && c.member == member && c.metric == metric;
    let lone = |c: &&Column| c.component == group && c.member.is_empty() && c.metric == metric;
    // The only member of a group has no column of its own.
    let alone = of.strip_suffix("/0").is_some_and(|_| true);
    let column = columns.iter().find(is_it).or_else(|| columns.iter().find(lone).filter(|_| alone));
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

fn edges(check: &Check, record: &RunRecord, of: &str) -> Option<f64> {
    let edges = record.edges.iter().filter(|edge| edge.to == of);
    let (asked, wasted) = edges.fold((0, 0), |(a, w), edge| (a + edge.asked, w + edge.wasted));
    match (check.metric.name, check.stat) {
        ("work", Stat::Rate) => Some(asked as f64 / record.ended.as_secs().max(1e-9)),
        ("work", _) => Some(asked as f64),
        (_, Stat::Rate) => (asked > 0).then(|| wasted as f64 / asked as f64),
        _ => Some(wasted as f64),
    }
}

/// The most calls that came to one member, by the mean of all, over the whole run.
fn imbalance(record: &RunRecord, of: &str) -> Option<f64> {
    let group = record.groups.iter().find(|group| group.name == of)?;
    let arrived = || group.members.iter().map(|member| member.arrived);
    let (most, all) = (arrived().max()? as f64, arrived().sum::<u64>() as f64);
    (all > 0.0).then(|| most * group.members.len() as f64 / all)
}

fn table(check: &Check, record: &RunRecord, of: &str) -> Option<f64> {
    let table = record.tables.get(of)?;
    Some(match check.metric.name {
        "low" => table.low as f64,
        "high" => table.high as f64,
        "sum" => table.sum as f64,
        "stale" => table.stale as f64,
        "lost" => table.lost as f64,
        _ => match check.label("state") {
            Some(state) => table.states.get(state).copied().unwrap_or(0) as f64,
            None => table.rows as f64,
        },
    })
}
