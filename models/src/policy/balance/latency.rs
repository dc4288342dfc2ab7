//! Choosing by how long members take: Finagle's peak EWMA, and the least average time.

use engine::{Span, Time};

use super::least::Distinct;
use super::rule::Scene;

/// What is kept of one member: its average latency, and as of when.
#[derive(Clone, Copy, Debug)]
struct Cost {
    nanoseconds: f64,
    at: Time,
}

/// Power of two choices over Finagle's peak EWMA: an answer slower than the average sets it at
/// once, a faster one moves it by 1 − exp(−Δt/τ); the average decays to zero while idle.
#[derive(Clone, Debug)]
pub struct PeakEwma {
    tau: f64,
    costs: Vec<Cost>,
    two: Distinct,
}

/// The load of a member that has calls in hand and never answered: one probe at a time (Finagle).
const PENALTY: f64 = ((1u64 << 47) - 1) as f64;

impl Cost {
    /// The member has answered after so many nanoseconds.
    fn observe(&mut self, took: f64, tau: f64, now: Time) {
        if took > self.nanoseconds {
            self.nanoseconds = took;
        } else {
            let kept = libm::exp(-(now.since(self.at).0 as f64) / tau);
            self.nanoseconds = took * (1.0 - kept) + self.nanoseconds * kept;
        }
        self.at = now;
    }

    /// The member's load with so many calls in hand.
    fn load(&mut self, in_hand: u32, tau: f64, now: Time) -> f64 {
        self.observe(0.0, tau, now);
        let (cost, in_hand) = (self.nanoseconds, f64::from(in_hand));
        if cost == 0.0 && in_hand > 0.0 { PENALTY + in_hand } else { cost * (in_hand + 1.0) }
    }
}

impl PeakEwma {
    /// Nothing heard from anybody.
    pub fn new(members: u16, decay: Span) -> PeakEwma {
        let cost = Cost { nanoseconds: 0.0, at: Time::ZERO };
        let costs = vec![cost; members as usize];
        PeakEwma { tau: decay.0 as f64, costs, two: Distinct::new(2) }
    }

    /// `member` has answered after so many nanoseconds.
    pub fn observe(&mut self, member: u16, took: f64, now: Time) {
        self.costs[member as usize].observe(took, self.tau, now);
    }

    /// The less loaded of two different ones; a tie goes to the one drawn first.
    pub fn pick(&mut self, scene: &mut Scene<'_>) -> u16 {
        let PeakEwma { tau, costs, two } = self;
        let (in_hand, now) = (scene.in_hand, scene.now);
        two.least(scene, |member| costs[member as usize].load(in_hand(member), *tau, now))
    }
}

/// Least response time: the smallest average latency × (calls in hand + 1), over all that are
/// ready. The average gives each answer an eighth, as TCP smooths round trips (RFC 6298); members
/// not heard from yet come first.
#[derive(Clone, Debug)]
pub struct LeastTime {
    averages: Vec<f64>,
}

impl LeastTime {
    /// Nothing heard from anybody.
    pub fn new(members: u16) -> LeastTime {
        LeastTime { averages: vec![0.0; members as usize] }
    }

    /// `member` has answered.
    pub fn observe(&mut self, member: u16, took: Span) {
        let average = &mut self.averages[member as usize];
        let took = took.0 as f64;
        *average = if *average == 0.0 { took } else { *average + (took - *average) / 8.0 };
    }

    /// The one expected to answer first; of several, the one with fewest calls in hand, then the
    /// first.
    pub fn pick(&self, scene: &Scene<'_>) -> u16 {
        let load = |member: u16| {
            let in_hand = (scene.in_hand)(member);
            (self.averages[member as usize] * (f64::from(in_hand) + 1.0), in_hand)
        };
        let order = |a: &u16, b: &u16| {
            let (a, b) = (load(*a), load(*b));
            a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
        };
        *scene.ready.iter().min_by(|a, b| order(a, b)).expect("somebody is ready")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: f64 = 1e6;

    fn at(seconds: u64) -> Time {
        Time::ZERO + Span::secs(seconds)
    }

    /// τ = 10 s. 100 ms, then 50 ms a second later: 50 (1 − e^−0.1) + 100 e^−0.1 = 95.242 ms.
    /// Ten idle seconds leave 1/e; a slow answer counts at once.
    #[test]
    fn peaks_count_at_once() {
        let mut ewma = PeakEwma::new(1, Span::secs(10));
        ewma.observe(0, 100.0 * MS, at(0));
        let mut other = ewma.clone();
        let load = |ewma: &mut PeakEwma, in_hand, now| ewma.costs[0].load(in_hand, ewma.tau, now);
        ewma.observe(0, 50.0 * MS, at(1));
        assert!((load(&mut ewma, 0, at(1)) / MS - 95.242).abs() < 0.0005);
        assert!((load(&mut other, 0, at(10)) / MS - 36.788).abs() < 0.0005);
        other.observe(0, 300.0 * MS, at(10));
        assert_eq!(load(&mut other, 0, at(10)), 300.0 * MS);
        assert_eq!(load(&mut other, 2, at(10)), 900.0 * MS);
    }

    /// A new member is asked at once, and then not again until it has answered.
    #[test]
    fn a_new_member_gets_one_probe() {
        let mut ewma = PeakEwma::new(2, Span::secs(10));
        ewma.observe(0, 100.0 * MS, at(0));
        let mut pick = |in_hand: [u32; 2]| {
            ewma.pick(&mut Scene {
                ready: &[0, 1],
                key: 0,
                now: at(0),
                in_hand: &|member| in_hand[member as usize],
                below: &mut |_| 0,
            })
        };
        assert_eq!((pick([3, 0]), pick([3, 1])), (1, 0));
    }

    /// 100 ms with 1 in hand (200) against 150 ms idle (150); an answer of 900 ms moves the
    /// average by an eighth to 200 ms × 2 = 400 at 1 in hand.
    #[test]
    fn the_least_time() {
        let mut least = LeastTime::new(2);
        least.observe(0, Span::millis(100));
        least.observe(1, Span::millis(150));
        let pick = |least: &LeastTime, in_hand: [u32; 2]| {
            least.pick(&Scene {
                ready: &[0, 1],
                key: 0,
                now: at(0),
                in_hand: &|member| in_hand[member as usize],
                below: &mut |_| 0,
            })
        };
        assert_eq!((pick(&least, [0, 0]), pick(&least, [1, 0])), (0, 1));
        least.observe(0, Span::millis(900));
        assert_eq!((pick(&least, [0, 0]), pick(&least, [1, 2])), (1, 0));
    }
}
