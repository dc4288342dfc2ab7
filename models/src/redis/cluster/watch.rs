//! Who is believed to have failed, and why: Redis Cluster's failure detection. Pure bookkeeping
//! for one node; no time passes here.
//!
//! A node that has not answered a ping for the node timeout is *suspected* (PFAIL), which is an
//! opinion. It has *failed* (FAIL) once a majority of the masters with slots have reported the
//! same within twice the timeout; that is told to everybody at once.

use engine::{Span, Time};

/// What a node believes about another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Belief {
    Fine,
    /// It has not answered in time: PFAIL.
    Suspected,
    /// The masters agree, since then: FAIL.
    Failed(Time),
}

#[derive(Clone, Debug)]
struct Peer {
    /// The oldest ping without an answer.
    ping: Option<Time>,
    /// Its last answer.
    pong: Time,
    belief: Belief,
    /// Masters that suspect it, and when they last said so.
    reports: Vec<(u16, Time)>,
}

/// All that one node believes.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    me: u16,
    timeout: Span,
    peers: Vec<Peer>,
}

impl Watch {
    /// Everybody is fine, and was heard at `now`.
    pub(super) fn new(me: u16, members: u16, timeout: Span, now: Time) -> Watch {
        let peer = Peer { ping: None, pong: now, belief: Belief::Fine, reports: Vec::new() };
        Watch { me, timeout, peers: vec![peer; members.into()] }
    }

    fn half(&self) -> Span {
        Span(self.timeout.0 / 2)
    }

    /// Whether it is time to ping: it has said nothing for half the timeout, and no ping waits.
    pub(super) fn is_due(&self, peer: u16, now: Time) -> bool {
        let it = &self.peers[peer as usize];
        peer != self.me && it.ping.is_none() && now.since(it.pong) > self.half()
    }

    /// Of these, the one that has said nothing for longest and has no ping to answer.
    pub(super) fn quietest(&self, of: impl Iterator<Item = u16>) -> Option<u16> {
        let idle = |peer: &u16| *peer != self.me && self.peers[*peer as usize].ping.is_none();
        of.filter(idle).min_by_key(|peer| self.peers[*peer as usize].pong)
    }

    /// It was sent a ping, or the connection to it broke: whichever came first, it owes an answer
    /// since then.
    pub(super) fn owes(&mut self, peer: u16, now: Time) {
        self.peers[peer as usize].ping.get_or_insert(now);
    }

    /// Whether it owes an answer.
    pub(super) fn owes_answer(&self, peer: u16) -> bool {
        self.peers[peer as usize].ping.is_some()
    }

    /// It has answered. A failed node is fine again if it has nothing to lose any more, or after
    /// twice the timeout if nobody has stood in for it.
    pub(super) fn heard(&mut self, peer: u16, has_slots: bool, now: Time) {
        let again = Span(2 * self.timeout.0);
        let it = &mut self.peers[peer as usize];
        (it.ping, it.pong) = (None, now);
        it.belief = match it.belief {
            Belief::Failed(since) if has_slots && now.since(since) <= again => it.belief,
            _ => Belief::Fine,
        };
    }

    /// Suspects who owes an answer for longer than the timeout.
    pub(super) fn suspect(&mut self, now: Time) {
        let timeout = self.timeout;
        for it in self.peers.iter_mut().filter(|it| it.belief == Belief::Fine) {
            if it.ping.is_some_and(|since| now.since(since) > timeout) {
                it.belief = Belief::Suspected;
            }
        }
    }

    /// A master says whom it suspects, one bit for each.
    pub(super) fn reported(&mut self, by: u16, suspects: u64, now: Time) {
        for (peer, it) in self.peers.iter_mut().enumerate() {
            it.reports.retain(|(reporter, _)| *reporter != by);
            if suspects & 1 << peer != 0 {
                it.reports.push((by, now));
            }
        }
    }

    /// The next of those it suspects that a majority suspects too: it has failed from now on.
    /// `masters` is how many have slots; whether this node is one of them, and who else is.
    pub(super) fn verdict(
        &mut self,
        masters: u16,
        votes: impl Fn(u16) -> bool,
        now: Time,
    ) -> Option<u16> {
        let (own, fresh) = (u16::from(votes(self.me)), Span(2 * self.timeout.0));
        let failed = |it: &Peer| {
            let others = it.reports.iter().filter(|(by, at)| votes(*by) && now.since(*at) <= fresh);
            it.belief == Belief::Suspected && others.count() as u16 + own > masters / 2
        };
        let peer = self.peers.iter().position(failed)? as u16;
        self.fail(peer, now);
        Some(peer)
    }

    /// Somebody says that a majority agrees; whether that is news.
    pub(super) fn fail(&mut self, peer: u16, now: Time) -> bool {
        let it = &mut self.peers[peer as usize];
        let news = !matches!(it.belief, Belief::Failed(_));
        if news {
            it.belief = Belief::Failed(now);
        }
        news
    }

    pub(super) fn belief(&self, peer: u16) -> Belief {
        self.peers[peer as usize].belief
    }

    /// One bit for each that it suspects, or that has failed.
    pub(super) fn suspects(&self) -> u64 {
        let bad = |(_, it): &(usize, &Peer)| it.belief != Belief::Fine;
        self.peers.iter().enumerate().filter(bad).fold(0, |bits, (peer, _)| bits | 1 << peer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time(millis * 1_000_000)
    }

    fn watch() -> Watch {
        Watch::new(0, 6, Span::secs(15), Time::ZERO)
    }

    /// The sheet's example: a node dies just after its answer at 0. It is pinged after half the
    /// timeout and suspected at 22.5 s; with a second master of three, it has failed.
    #[test]
    fn an_idle_link_takes_half_a_timeout_longer() {
        let mut watch = watch();
        assert!(!watch.is_due(1, at(7_500)) && watch.is_due(1, at(7_501)));
        watch.owes(1, at(7_501));
        assert!(!watch.is_due(1, at(8_000)), "one ping at a time");
        watch.suspect(at(22_501));
        assert_eq!((watch.belief(1), watch.suspects()), (Belief::Fine, 0));
        watch.suspect(at(22_502));
        assert_eq!((watch.belief(1), watch.suspects()), (Belief::Suspected, 0b10));
        let masters = |member| member < 3;
        assert_eq!(watch.verdict(3, masters, at(22_600)), None);
        watch.reported(5, 0b10, at(22_700));
        assert_eq!(watch.verdict(3, masters, at(22_700)), None, "a replica has no vote");
        watch.reported(2, 0b10, at(23_500));
        assert_eq!(watch.verdict(3, masters, at(23_500)), Some(1));
        assert_eq!(watch.verdict(3, masters, at(23_500)), None, "once");
    }

    /// A report counts for twice the timeout, and a master that suspects no more takes it back.
    #[test]
    fn reports_grow_old() {
        let mut watch = watch();
        watch.owes(1, at(0));
        watch.suspect(at(15_001));
        watch.reported(2, 0b10, at(16_000));
        watch.reported(2, 0, at(17_000));
        assert_eq!(watch.verdict(3, |_| true, at(17_000)), None);
        watch.reported(2, 0b10, at(18_000));
        assert_eq!(watch.verdict(3, |_| true, at(48_001)), None);
        assert_eq!(watch.verdict(3, |_| true, at(48_000)), Some(1));
    }

    /// An answer clears a suspicion at once; a failure of a master that still has its slots after
    /// twice the timeout, of anybody else at once.
    #[test]
    fn answers_clear() {
        let mut watch = watch();
        watch.owes(1, at(0));
        watch.suspect(at(15_001));
        watch.heard(1, true, at(15_100));
        assert_eq!(watch.belief(1), Belief::Fine);
        assert!(watch.fail(1, at(20_000)) && !watch.fail(1, at(20_001)));
        watch.heard(1, true, at(50_000));
        assert_eq!(watch.belief(1), Belief::Failed(at(20_000)));
        watch.heard(1, false, at(50_000));
        assert_eq!(watch.belief(1), Belief::Fine);
        watch.fail(1, at(60_000));
        watch.heard(1, true, at(90_001));
        assert_eq!(watch.belief(1), Belief::Fine);
    }

    #[test]
    fn the_quietest_is_pinged_first() {
        let mut watch = watch();
        watch.heard(1, true, at(100));
        watch.heard(2, true, at(50));
        assert_eq!(watch.quietest([1, 2].into_iter()), Some(2));
        watch.owes(2, at(200));
        assert_eq!(watch.quietest([0, 1, 2].into_iter()), Some(1));
    }
}
