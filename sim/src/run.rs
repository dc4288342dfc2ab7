//! World → Run: one world played to its end, and the record of it.

use engine::{Digest, RunRecord, Time, World};
use models::wiring::Problem;

use crate::assemble::assemble;
use crate::topology::Topology;

/// How often a run says how far it is.
pub const SLICES: u64 = 200;

/// How far a run is: the simulated time, and events so far.
pub type Watch<'a> = dyn Fn(Time, u64) + Sync + 'a;

/// Plays the scenario once. `missing` are the pairs of tables that checks compare.
pub fn run(
    topology: &Topology,
    seed: u64,
    missing: &[(String, String)],
    watch: &Watch<'_>,
) -> Result<RunRecord, Vec<Problem>> {
    let mut world = assemble(topology, seed)?;
    Ok(play(&mut world, topology.end(), missing, watch))
}

/// What can be known of a run before it: every operation, counter, table, log and edge by name,
/// and nothing measured.
pub fn blank(topology: &Topology) -> Result<RunRecord, Vec<Problem>> {
    Ok(assemble(topology, topology.scenario.seed)?.finish(0, &[]))
}

fn play(
    world: &mut World,
    end: Time,
    missing: &[(String, String)],
    watch: &Watch<'_>,
) -> RunRecord {
    let mut probe = Digest::default();
    let slice = end.0 / SLICES;
    let mut events = 0;
    for step in 1..=SLICES {
        let until = if step == SLICES { end } else { Time(slice * step) };
        events += world.run(until, &mut probe);
        watch(until, events);
    }
    world.finish(probe.value(), missing)
}
