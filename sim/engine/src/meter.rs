//! What the kernel records: calls per edge, users' operations, counters, and samples of gauges.
//!
//! Components record nothing. Anything cumulative lives here, where no crash can reset it.

use std::collections::BTreeMap;

use crate::call::Outcome;
use crate::histogram::{Histogram, bump};
use crate::record::{EdgeRecord, Interval, OperationRecord, Outcomes, Requests};
use crate::time::{Span, Time};
use crate::window::{Sparse, Window};

/// Names a pair of groups that may talk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EdgeId(pub(crate) u16);

/// Names an operation, a journey or the end of a flow whose latency is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationId(pub(crate) u16);

/// Names a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CounterId(pub(crate) u16);

/// Calls of one edge.
pub(crate) struct EdgeMeter {
    pub from: String,
    pub to: String,
    asked: u64,
    outcomes: Outcomes,
    wasted: u64,
    took: Histogram,
}

/// One operation: the whole run, and the interval in progress.
pub(crate) struct OperationMeter {
    pub name: String,
    /// The end of a flow (`age`), not an operation of users.
    pub age: bool,
    /// What it takes is all that a request takes; a call within a journey is only a part.
    whole: bool,
    outcomes: Outcomes,
    took: Histogram,
    window: Window,
    window_outcomes: Outcomes,
    /// Ends in this interval of requests born during the warm-up.
    early: Window,
    early_outcomes: Outcomes,
    intervals: Vec<Interval>,
}

/// A running total of something a component or a flow counts.
pub(crate) struct Counter {
    /// The group that counts it; `None` for a `Count` of the scenario.
    pub owner: Option<u32>,
    pub name: String,
    pub value: u64,
    pub sampled: u64,
}

/// All of it.
pub struct Meter {
    pub(crate) edges: Vec<EdgeMeter>,
    pub(crate) operations: Vec<OperationMeter>,
    pub(crate) counters: Vec<Counter>,
    pub(crate) requests: Requests,
    pub(crate) warmup: Time,
}

impl Meter {
    pub(crate) fn new(warmup: Time) -> Meter {
        let requests = Requests::default();
        Meter { edges: vec![], operations: vec![], counters: vec![], requests, warmup }
    }

    pub(crate) fn add_edge(&mut self, from: &str, to: &str) -> EdgeId {
        let known = |edge: &EdgeMeter| edge.from == from && edge.to == to;
        let index = self.edges.iter().position(known).unwrap_or_else(|| {
            self.edges.push(EdgeMeter {
                from: from.into(),
                to: to.into(),
                asked: 0,
                outcomes: Outcomes::default(),
                wasted: 0,
                took: Histogram::coarse(),
            });
            self.edges.len() - 1
        });
        EdgeId(index as u16)
    }

    pub(crate) fn add_operation(&mut self, name: &str, age: bool) -> OperationId {
        let known = |op: &OperationMeter| op.name == name && op.age == age;
        let index = self.operations.iter().position(known).unwrap_or_else(|| {
            self.operations.push(OperationMeter {
                name: name.into(),
                age,
                whole: false,
                outcomes: Outcomes::default(),
                took: Histogram::fine(),
                window: Window::new(),
                window_outcomes: Outcomes::default(),
                early: Window::new(),
                early_outcomes: Outcomes::default(),
                intervals: Vec::new(),
            });
            self.operations.len() - 1
        });
        OperationId(index as u16)
    }

    /// An operation whose ends are the ends of requests.
    pub(crate) fn add_request(&mut self, name: &str) -> OperationId {
        let id = self.add_operation(name, false);
        self.operations[id.0 as usize].whole = true;
        id
    }

    pub(crate) fn add_counter(&mut self, owner: Option<u32>, name: &str) -> CounterId {
        let known = |counter: &Counter| counter.owner == owner && counter.name == name;
        let index = self.counters.iter().position(known).unwrap_or_else(|| {
            self.counters.push(Counter { owner, name: name.into(), value: 0, sampled: 0 });
            self.counters.len() - 1
        });
        CounterId(index as u16)
    }

    #[inline]
    pub(crate) fn asked(&mut self, edge: EdgeId) {
        bump(&mut self.edges[edge.0 as usize].asked);
    }

    #[inline]
    pub(crate) fn settle(&mut self, edge: EdgeId, outcome: Outcome, took: Span) {
        let edge = &mut self.edges[edge.0 as usize];
        bump(&mut edge.outcomes.0[outcome as usize]);
        edge.took.record(took.0);
    }

    #[inline]
    pub(crate) fn wasted(&mut self, edge: EdgeId) {
        self.edges[edge.0 as usize].wasted += 1;
    }

    #[inline]
    pub(crate) fn generated(&mut self) -> u64 {
        bump(&mut self.requests.generated);
        self.requests.generated
    }

    #[inline]
    pub(crate) fn finished(&mut self, outcome: Outcome) {
        bump(match outcome {
            Outcome::Done => &mut self.requests.completed,
            Outcome::Denied => &mut self.requests.denied,
            _ => &mut self.requests.failed,
        });
    }

    #[inline]
    pub(crate) fn record(&mut self, id: OperationId, born: Time, took: Span, outcome: Outcome) {
        let meter = &mut self.operations[id.0 as usize];
        if born >= self.warmup {
            meter.window.record(took.0);
            bump(&mut meter.window_outcomes.0[outcome as usize]);
        } else {
            meter.early.record(took.0);
            bump(&mut meter.early_outcomes.0[outcome as usize]);
        }
    }

    #[inline]
    pub(crate) fn count(&mut self, id: CounterId, n: u64) {
        self.counters[id.0 as usize].value += n;
    }

    /// An interval ends: what happened in it is folded into the totals.
    pub(crate) fn end_interval(&mut self) {
        for meter in &mut self.operations {
            let mut outcomes = std::mem::take(&mut meter.window_outcomes);
            meter.outcomes.add(&outcomes);
            outcomes.add(&std::mem::take(&mut meter.early_outcomes));
            let took = [meter.window.empty(Some(&mut meter.took)), meter.early.empty(None)];
            let took = Sparse::merged(&took);
            meter.intervals.push(Interval { outcomes, took });
        }
    }

    /// Calls made so far, by edge.
    pub(crate) fn all_asked(&self) -> Vec<u64> {
        self.edges.iter().map(|edge| edge.asked).collect()
    }

    /// `counted` are the calls of each edge that count.
    pub(crate) fn edge_records(&self, counted: &[u64]) -> Vec<EdgeRecord> {
        let edges = self.edges.iter().zip(counted);
        let mut records: Vec<EdgeRecord> = edges.map(|(edge, n)| edge.record(*n)).collect();
        records.sort_by(|a, b| (&a.from, &a.to).cmp(&(&b.from, &b.to)));
        records
    }

    /// The operations of users, or the ages of flows.
    pub(crate) fn operation_records(&self, age: bool) -> BTreeMap<String, OperationRecord> {
        let wanted = self.operations.iter().filter(|meter| meter.age == age);
        wanted.map(|meter| (meter.name.clone(), meter.record())).collect()
    }
}

impl EdgeMeter {
    fn record(&self, counted: u64) -> EdgeRecord {
        EdgeRecord {
            from: self.from.clone(),
            to: self.to.clone(),
            asked: self.asked,
            counted,
            outcomes: self.outcomes,
            wasted: self.wasted,
            took: self.took.clone(),
        }
    }
}

impl OperationMeter {
    fn record(&self) -> OperationRecord {
        OperationRecord {
            whole: self.whole,
            outcomes: self.outcomes,
            took: self.took.clone(),
            intervals: self.intervals.clone(),
        }
    }
}
