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

/// Keys in the order of their first writes, each once.
#[derive(Clone, Default)]
struct Line {
    line: VecDeque<Option<Dirty>>,
    /// Key to the place in `line`, counted from what was first in it.
    index: Index,
    gone: u32,
}

impl Line {
    fn get(&self, key: u64) -> Option<&Dirty> {
        let place = self.index.get(key)?;
        self.line[(place - self.gone) as usize].as_ref()
    }

    fn get_mut(&mut self, key: u64) -> Option<&mut Dirty> {
        let place = self.index.get(key)?;
        self.line[(place - self.gone) as usize].as_mut()
    }

    fn push(&mut self, dirty: Dirty) {
        self.index.insert(dirty.key, self.gone + self.line.len() as u32);
        self.line.push_back(Some(dirty));
    }

    fn pop(&mut self) -> Option<Dirty> {
        let dirty = self.line.pop_front()??;
        self.index.remove(dirty.key);
        self.gone += 1;
        Some(dirty)
    }

    /// Takes what is at this place, which stays empty.
    fn take(&mut self, place: usize) -> Option<Dirty> {
        let dirty = self.line.get_mut(place)?.take()?;
        self.index.remove(dirty.key);
        Some(dirty)
    }
}

/// What is not in the store yet.
#[derive(Clone, Default)]
pub(super) struct Buffer {
    /// Written since the flush began.
    waiting: Line,
    /// Of the flush under way: those before `next` are being written, or done.
    flushing: Line,
    next: usize,
    busy: usize,
    writes: u64,
}

impl Buffer {
    /// A write. It stands for those that the key had waiting before.
    pub(super) fn write(&mut self, dirty: Dirty) {
        self.writes += u64::from(dirty.writes);
        match self.waiting.get_mut(dirty.key) {
            Some(known) => *known = Dirty { writes: known.writes + dirty.writes, ..dirty },
            None => self.waiting.push(dirty),
        }
    }

    /// Whether `key` waits for the next flush, so that a write to it needs no room.
    pub(super) fn waits(&self, key: u64) -> bool {
        self.waiting.index.get(key).is_some()
    }

    /// The value of `key` that the store has not seen.
    pub(super) fn value(&self, key: u64) -> Option<i64> {
        self.waiting.get(key).or_else(|| self.flushing.get(key)).map(|dirty| dirty.value)
    }

    /// Keys that wait for the next flush.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.line.len()
    }

    /// Keys that are not in the store; one that was written again meanwhile counts twice.
    pub(super) fn len(&self) -> usize {
        self.waiting() + self.busy + self.flushing.line.len() - self.next
    }

    /// Whether a flush is under way.
    pub(super) fn is_flushing(&self) -> bool {
        !self.flushing.line.is_empty()
    }

    /// Begins a flush of everything that waits. Only if none is under way.
    pub(super) fn begin(&mut self) {
        debug_assert!(!self.is_flushing());
        std::mem::swap(&mut self.waiting, &mut self.flushing);
        (self.waiting.gone, self.next) = (0, 0);
    }

    /// The next key to write, and the number of the write, if fewer than `batch` are under way.
    pub(super) fn next(&mut self, batch: usize) -> Option<(u32, Dirty)> {
        if self.busy >= batch {
            return None;
        }
        let dirty = (*self.flushing.line.get(self.next)?).expect("it has not been written");
        self.next += 1;
        self.busy += 1;
        Some((self.next as u32 - 1, dirty))
    }

    /// A write has ended. If it failed, its key waits again, behind what was written since.
    pub(super) fn ended(&mut self, number: u32, done: bool) -> Dirty {
        let dirty = self.flushing.take(number as usize).expect("it was under way");
        self.busy -= 1;
        if self.busy == 0 && self.next == self.flushing.line.len() {
            self.flushing.line.clear();
            self.next = 0;
        }
        if done {
            self.writes -= u64::from(dirty.writes);
            return dirty;
        }
        match self.waiting.get_mut(dirty.key) {
            Some(known) => known.writes += dirty.writes,
            None => self.waiting.push(dirty),
        }
        dirty
    }

    /// The oldest key that is not on its way goes, unwritten.
    pub(super) fn drop_oldest(&mut self) -> Option<Dirty> {
        let dirty = match self.flushing.take(self.next) {
            Some(dirty) => {
                // As if it had been written; it is not the last: somebody is still busy.
                self.next += 1;
                dirty
            }
            None => self.waiting.pop()?,
        };
        self.writes -= u64::from(dirty.writes);
        Some(dirty)
    }

    /// How many writes are not in the store.
    pub(super) fn writes(&self) -> u64 {
        self.writes
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
        assert_eq!((buffer.len(), buffer.writes()), (2, 5));
        buffer.begin();
        let (number, first) = buffer.next(1).expect("two keys wait");
        assert_eq!((first.key, first.value, first.writes), (1, 12, 3));
        assert!(buffer.next(1).is_none(), "one at a time");
        assert_eq!((buffer.value(1), buffer.value(2)), (Some(12), Some(21)));
        buffer.write(write(1, 13));
        assert_eq!((buffer.value(1), buffer.len()), (Some(13), 3));
        assert_eq!((buffer.ended(number, true).writes, buffer.writes()), (3, 3));
        let (number, second) = buffer.next(1).expect("key 2");
        assert_eq!((second.key, second.writes, buffer.is_flushing()), (2, 2, true));
        buffer.ended(number, true);
        assert_eq!((buffer.is_flushing(), buffer.len(), buffer.writes()), (false, 1, 1));
        buffer.begin();
        assert_eq!(buffer.next(1).map(|(_, dirty)| dirty.value), Some(13));
    }

    #[test]
    fn what_fails_is_tried_again_with_what_came_since() {
        let mut buffer = Buffer::default();
        buffer.write(write(1, 10));
        buffer.begin();
        let (number, _) = buffer.next(9).expect("a key");
        buffer.write(write(1, 11));
        buffer.ended(number, false);
        buffer.begin();
        let (number, again) = buffer.next(9).expect("the key again");
        assert_eq!((again.value, again.writes), (11, 2));
        buffer.ended(number, false);
        assert_eq!((buffer.waiting(), buffer.writes()), (1, 2));
    }

    /// What is on its way cannot go; what is in line behind it goes first.
    #[test]
    fn the_oldest_goes_when_there_is_no_room() {
        let mut buffer = Buffer::default();
        for key in [1, 2, 3, 1] {
            buffer.write(write(key, 0));
        }
        let gone = |buffer: &mut Buffer| buffer.drop_oldest().map(|it| (it.key, it.writes));
        assert_eq!((gone(&mut buffer), buffer.len(), buffer.writes()), (Some((1, 2)), 2, 2));
        assert!(!buffer.waits(1) && buffer.waits(2));
        buffer.begin();
        let (number, _) = buffer.next(1).expect("key 2");
        buffer.write(write(4, 0));
        buffer.write(write(5, 0));
        assert_eq!([(); 2].map(|()| gone(&mut buffer)), [Some((3, 1)), Some((4, 1))]);
        assert_eq!((buffer.value(3), buffer.value(5), buffer.len()), (None, Some(0), 2));
        assert_eq!((gone(&mut buffer), gone(&mut buffer)), (Some((5, 1)), None));
        assert_eq!((buffer.ended(number, true).key, buffer.is_flushing()), (2, false));
        assert_eq!((buffer.len(), buffer.writes()), (0, 0));
    }
}
