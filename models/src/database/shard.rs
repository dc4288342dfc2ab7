//! One shard at work: connections, statements on its CPU, and a disk that commits in groups.
//!
//! A call waits for a connection, and keeps it until it is answered. Its statements take effect
//! all at once, or none, at the moment of its commit: what a crash interrupts has not happened.
//! That guards are looked at only then means that a transaction which will be denied pays for its
//! commit like any other.

use std::collections::VecDeque;

use engine::{
    Answer, CallId, Component, Cx, Gauges, Hears, Never, Outcome, Span, chance::Sampler, word,
};

use super::program::Programs;

/// What a shard does, as known once the scenario is read.
#[derive(Clone)]
pub(super) struct Rules {
    pub connections: u32,
    /// How many calls may wait for a connection.
    pub queue: u32,
    pub statement: Sampler,
    /// The time of one flush of the log; `None`: commits take no time.
    pub fsync: Option<Sampler>,
    pub programs: Programs,
}

word! {
    /// What its timers mean.
    pub(super) enum Timer {
        /// The statements of this call have been executed.
        Executed(CallId),
        /// The flush under way is done.
        Flushed,
    }
}

/// A shard with the calls it has in hand.
#[derive(Clone)]
pub(super) struct Shard {
    rules: Rules,
    /// Connections in use.
    active: u32,
    line: VecDeque<CallId>,
    /// Transactions that the flush under way makes durable, and those that came too late for it.
    flushing: Vec<CallId>,
    next: Vec<CallId>,
}

impl Shard {
    pub(super) fn new(rules: Rules) -> Shard {
        let (line, flushing, next) = (VecDeque::new(), Vec::new(), Vec::new());
        Shard { rules, active: 0, line, flushing, next }
    }

    fn begin(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        self.active += 1;
        cx.occupy();
        let mut work = Span::ZERO;
        for _ in 0..self.rules.programs.statements(cx.request(call).op) {
            work += cx.sample(self.rules.statement);
        }
        cx.work(work, Timer::Executed(call));
    }

    fn executed(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let writes = self.rules.programs.writes(cx.request(call).op);
        match self.rules.fsync {
            Some(_) if writes => {
                self.next.push(call);
                self.flush(cx);
            }
            _ => self.commit(call, cx),
        }
    }

    /// Starts a flush for all who wait, unless one is under way.
    fn flush(&mut self, cx: &mut Cx<'_, Self>) {
        let Some(fsync) = self.rules.fsync else { return };
        if self.flushing.is_empty() && !self.next.is_empty() {
            std::mem::swap(&mut self.flushing, &mut self.next);
            let span = cx.sample(fsync);
            cx.after(span, Timer::Flushed);
        }
    }

    fn flushed(&mut self, cx: &mut Cx<'_, Self>) {
        let mut done = std::mem::take(&mut self.flushing);
        for call in &done {
            self.commit(*call, cx);
        }
        done.clear();
        self.flushing = done;
        self.flush(cx);
    }

    fn commit(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let (request, argument, now) = (cx.request(call), cx.argument(call), cx.now());
        let statements = self.rules.programs.fill(&request, argument);
        let answer = cx.ledger().apply(statements, &request, now);
        cx.reply(call, answer);
        self.active -= 1;
        cx.vacate();
        self.drop_who_left(cx);
        if let Some(next) = self.line.pop_front() {
            self.begin(next, cx);
        }
    }

    /// The line is that of the callers' connection pools: who has given up there is never sent.
    fn drop_who_left(&mut self, cx: &mut Cx<'_, Self>) {
        while let Some(&first) = self.line.front()
            && cx.has_left(first)
        {
            self.line.pop_front();
            cx.let_go(first);
        }
    }
}

impl Component for Shard {
    type Timer = Timer;
    type Ticket = Never;
    type Lever = Never;

    /// Who stops waiting for a connection leaves the line. A statement that runs, runs on.
    fn hears(&self) -> Hears {
        Hears { hangup: true, settle: false }
    }

    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        cx.servers(self.rules.connections);
    }

    fn on_call(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        self.drop_who_left(cx);
        if self.active < self.rules.connections {
            self.begin(call, cx);
        } else if (self.line.len() as u64) < u64::from(self.rules.queue) {
            self.line.push_back(call);
        } else {
            cx.turned_away();
            cx.reply(call, Answer::of(Outcome::Shed));
        }
    }

    fn on_return(&mut self, ticket: Never, _: Answer, _: &mut Cx<'_, Self>) {
        match ticket {}
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_, Self>) {
        match timer {
            Timer::Executed(call) => self.executed(call, cx),
            Timer::Flushed => self.flushed(cx),
        }
    }

    fn on_hangup(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        if let Some(at) = self.line.iter().position(|waits| *waits == call) {
            self.line.remove(at);
            cx.let_go(call);
        }
    }

    fn observe(&self, out: &mut Gauges) {
        out.level("queue", self.line.len() as f64);
        out.level("active", f64::from(self.active));
    }
}
