//! The event queue: earliest first, ties in the order in which they were put in.
//!
//! Three structures behind three methods, each where it measured best:
//! - a FIFO *lane* for each fixed span (at most eight): what waits equally long leaves in the order
//!   it came, so no comparison is needed; the lane of span zero is the ring of the current instant;
//! - a 4-ary *heap* for drawn delays, whose pop leaves a hole for the next push to fill;
//! - a radix *wheel* behind the heap, which takes the later half when some thousands are pending.

mod heap;
mod lanes;
mod wheel;

use crate::time::{Span, Time};
use heap::Heap;
use lanes::Lanes;
use wheel::Wheel;

/// Beyond this many the heap gives its later half to the wheel: below, the heap is faster.
const FRONT: usize = 4096;

/// An event and its place in the order: time first, then sequence.
///
/// Functions that put one in take its key and its event, which ride in registers: an entry on the
/// stack is written in four words and read in two of twice the size, for which the processor waits
/// until the first have reached the cache.
#[derive(Clone, Copy, Debug, Default)]
struct Entry<E> {
    key: u128,
    event: E,
}

impl<E> Entry<E> {
    #[inline]
    fn time(&self) -> u64 {
        time(self.key)
    }
}

#[inline]
fn time(key: u128) -> u64 {
    (key >> 64) as u64
}

/// No entry: later than all.
const NONE: u128 = u128::MAX;

/// Pending events of type `E`.
pub struct EventQueue<E> {
    heap: Heap<E>,
    lanes: Lanes<E>,
    wheel: Wheel<E>,
    /// The heap holds everything due before this that is in no lane; the wheel the rest.
    limit: u64,
    /// The time of the last pop: nothing earlier will be put in.
    now: u64,
    /// When the heap spills next; grows while ties keep it from shrinking.
    threshold: usize,
    sequence: u64,
    /// In a test mode, what ties are shuffled by.
    shuffle: Option<u64>,
}

impl<E: Copy + Default> Default for EventQueue<E> {
    fn default() -> Self {
        EventQueue {
            heap: Heap::default(),
            lanes: Lanes::default(),
            wheel: Wheel::default(),
            limit: u64::MAX,
            now: 0,
            threshold: FRONT,
            sequence: 0,
            shuffle: None,
        }
    }
}

impl<E: Copy + Default> EventQueue<E> {
    /// A queue that breaks ties by chance instead of first come, first served: a test mode, to
    /// show that nothing rests on the order of ties.
    pub fn shuffled(seed: u64) -> Self {
        EventQueue { shuffle: Some(seed), ..EventQueue::default() }
    }

    #[inline]
    fn key(&mut self, at: Time) -> u128 {
        self.sequence = self.sequence.wrapping_add(1);
        let order = match self.shuffle {
            None => self.sequence,
            Some(seed) => mix(self.sequence ^ mix(seed)),
        };
        (at.0 as u128) << 64 | order as u128
    }

    /// Puts an event at a time that was drawn.
    #[inline]
    pub fn at(&mut self, at: Time, event: impl Into<E>) {
        let key = self.key(at);
        self.put(key, event.into());
    }

    /// Puts an event a fixed span after `now`, the time of the last pop: cheaper than
    /// [`EventQueue::at`] while few different spans are used so.
    #[inline(always)]
    pub fn after(&mut self, now: Time, span: Span, event: impl Into<E>) {
        let key = self.key(now + span);
        let event = event.into();
        if self.shuffle.is_some() || !self.lanes.push(span, key, event) {
            self.put(key, event);
        }
    }

    #[inline]
    fn put(&mut self, key: u128, event: E) {
        if time(key) >= self.limit {
            return self.wheel.push(Entry { key, event });
        }
        self.heap.push(key, event);
        if self.heap.len() > self.threshold {
            self.spill();
        }
    }

    /// Takes the earliest event if it is due by `until`; a later one stays. Events that are not
    /// `live` are dropped when they are the earliest.
    #[inline]
    pub fn pop(&mut self, until: Time, mut live: impl FnMut(&E) -> bool) -> Option<(Time, E)> {
        loop {
            let mut from_heap = self.heap.peek();
            if from_heap == NONE && !self.wheel.is_empty() {
                self.refill();
                from_heap = self.heap.peek();
            }
            let (lane, from_lane) = self.lanes.peek();
            let lane_first = from_lane < from_heap;
            let earliest = if lane_first { from_lane } else { from_heap };
            let at = (earliest >> 64) as u64;
            if at > until.0 || earliest == NONE {
                return None;
            }
            let entry = if lane_first { self.lanes.pop(lane)? } else { self.heap.pop()? };
            self.now = at;
            if live(&entry.event) {
                return Some((Time(at), entry.event));
            }
        }
    }

    /// How many events are pending, dead ones included.
    pub fn len(&self) -> usize {
        self.heap.len() + self.lanes.len() + self.wheel.len()
    }

    /// Whether nothing is pending.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The heap is too long: its later half goes to the wheel.
    #[cold]
    #[inline(never)]
    fn spill(&mut self) {
        let mut entries = self.heap.take();
        let middle = entries.len() / 2;
        entries.select_nth_unstable_by_key(middle, |entry| entry.key);
        let mut limit = entries[middle].time();
        if entries[..middle].iter().all(|entry| entry.time() >= limit) {
            // Half of all are ties: they must stay together, or they would leave out of order.
            limit = limit.saturating_add(1);
        }
        // What lanes still hold may lead to events before the wheel's base: they stay in the heap.
        limit = limit.max(self.wheel.begin(self.now));
        for entry in entries {
            match entry.time() < limit {
                true => self.heap.push(entry.key, entry.event),
                false => self.wheel.push(entry),
            }
        }
        self.limit = limit;
        self.threshold = FRONT.max(2 * self.heap.len());
    }

    /// The heap has run empty: the wheel's earliest slot moves into it.
    #[cold]
    #[inline(never)]
    fn refill(&mut self) {
        let heap = &mut self.heap;
        self.limit = self.wheel.move_earliest(|entry| heap.push(entry.key, entry.event));
        self.threshold = FRONT.max(2 * self.heap.len());
        if self.wheel.is_empty() {
            self.limit = u64::MAX;
        }
    }
}

/// A bijection that scatters neighbours (the finaliser of SplitMix64).
fn mix(word: u64) -> u64 {
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

#[cfg(test)]
mod tests;
