//! The server at work: one thread that executes one command at a time.
//!
//! A lock is granted, released and handed on by commands like any other. The server does not
//! notice that a client has died: a lock with a lease stands until the lease ends. A lock without
//! one belongs to the connection and goes with it. Transactions (MULTI, scripts) take one command
//! per statement and nothing comes between them. Whether tables outlive a crash is the scenario's
//! choice.

use engine::{
    Answer, CallId, Component, CounterId, Cx, Gauges, Hears, OpId, Outcome, Span, chance::Sampler,
    ledger::TableId, word,
};

use super::cluster::Cluster;
use crate::database::program::Programs;
use crate::stores::locks::{Claim, Grant, Holding, Locks};

/// What the server does, as known once the scenario is read.
#[derive(Clone)]
pub(super) struct Rules {
    pub command: Sampler,
    pub acquire: OpId,
    pub programs: Programs,
    /// Tables that are in memory only.
    pub volatile: Vec<TableId>,
    pub counters: Counters,
}

/// What it counts.
#[derive(Clone, Copy)]
pub(super) struct Counters {
    pub granted: CounterId,
    /// Leases that ended while somebody held the lock.
    pub expired: CounterId,
}

word! {
    /// What its timers mean.
    pub(super) enum Timer {
        /// The command of this call has been executed.
        Executed(CallId),
        /// The command that releases has been executed.
        Released(Holding),
        /// The lease of a lock has ended.
        LeaseOver(Holding),
        /// Time to look after the other nodes of the cluster.
        Tick,
        /// What another node says has been read.
        Read(CallId),
        /// A replica of this master stands for election.
        Stand(u32),
        /// Keys that move have been packed.
        Packed,
        /// The next keys may move.
        GoOn,
    }
}

word! {
    /// What it remembers of what it said to other nodes of its cluster.
    pub(super) enum Ticket {
        /// The connection to this one.
        Link(u32),
        /// A ping to this one.
        Ping(u32),
        /// A vote in this epoch.
        Vote(u32),
        /// Keys that move.
        Taken,
    }
}

word! {
    /// What can be done to it from outside.
    pub(super) enum Lever {
        /// It gives slots to another node: to whom, and how many.
        Give((u16, u32)),
    }
}

/// The server with its locks.
#[derive(Clone)]
pub(super) struct Server {
    rules: Rules,
    /// Its part in a cluster.
    pub(super) cluster: Option<Box<Cluster>>,
    locks: Locks,
    /// Commands that came and have not been executed.
    queue: u32,
    /// It has lost its memory, and the tables do not know yet.
    crashed: bool,
}

impl Server {
    pub(super) fn new(rules: Rules, cluster: Option<Cluster>) -> Server {
        let (cluster, locks) = (cluster.map(Box::new), Locks::default());
        Server { rules, cluster, locks, queue: 0, crashed: false }
    }

    fn execute(&mut self, commands: usize, timer: Timer, cx: &mut Cx<'_, Self>) {
        self.queue += 1;
        let work = self.commands(commands, cx);
        cx.work(work, timer);
    }

    /// How long so many commands take.
    pub(super) fn commands(&self, commands: usize, cx: &mut Cx<'_, Self>) -> Span {
        (0..commands).map(|_| cx.sample(self.rules.command)).fold(Span::ZERO, |a, b| a + b)
    }

    fn executed(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        if !cx.holds(call) {
            return;
        }
        let (request, argument, now) = (cx.request(call), cx.argument(call), cx.now());
        if let Some((answer, counter)) = self.cluster.as_ref().and_then(|it| it.turn_away(&request))
        {
            cx.count(counter, 1);
            return cx.reply(call, answer);
        }
        if request.op != self.rules.acquire {
            let statements = self.rules.programs.fill(&request, argument);
            let answer = cx.ledger().apply(statements, &request, now);
            if answer.outcome == Outcome::Done && self.rules.programs.writes(request.op) {
                self.copy(cx);
            }
            return cx.reply(call, answer);
        }
        let (name, lease) = from_lock_word(argument);
        let grant = self.locks.acquire(Claim { who: call, name: (0, name), lease });
        self.granted(grant, cx);
    }

    fn granted(&mut self, grant: Option<Grant>, cx: &mut Cx<'_, Self>) {
        let Some(Grant { claim, holding, token }) = grant else { return };
        cx.count(self.rules.counters.granted, 1);
        if let Some(lease) = claim.lease {
            cx.after_fixed(lease, Timer::LeaseOver(holding));
        }
        cx.reply(claim.who, Answer::grant(token as i64));
    }

    fn release(&mut self, holding: Holding, cx: &mut Cx<'_, Self>) {
        let grant = self.locks.release(holding);
        self.granted(grant, cx);
    }
}

/// How long a lease a [`lock_word`] can carry, in milliseconds: 28 bits, three days.
const LONGEST_LEASE: u64 = (1 << 28) - 1;

/// The argument of `acquire`: which lock (draw number `place` with value `key`), and for how
/// long, in whole milliseconds as in Redis, rounded up. `None`: until the connection ends.
pub fn lock_word(place: usize, key: u32, lease: Option<Span>) -> i64 {
    let millis = lease.map_or(0, |lease| lease.0.div_ceil(1_000_000).clamp(1, LONGEST_LEASE));
    (millis as i64) << 35 | (place as i64 & 7) << 32 | i64::from(key)
}

fn from_lock_word(word: i64) -> (u64, Option<Span>) {
    let millis = (word >> 35) as u64;
    ((word & ((1 << 35) - 1)) as u64, (millis > 0).then(|| Span::millis(millis)))
}

impl Component for Server {
    type Timer = Timer;
    type Ticket = Ticket;
    type Lever = Lever;

    /// Who has stopped waiting is not to be given a lock.
    fn hears(&self) -> Hears {
        Hears { hangup: true, settle: false }
    }

    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        if std::mem::take(&mut self.crashed) {
            self.rules.volatile.iter().for_each(|table| {
                cx.ledger().wipe(*table);
            });
        }
        if self.cluster.is_some() {
            self.join_cluster(cx);
        }
    }

    fn on_call(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let op = cx.request(call).op;
        if self.cluster.as_ref().is_some_and(|cluster| cluster.is_bus(op)) {
            return self.bus(call, cx);
        }
        let commands = match op == self.rules.acquire {
            true => 1,
            false => self.rules.programs.statements(op),
        };
        self.execute(commands, Timer::Executed(call), cx);
    }

    fn on_return(&mut self, ticket: Ticket, answer: Answer, cx: &mut Cx<'_, Self>) {
        self.heard(ticket, answer, cx);
    }

    fn on_lever(&mut self, Lever::Give((to, slots)): Lever, rate: f64, cx: &mut Cx<'_, Self>) {
        self.give(to, slots as u16, rate, cx);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_, Self>) {
        match timer {
            Timer::Executed(call) => {
                self.queue -= 1;
                self.executed(call, cx);
            }
            Timer::Released(holding) => {
                self.queue -= 1;
                self.release(holding, cx);
            }
            Timer::LeaseOver(holding) => {
                if self.locks.is_held(holding) {
                    cx.count(self.rules.counters.expired, 1);
                    self.release(holding, cx);
                }
            }
            Timer::Tick => self.tick(cx),
            Timer::Read(call) => self.read(call, cx),
            Timer::Stand(master) => self.stand(master as u16, cx),
            Timer::Packed => self.packed(cx),
            Timer::GoOn => self.go_on(cx),
        }
    }

    fn on_hangup(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let died = cx.caller_died(call);
        cx.let_go(call);
        match self.locks.held_by(call) {
            Some((_, claim)) if died && claim.lease.is_some() => {}
            Some((holding, _)) => self.execute(1, Timer::Released(holding), cx),
            None => self.locks.leave_line(call),
        }
    }

    /// Locks are in memory; the counter of tokens is not.
    fn on_crash(&mut self, fresh: &Self) {
        let token = self.locks.token();
        let mut cluster = self.cluster.take();
        if let (Some(mine), Some(fresh)) = (&mut cluster, &fresh.cluster) {
            mine.reborn(fresh);
        }
        *self = Server { cluster, locks: Locks::after(token), crashed: true, ..fresh.clone() };
    }

    fn observe(&self, out: &mut Gauges) {
        out.level("queue", f64::from(self.queue));
        out.level("locks", self.locks.held() as f64);
        out.level("lock_waiters", self.locks.waiting() as f64);
        if let Some(cluster) = &self.cluster {
            out.level("serving", f64::from(u8::from(cluster.is_up())));
        }
    }
}
