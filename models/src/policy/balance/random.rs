//! Chance by weight, as nginx's `random` has it.

use super::rule::Scene;

/// Members by weight: each is drawn as often as its weight says, whatever was drawn before.
#[derive(Clone, Debug)]
pub struct ByWeight {
    weights: Vec<u32>,
}

impl ByWeight {
    /// One weight per member, each at least 1.
    pub fn new(weights: &[u32]) -> ByWeight {
        ByWeight { weights: weights.to_vec() }
    }

    /// One of those that are ready.
    pub fn pick(&self, scene: &mut Scene<'_>) -> u16 {
        let weight = |member: u16| self.weights[usize::from(member)];
        let total = scene.ready.iter().map(|&member| weight(member)).sum();
        let mut drawn = (scene.below)(total);
        let here = |member: &&u16| match drawn.checked_sub(weight(**member)) {
            Some(left) => {
                drawn = left;
                false
            }
            None => true,
        };
        *scene.ready.iter().find(here).expect("drawn below the total")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Time;
    use engine::chance::Stream;

    use crate::policy::balance::Balance;

    fn picked(rule: &ByWeight, ready: &[u16], drawn: u32, of: u32) -> u16 {
        rule.pick(&mut Scene {
            ready,
            key: 0,
            now: Time::ZERO,
            in_hand: &|_| 0,
            below: &mut |n| {
                assert_eq!(n, of);
                drawn
            },
        })
    }

    /// Weights 3, 1, 2: of six draws three, one and two; without the first, of three.
    #[test]
    fn as_often_as_the_weight_says() {
        let rule = ByWeight::new(&[3, 1, 2]);
        assert_eq!([0, 1, 2, 3, 4, 5].map(|n| picked(&rule, &[0, 1, 2], n, 6)), [0, 0, 0, 1, 2, 2]);
        assert_eq!([0, 1, 2].map(|n| picked(&rule, &[1, 2], n, 3)), [1, 2, 2]);
    }

    /// Case B05: how uneven chance alone is. Of 2000 repeats the mean of the fullest bin comes
    /// within 1 %, its median and p99 within 1.
    #[test]
    fn b05_balls_into_bins() {
        let cases = [
            (100, 10, 15.12453, 15, 20),
            (100, 100, 4.232595, 4, 6),
            (1000, 1000, 5.514159, 5, 7),
            (1000, 100, 18.76166, 19, 24),
            (10_000, 100, 125.9594, 125, 139),
        ];
        let mut chance = Stream::named(1, "balls", "bins");
        for (balls, bins, mean, median, p99) in cases {
            let ready: Vec<u16> = (0..bins as u16).collect();
            let mut fullest: Vec<u32> = (0..2000)
                .map(|_| {
                    let mut load = vec![0; bins];
                    for _ in 0..balls {
                        let any =
                            Balance::Random.pick(&ready, 0, Time::ZERO, |_| 0, |n| chance.below(n));
                        load[usize::from(any)] += 1;
                    }
                    load.into_iter().max().expect("some bins")
                })
                .collect();
            fullest.sort_unstable();
            let sum: u32 = fullest.iter().sum();
            let case = format!("{balls} balls into {bins} bins");
            assert!((f64::from(sum) / 2000.0 / mean - 1.0).abs() < 0.01, "{case}: {sum} / 2000");
            assert!(fullest[1000].abs_diff(median) <= 1, "{case}: median {}", fullest[1000]);
            assert!(fullest[1980].abs_diff(p99) <= 1, "{case}: p99 {}", fullest[1980]);
        }
    }
}
