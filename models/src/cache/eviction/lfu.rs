//! LFU in constant time: entries of one frequency share a list, and the lists are linked in the
//! order of their frequencies (Shah, Mitra and Matani, 2010). Of equals, the oldest goes.

use engine::{Key, Slab};

use super::Policy;
use super::slots::{List, Slots};
use crate::cache::index::EMPTY;

#[derive(Clone, Copy)]
struct Bucket {
    freq: u32,
    list: List,
    lower: Option<Key>,
    higher: Option<Key>,
}

#[derive(Clone, Default)]
pub(super) struct Lfu {
    buckets: Slab<Bucket>,
    /// The key of the bucket at each place of the slab, which is what slots remember.
    keys: Vec<Key>,
    lowest: Option<Key>,
}

impl Lfu {
    fn bucket(&mut self, key: Key) -> &mut Bucket {
        self.buckets.get_mut(key).expect("a bucket lives as long as its entries")
    }

    /// The bucket of `freq`, which belongs between `lower` and `higher`.
    fn between(&mut self, freq: u32, lower: Option<Key>, higher: Option<Key>) -> Key {
        if let Some(higher) = higher.filter(|&key| self.bucket(key).freq == freq) {
            return higher;
        }
        let key = self.buckets.insert(Bucket { freq, list: List::new(0), lower, higher });
        if key.index() == self.keys.len() {
            self.keys.push(key);
        }
        self.keys[key.index()] = key;
        match lower {
            Some(lower) => self.bucket(lower).higher = Some(key),
            None => self.lowest = Some(key),
        }
        if let Some(higher) = higher {
            self.bucket(higher).lower = Some(key);
        }
        key
    }

    fn enter(&mut self, slots: &mut Slots, place: u32, key: Key) {
        slots.at_mut(place).mark = key.index() as u32;
        self.bucket(key).list.push(slots, place);
    }

    fn leave(&mut self, slots: &mut Slots, place: u32) {
        let key = self.keys[slots.at(place).mark as usize];
        let bucket = self.bucket(key);
        bucket.list.unlink(slots, place);
        if bucket.list.oldest().is_some() {
            return;
        }
        let Bucket { lower, higher, .. } = *bucket;
        match lower {
            Some(lower) => self.bucket(lower).higher = higher,
            None => self.lowest = higher,
        }
        if let Some(higher) = higher {
            self.bucket(higher).lower = lower;
        }
        self.buckets.remove(key);
    }
}

impl Policy for Lfu {
    fn hit(&mut self, slots: &mut Slots, place: u32) {
        let key = self.keys[slots.at(place).mark as usize];
        let Bucket { freq, higher, .. } = *self.bucket(key);
        let next = self.between(freq.saturating_add(1), Some(key), higher);
        self.leave(slots, place);
        self.enter(slots, place, next);
    }

    fn insert(&mut self, slots: &mut Slots, place: u32, _: u8) {
        let lowest = self.lowest;
        let first = self.between(1, None, lowest);
        self.enter(slots, place, first);
    }

    fn evict(&mut self, slots: &mut Slots, _: u8) -> bool {
        let Some(lowest) = self.lowest else { return false };
        let place = self.bucket(lowest).list.oldest().unwrap_or(EMPTY);
        self.leave(slots, place);
        slots.evict(place);
        true
    }

    fn forget(&mut self, slots: &mut Slots, place: u32) {
        self.leave(slots, place);
    }
}
