//! Policies of two segments, in which an entry has to prove itself: SLRU, 2Q and S3-FIFO.

use super::Policy;
use super::slots::{GHOST, List, NEW, Slots};

const TRIAL: u8 = 0;
const PROVEN: u8 = 1;
const GONE: u8 = GHOST;

/// Segmented LRU: a hit promotes from probation to the protected 80 %; what overflows there goes
/// back to probation (Karedla, Love and Wherry, 1994).
#[derive(Clone)]
pub(super) struct Slru {
    trial: List,
    proven: List,
    most: u64,
}

impl Slru {
    /// `most`: what the protected segment may weigh.
    pub(super) fn new(most: u64) -> Slru {
        Slru { trial: List::new(TRIAL), proven: List::new(PROVEN), most }
    }

    /// What would go next, probation first.
    pub(super) fn victim(&self) -> Option<u32> {
        self.trial.oldest().or(self.proven.oldest())
    }
}

impl Policy for Slru {
    fn hit(&mut self, slots: &mut Slots, place: u32) {
        if slots.at(place).list == PROVEN {
            return self.proven.renew(slots, place);
        }
        self.trial.unlink(slots, place);
        self.proven.push(slots, place);
        while self.proven.weight > self.most {
            let Some(place) = self.proven.pop(slots) else { return };
            self.trial.push(slots, place);
        }
    }

    fn insert(&mut self, slots: &mut Slots, place: u32, _: u8) {
        self.trial.push(slots, place);
    }

    fn evict(&mut self, slots: &mut Slots, _: u8) -> bool {
        let Some(place) = self.victim() else { return false };
        self.forget(slots, place);
        slots.evict(place);
        true
    }

    fn forget(&mut self, slots: &mut Slots, place: u32) {
        let proven = slots.at(place).list == PROVEN;
        let list = if proven { &mut self.proven } else { &mut self.trial };
        list.unlink(slots, place);
    }
}

/// Full 2Q: a FIFO of newcomers (25 %), an LRU of those asked for again after they had left it,
/// and a memory of the keys that left it (50 %) (Johnson and Shasha, 1994).
#[derive(Clone)]
pub(super) struct TwoQ {
    trial: List,
    proven: List,
    gone: List,
    newcomers: u64,
    remembered: u64,
}

impl TwoQ {
    pub(super) fn new(capacity: u64) -> TwoQ {
        let (trial, proven) = (List::new(TRIAL), List::new(PROVEN));
        let (newcomers, remembered) = ((capacity / 4).max(1), (capacity / 2).max(1));
        TwoQ { trial, proven, gone: List::new(GONE), newcomers, remembered }
    }
}

impl Policy for TwoQ {
    fn hit(&mut self, slots: &mut Slots, place: u32) {
        if slots.at(place).list == PROVEN {
            self.proven.renew(slots, place);
        }
    }

    fn insert(&mut self, slots: &mut Slots, place: u32, ghost: u8) {
        let list = if ghost == NEW { &mut self.trial } else { &mut self.proven };
        list.push(slots, place);
    }

    fn evict(&mut self, slots: &mut Slots, _: u8) -> bool {
        if self.trial.weight > self.newcomers || self.proven.oldest().is_none() {
            let Some(place) = self.trial.pop(slots) else { return false };
            slots.bury(place, &mut self.gone);
            self.gone.trim(slots, self.remembered);
        } else if let Some(place) = self.proven.pop(slots) {
            slots.evict(place);
        }
        true
    }

    fn forget(&mut self, slots: &mut Slots, place: u32) {
        let list = match slots.at(place).list {
            PROVEN => &mut self.proven,
            GONE => &mut self.gone,
            _ => &mut self.trial,
        };
        list.unlink(slots, place);
    }
}

/// S3-FIFO: a small FIFO (10 %) that most entries never get out of, a main one (90 %) whose
/// entries stay while they are asked for, and a memory of as many keys as the main one holds
/// (Yang and others, SOSP 2023).
#[derive(Clone)]
pub(super) struct S3Fifo {
    pub(super) small: List,
    pub(super) main: List,
    pub(super) gone: List,
    most: u64,
}

/// So many hits in the small queue earn a place in the main one.
const EARNED: u8 = 2;
/// Hits are counted up to here.
const COUNTED: u8 = 3;

impl S3Fifo {
    pub(super) fn new(capacity: u64) -> S3Fifo {
        let most = capacity - (capacity / 10).max(1).min(capacity);
        let (small, main) = (List::new(TRIAL), List::new(PROVEN));
        S3Fifo { small, main, gone: List::new(GONE), most }
    }

    /// The oldest of the main queue that has no hits left; each look costs one.
    fn evict_main(&mut self, slots: &mut Slots) {
        while let Some(place) = self.main.oldest() {
            if slots.at(place).freq == 0 {
                self.main.unlink(slots, place);
                return slots.evict(place);
            }
            slots.at_mut(place).freq -= 1;
            self.main.renew(slots, place);
        }
    }

    /// The oldest of the small queue that has not earned its place in the main one.
    fn evict_small(&mut self, slots: &mut Slots) {
        while let Some(place) = self.small.pop(slots) {
            if slots.at(place).freq < EARNED {
                slots.bury(place, &mut self.gone);
                return self.gone.trim(slots, self.most);
            }
            slots.at_mut(place).freq = 0;
            self.main.push(slots, place);
        }
    }
}

impl Policy for S3Fifo {
    #[inline]
    fn hit(&mut self, slots: &mut Slots, place: u32) {
        let slot = slots.at_mut(place);
        slot.freq = (slot.freq + 1).min(COUNTED);
    }

    fn insert(&mut self, slots: &mut Slots, place: u32, ghost: u8) {
        slots.at_mut(place).freq = 0;
        let list = if ghost == NEW { &mut self.small } else { &mut self.main };
        list.push(slots, place);
    }

    fn evict(&mut self, slots: &mut Slots, _: u8) -> bool {
        if self.main.weight > self.most || self.small.oldest().is_none() {
            self.evict_main(slots);
        } else {
            self.evict_small(slots);
        }
        true
    }

    fn forget(&mut self, slots: &mut Slots, place: u32) {
        let list = match slots.at(place).list {
            PROVEN => &mut self.main,
            GONE => &mut self.gone,
            _ => &mut self.small,
        };
        list.unlink(slots, place);
    }
}
