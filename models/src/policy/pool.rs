//! Connections that a caller keeps open to one callee, and lends to its requests one at a time, as
//! HikariCP does. Pure bookkeeping: its owner keeps the clock.
//!
//! Connections are made by one thread, one after the other. Who finds none idle waits in order of
//! arrival. In HikariCP a newcomer can overtake who waits by a hair; not here.

use std::collections::VecDeque;

use engine::{Span, Time};
use serde::Deserialize;

use crate::dist::Dist;
use crate::units::{Dur, Share};

/// A pool as a scenario writes it: for the calls of flows under one policy to one component, all
/// of its members together (HikariCP keeps one for each data source). The defaults are those of
/// HikariCP.
///
/// If the component has one member, making a connection begins with a round trip to it, and fails
/// if that does: it is tried again after 10 ms, 20 ms, and so on to 5 s, as long as one is wanted.
/// All idle connections are closed when a call finds that nobody listens there. One that has
/// been idle for more than 500 ms is tested before it is lent: if the process that it led to has
/// ended, it is closed, and the next one is taken. Not modelled: the time that such a test takes,
/// that a connection used more recently is of no use after a restart, that a process does not
/// start without a first connection; that making one may fail where there are several members.
/// The caller counts (`tally`) `pool_timeouts`, of requests that had none in time, and
/// `pool_failures`, of attempts to make one; `pool_active`, `pool_idle` and `pool_waiting` are in
/// `series.csv`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolSpec {
    /// Most connections, idle or lent (default 10: `maximumPoolSize`).
    #[serde(default = "ten")]
    pub maximum: u32,
    /// As many are kept idle, while there are fewer than the most (default: `maximum`, a pool of
    /// fixed size: `minimumIdle`).
    #[serde(default)]
    pub minimum_idle: Option<u32>,
    /// How long a request waits for a connection; then it has timed out (default 30s:
    /// `connectionTimeout`).
    #[serde(default = "half_a_minute")]
    pub timeout: Dur,
    /// A connection is closed when it is older, less up to 2.5 % by chance, and not lent (default
    /// 1800s: `maxLifetime`).
    #[serde(default = "half_an_hour")]
    pub lifetime: Dur,
    /// A connection that has been idle for so long is closed, if more than `minimum_idle` are
    /// (default 600s: `idleTimeout`).
    #[serde(default = "ten_minutes")]
    pub idle: Dur,
    /// How long it takes to make one, after a round trip to the only member: handshakes and logging
    /// in (default 0s).
    #[serde(default)]
    pub create: Option<Dist>,
    /// How long that round trip may take (default: `timeout` in whole seconds, at least one:
    /// HikariCP's `loginTimeout`).
    #[serde(default)]
    pub connect: Option<Dur>,
    /// How many of the connections lent are never given back: a bug in the caller (default 0%).
    #[serde(default)]
    pub leak: Option<Share>,
}

fn ten() -> u32 {
    10
}

fn half_a_minute() -> Dur {
    Dur(Span::secs(30))
}

fn half_an_hour() -> Dur {
    Dur(Span::secs(1800))
}

fn ten_minutes() -> Dur {
    Dur(Span::secs(600))
}

impl PoolSpec {
    /// How long the round trip at the beginning of a connection may take.
    pub fn connect(&self) -> Span {
        let second = Span::secs(1).0;
        let login = || Span::secs(((self.timeout.0.0 + second / 2) / second).max(1));
        self.connect.map_or_else(login, |connect| connect.0)
    }
}

/// The first pause after a connection that could not be made; each is twice the one before it.
const FIRST_PAUSE: Span = Span::millis(10);

/// The longest such pause.
const LONGEST_PAUSE: Span = Span::secs(5);

/// A connection that has been idle for longer is tested before it is lent.
const FRESH: Span = Span::millis(500);

/// How often HikariCP's housekeeper looks for connections that are too old or too idle.
pub const HOUSEKEEPING: Span = Span::secs(30);

/// A connection that nobody uses.
#[derive(Clone, Copy, Debug)]
struct Idle {
    /// Since when.
    since: Time,
    /// When it is too old.
    until: Time,
}

/// What becomes of somebody who wants a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Borrowed {
    /// It has one.
    Lent,
    /// It is in line.
    Waits,
}

/// The connections of one caller to one callee; `W` is who waits for one.
#[derive(Clone, Debug)]
pub struct Pool<W> {
    maximum: u32,
    minimum_idle: u32,
    keep_idle: Span,
    /// The one used last is lent first.
    idle: Vec<Idle>,
    /// Those lent, by when they are too old. Which of them comes back makes no difference: it
    /// counts as the one that was lent first.
    lent: VecDeque<Time>,
    /// One is being made, or will be after a pause.
    making: bool,
    /// The pause after the next failure to make one.
    pause: Span,
    /// When the process that all of them led to ended last.
    ended: Option<Time>,
    /// Who waits, and until when.
    line: VecDeque<(W, Time)>,
    /// Somebody in line gives up before somebody in front of it.
    hurried: bool,
}

impl<W: Copy> Pool<W> {
    /// No connections yet.
    pub fn new(spec: &PoolSpec) -> Pool<W> {
        Pool {
            maximum: spec.maximum.max(1),
            minimum_idle: spec.minimum_idle.unwrap_or(spec.maximum).min(spec.maximum),
            keep_idle: spec.idle.0,
            idle: Vec::new(),
            lent: VecDeque::new(),
            making: false,
            pause: FIRST_PAUSE,
            ended: None,
            line: VecDeque::new(),
            hurried: false,
        }
    }

    fn open(&self) -> u32 {
        (self.lent.len() + self.idle.len()) as u32
    }

    /// Connections lent.
    pub fn lent(&self) -> usize {
        self.lent.len()
    }

    /// Connections idle.
    pub fn idle(&self) -> usize {
        self.idle.len()
    }

    /// Requests in line.
    pub fn waiting(&self) -> usize {
        self.line.len()
    }

    /// Somebody wants a connection at `now`, and would wait for one until `patient`.
    pub fn borrow(&mut self, who: W, now: Time, patient: Time) -> Borrowed {
        // Who is too old is closed when it is found; so does HikariCP's test before lending.
        while let Some(Idle { since, until }) = self.idle.pop() {
            let dead = self.ended.is_some_and(|ended| since <= ended) && now.since(since) > FRESH;
            if until > now && !dead {
                self.lent.push_back(until);
                return Borrowed::Lent;
            }
        }
        let last = self.line.back().map(|(_, until)| *until);
        self.hurried = last.is_some_and(|last| self.hurried || patient < last);
        self.line.push_back((who, patient));
        Borrowed::Waits
    }

    /// Whether the next connection is to be made now; if so, [`Pool::made`] or [`Pool::failed`]
    /// follows.
    pub fn makes(&mut self) -> bool {
        let begins = !self.making && self.wants();
        self.making |= begins;
        begins
    }

    fn wants(&self) -> bool {
        let wanted = !self.line.is_empty() || (self.idle.len() as u32) < self.minimum_idle;
        wanted && self.open() < self.maximum
    }

    /// A connection could not be made. How long to pause before [`Pool::makes_again`].
    pub fn failed(&mut self) -> Span {
        let pause = self.pause;
        self.pause = Span(pause.0 * 2).min(LONGEST_PAUSE);
        pause
    }

    /// The pause is over. Whether a connection is still to be made; if not, that was that.
    pub fn makes_again(&mut self) -> bool {
        self.making = self.wants();
        if !self.making {
            self.pause = FIRST_PAUSE;
        }
        self.making
    }

    /// The process that all connections lead to ended at `at`.
    pub fn process_ended(&mut self, at: Time) {
        self.ended = Some(at);
    }

    /// A connection has been made, which will be too old at `until`. Who takes it, if anybody: the
    /// first in line for whom `wants` holds.
    pub fn made(&mut self, until: Time, now: Time, wants: impl FnMut(W) -> bool) -> Option<W> {
        self.making = false;
        self.pause = FIRST_PAUSE;
        self.free(until, now, wants)
    }

    /// A connection is given back; one that is `broken`, or too old, is closed. Who takes it, if
    /// anybody: the first in line for whom `wants` holds.
    pub fn give_back(
        &mut self,
        now: Time,
        broken: bool,
        wants: impl FnMut(W) -> bool,
    ) -> Option<W> {
        let until = self.lent.pop_front().expect("what is given back was lent");
        if broken || until <= now { None } else { self.free(until, now, wants) }
    }

    fn free(&mut self, until: Time, now: Time, mut wants: impl FnMut(W) -> bool) -> Option<W> {
        while let Some((who, _)) = self.line.pop_front() {
            if wants(who) {
                self.lent.push_back(until);
                return Some(who);
            }
        }
        self.idle.push(Idle { since: now, until });
        None
    }

    /// The first in line who would not wait longer than until `now`: it leaves.
    pub fn gives_up(&mut self, now: Time) -> Option<W> {
        let looked_at = if self.hurried { self.line.len() } else { 1 };
        let at = self.line.iter().take(looked_at).position(|(_, until)| *until <= now)?;
        self.line.remove(at).map(|(who, _)| who)
    }

    /// Nobody listens any more where they all lead to: those that are idle are closed.
    pub fn die(&mut self) {
        self.idle.clear();
    }

    /// Closes idle connections that are too old, or more than there have to be and idle for long.
    pub fn keep_house(&mut self, now: Time) {
        self.idle.retain(|idle| idle.until > now);
        while self.idle.len() as u32 > self.minimum_idle
            && now.since(self.idle[0].since) >= self.keep_idle
        {
            self.idle.remove(0);
        }
    }
}

#[cfg(test)]
#[path = "pool_tests.rs"]
mod tests;
