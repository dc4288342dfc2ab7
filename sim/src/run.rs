//! World → Run: one world played to its end, and the record of it.

use engine::{Digest, Packed, Probe, RunRecord, Span, Time, World};
use models::wiring::Problem;

use crate::assemble::assemble;
use crate::topology::Topology;

/// How often a run says how far it is.
pub const SLICES: u64 = 200;

/// How far a run is: the simulated time, and events so far.
pub type Watch<'a> = dyn Fn(Time, u64) + Sync + 'a;

/// Plays the scenario once. `missing` are the pairs of tables that checks compare.
///
/// The error is a mistake in the scenario that only a run shows: too much at once.
pub fn run(
    topology: &Topology,
    seed: u64,
    missing: &[(String, String)],
    watch: &Watch<'_>,
) -> Result<RunRecord, Vec<Problem>> {
    let mut world = assemble(topology, seed)?;
    let warm = Time::ZERO + topology.scenario.warmup.0;
    let quiet = Time::ZERO + topology.scenario.duration.0;
    play(&mut world, [warm, quiet], topology.end(), missing, watch)
}

/// What can be known of a run before it: every operation, counter, table, log and edge by name,
/// and nothing measured.
///
/// What is sampled is known once it has been: so its first instant is played, unless that is long.
pub fn blank(topology: &Topology) -> Result<RunRecord, Vec<Problem>> {
    let topology = Topology { every: AN_INSTANT, ..topology.clone() };
    let mut world = assemble(&topology, topology.scenario.seed)?;
    let mut probe = Steps { digest: Digest::default(), left: LONG };
    world.run(Time::ZERO + AN_INSTANT, &mut probe);
    Ok(world.finish(0, &[]))
}

/// What is played to see what is sampled.
const AN_INSTANT: Span = Span::nanos(1);
/// More events than this are a long instant.
const LONG: u64 = 10_000;

/// What one run may have in flight: some 400 bytes each, so that this is about four gigabytes.
const MOST_CALLS: usize = 10_000_000;
/// Between two looks at how many there are; an event begins one call, or a few.
const LOOK: u64 = 1 << 18;

/// Fingerprints a run, and stops now and then.
struct Steps {
    digest: Digest,
    left: u64,
}

impl Probe for Steps {
    #[inline]
    fn saw(&mut self, at: Time, event: Packed) {
        self.digest.saw(at, event);
        self.left -= 1;
    }

    #[inline]
    fn wants_more(&self) -> bool {
        self.left > 0
    }
}

/// Plays until `end`; or, once traffic has stopped at `quiet`, until nothing is left to happen.
/// What counts is between `warm` and `quiet`.
fn play(
    world: &mut World,
    [warm, quiet]: [Time; 2],
    end: Time,
    missing: &[(String, String)],
    watch: &Watch<'_>,
) -> Result<RunRecord, Vec<Problem>> {
    let mut probe = Steps { digest: Digest::default(), left: LOOK };
    let slice = end.0 / SLICES;
    let mut marks = [warm.min(end), quiet.min(end)].into_iter().peekable();
    let mut events = 0;
    for step in 1..=SLICES {
        let until = if step == SLICES { end } else { Time(slice * step) };
        while let Some(at) = marks.next_if(|at| *at <= until) {
            events += advance(world, at, &mut probe)?;
            world.mark(at);
        }
        events += advance(world, until, &mut probe)?;
        if until >= quiet && world.is_still() {
            watch(end, events);
            break;
        }
        watch(until, events);
    }
    Ok(world.finish(probe.digest.value(), missing))
}

/// Plays everything that is due by `until`. How many events that were.
fn advance(world: &mut World, until: Time, probe: &mut Steps) -> Result<u64, Vec<Problem>> {
    let mut events = 0;
    loop {
        events += world.run(until, probe);
        if probe.left > 0 {
            return Ok(events);
        }
        probe.left = LOOK;
        full(world.calls_in_flight(), until)?;
    }
}

/// A run that would take all memory is a mistake of its scenario.
fn full(calls: usize, until: Time) -> Result<(), Vec<Problem>> {
    if calls <= MOST_CALLS {
        return Ok(());
    }
    let (before, most) = (Span(until.0), MOST_CALLS);
    let message = format!("{calls} calls are in flight before {before}; at most {most} fit");
    let help = Some("ask for less at once, or give up sooner: rate, users, timeout".to_string());
    Err(vec![Problem { path: Vec::new(), message, help }])
}
