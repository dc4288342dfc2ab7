//! Sticky sessions: a key stays with the member that first served it, as a cookie or HAProxy's
//! stick table has it. New members get new sessions only.

use std::fmt;

use engine::{Span, Time};

use super::Balance;
use super::rule::Scene;
use crate::cache::eviction::{Cache, Evict};

/// Who has which session, and who decides for new ones.
#[derive(Clone)]
pub struct Sticky {
    /// With whom each session is, and when it was last used; the one unused for longest goes when
    /// there is no room.
    sessions: Cache<(u16, Time)>,
    /// A session unused for longer is forgotten.
    expire: Option<Span>,
    /// Who chooses for each new one.
    pub first: Box<Balance>,
}

impl fmt::Debug for Sticky {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sticky").field("first", &self.first).finish_non_exhaustive()
    }
}

impl Sticky {
    /// No sessions yet, and at most `size`, which is not 0.
    pub fn new(size: u32, expire: Option<Span>, first: Balance) -> Sticky {
        let sessions = Cache::new(Evict::Lru, size.into(), 0);
        Sticky { sessions, expire, first: Box::new(first) }
    }

    /// The member of this session; another one, from now on, if that one is out.
    pub fn pick(&mut self, scene: &mut Scene<'_>) -> u16 {
        let Scene { ready, key, now, in_hand, below } = scene;
        let known = self.sessions.get(*key, *now);
        let mut decide = || self.first.pick(ready, *key, *now, *in_hand, &mut **below);
        match known {
            Some((member, used)) => {
                let expired = self.expire.is_some_and(|expire| now.since(*used) > expire);
                if expired || ready.binary_search(member).is_err() {
                    *member = decide();
                }
                *used = *now;
                *member
            }
            None => {
                let member = decide();
                self.sessions.put(*key, (member, *now), 1, *now, Time::NEVER);
                member
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sessions 7 and 8 go to members 0 and 1 in turn and stay; when 0 is out, 7 moves to the
    /// next in turn of those left, and does not come back.
    #[test]
    fn a_session_stays_until_its_member_is_out() {
        let mut sticky = Sticky::new(10, None, Balance::RoundRobin { next: 0 });
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

    /// A table of two that forgets after 10 s: 7 and 8 go to 0 and 1; 7 is used, so that 9, at 2,
    /// takes the place of 8, which is new to the table when it comes (at 0 again) and takes the
    /// place of 7. At 11 s, 8 (used at 1 s) is still known, and 10.1 s later it is not.
    #[test]
    fn sessions_are_forgotten() {
        let mut sticky = Sticky::new(2, Some(Span::secs(10)), Balance::RoundRobin { next: 0 });
        let mut pick = |key, millis| {
            sticky.pick(&mut Scene {
                ready: &[0, 1, 2],
                key,
                now: Time::ZERO + Span::millis(millis),
                in_hand: &|_| 0,
                below: &mut |_| 0,
            })
        };
        assert_eq!([7, 8, 7, 9, 8].map(|key| pick(key, 1000)), [0, 1, 0, 2, 0]);
        assert_eq!((pick(8, 11_000), pick(8, 21_100)), (0, 1));
    }
}
