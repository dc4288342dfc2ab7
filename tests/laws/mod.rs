//! What must hold in every world: nothing is lost or made up, nobody works more than always,
//! queues keep their bounds, equal runs are equal. Tried on small worlds drawn by chance.

mod drawn;

use engine::{Digest, RunRecord, World};
use rayon::prelude::*;
use sim::assemble::assemble;
use sim::topology::Topology;

use crate::theory::{measure, resolved};
use drawn::Drawn;

/// How many worlds are drawn.
const WORLDS: u64 = 120;

/// Plays a world to its end: the record, and how many calls had no end.
fn play(topology: &Topology, seed: u64) -> (RunRecord, usize) {
    let built = assemble(topology, seed);
    let mut world: World = built.unwrap_or_else(|problems| panic!("{problems:?}"));
    let mut probe = Digest::default();
    world.run(topology.end(), &mut probe);
    let open = world.calls_in_flight();
    (world.finish(probe.value(), &[]), open)
}

/// All that is wrong with a run.
fn broken(drawn: &Drawn, record: &RunRecord, open: usize) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut law = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    let all = record.requests;
    law(all.generated > 0, "nobody came".into());
    // Every world has time to come to rest, and nobody waits for ever.
    law(open == 0, format!("{open} calls without an end"));
    law(all.in_flight == 0, format!("{} requests without an end", all.in_flight));
    let ends: u64 = drawn.users.iter().map(|name| record.operations[name].outcomes.total()).sum();
    law(ends == all.generated, format!("{} came, {ends} were written down", all.generated));
    for edge in &record.edges {
        let (asked, ended) = (edge.asked, edge.outcomes.total());
        let name = format!("{} -> {}", edge.from, edge.to);
        law(asked == ended, format!("{name}: {asked} asked, {ended} ended"));
        law(edge.took.count() == ended, format!("{name}: {} times", edge.took.count()));
    }
    for column in &record.series.columns {
        let share = ["utilisation", "cpu", "hit_ratio"].contains(&column.metric.as_str());
        let most = column.values.iter().copied().fold(0.0, f64::max);
        let name = format!("{} {} {most}", column.member, column.metric);
        law(!share || most <= 1.0 + 1e-9, format!("{} {name}: above 1", column.component));
    }
    for group in &record.groups {
        let bound = drawn.bounds.get(&group.name).copied().unwrap_or(f64::INFINITY);
        for member in &group.members {
            let (most, name) = (member.queue_max, &member.name);
            law(most <= bound, format!("{name}: {most} wait in {bound} places"));
            let whole = record.ended.0 as f64 * member.servers;
            let busy = member.busy.0 as f64;
            law(member.servers == 0.0 || busy <= whole * 1.000_001, format!("{name}: {busy} busy"));
        }
    }
    wrong
}

/// Every drawn world for which `wrong` finds something, with all of that.
fn all_worlds(wrong: impl Fn(&Drawn, &Topology) -> Vec<String> + Sync) {
    let seeds: Vec<u64> = (1..=WORLDS).collect();
    let found: Vec<String> = seeds
        .par_iter()
        .filter_map(|&seed| {
            let drawn = Drawn::new(seed);
            let wrong = wrong(&drawn, &resolved(&drawn.text));
            let told = || format!("world {seed}: {}\n{}", wrong.join("; "), drawn.text);
            (!wrong.is_empty()).then(told)
        })
        .collect();
    assert!(found.is_empty(), "{} of {WORLDS}\n{}", found.len(), found.join("\n\n"));
}

#[test]
fn nothing_is_lost_or_made_up_in_any_world() {
    all_worlds(|drawn, topology| {
        let (record, open) = play(topology, 1);
        let mut wrong = broken(drawn, &record, open);
        if play(topology, 1).0.digest != record.digest {
            wrong.push("two equal runs differ".into());
        }
        if play(topology, 2).0.digest == record.digest {
            wrong.push("two seeds agree".into());
        }
        wrong
    });
}

/// The order of what happens in the same instant is nobody's promise.
#[test]
fn the_laws_hold_when_ties_are_shuffled() {
    all_worlds(|drawn, topology| {
        let mut shuffled = topology.clone();
        shuffled.shuffle_ties = true;
        let (record, open) = play(&shuffled, 1);
        broken(drawn, &record, open)
    });
}

/// Little: the number inside is the rate through times the time inside, whatever is inside.
#[test]
fn little() {
    let text = "(duration: \"60s\", sample: \"10ms\",
        components: { \"s\": Service(server: Threads(workers: 4, queue: 1000000),
          operations: { \"get\": [Work(Exp(\"1ms\"))] }) },
        traffic: { \"users\": Open(rate: \"3200/s\", to: \"s.get\") })";
    for record in measure(text, 4) {
        let gauge = |metric: &str| -> f64 {
            let columns = &record.series.columns;
            let found = columns.iter().find(|c| c.component == "s" && c.metric == metric);
            let values = &found.expect("a gauge").values;
            values.iter().sum::<f64>() / values.len() as f64
        };
        let took = &record.operations["s.get"].took;
        let inside = gauge("queue") + gauge("running");
        let through = took.count() as f64 / record.duration.as_secs() * took.mean() / 1e9;
        let off = (inside / through - 1.0).abs();
        assert!(off < 0.02, "seed {}: {inside} inside, {through} by rate and time", record.seed);
        // The integral of busy threads is exact: all work that was done.
        let busy = record.groups.iter().find(|g| g.name == "s").expect("s").members[0].busy;
        let share = busy.as_secs() / (4.0 * record.duration.as_secs());
        assert!((share - 0.8).abs() < 0.016, "seed {}: utilisation {share}", record.seed);
    }
}
