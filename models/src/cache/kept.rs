//! What a cache node keeps: values with versions and a time to live, and why the others are gone.

use engine::{Span, Time};

use super::eviction::{Cache, Evict};

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub value: i64,
    /// Of the row, as it was read.
    pub version: u32,
    pub until: Time,
}

/// Why a key is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// It was never put in.
    Cold,
    /// It had to go for others, or was refused.
    Capacity,
    /// It outlived its time.
    Expired,
    /// It was taken out.
    Forgotten,
    /// The node lost everything: a flush or a crash.
    Lost,
}

/// What is remembered of a key.
const UNSEEN: u8 = 0;
const KEPT: u8 = 1;
const EXPIRED: u8 = 2;
const FORGOTTEN: u8 = 3;
const LOST: u8 = 4;

/// Fates are remembered of keys below this (a byte each); others count as cold.
const REMEMBERED: u64 = 1 << 26;

#[derive(Clone)]
pub(super) struct Kept {
    cache: Cache<Entry>,
    fates: Vec<u8>,
    /// A node in its first life has lost nothing; after a crash what it misses first was lost.
    reborn: bool,
}

impl Kept {
    pub(super) fn new(evict: Evict, capacity: u64, seed: u64) -> Kept {
        Kept { cache: Cache::new(evict, capacity, seed), fates: Vec::new(), reborn: false }
    }

    /// The node has come back from a crash.
    pub(super) fn reborn(&mut self) {
        self.reborn = true;
    }

    /// The entry under `key` if it is not older than its time and `grace`; else why there is
    /// none. Expiry is lazy: an entry that is never asked for again stays until it is evicted.
    #[inline]
    pub(super) fn get(&mut self, key: u64, grace: Span, now: Time) -> Result<Entry, Cause> {
        let Some(&mut entry) = self.cache.get(key, now) else { return Err(self.why(key)) };
        if now < entry.until || now < entry.until + grace {
            return Ok(entry);
        }
        self.cache.remove(key);
        self.fate(key, EXPIRED);
        Err(Cause::Expired)
    }

    /// Puts an entry in; how many had to go for it. `None` if it is refused.
    pub(super) fn put(&mut self, key: u64, entry: Entry, now: Time) -> Option<u64> {
        let before = self.cache.evicted();
        let kept = self.cache.put(key, entry, 1, now, entry.until);
        self.fate(key, KEPT);
        kept.then(|| self.cache.evicted() - before)
    }

    pub(super) fn remove(&mut self, key: u64) {
        if self.cache.remove(key).is_some() {
            self.fate(key, FORGOTTEN);
        }
    }

    /// A flush: everything that was kept is lost.
    pub(super) fn clear(&mut self) {
        self.cache.clear();
        self.fates.iter_mut().filter(|fate| **fate == KEPT).for_each(|fate| *fate = LOST);
    }

    /// How many entries there are, those included that have expired unnoticed.
    pub(super) fn len(&self) -> usize {
        self.cache.len()
    }

    fn fate(&mut self, key: u64, fate: u8) {
        if key >= REMEMBERED {
            return;
        }
        let place = key as usize;
        if place >= self.fates.len() {
            self.fates.resize((place + 1).next_power_of_two(), UNSEEN);
        }
        self.fates[place] = fate;
    }

    fn why(&self, key: u64) -> Cause {
        match self.fates.get(key.min(REMEMBERED) as usize).copied().unwrap_or(UNSEEN) {
            KEPT => Cause::Capacity,
            EXPIRED => Cause::Expired,
            FORGOTTEN => Cause::Forgotten,
            LOST => Cause::Lost,
            _ if self.reborn => Cause::Lost,
            _ => Cause::Cold,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(until: u64) -> Entry {
        Entry { value: 7, version: 3, until: Time(until) }
    }

    #[test]
    fn entries_expire_at_their_time_and_stay_for_the_grace() {
        let mut kept = Kept::new(Evict::Lru, 2, 1);
        assert_eq!(kept.put(1, entry(100), Time(0)), Some(0));
        assert_eq!(kept.get(1, Span(0), Time(99)), Ok(entry(100)));
        assert_eq!(kept.get(1, Span(10), Time(109)), Ok(entry(100)));
        assert_eq!(kept.get(1, Span(10), Time(110)), Err(Cause::Expired));
        assert_eq!(kept.get(1, Span(10), Time(111)), Err(Cause::Expired));
    }

    #[test]
    fn every_miss_has_its_cause() {
        let mut kept = Kept::new(Evict::Lru, 2, 1);
        let forever = entry(u64::MAX);
        assert_eq!(kept.get(1, Span(0), Time(0)), Err(Cause::Cold));
        let gone = [1, 2, 3].map(|key| kept.put(key, forever, Time(0)));
        assert_eq!(gone, [Some(0), Some(0), Some(1)]);
        assert_eq!(kept.get(1, Span(0), Time(0)), Err(Cause::Capacity));
        kept.remove(2);
        assert_eq!(kept.get(2, Span(0), Time(0)), Err(Cause::Forgotten));
        kept.clear();
        assert_eq!((kept.get(3, Span(0), Time(0)), kept.len()), (Err(Cause::Lost), 0));
        assert_eq!(kept.get(9, Span(0), Time(0)), Err(Cause::Cold));
        kept.reborn();
        assert_eq!(kept.get(9, Span(0), Time(0)), Err(Cause::Lost));
        assert_eq!(kept.get(u64::MAX, Span(0), Time(0)), Err(Cause::Lost));
    }
}
