//! Who is filling which key, and who waits for it: the coalescing of misses.
//!
//! The first to miss a key gets a lease to fill it; those who ask meanwhile wait in line. A lease
//! is a token, as in memcached: what somebody puts in without one, because it ran out and passed
//! on, or because the key was forgotten or written meanwhile, may be old. All lists live in slabs,
//! so that a stampede allocates nothing once they have grown.

use engine::{CallId, Key, Slab, Time};

use super::index::Index;

/// Who fetches a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Filler {
    /// The request it does so for.
    pub root: u64,
    /// The tag of what it will put in.
    pub tag: u32,
}

/// One key that is being filled, and the line of those who wait for it.
#[derive(Clone, Copy)]
struct Fill {
    key: u64,
    by: Filler,
    first: Key,
    last: Key,
    /// The key was forgotten or written since the lease began: what its filler has read may be old.
    void: bool,
    /// When that last happened, to this lease or to those that passed on to it.
    voided: Option<Time>,
    /// The lease has run out and nobody was in line: the next one who misses takes it over.
    ripe: bool,
}

#[derive(Clone, Copy)]
struct Waiter {
    call: CallId,
    by: Filler,
    next: Key,
}

/// Names a lease. It goes stale when the key is filled, or when the lease is passed on.
pub(super) type Lease = Key;

/// What becomes of a miss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Miss {
    /// It fills, and has to be done before this lease ends.
    Fills(Lease),
    /// It waits for the one that fills.
    Waits,
}

/// What becomes of a lease whose time is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RunOut {
    /// The next in line has one of its own, if it is still there.
    Next(CallId, Lease),
    /// Nobody waits: it stays until somebody else misses, or until it runs out once more.
    Ripe,
    /// It is over.
    Over,
}

/// What is fetched may be put in, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Right {
    /// It has the lease.
    Holder,
    /// It has the lease, which is void.
    Void(Lease),
    /// Somebody else has the lease.
    Stranger,
    /// Nobody has.
    Nobody,
}

/// All fills under way on one node.
#[derive(Clone, Default)]
pub(super) struct Fills {
    fills: Slab<Fill>,
    /// The lease of each place in `fills`.
    leases: Vec<Lease>,
    /// Key to place.
    index: Index,
    waiters: Slab<Waiter>,
}

impl Fills {
    /// `call` missed `key`.
    pub(super) fn miss(&mut self, key: u64, by: Filler, call: CallId) -> Miss {
        match self.begin_first(key, by) {
            Some(lease) => Miss::Fills(lease),
            None => {
                let lease = self.find(key).expect("somebody fills it");
                self.wait(lease, call, by);
                Miss::Waits
            }
        }
    }

    /// A lease to fill `key`, unless somebody has one that has not run out.
    pub(super) fn begin_first(&mut self, key: u64, by: Filler) -> Option<Lease> {
        match self.find(key) {
            None => Some(self.begin(Fill::of(key, by))),
            Some(lease) if self.fill(lease).ripe => {
                let old = self.end(lease);
                Some(self.begin(Fill { voided: old.voided, ..Fill::of(key, by) }))
            }
            Some(_) => None,
        }
    }

    /// The key has a value: takes those who waited out, one by one in order.
    pub(super) fn next_waiter(&mut self, key: u64) -> Option<CallId> {
        self.next_in_line(self.find(key)?).map(|waiter| waiter.call)
    }

    /// The key was filled; nobody waits any more.
    pub(super) fn filled(&mut self, key: u64) {
        if let Some(lease) = self.find(key) {
            debug_assert!(self.fill(lease).first == Key::NONE);
            self.end(lease);
        }
    }

    /// The lease is over, unless it is stale: the next in line gets the miss and a lease of its
    /// own.
    pub(super) fn run_out(&mut self, lease: Lease) -> RunOut {
        let Some(&fill) = self.fills.get(lease) else { return RunOut::Over };
        if let Some(Waiter { call, by, .. }) = self.next_in_line(lease) {
            let fill = self.end(lease);
            return RunOut::Next(call, self.begin(Fill { by, void: false, ..fill }));
        }
        if fill.ripe || fill.void {
            self.end(lease);
            return RunOut::Over;
        }
        self.fills.get_mut(lease).expect("it was there").ripe = true;
        RunOut::Ripe
    }

    /// The lease to fill `key`, if `root` has it.
    pub(super) fn of(&self, key: u64, root: u64) -> Option<Lease> {
        self.find(key).filter(|lease| self.fill(*lease).by.root == root)
    }

    /// Whether `root` may put `key` in.
    pub(super) fn right(&self, key: u64, root: u64) -> Right {
        let Some(lease) = self.find(key) else { return Right::Nobody };
        match self.fill(lease) {
            fill if fill.by.root != root => Right::Stranger,
            fill if fill.void => Right::Void(lease),
            _ => Right::Holder,
        }
    }

    /// Whether a value read at `since` or later is still the latest, as far as leases tell.
    pub(super) fn is_sound(&self, key: u64, since: Time) -> bool {
        self.find(key)
            .is_some_and(|lease| self.fill(lease).voided.is_none_or(|voided| voided < since))
    }

    /// The key is forgotten or written: whoever fills it must not.
    pub(super) fn void(&mut self, key: u64, now: Time) {
        if let Some(lease) = self.find(key) {
            self.void_lease(lease, now);
        }
    }

    /// The same for all keys like that, whose entries will have that tag.
    pub(super) fn void_all(&mut self, now: Time, like: impl Fn(u64, u32) -> bool) {
        for place in 0..self.leases.len() {
            let lease = self.leases[place];
            if self.fills.get(lease).is_some_and(|fill| like(fill.key, fill.by.tag)) {
                self.void_lease(lease, now);
            }
        }
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiters.len()
    }

    fn void_lease(&mut self, lease: Lease, now: Time) {
        let fill = self.fills.get_mut(lease).expect("the lease is not stale");
        (fill.void, fill.voided) = (true, Some(now));
    }

    fn find(&self, key: u64) -> Option<Lease> {
        self.index.get(key).map(|place| self.leases[place as usize])
    }

    fn fill(&self, lease: Lease) -> &Fill {
        self.fills.get(lease).expect("the lease is not stale")
    }

    fn begin(&mut self, fill: Fill) -> Lease {
        let lease = self.fills.insert(fill);
        if lease.index() == self.leases.len() {
            self.leases.push(lease);
        }
        self.leases[lease.index()] = lease;
        self.index.insert(fill.key, lease.index() as u32);
        lease
    }

    fn end(&mut self, lease: Lease) -> Fill {
        let fill = self.fills.remove(lease).expect("the lease is not stale");
        self.index.remove(fill.key);
        fill
    }

    fn wait(&mut self, lease: Lease, call: CallId, by: Filler) {
        let place = self.waiters.insert(Waiter { call, by, next: Key::NONE });
        let fill = self.fills.get_mut(lease).expect("the lease is not stale");
        let before = std::mem::replace(&mut fill.last, place);
        match self.waiters.get_mut(before) {
            Some(before) => before.next = place,
            None => fill.first = place,
        }
    }

    fn next_in_line(&mut self, lease: Lease) -> Option<Waiter> {
        let fill = self.fills.get_mut(lease)?;
        let waiter = self.waiters.remove(fill.first)?;
        fill.first = waiter.next;
        if fill.first == Key::NONE {
            fill.last = Key::NONE;
        }
        Some(waiter)
    }
}

impl Fill {
    /// Of a key that nobody waits for yet.
    fn of(key: u64, by: Filler) -> Fill {
        let (first, last) = (Key::NONE, Key::NONE);
        Fill { key, by, first, last, void: false, voided: None, ripe: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three calls, as the kernel would number them.
    fn calls() -> [CallId; 3] {
        let mut slab = Slab::default();
        [slab.insert(()), slab.insert(()), slab.insert(())]
    }

    fn by(root: u64) -> Filler {
        Filler { root, tag: 0 }
    }

    /// The first of these misses key 7, for request 1.
    fn filling(fills: &mut Fills, call: CallId) -> Lease {
        match fills.miss(7, by(1), call) {
            Miss::Fills(lease) => lease,
            Miss::Waits => panic!("the first fills"),
        }
    }

    #[test]
    fn the_first_fills_and_the_others_get_what_it_filled_in_their_order() {
        let ([a, b, c], mut fills) = (calls(), Fills::default());
        filling(&mut fills, a);
        assert_eq!((fills.miss(7, by(2), b), fills.miss(7, by(3), c)), (Miss::Waits, Miss::Waits));
        assert!(matches!(fills.miss(8, by(1), a), Miss::Fills(_)), "another key, another fill");
        assert_eq!(fills.waiting(), 2);
        let answered: Vec<CallId> = std::iter::from_fn(|| fills.next_waiter(7)).collect();
        fills.filled(7);
        assert_eq!((answered, fills.waiting()), (vec![b, c], 0));
        assert!(matches!(fills.miss(7, by(2), b), Miss::Fills(_)), "the fill is over");
    }

    /// The first is a stranger from then on: what it has is not put in any more.
    #[test]
    fn a_lease_that_runs_out_goes_to_the_next_in_line() {
        let ([a, b, c], mut fills) = (calls(), Fills::default());
        let lease = filling(&mut fills, a);
        fills.miss(7, by(2), b);
        assert_eq!(fills.right(7, 1), Right::Holder);
        let RunOut::Next(next, second) = fills.run_out(lease) else { panic!("b waits") };
        assert_eq!(next, b);
        assert_eq!((fills.right(7, 1), fills.right(7, 2)), (Right::Stranger, Right::Holder));
        assert_eq!(fills.run_out(lease), RunOut::Over, "the first lease is stale");
        assert_eq!(fills.miss(7, by(3), c), Miss::Waits);
        assert!(matches!(fills.run_out(second), RunOut::Next(call, _) if call == c));
    }

    /// As with the tokens of memcached: a delete voids them, so that an old value is not put in.
    #[test]
    fn a_key_that_is_forgotten_voids_the_lease_and_the_next_one_is_sound() {
        let ([a, b, _], mut fills) = (calls(), Fills::default());
        fills.void(7, Time(1));
        let lease = filling(&mut fills, a);
        assert_eq!(fills.right(7, 1), Right::Holder);
        fills.miss(7, by(2), b);
        fills.void(7, Time(5));
        assert_eq!(fills.right(7, 1), Right::Void(lease));
        assert!(matches!(fills.run_out(lease), RunOut::Next(call, _) if call == b));
        assert_eq!(fills.right(7, 2), Right::Holder);
        assert_eq!((fills.is_sound(7, Time(5)), fills.is_sound(7, Time(6))), (false, true));
    }

    /// Nobody waits when it runs out: it is still good, until another misses or it runs out again.
    #[test]
    fn a_lease_that_nobody_waits_behind_can_be_taken_over() {
        let ([a, b, _], mut fills) = (calls(), Fills::default());
        let lease = filling(&mut fills, a);
        assert_eq!(fills.run_out(lease), RunOut::Ripe);
        assert_eq!(fills.right(7, 1), Right::Holder);
        assert!(matches!(fills.miss(7, by(2), b), Miss::Fills(_)));
        assert_eq!((fills.right(7, 1), fills.right(7, 2)), (Right::Stranger, Right::Holder));
        let lease = fills.of(7, 2).expect("somebody fills");
        let twice = [(); 2].map(|()| fills.run_out(lease));
        assert_eq!((twice, fills.right(7, 2)), ([RunOut::Ripe, RunOut::Over], Right::Nobody));
    }

    #[test]
    fn leases_are_voided_by_key_and_by_tag() {
        let ([a, ..], mut fills) = (calls(), Fills::default());
        for (key, tag) in [(7, 1), (8, 2), (17, 2)] {
            fills.miss(key, Filler { root: 1, tag }, a);
        }
        fills.void_all(Time(1), |_, tag| tag == 2);
        let sound = |fills: &Fills| [7, 8, 17].map(|key| fills.right(key, 1) == Right::Holder);
        assert_eq!(sound(&fills), [true, false, false]);
        fills.void_all(Time(1), |key, _| key / 10 == 0);
        assert_eq!(sound(&fills), [false; 3]);
    }
}
