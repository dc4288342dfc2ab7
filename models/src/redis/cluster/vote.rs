//! Who stands in for a failed master: Redis Cluster's elections. Pure bookkeeping.

use engine::{Span, Time};

/// How long after it has heard of the failure a replica stands for election, but for chance: so
/// that word of the failure has reached the masters.
const PAUSE: Span = Span::millis(500);
/// How much longer for each replica that has more of the master's writes.
const PER_RANK: Span = Span::secs(1);
/// An election takes at least this long before the next one.
const LEAST: Span = Span::secs(2);

/// When a replica of a failed master asks for votes: 500 ms, up to another 500 ms by chance (`unit`
/// is below 1), and a second for each fresher replica.
pub(super) fn delay(unit: f64, rank: u16) -> Span {
    let chance = (unit * 500.0) as u64;
    PAUSE + Span::millis(chance) + Span(PER_RANK.0 * u64::from(rank))
}

/// How long votes are waited for.
pub(super) fn window(timeout: Span) -> Span {
    LEAST.max(Span(2 * timeout.0))
}

/// The votes of one node: those it gives, and those it gets.
#[derive(Clone, Debug, Default)]
pub(super) struct Votes {
    /// The newest epoch it has heard of.
    pub epoch: u32,
    /// The last epoch in which it voted.
    voted: u32,
    /// When it last voted for a replica of a master.
    last: Vec<(u16, Time)>,
    /// Those it got in `epoch`, while it stands.
    got: Option<u16>,
}

impl Votes {
    /// It stands for election: a new epoch, which is returned.
    pub(super) fn stand(&mut self) -> u32 {
        self.epoch += 1;
        self.got = Some(0);
        self.epoch
    }

    /// A vote has come for the election of `epoch`. Whether that makes a majority of `masters`:
    /// once.
    pub(super) fn wins(&mut self, epoch: u32, masters: u16) -> bool {
        let (Some(got), true) = (&mut self.got, epoch == self.epoch) else { return false };
        *got += 1;
        let won = *got > masters / 2;
        if won {
            self.got = None;
        }
        won
    }

    /// A replica of `master`, which this node knows to have `failed`, asks for its vote: once in an
    /// epoch, and once for each master in twice the timeout.
    pub(super) fn grants(
        &mut self,
        epoch: u32,
        master: u16,
        failed: bool,
        (timeout, now): (Span, Time),
    ) -> bool {
        if epoch > self.epoch {
            (self.epoch, self.got) = (epoch, None);
        }
        let lately = |(of, at): &(u16, Time)| *of == master && now.since(*at) < Span(2 * timeout.0);
        if epoch < self.epoch || self.voted == epoch || !failed || self.last.iter().any(lately) {
            return false;
        }
        self.voted = epoch;
        self.last.retain(|(of, _)| *of != master);
        self.last.push((master, now));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Span = Span::secs(15);

    #[test]
    fn delays_are_those_of_the_specification() {
        let millis = |unit, rank| delay(unit, rank).0 / 1_000_000;
        assert_eq!([millis(0.0, 0), millis(0.4, 0), millis(0.999, 0)], [500, 700, 999]);
        assert_eq!((millis(0.0, 1), millis(0.5, 2)), (1500, 2750));
        assert_eq!((window(T), window(Span::millis(500))), (Span::secs(30), Span::secs(2)));
    }

    /// Two of three masters are a majority, the third vote changes nothing, and late ones of an
    /// older election do not count.
    #[test]
    fn a_majority_wins_once() {
        let mut votes = Votes::default();
        let first = votes.stand();
        assert!(!votes.wins(first, 3));
        let second = votes.stand();
        assert!(!votes.wins(first, 3) && !votes.wins(second, 3));
        assert!(votes.wins(second, 3) && !votes.wins(second, 3));
    }

    #[test]
    fn a_vote_is_given_once() {
        let mut votes = Votes::default();
        let at = |secs| (T, Time::ZERO + Span::secs(secs));
        assert!(!votes.grants(1, 7, false, at(20)), "it has not failed");
        assert!(votes.grants(1, 7, true, at(20)));
        assert!(!votes.grants(1, 8, true, at(20)), "the epoch is used");
        assert!(!votes.grants(2, 7, true, at(49)), "lately for the same master");
        assert!(votes.grants(3, 7, true, at(50)));
        assert!(!votes.grants(2, 8, true, at(50)), "an old epoch");
    }
}
