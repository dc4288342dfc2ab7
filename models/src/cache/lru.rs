//! What a cache node keeps: entries in the order of their last use, each with a time to live.
//!
//! A list over a slab: every entry knows its neighbours by place, so that a hit, a fill and an
//! eviction take constant time, and once the cache is full nothing is allocated any more.

use engine::Time;

use super::index::{EMPTY, Index};

/// One entry, and its neighbours in the list.
#[derive(Clone, Copy)]
struct Entry {
    key: u64,
    value: i64,
    until: Time,
    version: u32,
    newer: u32,
    older: u32,
}

/// What is under a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A live entry: its value and the version that was read when it was filled.
    Live(i64, u32),
    /// An entry that had outlived its time; it is gone now.
    Expired,
    /// Nothing.
    Nothing,
}

/// Entries by key, at most `capacity`; the one that was unused for longest goes first.
#[derive(Clone)]
pub(super) struct Lru {
    entries: Vec<Entry>,
    index: Index,
    /// Places of entries that are gone, linked by `older`.
    free: u32,
    newest: u32,
    oldest: u32,
    len: usize,
    capacity: usize,
}

impl Lru {
    /// Empty. Panics if it may hold nothing.
    pub(super) fn new(capacity: usize) -> Lru {
        assert!(capacity > 0 && capacity < EMPTY as usize, "not a capacity: {capacity}");
        let (entries, index) = (Vec::new(), Index::default());
        Lru { entries, index, free: EMPTY, newest: EMPTY, oldest: EMPTY, len: 0, capacity }
    }

    /// Looks `key` up, and makes it the one used last. Expiry is lazy: an entry that is never
    /// asked for again stays until it is evicted.
    #[inline]
    pub(super) fn get(&mut self, key: u64, now: Time) -> Found {
        let Some(place) = self.index.get(key) else { return Found::Nothing };
        let entry = self.entries[place as usize];
        if entry.until <= now {
            self.remove(key);
            return Found::Expired;
        }
        self.unlink(place);
        self.link_newest(place);
        Found::Live(entry.value, entry.version)
    }

    /// Puts an entry in, or in the place of the one under the same key. True if another had to
    /// go for it.
    pub(super) fn put(&mut self, key: u64, value: i64, version: u32, until: Time) -> bool {
        self.remove(key);
        let full = self.len == self.capacity;
        if full {
            let oldest = self.entries[self.oldest as usize].key;
            self.remove(oldest);
        }
        let entry = Entry { key, value, until, version, newer: EMPTY, older: EMPTY };
        let place = self.place_for(entry);
        self.index.insert(key, place);
        self.link_newest(place);
        self.len += 1;
        full
    }

    /// Takes an entry out; whether there was one.
    pub(super) fn remove(&mut self, key: u64) -> bool {
        let Some(place) = self.index.remove(key) else { return false };
        self.unlink(place);
        self.entries[place as usize].older = self.free;
        self.free = place;
        self.len -= 1;
        true
    }

    /// Forgets everything, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.index.clear();
        (self.free, self.newest, self.oldest, self.len) = (EMPTY, EMPTY, EMPTY, 0);
    }

    /// How many entries there are, those included that have expired unnoticed.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn place_for(&mut self, entry: Entry) -> u32 {
        let place = self.free;
        if place == EMPTY {
            self.entries.push(entry);
            return self.entries.len() as u32 - 1;
        }
        self.free = self.entries[place as usize].older;
        self.entries[place as usize] = entry;
        place
    }

    fn link_newest(&mut self, place: u32) {
        let before = std::mem::replace(&mut self.newest, place);
        let entry = &mut self.entries[place as usize];
        (entry.newer, entry.older) = (EMPTY, before);
        match before {
            EMPTY => self.oldest = place,
            before => self.entries[before as usize].newer = place,
        }
    }

    fn unlink(&mut self, place: u32) {
        let Entry { newer, older, .. } = self.entries[place as usize];
        match newer {
            EMPTY => self.newest = older,
            newer => self.entries[newer as usize].older = older,
        }
        match older {
            EMPTY => self.oldest = newer,
            older => self.entries[older as usize].newer = newer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asks for each letter, fills it on a miss; one `H` or `M` per letter.
    fn trace(lru: &mut Lru, letters: &str) -> String {
        let one = |letter: char| match lru.get(letter as u64, Time::ZERO) {
            Found::Live(..) => 'H',
            _ => {
                lru.put(letter as u64, 0, 0, Time::NEVER);
                'M'
            }
        };
        letters.chars().map(one).collect()
    }

    /// The worked example of the reference sheet on caching (its number 1).
    #[test]
    fn the_published_trace_hits_and_misses_where_it_should() {
        let mut lru = Lru::new(3);
        assert_eq!(trace(&mut lru, "ABACABADEFGABA"), "MMHMHHHMMMMMMH");
        assert_eq!(lru.len(), 3);
    }

    /// A scan over one key more than fit never hits: each is evicted just before it is asked for.
    #[test]
    fn a_scan_over_one_too_many_never_hits() {
        let mut lru = Lru::new(4);
        assert!(!trace(&mut lru, &"ABCDE".repeat(10)).contains('H'));
        assert_eq!(lru.entries.len(), 4, "a full cache needs no more memory");
    }

    #[test]
    fn entries_expire_at_their_time_and_can_be_taken_out() {
        let mut lru = Lru::new(2);
        assert!(!lru.put(1, 7, 3, Time(100)));
        assert_eq!(lru.get(1, Time(99)), Found::Live(7, 3));
        assert_eq!(lru.get(1, Time(100)), Found::Expired);
        assert_eq!(lru.get(1, Time(100)), Found::Nothing);
        assert!(!lru.put(1, 8, 4, Time(200)));
        assert!(!lru.put(1, 9, 5, Time(200)), "the same key takes no room");
        assert!(lru.remove(1) && !lru.remove(1));
        assert!(!lru.put(2, 0, 0, Time::NEVER) && !lru.put(3, 0, 0, Time::NEVER));
        assert!(lru.put(4, 0, 0, Time::NEVER), "2 has to go");
        assert_eq!(lru.get(2, Time::ZERO), Found::Nothing);
        lru.clear();
        assert_eq!((lru.len(), lru.get(3, Time::ZERO)), (0, Found::Nothing));
        assert!(!lru.put(5, 1, 1, Time::NEVER));
    }
}
