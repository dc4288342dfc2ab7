//! Runs → Report: records, verdicts and the graph, in the form that package `reports` renders.

use reports::{CheckRow, Report, TopologyNode, VariantRuns};

use crate::check::{Judged, Verdict};
use crate::prepare::Prepared;
use crate::sweep::Runs;
use crate::topology::Topology;

/// Everything that is rendered after the runs. They can be played again by `sim run`, this file and
/// these flags.
pub fn report(
    prepared: &Prepared,
    runs: Vec<Runs>,
    judged: &[Judged],
    (file, flags): (String, String),
) -> Report {
    let planned = prepared.variants.iter().map(|(_, topology)| topology);
    let variants = runs.into_iter().zip(planned).map(|(runs, topology)| VariantRuns {
        name: (!runs.variant.is_empty()).then_some(runs.variant),
        runs: runs.records,
        topology: drawn(topology),
    });
    Report {
        scenario: prepared.name.clone(),
        effective: prepared.effective.clone(),
        variants: variants.collect(),
        checks: judged.iter().map(row).collect(),
        file,
        flags,
    }
}

fn row(judged: &Judged) -> CheckRow {
    let unit = judged.unit;
    let shown = |value: f64| unit.show(value);
    let note = match judged.verdict {
        Verdict::Pass => String::new(),
        Verdict::Fail => failing(&judged.failing),
        Verdict::Inconclusive => "inconclusive: add seeds (--seeds)".into(),
        Verdict::NoSamples => "nothing to measure".into(),
    };
    CheckRow {
        text: judged.text.clone(),
        variant: (!judged.variant.is_empty()).then(|| judged.variant.clone()),
        verdict: judged.verdict,
        value: judged.observed.filter(|value| value.is_finite()),
        unit: unit.symbol(),
        observed: judged.observed.map_or("-".into(), shown),
        interval: judged.interval.map(|(low, high)| format!("[{}, {}]", shown(low), shown(high))),
        limit: judged.limit.clone(),
        note,
    }
}

fn failing(seeds: &[u64]) -> String {
    match seeds {
        [] => String::new(),
        [seed] => format!("fails with seed {seed}"),
        [first, ..] => format!("fails with {} seeds, the first is {first}", seeds.len()),
    }
}

fn drawn(topology: &Topology) -> petgraph::graph::DiGraph<TopologyNode, ()> {
    let node = |name: &String| {
        let spec = topology.offers.get(name);
        let kind = spec.map_or("Traffic", |offer| offer.kind).to_string();
        let replicas = topology.places.groups.get(name).map_or(1, Vec::len) as u16;
        TopologyNode { name: name.clone(), kind, replicas }
    };
    let whole = petgraph::graph::DiGraph::from(topology.graph.clone());
    whole.map(|_, name| node(name), |_, _| ())
}
