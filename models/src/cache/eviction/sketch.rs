//! How often keys were asked for, roughly and in little room: a count-min sketch of 4-bit counters
//! that forgets by halving.

use crate::cache::index::hash;

/// Counters do not go beyond this.
const MOST: u64 = 15;
/// Sixteen counters fit a word; halving must not carry bits into the neighbour.
const HALVES: u64 = 0x7777_7777_7777_7777;
/// The lowest bit of each counter.
const ODD: u64 = 0x1111_1111_1111_1111;

/// Four counters a key, the least of which is the estimate. After ten times as many counts as
/// entries fit, all counters are halved.
#[derive(Clone)]
pub(super) struct Sketch {
    words: Vec<u64>,
    counted: u64,
    sample: u64,
}

impl Sketch {
    pub(super) fn new(capacity: u64) -> Sketch {
        let capacity = capacity.clamp(256, 1 << 22);
        let words = vec![0; capacity.next_power_of_two() as usize];
        Sketch { words, counted: 0, sample: 10 * capacity }
    }

    /// The word and the shift of the counter of `key` in row `row`.
    #[inline]
    fn counter(&self, hash: u64, row: u64) -> (usize, u64) {
        let spread = hash.wrapping_add((hash >> 32).wrapping_mul(2 * row + 1));
        let word = (spread ^ spread >> 17) as usize & (self.words.len() - 1);
        // Each row has four counters of every word to itself.
        (word, ((hash >> (60 - 2 * row) & 3) | row << 2) << 2)
    }

    /// How often `key` was counted, at most 15.
    #[inline]
    pub(super) fn estimate(&self, key: u64) -> u8 {
        let hash = hash(key);
        let read = |row| {
            let (word, shift) = self.counter(hash, row);
            self.words[word] >> shift & MOST
        };
        (0..4).map(read).min().unwrap_or(0) as u8
    }

    /// Counts one.
    #[inline]
    pub(super) fn count(&mut self, key: u64) {
        let hash = hash(key);
        let mut added = false;
        for row in 0..4 {
            let (word, shift) = self.counter(hash, row);
            if self.words[word] >> shift & MOST < MOST {
                self.words[word] += 1 << shift;
                added = true;
            }
        }
        self.counted += u64::from(added);
        if self.counted >= self.sample {
            self.halve();
        }
    }

    /// What halving rounds away has not been counted either.
    fn halve(&mut self) {
        let mut odd = 0;
        for word in &mut self.words {
            odd += u64::from((*word & ODD).count_ones());
            *word = *word >> 1 & HALVES;
        }
        self.counted = (self.counted - odd / 4) / 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_up_to_fifteen_and_halves() {
        let mut sketch = Sketch::new(256);
        (0..20).for_each(|_| sketch.count(7));
        (0..5).for_each(|_| sketch.count(8));
        assert_eq!((sketch.estimate(7), sketch.estimate(8), sketch.estimate(9)), (15, 5, 0));
        // 15 + 5 were counted; each of the eight counters is odd, which is 8 / 4 too many.
        sketch.halve();
        assert_eq!((sketch.estimate(7), sketch.estimate(8)), (7, 2));
        assert_eq!(sketch.counted, (20 - 2) / 2);
    }

    /// 2560 keys counted once: after the last, all counters are halved to nothing.
    #[test]
    fn it_ages_by_itself() {
        let mut sketch = Sketch::new(256);
        (0..10).for_each(|_| sketch.count(u64::MAX));
        (0..5000).for_each(|key| sketch.count(key));
        assert!(sketch.estimate(u64::MAX) <= 6, "{}", sketch.estimate(u64::MAX));
    }
}
