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
    let graph = &report.topology;
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

/// Up to three lines; each only if there is something to say.
pub(super) fn read_first(out: &mut String, report: &Report, runs: &[RunRecord]) {
    let _ = writeln!(out, "READ THIS FIRST");
    let loads = loads(runs);
    if let Some(load) = bottleneck(report, &loads) {
        let (peak, mean) = (load.peak.unwrap_or(0.0), load.busy.unwrap_or(0.0));
        let word = if peak >= 0.8 { "bottleneck" } else { "busiest" };
        let _ = writeln!(
            out,
            " {word:<10}  {}: busy {} at its peak, {}; {} over the whole run",
            load.name,
            percent(peak),
            at(load.peak_at),
            percent(mean)
        );
    }
    let queued = loads.iter().filter(|load| load.queue >= 1.0);
    if let Some(load) = queued.max_by(|a, b| a.queue.total_cmp(&b.queue)) {
        let (name, most) = (&load.name, count(load.queue));
        let _ = writeln!(out, " {:<10}  {name}: {most} waiting, {}", "queue", at(load.queue_at));
    }
    if let Some((edge, asked, ends)) = failing(runs) {
        let _ = writeln!(
            out,
            " {:<10}  {} -> {}: {} of {} calls failed: {}",
            "errors",
            edge.from,
            edge.to,
            percent(ends.errors() as f64 / ends.total().max(1) as f64),
            count(asked as f64),
            causes(&ends)
        );
    }
    out.push('\n');
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
