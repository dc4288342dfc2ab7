//! One FIFO per fixed span: events of one span are made in the order in which they fall due.

use std::collections::VecDeque;

use super::{Entry, NONE};
use crate::time::Span;

/// More lanes than this cost more to look through than a heap costs to order.
const MOST: usize = 8;

pub(super) struct Lanes<E> {
    spans: [Span; MOST],
    /// The key at the front of each lane, so that finding the earliest touches one cache line.
    fronts: [u128; MOST],
    queues: [VecDeque<Entry<E>>; MOST],
    used: usize,
}

impl<E> Default for Lanes<E> {
    fn default() -> Self {
        Lanes {
            spans: [Span::ZERO; MOST],
            fronts: [NONE; MOST],
            queues: std::array::from_fn(|_| VecDeque::new()),
            // The first lane is that of the present instant.
            used: 1,
        }
    }
}

impl<E: Copy> Lanes<E> {
    /// False if there is no lane for this span, nor room for one more.
    #[inline]
    pub fn push(&mut self, span: Span, entry: Entry<E>) -> bool {
        let Some(lane) = self.lane(span) else { return false };
        let queue = &mut self.queues[lane];
        if queue.is_empty() {
            self.fronts[lane] = entry.key;
        }
        queue.push_back(entry);
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
        let entry = self.queues[lane].pop_front()?;
        self.fronts[lane] = self.queues[lane].front().map_or(NONE, |front| front.key);
        Some(entry)
    }

    pub fn len(&self) -> usize {
        self.queues.iter().map(VecDeque::len).sum()
    }
}
