//! Sticky sessions: a key stays with the member that first served it, as a cookie or HAProxy's
//! stick table has it. New members get new sessions only.

use std::collections::BTreeMap;

use engine::{Span, Time};

use super::Balance;
use super::prequal::Prequal;
use super::rule::Scene;

/// Who has which session, and who decides for new ones.
#[derive(Clone, Debug)]
pub struct Sticky {
    sessions: BTreeMap<u64, u16>,
    first: Box<Balance>,
}

impl Sticky {
    /// No sessions yet; `first` chooses for each new one.
    pub fn new(first: Balance) -> Sticky {
        Sticky { sessions: BTreeMap::new(), first: Box::new(first) }
    }

    /// Whether `first` goes by calls in hand.
    pub fn counts(&self) -> bool {
        self.first.counts()
    }

    /// The rule of new sessions, if it wants probes.
    pub fn prequal(&mut self) -> Option<&mut Prequal> {
        self.first.prequal()
    }

    /// Who can be asked has changed.
    pub fn ready_changed(&mut self) {
        self.first.ready_changed();
    }

    /// What `first` wants to hear.
    pub fn heard(&mut self, member: u16, took: Span, now: Time) {
        self.first.heard(member, took, now);
    }

    /// The member of this session; another one, from now on, if that one is out.
    pub fn pick(&mut self, scene: &mut Scene<'_>) -> u16 {
        let known = self.sessions.get(&scene.key).copied();
        if let Some(member) = known.filter(|member| scene.ready.binary_search(member).is_ok()) {
            return member;
        }
        let Scene { ready, key, now, in_hand, below } = scene;
        let member = self.first.pick(ready, *key, *now, *in_hand, &mut **below);
        self.sessions.insert(scene.key, member);
        member
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sessions 7 and 8 go to members 0 and 1 in turn and stay; when 0 is out, 7 moves to the
    /// next in turn of those left, and does not come back.
    #[test]
    fn a_session_stays_until_its_member_is_out() {
        let mut sticky = Sticky::new(Balance::RoundRobin { next: 0 });
        let mut pick = |key, ready: &[u16]| {
            sticky.pick(&mut Scene {
                ready,
                key,
                now: Time::ZERO,
                in_hand: &|_| 0,
                below: &mut |_| 0,
            })
        };
        let all = [0, 1, 2];
        assert_eq!([pick(7, &all), pick(8, &all), pick(7, &all), pick(8, &all)], [0, 1, 0, 1]);
        assert_eq!([pick(7, &[1, 2]), pick(7, &all), pick(9, &all)], [1, 1, 1]);
    }
}
