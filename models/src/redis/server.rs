//! The server at work: one thread that executes one command at a time.
//!
//! A lock is granted, released and handed on by commands like any other. The server does not
//! notice that a client has died: a lock with a lease stands until the lease ends. A lock without
//! one belongs to the connection and goes with it.

use engine::{
    Answer, CallId, Component, CounterId, Cx, Gauges, Hears, Never, OpId, Outcome, Span,
    chance::Sampler, word,
};

use super::locks::{Claim, Grant, Holding, Locks};

/// What the server does, as known once the scenario is read.
#[derive(Clone)]
pub(super) struct Rules {
    pub command: Sampler,
    pub acquire: OpId,
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
    }
}

/// The server with its locks.
#[derive(Clone)]
pub(super) struct Server {
    rules: Rules,
    locks: Locks,
    /// Commands that came and have not been executed.
    queue: u32,
}

impl Server {
    pub(super) fn new(rules: Rules) -> Server {
        Server { rules, locks: Locks::default(), queue: 0 }
    }

    fn execute(&mut self, timer: Timer, cx: &mut Cx<'_, Self>) {
        self.queue += 1;
        let span = cx.sample(self.rules.command);
        cx.work(span, timer);
    }

    fn executed(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        if !cx.holds(call) {
            return;
        }
        debug_assert!(cx.request(call).op == self.rules.acquire);
        let (name, lease) = from_lock_word(cx.argument(call));
        let grant = self.locks.acquire(Claim { call, name, lease });
        self.granted(grant, cx);
    }

    fn granted(&mut self, grant: Option<Grant>, cx: &mut Cx<'_, Self>) {
        let Some(Grant { claim, holding, token }) = grant else { return };
        cx.count(self.rules.counters.granted, 1);
        if let Some(lease) = claim.lease {
            cx.after_fixed(lease, Timer::LeaseOver(holding));
        }
        cx.reply(claim.call, Answer::grant(token as i64));
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
    type Ticket = Never;
    type Lever = Never;

    /// Who has stopped waiting is not to be given a lock.
    fn hears(&self) -> Hears {
        Hears { hangup: true, settle: false }
    }

    fn on_call(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        self.execute(Timer::Executed(call), cx);
    }

    fn on_return(&mut self, ticket: Never, _: Answer, _: &mut Cx<'_, Self>) {
        match ticket {}
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
        }
    }

    fn on_hangup(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let died = cx.caller_died(call);
        cx.let_go(call);
        match self.locks.held_by(call) {
            Some((_, claim)) if died && claim.lease.is_some() => {}
            Some((holding, _)) => self.execute(Timer::Released(holding), cx),
            None => self.locks.leave_line(call),
        }
    }

    /// Locks are in memory; the counter of tokens is not.
    fn on_crash(&mut self, fresh: &Self) {
        let token = self.locks.token();
        *self = Server { locks: Locks::after(token), ..fresh.clone() };
    }

    fn observe(&self, out: &mut Gauges) {
        out.level("queue", f64::from(self.queue));
        out.level("locks", self.locks.held() as f64);
        out.level("lock_waiters", self.locks.waiting() as f64);
    }
}
