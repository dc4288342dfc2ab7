//! Where the entries of all policies live: slots linked into lists by place, and found by key.
//!
//! A policy owns lists and moves slots between them; it never touches the index. Keys that are
//! only remembered (ghosts) are slots too, so that one look-up answers both questions.

use engine::Time;

use super::super::index::{EMPTY, Index};

/// Lists with this bit in their tag hold keys that are remembered without being kept.
pub(super) const GHOST: u8 = 0x80;
/// The tag of a slot that is in no list.
pub(super) const NEW: u8 = 0x40;

/// One key, kept or remembered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub key: u64,
    pub size: u32,
    /// Its neighbours in its list; policies without lists keep its position here.
    pub newer: u32,
    pub older: u32,
    /// A number of the policy: a bucket, or the time of the last use.
    pub mark: u32,
    /// The tag of the list it is in.
    pub list: u8,
    /// How often it was used, as far as the policy counts.
    pub freq: u8,
}

/// All slots of one cache, and what they weigh.
#[derive(Clone, Default)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    index: Index,
    /// Places that hold nothing, linked by `older`.
    free: Option<u32>,
    /// The weight of what is kept.
    pub used: u64,
    /// The most that may be kept.
    pub capacity: u64,
    /// Entries that had to go, ever.
    pub evicted: u64,
    /// Entries that are kept.
    pub kept: u64,
    /// Now, and when the entry being put runs out, for the policies that look at the clock.
    pub now: Time,
    pub until: Time,
}

impl Slots {
    pub(super) fn new(capacity: u64) -> Slots {
        Slots { capacity, ..Slots::default() }
    }

    #[inline]
    pub(super) fn at(&self, place: u32) -> &Slot {
        &self.slots[place as usize]
    }

    #[inline]
    pub(super) fn at_mut(&mut self, place: u32) -> &mut Slot {
        &mut self.slots[place as usize]
    }

    /// Where `key` is kept or remembered.
    #[inline]
    pub(super) fn find(&self, key: u64) -> Option<u32> {
        self.index.get(key)
    }

    /// Where `key` is kept.
    #[inline]
    pub(super) fn resident(&self, key: u64) -> Option<u32> {
        self.find(key).filter(|&place| self.is_kept(place))
    }

    /// Whether a key that is kept or remembered is kept.
    #[inline]
    pub(super) fn is_kept(&self, place: u32) -> bool {
        self.at(place).list & GHOST == 0
    }

    /// A slot for a key that had none.
    pub(super) fn make(&mut self, key: u64) -> u32 {
        let (newer, older) = (EMPTY, EMPTY);
        let slot = Slot { key, size: 0, newer, older, mark: 0, list: NEW, freq: 0 };
        let place = match self.free {
            Some(place) => {
                let next = self.at(place).older;
                self.free = (next != EMPTY).then_some(next);
                *self.at_mut(place) = slot;
                place
            }
            None => {
                self.slots.push(slot);
                self.slots.len() as u32 - 1
            }
        };
        self.index.insert(key, place);
        place
    }

    /// Forgets a slot that is in no list and weighs nothing any more.
    pub(super) fn release(&mut self, place: u32) {
        let key = self.at(place).key;
        self.index.remove(key);
        self.at_mut(place).older = self.free.unwrap_or(EMPTY);
        self.free = Some(place);
    }

    /// What is kept there weighs no longer; the slot stays.
    pub(super) fn lighten(&mut self, place: u32) {
        self.used -= u64::from(self.at(place).size);
        self.kept -= 1;
    }

    /// An entry in no list has to go, and is forgotten.
    pub(super) fn evict(&mut self, place: u32) {
        self.lighten(place);
        self.evicted += 1;
        self.release(place);
    }

    /// An entry in no list has to go; its key is remembered in `ghosts`.
    pub(super) fn bury(&mut self, place: u32, ghosts: &mut List) {
        self.lighten(place);
        self.evicted += 1;
        ghosts.push(self, place);
    }

    /// Whether so much more would not fit.
    pub(super) fn lacks(&self, size: u32) -> bool {
        self.used + u64::from(size) > self.capacity
    }

    /// Forgets everything, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.index.clear();
        (self.free, self.used, self.kept) = (None, 0, 0);
    }

    /// The keys that are kept, by place.
    pub(super) fn kept_keys(&self) -> impl Iterator<Item = u64> + '_ {
        let kept = |slot: &&Slot| slot.list & (GHOST | NEW) == 0;
        self.slots.iter().filter(kept).map(|slot| slot.key)
    }

    /// How many slots were ever needed at once.
    #[cfg(test)]
    pub(super) fn places(&self) -> usize {
        self.slots.len()
    }
}

/// Slots in order, and what they weigh together.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    newest: u32,
    oldest: u32,
    pub weight: u64,
    tag: u8,
}

impl List {
    /// An empty list whose slots bear this tag.
    pub(super) fn new(tag: u8) -> List {
        List { newest: EMPTY, oldest: EMPTY, weight: 0, tag }
    }

    /// The slot that came first.
    pub(super) fn oldest(&self) -> Option<u32> {
        (self.oldest != EMPTY).then_some(self.oldest)
    }

    /// Puts a slot that is in no list in, as the newest.
    #[inline]
    pub(super) fn push(&mut self, slots: &mut Slots, place: u32) {
        let before = std::mem::replace(&mut self.newest, place);
        let slot = slots.at_mut(place);
        (slot.newer, slot.older, slot.list) = (EMPTY, before, self.tag);
        self.weight += u64::from(slot.size);
        match before {
            EMPTY => self.oldest = place,
            before => slots.at_mut(before).newer = place,
        }
    }

    /// Takes a slot of this list out.
    #[inline]
    pub(super) fn unlink(&mut self, slots: &mut Slots, place: u32) {
        let Slot { newer, older, size, list, .. } = *slots.at(place);
        debug_assert!(list == self.tag, "a slot of another list");
        self.weight -= u64::from(size);
        match newer {
            EMPTY => self.newest = older,
            newer => slots.at_mut(newer).older = older,
        }
        match older {
            EMPTY => self.oldest = newer,
            older => slots.at_mut(older).newer = newer,
        }
        slots.at_mut(place).list = NEW;
    }

    /// Takes the oldest out.
    pub(super) fn pop(&mut self, slots: &mut Slots) -> Option<u32> {
        let place = self.oldest()?;
        self.unlink(slots, place);
        Some(place)
    }

    /// Makes a slot of this list its newest.
    #[inline]
    pub(super) fn renew(&mut self, slots: &mut Slots, place: u32) {
        if self.newest != place {
            self.unlink(slots, place);
            self.push(slots, place);
        }
    }

    /// Forgets the oldest keys of a list of ghosts until so much is left.
    pub(super) fn trim(&mut self, slots: &mut Slots, most: u64) {
        while self.weight > most {
            let Some(place) = self.pop(slots) else { return };
            slots.release(place);
        }
    }

    /// The keys, newest first.
    #[cfg(test)]
    pub(super) fn keys(&self, slots: &Slots) -> Vec<u64> {
        let first = (self.newest != EMPTY).then_some(self.newest);
        let next = |&place: &u32| Some(slots.at(place).older).filter(|&older| older != EMPTY);
        std::iter::successors(first, next).map(|place| slots.at(place).key).collect()
    }
}
