//! Slots on their way from one master to another. Pure bookkeeping.
//!
//! Keys move in small batches; those that have moved are found at the target, by redirection
//! (ASK), the others at the source. Which keys go first is decided by a hash of theirs, so that a
//! share of a slot that has moved needs no list of keys.

use std::rc::Rc;

use engine::{Span, Time};

use crate::policy::placement::slots::{SLOTS, slot_of};
use crate::policy::ring::scatter;

/// How many keys go at once: `redis-cli`'s default pipeline.
const BATCH: u32 = 10;

/// Beyond so many keys they are not looked at one by one: every slot has so many times as many.
const MOST_COUNTED: u64 = 1 << 22;

/// How many of the keys `0..rows` are in each slot.
pub(in super::super) fn keys_per_slot(prefix: &str, rows: u64) -> Rc<[u32]> {
    let mut count = vec![0u64; SLOTS.into()];
    let counted = rows.min(MOST_COUNTED);
    (0..counted).for_each(|key| count[slot_of(prefix, key) as usize] += 1);
    let times = |keys: &u64| u128::from(*keys) * u128::from(rows) / u128::from(counted.max(1));
    count.iter().map(|keys| u32::try_from(times(keys)).unwrap_or(u32::MAX)).collect()
}

/// A slot of which some keys have moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub slot: u16,
    pub moved: u32,
    pub of: u32,
}

impl Part {
    /// Whether a key of the slot has moved. It says the same at the source and at the target.
    pub(super) fn has_moved(self, key: u64) -> bool {
        let place = scatter(!key) >> 32;
        place * u64::from(self.of) < u64::from(self.moved) << 32
    }
}

/// What a master gives away.
#[derive(Clone, Copy, Debug)]
pub(super) struct Giving {
    pub to: u16,
    /// Slots still to be given, the present one included.
    pub slots: u16,
    /// Keys a second.
    pub rate: f64,
    pub part: Part,
    /// When the batch under way began.
    pub since: Time,
}

impl Giving {
    /// How many keys go next.
    pub(super) fn batch(&self) -> u32 {
        BATCH.min(self.part.of - self.part.moved)
    }

    /// How long after its beginning a batch of so many keys is followed by the next.
    pub(super) fn pause(&self, keys: u32) -> Span {
        Span::from_f64(1e9 * f64::from(keys) / self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key 123456789 is in slot 12739; a prefix with a tag puts all into one.
    #[test]
    fn keys_are_counted_by_slot() {
        let count = keys_per_slot("", 100_000);
        assert_eq!(count.iter().sum::<u32>(), 100_000);
        let mean = 100_000.0 / 16_384.0;
        assert!(count.iter().all(|n| f64::from(*n) < 6.0 * mean));
        assert_eq!(keys_per_slot("{bar}", 50)[5061], 50);
    }

    /// Of the keys, so many have moved, none of them moves back, and in the end all have.
    #[test]
    fn keys_move_one_after_the_other() {
        let part = |moved| Part { slot: 0, moved, of: 10 };
        let count = |moved| (0..10_000).filter(|key| part(moved).has_moved(*key)).count();
        assert_eq!((count(0), count(10)), (0, 10_000));
        let half = count(5) as f64;
        assert!((half - 5000.0).abs() < 4.0 * 50.0, "{half}");
        assert!((0..1000).all(|key| !part(3).has_moved(key) || part(4).has_moved(key)));
    }

    #[test]
    fn batches_and_pauses() {
        let part = Part { slot: 0, moved: 0, of: 23 };
        let mut giving = Giving { to: 1, slots: 1, rate: 100.0, part, since: Time::ZERO };
        let mut batches = Vec::new();
        while giving.batch() > 0 {
            batches.push(giving.batch());
            giving.part.moved += giving.batch();
        }
        assert_eq!(batches, [10, 10, 3]);
        assert_eq!(giving.pause(10), Span::millis(100));
    }
}
