//! What a cache node keeps: values with versions and a time to live, and why the others are gone.

use engine::{Span, Time};

use super::eviction::{Cache, Evict};
use super::fates::{Cause, Fate, Fates};
use super::sizes::Sizes;
use super::tags::Tags;
use crate::flow::machine::Found;

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub value: i64,
    pub until: Time,
    /// When it was put in.
    pub born: Time,
    /// Of the row, as it was read; or [`ABSENT`], or [`AHEAD`].
    pub version: u32,
    /// What it can be forgotten by, besides its key.
    pub tag: u32,
}

impl Entry {
    /// What it says.
    pub(super) fn found(self) -> Found {
        Found { value: self.value, version: self.version }
    }
}

/// The version of an entry that says that there is no such row.
pub(super) const ABSENT: u32 = u32::MAX - 1;
/// The version of a value that the store has not seen yet: never older than any row.
pub(super) const AHEAD: u32 = u32::MAX;

/// What a node may keep, and for how long after its time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub evict: Evict,
    /// Entries, or bytes with `sizes`.
    pub capacity: u64,
    pub sizes: Option<Sizes>,
    /// For how long an entry that has outlived its time is served.
    pub grace: Span,
    /// For how long it is kept for the case that fetching fails.
    pub rescue: Span,
}

#[derive(Clone)]
pub(super) struct Kept {
    room: Room,
    cache: Cache<Entry>,
    tags: Tags,
    fates: Fates,
    seed: u64,
    /// A crash has taken entries from it.
    crashed: bool,
}

/// An empty cache with this room.
fn empty(room: &Room, seed: u64) -> Cache<Entry> {
    let mean = room.sizes.map_or(1, Sizes::mean);
    Cache::sized(room.evict, room.capacity, mean, seed)
}

impl Kept {
    /// Empty. `seed` decides the policies that draw.
    pub(super) fn new(room: Room, fates: Fates, seed: u64) -> Kept {
        Kept { room, cache: empty(&room, seed), tags: Tags::default(), fates, seed, crashed: false }
    }

    /// The node has crashed: what there is in its next life, which is nothing. `fresh` is how it
    /// began. What policies draw is not drawn twice.
    pub(super) fn after_crash(&self, fresh: &Kept) -> Kept {
        self.cache.keys().for_each(|key| self.fates.lose(key));
        let (room, seed) = (fresh.room, self.next_seed());
        let crashed = self.crashed || self.len() > 0;
        Kept { cache: empty(&room, seed), seed, crashed, ..fresh.clone() }
    }

    fn next_seed(&self) -> u64 {
        self.seed.wrapping_add(1)
    }

    /// The entry under `key` if it is not older than its time and the grace; else why there is
    /// none. Expiry is lazy: an entry that is never asked for again stays until it is evicted.
    #[inline]
    pub(super) fn get(&mut self, key: u64, now: Time) -> Result<Entry, Cause> {
        let Some(&mut entry) = self.cache.get(key, now) else {
            return Err(self.fates.why(key, self.crashed));
        };
        if self.tags.forgot(entry.tag, entry.born) {
            self.remove(key);
            return Err(Cause::Forgotten);
        }
        if now < entry.until || now < entry.until + self.room.grace {
            return Ok(entry);
        }
        if now >= entry.until + self.room.rescue {
            self.cache.remove(key);
        }
        self.fates.note(key, Fate::Expired);
        Err(Cause::Expired)
    }

    /// The entry under `key` although it has outlived its time, because fetching it has failed.
    pub(super) fn rescue(&self, key: u64, now: Time) -> Option<Entry> {
        let entry = self.peek(key)?;
        (now < entry.until || now < entry.until + self.room.rescue).then_some(entry)
    }

    /// The entry under `key`, whatever its age; it was not used.
    pub(super) fn peek(&self, key: u64) -> Option<Entry> {
        let entry = *self.cache.peek(key)?;
        (!self.tags.forgot(entry.tag, entry.born)).then_some(entry)
    }

    /// The store has the value of `key` now, as this version.
    pub(super) fn settle(&mut self, key: u64, version: u32) {
        if let Some(entry) = self.cache.peek_mut(key).filter(|entry| entry.version == AHEAD) {
            entry.version = version;
        }
    }

    /// The store will never have the value of `key`: it is forgotten.
    pub(super) fn disown(&mut self, key: u64) {
        if self.cache.peek(key).is_some_and(|entry| entry.version == AHEAD) {
            self.remove(key);
        }
    }

    /// The entry under `key` lives until then.
    pub(super) fn prolong(&mut self, key: u64, until: Time) {
        if let Some(entry) = self.cache.prolong(key, until) {
            entry.until = until;
        }
    }

    /// Puts an entry in; how many had to go for it. `None` if it is refused.
    pub(super) fn put(&mut self, key: u64, entry: Entry, now: Time) -> Option<u64> {
        let before = self.cache.evicted();
        let size = self.room.sizes.map_or(1, |sizes| sizes.of(key));
        let kept = self.cache.put(key, entry, size, now, entry.until);
        self.fates.note(key, Fate::Kept);
        kept.then(|| self.cache.evicted() - before)
    }

    pub(super) fn remove(&mut self, key: u64) {
        if self.cache.remove(key).is_some() {
            self.fates.note(key, Fate::Forgotten);
        }
    }

    /// The keys of all entries.
    pub(super) fn keys(&self) -> impl Iterator<Item = u64> + '_ {
        self.cache.keys()
    }

    /// Takes an entry out that another node is to have.
    pub(super) fn hand_over(&mut self, key: u64) {
        self.cache.remove(key);
    }

    /// Forgets all entries with this tag.
    pub(super) fn forget_tag(&mut self, tag: u32, now: Time) {
        self.tags.forget(tag, now);
    }

    /// Forgets all keys that are `key` but for their last digits: `key / block` is the same. How
    /// many.
    pub(super) fn forget_block(&mut self, key: u64, block: u64) -> u64 {
        let like = |other: &u64| other / block == key / block;
        let keys: Vec<u64> = self.cache.keys().filter(like).collect();
        keys.iter().for_each(|key| self.remove(*key));
        keys.len() as u64
    }

    /// A flush: everything that was kept is lost.
    pub(super) fn clear(&mut self) {
        self.cache.keys().for_each(|key| self.fates.lose(key));
        self.seed = self.next_seed();
        self.cache.clear(self.seed);
    }

    /// Another capacity or policy from here on; how many had to go. What the old policy had learnt
    /// is forgotten.
    pub(super) fn resize(&mut self, evict: Evict, capacity: u64, now: Time) -> u64 {
        (self.room.evict, self.room.capacity) = (evict, capacity);
        let before = self.len();
        let sizes = self.room.sizes;
        let size = |key: u64| sizes.map_or(1, |sizes| sizes.of(key));
        self.seed = self.next_seed();
        self.cache = self
            .cache
            .rebuilt(evict, capacity, self.seed, |key, entry| (size(key), now, entry.until));
        before.saturating_sub(self.len()) as u64
    }

    /// What decides who goes.
    pub(super) fn evict(&self) -> Evict {
        self.room.evict
    }

    /// What fits.
    pub(super) fn capacity(&self) -> u64 {
        self.room.capacity
    }

    /// How many entries there are, those included that have expired unnoticed.
    pub(super) fn len(&self) -> usize {
        self.cache.len()
    }

    /// What they weigh: bytes if there are sizes, else as many as there are.
    pub(super) fn weight(&self) -> u64 {
        self.cache.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(until: u64) -> Entry {
        Entry { value: 7, version: 3, until: Time(until), born: Time(0), tag: 0 }
    }

    /// Two entries, a grace and a time for rescues.
    fn kept(grace: u64, rescue: u64) -> Kept {
        let (evict, sizes) = (Evict::Lru, None);
        let (grace, rescue) = (Span(grace), Span(rescue));
        let room = Room { evict, capacity: 2, sizes, grace, rescue };
        Kept::new(room, Fates::new(100), 1)
    }

    #[test]
    fn entries_expire_at_their_time_and_stay_for_the_grace() {
        for (grace, last) in [(0, 99), (10, 109)] {
            let mut kept = kept(grace, grace);
            assert_eq!(kept.put(1, entry(100), Time(0)), Some(0));
            assert_eq!(kept.get(1, Time(last)), Ok(entry(100)));
            assert_eq!(kept.get(1, Time(last + 1)), Err(Cause::Expired));
            assert_eq!((kept.get(1, Time(last + 2)), kept.len()), (Err(Cause::Expired), 0));
        }
    }

    /// Served until 110, kept for the case of an error until 150.
    #[test]
    fn what_has_expired_can_be_rescued_for_a_while() {
        let mut kept = kept(10, 50);
        kept.put(1, entry(100), Time(0));
        assert_eq!(kept.get(1, Time(120)), Err(Cause::Expired));
        assert_eq!(kept.rescue(1, Time(149)), Some(entry(100)));
        assert_eq!(kept.rescue(1, Time(150)), None);
    }

    #[test]
    fn every_miss_has_its_cause() {
        let mut kept = kept(0, 0);
        let forever = entry(u64::MAX);
        assert_eq!(kept.get(1, Time(0)), Err(Cause::Cold));
        let gone = [1, 2, 3].map(|key| kept.put(key, forever, Time(0)));
        assert_eq!(gone, [Some(0), Some(0), Some(1)]);
        assert_eq!(kept.get(1, Time(0)), Err(Cause::Capacity));
        kept.remove(2);
        assert_eq!(kept.get(2, Time(0)), Err(Cause::Forgotten));
        kept.clear();
        assert_eq!((kept.get(3, Time(0)), kept.len()), (Err(Cause::Lost), 0));
        assert_eq!(kept.get(9, Time(0)), Err(Cause::Cold));
    }

    /// A crash takes what is there, but not what had to go before, nor what never came. Keys of two
    /// draws are large numbers.
    #[test]
    fn a_crash_takes_what_is_there() {
        let mut before = kept(0, 0);
        let fresh = before.clone();
        let large = 7 << 32 | 5;
        for key in [1, 2, large] {
            before.put(key, entry(u64::MAX), Time(0));
        }
        let mut kept = before.after_crash(&fresh);
        let causes = [1, 2, large, 9, large + 1].map(|key| kept.get(key, Time(0)).unwrap_err());
        assert_eq!(causes[..3], [Cause::Capacity, Cause::Lost, Cause::Lost]);
        assert_eq!(causes[3..], [Cause::Cold; 2]);
        assert_eq!(kept.len(), 0);
    }

    /// Both were put at 0; the tag of one is forgotten at 5, and what comes after that counts.
    #[test]
    fn a_tag_takes_all_its_entries_with_it() {
        let mut kept = kept(0, 0);
        let [one, two] = [1, 2].map(|tag| Entry { tag, ..entry(u64::MAX) });
        kept.put(1, one, Time(0));
        kept.put(2, two, Time(0));
        kept.forget_tag(1, Time(5));
        assert_eq!(kept.get(1, Time(6)), Err(Cause::Forgotten));
        assert_eq!(kept.get(2, Time(6)), Ok(two));
        let again = Entry { born: Time(6), ..one };
        kept.put(1, again, Time(6));
        assert_eq!(kept.get(1, Time(7)), Ok(again));
    }

    #[test]
    fn a_block_of_keys_is_forgotten_by_what_they_have_in_common() {
        let mut kept = kept(0, 0);
        kept.put(123, entry(u64::MAX), Time(0));
        kept.put(133, entry(u64::MAX), Time(0));
        assert_eq!(kept.forget_block(129, 10), 1);
        assert_eq!((kept.peek(123), kept.len()), (None, 1));
    }

    /// One of two has to go when only one fits; the other is still there.
    #[test]
    fn a_smaller_cache_keeps_what_fits() {
        let mut kept = kept(0, 0);
        kept.put(1, entry(u64::MAX), Time(0));
        kept.put(2, entry(u64::MAX), Time(0));
        assert_eq!(kept.resize(Evict::Fifo, 1, Time(1)), 1);
        assert_eq!((kept.len(), kept.capacity(), kept.evict()), (1, 1, Evict::Fifo));
        assert_eq!(kept.resize(Evict::Lru, 5, Time(1)), 0);
        assert_eq!(kept.len(), 1);
    }
}
