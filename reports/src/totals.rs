//! Sums over the runs of a variant, which every rendering shares: so that the summary, the charts
//! and `result.json` cannot disagree about what a request is.

use std::collections::BTreeMap;

use engine::record::{GroupRecord, MemberRecord, OperationRecord, Outcomes};
use engine::{Histogram, RunRecord, Time};

/// Whole requests of users: operations that they ask for by themselves, and journeys. A call that
/// is only a part of a journey has been counted with it.
pub fn requests(run: &RunRecord) -> impl Iterator<Item = &OperationRecord> + Clone {
    run.operations.values().filter(|operation| operation.whole)
}

/// The latencies of all requests together under `all`, and of each operation, over all seeds.
pub fn latencies(runs: &[RunRecord]) -> Vec<(String, Histogram)> {
    let mut each: BTreeMap<&str, Histogram> = BTreeMap::new();
    for (name, operation) in runs.iter().flat_map(|run| &run.operations) {
        each.entry(name).or_insert_with(Histogram::fine).merge(&operation.took);
    }
    let each = each.into_iter().map(|(name, took)| (name.to_string(), took));
    std::iter::once(("all".to_string(), latency(runs))).chain(each).collect()
}

/// The latencies of all requests together, over all seeds.
pub fn latency(runs: &[RunRecord]) -> Histogram {
    let mut all = Histogram::fine();
    runs.iter().flat_map(requests).for_each(|operation| all.merge(&operation.took));
    all
}

/// Ends of requests by outcome, over all seeds.
pub fn outcomes(runs: &[RunRecord]) -> Outcomes {
    let mut sum = Outcomes::default();
    runs.iter().flat_map(requests).for_each(|operation| sum.add(&operation.outcomes));
    sum
}

/// One fingerprint of many.
pub fn combined<'a>(runs: impl Iterator<Item = &'a RunRecord>) -> String {
    let mut digest = engine::Digest::default();
    runs.for_each(|run| digest.fold(run.digest));
    format!("{:016x}", digest.value())
}

/// The time that counts, in seconds: from the end of the warm-up to the end of the traffic. What
/// is told per second is of this time, however long the world goes on to settle.
pub fn counted_seconds(run: &RunRecord) -> f64 {
    // A run cut short may end before the warm-up does.
    run.duration.0.saturating_sub(run.warmup.0) as f64 / 1e9
}

/// Busy share of a member in the time that counts; `None` if nothing limits it.
pub fn utilisation(member: &MemberRecord, run: &RunRecord) -> Option<f64> {
    let capacity = member.servers * counted_seconds(run);
    (capacity > 0.0).then(|| member.busy.as_secs() / capacity)
}

/// What one component had to do, over all members and seeds, in the time that counts.
#[derive(Clone, Debug)]
pub struct Load {
    /// As in the scenario.
    pub name: String,
    /// As in the scenario.
    pub kind: String,
    /// How many members.
    pub replicas: usize,
    /// Share of time busy, the mean of members; `None` if nothing limits it.
    pub busy: Option<f64>,
    /// Whoever of them was busiest in any interval, and when.
    pub peak: Option<Peak>,
    /// Share of time in which it stood still for want of CPU quota; `None` if it has none.
    pub throttled: Option<f64>,
    /// Most waiting at all members together, at the end of any interval.
    pub queue: Option<Peak>,
    /// Calls a second that arrived.
    pub rate: f64,
    /// Calls turned away.
    pub turned_away: f64,
}

/// The highest value of a metric in any interval that counts.
#[derive(Clone, Debug)]
pub struct Peak {
    /// Of whom: a member (`db/0`), or a component whose members are not watched one by one.
    pub who: String,
    /// How high.
    pub value: f64,
    /// The second in which that interval ended.
    pub at: f64,
    /// For utilisation, what it was on average.
    pub mean: f64,
}

/// The loads of all components, in the order of their names.
pub fn loads(runs: &[RunRecord]) -> Vec<Load> {
    let groups = runs[0].groups.iter().enumerate();
    groups.map(|(place, group)| load(runs, place, group)).collect()
}

fn load(runs: &[RunRecord], place: usize, group: &GroupRecord) -> Load {
    let members = runs
        .iter()
        .flat_map(|run| run.groups[place].members.iter().map(move |member| (member, run)));
    let sum = |of: fn(&MemberRecord) -> u64| members.clone().map(|(m, _)| of(m)).sum::<u64>();
    let busy = mean(members.clone().filter_map(|(member, run)| utilisation(member, run)));
    let seconds: f64 = runs.iter().map(counted_seconds).sum();
    Load {
        name: group.name.clone(),
        kind: group.kind.clone(),
        replicas: group.members.len(),
        busy,
        peak: busiest(runs, place, group, busy),
        throttled: mean(counted(runs, &group.name, "", "throttled").map(|(value, _)| value)),
        queue: peak(runs, &group.name, "", "queue"),
        rate: sum(|member| member.counted) as f64 / seconds,
        turned_away: sum(|member| member.turned_away) as f64,
    }
}

/// The mean of some values, if there are any.
pub fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0u32), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

/// The member that was busiest in its busiest interval: the mean of many hides one that has no
/// more to give. Of large groups only that mean is known.
fn busiest(
    runs: &[RunRecord],
    place: usize,
    group: &GroupRecord,
    busy: Option<f64>,
) -> Option<Peak> {
    let of_member = |(index, member): (usize, &MemberRecord)| {
        let found = peak(runs, &group.name, &member.name, "utilisation")?;
        let own = runs.iter().map(|run| (&run.groups[place].members[index], run));
        let mean = mean(own.filter_map(|(member, run)| utilisation(member, run)));
        Some(Peak { mean: mean.unwrap_or(0.0), ..found })
    };
    let members = group.members.iter().enumerate().filter_map(of_member);
    let key = |peak: &Peak| (peak.value, peak.mean);
    // Of equals, the first.
    let highest = members.reduce(|best, next| if key(&next) > key(&best) { next } else { best });
    highest.or_else(|| {
        let whole = peak(runs, &group.name, "", "utilisation")?;
        Some(Peak { mean: busy.unwrap_or(0.0), ..whole })
    })
}

/// The highest value of a metric of a member (of a whole component, without its name) in any
/// interval that counts, of any seed.
fn peak(runs: &[RunRecord], component: &str, member: &str, metric: &str) -> Option<Peak> {
    let who = if member.is_empty() { component } else { member };
    let mut highest: Option<Peak> = None;
    for (value, time) in counted(runs, component, member, metric) {
        // In a part of a quota's period more of it may be used than the period grants.
        let value = if metric == "utilisation" { value.min(1.0) } else { value };
        if highest.as_ref().is_none_or(|best| value > best.value) {
            highest = Some(Peak { who: who.into(), value, at: time.as_secs(), mean: 0.0 });
        }
    }
    highest
}

/// The values of a metric in the intervals that count, of all seeds, and when those ended.
fn counted<'a>(
    runs: &'a [RunRecord],
    component: &'a str,
    member: &'a str,
    metric: &'a str,
) -> impl Iterator<Item = (f64, Time)> + 'a {
    runs.iter().flat_map(move |run| {
        let values = column(run, component, member, metric).unwrap_or(&[]);
        let (warm, quiet) = (Time::ZERO + run.warmup, Time::ZERO + run.duration);
        // An interval counts if a part of it does.
        let begins = std::iter::once(&Time::ZERO).chain(&run.series.times);
        let counts = run.series.times.iter().zip(begins);
        let counts = counts.map(move |(end, begin)| *end > warm && *begin < quiet);
        let values = values.iter().zip(&run.series.times).zip(counts);
        let values = values.filter(|((value, _), counts)| *counts && !value.is_nan());
        values.map(|((&value, time), _)| (value, *time))
    })
}

/// The sampled values of a metric of a member, or of a whole component.
fn column<'a>(
    run: &'a RunRecord,
    component: &str,
    member: &str,
    metric: &str,
) -> Option<&'a [f64]> {
    let mut columns = run.series.columns.iter();
    let is_it = |c: &&engine::record::Column| {
        c.component == component && c.member == member && c.metric == metric
    };
    columns.find(is_it).map(|column| column.values.as_slice())
}
