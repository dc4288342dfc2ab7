//! How long a system needs to recover from an action.
//!
//! Definition: the time from the end of the action until the p99 of all operations of users, per
//! interval of the series, is back within twice the median that it had between the warm-up and the
//! begin of the action, and stays there for three intervals. Zero if it never left; never, if it
//! does not come back. An action that happens again and again, or to each of its members at times
//! of their own, is over when the last of it is, and began with the first.

use engine::record::ActionRecord;
use engine::{RunRecord, Sparse, Time};

use super::measure::operations;

/// So many good intervals in a row are a recovery.
const GOOD: usize = 3;
/// How far above its median before the action p99 may be.
const WITHIN: f64 = 2.0;

/// Nanoseconds, infinity for never; `None` if there is nothing to compare with, or the action
/// never ended.
pub fn recovery(record: &RunRecord, action: &str) -> Option<f64> {
    let of_action = |known: &&ActionRecord| known.times > 0 && is_of(known, action);
    let mine: Vec<&ActionRecord> = record.actions.iter().filter(of_action).collect();
    let began = mine.iter().map(|action| action.began).min()?;
    let ends: Option<Vec<Time>> = mine.iter().map(|action| action.ended).collect();
    let ended = ends?.into_iter().max()?;
    let worst = p99s(record);
    let times = &record.series.times;
    let start = |index: usize| if index == 0 { Time::ZERO } else { times[index - 1] };
    let warm = Time::ZERO + record.warmup;
    let before = (0..times.len()).filter(|&i| start(i) >= warm && times[i] <= began);
    let mut before: Vec<f64> = before.filter_map(|index| worst[index]).collect();
    before.sort_by(f64::total_cmp);
    let median = *before.get(before.len() / 2)?;
    let good = |index: usize| worst[index].is_some_and(|p99| p99 <= WITHIN * median);
    let after: Vec<usize> = (0..times.len()).filter(|&i| times[i] > ended).collect();
    let first = after.windows(GOOD).find(|some| some.iter().all(|&index| good(index)));
    Some(match first {
        // Good from the first interval on: it never left.
        Some(some) if some[0] == after[0] => 0.0,
        Some(some) => times[some[0]].since(ended).0 as f64,
        None => f64::INFINITY,
    })
}

/// Whether it is the record of an action, or of what that did to one of `each of` its members.
fn is_of(known: &ActionRecord, action: &str) -> bool {
    let member = known.name.strip_prefix(action).map(str::trim_start);
    member.is_some_and(|member| member.is_empty() || known.touched == [member])
}

/// The p99 of each interval; `None` where nothing ended.
fn p99s(record: &RunRecord) -> Vec<Option<f64>> {
    let operations = operations(record, None);
    let p99 = |index: usize| {
        let intervals = operations.iter().filter_map(|op| op.intervals.get(index));
        let took = Sparse::merged(intervals.map(|interval| &interval.took));
        took.quantiles([0.99]).map(|[nanos]| nanos as f64)
    };
    (0..record.series.times.len()).map(p99).collect()
}
