//! What a replica says when it is probed by somebody who balances by what servers say of
//! themselves (Prequal): requests in flight, and how long one is likely to take now.

use engine::{CallId, Span, Time};

/// So many of the last completions are remembered.
const REMEMBERED: usize = 64;
/// The estimate is the median of so many of them: those that met about as many others as there
/// are now. The paper says "recent" and "near" without figures; these are ours.
const NEAR: usize = 9;

/// What is kept from the first such probe on.
#[derive(Clone, Debug, Default)]
pub struct Load {
    /// By the place of their call in the kernel: how many were in flight when it came, and when.
    arrivals: Vec<(u32, Time)>,
    completed: Vec<(u32, Span)>,
    next: usize,
}

impl Load {
    /// A call has come, and meets so many others.
    pub fn came(&mut self, call: CallId, in_flight: u32, now: Time) {
        let place = call.index();
        if place >= self.arrivals.len() {
            self.arrivals.resize(place + 1, (0, Time::NEVER));
        }
        self.arrivals[place] = (in_flight, now);
    }

    /// A call has been answered.
    pub fn answered(&mut self, call: CallId, now: Time) {
        let Some(&(met, at)) = self.arrivals.get(call.index()) else { return };
        if at == Time::NEVER {
            return; // It came before anybody asked.
        }
        let seen = (met, now.since(at));
        if self.completed.len() < REMEMBERED {
            self.completed.push(seen);
        } else {
            self.completed[self.next % REMEMBERED] = seen;
        }
        self.next += 1;
    }

    /// How long a request that comes now, and meets so many others, is likely to take: zero while
    /// nothing is known.
    pub fn latency(&self, in_flight: u32) -> Span {
        let mut near = [(0, Span::ZERO); REMEMBERED];
        let near = &mut near[..self.completed.len()];
        for (slot, &(met, took)) in near.iter_mut().zip(&self.completed) {
            *slot = (met.abs_diff(in_flight), took);
        }
        near.sort_unstable();
        let nearest = near.len().min(NEAR);
        let nearest = &mut near[..nearest];
        nearest.sort_unstable_by_key(|&(_, took)| took);
        nearest.get(nearest.len() / 2).map_or(Span::ZERO, |&(_, took)| took)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Slab;

    fn ms(at: u64) -> Time {
        Time::ZERO + Span::millis(at)
    }

    /// Two calls come at 0 and 1 and are answered at 10 and 31. The first met nobody and took 10,
    /// the second met one and took 30. The median of both is the longer (the upper of two); a
    /// third, never answered, teaches nothing, nor does one that came before anybody asked.
    #[test]
    fn what_was_met_and_what_it_took() {
        let mut calls = Slab::default();
        let [old, a, b, c] = [(); 4].map(|()| calls.insert(()));
        let mut load = Load::default();
        assert_eq!(load.latency(0), Span::ZERO);
        load.came(a, 0, ms(0));
        load.came(b, 1, ms(1));
        load.came(c, 2, ms(2));
        for (call, at) in [(a, 10), (b, 31), (old, 40)] {
            load.answered(call, ms(at));
        }
        assert_eq!(load.latency(0), Span::millis(30));
    }

    /// Nine that met nobody took 1 ms each, nine that met five took 7: the estimate goes by how
    /// many are in flight now.
    #[test]
    fn those_that_met_as_many_count() {
        let mut calls = Slab::default();
        let mut load = Load::default();
        let call = calls.insert(());
        for (met, took) in [(0, 1), (5, 7)].repeat(9) {
            load.came(call, met, ms(0));
            load.answered(call, ms(took));
        }
        let estimates = [0, 2, 3, 9].map(|in_flight| load.latency(in_flight).0 / 1_000_000);
        assert_eq!(estimates, [1, 1, 7, 7]);
    }
}
