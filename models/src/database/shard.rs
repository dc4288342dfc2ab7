//! One shard at work: connections, statements on its CPU, and a disk that commits in groups.
//!
//! A call waits for a connection, and keeps it until it is answered. Its statements take effect
//! all at once, or none, at the moment of its commit: what a crash interrupts has not happened.
//! That guards are looked at only then means that a transaction which will be denied pays for its
//! commit like any other. Transactions that take several calls, and locks, are in `session`.

use std::collections::VecDeque;

use engine::{
    Answer, CallId, Component, CounterId, Cx, Gauges, GroupId, Hears, Key, Never, Outcome, Slab,
    Span, chance::Sampler, word,
};

use super::costs::Costs;
use super::member::CopyRules;
use super::program::Programs;
use super::replica::Copies;
use super::session::{Session, Written};
use crate::procedure::Part;
use crate::stores::locks::Locks;
use crate::wiring::Wiring;

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
    /// Whether transactions lock the rows that they write.
    pub row_locks: bool,
    /// How long a statement waits for a row.
    pub lock_timeout: Option<Span>,
    /// How long a statement has waited when it looks whether that is a deadlock.
    pub deadlock_after: Span,
    /// How long a transaction may wait for its client's next call.
    pub idle_timeout: Option<Span>,
    pub counters: Counters,
}

/// What it counts.
#[derive(Clone, Copy)]
pub(super) struct Counters {
    pub deadlocks: CounterId,
    pub lock_timeouts: CounterId,
    pub idle_timeouts: CounterId,
}

word! {
    /// What its timers mean.
    pub(super) enum Timer {
        /// A statement of this session has been executed; or all of them, where no rows are locked.
        Executed(Key),
        /// The disk has read what this session needs.
        Read(Key),
        /// The flush under way is done.
        Flushed,
        /// A session may have waited too long for a row.
        WaitedEnough(Key),
        /// A session may wait for itself.
        LookForDeadlock(Key),
        /// A second is over.
        Heartbeat,
        /// Commits are to be sent to the replicas.
        Ship,
        /// A transaction of the primary has been applied here.
        Applied,
        /// The promotion is done.
        Promoted,
        /// A commit may have waited too long for replicas.
        NotAcknowledged,
        /// A session may have been idle in a transaction for too long.
        Idle(Key),
    }
}

word! {
    /// What it remembers about its calls.
    pub(super) enum Ticket {
        /// Asks the primary whether it is there.
        Probe,
    }
}

impl Counters {
    /// Those of the database that is `group`.
    pub(super) fn of(group: GroupId, wiring: &mut Wiring<'_>) -> Counters {
        let mut counter = |name| wiring.builder.counter(group, name);
        Counters {
            deadlocks: counter("deadlocks"),
            lock_timeouts: counter("lock_timeouts"),
            idle_timeouts: counter("idle_timeouts"),
        }
    }
}

/// A shard with the calls it has in hand.
#[derive(Clone)]
pub(super) struct Shard {
    pub(super) rules: Rules,
    line: VecDeque<CallId>,
    /// One for each connection in use.
    pub(super) sessions: Slab<Session>,
    /// The sessions by their places, as their clients know them.
    pub(super) numbers: Vec<Key>,
    pub(super) locks: Locks,
    /// Transactions that the flush under way makes durable, and those that came too late for it.
    flushing: Vec<Key>,
    pub(super) next: Vec<Key>,
    /// Lists of statements that sessions have finished with: their memory is used again.
    pub(super) spare: Vec<Written>,
    /// What statements take beyond their own time.
    pub(super) costs: Costs,
    /// If it is one of several copies.
    pub(super) copies: Option<Box<Copies>>,
}

impl Shard {
    pub(super) fn new(rules: Rules) -> Shard {
        Shard {
            rules,
            line: VecDeque::new(),
            sessions: Slab::default(),
            numbers: Vec::new(),
            locks: Locks::default(),
            flushing: Vec::new(),
            next: Vec::new(),
            spare: Vec::new(),
            costs: Costs::default(),
            copies: None,
        }
    }

    /// With statements that take more than their own time.
    pub(super) fn with(self, costs: Costs) -> Shard {
        Shard { costs, ..self }
    }

    /// As one of several copies.
    pub(super) fn copied(self, rules: CopyRules) -> Shard {
        Shard { copies: Some(Box::new(Copies::new(rules))), ..self }
    }

    fn begin(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        cx.occupy();
        let written = self.spare.pop().unwrap_or_default();
        let key = self.sessions.insert(Session::new(call, written));
        let place = key.index();
        if place >= self.numbers.len() {
            self.numbers.resize(place + 1, Key::NONE);
        }
        self.numbers[place] = key;
        self.proceed(key, cx);
    }

    /// Starts a flush for all who wait, unless one is under way.
    pub(super) fn flush(&mut self, cx: &mut Cx<'_, Self>) {
        let Some(fsync) = self.rules.fsync else { return };
        if self.flushing.is_empty() && !self.next.is_empty() {
            std::mem::swap(&mut self.flushing, &mut self.next);
            let span = cx.sample(fsync);
            cx.after(span, Timer::Flushed);
        }
    }

    fn flushed(&mut self, cx: &mut Cx<'_, Self>) {
        let mut done = std::mem::take(&mut self.flushing);
        for key in &done {
            self.commit(*key, cx);
        }
        done.clear();
        self.flushing = done;
        self.flush(cx);
    }

    /// A connection is free: the next in line takes it.
    pub(super) fn connection_free(&mut self, cx: &mut Cx<'_, Self>) {
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
    type Ticket = Ticket;
    type Lever = Never;

    /// Who stops waiting for a connection leaves the line. A statement that runs, runs on.
    fn hears(&self) -> Hears {
        Hears { hangup: true, settle: false }
    }

    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        cx.servers(self.rules.connections);
        self.join(cx);
    }

    fn on_call(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let op = cx.request(call).op;
        if self.copies.as_ref().is_some_and(|copies| copies.is_news(op)) {
            return self.news(call, cx);
        }
        let part = self.rules.programs.part(op);
        if matches!(part, Part::Inside | Part::Commit) {
            return self.go_on(call, cx);
        }
        self.drop_who_left(cx);
        if (self.sessions.len() as u64) < u64::from(self.rules.connections) {
            self.begin(call, cx);
        } else if (self.line.len() as u64) < u64::from(self.rules.queue) {
            self.line.push_back(call);
        } else {
            cx.turned_away();
            cx.reply(call, Answer::of(Outcome::Shed));
        }
    }

    fn on_return(&mut self, ticket: Ticket, answer: Answer, cx: &mut Cx<'_, Self>) {
        match ticket {
            Ticket::Probe => self.probed(answer, cx),
        }
    }

    fn on_crash(&mut self, fresh: &Self) {
        let mut before = std::mem::replace(self, fresh.clone());
        if let (Some(now), Some(before)) = (&mut self.copies, &mut before.copies) {
            now.after_crash(before);
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_, Self>) {
        match timer {
            Timer::Executed(key) => self.statement_done(key, cx),
            Timer::Read(key) => self.read(key, cx),
            Timer::Flushed => self.flushed(cx),
            Timer::WaitedEnough(key) => self.waited(key, cx),
            Timer::LookForDeadlock(key) => self.look_for_deadlock(key, cx),
            Timer::Heartbeat => self.heartbeat(cx),
            Timer::Ship => self.ship(cx),
            Timer::Applied => self.applied(cx),
            Timer::Promoted => self.promoted(cx),
            Timer::NotAcknowledged => self.not_acknowledged(cx),
            Timer::Idle(key) => self.idle(key, cx),
        }
    }

    fn on_hangup(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        if let Some(at) = self.line.iter().position(|waits| *waits == call) {
            self.line.remove(at);
            return cx.let_go(call);
        }
        let of_it = |session: &Session| session.open == call || session.asked == call;
        let found = self.sessions.iter().find(|(_, session)| of_it(session)).map(|(key, _)| key);
        if let Some(key) = found {
            self.hung_up(key, call, cx);
        }
    }

    fn observe(&self, out: &mut Gauges) {
        out.level("queue", self.line.len() as f64);
        out.level("active", self.sessions.len() as f64);
        if self.rules.row_locks {
            out.level("lock_waiters", self.locks.waiting() as f64);
        }
    }
}
