//! Balancing connections instead of requests, as at layer 4: a connection is opened to some member
//! and stays there; whatever is asked over it goes there too. Members that are new get nothing
//! until connections are opened anew.

use engine::{Span, Time};

use super::Balance;
use super::rule::Scene;

/// The connections of one caller, used in turn.
#[derive(Clone, Debug)]
pub struct Pinned {
    /// To whom, and since when; `None`: not opened yet.
    connections: Vec<Option<(u16, Time)>>,
    next: usize,
    lifetime: Option<Span>,
    /// Who decides for new ones. Where that is by key, it is the key of the request for which the
    /// connection is opened.
    pub first: Box<Balance>,
}

impl Pinned {
    /// So many connections, opened when they are first used; `first` decides to whom. After
    /// `lifetime` a connection is closed, and opened again where `first` says then.
    pub fn new(connections: u32, lifetime: Option<Span>, first: Balance) -> Pinned {
        let connections = vec![None; connections as usize];
        Pinned { connections, next: 0, lifetime, first: Box::new(first) }
    }

    /// The member at the other end of the connection whose turn it is.
    pub fn pick(&mut self, scene: &mut Scene<'_>) -> u16 {
        let turn = self.next;
        self.next = (turn + 1) % self.connections.len();
        let Scene { ready, key, now, in_hand, below } = scene;
        let lives = |since: Time| self.lifetime.is_none_or(|lifetime| now.since(since) < lifetime);
        if let Some((member, since)) = self.connections[turn]
            && lives(since)
            && ready.binary_search(&member).is_ok()
        {
            return member;
        }
        let member = self.first.pick(ready, *key, *now, *in_hand, &mut **below);
        // The first ones are of different ages, so that they do not all end at once.
        let age = match (self.connections[turn], self.lifetime) {
            (None, Some(lifetime)) => {
                Span(lifetime.0 / self.connections.len() as u64 * turn as u64)
            }
            _ => Span::ZERO,
        };
        self.connections[turn] = Some((member, Time(now.0.saturating_sub(age.0))));
        member
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyOf;

    fn picks(pinned: &mut Pinned, ready: &[u16], seconds: u64, count: usize) -> Vec<u16> {
        let mut pick = || {
            pinned.pick(&mut Scene {
                ready,
                key: 0,
                now: Time::ZERO + Span::secs(seconds),
                in_hand: &|_| 0,
                below: &mut |_| 0,
            })
        };
        (0..count).map(|_| pick()).collect()
    }

    /// Four connections to two members in turn. A third member gets nothing; when member 0 is out,
    /// its connections are opened anew, to 2 and 1 in turn (the turn after 0, 1, 0, 1 is the first
    /// of those left), and stay there when it is back.
    #[test]
    fn connections_stay_where_they_are() {
        let mut pinned = Pinned::new(4, None, Balance::RoundRobin { next: 0 });
        assert_eq!(picks(&mut pinned, &[0, 1], 0, 4), [0, 1, 0, 1]);
        assert_eq!(picks(&mut pinned, &[0, 1, 2], 9, 4), [0, 1, 0, 1]);
        assert_eq!(picks(&mut pinned, &[1, 2], 9, 4), [1, 1, 2, 1]);
        assert_eq!(picks(&mut pinned, &[0, 1, 2], 9, 4), [1, 1, 2, 1]);
    }

    /// Connections of 60 s, opened at 60 s with ages 0, 15, 30, 45: at 80 s the last one has run
    /// out, and goes to member 2, whose turn it is.
    #[test]
    fn a_lifetime_spreads_them_again() {
        let lifetime = Some(Span::secs(60));
        let mut pinned = Pinned::new(4, lifetime, Balance::RoundRobin { next: 0 });
        assert_eq!(picks(&mut pinned, &[0, 1], 60, 4), [0, 1, 0, 1]);
        assert_eq!(picks(&mut pinned, &[0, 1, 2], 80, 4), [0, 1, 0, 2]);
    }

    /// Connections are opened for keys 3, 6, 9: who asks over them then does not matter.
    #[test]
    fn a_rule_by_key_spreads_connections() {
        let mut pinned = Pinned::new(3, None, Balance::Modulo(KeyOf::Root, 4));
        let mut pick = |key| {
            pinned.pick(&mut Scene {
                ready: &[0, 1, 2, 3],
                key,
                now: Time::ZERO,
                in_hand: &|_| 0,
                below: &mut |_| 0,
            })
        };
        assert_eq!([3, 6, 9].map(&mut pick), [3, 2, 1]);
        assert_eq!([7, 7, 7].map(&mut pick), [3, 2, 1]);
    }
}
