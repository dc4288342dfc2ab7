//! One cache node at work: a single-threaded event loop over an LRU, as Redis and as one thread
//! of memcached are.
//!
//! Every command costs CPU time of the node; with a CPU of one server, commands queue in order of
//! arrival and the kernel's utilisation of the node is that of the loop. An expired entry is
//! noticed when it is asked for. A crash empties the node: memory is all it has.

use engine::{
    Answer, CallId, Component, CounterId, Cx, Gauges, Hears, OpId, Outcome, Span, Time, chance,
    ledger::TableId, word,
};

use super::fills::{Fills, Lease, Miss};
use super::lru::{Found, Lru};
use crate::key::KeyOf;

/// What a node does, as known once the scenario is read.
#[derive(Clone)]
pub(super) struct Node {
    pub key: KeyOf,
    pub access: chance::Sampler,
    pub ttl: Option<Span>,
    /// How long whoever missed first has to fill; `None`: misses are not coalesced.
    pub fill: Option<Span>,
    /// The name of the table whose rows are cached: to count hits that are stale.
    pub table: Option<String>,
    pub ops: Ops,
    pub counters: Counters,
}

/// What can be asked of a node.
#[derive(Clone, Copy)]
pub(super) struct Ops {
    pub get: OpId,
    pub put: OpId,
    pub forget: OpId,
}

/// What a cache counts, over all its nodes.
#[derive(Clone, Copy)]
pub(super) struct Counters {
    pub hits: CounterId,
    pub misses: CounterId,
    pub evicted: CounterId,
    pub expired: CounterId,
    pub coalesced: CounterId,
}

word! {
    /// What its timers mean.
    pub(super) enum Timer {
        /// The command of this call has been executed.
        Served(CallId),
        /// Whoever fills has taken too long.
        RunOut(Lease),
    }
}

word! {
    /// What can be done to it from outside.
    pub(super) enum Lever {
        /// Drop all entries.
        Flush,
    }
}

/// A node with what it holds.
#[derive(Clone)]
pub(super) struct CacheNode {
    node: Node,
    lru: Lru,
    fills: Fills,
    table: Option<TableId>,
    /// Commands that came and have not been executed.
    queue: u32,
}

impl CacheNode {
    /// An empty node. Panics if it may hold nothing.
    pub(super) fn new(node: Node, capacity: usize) -> CacheNode {
        let (lru, fills) = (Lru::new(capacity), Fills::default());
        CacheNode { node, lru, fills, table: None, queue: 0 }
    }

    fn get(&mut self, call: CallId, key: u64, cx: &mut Cx<'_, Self>) {
        let counters = self.node.counters;
        match self.lru.get(key, cx.now()) {
            Found::Live(value, version) => {
                cx.count(counters.hits, 1);
                if let Some(table) = self.table {
                    cx.ledger().stale(table, key, version);
                }
                return cx.reply(call, hit(value, version));
            }
            Found::Expired => cx.count(counters.expired, 1),
            Found::Nothing => {}
        }
        let Some(patience) = self.node.fill else {
            cx.count(counters.misses, 1);
            return cx.reply(call, Answer::of(Outcome::Denied));
        };
        match self.fills.miss(key, call) {
            Miss::Fills(lease) => self.let_fill(call, lease, patience, cx),
            Miss::Waits => cx.count(counters.coalesced, 1),
        }
    }

    /// A miss: the caller is to fetch the value and to put it here while its lease lasts.
    fn let_fill(&mut self, call: CallId, lease: Lease, patience: Span, cx: &mut Cx<'_, Self>) {
        cx.count(self.node.counters.misses, 1);
        cx.after_fixed(patience, Timer::RunOut(lease));
        cx.reply(call, Answer::of(Outcome::Denied));
    }

    fn put(&mut self, call: CallId, key: u64, word: i64, cx: &mut Cx<'_, Self>) {
        let (value, version) = from_fill_word(word);
        let until = self.node.ttl.map_or(Time::NEVER, |ttl| cx.now() + ttl);
        if self.lru.put(key, value, version, until) {
            cx.count(self.node.counters.evicted, 1);
        }
        cx.reply(call, Answer::DONE);
        while let Some(waiter) = self.fills.filled(key) {
            if waits(waiter, cx) {
                cx.reply(waiter, hit(value, version));
            }
        }
    }

    /// The first in line who is still there gets the miss.
    fn run_out(&mut self, lease: Lease, cx: &mut Cx<'_, Self>) {
        let Some(patience) = self.node.fill else { return };
        let mut lease = lease;
        while let Some((call, next)) = self.fills.run_out(lease) {
            if waits(call, cx) {
                return self.let_fill(call, next, patience, cx);
            }
            lease = next;
        }
    }
}

/// Whether somebody in line is still there. Clients wait by asking again and again: who has given
/// up does not ask any more, whether it said so or not.
fn waits(call: CallId, cx: &mut Cx<'_, CacheNode>) -> bool {
    if !cx.holds(call) {
        return false;
    }
    let left = cx.has_left(call);
    if left {
        cx.let_go(call);
    }
    !left
}

fn hit(value: i64, version: u32) -> Answer {
    Answer { value, version, ..Answer::DONE }
}

/// The argument of a `put`: a value and the version of the row it was read from. Values beyond 32
/// bits are cut to the nearest one that fits.
pub fn fill_word(value: i64, version: u32) -> i64 {
    let value = value.clamp(i64::from(i32::MIN), i64::from(i32::MAX));
    value << 32 | i64::from(version)
}

fn from_fill_word(word: i64) -> (i64, u32) {
    (word >> 32, word as u32)
}

impl Component for CacheNode {
    type Timer = Timer;
    type Ticket = engine::Never;
    type Lever = Lever;

    /// Who waits for somebody else's fill may hang up; nobody else waits here.
    fn hears(&self) -> Hears {
        Hears { hangup: self.node.fill.is_some(), settle: false }
    }

    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        self.table = self.node.table.as_deref().and_then(|name| cx.ledger().find(name));
    }

    fn on_call(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        self.queue += 1;
        let span = cx.sample(self.node.access);
        cx.work(span, Timer::Served(call));
    }

    fn on_return(&mut self, ticket: engine::Never, _: Answer, _: &mut Cx<'_, Self>) {
        match ticket {}
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_, Self>) {
        let call = match timer {
            Timer::Served(call) => call,
            Timer::RunOut(lease) => return self.run_out(lease, cx),
        };
        self.queue -= 1;
        if !cx.holds(call) {
            return;
        }
        let (request, Ops { get, put, .. }) = (cx.request(call), self.node.ops);
        let key = self.node.key.of(&request);
        if request.op == get {
            self.get(call, key, cx);
        } else if request.op == put {
            let word = cx.argument(call);
            self.put(call, key, word, cx);
        } else {
            debug_assert!(request.op == self.node.ops.forget, "an operation of somebody else");
            self.lru.remove(key);
            cx.reply(call, Answer::DONE);
        }
    }

    fn on_hangup(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        cx.let_go(call);
    }

    fn on_lever(&mut self, lever: Lever, _: f64, _: &mut Cx<'_, Self>) {
        match lever {
            Lever::Flush => self.lru.clear(),
        }
    }

    fn observe(&self, out: &mut Gauges) {
        out.level("queue", f64::from(self.queue));
        out.level("entries", self.lru.len() as f64);
        out.level("coalescing", self.fills.waiting() as f64);
    }
}
