//! All that leaves a run: plain data. Reports render this and nothing else; checks read it.
//!
//! Every map is ordered by name, every list by time or by name, so that equal runs give equal
//! records.

use std::collections::BTreeMap;

use crate::call::Outcome;
use crate::histogram::Histogram;
use crate::time::{Span, Time};
use crate::window::Sparse;

/// One run of one scenario (or variant of it) with one seed.
#[derive(Clone, Debug)]
pub struct RunRecord {
    /// The seed of all its streams.
    pub seed: u64,
    /// Fingerprint of every event, in order.
    pub digest: u64,
    /// How many events the main loop handled.
    pub events: u64,
    /// Traffic stopped here (the scenario's `duration`); what follows is `settle`.
    pub duration: Span,
    /// Latencies and totals count requests born from here on.
    pub warmup: Span,
    /// When the world was quiet, or `settle` ran out.
    pub ended: Time,
    /// What became of the users' requests.
    pub requests: Requests,
    /// Per operation of the traffic (`"edge.view"`), and per journey under the source's name.
    pub operations: BTreeMap<String, OperationRecord>,
    /// One per pair of groups that may talk.
    pub edges: Vec<EdgeRecord>,
    /// One per component of the scenario, traffic included.
    pub groups: Vec<GroupRecord>,
    /// Everything that was sampled at intervals.
    pub series: Series,
    /// What changed the run from outside, in the order it began.
    pub actions: Vec<ActionRecord>,
    /// Counters of flows (`Count("sold")`).
    pub counters: BTreeMap<String, u64>,
    /// Ages: time since birth of the request at each end of a named flow.
    pub ages: BTreeMap<String, OperationRecord>,
    /// The ledger's tables at the end.
    pub tables: BTreeMap<String, TableRecord>,
    /// The ledger's logs at the end, one per topic or log table.
    pub logs: BTreeMap<String, LogRecord>,
    /// Keys in one table and not in another at the end, for the pairs that a check names.
    pub missing: BTreeMap<(String, String), u64>,
}

/// Requests of users: `generated = completed + denied + failed + in_flight`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// Born.
    pub generated: u64,
    /// Ended well.
    pub completed: u64,
    /// The system worked and the answer was no. Neither an error nor goodput.
    pub denied: u64,
    /// Ended any other way.
    pub failed: u64,
    /// Not ended when the run was.
    pub in_flight: u64,
}

/// What users (or the callers of a flow) lived through, over all attempts.
#[derive(Clone, Debug)]
pub struct OperationRecord {
    /// Each end is the end of a request: an operation that users ask for by itself, or a whole
    /// journey. False for calls that are only a part of journeys, and for ages of flows.
    pub whole: bool,
    /// Ends, by outcome, of requests born after the warm-up.
    pub outcomes: Outcomes,
    /// Time taken, failures included, three digits, of requests born after the warm-up.
    pub took: Histogram,
    /// The same per sample interval, warm-up included: `intervals[i]` holds what ended in the
    /// interval that ends at `series.times[i]`.
    pub intervals: Vec<Interval>,
}

/// What ended in one sample interval.
#[derive(Clone, Debug, Default)]
pub struct Interval {
    /// Ends by outcome.
    pub outcomes: Outcomes,
    /// Time taken, failures included.
    pub took: Sparse,
}

/// How many calls ended with each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes(pub [u64; Outcome::COUNT]);

impl Outcomes {
    /// How many ended with `outcome`.
    pub fn of(&self, outcome: Outcome) -> u64 {
        self.0[outcome as usize]
    }
    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
    /// Those that are errors: neither `Done` nor `Denied` nor `Redirected`.
    pub fn errors(&self) -> u64 {
        Outcome::ALL.iter().filter(|o| o.is_error()).map(|o| self.of(*o)).sum()
    }
    /// Adds another's counts.
    pub fn add(&mut self, other: &Outcomes) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine += theirs);
    }
}

/// Calls from one group to another.
#[derive(Clone, Debug)]
pub struct EdgeRecord {
    /// The callers.
    pub from: String,
    /// The callees.
    pub to: String,
    /// Calls made, attempts included.
    pub asked: u64,
    /// Of these, the ones between the end of the warm-up and the end of the traffic.
    pub counted: u64,
    /// Ends as the caller saw them.
    pub outcomes: Outcomes,
    /// Answers to callers who had left: work done for nobody.
    pub wasted: u64,
    /// Time taken, as the caller saw it, two digits.
    pub took: Histogram,
}

/// One component of the scenario: all its replicas.
#[derive(Clone, Debug)]
pub struct GroupRecord {
    /// Its name in the scenario.
    pub name: String,
    /// Its kind in the scenario: `"Service"`, `"Cache"` …
    pub kind: String,
    /// Final values of the counters it keeps (`"hits"`, `"misses"`, `"evicted"` …).
    pub totals: BTreeMap<String, u64>,
    /// Its replicas, in order.
    pub members: Vec<MemberRecord>,
}

/// One replica.
#[derive(Clone, Debug)]
pub struct MemberRecord {
    /// `"shop/3"`.
    pub name: String,
    /// The zone of its node; empty if the scenario has no zones.
    pub zone: String,
    /// Calls that arrived.
    pub arrived: u64,
    /// Of these, the ones between the end of the warm-up and the end of the traffic.
    pub counted: u64,
    /// Calls refused because it was down, and shed by it.
    pub turned_away: u64,
    /// Integral of busy servers (CPU, threads or connections: what limits it) over the time from
    /// the end of the warm-up to the end of the traffic.
    pub busy: Span,
    /// How many servers it has, of which cores may be parts; 0 if nothing limits it.
    pub servers: f64,
    /// Highest number waiting, over the samples.
    pub queue_max: f64,
}

/// Values sampled at the end of each interval.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// The length of an interval.
    pub every: Span,
    /// The ends of the intervals.
    pub times: Vec<Time>,
    /// One column per component, member and metric, in that order.
    pub columns: Vec<Column>,
}

/// One sampled metric; `values[i]` belongs to `times[i]`.
#[derive(Clone, Debug)]
pub struct Column {
    /// `"shop"`; for operations, the operation.
    pub component: String,
    /// `"shop/3"`; empty for a whole group, a source, a topic.
    pub member: String,
    /// `"queue"`, `"utilisation"`, `"lag"`, `"offered"`, `"hit_ratio"` …
    pub metric: String,
    /// `""`, `"1/s"`, `"ns"`, `"ratio"` or `"bytes"`.
    pub unit: String,
    /// One value per interval; NaN where there was nothing to measure.
    pub values: Vec<f64>,
}

/// An action and what it did.
#[derive(Clone, Debug)]
pub struct ActionRecord {
    /// As in the scenario: `"Crash(catalog-cache/1)"`, or its `as:` label.
    pub name: String,
    /// When it began, the first time; [`Time::NEVER`] if it did not.
    pub began: Time,
    /// When it ended, the last time; `None` if it lasts for good.
    pub ended: Option<Time>,
    /// How many times it began.
    pub times: u32,
    /// When it began and ended, each of the first hundred times.
    pub spells: Vec<(Time, Option<Time>)>,
    /// Which members or links it touched. Never empty in a run that succeeded.
    pub touched: Vec<String>,
}

impl ActionRecord {
    /// Its name, and how many times it happened if that is more than once.
    pub fn told(&self) -> String {
        match self.times {
            0 | 1 => self.name.clone(),
            times => format!("{}, {times} times", self.name),
        }
    }
}

/// A table of the ledger.
#[derive(Clone, Debug, Default)]
pub struct TableRecord {
    /// Rows that exist.
    pub rows: u64,
    /// Rows in each state (`"free"`, `"held"`, `"sold"` …).
    pub states: BTreeMap<String, u64>,
    /// The lowest and highest value any row ever had.
    pub low: i64,
    /// See `low`.
    pub high: i64,
    /// The sum of all values.
    pub sum: i64,
    /// Reads answered with a version older than the truth.
    pub stale: u64,
    /// Writes undone by a crash or a lagging promotion.
    pub lost: u64,
}

/// A log of the ledger: a topic (all partitions together), an outbox, a WAL.
#[derive(Clone, Debug, Default)]
pub struct LogRecord {
    /// Records appended.
    pub appended: u64,
    /// Records lost with a crash or a lagging promotion.
    pub lost: u64,
    /// Records appended and not yet committed, per consumer group.
    pub lag: BTreeMap<String, u64>,
}
