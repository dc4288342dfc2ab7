//! One cache node at work: a single-threaded event loop over entries, as Redis and as one thread
//! of memcached are.
//!
//! Every command costs CPU time of the node; with a CPU of one server, commands queue in order of
//! arrival and the kernel's utilisation of the node is that of the loop. An expired entry is
//! noticed when it is asked for. A crash empties the node: memory is all it has.

use engine::{
    Answer, CallId, Component, CounterId, Cx, Gauges, Hears, OpId, Outcome, Span, Time, chance,
    ledger::TableId, word,
};

use super::eviction::Evict;
use super::fills::{Fills, Lease, Miss};
use super::kept::{Cause, Entry, Kept};
use crate::key::KeyOf;

/// What a node does, as known once the scenario is read.
#[derive(Clone)]
pub(super) struct Node {
    pub key: KeyOf,
    pub access: chance::Sampler,
    pub ttl: Option<Span>,
    /// Times to live are drawn between 1 − this and 1 + this of `ttl`.
    pub jitter: f64,
    /// For how long an entry that has outlived its time is served while one caller refreshes it.
    pub stale: Span,
    /// β·δ of probabilistic early expiration (Vattani, Chierichetti and Lowenstein, 2015).
    pub early: Span,
    /// Whether those who miss a key that somebody fills wait for it.
    pub coalesce: bool,
    /// How long whoever fills a key alone has to do it.
    pub fill: Span,
    /// For jitter and early expiration.
    pub stream: chance::StreamId,
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
    /// Why the key was not there.
    pub cold: CounterId,
    pub capacity: CounterId,
    pub forgotten: CounterId,
    pub lost: CounterId,
    /// Hits on an older version than the table has.
    pub stale: CounterId,
    /// Callers who were to refresh an entry that was still there.
    pub refreshed: CounterId,
    /// Entries that were not let in.
    pub refused: CounterId,
}

impl Counters {
    /// All of them, each made under its name.
    pub(super) fn new(mut make: impl FnMut(&'static str) -> CounterId) -> Counters {
        Counters {
            hits: make("hits"),
            misses: make("misses"),
            evicted: make("evicted"),
            expired: make("expired"),
            coalesced: make("coalesced"),
            cold: make("cold"),
            capacity: make("capacity"),
            forgotten: make("forgotten"),
            lost: make("lost"),
            stale: make("stale"),
            refreshed: make("refreshed"),
            refused: make("refused"),
        }
    }
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
    kept: Kept,
    fills: Fills,
    table: Option<TableId>,
    /// Commands that came and have not been executed.
    queue: u32,
}

impl CacheNode {
    /// An empty node. Panics if it may hold nothing.
    pub(super) fn new(node: Node, evict: Evict, capacity: u64, seed: u64) -> CacheNode {
        let (kept, fills) = (Kept::new(evict, capacity, seed), Fills::default());
        CacheNode { node, kept, fills, table: None, queue: 0 }
    }

    fn get(&mut self, call: CallId, key: u64, cx: &mut Cx<'_, Self>) {
        match self.kept.get(key, self.node.stale, cx.now()) {
            Ok(entry) if self.refreshes(key, entry.until, call, cx) => {}
            Ok(entry) => self.hit(call, key, entry, cx),
            Err(cause) => self.miss(call, key, cause, cx),
        }
    }

    fn hit(&mut self, call: CallId, key: u64, entry: Entry, cx: &mut Cx<'_, Self>) {
        cx.count(self.node.counters.hits, 1);
        if let Some(table) = self.table
            && cx.ledger().stale(table, key, entry.version)
        {
            cx.count(self.node.counters.stale, 1);
        }
        cx.reply(call, hit(entry.value, entry.version));
    }

    /// Whether this caller is to fetch the value although there is an entry: it has outlived its
    /// time and nobody fetches yet, or chance says that it is early but time.
    fn refreshes(&mut self, key: u64, until: Time, call: CallId, cx: &mut Cx<'_, Self>) -> bool {
        let now = cx.now();
        if until <= now {
            let Some(lease) = self.fills.begin_first(key) else { return false };
            cx.count(self.node.counters.refreshed, 1);
            self.let_fill(call, lease, cx);
            return true;
        }
        if self.node.early.is_zero() || until == Time::NEVER {
            return false;
        }
        let ahead = self.node.early.0 as f64 * cx.exponential(self.node.stream);
        let early = now + Span::from_f64(ahead) >= until;
        if early {
            cx.count(self.node.counters.refreshed, 1);
            cx.count(self.node.counters.misses, 1);
            cx.reply(call, Answer::of(Outcome::Denied));
        }
        early
    }

    fn miss(&mut self, call: CallId, key: u64, cause: Cause, cx: &mut Cx<'_, Self>) {
        let counters = self.node.counters;
        let counter = match cause {
            Cause::Cold => counters.cold,
            Cause::Capacity => counters.capacity,
            Cause::Expired => counters.expired,
            Cause::Forgotten => counters.forgotten,
            Cause::Lost => counters.lost,
        };
        cx.count(counter, 1);
        if !self.node.coalesce {
            cx.count(counters.misses, 1);
            return cx.reply(call, Answer::of(Outcome::Denied));
        }
        match self.fills.miss(key, call) {
            Miss::Fills(lease) => self.let_fill(call, lease, cx),
            Miss::Waits => cx.count(counters.coalesced, 1),
        }
    }

    /// A miss: the caller is to fetch the value and to put it here while its lease lasts.
    fn let_fill(&mut self, call: CallId, lease: Lease, cx: &mut Cx<'_, Self>) {
        cx.count(self.node.counters.misses, 1);
        cx.after_fixed(self.node.fill, Timer::RunOut(lease));
        cx.reply(call, Answer::of(Outcome::Denied));
    }

    /// When what is put in now runs out.
    fn until(&self, cx: &mut Cx<'_, Self>) -> Time {
        let Some(ttl) = self.node.ttl else { return Time::NEVER };
        if self.node.jitter == 0.0 {
            return cx.now() + ttl;
        }
        let spread = self.node.jitter * (2.0 * cx.unit(self.node.stream) - 1.0);
        cx.now() + Span::from_f64(ttl.0 as f64 * (1.0 + spread))
    }

    fn put(&mut self, call: CallId, key: u64, word: i64, cx: &mut Cx<'_, Self>) {
        let (value, version) = from_fill_word(word);
        let until = self.until(cx);
        match self.kept.put(key, Entry { value, version, until }, cx.now()) {
            Some(gone) => cx.count(self.node.counters.evicted, gone),
            None => cx.count(self.node.counters.refused, 1),
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
        let mut lease = lease;
        while let Some((call, next)) = self.fills.run_out(lease) {
            if waits(call, cx) {
                return self.let_fill(call, next, cx);
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
        Hears { hangup: self.node.coalesce, settle: false }
    }

    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        if cx.now() > Time::ZERO {
            self.kept.reborn();
        }
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
            self.kept.remove(key);
            cx.reply(call, Answer::DONE);
        }
    }

    fn on_hangup(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        cx.let_go(call);
    }

    fn on_lever(&mut self, lever: Lever, _: f64, _: &mut Cx<'_, Self>) {
        match lever {
            Lever::Flush => self.kept.clear(),
        }
    }

    fn observe(&self, out: &mut Gauges) {
        out.level("queue", f64::from(self.queue));
        out.level("entries", self.kept.len() as f64);
        out.level("coalescing", self.fills.waiting() as f64);
    }
}
