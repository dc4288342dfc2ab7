//! Connections that a caller keeps to the members of a group: so many altogether, so many to each,
//! and a line of those who wait for one.
//!
//! As pools of HTTP clients do it: a connection carries one request at a time; an idle one is used
//! again, the one used last first; if there may be no more altogether, an idle one to somebody else
//! is closed to make room.

use std::collections::VecDeque;

use engine::{Span, Time};

use crate::policy::connections::ConnectionsSpec;

/// The connections, and who waits.
#[derive(Clone, Debug)]
pub struct Connections {
    total: u32,
    per_member: u32,
    keep_alive: Span,
    /// How long one waits for a connection.
    pub wait: Option<Span>,
    /// How long one round trip of a handshake may take.
    pub connect: Span,
    /// How many round trips a new connection takes.
    pub trips: u8,
    /// The word of its owner's timer for those who have waited too long.
    pub clock: u64,
    members: Vec<Member>,
    open: u32,
    line: VecDeque<u16>,
    waiters: Vec<Waiter>,
    free: Vec<u16>,
}

#[derive(Clone, Debug, Default)]
struct Member {
    /// Busy and idle.
    open: u32,
    /// Since when the idle ones are, the longest first.
    idle: VecDeque<Time>,
}

#[derive(Clone, Copy, Debug)]
struct Waiter {
    /// The word of the timer that wakes it.
    word: u64,
    until: Time,
    member: u16,
    state: Waiting,
}

/// Where somebody stands who has asked for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// In line.
    Still,
    /// It has one that was open.
    Reused,
    /// It has one that is to be opened.
    New,
    /// It has waited long enough.
    Expired,
}

/// More cannot wait in one line.
const LONGEST_LINE: usize = 60_000;

impl Connections {
    /// Nothing open yet.
    pub fn new(spec: &ConnectionsSpec, members: u16) -> Connections {
        Connections {
            total: spec.total,
            per_member: spec.per_member,
            keep_alive: spec.keep_alive.0,
            wait: spec.wait.map(|wait| wait.0),
            connect: spec.connect.0,
            trips: spec.handshake.round_trips(),
            clock: 0,
            members: vec![Member::default(); members as usize],
            open: 0,
            line: VecDeque::new(),
            waiters: Vec::new(),
            free: Vec::new(),
        }
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.line.len()
    }

    /// Takes a connection to a member: `Reused` or `New`, or `Still` if there is none to be had.
    pub fn take(&mut self, member: u16, now: Time) -> Waiting {
        self.close_old(member, now);
        let it = &mut self.members[member as usize];
        if it.idle.pop_back().is_some() {
            return Waiting::Reused;
        }
        if it.open >= self.per_member || (self.open >= self.total && !self.make_room(now)) {
            return Waiting::Still;
        }
        self.members[member as usize].open += 1;
        self.open += 1;
        Waiting::New
    }

    /// Gives a connection back; it lives on as an idle one if it is `sound`.
    pub fn give(&mut self, member: u16, sound: bool, now: Time) {
        let it = &mut self.members[member as usize];
        if sound && !self.keep_alive.is_zero() {
            it.idle.push_back(now);
        } else {
            it.open -= 1;
            self.open -= 1;
        }
    }

    /// Closes connections that were idle for too long.
    fn close_old(&mut self, member: u16, now: Time) {
        let it = &mut self.members[member as usize];
        while it.idle.front().is_some_and(|since| now.since(*since) >= self.keep_alive) {
            it.idle.pop_front();
            it.open -= 1;
            self.open -= 1;
        }
    }

    /// Closes the connection that was idle longest, whoever it leads to.
    fn make_room(&mut self, now: Time) -> bool {
        (0..self.members.len() as u16).for_each(|member| self.close_old(member, now));
        if self.open < self.total {
            return true;
        }
        let idle = self.members.iter_mut().filter(|it| !it.idle.is_empty());
        let Some(oldest) = idle.min_by_key(|it| it.idle[0]) else { return false };
        oldest.idle.pop_front();
        oldest.open -= 1;
        self.open -= 1;
        true
    }

    /// Joins the line; the place to remember, or `None` if it is too long.
    pub fn join(&mut self, member: u16, word: u64, until: Time) -> Option<u16> {
        let waiter = Waiter { word, until, member, state: Waiting::Still };
        let place = match self.free.pop() {
            Some(place) => {
                self.waiters[place as usize] = waiter;
                place
            }
            None if self.waiters.len() >= LONGEST_LINE => return None,
            None => {
                self.waiters.push(waiter);
                self.waiters.len() as u16 - 1
            }
        };
        self.line.push_back(place);
        Some(place)
    }

    /// The first in line for whom there is a connection: it has that now. The word to wake it by.
    pub fn serve(&mut self, now: Time) -> Option<u64> {
        for index in 0..self.line.len() {
            let place = self.line[index];
            let member = self.waiters[place as usize].member;
            let state = self.take(member, now);
            if state != Waiting::Still {
                self.line.remove(index);
                let waiter = &mut self.waiters[place as usize];
                waiter.state = state;
                return Some(waiter.word);
            }
        }
        None
    }

    /// The next one in line that has waited too long. The word to wake it by.
    pub fn expire(&mut self, now: Time) -> Option<u64> {
        let late = |place: &u16| self.waiters[*place as usize].until <= now;
        let index = self.line.iter().position(late)?;
        let place = self.line.remove(index)?;
        let waiter = &mut self.waiters[place as usize];
        waiter.state = Waiting::Expired;
        Some(waiter.word)
    }

    /// Somebody who was woken leaves its place, and learns what it has.
    pub fn leave(&mut self, place: u16) -> Waiting {
        self.free.push(place);
        self.waiters[place as usize].state
    }

    /// Somebody gives up waiting: its place is free, and so is the connection it may have had.
    pub fn withdraw(&mut self, place: u16, now: Time) {
        let Waiter { member, state, .. } = self.waiters[place as usize];
        self.line.retain(|other| *other != place);
        self.free.push(place);
        if matches!(state, Waiting::Reused | Waiting::New) {
            self.give(member, state == Waiting::Reused, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::parse;

    use Waiting::{Expired, New, Reused, Still};

    fn at(seconds: u64) -> Time {
        Time::ZERO + Span::secs(seconds)
    }

    fn pool(spec: &str, members: u16) -> Connections {
        Connections::new(&parse(spec), members)
    }

    /// Two to each, three altogether. The third to member 0 has to wait; so has the second to
    /// member 1, until one to member 0 is idle, which is closed for it.
    #[test]
    fn two_limits() {
        let mut it = pool("(total: 3, per_member: 2)", 2);
        assert_eq!([0, 0, 0].map(|member| it.take(member, at(0))), [New, New, Still]);
        assert_eq!([1, 1].map(|member| it.take(member, at(0))), [New, Still]);
        it.give(0, true, at(1));
        assert_eq!((it.take(1, at(2)), it.open), (New, 3));
        // The one to member 0 is gone: the next there finds no room.
        assert_eq!(it.take(0, at(2)), Still);
    }

    /// Idle for a minute it is closed; broken, or without keep-alive, at once.
    #[test]
    fn idle_connections_are_used_again_for_a_while() {
        let mut it = pool(r#"(keep_alive: "60s")"#, 1);
        assert_eq!(it.take(0, at(0)), New);
        it.give(0, true, at(1));
        assert_eq!(it.take(0, at(60)), Reused);
        it.give(0, true, at(60));
        assert_eq!((it.take(0, at(120)), it.open), (New, 1));
        it.give(0, false, at(121));
        assert_eq!((it.take(0, at(121)), it.open), (New, 1));
        let mut it = pool(r#"(keep_alive: "0s")"#, 1);
        it.take(0, at(0));
        it.give(0, true, at(1));
        assert_eq!((it.open, it.take(0, at(1))), (0, New));
    }

    /// One connection to each of two. Words 10 and 11 wait for member 0, 12 for member 1: what is
    /// given back to member 1 goes to 12, past the others, who are served in order.
    #[test]
    fn the_line_is_in_order_for_each_member() {
        let mut it = pool("(total: 9, per_member: 1)", 2);
        assert_eq!([it.take(0, at(0)), it.take(1, at(0))], [New, New]);
        let places: Vec<u16> = [(0, 10), (0, 11), (1, 12)]
            .map(|(member, word)| it.join(member, word, Time::NEVER).unwrap())
            .to_vec();
        assert_eq!((it.serve(at(1)), it.waiting()), (None, 3));
        it.give(1, true, at(1));
        assert_eq!((it.serve(at(1)), it.leave(places[2])), (Some(12), Reused));
        it.give(0, false, at(1));
        assert_eq!((it.serve(at(1)), it.leave(places[0])), (Some(10), New));
        assert_eq!((it.serve(at(1)), it.waiting()), (None, 1));
    }

    /// One waits until 5 s, the other until 3 s. Who gives up after it was served gives back.
    #[test]
    fn patience_ends() {
        let mut it = pool("(total: 1)", 1);
        it.take(0, at(0));
        let (a, b) = (it.join(0, 10, at(5)).unwrap(), it.join(0, 11, at(3)).unwrap());
        assert_eq!((it.expire(at(2)), it.expire(at(3)), it.expire(at(3))), (None, Some(11), None));
        assert_eq!(it.leave(b), Expired);
        it.give(0, true, at(4));
        assert_eq!(it.serve(at(4)), Some(10));
        it.withdraw(a, at(4));
        assert_eq!((it.waiting(), it.take(0, at(4))), (0, Reused));
    }
}
