//! Writes that the store has not seen yet: the buffer of a cache that writes behind.
//!
//! Writes to one key become one write to the store, of the last value. A flush takes everything
//! that is there, a batch of keys at a time; there is one flush at a time, so that the writes of a
//! key reach the store in their order. What fails is tried again with the next flush.

use std::collections::VecDeque;

use engine::Request;

use super::index::Index;

/// One key that has to be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dirty {
    pub key: u64,
    /// The last request that wrote it.
    pub request: Request,
    pub value: i64,
    /// How many writes it stands for.
    pub writes: u32,
}

/// What is not in the store yet.
#[derive(Clone, Default)]
pub(super) struct Buffer {
    /// Written since the flush began, in the order of their first writes.
    waiting: Vec<Dirty>,
    index: Index,
    /// To be written by the flush under way.
    flushing: VecDeque<Dirty>,
    /// Being written; free places are `None`.
    writing: Vec<Option<Dirty>>,
    busy: usize,
    writes: u64,
}

impl Buffer {
    /// A write. It stands for those that the key had waiting before.
    pub(super) fn write(&mut self, dirty: Dirty) {
        self.writes += u64::from(dirty.writes);
        match self.index.get(dirty.key) {
            Some(place) => {
                let known = &mut self.waiting[place as usize];
                *known = Dirty { writes: known.writes + dirty.writes, ..dirty };
            }
            None => {
                self.index.insert(dirty.key, self.waiting.len() as u32);
                self.waiting.push(dirty);
            }
        }
    }

    /// Whether a write to `key` would need room.
    pub(super) fn is_new(&self, key: u64) -> bool {
        self.index.get(key).is_none()
    }

    /// The value of `key` that the store has not seen.
    pub(super) fn value(&self, key: u64) -> Option<i64> {
        if let Some(place) = self.index.get(key) {
            return Some(self.waiting[place as usize].value);
        }
        let mut rest = self.flushing.iter().chain(self.writing.iter().flatten());
        rest.find(|dirty| dirty.key == key).map(|dirty| dirty.value)
    }

    /// Keys that wait for the next flush.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Keys that are not in the store.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.flushing.len() + self.busy
    }

    /// Whether a flush is under way.
    pub(super) fn is_flushing(&self) -> bool {
        self.busy + self.flushing.len() > 0
    }

    /// Begins a flush of everything that waits. Only if none is under way.
    pub(super) fn begin(&mut self) {
        debug_assert!(!self.is_flushing());
        self.flushing.extend(self.waiting.drain(..));
        self.index.clear();
    }

    /// The next key to write, and the number of the write, if fewer than `batch` are under way.
    pub(super) fn next(&mut self, batch: usize) -> Option<(u32, Dirty)> {
        if self.busy >= batch {
            return None;
        }
        let dirty = self.flushing.pop_front()?;
        self.busy += 1;
        let free = self.writing.iter().position(Option::is_none).unwrap_or(self.writing.len());
        if free == self.writing.len() {
            self.writing.push(None);
        }
        self.writing[free] = Some(dirty);
        Some((free as u32, dirty))
    }

    /// A write has ended. If it failed, its key waits again, behind what was written since.
    pub(super) fn ended(&mut self, number: u32, done: bool) -> Option<Dirty> {
        let dirty = self.writing.get_mut(number as usize)?.take()?;
        self.busy -= 1;
        if done {
            self.writes -= u64::from(dirty.writes);
            return Some(dirty);
        }
        match self.index.get(dirty.key) {
            Some(place) => self.waiting[place as usize].writes += dirty.writes,
            None => {
                self.index.insert(dirty.key, self.waiting.len() as u32);
                self.waiting.push(dirty);
            }
        }
        None
    }

    /// The oldest key that waits goes, unwritten; how many writes are lost with it.
    pub(super) fn drop_oldest(&mut self) -> u32 {
        if self.waiting.is_empty() {
            return 0;
        }
        let gone = self.waiting.remove(0);
        self.index.clear();
        for (place, dirty) in self.waiting.iter().enumerate() {
            self.index.insert(dirty.key, place as u32);
        }
        self.writes -= u64::from(gone.writes);
        gone.writes
    }

    /// How many writes are not in the store.
    pub(super) fn writes(&self) -> u64 {
        self.writes
    }

    /// How many writes a crash would lose: all but those that are on their way to the store.
    pub(super) fn at_risk(&self) -> u64 {
        let away: u64 = self.writing.iter().flatten().map(|it| u64::from(it.writes)).sum();
        self.writes - away
    }
}

#[cfg(test)]
mod tests {
    use engine::{OpId, Time};

    use super::*;

    fn write(key: u64, value: i64) -> Dirty {
        Dirty { key, request: Request::internal(OpId::PROBE, Time::ZERO), value, writes: 1 }
    }

    /// Five writes to two keys are two writes; one to key 1 comes while it is being written.
    #[test]
    fn writes_of_a_key_become_one_and_keep_their_order() {
        let mut buffer = Buffer::default();
        for (key, value) in [(1, 10), (2, 20), (1, 11), (1, 12), (2, 21)] {
            buffer.write(write(key, value));
        }
        assert_eq!((buffer.len(), buffer.at_risk()), (2, 5));
        buffer.begin();
        let (number, first) = buffer.next(1).expect("two keys wait");
        assert_eq!((first.key, first.value, first.writes), (1, 12, 3));
        assert!(buffer.next(1).is_none(), "one at a time");
        assert_eq!((buffer.at_risk(), buffer.value(1), buffer.value(2)), (2, Some(12), Some(21)));
        buffer.write(write(1, 13));
        assert_eq!(buffer.value(1), Some(13));
        assert_eq!(buffer.ended(number, true).map(|dirty| dirty.writes), Some(3));
        let (number, second) = buffer.next(1).expect("key 2");
        assert_eq!((second.key, second.writes, buffer.is_flushing()), (2, 2, true));
        buffer.ended(number, true);
        assert_eq!((buffer.is_flushing(), buffer.len(), buffer.at_risk()), (false, 1, 1));
    }

    #[test]
    fn what_fails_is_tried_again_with_what_came_since() {
        let mut buffer = Buffer::default();
        buffer.write(write(1, 10));
        buffer.begin();
        let (number, _) = buffer.next(9).expect("a key");
        buffer.write(write(1, 11));
        assert!(buffer.ended(number, false).is_none());
        buffer.begin();
        let (number, again) = buffer.next(9).expect("the key again");
        assert_eq!((again.value, again.writes), (11, 2));
        assert!(buffer.ended(number, false).is_none());
        assert_eq!((buffer.waiting(), buffer.at_risk()), (1, 2));
    }

    #[test]
    fn the_oldest_goes_when_there_is_no_room() {
        let mut buffer = Buffer::default();
        for key in [1, 2, 1] {
            buffer.write(write(key, 0));
        }
        assert_eq!((buffer.drop_oldest(), buffer.len(), buffer.at_risk()), (2, 1, 1));
        assert!(buffer.is_new(1) && !buffer.is_new(2));
        assert_eq!((buffer.drop_oldest(), buffer.drop_oldest()), (1, 0));
    }
}
