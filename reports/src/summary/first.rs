//! What to read first: where the load is, where calls wait, where they fail.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use engine::record::{EdgeRecord, Outcomes};
use engine::{Outcome, RunRecord};
use petgraph::visit::Dfs;

use crate::Report;
use crate::format::{count, percent, time};
use crate::totals::{Load, loads};

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

/// Whoever was busiest in its busiest interval, among those for whom users wait.
pub(crate) fn bottleneck<'a>(report: &Report, loads: &'a [Load]) -> Option<&'a Load> {
    let reached = on_the_way(report);
    let limited = loads.iter().filter(|load| reached.contains(load.name.as_str()));
    let limited = limited.filter(|load| load.peak.is_some());
    limited.max_by(|a, b| {
        let key = |load: &Load| (load.peak.unwrap_or(0.0), load.busy.unwrap_or(0.0));
        key(a).partial_cmp(&key(b)).expect("shares are numbers")
    })
}

pub(super) fn read_first(out: &mut String, report: &Report, runs: &[RunRecord]) {
    let _ = writeln!(out, "READ THIS FIRST");
    for (word, what) in remarks(report, runs) {
        let _ = writeln!(out, " {word:<10}  {what}");
    }
    out.push('\n');
}

/// Up to three, each under a word; only if there is something to say.
pub(crate) fn remarks(report: &Report, runs: &[RunRecord]) -> Vec<(&'static str, String)> {
    let mut remarks = Vec::new();
    let loads = loads(runs);
    if let Some(load) = bottleneck(report, &loads) {
        let (peak, mean) = (load.peak.unwrap_or(0.0), load.busy.unwrap_or(0.0));
        let word = if peak >= 0.8 { "bottleneck" } else { "busiest" };
        let (name, when) = (&load.name, at(load.peak_at));
        let [peak, mean] = [peak, mean].map(percent);
        let what = format!("{name}: busy {peak} at its peak, {when}; {mean} over the whole run");
        remarks.push((word, what));
    }
    let queued = loads.iter().filter(|load| load.queue >= 1.0);
    if let Some(load) = queued.max_by(|a, b| a.queue.total_cmp(&b.queue)) {
        let (name, most) = (&load.name, count(load.queue));
        remarks.push(("queue", format!("{name}: {most} waiting, {}", at(load.queue_at))));
    }
    if let Some((edge, asked, ends)) = failing(runs) {
        let share = percent(ends.errors() as f64 / ends.total().max(1) as f64);
        let (from, to, asked) = (&edge.from, &edge.to, count(asked as f64));
        let causes = causes(&ends);
        let what = format!("{from} -> {to}: {share} of {asked} calls failed: {causes}");
        remarks.push(("errors", what));
    }
    remarks
}

fn at(second: f64) -> String {
    format!("at {}", time(second * 1e9))
}

/// The pair of components between which the largest share of calls failed.
fn failing(runs: &[RunRecord]) -> Option<(&EdgeRecord, u64, Outcomes)> {
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
    let failed = sums.filter(|(_, _, ends)| ends.errors() > 0);
    failed.max_by(|a, b| share(&a.2).total_cmp(&share(&b.2)))
}

fn causes(ends: &Outcomes) -> String {
    let bad = Outcome::ALL.into_iter().filter(|o| o.is_error() && ends.of(*o) > 0);
    let bad = bad.map(|o| format!("{} {}", o.name(), count(ends.of(o) as f64)));
    bad.collect::<Vec<_>>().join(", ")
}
