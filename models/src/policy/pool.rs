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
/// HikariCP. If the component has one member, all idle connections are closed when a call finds
/// that nobody listens there; that making one may fail is not modelled.
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
    /// How long it takes to make one: handshakes and logging in (default 0s).
    #[serde(default)]
    pub create: Option<Dist>,
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
    /// One is being made.
    making: bool,
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
        while let Some(Idle { until, .. }) = self.idle.pop() {
            if until > now {
                self.lent.push_back(until);
                return Borrowed::Lent;
            }
        }
        let last = self.line.back().map(|(_, until)| *until);
        self.hurried = last.is_some_and(|last| self.hurried || patient < last);
        self.line.push_back((who, patient));
        Borrowed::Waits
    }

    /// Whether the next connection is to be made now; if so, [`Pool::made`] follows.
    pub fn makes(&mut self) -> bool {
        let wanted = !self.line.is_empty() || (self.idle.len() as u32) < self.minimum_idle;
        if self.making || !wanted || self.open() >= self.maximum {
            return false;
        }
        self.making = true;
        true
    }

    /// A connection has been made, which will be too old at `until`. Who takes it, if anybody: the
    /// first in line for whom `wants` holds.
    pub fn made(&mut self, until: Time, now: Time, wants: impl FnMut(W) -> bool) -> Option<W> {
        self.making = false;
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
mod tests {
    use super::*;

    fn pool(maximum: u32, minimum_idle: Option<u32>) -> Pool<u8> {
        let (timeout, idle, lifetime) = (Dur(SECOND), Dur(SECOND), Dur(SECOND));
        let (create, leak) = (None, None);
        Pool::new(&PoolSpec { maximum, minimum_idle, timeout, lifetime, idle, create, leak })
    }

    const SECOND: Span = Span::secs(1);

    fn at(seconds: u64) -> Time {
        Time::ZERO + Span::secs(seconds)
    }

    /// One is made after the other; who came first has the first one.
    #[test]
    fn connections_are_made_one_by_one_and_lent_in_order_of_arrival() {
        let mut pool = pool(2, None);
        assert!(pool.makes() && !pool.makes(), "one at a time");
        assert_eq!([1, 2, 3].map(|who| pool.borrow(who, at(0), at(99))), [Borrowed::Waits; 3]);
        assert_eq!(pool.made(at(100), at(1), |_| true), Some(1));
        assert!(pool.makes());
        assert_eq!(pool.made(at(100), at(2), |who| who != 2), Some(3), "2 has left meanwhile");
        assert!(!pool.makes(), "two are all there may be");
        assert_eq!(pool.give_back(at(3), false, |_| true), None);
        assert_eq!((pool.lent(), pool.idle()), (1, 1));
        assert_eq!(pool.borrow(4, at(3), at(99)), Borrowed::Lent);
    }

    #[test]
    fn the_broken_and_the_old_are_closed_and_made_anew() {
        let mut pool = pool(1, None);
        assert!(pool.makes());
        assert_eq!(pool.made(at(10), at(0), |_| true), None);
        assert_eq!(pool.borrow(1, at(9), at(99)), Borrowed::Lent);
        assert_eq!(pool.give_back(at(11), false, |_| true), None);
        assert_eq!((pool.lent(), pool.idle(), pool.makes()), (0, 0, true));
        assert_eq!(pool.made(at(20), at(12), |_| true), None);
        assert_eq!(pool.borrow(1, at(13), at(99)), Borrowed::Lent);
        assert_eq!(pool.give_back(at(14), true, |_| true), None);
        assert_eq!((pool.idle(), pool.makes()), (0, true));
        assert_eq!(pool.made(at(20), at(15), |_| true), None);
        assert_eq!(pool.borrow(1, at(20), at(99)), Borrowed::Waits, "too old to be lent");
    }

    /// Three are lent at once and come back; one is to be kept.
    #[test]
    fn who_is_idle_for_long_is_closed_down_to_the_minimum() {
        let mut pool = pool(3, Some(1));
        for who in 0..3 {
            assert_eq!(pool.borrow(who, at(0), at(99)), Borrowed::Waits);
            assert!(pool.makes());
            assert_eq!(pool.made(at(100), at(0), |_| true), Some(who));
        }
        (0..3).for_each(|_| assert_eq!(pool.give_back(at(5), false, |_| true), None));
        pool.keep_house(at(5));
        assert_eq!(pool.idle(), 3);
        pool.keep_house(at(6));
        assert_eq!((pool.idle(), pool.makes()), (1, false));
    }

    #[test]
    fn who_has_waited_long_enough_leaves_in_order() {
        let mut pool = pool(1, None);
        for (who, since) in [(1, 0), (2, 1)] {
            assert_eq!(pool.borrow(who, at(since), at(since + 5)), Borrowed::Waits);
        }
        assert_eq!([4, 5, 5, 6].map(|s| pool.gives_up(at(s))), [None, Some(1), None, Some(2)]);
    }

    /// The second in line leaves before the first; the third, after both.
    #[test]
    fn who_is_in_a_hurry_leaves_before_its_turn() {
        let mut pool = pool(1, None);
        for (who, until) in [(1, 5), (2, 2), (3, 7)] {
            assert_eq!(pool.borrow(who, at(0), at(until)), Borrowed::Waits);
        }
        let left = [1, 2, 2, 5, 6, 7].map(|s| pool.gives_up(at(s)));
        assert_eq!(left, [None, Some(2), None, Some(1), None, Some(3)]);
    }
}
