//! Connections that a caller keeps to the members of a group: so many altogether, so many to each,
//! and a line of those who wait for one.
//!
//! As pools of HTTP clients do it: a connection carries one request at a time; an idle one is used
//! again, the one used last first; if there may be no more altogether, an idle one to somebody else
//! is closed to make room.

use std::collections::VecDeque;

use engine::{Change, MemberState, Span, Time};

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
    /// The word of its owner's timer for the patience of who stands at place 0.
    pub clock: u64,
    members: Vec<Member>,
    /// Busy and idle, to all members.
    open: u32,
    idle: u32,
    waiting: usize,
    /// So many have joined the line so far.
    joined: u64,
    waiters: Vec<Waiter>,
    free: Vec<u16>,
    /// How much it has read of the group's history.
    read: usize,
}

#[derive(Clone, Debug, Default)]
struct Member {
    /// Busy and idle.
    open: u32,
    /// Since when the idle ones are, the longest first.
    idle: VecDeque<Time>,
    /// Who waits for one: the number each drew when it joined, and its place.
    line: VecDeque<(u64, u16)>,
}

#[derive(Clone, Copy, Debug)]
struct Waiter {
    /// The word of the timer that wakes it.
    word: u64,
    until: Time,
    number: u64,
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
            per_member: spec.per_member(),
            keep_alive: spec.keep_alive.0,
            wait: spec.wait.map(|wait| wait.0),
            connect: spec.connect.0,
            trips: spec.handshake.round_trips(),
            clock: 0,
            members: vec![Member::default(); members as usize],
            open: 0,
            idle: 0,
            waiting: 0,
            joined: 0,
            waiters: Vec::new(),
            free: Vec::new(),
            read: 0,
        }
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Reads on in the group's history. When a process ends, so do its connections; the idle ones
    /// are closed here, those in use end with what was asked over them.
    #[inline]
    pub fn hear(&mut self, history: &[Change]) {
        while let Some(change) = history.get(self.read) {
            self.read += 1;
            if matches!(change.state, MemberState::Down | MemberState::Gone) {
                let count = self.members[change.member as usize].idle.len();
                self.close(change.member, count);
            }
        }
    }

    /// Takes a connection to a member: `Reused` or `New`, or `Still` if there is none to be had.
    pub fn take(&mut self, member: u16, now: Time) -> Waiting {
        self.close_old(member, now);
        let it = &mut self.members[member as usize];
        if it.idle.pop_back().is_some() {
            self.idle -= 1;
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
            self.idle += 1;
        } else {
            it.open -= 1;
            self.open -= 1;
        }
    }

    /// Closes connections to a member that have been idle longest.
    fn close(&mut self, member: u16, count: usize) {
        let it = &mut self.members[member as usize];
        it.idle.drain(..count);
        it.open -= count as u32;
        self.open -= count as u32;
        self.idle -= count as u32;
    }

    /// Closes connections that were idle for too long.
    fn close_old(&mut self, member: u16, now: Time) {
        let old = |since: &&Time| now.since(**since) >= self.keep_alive;
        let count = self.members[member as usize].idle.iter().take_while(old).count();
        if count > 0 {
            self.close(member, count);
        }
    }

    fn close_all_old(&mut self, now: Time) {
        (0..self.members.len() as u16).for_each(|member| self.close_old(member, now));
    }

    /// Closes the connection that was idle longest, whoever it leads to.
    fn make_room(&mut self, now: Time) -> bool {
        if self.idle == 0 {
            return false;
        }
        self.close_all_old(now);
        if self.open < self.total {
            return true;
        }
        let idle = self.members.iter().enumerate().filter(|(_, it)| !it.idle.is_empty());
        let Some((oldest, _)) = idle.min_by_key(|(_, it)| it.idle[0]) else { return false };
        self.close(oldest as u16, 1);
        true
    }

    /// Joins the line; the place to remember, or `None` if it is too long.
    pub fn join(&mut self, member: u16, word: u64, until: Time) -> Option<u16> {
        let number = self.joined;
        let waiter = Waiter { word, until, number, member, state: Waiting::Still };
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
        self.members[member as usize].line.push_back((number, place));
        (self.joined, self.waiting) = (number + 1, self.waiting + 1);
        Some(place)
    }

    /// The first in line for whom there is a connection: it has that now. The word to wake it by.
    pub fn serve(&mut self, now: Time) -> Option<u64> {
        if self.waiting == 0 || (self.open >= self.total && self.idle == 0) {
            return None;
        }
        self.close_all_old(now);
        let room = self.open < self.total || self.idle > 0;
        let served = |it: &&Member| !it.idle.is_empty() || (room && it.open < self.per_member);
        let first = self.members.iter().filter(served).filter_map(|it| it.line.front()).min();
        let &(_, place) = first?;
        let Waiter { member, word, .. } = self.waiters[place as usize];
        let state = self.take(member, now);
        self.step_out(place, state);
        Some(word)
    }

    /// Out of the line.
    fn step_out(&mut self, place: u16, state: Waiting) {
        let Waiter { member, number, .. } = self.waiters[place as usize];
        let line = &mut self.members[member as usize].line;
        let at = line.binary_search_by_key(&number, |it| it.0).expect("it stands in line");
        line.remove(at);
        self.waiting -= 1;
        self.waiters[place as usize].state = state;
    }

    /// Whoever stands at this place, if it has waited too long: the word to wake it by.
    pub fn expire(&mut self, place: u16, now: Time) -> Option<u64> {
        let Waiter { until, state, word, .. } = self.waiters[place as usize];
        if state != Waiting::Still || until > now {
            return None;
        }
        self.step_out(place, Waiting::Expired);
        Some(word)
    }

    /// Somebody who was woken leaves its place, and learns what it has.
    pub fn leave(&mut self, place: u16) -> Waiting {
        let state = self.waiters[place as usize].state;
        if state == Waiting::Still {
            self.step_out(place, Waiting::Expired);
        }
        self.free.push(place);
        state
    }

    /// Somebody gives up waiting: its place is free, and so is the connection it may have had.
    pub fn withdraw(&mut self, place: u16, now: Time) {
        let Waiter { member, state, .. } = self.waiters[place as usize];
        match state {
            Waiting::Still => self.step_out(place, Waiting::Expired),
            Waiting::Expired => {}
            Waiting::Reused | Waiting::New => self.give(member, state == Waiting::Reused, now),
        }
        self.free.push(place);
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
        assert_eq!(
            (it.expire(b, at(2)), it.expire(b, at(3)), it.expire(b, at(3))),
            (None, Some(11), None)
        );
        assert_eq!(it.leave(b), Expired);
        it.give(0, true, at(4));
        assert_eq!(it.serve(at(4)), Some(10));
        it.withdraw(a, at(4));
        assert_eq!((it.waiting(), it.take(0, at(4))), (0, Reused));
    }

    /// Two altogether, both to member 0. Those in line for members 1 and 0 are served in the order
    /// in which they joined as soon as one is idle: it is closed for the first of them.
    #[test]
    fn the_line_is_in_order_among_members() {
        let mut it = pool("(total: 2, per_member: 2)", 2);
        assert_eq!([it.take(0, at(0)), it.take(0, at(0))], [New, New]);
        let places = [(1, 10), (0, 11), (1, 12)]
            .map(|(member, word)| it.join(member, word, Time::NEVER).unwrap());
        assert_eq!(it.serve(at(1)), None);
        it.give(0, true, at(1));
        assert_eq!((it.serve(at(1)), it.leave(places[0])), (Some(10), New));
        it.give(0, true, at(2));
        assert_eq!((it.serve(at(2)), it.leave(places[1])), (Some(11), Reused));
        it.give(1, true, at(3));
        assert_eq!((it.serve(at(3)), it.leave(places[2])), (Some(12), Reused));
        assert_eq!((it.waiting(), it.open, it.idle), (0, 2, 0));
    }

    /// Two idle ones to member 0, one to member 1: with the process of member 0 its two end.
    #[test]
    fn who_crashes_closes_its_connections() {
        let mut it = pool("()", 2);
        assert_eq!([0, 0, 1].map(|member| it.take(member, at(0))), [New, New, New]);
        [0, 0, 1].into_iter().for_each(|member| it.give(member, true, at(1)));
        let change = |seconds, state| Change { at: at(seconds), member: 0, state };
        it.hear(&[change(2, MemberState::Down), change(3, MemberState::Ready)]);
        assert_eq!((it.open, it.idle), (1, 1));
        assert_eq!([it.take(0, at(4)), it.take(1, at(4))], [New, Reused]);
    }

    /// Half of them one after the other, the rest from the middle: nobody is lost or served twice.
    #[test]
    fn those_in_the_middle_of_a_line_may_leave() {
        let mut it = pool("(total: 1)", 1);
        it.take(0, at(0));
        let places: Vec<u16> = (0..9).map(|word| it.join(0, word, Time::NEVER).unwrap()).collect();
        [1, 4, 7].into_iter().for_each(|gone| it.withdraw(places[gone], at(0)));
        let mut served = Vec::new();
        for _ in 0..6 {
            it.give(0, true, at(1));
            served.extend(it.serve(at(1)));
        }
        assert_eq!((served, it.serve(at(1))), (vec![0, 2, 3, 5, 6, 8], None));
    }
}
