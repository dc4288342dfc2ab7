//! Prequal's choice (Wydrowski and others, NSDI 2024): a small pool of probes, each with the
//! requests in flight and the latency that a replica reported; the hot ones are avoided, the
//! fastest of the cold ones is asked.
//!
//! The channel sends the probes that [`Prequal::to_probe`] names after each question, and hands
//! their answers to [`Prequal::probed`].

use engine::{Span, Time};

use super::rule::Scene;

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

/// How it probes and what it keeps.
#[derive(Clone, Copy, Debug)]
pub struct Tuning {
    /// Probes per question, fractions by chance.
    pub probes: f64,
    /// Most probes kept.
    pub pool: usize,
    /// A probe older than this is forgotten.
    pub age: Span,
    /// Of the requests in flight that probes report, this quantile and below is cold.
    pub cold: f64,
}

/// How many reports the quantile is taken of.
const REPORTS: usize = 128;
/// Probes forgotten per question, so that the worst do not pile up.
const REMOVALS: f64 = 1.0;
/// δ: how much slower than questions come may the pool run dry.
const DELTA: f64 = 1.0;

/// The pool, and what is known of the fleet.
#[derive(Clone, Debug)]
pub struct Prequal {
    tuning: Tuning,
    reuses: f64,
    /// With how often each may still be used.
    pool: Vec<(Probe, u32)>,
    /// Requests in flight as last reported, in the order of their coming and by size.
    reports: Vec<u32>,
    sorted: Vec<u32>,
    reported: usize,
    worst_next: bool,
    targets: Vec<u16>,
}

/// How often a probe may be used: (1 + δ) / ((1 − m/n) · probes − removals), at least once, with
/// m the pool and n the replicas; without bound if nothing is left below the line.
pub fn reuses(pool: f64, replicas: f64, probes: f64, removals: f64, delta: f64) -> f64 {
    let below = (1.0 - pool / replicas) * probes - removals;
    if below <= 0.0 { f64::INFINITY } else { ((1.0 + delta) / below).max(1.0) }
}

/// A number of times from its mean: rounded up as often as the fraction says.
fn by_chance(mean: f64, below: &mut dyn FnMut(u32) -> u32) -> u32 {
    const PARTS: u32 = 1 << 16;
    let whole = mean as u32;
    let fraction = (mean - f64::from(whole)) * f64::from(PARTS);
    whole.saturating_add(u32::from(fraction >= 1.0 && f64::from(below(PARTS)) < fraction))
}

impl Prequal {
    /// An empty pool, for choosing among so many members.
    pub fn new(tuning: Tuning, members: u16) -> Prequal {
        let reuses = reuses(tuning.pool as f64, members.into(), tuning.probes, REMOVALS, DELTA);
        Prequal {
            tuning,
            reuses,
            pool: Vec::with_capacity(tuning.pool),
            reports: Vec::with_capacity(REPORTS),
            sorted: Vec::with_capacity(REPORTS),
            reported: 0,
            worst_next: false,
            targets: Vec::new(),
        }
    }

    /// How long a probe is worth anything.
    pub fn age(&self) -> Span {
        self.tuning.age
    }

    /// A probe has come back.
    pub fn probed(&mut self, probe: Probe, below: &mut dyn FnMut(u32) -> u32) {
        self.pool.retain(|(old, _)| old.member != probe.member);
        if self.pool.len() == self.tuning.pool {
            self.pool.remove(0);
        }
        self.pool.push((probe, by_chance(self.reuses, below)));
        self.report(probe.in_flight);
    }

    fn report(&mut self, in_flight: u32) {
        if self.reports.len() < REPORTS {
            self.reports.push(in_flight);
        } else {
            let slot = &mut self.reports[self.reported % REPORTS];
            let old = std::mem::replace(slot, in_flight);
            self.sorted.remove(self.sorted.partition_point(|&known| known < old));
        }
        self.reported += 1;
        self.sorted.insert(self.sorted.partition_point(|&known| known < in_flight), in_flight);
    }

    /// Above how many requests in flight a member is hot.
    fn threshold(&self) -> u32 {
        let place = self.tuning.cold * (self.sorted.len().max(1) - 1) as f64;
        self.sorted.get(place as usize).copied().unwrap_or(0)
    }

    /// One of those that are ready: by the pool, or by chance while that says too little.
    pub fn pick(&mut self, scene: &mut Scene<'_>) -> u16 {
        match self.choose(scene.now, scene.ready) {
            Some(member) => member,
            None => scene.ready[(scene.below)(scene.ready.len() as u32) as usize],
        }
    }

    /// The cold one with the least latency; if all are hot, the one with the fewest in flight.
    /// That one is taken to have one more in flight. `None` with fewer than two probes.
    fn choose(&mut self, now: Time, ready: &[u16]) -> Option<u16> {
        let age = self.tuning.age;
        let fresh = |probe: &Probe| now.since(probe.at) <= age;
        self.pool.retain(|(probe, _)| fresh(probe) && ready.binary_search(&probe.member).is_ok());
        if self.pool.len() < 2 {
            return None;
        }
        let hot = self.threshold();
        let rank = |&place: &usize| match &self.pool[place].0 {
            probe if probe.in_flight <= hot => (0, probe.latency.0),
            probe => (1, u64::from(probe.in_flight)),
        };
        let best = (0..self.pool.len()).min_by_key(rank)?;
        let (probe, uses) = &mut self.pool[best];
        probe.in_flight += 1;
        *uses -= 1;
        let member = probe.member;
        if *uses == 0 {
            self.pool.remove(best);
        }
        self.remove_one();
        Some(member)
    }

    /// Forgets one probe: by turns the oldest, and the worst.
    fn remove_one(&mut self) {
        let hot = self.threshold();
        let rank = |(probe, _): &(Probe, u32)| match probe.in_flight > hot {
            true => (1, u64::from(probe.in_flight)),
            false => (0, probe.latency.0),
        };
        let place = match self.worst_next {
            true => (0..self.pool.len()).max_by_key(|&place| rank(&self.pool[place])),
            false => (0..self.pool.len()).min_by_key(|&place| self.pool[place].0.at),
        };
        self.worst_next = !self.worst_next;
        if let Some(place) = place {
            self.pool.remove(place);
        }
    }

    /// Whom to probe after a question: different ones of those that are ready.
    pub fn to_probe(&mut self, ready: &[u16], below: &mut dyn FnMut(u32) -> u32) -> &[u16] {
        self.targets.clear();
        let wanted = by_chance(self.tuning.probes, below) as usize;
        while self.targets.len() < wanted.min(ready.len()) {
            let member = ready[below(ready.len() as u32) as usize];
            if !self.targets.contains(&member) {
                self.targets.push(member);
            }
        }
        &self.targets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TUNING: Tuning = Tuning { probes: 3.0, pool: 16, age: Span::secs(1), cold: 0.84 };

    /// n = 100, m = 16, one removal: 2/(0.84·3 − 1) and so on.
    #[test]
    fn how_often_a_probe_is_used() {
        let uses = |probes| (reuses(16.0, 100.0, probes, 1.0, 1.0) * 1e4).round() / 1e4;
        assert_eq!([3.0, 2.0, 1.5].map(uses), [1.3158, 2.9412, 7.6923]);
        assert_eq!(uses(1.0), f64::INFINITY);
        // 1.25 is once, and twice in a quarter of the cases.
        assert_eq!([16_383, 16_384].map(|drawn| by_chance(1.25, &mut |_| drawn)), [2, 1]);
        assert_eq!(by_chance(f64::INFINITY, &mut |_| 0), u32::MAX);
    }

    fn pool(reports: &[(u32, u64)]) -> Prequal {
        let mut prequal = Prequal::new(TUNING, reports.len() as u16);
        for (member, &(in_flight, latency)) in (0..).zip(reports) {
            let latency = Span::millis(latency);
            let probe = Probe { member, in_flight, latency, at: Time(u64::from(member)) };
            prequal.probed(probe, &mut |_| 0);
        }
        prequal
    }

    fn members(prequal: &Prequal) -> Vec<u16> {
        prequal.pool.iter().map(|(probe, _)| probe.member).collect()
    }

    /// In flight 1, 2, 2, 9, 1: the 84 % quantile of five (place 3.36 of 0 to 4, so 3) is 2; the
    /// fourth is hot though fastest. Of the cold ones the second is fastest; its count becomes 3,
    /// and the first, the oldest, is forgotten. Then the third is asked (its count becomes 3, too)
    /// and the fourth, the worst, forgotten. Left are 1 and 2, both hot, and 4: cold, asked, and
    /// member 1, the oldest, is forgotten.
    #[test]
    fn hot_and_cold() {
        let mut prequal = pool(&[(1, 50), (2, 20), (2, 30), (9, 5), (1, 60)]);
        let ready = [0, 1, 2, 3, 4];
        let mut story = Vec::new();
        while let Some(member) = prequal.choose(Time(9), &ready) {
            story.push((member, members(&prequal)));
        }
        let expected = [(1, vec![1, 2, 3, 4]), (2, vec![1, 2, 4]), (4, vec![2, 4])];
        assert_eq!(story[..3], expected);
        // 2 is hot with 3 in flight, 4 with 2 is still cold. Then both have 3, and of equally bad
        // ones the later is forgotten; one left is too few.
        assert_eq!(story[3..], [(4, vec![2])]);
    }

    /// All above the threshold: the fewest in flight, whatever the latency.
    #[test]
    fn of_hot_ones_the_least_loaded() {
        let mut prequal = pool(&[(5, 9), (5, 1)]);
        (0..REPORTS).for_each(|_| prequal.report(0));
        prequal.pool[1].0.in_flight = 6;
        assert_eq!(prequal.choose(Time(9), &[0, 1]), Some(0));
    }

    #[test]
    fn old_probes_and_those_of_members_that_are_out_are_forgotten() {
        assert_eq!(pool(&[(1, 50), (2, 20)]).choose(Time(2) + Span::secs(1), &[0, 1]), None);
        assert_eq!(pool(&[(1, 50), (2, 20)]).choose(Time(2), &[1]), None);
    }

    /// Three different ones, however chance falls: 2, 2 again, 0, 1.
    #[test]
    fn different_ones_are_probed() {
        let mut prequal = pool(&[(0, 0); 5]);
        let mut drawn = [2, 2, 0, 1].into_iter();
        let targets = prequal.to_probe(&[0, 1, 2, 4], &mut |_| drawn.next().expect("four"));
        assert_eq!(targets, [2, 0, 1]);
        assert_eq!(prequal.to_probe(&[7], &mut |_| 0), [7]);
    }
}
