//! Prequal's choice (Wydrowski and others, NSDI 2024): a small pool of probes, each with the
//! requests in flight and the latency that a replica reported; the hot ones are avoided, the
//! fastest of the cold ones is asked.
//!
//! Whoever owns the policy sends the probes and reports the answers by [`Prequal::probed`]. A
//! channel sends none yet, so no scenario can ask for this rule: guessing what probes would say
//! from what the caller alone knows makes another, worse, rule.

use engine::{Span, Time};

/// What one probe said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Who said it.
    pub member: u16,
    /// Requests in flight there.
    pub in_flight: u32,
    /// Its estimate of latency.
    pub latency: Span,
    /// When.
    pub at: Time,
}

/// Most probes kept.
const POOL: usize = 16;
/// A probe older than this is forgotten.
const AGE: Span = Span::secs(1);
/// Of the requests in flight that probes report, this quantile and below is cold: 2^−0.25.
const COLD: f64 = 0.84;
/// How many reports the quantile is taken of.
const REPORTS: usize = 128;

/// The pool, and what is known of the fleet.
#[derive(Clone, Debug, Default)]
pub struct Prequal {
    pool: Vec<Probe>,
    reports: Vec<u32>,
    reported: usize,
    worst_next: bool,
}

/// How often a probe may be used: (1 + δ) / ((1 − m/n) · probes − removals), at least once, with
/// m the pool and n the replicas; without bound if nothing is left below the line.
pub fn reuses(pool: f64, replicas: f64, probes: f64, removals: f64, delta: f64) -> f64 {
    let below = (1.0 - pool / replicas) * probes - removals;
    if below <= 0.0 { f64::INFINITY } else { ((1.0 + delta) / below).max(1.0) }
}

impl Prequal {
    /// An empty pool.
    pub fn new() -> Prequal {
        Prequal::default()
    }

    /// A probe has come back.
    pub fn probed(&mut self, probe: Probe) {
        self.pool.retain(|old| old.member != probe.member);
        if self.pool.len() == POOL {
            self.pool.remove(0);
        }
        self.pool.push(probe);
        if self.reports.len() < REPORTS {
            self.reports.push(probe.in_flight);
        } else {
            self.reports[self.reported % REPORTS] = probe.in_flight;
        }
        self.reported += 1;
    }

    /// Above how many requests in flight a member is hot.
    fn threshold(&self) -> u32 {
        let mut sorted = self.reports.clone();
        sorted.sort_unstable();
        sorted.get((COLD * (sorted.len().max(1) - 1) as f64) as usize).copied().unwrap_or(0)
    }

    /// The cold one with the least latency; if all are hot, the one with the fewest in flight.
    /// That one is taken to have one more in flight. `None` with fewer than two probes.
    pub fn choose(&mut self, now: Time) -> Option<u16> {
        self.pool.retain(|probe| now.since(probe.at) <= AGE);
        if self.pool.len() < 2 {
            return None;
        }
        let hot = self.threshold();
        let rank = |probe: &&mut Probe| match probe.in_flight > hot {
            false => (0, probe.latency.0),
            true => (1, u64::from(probe.in_flight)),
        };
        let best = self.pool.iter_mut().min_by_key(rank)?;
        best.in_flight += 1;
        Some(best.member)
    }

    /// Forgets one probe: by turns the oldest, and the worst.
    pub fn remove_one(&mut self) {
        let hot = self.threshold();
        let rank = |probe: &Probe| match probe.in_flight > hot {
            true => (1, u64::from(probe.in_flight)),
            false => (0, probe.latency.0),
        };
        let place = match self.worst_next {
            true => (0..self.pool.len()).max_by_key(|&place| rank(&self.pool[place])),
            false => (0..self.pool.len()).min_by_key(|&place| self.pool[place].at),
        };
        self.worst_next = !self.worst_next;
        if let Some(place) = place {
            self.pool.remove(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// n = 100, m = 16, one removal: 2/(0.84·3 − 1) and so on.
    #[test]
    fn how_often_a_probe_is_used() {
        let uses = |probes| (reuses(16.0, 100.0, probes, 1.0, 1.0) * 1e4).round() / 1e4;
        assert_eq!([3.0, 2.0, 1.5].map(uses), [1.3158, 2.9412, 7.6923]);
        assert_eq!(uses(1.0), f64::INFINITY);
    }

    fn pool(reports: &[(u32, u64)]) -> Prequal {
        let mut prequal = Prequal::new();
        for (member, &(in_flight, latency)) in (0..).zip(reports) {
            let latency = Span::millis(latency);
            prequal.probed(Probe { member, in_flight, latency, at: Time::ZERO });
        }
        prequal
    }

    /// In flight 1, 2, 9: the 84 % quantile of three (rank 1 of 0 to 2) is 2, so the third is hot
    /// though fastest; of the cold ones the second is faster. Its count becomes 3: hot, too.
    #[test]
    fn hot_and_cold() {
        let mut prequal = pool(&[(1, 50), (2, 20), (9, 5)]);
        assert_eq!((prequal.choose(Time::ZERO), prequal.choose(Time::ZERO)), (Some(1), Some(0)));
        // Now 2, 3, 9 in flight: 2 is still cold, then 3, 3, 9 are all hot: the fewest.
        assert_eq!((prequal.choose(Time::ZERO), prequal.choose(Time::ZERO)), (Some(0), Some(0)));
    }

    #[test]
    fn old_probes_are_forgotten() {
        let mut prequal = pool(&[(1, 50), (2, 20)]);
        assert_eq!(prequal.choose(Time::ZERO + Span::millis(1001)), None);
        // First the oldest (member 0, first in), then the worst: the hot one.
        let mut prequal = pool(&[(1, 50), (2, 20), (9, 5)]);
        prequal.remove_one();
        prequal.remove_one();
        assert_eq!(prequal.pool.iter().map(|probe| probe.member).collect::<Vec<_>>(), [1]);
    }
}
