//! Who is filling which key, and who waits for it: the coalescing of misses.
//!
//! The first to miss a key gets a lease to fill it; those who ask meanwhile wait in line. All
//! lists live in slabs, so that a stampede allocates nothing once they have grown.

use engine::{CallId, Key, Slab};

use super::index::{EMPTY, Index};

/// One key that is being filled, and the line of those who wait for it.
#[derive(Clone, Copy)]
struct Fill {
    key: u64,
    first: u32,
    last: u32,
    /// The key was forgotten since: what its filler has read may be old.
    void: bool,
}

impl Fill {
    /// Of a key that nobody waits for yet.
    fn of(key: u64) -> Fill {
        Fill { key, first: EMPTY, last: EMPTY, void: false }
    }
}

#[derive(Clone, Copy)]
struct Waiter {
    call: CallId,
    next: u32,
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

/// All fills under way on one node.
#[derive(Clone, Default)]
pub(super) struct Fills {
    fills: Slab<Fill>,
    /// The lease of each place in `fills`.
    leases: Vec<Lease>,
    /// Key to place.
    index: Index,
    waiters: Vec<Waiter>,
    free: Vec<u32>,
}

impl Fills {
    /// `call` missed `key`.
    pub(super) fn miss(&mut self, key: u64, call: CallId) -> Miss {
        match self.find(key) {
            None => Miss::Fills(self.begin(Fill::of(key))),
            Some(lease) => {
                self.wait(lease, call);
                Miss::Waits
            }
        }
    }

    /// A lease to fill `key`, unless somebody has one.
    pub(super) fn begin_first(&mut self, key: u64) -> Option<Lease> {
        self.find(key).is_none().then(|| self.begin(Fill::of(key)))
    }

    /// The key was filled: takes those who waited out, one by one in order, then ends the fill.
    pub(super) fn filled(&mut self, key: u64) -> Option<CallId> {
        let lease = self.find(key)?;
        let next = self.next_in_line(lease);
        if next.is_none() {
            self.end(lease);
        }
        next
    }

    /// The lease ran out before the key was filled: the next in line gets the miss and a lease of
    /// its own. `None` if the lease is stale, or nobody waits.
    pub(super) fn run_out(&mut self, lease: Lease) -> Option<(CallId, Lease)> {
        self.fills.get(lease)?;
        let next = self.next_in_line(lease);
        let fill = self.end(lease);
        next.map(|call| (call, self.begin(Fill { void: false, ..fill })))
    }

    /// The lease of whoever fills `key`.
    pub(super) fn of(&self, key: u64) -> Option<Lease> {
        self.find(key)
    }

    /// The key is forgotten: whoever fills it must not.
    pub(super) fn void(&mut self, key: u64) {
        if let Some(lease) = self.find(key) {
            self.fills.get_mut(lease).expect("the lease is not stale").void = true;
        }
    }

    /// The lease to fill `key`, if it is void.
    pub(super) fn voided(&self, key: u64) -> Option<Lease> {
        self.find(key).filter(|lease| self.fills.get(*lease).is_some_and(|fill| fill.void))
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiters.len() - self.free.len()
    }

    fn find(&self, key: u64) -> Option<Lease> {
        self.index.get(key).map(|place| self.leases[place as usize])
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

    fn wait(&mut self, lease: Lease, call: CallId) {
        let waiter = Waiter { call, next: EMPTY };
        let place = match self.free.pop() {
            Some(place) => {
                self.waiters[place as usize] = waiter;
                place
            }
            None => {
                self.waiters.push(waiter);
                self.waiters.len() as u32 - 1
            }
        };
        let fill = self.fills.get_mut(lease).expect("the lease is not stale");
        let before = std::mem::replace(&mut fill.last, place);
        match before {
            EMPTY => fill.first = place,
            before => self.waiters[before as usize].next = place,
        }
    }

    fn next_in_line(&mut self, lease: Lease) -> Option<CallId> {
        let fill = self.fills.get_mut(lease)?;
        let place = fill.first;
        if place == EMPTY {
            return None;
        }
        let Waiter { call, next } = self.waiters[place as usize];
        fill.first = next;
        if next == EMPTY {
            fill.last = EMPTY;
        }
        self.free.push(place);
        Some(call)
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

    #[test]
    fn the_first_fills_and_the_others_get_what_it_filled_in_their_order() {
        let ([a, b, c], mut fills) = (calls(), Fills::default());
        assert!(matches!(fills.miss(7, a), Miss::Fills(_)));
        assert_eq!((fills.miss(7, b), fills.miss(7, c)), (Miss::Waits, Miss::Waits));
        assert!(matches!(fills.miss(8, a), Miss::Fills(_)), "another key, another fill");
        assert_eq!(fills.waiting(), 2);
        let answered: Vec<CallId> = std::iter::from_fn(|| fills.filled(7)).collect();
        assert_eq!((answered, fills.waiting()), (vec![b, c], 0));
        assert!(matches!(fills.miss(7, b), Miss::Fills(_)), "the fill is over");
    }

    #[test]
    fn a_lease_that_runs_out_goes_to_the_next_in_line() {
        let ([a, b, c], mut fills) = (calls(), Fills::default());
        let Miss::Fills(lease) = fills.miss(7, a) else { panic!("the first fills") };
        fills.miss(7, b);
        let (next, second) = fills.run_out(lease).expect("somebody waits");
        assert_eq!(next, b);
        assert_eq!(fills.run_out(lease), None, "the first lease is stale");
        assert_eq!(fills.miss(7, c), Miss::Waits);
        assert_eq!(fills.run_out(second).map(|(call, _)| call), Some(c));
    }

    /// As with the tokens of memcached: a delete voids them, so that an old value is not put in.
    #[test]
    fn a_key_that_is_forgotten_voids_the_lease_and_the_next_one_is_sound() {
        let ([a, b, _], mut fills) = (calls(), Fills::default());
        fills.void(7);
        assert!(matches!(fills.miss(7, a), Miss::Fills(_)));
        assert_eq!(fills.voided(7), None);
        fills.miss(7, b);
        fills.void(7);
        let lease = fills.voided(7).expect("it is void");
        assert_eq!(fills.run_out(lease).map(|(call, _)| call), Some(b));
        assert_eq!(fills.voided(7), None);
    }

    #[test]
    fn a_lease_that_nobody_waits_behind_just_ends() {
        let ([a, b, _], mut fills) = (calls(), Fills::default());
        let Miss::Fills(lease) = fills.miss(7, a) else { panic!("the first fills") };
        assert_eq!(fills.run_out(lease), None);
        assert!(matches!(fills.miss(7, b), Miss::Fills(_)));
        assert_eq!(fills.filled(7), None);
        assert_eq!(fills.run_out(lease), None);
    }
}
