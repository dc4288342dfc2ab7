//! Where a key is: an open-addressing table from keys to places.
//!
//! A map of the standard library would iterate in an order of its own and hash with a random
//! seed. This one hashes the same way everywhere, probes linearly, and closes the gap when a key
//! leaves, so that it never fills up with the graves of old keys.

/// A bucket holds a key and a place; `EMPTY` marks one that holds nothing.
#[derive(Clone, Copy)]
struct Bucket {
    key: u64,
    place: u32,
}

/// No place has this number.
pub(super) const EMPTY: u32 = u32::MAX;
const NOTHING: Bucket = Bucket { key: 0, place: EMPTY };

/// A map from `u64` to places below [`EMPTY`]. All operations take constant time on average;
/// memory grows by doubling and is never given back.
#[derive(Clone, Default)]
pub(super) struct Index {
    /// A power of two of them, at most five eighths full: ten million keys take 268 MB, and a
    /// miss looks at four buckets on average. None as long as nothing was inserted.
    buckets: Vec<Bucket>,
    len: usize,
}

/// The finalizer of splitmix64: every bit of the key reaches every bit of the hash.
pub(super) fn hash(key: u64) -> u64 {
    let key = (key ^ (key >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let key = (key ^ (key >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    key ^ (key >> 31)
}

impl Index {
    /// Where `key` is.
    #[inline]
    pub(super) fn get(&self, key: u64) -> Option<u32> {
        let found = self.buckets.get(self.find(key)?)?;
        (found.place != EMPTY).then_some(found.place)
    }

    /// `key` is at `place` from now on.
    pub(super) fn insert(&mut self, key: u64, place: u32) {
        debug_assert!(place != EMPTY);
        if (self.len + 1) * 8 > self.buckets.len() * 5 {
            self.grow();
        }
        let at = self.find(key).expect("it has just grown");
        let bucket = &mut self.buckets[at];
        self.len += usize::from(bucket.place == EMPTY);
        *bucket = Bucket { key, place };
    }

    /// Forgets `key`; where it was.
    pub(super) fn remove(&mut self, key: u64) -> Option<u32> {
        let mut gap = self.find(key)?;
        let place = self.buckets[gap].place;
        if place == EMPTY {
            return None;
        }
        self.len -= 1;
        let mut next = gap;
        loop {
            next = (next + 1) & self.mask();
            let bucket = self.buckets[next];
            if bucket.place == EMPTY {
                break;
            }
            // It may fill the gap unless it would then stand before its home.
            let from_home = next.wrapping_sub(self.home(bucket.key)) & self.mask();
            let from_gap = next.wrapping_sub(gap) & self.mask();
            if from_home >= from_gap {
                self.buckets[gap] = bucket;
                gap = next;
            }
        }
        self.buckets[gap] = NOTHING;
        Some(place)
    }

    /// How many keys it holds.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Forgets everything, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.buckets.fill(NOTHING);
        self.len = 0;
    }

    fn mask(&self) -> usize {
        self.buckets.len() - 1
    }

    fn home(&self, key: u64) -> usize {
        hash(key) as usize & self.mask()
    }

    /// The bucket of `key`, or the empty one where it belongs. `None` if there are no buckets.
    #[inline]
    fn find(&self, key: u64) -> Option<usize> {
        if self.buckets.is_empty() {
            return None;
        }
        let mut at = self.home(key);
        while self.buckets[at].place != EMPTY && self.buckets[at].key != key {
            at = (at + 1) & self.mask();
        }
        Some(at)
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.buckets.len() * 2).max(16);
        let old = std::mem::replace(&mut self.buckets, vec![NOTHING; size]);
        for bucket in old.into_iter().filter(|bucket| bucket.place != EMPTY) {
            let at = self.find(bucket.key).expect("there are buckets");
            self.buckets[at] = bucket;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The published first output of splitmix64 for seed 0: the finalizer of the golden ratio.
    #[test]
    fn the_hash_is_the_finalizer_of_splitmix64() {
        assert_eq!(hash(0x9e37_79b9_7f4a_7c15), 0xe220_a839_7b1d_cdaf);
    }

    /// Against the ordered map of the standard library, with few keys, so that chains of
    /// collisions are torn apart again and again.
    #[test]
    fn it_does_what_a_map_does() {
        let (mut index, mut map) = (Index::default(), BTreeMap::new());
        let mut state = 1u64;
        for step in 0..100_000u32 {
            state = hash(state.wrapping_add(0x9e37_79b9_7f4a_7c15));
            let key = (state >> 8) % 300;
            if state % 5 < 2 {
                assert_eq!(index.remove(key), map.remove(&key), "step {step}");
            } else {
                index.insert(key, step);
                map.insert(key, step);
            }
            let asked = (state >> 40) % 300;
            assert_eq!(index.get(asked), map.get(&asked).copied(), "step {step}");
        }
        assert_eq!(index.len(), map.len());
        index.clear();
        assert!((0..300).all(|key| index.get(key).is_none()) && index.len() == 0);
    }
}
