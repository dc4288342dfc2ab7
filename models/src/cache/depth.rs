//! How deep stampedes are: how many miss the same key before anybody puts it in.
//!
//! Nobody tells a cache that fetching has failed. So those who missed count until the key is there,
//! but no longer than whoever fetches may take; where the node fetches itself, it knows.

use engine::{Span, Time};

use super::index::Index;

/// Those who fetch the value of a key.
#[derive(Clone, Copy)]
struct Crowd {
    key: u64,
    count: u32,
    /// When the first of them missed it.
    since: Time,
}

/// Who was sent to fetch what, since it was last put in.
#[derive(Clone)]
pub(super) struct Depth {
    /// After so long, those who were sent first have given up.
    patience: Span,
    index: Index,
    crowds: Vec<Crowd>,
    /// The crowd that is looked at next, whether it is still there.
    hand: usize,
}

impl Depth {
    /// Whoever fetches has given up after `patience`.
    pub(super) fn new(patience: Span) -> Depth {
        Depth { patience, index: Index::default(), crowds: Vec::new(), hand: 0 }
    }

    /// One more fetches `key`.
    pub(super) fn missed(&mut self, key: u64, now: Time) {
        // Two are looked at for each that comes: there are never many that have given up.
        (0..2).for_each(|_| self.look_at_one(now));
        match self.index.get(key) {
            Some(place) => {
                let crowd = &mut self.crowds[place as usize];
                if now.since(crowd.since) > self.patience {
                    (crowd.count, crowd.since) = (0, now);
                }
                crowd.count += 1;
            }
            None => {
                self.index.insert(key, self.crowds.len() as u32);
                self.crowds.push(Crowd { key, count: 1, since: now });
            }
        }
    }

    /// It is there, or nobody fetches it any more.
    pub(super) fn filled(&mut self, key: u64) {
        let Some(place) = self.index.remove(key) else { return };
        self.crowds.swap_remove(place as usize);
        if let Some(moved) = self.crowds.get(place as usize) {
            self.index.insert(moved.key, place);
        }
    }

    /// How many fetch the key that most fetch.
    pub(super) fn most(&self, now: Time) -> u32 {
        let there = self.crowds.iter().filter(|crowd| now.since(crowd.since) <= self.patience);
        there.map(|crowd| crowd.count).max().unwrap_or(0)
    }

    fn look_at_one(&mut self, now: Time) {
        self.hand = if self.hand < self.crowds.len() { self.hand } else { 0 };
        match self.crowds.get(self.hand) {
            Some(crowd) if now.since(crowd.since) > self.patience => self.filled(crowd.key),
            _ => self.hand += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Time {
        Time::ZERO + Span::secs(secs)
    }

    #[test]
    fn the_deepest_counts_until_it_is_filled() {
        let mut depth = Depth::new(Span::secs(10));
        for key in [1, 2, 2, 2, 3] {
            depth.missed(key, at(0));
        }
        assert_eq!(depth.most(at(0)), 3);
        depth.filled(2);
        assert_eq!(depth.most(at(0)), 1);
        depth.filled(1);
        depth.missed(3, at(9));
        assert_eq!(depth.most(at(9)), 2);
        assert_eq!(depth.most(at(11)), 0, "the first have given up");
        depth.missed(3, at(11));
        assert_eq!(depth.most(at(11)), 1);
        depth.filled(3);
        depth.filled(3);
        assert_eq!(depth.most(at(11)), 0);
    }

    /// A thousand keys a second that are never filled: those of the last ten seconds are there, and
    /// no more than as many again.
    #[test]
    fn who_has_given_up_is_forgotten() {
        let mut depth = Depth::new(Span::secs(10));
        for key in 0..100_000u64 {
            depth.missed(key, Time::ZERO + Span::millis(key));
        }
        assert!((10_000..=20_001).contains(&depth.crowds.len()), "{}", depth.crowds.len());
    }
}
