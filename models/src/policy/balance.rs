//! Which member to ask.

pub mod aperture;
pub mod bounded;
mod build;
#[cfg(test)]
mod build_tests;
pub mod hash;
pub mod latency;
pub mod least;
pub mod maglev;
pub mod pinned;
pub mod prequal;
pub mod random;
pub mod rule;
pub mod shuffle;
pub mod sticky;
pub mod weighted;

use std::rc::Rc;

use engine::{Span, Time};

use super::placement::Placement;
use super::placement::slots::Change;
use super::ring::Ring;
use crate::key::KeyOf;
use crate::topic::partition_of;
use prequal::Prequal;
use rule::{Rule, Scene};

/// The rule, and what it remembers.
#[derive(Clone, Debug)]
pub enum Balance {
    /// Any, equally likely.
    Random,
    /// In turn.
    RoundRobin {
        /// Whose turn it is, among those that can be asked.
        next: u32,
    },
    /// The one with the fewest calls in hand of `choices` drawn with replacement (Envoy's least
    /// request); ties go to the one drawn first.
    LeastRequest {
        /// How many are drawn.
        choices: u32,
    },
    /// The one with the fewest calls in hand of all; ties go to whoever comes next after the one
    /// asked last, as nginx's `least_conn` takes turns among equals.
    LeastOfAll {
        /// From which member on the search begins.
        next: u16,
    },
    /// Each key has its member; if that one is out, the next on the ring.
    Ring(KeyOf, Rc<Ring>),
    /// Each key has its member; if that one is out, nobody else has the key.
    Modulo(KeyOf, u16),
    /// Each partition has its leader, as far as the caller knows. If that one is out, anybody can
    /// name the new one.
    Leaders(KeyOf, Vec<u16>),
    /// Each key has its member, by any other rule; if that one is out, nobody else has the key.
    Placed(KeyOf, Box<Placement>),
    /// One that remembers more.
    Rule(Box<Rule>),
}

impl Balance {
    /// Somebody who was asked about `key` has named another member: that one is asked from now on.
    pub fn redirected(&mut self, key: u64, member: u16) {
        match self {
            Balance::Leaders(_, leaders) => {
                let partition = partition_of(key, leaders.len() as u16);
                leaders[partition as usize] = member;
            }
            Balance::Placed(_, placement) => placement.moved(key, member),
            _ => {}
        }
    }

    /// The store's map of slots has changed.
    pub fn learn(&mut self, change: Change) {
        if let Balance::Placed(_, placement) = self {
            placement.learn(change);
        }
    }

    /// Members have joined or left the group: these are in it, in order, at least one. A crash is
    /// no such change.
    pub fn members_are(&mut self, present: &[u16]) {
        match self {
            // The first so many are there in all but odd cases, and then a table is not needed.
            Balance::Modulo(key, _) => {
                let (key, count) = (*key, present.len() as u16);
                *self = match present.last() == Some(&(count - 1)) {
                    true => Balance::Modulo(key, count),
                    false => Balance::Placed(key, Box::new(Placement::Remainder(present.to_vec()))),
                };
            }
            Balance::Placed(_, placement) => placement.members_are(present),
            Balance::Rule(rule) => rule.members_are(present),
            _ => {}
        }
    }

    /// What the rule wants to know of a request.
    #[inline(always)]
    pub fn key(&self) -> Option<KeyOf> {
        match self {
            Balance::Ring(key, _) | Balance::Modulo(key, _) => Some(*key),
            Balance::Leaders(key, _) | Balance::Placed(key, _) => Some(*key),
            Balance::Rule(rule) => rule.key(),
            _ => None,
        }
    }

    /// Whether it wants to know how many calls each member has in hand, and how they end.
    pub fn counts(&self) -> bool {
        matches!(self, Balance::LeastRequest { .. } | Balance::LeastOfAll { .. })
            || matches!(self, Balance::Rule(rule) if rule.counts())
    }

    /// Whether, asked again at once, it may well name the same member: it compares their calls in
    /// hand, where others go by turns or by chance.
    pub fn compares(&self) -> bool {
        self.counts() && !matches!(self, Balance::Rule(rule) if matches!(**rule, Rule::Pinned(_)))
    }

    /// The rule that goes by what members say of themselves, if that is the rule.
    #[inline]
    pub fn prequal(&mut self) -> Option<&mut Prequal> {
        match self {
            Balance::Rule(rule) => rule.prequal(),
            _ => None,
        }
    }

    /// A call to `member` that took `took` has ended.
    #[inline]
    pub fn heard(&mut self, member: u16, took: Span, now: Time) {
        if let Balance::Rule(rule) = self {
            rule.heard(member, took, now);
        }
    }

    /// A call to `member` has failed, of which nginx takes so many.
    #[cold]
    pub fn failed(&mut self, member: u16, max_fails: u32) {
        if let Balance::Rule(rule) = self {
            rule.failed(member, max_fails);
        }
    }

    /// Picks from `ready`, which is not empty. `in_hand` says how many calls a member has;
    /// `below` draws.
    #[inline]
    pub fn pick(
        &mut self,
        ready: &[u16],
        key: u64,
        now: Time,
        in_hand: impl Fn(u16) -> u32,
        mut below: impl FnMut(u32) -> u32,
    ) -> u16 {
        let count = ready.len() as u32;
        match self {
            Balance::Random => ready[below(count) as usize],
            Balance::RoundRobin { next } => {
                let turn = if *next < count { *next } else { 0 };
                *next = turn + 1;
                ready[turn as usize]
            }
            Balance::LeastRequest { choices } => {
                let mut best = ready[below(count) as usize];
                for _ in 1..*choices {
                    let other = ready[below(count) as usize];
                    if in_hand(other) < in_hand(best) {
                        best = other;
                    }
                }
                best
            }
            Balance::LeastOfAll { next } => {
                let start = ready.partition_point(|member| *member < *next) as u32;
                let turns = (start..count).chain(0..start);
                let least = turns.min_by_key(|&place| in_hand(ready[place as usize]));
                let place = least.expect("somebody is ready");
                let member = ready[place as usize];
                *next = member.wrapping_add(1);
                member
            }
            Balance::Ring(_, ring) => {
                let serves = |member: u16| ready.binary_search(&member).is_ok();
                ring.member(key, serves).expect("somebody is ready, and everybody on the ring")
            }
            Balance::Placed(_, placement) => placement.member(key),
            Balance::Modulo(_, members) => (key % u64::from(*members)) as u16,
            Balance::Leaders(_, leaders) => {
                let leader = leaders[partition_of(key, leaders.len() as u16) as usize];
                let known = ready.binary_search(&leader);
                known.map_or_else(|after| ready[after % ready.len()], |_| leader)
            }
            Balance::Rule(rule) => {
                let (in_hand, below) = (&in_hand, &mut below);
                rule.pick(&mut Scene { ready, key, now, in_hand, below })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_robin_takes_turns_among_the_ready() {
        let mut balance = Balance::RoundRobin { next: 0 };
        let mut pick = |ready: &[u16]| balance.pick(ready, 0, Time::ZERO, |_| 0, |_| 0);
        let turns: Vec<u16> = (0..5).map(|_| pick(&[0, 1, 2])).collect();
        assert_eq!(turns, [0, 1, 2, 0, 1]);
        // Member 1 is out: the turn goes on with who is third, then around.
        assert_eq!([pick(&[0, 2]), pick(&[0, 2]), pick(&[0, 2])], [0, 2, 0]);
    }

    /// Key 21 is in partition 3 of 7 (see murmur2.rs): on member 0 of 3 at first. While that one is
    /// out the next one is asked; it names member 2, which is asked from then on.
    #[test]
    fn a_leader_is_remembered() {
        let leaders = (0..7).map(|partition| partition % 3).collect();
        let mut balance = Balance::Leaders(KeyOf::Root, leaders);
        let pick = |balance: &mut Balance, ready: &[u16]| {
            balance.pick(ready, 21, Time::ZERO, |_| 0, |_| 0)
        };
        assert_eq!(pick(&mut balance, &[0, 1, 2]), 0);
        assert_eq!(pick(&mut balance, &[1, 2]), 1);
        balance.redirected(21, 2);
        assert_eq!((pick(&mut balance, &[0, 1, 2]), pick(&mut balance, &[0, 1])), (2, 0));
    }

    /// In hand 2, 0, 1, 0: member 1 first; then the search begins at 2 and meets 3 before 1; then
    /// at 0 again.
    #[test]
    fn the_least_of_all_takes_turns_among_equals() {
        let in_hand = |member: u16| [2, 0, 1, 0][member as usize];
        let mut balance = Balance::LeastOfAll { next: 0 };
        let mut pick = |ready: &[u16]| balance.pick(ready, 0, Time::ZERO, in_hand, |_| 0);
        assert_eq!([pick(&[0, 1, 2, 3]), pick(&[0, 1, 2, 3]), pick(&[0, 1, 2, 3])], [1, 3, 1]);
        assert_eq!([pick(&[0, 2]), pick(&[0, 2])], [2, 2]);
    }

    #[test]
    fn least_request_compares_those_it_drew() {
        let in_hand = |member: u16| [5, 1, 3, 1][member as usize];
        let mut balance = Balance::LeastRequest { choices: 2 };
        let mut pick = |drawn: [u32; 2]| {
            let mut drawn = drawn.into_iter();
            balance
                .pick(&[0, 1, 2, 3], 0, Time::ZERO, in_hand, |_| drawn.next().expect("two draws"))
        };
        assert_eq!(pick([0, 2]), 2);
        assert_eq!(pick([0, 0]), 0);
        // A tie goes to the first drawn.
        assert_eq!((pick([1, 3]), pick([3, 1])), (1, 3));
    }
}
