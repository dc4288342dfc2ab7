//! A 4-ary heap: half the levels of a binary one.
//!
//! A pop leaves a hole at the root, which the next push usually fills: one walk instead of two.
//! Four children are compared without branches, since which of them is least cannot be predicted.

use super::{Entry, NONE};

const D: usize = 4;
const LOG_D: u32 = D.ilog2();

pub(super) struct Heap<E> {
    entries: Vec<Entry<E>>,
    hole: bool,
}

impl<E> Default for Heap<E> {
    fn default() -> Self {
        Heap { entries: Vec::new(), hole: false }
    }
}

impl<E: Copy> Heap<E> {
    #[inline]
    pub fn len(&self) -> usize {
        self.entries.len() - usize::from(self.hole)
    }

    /// The key of the earliest entry.
    #[inline]
    pub fn peek(&mut self) -> u128 {
        self.fill();
        self.entries.first().map_or(NONE, |entry| entry.key)
    }

    #[inline]
    pub fn push(&mut self, key: u128, event: E) {
        if self.hole {
            self.hole = false;
            return self.sift_down(key, event);
        }
        let mut place = self.entries.len();
        self.entries.push(Entry { key, event });
        let heap = &mut self.entries[..];
        while place > 0 {
            let parent = (place - 1) >> LOG_D;
            if heap[parent].key <= key {
                break;
            }
            heap[place] = heap[parent];
            place = parent;
        }
        heap[place] = Entry { key, event };
    }

    #[inline]
    pub fn pop(&mut self) -> Option<Entry<E>> {
        self.fill();
        let top = self.entries.first().copied();
        self.hole = top.is_some();
        top
    }

    /// All entries, in no order; the heap is empty afterwards.
    pub fn take(&mut self) -> Vec<Entry<E>> {
        self.fill();
        std::mem::take(&mut self.entries)
    }

    /// Nobody has pushed since the last pop: the last leaf takes the root's place.
    #[inline]
    fn fill(&mut self) {
        if !self.hole {
            return;
        }
        self.hole = false;
        if let Some(last) = self.entries.pop()
            && !self.entries.is_empty()
        {
            self.sift_down(last.key, last.event);
        }
    }

    /// Puts an entry where the root was.
    #[inline]
    fn sift_down(&mut self, key: u128, event: E) {
        let heap = &mut self.entries[..];
        let mut place = 0;
        loop {
            let first = place << LOG_D | 1;
            let least = match heap.get(first..).and_then(|rest| rest.first_chunk::<D>()) {
                Some([a, b, c, d]) => {
                    let left = usize::from(b.key < a.key);
                    let right = usize::from(d.key < c.key);
                    let (l, r) = ([a.key, b.key][left], [c.key, d.key][right]);
                    first + if r < l { 2 + right } else { left }
                }
                None => match (first..heap.len()).min_by_key(|&child| heap[child].key) {
                    Some(least) => least,
                    None => break,
                },
            };
            if heap[least].key >= key {
                break;
            }
            heap[place] = heap[least];
            place = least;
        }
        heap[place] = Entry { key, event };
    }
}
