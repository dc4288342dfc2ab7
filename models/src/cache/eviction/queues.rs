//! Policies of one queue: LRU, FIFO, CLOCK and SIEVE. They differ in what a hit does to an entry
//! and in how the queue is searched for one that goes.

use super::Policy;
use super::slots::{List, Slots};
use crate::cache::index::EMPTY;

/// What a policy of one queue does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// A hit makes an entry the newest; the oldest goes.
    Lru,
    /// A hit does nothing; the oldest goes.
    Fifo,
    /// A hit marks an entry; the oldest goes unless it is marked, which makes it the newest.
    Clock,
    /// A hit marks an entry; a hand goes from old to new, wipes marks and takes the first
    /// without. Entries never move (Zhang and others, NSDI 2024).
    Sieve,
}

#[derive(Clone)]
pub(super) struct Queue {
    order: Order,
    list: List,
    /// Where SIEVE goes on looking; `EMPTY`: at the oldest.
    hand: u32,
}

impl Queue {
    pub(super) fn new(order: Order) -> Queue {
        Queue { order, list: List::new(0), hand: EMPTY }
    }

    /// The first from the hand on that is not marked.
    fn sieve(&mut self, slots: &mut Slots) -> Option<u32> {
        let oldest = self.list.oldest()?;
        let mut place = if self.hand == EMPTY { oldest } else { self.hand };
        while slots.at(place).freq > 0 {
            slots.at_mut(place).freq = 0;
            let newer = slots.at(place).newer;
            place = if newer == EMPTY { oldest } else { newer };
        }
        self.hand = place;
        Some(place)
    }

    fn second_chance(&mut self, slots: &mut Slots) -> Option<u32> {
        loop {
            let place = self.list.oldest()?;
            if slots.at(place).freq == 0 {
                return Some(place);
            }
            slots.at_mut(place).freq = 0;
            self.list.renew(slots, place);
        }
    }
}

impl Policy for Queue {
    #[inline]
    fn hit(&mut self, slots: &mut Slots, place: u32) {
        match self.order {
            Order::Lru => self.list.renew(slots, place),
            Order::Fifo => {}
            Order::Clock | Order::Sieve => slots.at_mut(place).freq = 1,
        }
    }

    fn insert(&mut self, slots: &mut Slots, place: u32, _: u8) {
        self.list.push(slots, place);
    }

    fn evict(&mut self, slots: &mut Slots, _: u8) -> bool {
        let victim = match self.order {
            Order::Lru | Order::Fifo => self.list.oldest(),
            Order::Clock => self.second_chance(slots),
            Order::Sieve => self.sieve(slots),
        };
        let Some(place) = victim else { return false };
        self.forget(slots, place);
        slots.evict(place);
        true
    }

    fn forget(&mut self, slots: &mut Slots, place: u32) {
        if self.hand == place {
            self.hand = slots.at(place).newer;
        }
        self.list.unlink(slots, place);
    }
}
