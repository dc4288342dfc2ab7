//! ARC: one LRU list of entries asked for once, one of entries asked for again, and a memory of
//! what left either; a hit in a memory moves the border between the two lists towards it
//! (Megiddo and Modha, FAST 2003).

use super::Policy;
use super::slots::{GHOST, List, NEW, Slots};

const ONCE: u8 = 0;
const AGAIN: u8 = 1;
const LEFT_ONCE: u8 = GHOST;
const LEFT_AGAIN: u8 = GHOST | 1;

#[derive(Clone)]
pub(super) struct Arc {
    once: List,
    again: List,
    left_once: List,
    left_again: List,
    /// What `once` should weigh: p of the paper.
    border: u64,
}

impl Arc {
    pub(super) fn new() -> Arc {
        let [once, again, left_once, left_again] =
            [ONCE, AGAIN, LEFT_ONCE, LEFT_AGAIN].map(List::new);
        Arc { once, again, left_once, left_again, border: 0 }
    }

    /// Moves the border. The key asked for has been taken out of its memory already, so it counts
    /// once more here.
    fn learn(&mut self, slots: &Slots, ghost: u8, size: u64) {
        let (once, again) = (self.left_once.weight, self.left_again.weight);
        if ghost == LEFT_ONCE {
            let step = (again / (once + size)).max(1) * size;
            self.border = (self.border + step).min(slots.capacity);
        } else if ghost == LEFT_AGAIN {
            let step = (once / (again + size)).max(1) * size;
            self.border = self.border.saturating_sub(step);
        }
    }

    /// Keeps both memories within their bounds before a key comes that neither knows.
    fn forget_ghosts(&mut self, slots: &mut Slots, size: u64) {
        let capacity = slots.capacity;
        while self.once.weight + self.left_once.weight + size > capacity {
            if let Some(place) = self.left_once.pop(slots) {
                slots.release(place);
            } else if let Some(place) = self.once.pop(slots) {
                slots.evict(place);
            } else {
                break;
            }
        }
        let again = self.again.weight + self.left_again.weight;
        let most = (2 * capacity).saturating_sub(self.once.weight + self.left_once.weight + size);
        if again > most {
            self.left_again.trim(slots, most.saturating_sub(self.again.weight));
        }
    }

    fn list(&mut self, tag: u8) -> &mut List {
        match tag {
            ONCE => &mut self.once,
            AGAIN => &mut self.again,
            LEFT_ONCE => &mut self.left_once,
            _ => &mut self.left_again,
        }
    }
}

impl Policy for Arc {
    fn hit(&mut self, slots: &mut Slots, place: u32) {
        let tag = slots.at(place).list;
        self.list(tag).unlink(slots, place);
        self.again.push(slots, place);
    }

    fn insert(&mut self, slots: &mut Slots, place: u32, ghost: u8) {
        let list = if ghost == NEW { &mut self.once } else { &mut self.again };
        list.push(slots, place);
    }

    fn make_room(&mut self, slots: &mut Slots, ghost: u8, size: u32) -> bool {
        if ghost == NEW {
            self.forget_ghosts(slots, u64::from(size));
        } else {
            self.learn(slots, ghost, u64::from(size));
        }
        while slots.lacks(size) {
            if !self.evict(slots, ghost) {
                return false;
            }
        }
        true
    }

    /// REPLACE of the paper.
    fn evict(&mut self, slots: &mut Slots, ghost: u8) -> bool {
        let once = self.once.weight;
        let over = once > self.border || (ghost == LEFT_AGAIN && once == self.border);
        let from_once = self.once.oldest().is_some() && (over || self.again.oldest().is_none());
        let (list, ghosts) = match from_once {
            true => (&mut self.once, &mut self.left_once),
            false => (&mut self.again, &mut self.left_again),
        };
        let Some(place) = list.pop(slots) else { return false };
        slots.bury(place, ghosts);
        true
    }

    fn forget(&mut self, slots: &mut Slots, place: u32) {
        let tag = slots.at(place).list;
        self.list(tag).unlink(slots, place);
    }
}
