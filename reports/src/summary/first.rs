//! What to read first: where the load is, where calls wait, where they fail.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use engine::RunRecord;
use engine::record::{EdgeRecord, Outcomes};
use petgraph::visit::Dfs;

use crate::Report;
use crate::format::{count, percent, time};
use crate::tables::causes;
use crate::totals::{Load, Peak, loads};

/// Components that work while users wait: those that users reach by calls.
fn on_the_way(report: &Report) -> BTreeSet<&str> {
    let graph = &report.variants[0].topology;
    let mut reached = BTreeSet::new();
    for user in graph.node_indices().filter(|node| graph[*node].kind == "Traffic") {
        let mut walk = Dfs::new(graph, user);
        while let Some(node) = walk.next(graph) {
            reached.insert(graph[node].name.as_str());
        }
    }
    reached
}

/// Whoever was busiest in its busiest interval, among the members of those for whom users wait.
pub(crate) fn bottleneck<'a>(report: &Report, loads: &'a [Load]) -> Option<&'a Peak> {
    let reached = on_the_way(report);
    let waited_for = loads.iter().filter(|load| reached.contains(load.name.as_str()));
    waited_for.filter_map(|load| load.peak.as_ref()).max_by(|a, b| {
        let key = |peak: &Peak| (peak.value, peak.mean);
        key(a).partial_cmp(&key(b)).expect("shares are numbers")
    })
}

pub(super) fn read_first(out: &mut String, report: &Report, runs: &[RunRecord]) {
    let remarks = remarks(report, runs);
    if remarks.is_empty() {
        return;
    }
    let _ = writeln!(out, "READ THIS FIRST");
    for (word, what) in remarks {
        let _ = writeln!(out, " {word:<10}  {what}");
    }
    out.push('\n');
}

/// Up to five, each under a word; only if there is something to say.
pub(crate) fn remarks(report: &Report, runs: &[RunRecord]) -> Vec<(&'static str, String)> {
    let mut remarks = Vec::new();
    let loads = loads(runs);
    if let Some(Peak { who, value, at: second, mean }) = bottleneck(report, &loads) {
        let word = if *value >= 0.8 { "bottleneck" } else { "busiest" };
        let (when, [peak, mean]) = (at(*second), [*value, *mean].map(percent));
        remarks.push((word, format!("{who}: busy {peak} at its peak, {when}; {mean} on average")));
    }
    let stood = |load: &Load| load.throttled.unwrap_or(0.0);
    if let Some(load) = loads.iter().max_by(|a, b| stood(a).total_cmp(&stood(b)))
        && stood(load) >= 0.005
    {
        let share = percent(stood(load));
        remarks.push((
            "throttled",
            format!("{}: stood still {share} of the time with its CPU quota used up", load.name),
        ));
    }
    let queued = loads.iter().filter_map(|load| Some((load, load.queue.as_ref()?)));
    let queued = queued.filter(|(_, queue)| queue.value >= 1.0);
    if let Some((load, queue)) = queued.max_by(|a, b| a.1.value.total_cmp(&b.1.value)) {
        // What a broker has not answered stays with it when the publisher gives up.
        let doing = if load.kind == "Topic" { "publishes unanswered" } else { "waiting" };
        let (who, most, when) = (&queue.who, count(queue.value), at(queue.at));
        remarks.push(("queue", format!("{who}: {most} {doing}, {when}")));
    }
    if let Some((edge, ends)) = failing(runs) {
        let share = percent(ends.errors() as f64 / ends.total().max(1) as f64);
        let (from, to, asked) = (&edge.from, &edge.to, count(ends.total() as f64));
        let causes = causes(&ends);
        let what = format!("{from} -> {to}: {share} of {asked} calls failed: {causes}");
        remarks.push(("errors", what));
    }
    remarks.extend(killed(runs).map(|what| ("memory", what)));
    remarks
}

/// Who was ended most often for what it held in memory.
fn killed(runs: &[RunRecord]) -> Option<String> {
    let ends = |place: usize| -> u64 {
        let totals = runs.iter().map(|run| &run.groups[place].totals);
        let why = |name| totals.clone().filter_map(|of| of.get(name)).sum::<u64>();
        why("oom_kills") + why("out_of_memory")
    };
    let groups = runs[0].groups.iter().enumerate();
    let (times, who) = groups.map(|(place, group)| (ends(place), &group.name)).max()?;
    let all = if runs.len() > 1 { " in all runs" } else { "" };
    let often = if times == 1 { "once".to_string() } else { format!("{times} times") };
    (times > 0).then(|| format!("{who}: out of memory {often}{all}"))
}

fn at(second: f64) -> String {
    format!("at {}", time(second * 1e9))
}

/// The pair of components between which the largest share of calls failed. Where most is told and
/// not asked, as between replicas, a share of the few answers says nothing.
fn failing(runs: &[RunRecord]) -> Option<(&EdgeRecord, Outcomes)> {
    let places = runs[0].edges.iter().enumerate();
    let sums = places.map(|(place, edge)| {
        let (mut asked, mut ends) = (0, Outcomes::default());
        for edge in runs.iter().filter_map(|run| run.edges.get(place)) {
            asked += edge.asked;
            ends.add(&edge.outcomes);
        }
        (edge, asked, ends)
    });
    let share = |ends: &Outcomes| ends.errors() as f64 / ends.total().max(1) as f64;
    let failed = sums.filter(|(_, asked, ends)| ends.errors() > 0 && 2 * ends.total() >= *asked);
    let worst = failed.max_by(|a, b| share(&a.2).total_cmp(&share(&b.2)));
    worst.map(|(edge, _, ends)| (edge, ends))
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::record::GroupRecord;
    use engine::{Builder, Frame, Span};

    /// Once in the first run and twice in the second, of both kinds; the other never.
    #[test]
    fn who_ran_out_of_memory_is_named() {
        let run = |kills: u64, exhausted: u64| {
            let group = |name: &str, totals: &[(&str, u64)]| GroupRecord {
                name: name.into(),
                kind: "Service".into(),
                totals: totals.iter().map(|&(name, n)| (name.into(), n)).collect(),
                members: Vec::new(),
            };
            let ended = [("oom_kills", kills), ("out_of_memory", exhausted)];
            let mut run = Builder::new(Frame::plain(1, Span::secs(1))).build().finish(0, &[]);
            run.groups = vec![group("api", &ended), group("bank", &[])];
            run
        };
        let said = |runs: &[RunRecord]| killed(runs).unwrap_or_default();
        assert_eq!(said(&[run(1, 0), run(0, 2)]), "api: out of memory 3 times in all runs");
        assert_eq!(said(&[run(1, 0)]), "api: out of memory once");
        assert_eq!(said(&[run(0, 0)]), "");
    }
}
