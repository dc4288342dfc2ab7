//! Sums over the runs of a variant, which every rendering shares: so that the summary, the charts
//! and `result.json` cannot disagree about what a request is.

use std::collections::BTreeMap;

use engine::record::{GroupRecord, MemberRecord, OperationRecord, Outcomes};
use engine::{Histogram, RunRecord, Span};

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

/// Busy share of a member over a whole run; `None` if nothing limits it.
pub fn utilisation(busy: Span, servers: u64, run: &RunRecord) -> Option<f64> {
    let capacity = servers as f64 * run.ended.as_secs();
    (capacity > 0.0).then(|| busy.as_secs() / capacity)
}

/// What one component had to do: means and maxima over its members and all seeds.
#[derive(Clone, Debug)]
pub struct Load {
    /// As in the scenario.
    pub name: String,
    /// As in the scenario.
    pub kind: String,
    /// How many members.
    pub replicas: usize,
    /// Share of time busy over whole runs; `None` if nothing limits it.
    pub busy: Option<f64>,
    /// The same in the busiest interval.
    pub peak: Option<f64>,
    /// The second in which that interval ended.
    pub peak_at: f64,
    /// Most waiting at all members together, at the end of any interval.
    pub queue: f64,
    /// The second in which that interval ended.
    pub queue_at: f64,
    /// Calls that arrived.
    pub arrived: f64,
    /// Calls turned away.
    pub turned_away: f64,
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
    let busy: Vec<f64> = members
        .clone()
        .filter_map(|(member, run)| utilisation(member.busy, member.servers, run))
        .collect();
    let sum = |of: fn(&MemberRecord) -> u64| members.clone().map(|(m, _)| of(m)).sum::<u64>();
    let (peak, queue) = (peak(runs, &group.name, "utilisation"), peak(runs, &group.name, "queue"));
    Load {
        name: group.name.clone(),
        kind: group.kind.clone(),
        replicas: group.members.len(),
        busy: (!busy.is_empty()).then(|| busy.iter().sum::<f64>() / busy.len() as f64),
        peak: peak.map(|(value, _)| value),
        peak_at: peak.map_or(0.0, |(_, at)| at),
        queue: queue.map_or(0.0, |(most, _)| most),
        queue_at: queue.map_or(0.0, |(_, at)| at),
        arrived: sum(|member| member.arrived) as f64,
        turned_away: sum(|member| member.turned_away) as f64,
    }
}

/// The highest value of a component's metric in any interval of any seed, and its second.
pub fn peak(runs: &[RunRecord], component: &str, metric: &str) -> Option<(f64, f64)> {
    let mut highest: Option<(f64, f64)> = None;
    for run in runs {
        let Some(values) = column(run, component, metric) else { continue };
        let values = values.iter().zip(&run.series.times).filter(|(value, _)| !value.is_nan());
        for (value, time) in values {
            if highest.is_none_or(|(best, _)| *value > best) {
                highest = Some((*value, time.as_secs()));
            }
        }
    }
    highest
}

/// The sampled values of a metric of a whole component.
pub fn column<'a>(run: &'a RunRecord, component: &str, metric: &str) -> Option<&'a [f64]> {
    let mut columns = run.series.columns.iter();
    let is_it = |c: &&engine::record::Column| {
        c.component == component && c.member.is_empty() && c.metric == metric
    };
    columns.find(is_it).map(|column| column.values.as_slice())
}
