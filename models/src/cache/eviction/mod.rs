//! Which entry goes when a cache is full: all policies over the same slots, with capacity in
//! entries or bytes. Pure data structures: time comes in by argument, and chance by a seed.
//!
//! Every access takes constant time on average, and a full cache allocates nothing any more.

mod arc;
mod lfu;
mod queues;
mod sampled;
mod segments;
mod sketch;
mod slots;
#[cfg(test)]
mod tests;
mod tinylfu;

use engine::Time;
use serde::Deserialize;

use arc::Arc;
use lfu::Lfu;
use queues::{Order, Queue};
use sampled::{Dice, Sampled, Worst};
use segments::{S3Fifo, Slru, TwoQ};
use slots::{NEW, Slots};
use tinylfu::TinyLfu;

/// Which entry goes when there is no room for another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Evict {
    /// The one that was unused for longest.
    #[default]
    Lru,
    /// The one that came first.
    Fifo,
    /// Any.
    Random,
    /// The one that came first and was not used since the hand last passed.
    Clock,
    /// The one used least often; of equals, the oldest.
    Lfu,
    /// The one unused for longest of those used only once; 80 % are for those used again.
    Slru,
    /// 2Q: newcomers queue in a quarter of the room, and stay if asked for after they had left.
    TwoQ,
    /// ARC: as 2Q, with a border that learns.
    Arc,
    /// SIEVE: a hand passes over entries that do not move, and takes the first unused one.
    Sieve,
    /// S3-FIFO: newcomers queue in a tenth of the room, and stay if asked for twice.
    S3Fifo,
    /// W-TinyLFU: newcomers stay if asked for more often than what would go for them.
    TinyLfu,
    /// Redis `allkeys-lru`: of five samples and a pool of sixteen, the idlest.
    RedisLru,
    /// Redis `allkeys-lfu`: of samples, the one with the lowest logarithmic counter.
    RedisLfu,
    /// Redis `volatile-ttl`: of samples, the one that runs out first. Entries without a time
    /// to live go last; Redis never takes them, and refuses writes instead.
    RedisTtl,
    /// Redis `noeviction`: nothing goes; what does not fit is refused.
    Never,
}

/// All of them.
pub const EVICTIONS: [Evict; 15] = [
    Evict::Lru,
    Evict::Fifo,
    Evict::Random,
    Evict::Clock,
    Evict::Lfu,
    Evict::Slru,
    Evict::TwoQ,
    Evict::Arc,
    Evict::Sieve,
    Evict::S3Fifo,
    Evict::TinyLfu,
    Evict::RedisLru,
    Evict::RedisLfu,
    Evict::RedisTtl,
    Evict::Never,
];

/// What a policy decides. Slots it is given are in no list; `ghost` is the tag of the list of
/// remembered keys that the newcomer was in, or `NEW`.
trait Policy {
    /// An entry was asked for.
    fn hit(&mut self, slots: &mut Slots, place: u32);
    /// An entry comes in; there is room.
    fn insert(&mut self, slots: &mut Slots, place: u32, ghost: u8);
    /// One entry goes. False if there is none that may.
    fn evict(&mut self, slots: &mut Slots, ghost: u8) -> bool;
    /// An entry or a remembered key is taken out.
    fn forget(&mut self, slots: &mut Slots, place: u32);
    /// An entry runs out at another time than it did: at `slots.until`.
    fn due(&mut self, _: &mut Slots, _: u32) {}
    /// Makes room for a newcomer. False if that cannot be.
    fn make_room(&mut self, slots: &mut Slots, ghost: u8, size: u32) -> bool {
        while slots.lacks(size) {
            if !self.evict(slots, ghost) {
                return false;
            }
        }
        true
    }
}

#[derive(Clone)]
enum Chosen {
    Queue(Queue),
    Lfu(Lfu),
    Slru(Slru),
    TwoQ(TwoQ),
    Arc(Arc),
    S3Fifo(S3Fifo),
    TinyLfu(TinyLfu),
    Sampled(Sampled),
}

macro_rules! chosen {
    ($of:expr, $policy:ident => $do:expr) => {
        match $of {
            Chosen::Queue($policy) => $do,
            Chosen::Lfu($policy) => $do,
            Chosen::Slru($policy) => $do,
            Chosen::TwoQ($policy) => $do,
            Chosen::Arc($policy) => $do,
            Chosen::S3Fifo($policy) => $do,
            Chosen::TinyLfu($policy) => $do,
            Chosen::Sampled($policy) => $do,
        }
    };
}

impl Chosen {
    /// `mean`: what an entry weighs.
    fn new(evict: Evict, capacity: u64, mean: u64, seed: u64) -> Chosen {
        let dice = Dice(seed);
        match evict {
            Evict::Lru => Chosen::Queue(Queue::new(Order::Lru)),
            Evict::Fifo | Evict::Never => Chosen::Queue(Queue::new(Order::Fifo)),
            Evict::Clock => Chosen::Queue(Queue::new(Order::Clock)),
            Evict::Sieve => Chosen::Queue(Queue::new(Order::Sieve)),
            Evict::Lfu => Chosen::Lfu(Lfu::default()),
            Evict::Slru => Chosen::Slru(Slru::new(capacity - capacity.div_ceil(5))),
            Evict::TwoQ => Chosen::TwoQ(TwoQ::new(capacity)),
            Evict::Arc => Chosen::Arc(Arc::new()),
            Evict::S3Fifo => Chosen::S3Fifo(S3Fifo::new(capacity)),
            Evict::TinyLfu => Chosen::TinyLfu(TinyLfu::new(capacity, mean, dice)),
            Evict::Random => Chosen::Sampled(Sampled::new(Worst::Any, dice)),
            Evict::RedisLru => Chosen::Sampled(Sampled::new(Worst::Idle, dice)),
            Evict::RedisLfu => Chosen::Sampled(Sampled::new(Worst::Rare, dice)),
            Evict::RedisTtl => Chosen::Sampled(Sampled::new(Worst::Due, dice)),
        }
    }
}

/// A cache of values by key.
#[derive(Clone)]
pub struct Cache<V> {
    slots: Slots,
    /// The value of each place.
    values: Vec<V>,
    chosen: Chosen,
    evict: Evict,
    /// What an entry is expected to weigh.
    mean: u64,
}

impl<V: Copy> Cache<V> {
    /// Empty; `capacity` is in entries, of size 1 each. `seed` decides the policies that draw.
    /// Panics if it may hold nothing.
    pub fn new(evict: Evict, capacity: u64, seed: u64) -> Cache<V> {
        Cache::sized(evict, capacity, 1, seed)
    }

    /// Empty; `capacity` is in the unit that sizes will be in, of which an entry has about `mean`:
    /// that decides how many keys a policy counts the uses of. Panics if it may hold nothing.
    pub fn sized(evict: Evict, capacity: u64, mean: u64, seed: u64) -> Cache<V> {
        assert!(capacity > 0, "a cache that may hold nothing");
        let mean = mean.max(1);
        let chosen = Chosen::new(evict, capacity, mean, seed);
        let slots = Slots::new(capacity);
        Cache { slots, values: Vec::new(), chosen, evict, mean }
    }

    /// The value of `key`, which counts as a use.
    #[inline]
    pub fn get(&mut self, key: u64, now: Time) -> Option<&mut V> {
        let place = self.slots.resident(key)?;
        self.slots.now = now;
        chosen!(&mut self.chosen, policy => policy.hit(&mut self.slots, place));
        self.values.get_mut(place as usize)
    }

    /// The value of `key`, unused.
    pub fn peek(&self, key: u64) -> Option<&V> {
        self.slots.resident(key).and_then(|place| self.values.get(place as usize))
    }

    /// The value of `key` to be changed, unused.
    pub fn peek_mut(&mut self, key: u64) -> Option<&mut V> {
        let place = self.slots.resident(key)?;
        self.values.get_mut(place as usize)
    }

    /// The value of `key`, unused, which runs out at another time from now on.
    pub fn prolong(&mut self, key: u64, until: Time) -> Option<&mut V> {
        let place = self.slots.resident(key)?;
        self.slots.until = until;
        chosen!(&mut self.chosen, policy => policy.due(&mut self.slots, place));
        self.values.get_mut(place as usize)
    }

    /// Puts a value in, until some time that only `RedisTtl` looks at. False if it is refused:
    /// it is larger than the cache, or nothing may go for it.
    pub fn put(&mut self, key: u64, value: V, size: u32, now: Time, until: Time) -> bool {
        (self.slots.now, self.slots.until) = (now, until);
        let mut known = self.slots.find(key);
        if let Some(place) = known.filter(|&place| self.slots.is_kept(place)) {
            if self.slots.at(place).size == size {
                let slots = &mut self.slots;
                chosen!(&mut self.chosen, policy => policy.hit(slots, place));
                chosen!(&mut self.chosen, policy => policy.due(slots, place));
                self.values[place as usize] = value;
                return true;
            }
            self.remove(key);
            known = None;
        }
        let too_much = self.evict == Evict::Never && self.slots.lacks(size);
        if u64::from(size) > self.slots.capacity || too_much {
            return false;
        }
        self.insert(key, known, value, size)
    }

    /// Puts a key in that is not kept; `known`: where it is remembered.
    fn insert(&mut self, key: u64, known: Option<u32>, value: V, size: u32) -> bool {
        let (slots, chosen) = (&mut self.slots, &mut self.chosen);
        let mut ghost = NEW;
        if let Some(place) = known {
            ghost = slots.at(place).list;
            chosen!(chosen, policy => policy.forget(slots, place));
        }
        let room = chosen!(chosen, policy => policy.make_room(slots, ghost, size));
        debug_assert!(room, "it fits an empty cache");
        let place = known.unwrap_or_else(|| slots.make(key));
        slots.at_mut(place).size = size;
        slots.used += u64::from(size);
        slots.kept += 1;
        match self.values.get_mut(place as usize) {
            Some(old) => *old = value,
            // A place beyond the last is the next one: places are handed out in order.
            None => self.values.push(value),
        }
        chosen!(chosen, policy => policy.insert(slots, place, ghost));
        room
    }

    /// Takes an entry out; its value. A remembered key is forgotten too.
    pub fn remove(&mut self, key: u64) -> Option<V> {
        let place = self.slots.find(key)?;
        let kept = self.slots.is_kept(place);
        chosen!(&mut self.chosen, policy => policy.forget(&mut self.slots, place));
        if kept {
            self.slots.lighten(place);
        }
        self.slots.release(place);
        kept.then(|| self.values[place as usize])
    }

    /// Forgets everything, what the policy has learnt included; `seed` is for what it draws from
    /// here on.
    pub fn clear(&mut self, seed: u64) {
        self.slots.clear();
        self.values.clear();
        self.chosen = Chosen::new(self.evict, self.slots.capacity, self.mean, seed);
    }

    /// The keys of all entries, in no order that means anything.
    pub fn keys(&self) -> impl Iterator<Item = u64> + '_ {
        self.slots.kept_keys()
    }

    /// Another cache with the same entries, as far as they fit; `about` tells their sizes, now and
    /// until when they live.
    pub fn rebuilt(
        &self,
        evict: Evict,
        capacity: u64,
        seed: u64,
        about: impl Fn(u64, V) -> (u32, Time, Time),
    ) -> Cache<V> {
        let mut other = Cache::sized(evict, capacity, self.mean, seed);
        for key in self.keys() {
            let value = *self.peek(key).expect("it is kept");
            let (size, now, until) = about(key, value);
            other.put(key, value, size, now, until);
        }
        other
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.slots.kept as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slots.kept == 0
    }

    /// What all entries weigh together.
    pub fn weight(&self) -> u64 {
        self.slots.used
    }

    /// How many entries had to go for others, ever.
    pub fn evicted(&self) -> u64 {
        self.slots.evicted
    }
}
