//! One cache node at work: a single-threaded event loop over entries, as Redis and as one thread
//! of memcached are.
//!
//! Every command costs CPU time of the node; with a CPU of one server, commands queue in order of
//! arrival and the kernel's utilisation of the node is that of the loop. An expired entry is
//! noticed when it is asked for. A crash empties the node: memory is all it has. What it fetches
//! and writes itself, it does in flows, beside the loop.

use engine::ledger::TableId;
use engine::{Answer, CallId, Component, Cx, Gauges, Hears, Key, Outcome, Request, Span, word};

use super::behind::Buffer;
use super::depth::Depth;
use super::fills::{Fills, Lease};
use super::kept::{ABSENT, Kept};
use super::loading::Loads;
use super::moving::Leaving;
use super::reading::from_fill_word;
use super::rules::{Ops, Rules, Writes};
use super::tune::Turn;
use crate::flow::machine::{Ended, Found, Machine, Origin, Token, runs_flows};

word! {
    /// What its timers mean.
    pub(super) enum Timer {
        /// The command of this call has been executed.
        Served(CallId),
        /// Whoever fills has taken too long.
        RunOut(Lease),
        /// A frame's step is done, or its pause over.
        Frame(Key),
        /// A fork has waited long enough.
        Join(Key),
        /// A pool of connections (first), and what is due there (second).
        Pool((u16, u32)),
        /// A health check of a member (second) of a channel (first) is due.
        Check((u16, u32)),
        /// What was written is to reach the store.
        Flush,
        /// It is time to look at itself.
        Tune,
        /// It is time to look who is there.
        Look,
        /// Entries that go elsewhere have been packed.
        Packed,
        /// The next ones may go.
        Move,
    }
}

word! {
    /// What it remembers about its calls.
    pub(super) enum Ticket {
        /// Of a frame.
        Frame(Key),
        /// A health check.
        Check((u16, u32)),
    }
}

word! {
    /// What can be done to it from outside.
    pub(super) enum Lever {
        /// Drop all entries.
        Flush,
    }
}

/// What the frames of a node belong to: the two highest bits of their number.
pub(super) const LOAD: u32 = 0;
pub(super) const THROUGH: u32 = 1 << 30;
pub(super) const BEHIND: u32 = 2 << 30;
const KIND: u32 = 3 << 30;

/// Comparing one key with a pattern: a million take 40 ms (documentation of Redis, `KEYS`).
const SCAN: Span = Span::nanos(40);

/// A node with what it holds.
#[derive(Clone)]
pub(super) struct CacheNode {
    pub(super) rules: Rules,
    pub(super) kept: Kept,
    pub(super) fills: Fills,
    pub(super) depth: Depth,
    pub(super) table: Option<TableId>,
    pub(super) machine: Machine,
    pub(super) loads: Loads,
    pub(super) buffer: Buffer,
    pub(super) leaving: Leaving,
    /// Hits and misses since it last looked at itself.
    pub(super) lately: [u64; 2],
    /// Commands that came and have not been executed.
    queue: u32,
}

impl CacheNode {
    /// An empty node.
    pub(super) fn new(rules: Rules, kept: Kept, machine: Machine, members: u16) -> CacheNode {
        CacheNode {
            depth: Depth::new(rules.fill),
            rules,
            kept,
            machine,
            fills: Fills::default(),
            table: None,
            loads: Loads::default(),
            buffer: Buffer::default(),
            leaving: Leaving::new(members),
            lately: [0; 2],
            queue: 0,
        }
    }

    /// A command has had its turn.
    #[inline]
    fn served(&mut self, call: CallId, cx: &mut Cx<'_, Self>) -> Option<Ended> {
        self.queue -= 1;
        if !cx.holds(call) {
            return None;
        }
        let (request, Ops { get, put, .. }) = (cx.request(call), self.rules.ops);
        let key = self.rules.key.of(&request);
        if request.op == get {
            return self.get(call, key, cx);
        }
        if request.op == put {
            let found = from_fill_word(cx.argument(call));
            return self.put(call, key, found, cx);
        }
        self.rare_command(call, &request, key, cx)
    }

    fn rare_command(
        &mut self,
        call: CallId,
        request: &Request,
        key: u64,
        cx: &mut Cx<'_, Self>,
    ) -> Option<Ended> {
        let (word, ops) = (cx.argument(call), self.rules.ops);
        if request.op == ops.set {
            return self.set(call, key, from_fill_word(word), cx);
        }
        if request.op == ops.write {
            return self.set(call, key, Found { value: word, version: 0 }, cx);
        }
        if request.op == ops.rescue {
            return self.rescue(call, key, cx);
        }
        if request.op == ops.absent {
            return self.put(call, key, Found { value: 0, version: ABSENT }, cx);
        }
        if request.op == ops.forget_tag {
            self.kept.forget_tag(word as u32, cx.now());
            self.fills.void_all(cx.now(), |_, tag| tag == word as u32);
        } else if request.op == ops.forget_block {
            let block = word as u64;
            self.kept.forget_block(key, block);
            self.fills.void_all(cx.now(), |other, _| other / block == key / block);
        } else if request.op == ops.take {
            self.take(call, key, cx);
        } else {
            debug_assert!(request.op == ops.forget, "an operation of somebody else");
            self.kept.remove(key);
            self.fills.void(key, cx.now());
        }
        cx.reply(call, Answer::DONE);
        None
    }

    /// Flows of its own that have ended: what each was for goes on.
    #[inline]
    pub(super) fn over(&mut self, mut ended: Option<Ended>, cx: &mut Cx<'_, Self>) {
        while let Some(end) = ended.take() {
            let Origin::Host(number) = end.origin else { unreachable!("it starts them itself") };
            ended = match number & KIND {
                LOAD => self.loaded(number, end, cx),
                THROUGH => self.written_through(number - THROUGH, end, cx),
                _ => self.written_behind(number - BEHIND, end, cx),
            };
        }
    }

    fn tune(&mut self, cx: &mut Cx<'_, Self>) {
        let Some(tune) = self.rules.tune else { return };
        cx.after_fixed(tune.every, Timer::Tune);
        let [hits, misses] = std::mem::take(&mut self.lately);
        let ratio = (hits + misses > 0).then(|| hits as f64 / (hits + misses) as f64);
        let (weight, capacity, evict) =
            (self.kept.weight(), self.kept.capacity(), self.kept.evict());
        let (evict, capacity) = match tune.look(ratio, weight, capacity, evict) {
            Turn::Stay => return,
            Turn::Grow(more) => (evict, more),
            Turn::Change(then) => (then, capacity),
        };
        let gone = self.kept.resize(evict, capacity, cx.now());
        cx.count(self.rules.counters.evicted, gone);
    }
}

runs_flows!(CacheNode);

impl Component for CacheNode {
    type Timer = Timer;
    type Ticket = Ticket;
    type Lever = Lever;

    /// Who waits for somebody else's fill may hang up; nobody else waits here.
    fn hears(&self) -> Hears {
        Hears { hangup: self.rules.coalesce, settle: false }
    }

    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        self.table = self.rules.table.as_deref().and_then(|name| cx.ledger().find(name));
        for (index, channel) in self.machine.channels().iter_mut().enumerate() {
            channel.start(cx, index as u16, |member| Timer::Check((index as u16, member)));
        }
        self.machine.open_pools(cx);
        if let Writes::Behind(behind) = self.rules.writes {
            cx.after_fixed(behind.every, Timer::Flush);
        }
        if let Some(tune) = &self.rules.tune {
            cx.after_fixed(tune.every, Timer::Tune);
        }
        self.watch_keys(cx);
        self.warm(cx);
    }

    #[inline]
    fn on_call(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        if self.rules.connections > 0 && self.queue >= self.rules.connections {
            cx.turned_away();
            return cx.reply(call, Answer::of(Outcome::Refused));
        }
        self.queue += 1;
        let mut span = cx.sample(self.rules.access);
        if cx.request(call).op == self.rules.ops.forget_block {
            span += SCAN * self.kept.len() as u64;
        }
        cx.work(span, Timer::Served(call));
    }

    fn on_return(&mut self, ticket: Ticket, answer: Answer, cx: &mut Cx<'_, Self>) {
        match ticket {
            Ticket::Frame(frame) => {
                let ended = self.machine.on_return(cx, frame, answer);
                self.over(ended, cx);
            }
            Ticket::Check(check) => {
                let channel = &mut self.machine.channels()[check.0 as usize];
                channel.checked(cx, check.1, answer, Timer::Check(check));
            }
        }
    }

    #[inline]
    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_, Self>) {
        let ended = match timer {
            Timer::Served(call) => self.served(call, cx),
            Timer::RunOut(lease) => self.run_out(lease, cx),
            Timer::Frame(key) => self.machine.wake(cx, key),
            Timer::Join(key) => self.machine.on_timer(cx, Token::Join(key)),
            Timer::Pool(due) => self.machine.on_timer(cx, Token::Pool(due)),
            Timer::Check((channel, member)) => {
                let check = (channel, member);
                let channel = &mut self.machine.channels()[channel as usize];
                channel.check(cx, member, Timer::Check(check), Ticket::Check(check));
                None
            }
            Timer::Flush => return self.flush_is_due(cx),
            Timer::Tune => return self.tune(cx),
            Timer::Look => return self.look(cx),
            Timer::Packed => return self.packed(cx),
            Timer::Move => return self.pack(cx),
        };
        self.over(ended, cx);
    }

    fn on_hangup(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        cx.let_go(call);
    }

    fn on_lever(&mut self, lever: Lever, _: f64, cx: &mut Cx<'_, Self>) {
        match lever {
            Lever::Flush => {
                self.kept.clear();
                self.fills.void_all(cx.now(), |_, _| true);
            }
        }
    }

    /// Memory is all it has; what it had yet to write, the ledger knows to be lost. What chance has
    /// in store is not told twice.
    fn on_crash(&mut self, fresh: &Self) {
        let kept = self.kept.after_crash(&fresh.kept);
        *self = CacheNode { kept, ..fresh.clone() };
    }

    fn observe(&self, out: &mut Gauges) {
        out.level("queue", f64::from(self.queue));
        out.level("entries", self.kept.len() as f64);
        out.level("coalescing", self.fills.waiting() as f64);
        out.level("stampede", f64::from(self.depth.most(out.now())));
        out.level("bytes", self.kept.weight() as f64);
        out.level("unwritten", self.buffer.len() as f64);
        self.machine.observe_pools(out);
    }
}
