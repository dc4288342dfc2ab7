//! A radix-64 wheel: eleven levels of 64 slots, for when a great many events are pending.
//!
//! An event lies at the level of the highest six bits in which its time differs from the wheel's
//! base, so that putting one in takes a few instructions however many there are. The earliest
//! slot moves into the heap when the heap runs empty; a large one is first spread one level down.
//! Slots are chains of blocks in one arena: no allocation once the arena has grown.

use super::Entry;

const LEVELS: usize = 11;
const BITS: u32 = 6;
const BLOCK: usize = 31;
/// A slot of at most this many goes to the heap whole.
const SMALL: u32 = 512;
const NIL: u32 = u32::MAX;

struct Block<E> {
    entries: Vec<Entry<E>>,
    next: u32,
}

#[derive(Clone, Copy)]
struct Slot {
    head: u32,
    tail: u32,
    count: u32,
}

const EMPTY: Slot = Slot { head: NIL, tail: NIL, count: 0 };

pub(super) struct Wheel<E> {
    slots: Vec<Slot>,
    /// Which slots of each level, and which levels, hold anything.
    occupied: [u64; LEVELS],
    levels: u32,
    /// Nothing in the wheel is earlier.
    base: u64,
    blocks: Vec<Block<E>>,
    free: u32,
    len: usize,
}

impl<E> Default for Wheel<E> {
    fn default() -> Self {
        Wheel {
            slots: vec![EMPTY; LEVELS * 64],
            occupied: [0; LEVELS],
            levels: 0,
            base: 0,
            blocks: Vec::new(),
            free: NIL,
            len: 0,
        }
    }
}

impl<E: Copy> Wheel<E> {
    pub fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Nothing before `now` will be put in: an empty wheel may begin there. Returns where it does.
    pub fn begin(&mut self, now: u64) -> u64 {
        if self.len == 0 {
            self.base = now;
        }
        self.base
    }

    #[inline]
    pub fn push(&mut self, entry: Entry<E>) {
        self.len += 1;
        self.place(entry);
    }

    #[inline]
    fn place(&mut self, entry: Entry<E>) {
        let differs = entry.time() ^ self.base;
        let level = (63 - (differs | 1).leading_zeros()) / BITS;
        let slot = (entry.time() >> (BITS * level)) & 63;
        self.occupied[level as usize] |= 1 << slot;
        self.levels |= 1 << level;
        let index = level as usize * 64 + slot as usize;
        let slot = &mut self.slots[index];
        slot.count += 1;
        if slot.tail != NIL {
            let block = &mut self.blocks[slot.tail as usize];
            if block.entries.len() < BLOCK {
                return block.entries.push(entry);
            }
        }
        self.add_block(index, entry);
    }

    fn add_block(&mut self, index: usize, entry: Entry<E>) {
        let id = match self.free {
            NIL => {
                self.blocks.push(Block { entries: Vec::with_capacity(BLOCK), next: NIL });
                self.blocks.len() as u32 - 1
            }
            id => id,
        };
        let block = &mut self.blocks[id as usize];
        if id == self.free {
            self.free = block.next;
        }
        block.entries.clear();
        block.entries.push(entry);
        block.next = NIL;
        match self.slots[index].tail {
            NIL => self.slots[index].head = id,
            tail => self.blocks[tail as usize].next = id,
        }
        self.slots[index].tail = id;
    }

    /// Hands all entries of the earliest slot to `give`, spreading large slots first. Returns the
    /// time before which nothing is left in the wheel. Must not be called when it is empty.
    pub fn move_earliest(&mut self, mut give: impl FnMut(Entry<E>)) -> u64 {
        loop {
            let level = self.levels.trailing_zeros();
            let slot = self.occupied[level as usize].trailing_zeros();
            self.occupied[level as usize] &= self.occupied[level as usize] - 1;
            if self.occupied[level as usize] == 0 {
                self.levels &= !(1 << level);
            }
            let shift = BITS * level;
            self.base = round_down(self.base, shift + BITS) | u64::from(slot) << shift;
            let index = level as usize * 64 + slot as usize;
            let Slot { head, count, .. } = std::mem::replace(&mut self.slots[index], EMPTY);
            if count <= SMALL || level == 0 {
                self.len -= count as usize;
                self.drain(head, |_, entry| give(entry));
                return self.base.saturating_add(1 << shift);
            }
            self.drain(head, Wheel::place);
        }
    }

    /// Empties a chain of blocks and returns them to the arena.
    fn drain(&mut self, mut id: u32, mut give: impl FnMut(&mut Self, Entry<E>)) {
        while id != NIL {
            let mut entries = std::mem::take(&mut self.blocks[id as usize].entries);
            entries.drain(..).for_each(|entry| give(self, entry));
            let block = &mut self.blocks[id as usize];
            block.entries = entries;
            let next = std::mem::replace(&mut block.next, self.free);
            self.free = id;
            id = next;
        }
    }
}

/// `value` without its lowest `bits` bits.
fn round_down(value: u64, bits: u32) -> u64 {
    if bits >= 64 { 0 } else { value >> bits << bits }
}
