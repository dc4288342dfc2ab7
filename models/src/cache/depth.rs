//! How deep stampedes are: how many fetch the value of one key at the same time.

use engine::{Span, Time};

use super::index::Index;

/// Those who fetch the value of a key.
#[derive(Clone, Copy)]
struct Crowd {
    key: u64,
    count: u32,
    since: Time,
}

/// Who was sent to fetch what, since it was last put in.
#[derive(Clone, Default)]
pub(super) struct Depth {
    index: Index,
    crowds: Vec<Crowd>,
}

/// After so long without a value, those who were sent first have given up.
const PATIENCE: Span = Span::secs(10);

impl Depth {
    /// One more fetches `key`.
    pub(super) fn missed(&mut self, key: u64, now: Time) {
        match self.index.get(key) {
            Some(place) => {
                let crowd = &mut self.crowds[place as usize];
                if now.since(crowd.since) > PATIENCE {
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

    /// It is there.
    pub(super) fn filled(&mut self, key: u64) {
        let Some(place) = self.index.remove(key) else { return };
        self.crowds.swap_remove(place as usize);
        if let Some(moved) = self.crowds.get(place as usize) {
            self.index.insert(moved.key, place);
        }
    }

    /// How many fetch the key that most fetch.
    pub(super) fn most(&self) -> u32 {
        self.crowds.iter().map(|crowd| crowd.count).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_counts_until_it_is_filled() {
        let mut depth = Depth::default();
        for key in [1, 2, 2, 2, 3] {
            depth.missed(key, Time::ZERO);
        }
        assert_eq!(depth.most(), 3);
        depth.filled(2);
        assert_eq!(depth.most(), 1);
        depth.filled(1);
        depth.missed(3, Time::ZERO + Span::secs(9));
        assert_eq!(depth.most(), 2);
        depth.missed(3, Time::ZERO + Span::secs(11));
        assert_eq!(depth.most(), 1, "the first have given up");
        depth.filled(3);
        depth.filled(3);
        assert_eq!(depth.most(), 0);
    }
}
