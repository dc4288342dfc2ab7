//! What a process holds in memory, and what comes of it: collections, and its end.
//!
//! Nothing is told when a request ends: what is alive follows from how many are in hand, and what
//! fills the heap from how many came and began.

use engine::{Span, Time};

use super::memory::{BackOffSpec, CollectionSpec, HeapSpec, MemorySpec};

/// What holding more has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strain {
    /// There was room.
    None,
    /// The young space was collected; the process stands still for so long.
    Young(Span),
    /// The whole heap was.
    Full(Span),
    /// It holds more than it may.
    OverLimit,
    /// What is alive leaves no room in the heap.
    Exhausted,
}

/// What one process holds.
#[derive(Clone, Debug)]
pub struct Held {
    limit: u64,
    base: u64,
    request: u64,
    heap: Option<Heap>,
}

#[derive(Clone, Debug)]
struct Heap {
    size: u64,
    /// 0: everything is in one space.
    young: u64,
    survivors: u64,
    /// What a request allocates in all.
    allocates: u64,
    young_takes: CollectionSpec,
    full_takes: CollectionSpec,
    /// What fills the two spaces, alive or not.
    old: u64,
    new: u64,
    /// How many came since the last time that survivors moved on.
    fresh: u64,
    /// The most that ever filled it: a heap that has grown stays so large.
    most: u64,
}

impl CollectionSpec {
    fn lasts(&self, alive: u64) -> Span {
        let nanos = u128::from(self.per_gb.0.0) * u128::from(alive) / 1_000_000_000;
        self.least.0 + Span(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

impl Heap {
    fn new(spec: &HeapSpec, base: u64) -> Heap {
        Heap {
            size: spec.size.0,
            young: spec.young(),
            survivors: spec.survivors(),
            allocates: spec.allocates.0,
            young_takes: spec.young_takes,
            full_takes: spec.full_takes,
            old: base,
            new: 0,
            fresh: 0,
            most: base,
        }
    }

    /// How much of what is new fits: less, once the rest of the heap has grown into its room.
    fn room(&self) -> u64 {
        let left = self.size.saturating_sub(self.old);
        if self.young == 0 { left } else { left.min(self.young) }
    }

    /// So many bytes are wanted, while `alive` bytes are, of which `survivors` came since the last
    /// time that survivors moved on.
    fn allocate(&mut self, bytes: u64, alive: u64, survivors: u64) -> Strain {
        let mut strain = Strain::None;
        if self.new + bytes > self.room() {
            strain = self.collect(bytes, alive, survivors);
        }
        self.new += bytes;
        self.most = self.most.max(self.old + self.new);
        strain
    }

    fn collect(&mut self, bytes: u64, alive: u64, survivors: u64) -> Strain {
        let stay = survivors <= self.survivors && survivors + bytes <= self.young;
        let moved = if stay { 0 } else { survivors };
        if self.young > 0 && self.old + moved + self.young <= self.size {
            self.old += moved;
            self.new = survivors - moved;
            self.fresh = if stay { self.fresh } else { 0 };
            return Strain::Young(self.young_takes.lasts(survivors));
        }
        (self.old, self.new, self.fresh) = (alive, 0, 0);
        if bytes > self.room() {
            return Strain::Exhausted;
        }
        Strain::Full(self.full_takes.lasts(alive))
    }
}

impl Held {
    pub fn new(spec: &MemorySpec) -> Held {
        let (base, request) = (spec.base.0, spec.request.0);
        let limit = spec.limit.map_or(u64::MAX, |limit| limit.0);
        let heap = spec.heap.as_ref().map(|heap| Heap::new(heap, base));
        Held { limit, base, request, heap }
    }

    fn alive(&self, in_hand: u64) -> u64 {
        self.base.saturating_add(self.request.saturating_mul(in_hand))
    }

    /// A request comes to so many others, and waits: it allocates what it holds.
    pub fn waits(&mut self, others: u64) -> Strain {
        let strain = self.allocates(self.request, others);
        self.came(others, strain)
    }

    /// One of so many begins, and has waited: it allocates the rest.
    pub fn begins(&mut self, in_hand: u64) -> Strain {
        let all = self.heap.as_ref().map_or(0, |heap| heap.allocates);
        let strain = self.allocates(all.saturating_sub(self.request), in_hand);
        self.within(in_hand, strain)
    }

    /// A request comes to so many others, and begins at once.
    pub fn comes(&mut self, others: u64) -> Strain {
        let all = self.heap.as_ref().map_or(0, |heap| heap.allocates);
        let strain = self.allocates(all, others);
        self.came(others, strain)
    }

    fn came(&mut self, others: u64, strain: Strain) -> Strain {
        if let Some(heap) = &mut self.heap {
            heap.fresh += 1;
        }
        self.within(others + 1, strain)
    }

    /// Whether that is too much.
    pub fn within(&self, in_hand: u64, strain: Strain) -> Strain {
        if self.bytes(in_hand) > self.limit { Strain::OverLimit } else { strain }
    }

    fn allocates(&mut self, bytes: u64, in_hand: u64) -> Strain {
        let (alive, request) = (self.alive(in_hand), self.request);
        let Some(heap) = &mut self.heap else { return Strain::None };
        // Those that came last are taken to be those that are left.
        heap.fresh = heap.fresh.min(in_hand);
        heap.allocate(bytes, alive, request.saturating_mul(heap.fresh))
    }

    /// What it holds while so many are in hand.
    pub fn bytes(&self, in_hand: u64) -> u64 {
        self.heap.as_ref().map_or_else(|| self.alive(in_hand), |heap| heap.most)
    }

    /// The same, of what it may.
    pub fn share(&self, in_hand: u64) -> Option<f64> {
        (self.limit < u64::MAX).then(|| self.bytes(in_hand) as f64 / self.limit as f64)
    }
}

/// How often a process has ended itself lately. Outlives it.
#[derive(Clone, Copy, Debug)]
pub struct Restarts {
    spec: BackOffSpec,
    since: Time,
    last: Option<Span>,
}

impl Restarts {
    pub fn new(spec: BackOffSpec) -> Restarts {
        Restarts { spec, since: Time::ZERO, last: None }
    }

    /// The process starts.
    pub fn started(&mut self, now: Time) {
        self.since = now;
    }

    /// It ends itself: after how long it is to start again.
    pub fn ended(&mut self, now: Time) -> Span {
        let BackOffSpec { first, most, forget } = self.spec;
        let last = self.last.filter(|_| now.since(self.since) < forget.0);
        let pause = match last {
            None => Span::ZERO,
            Some(Span::ZERO) => first.0,
            Some(last) => (last * 2).min(most.0),
        };
        self.last = Some(pause);
        pause
    }
}
