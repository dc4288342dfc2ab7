//! W-TinyLFU: a small LRU window (1 %) in front of a segmented LRU; what leaves the window gets
//! into the main part only if it was asked for more often than what would have to go for it
//! (Einziger, Friedman and Manes, 2017).

use super::Policy;
use super::sampled::Dice;
use super::segments::Slru;
use super::sketch::Sketch;
use super::slots::{List, NEW, Slots};

const WINDOW: u8 = 2;
/// A candidate asked for at least so often gets in now and then even if it loses, so that nobody
/// can keep the main part closed by inflating the estimate of its victim (Caffeine).
const WARM: u8 = 6;
/// One in so many of those.
const NOW_AND_THEN: u32 = 128;

#[derive(Clone)]
pub(super) struct TinyLfu {
    window: List,
    main: Slru,
    sketch: Sketch,
    window_most: u64,
    dice: Dice,
}

impl TinyLfu {
    /// `mean`: what an entry weighs.
    pub(super) fn new(capacity: u64, mean: u64, dice: Dice) -> TinyLfu {
        let window_most = (capacity / 100).max(1);
        let main = capacity - window_most;
        let main = Slru::new(main - main.div_ceil(5));
        let sketch = Sketch::new(capacity / mean);
        TinyLfu { window: List::new(WINDOW), main, sketch, window_most, dice }
    }

    fn admits(&mut self, slots: &Slots, candidate: u32, victim: u32) -> bool {
        let [new, old] = [candidate, victim].map(|at| self.sketch.estimate(slots.at(at).key));
        new > old || (new >= WARM && self.dice.below(NOW_AND_THEN) == 0)
    }

    /// What has left the window gets into the main part: without a contest as long as there is
    /// room, else if it was asked for more often than the first that would have to go. A large one
    /// that wins that contest takes as many with it as it needs room (Caffeine).
    fn contend(&mut self, slots: &mut Slots, candidate: u32) {
        if slots.lacks(0)
            && let Some(victim) = self.main.victim()
        {
            if !self.admits(slots, candidate, victim) {
                return slots.evict(candidate);
            }
            self.main.evict(slots, NEW);
        }
        self.main.insert(slots, candidate, NEW);
    }
}

impl Policy for TinyLfu {
    fn hit(&mut self, slots: &mut Slots, place: u32) {
        self.sketch.count(slots.at(place).key);
        match slots.at(place).list {
            WINDOW => self.window.renew(slots, place),
            _ => self.main.hit(slots, place),
        }
    }

    /// The newcomer pushes others out of the window, or itself if it is larger than that; then what
    /// is too much goes.
    fn insert(&mut self, slots: &mut Slots, place: u32, _: u8) {
        self.sketch.count(slots.at(place).key);
        self.window.push(slots, place);
        while self.window.weight > self.window_most
            && let Some(candidate) = self.window.pop(slots)
        {
            self.contend(slots, candidate);
        }
        while slots.lacks(0) && self.evict(slots, NEW) {}
    }

    /// The newcomer comes in first: it may be what goes.
    fn make_room(&mut self, _: &mut Slots, _: u8, _: u32) -> bool {
        true
    }

    fn evict(&mut self, slots: &mut Slots, _: u8) -> bool {
        if self.main.evict(slots, NEW) {
            return true;
        }
        let Some(place) = self.window.pop(slots) else { return false };
        slots.evict(place);
        true
    }

    fn forget(&mut self, slots: &mut Slots, place: u32) {
        match slots.at(place).list {
            WINDOW => self.window.unlink(slots, place),
            _ => self.main.forget(slots, place),
        }
    }
}
