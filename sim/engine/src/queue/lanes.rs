//! One FIFO per fixed span: events of one span are made in the order in which they fall due.

use super::{Entry, NONE};
use crate::time::Span;

/// More lanes than this cost more to look through than a heap costs to order.
const MOST: usize = 8;

pub(super) struct Lanes<E> {
    spans: [Span; MOST],
    /// The key at the front of each lane, so that finding the earliest touches one cache line.
    fronts: [u128; MOST],
    queues: [Ring<Entry<E>>; MOST],
    used: usize,
}

impl<E> Default for Lanes<E> {
    fn default() -> Self {
        Lanes {
            spans: [Span::ZERO; MOST],
            fronts: [NONE; MOST],
            queues: std::array::from_fn(|_| Ring::default()),
            // The first lane is that of the present instant.
            used: 1,
        }
    }
}

impl<E: Copy + Default> Lanes<E> {
    /// False if there is no lane for this span, nor room for one more.
    #[inline]
    pub fn push(&mut self, span: Span, key: u128, event: E) -> bool {
        let Some(lane) = self.lane(span) else { return false };
        let queue = &mut self.queues[lane];
        if queue.is_empty() {
            self.fronts[lane] = key;
        }
        queue.push(Entry { key, event });
        true
    }

    #[inline]
    fn lane(&mut self, span: Span) -> Option<usize> {
        if span.is_zero() {
            return Some(0);
        }
        let known = self.spans[..self.used].iter().position(|&known| known == span);
        known.or_else(|| self.open(span))
    }

    #[cold]
    fn open(&mut self, span: Span) -> Option<usize> {
        let lane = self.used;
        if lane == MOST {
            return None;
        }
        self.used += 1;
        self.spans[lane] = span;
        Some(lane)
    }

    /// The lane whose front is earliest, and that front's key.
    #[inline]
    pub fn peek(&self) -> (usize, u128) {
        let mut best = (0, NONE);
        for (lane, &front) in self.fronts[..self.used].iter().enumerate() {
            if front < best.1 {
                best = (lane, front);
            }
        }
        best
    }

    #[inline]
    pub fn pop(&mut self, lane: usize) -> Option<Entry<E>> {
        let queue = &mut self.queues[lane];
        let entry = queue.pop()?;
        self.fronts[lane] = queue.front().map_or(NONE, |front| front.key);
        Some(entry)
    }

    pub fn len(&self) -> usize {
        self.queues.iter().map(Ring::len).sum()
    }
}

/// A FIFO in one vector whose length is a power of two: half the steps of a `VecDeque`, which
/// allows for any length and for elements that need dropping.
struct Ring<T> {
    slots: Vec<T>,
    /// Where the front is, and how many there are: both ever counting up, taken by the mask.
    head: usize,
    tail: usize,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Ring { slots: Vec::new(), head: 0, tail: 0 }
    }
}

impl<T: Copy + Default> Ring<T> {
    #[inline]
    fn len(&self) -> usize {
        self.tail.wrapping_sub(self.head)
    }

    #[inline]
    fn mask(&self) -> usize {
        self.slots.len().wrapping_sub(1)
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.head == self.tail
    }

    #[inline]
    fn front(&self) -> Option<&T> {
        if self.is_empty() { None } else { self.slots.get(self.head & self.mask()) }
    }

    #[inline]
    fn push(&mut self, value: T) {
        if self.len() == self.slots.len() {
            self.grow();
        }
        let place = self.tail & self.mask();
        self.slots[place] = value;
        self.tail = self.tail.wrapping_add(1);
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        let front = self.front().copied()?;
        self.head = self.head.wrapping_add(1);
        Some(front)
    }

    /// Twice the room.
    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        let room = (2 * self.slots.len()).max(16);
        let len = self.len();
        if len > 0 {
            self.slots.rotate_left(self.head & (len - 1));
        }
        (self.head, self.tail) = (0, len);
        self.slots.resize(room, T::default());
    }
}
