//! How many arrive when: a rate over time, made of legs, and its inversion.
//!
//! With Λ(t) the number expected until t, even arrivals are at Λ = 0, 1, 2 … (from 1 on if the
//! rate begins at zero), Poisson arrivals at a walk of exponential steps. Intended times never
//! depend on what became of earlier requests.

use engine::{Span, Time};

/// One leg, compiled: a rate that changes linearly, after a burst at its start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Leg {
    /// Requests at the instant it begins.
    pub burst: u32,
    /// How long it lasts, in seconds.
    pub span: f64,
    /// Requests a second at its start …
    pub from: f64,
    /// … and at its end.
    pub to: f64,
}

/// Legs one after the other, and how far they have been followed.
#[derive(Clone, Debug)]
pub struct Profile {
    legs: Vec<Leg>,
    leg: usize,
    /// When the present leg began, in seconds, and what was expected until then.
    began: f64,
    before: f64,
    /// Of the present leg's burst.
    burst_left: u32,
    /// Where the next arrival is on Λ, once that is known.
    next: f64,
    known: bool,
    /// Whether an arrival may fall on the very end of a leg.
    to_the_end: bool,
}

impl Leg {
    fn area(&self) -> f64 {
        (self.from + self.to) / 2.0 * self.span
    }

    /// When `expected` of the leg's own arrivals have come: the root of a·t + (b − a)·t²/2d.
    fn when(&self, expected: f64) -> f64 {
        if self.from == self.to || self.span.is_infinite() {
            return expected / self.from;
        }
        let slope = (self.to - self.from) / self.span;
        (-self.from + (self.from * self.from + 2.0 * expected * slope).max(0.0).sqrt()) / slope
    }
}

impl Profile {
    /// Nothing has arrived yet. `evenly`: the first arrival is at Λ = 0, or 1 if the rate begins
    /// at zero; else it is one step away.
    pub fn new(legs: Vec<Leg>, evenly: bool) -> Profile {
        let burst_left = legs.first().map_or(0, |leg| leg.burst);
        let at_once = evenly && legs.first().is_some_and(|leg| leg.from > 0.0);
        let next = if evenly && !at_once { 1.0 } else { 0.0 };
        let (leg, began, before, known, to_the_end) = (0, 0.0, 0.0, evenly, !at_once);
        Profile { legs, leg, began, before, burst_left, next, known, to_the_end }
    }

    /// The next arrival; `step` is how far apart two are on Λ. `None` when the legs are over.
    #[inline]
    pub fn next(&mut self, step: impl FnOnce() -> f64) -> Option<Time> {
        if !self.known {
            self.next += step();
            self.known = true;
        }
        loop {
            let leg = self.legs.get(self.leg)?;
            if self.burst_left > 0 {
                self.burst_left -= 1;
                return Some(at(self.began));
            }
            let (expected, area) = (self.next - self.before, leg.area());
            if expected < area || (self.to_the_end && expected == area && area > 0.0) {
                self.known = false;
                return Some(at(self.began + leg.when(expected)));
            }
            self.before += area;
            self.began += leg.span;
            self.leg += 1;
            self.burst_left = self.legs.get(self.leg).map_or(0, |leg| leg.burst);
        }
    }
}

/// To the nearest nanosecond.
fn at(seconds: f64) -> Time {
    Time::ZERO + Span::from_f64(seconds * 1e9 + 0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leg(span: f64, from: f64, to: f64) -> Leg {
        Leg { burst: 0, span, from, to }
    }

    /// Arrivals in tenths of a millisecond.
    fn evenly(legs: Vec<Leg>, most: usize) -> Vec<u64> {
        let mut profile = Profile::new(legs, true);
        let arrivals = std::iter::from_fn(|| profile.next(|| 1.0));
        arrivals.take(most).map(|time| (time.as_secs() * 1e4).round() as u64).collect()
    }

    /// Worked example 1 of the workload sheet: a ramp of 0 → 10/s over 10 s: 1.4142, 2.0, 2.4495,
    /// 2.8284, 3.1623 s; 50 altogether. A constant 2/s starts at 0, 0.5, 1.0.
    #[test]
    fn even_arrivals_are_those_of_k6() {
        let ramp = evenly(vec![leg(10.0, 0.0, 10.0)], 99);
        assert_eq!(ramp[..5], [14_142, 20_000, 24_495, 28_284, 31_623]);
        assert_eq!((ramp.len(), ramp[49]), (50, 100_000));
        assert_eq!(evenly(vec![leg(f64::INFINITY, 2.0, 2.0)], 3), [0, 5_000, 10_000]);
        assert_eq!(evenly(vec![leg(10.0, 100.0, 100.0)], 9999).len(), 1000);
    }

    /// 2/s for 1 s, nothing for 2 s, 4/s: the fraction is carried across legs.
    #[test]
    fn legs_follow_one_another() {
        let legs = vec![leg(1.25, 2.0, 2.0), leg(2.0, 0.0, 0.0), leg(9.0, 4.0, 4.0)];
        // Λ reaches 2.5 at 1.25 s; the missing half comes an eighth of a second into the third.
        assert_eq!(evenly(legs, 5), [0, 5_000, 10_000, 33_750, 36_250]);
    }

    #[test]
    fn a_burst_comes_all_at_once() {
        let burst = Leg { burst: 3, span: 0.0, from: 0.0, to: 0.0 };
        let legs = vec![leg(1.0, 2.0, 2.0), burst, leg(1.0, 2.0, 2.0)];
        assert_eq!(evenly(legs, 9), [0, 5_000, 10_000, 10_000, 10_000, 10_000, 15_000]);
    }

    /// 10 000 expected, standard deviation 100.
    #[test]
    fn poisson_arrivals_follow_the_rate() {
        let mut stream = engine::chance::Stream::named(1, "poisson", "test");
        let mut profile = Profile::new(vec![leg(100.0, 0.0, 200.0)], false);
        let arrivals: Vec<Time> =
            std::iter::from_fn(|| profile.next(|| stream.exponential())).collect();
        assert!((arrivals.len() as f64 - 10_000.0).abs() < 400.0, "{}", arrivals.len());
        // Half the time, a quarter of the area: 2500, standard deviation 50.
        let early = arrivals.iter().filter(|at| at.as_secs() < 50.0).count() as f64;
        assert!((early - 2500.0).abs() < 200.0, "{early}");
    }
}
