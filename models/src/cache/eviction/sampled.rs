//! Policies that look at a few entries at random: random itself, and Redis's `allkeys-lru`,
//! `allkeys-lfu` and `volatile-ttl`, with five samples and a pool of sixteen.

use super::Policy;
use super::slots::{NEW, Slots};
use crate::cache::index::hash;

/// A splitmix64 generator: a policy's own, since an eviction must not depend on anything but the
/// accesses before it.
#[derive(Clone, Debug)]
pub(super) struct Dice(pub u64);

impl Dice {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        hash(self.0)
    }

    /// Below `n`, by multiplication; the bias is below 2⁻³² for the sizes met here.
    pub(super) fn below(&mut self, n: u32) -> u32 {
        (((self.word() >> 32) * u64::from(n)) >> 32) as u32
    }

    fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Which of the sampled entries goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worst {
    /// Any.
    Any,
    /// The one idle for longest, to the second.
    Idle,
    /// The one asked for least often, by a logarithmic counter that loses one a minute.
    Rare,
    /// The one that runs out first.
    Due,
}

const SAMPLES: u32 = 5;
const POOL: usize = 16;
/// A new entry's counter, so that it is not the first to go.
const FIRST: u8 = 5;
/// How much harder each step of the counter is than the one before (`lfu-log-factor`).
const FACTOR: f64 = 10.0;

#[derive(Clone)]
pub(super) struct Sampled {
    worst: Worst,
    dice: Dice,
    /// All places; a slot's `newer` is its position here.
    places: Vec<u32>,
    /// Candidates of earlier samples, the worst last.
    pool: Vec<(u32, u64)>,
}

/// The probability that a hit increments a counter.
fn step(counter: u8) -> f64 {
    1.0 / (f64::from(counter.saturating_sub(FIRST)) * FACTOR + 1.0)
}

/// When what is put runs out, to the millisecond.
fn due(slots: &Slots) -> u32 {
    (slots.until.0 / 1_000_000).min(u64::from(u32::MAX)) as u32
}

impl Sampled {
    pub(super) fn new(worst: Worst, dice: Dice) -> Sampled {
        Sampled { worst, dice, places: Vec::new(), pool: Vec::with_capacity(POOL + 1) }
    }

    fn clock(&self, slots: &Slots) -> u32 {
        let per = if self.worst == Worst::Rare { 60_000_000_000 } else { 1_000_000_000 };
        (slots.now.0 / per) as u32
    }

    /// The counter of a slot as it is by now.
    fn counter(&self, slots: &Slots, place: u32) -> u8 {
        let idle = self.clock(slots).saturating_sub(slots.at(place).mark);
        slots.at(place).freq.saturating_sub(idle.min(255) as u8)
    }

    /// The higher, the sooner it should go.
    fn score(&self, slots: &Slots, place: u32) -> u32 {
        match self.worst {
            Worst::Any => 0,
            Worst::Idle => self.clock(slots).saturating_sub(slots.at(place).mark),
            Worst::Rare => 255 - u32::from(self.counter(slots, place)),
            Worst::Due => u32::MAX - slots.at(place).mark,
        }
    }

    fn any(&mut self) -> u32 {
        self.places[self.dice.below(self.places.len() as u32) as usize]
    }

    /// Samples into the pool, and takes the worst that is still there out of it.
    fn pick(&mut self, slots: &Slots) -> u32 {
        if self.worst == Worst::Any {
            return self.any();
        }
        loop {
            for _ in 0..SAMPLES {
                let place = self.any();
                self.offer(self.score(slots, place), slots.at(place).key);
            }
            while let Some((_, key)) = self.pool.pop() {
                if let Some(place) = slots.resident(key) {
                    return place;
                }
            }
        }
    }

    /// Into the pool, unless it is full of worse ones.
    fn offer(&mut self, score: u32, key: u64) {
        if self.pool.iter().any(|&(_, other)| other == key) {
            return;
        }
        let at = self.pool.partition_point(|&(other, _)| other <= score);
        if self.pool.len() < POOL {
            self.pool.insert(at, (score, key));
        } else if at > 0 {
            self.pool.insert(at, (score, key));
            self.pool.remove(0);
        }
    }
}

impl Policy for Sampled {
    fn hit(&mut self, slots: &mut Slots, place: u32) {
        let clock = self.clock(slots);
        match self.worst {
            Worst::Any | Worst::Due => return,
            Worst::Idle => {}
            Worst::Rare => {
                let counter = self.counter(slots, place);
                let more = counter < u8::MAX && self.dice.unit() < step(counter);
                slots.at_mut(place).freq = counter + u8::from(more);
            }
        }
        slots.at_mut(place).mark = clock;
    }

    fn insert(&mut self, slots: &mut Slots, place: u32, _: u8) {
        let position = self.places.len() as u32;
        self.places.push(place);
        let mark = if self.worst == Worst::Due { due(slots) } else { self.clock(slots) };
        let slot = slots.at_mut(place);
        (slot.newer, slot.mark, slot.freq, slot.list) = (position, mark, FIRST, 0);
    }

    fn evict(&mut self, slots: &mut Slots, _: u8) -> bool {
        if self.places.is_empty() {
            return false;
        }
        let place = self.pick(slots);
        self.forget(slots, place);
        slots.evict(place);
        true
    }

    fn forget(&mut self, slots: &mut Slots, place: u32) {
        let position = slots.at(place).newer;
        self.places.swap_remove(position as usize);
        if let Some(&moved) = self.places.get(position as usize) {
            slots.at_mut(moved).newer = position;
        }
        slots.at_mut(place).list = NEW;
    }

    fn due(&mut self, slots: &mut Slots, place: u32) {
        if self.worst == Worst::Due {
            slots.at_mut(place).mark = due(slots);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Example 8 of the reference sheet: 1, 0.0909, 0.0196, 0.00662 at 5, 6, 10 and 20.
    #[test]
    fn the_counter_of_redis_steps_as_it_says() {
        let expected = [(5, 1.0), (6, 0.0909), (10, 0.0196), (20, 0.00662)];
        for (counter, probability) in expected {
            assert!((step(counter) - probability).abs() < 5e-5, "{counter}");
        }
    }
}
