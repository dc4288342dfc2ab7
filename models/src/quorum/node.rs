//! A node at work: replica of the rows that are its own, coordinator of what callers ask it. Here
//! is what it is and what comes to it; see [`super::question`] for what it asks of others.

use std::collections::BTreeMap;
use std::rc::Rc;

use engine::chance::{Sampler, StreamId};
use engine::ledger::{Ledger, TableId};
use engine::{
    Answer, CallId, Component, CounterId, Cx, Gauges, Key, LinkId, Never, OpId, Port, Request,
    Slab, Span, Time, word,
};

use super::cell::{Cell, Mutation};
use super::hints::Hints;
use super::patience::{HurrySpec, Patience};
use super::peers::Peers;
use super::place::Places;
use super::question::{Leg, Question};
use crate::database::program::Programs;

/// What a node does, as known once the scenario is read.
#[derive(Clone)]
pub(super) struct Rules {
    pub me: u16,
    pub members: u16,
    /// To all nodes, itself among them.
    pub link: LinkId,
    pub places: Places,
    pub tables: Rc<[Kept]>,
    pub programs: Programs,
    /// How many replicas a read waits for, and a write.
    pub reads: u8,
    pub writes: u8,
    /// A hint counts as an answer to a write.
    pub any: bool,
    /// CPU times: of a coordinator for each question, of a replica for a row.
    pub coordinate: Sampler,
    pub read: Sampler,
    pub write: Sampler,
    pub read_timeout: Span,
    pub write_timeout: Span,
    /// When another replica is asked to read.
    pub speculate: HurrySpec,
    /// Replicas that differ are repaired before the answer.
    pub repair: bool,
    pub heartbeat: Span,
    pub down_after: Span,
    pub hints: HintRules,
    /// Clocks are wrong by at most so much.
    pub skew: Span,
    pub ops: Ops,
    pub counters: Counters,
    pub stream: StreamId,
}

/// What becomes of writes that a replica does not take.
#[derive(Clone, Copy)]
pub(super) struct HintRules {
    /// None are kept for who has been silent for longer.
    pub window: Span,
    pub most: u64,
    /// How often they are flushed, and looked through for somebody who is back.
    pub every: Span,
    /// Between two that are replayed.
    pub gap: Span,
}

/// A table as its nodes keep it.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    /// What was acknowledged.
    pub rows: TableId,
    /// When that was written, by the clock of its coordinator.
    pub stamps: TableId,
    /// So many rows exist from the start, and no others ever.
    pub from_start: Option<u64>,
    /// What they hold.
    pub value: i64,
}

impl Kept {
    /// The newest write of a row that has been acknowledged.
    pub(super) fn acknowledged(&self, key: u64, ledger: &Ledger) -> Cell {
        let value = |table| ledger.read(table, key).map_or(0, |row| row.value);
        Cell { stamp: value(self.stamps) as u64, value: value(self.rows) }
    }

    /// Whether a replica that has this of a row has a row.
    pub(super) fn exists(&self, key: u64, cell: Cell) -> bool {
        cell.stamp > 0 || self.from_start.is_some_and(|rows| key < rows)
    }
}

/// What nodes ask each other.
#[derive(Clone, Copy)]
pub(super) struct Ops {
    pub read: OpId,
    pub write: OpId,
    pub beat: OpId,
}

/// What is counted.
#[derive(Clone, Copy)]
pub(super) struct Counters {
    pub stale: CounterId,
    pub lost_updates: CounterId,
    pub unavailable: CounterId,
    pub timeouts: CounterId,
    pub mismatches: CounterId,
    pub repaired: CounterId,
    pub speculated: CounterId,
    pub hints: CounterId,
    pub hints_replayed: CounterId,
    pub hints_refused: CounterId,
    pub hints_lost: CounterId,
}

impl Ops {
    pub(super) fn named(mut op: impl FnMut(&str) -> OpId) -> Ops {
        Ops { read: op("read"), write: op("write"), beat: op("beat") }
    }
}

impl Counters {
    pub(super) fn named(mut counter: impl FnMut(&str) -> CounterId) -> Counters {
        Counters {
            stale: counter("stale"),
            lost_updates: counter("lost_updates"),
            unavailable: counter("unavailable"),
            timeouts: counter("timeouts"),
            mismatches: counter("mismatches"),
            repaired: counter("repaired"),
            speculated: counter("speculated"),
            hints: counter("hints"),
            hints_replayed: counter("hints_replayed"),
            hints_refused: counter("hints_refused"),
            hints_lost: counter("hints_lost"),
        }
    }
}

word! {
    /// What its timers mean.
    pub(super) enum Timer {
        /// The coordinator has looked at a question.
        Begin(CallId),
        /// A row has been read or written for another node.
        Served(CallId),
        /// A row has been read or written for a question of its own.
        Local(Key),
        /// A question has taken too long.
        Over(Key),
        /// A read takes long.
        Hurry(Key),
        /// Time for heartbeats.
        Beat,
        /// Time to look through the hints.
        Look,
        /// The next hint for this node may go.
        Replay(u32),
    }
}

word! {
    /// What it remembers of what it asked others.
    pub(super) enum Ticket {
        /// A replica, for a question.
        Leg(Key),
        /// A hint.
        Hint(Key),
    }
}

/// A node.
#[derive(Clone)]
pub(super) struct Node {
    pub rules: Rules,
    /// The rows that it has, by table and key, as far as they were written.
    pub rows: BTreeMap<(u16, u64), Cell>,
    pub peers: Peers,
    pub hints: Hints,
    /// Hints on their way, and for whom.
    pub sent: Slab<(u16, Mutation)>,
    /// Nodes that hints are replayed to, as a set; and those of them that have not taken one.
    pub replaying: u64,
    pub halted: u64,
    pub questions: Slab<Question>,
    pub legs: Slab<Leg>,
    pub patience: Patience,
    /// When another replica is asked to read; `None`: never.
    pub patient_for: Option<Span>,
    /// How wrong its clock is, in nanoseconds, once that is drawn.
    clock: Option<i64>,
    /// The last timestamp that it gave: no two are the same.
    stamp: u64,
    /// Hints that a crash took, and that have not been counted.
    lost: u64,
}

impl Node {
    pub(super) fn new(rules: Rules) -> Node {
        let peers = Peers::new(rules.me, rules.members, rules.down_after);
        let hints = Hints::new(rules.members, rules.hints.most);
        let patient_for = match rules.speculate {
            HurrySpec::P99 => Some(Span(rules.read_timeout.0 / 2)),
            HurrySpec::After(after) => Some(after.span()),
            HurrySpec::Never => None,
        };
        Node {
            rules,
            peers,
            hints,
            rows: BTreeMap::new(),
            sent: Slab::default(),
            replaying: 0,
            halted: 0,
            questions: Slab::default(),
            legs: Slab::default(),
            patience: Patience::default(),
            patient_for,
            clock: None,
            stamp: 0,
            lost: 0,
        }
    }

    /// What this replica knows of a row.
    pub(super) fn row(&self, table: u16, key: u64) -> Cell {
        let begun = Cell { stamp: 0, value: self.rules.tables[usize::from(table)].value };
        self.rows.get(&(table, key)).copied().unwrap_or(begun)
    }

    /// Takes a write, unless it has a later one.
    pub(super) fn take(&mut self, Mutation { table, key, cell }: Mutation) {
        let row = self.rows.entry((table, key)).or_insert(cell);
        *row = cell.max(*row);
    }

    /// A timestamp: the time by its own clock, and later than any that it gave.
    pub(super) fn stamp(&mut self, now: Time) -> u64 {
        let clock = now.0 as i64 + self.clock.unwrap_or(0);
        self.stamp = (self.stamp + 1).max(clock.max(0) as u64 / 1000);
        self.stamp
    }

    /// The way to another node.
    pub(super) fn port(&self, member: u16) -> Port {
        Port { link: self.rules.link, member }
    }

    /// Tells everybody that it is there; and looks how long its reads take.
    fn beat(&mut self, cx: &mut Cx<'_, Self>) {
        if let (HurrySpec::P99, Some(p99)) = (self.rules.speculate, self.patience.p99()) {
            self.patient_for = Some(p99);
        }
        let mut request = Request::internal(self.rules.ops.beat, cx.now());
        request.draws[0] = self.rules.me.into();
        for member in (0..self.rules.members).filter(|member| *member != self.rules.me) {
            cx.tell(self.port(member), request, 0);
        }
        cx.after_fixed(self.rules.heartbeat, Timer::Beat);
    }

    /// Another node's question has been worked on.
    fn served(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        if !cx.holds(call) {
            return;
        }
        let request = cx.request(call);
        let mutation = Mutation::from_request(&request, cx.argument(call));
        if request.op == self.rules.ops.write {
            self.take(mutation);
            return cx.reply(call, Answer::DONE);
        }
        cx.reply(call, self.row(mutation.table, mutation.key).answer());
    }
}

impl Component for Node {
    type Timer = Timer;
    type Ticket = Ticket;
    type Lever = Never;

    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        let lost = std::mem::take(&mut self.lost);
        cx.count(self.rules.counters.hints_lost, lost);
        self.peers.begin(cx.now());
        let stream = self.rules.stream;
        if self.clock.is_none() {
            self.clock = Some(((2.0 * cx.unit(stream) - 1.0) * self.rules.skew.0 as f64) as i64);
        }
        for (every, timer) in
            [(self.rules.heartbeat, Timer::Beat), (self.rules.hints.every, Timer::Look)]
        {
            let phase = Span::from_f64(every.0 as f64 * cx.unit(stream));
            cx.after(phase, timer);
        }
    }

    fn on_call(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let (request, Rules { ops, read, write, coordinate, .. }) = (cx.request(call), &self.rules);
        if request.op == ops.beat {
            self.peers.heard(request.draws[0] as u16, cx.now());
            return cx.reply(call, Answer::DONE);
        }
        let (sampler, timer) = match request.op {
            op if op == ops.read => (*read, Timer::Served(call)),
            op if op == ops.write => (*write, Timer::Served(call)),
            _ => (*coordinate, Timer::Begin(call)),
        };
        let work = cx.sample(sampler);
        cx.work(work, timer);
    }

    fn on_return(&mut self, ticket: Ticket, answer: Answer, cx: &mut Cx<'_, Self>) {
        match ticket {
            Ticket::Leg(leg) => self.returned(leg, &answer, cx),
            Ticket::Hint(hint) => self.hint_returned(hint, &answer, cx),
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_, Self>) {
        match timer {
            Timer::Begin(call) => self.begin(call, cx),
            Timer::Served(call) => self.served(call, cx),
            Timer::Local(leg) => self.served_itself(leg, cx),
            Timer::Over(question) => self.over(question, cx),
            Timer::Hurry(question) => self.hurry(question, cx),
            Timer::Beat => self.beat(cx),
            Timer::Look => self.look(cx),
            Timer::Replay(member) => self.replay(member as u16, cx),
        }
    }

    /// Rows are on disk, and hints that were flushed. Questions under way are forgotten.
    fn on_crash(&mut self, fresh: &Self) {
        let mut before = std::mem::replace(self, fresh.clone());
        let lost = before.lost + before.hints.crash();
        for (_, (member, hint)) in before.sent.iter() {
            before.hints.back(*member, *hint);
        }
        let Node { rows, hints, clock, stamp, .. } = before;
        *self = Node { rows, hints, clock, stamp, lost, ..fresh.clone() };
    }

    fn observe(&self, out: &mut Gauges) {
        out.level("in_hand", self.questions.len() as f64);
        out.level("hints", (self.hints.held() + self.sent.len() as u64) as f64);
    }
}
