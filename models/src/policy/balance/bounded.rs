//! Consistent hashing with bounded loads (Mirrokni and others, 2016): a member that has its share
//! and some passes the key on around the ring.

use std::rc::Rc;

use super::rule::Scene;
use crate::policy::ring::Ring;

/// A ring with a bound.
#[derive(Clone, Debug)]
pub struct Bounded {
    ring: Rc<Ring>,
    percent: u32,
}

/// The most calls that one of `members` may have when there are `calls`, the new one included:
/// the average times `percent`, rounded up.
pub fn capacity(calls: u64, members: u64, percent: u32) -> u64 {
    (calls * u64::from(percent)).div_ceil(100 * members)
}

impl Bounded {
    /// Members of `ring` take up to `percent` (above 100) of the average.
    pub fn new(ring: Rc<Ring>, percent: u32) -> Bounded {
        Bounded { ring, percent }
    }

    /// The first on the ring with room for one more; there is always one.
    pub fn pick(&self, scene: &Scene<'_>) -> u16 {
        let in_hand = |member: u16| u64::from((scene.in_hand)(member));
        let calls = 1 + scene.ready.iter().map(|member| in_hand(*member)).sum::<u64>();
        let most = capacity(calls, scene.ready.len() as u64, self.percent);
        let has_room =
            |member: u16| scene.ready.binary_search(&member).is_ok() && in_hand(member) < most;
        self.ring.member(scene.key, has_room).expect("not everybody is above the average")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Time;

    #[test]
    fn capacities() {
        assert_eq!((capacity(10, 4, 125), capacity(1000, 10, 125)), (4, 125));
    }

    /// One key for all: its member fills up to the bound, then the next, then the third.
    #[test]
    fn overflow_goes_around_the_ring() {
        let ring = Rc::new(Ring::new(4, 150));
        let bounded = Bounded::new(ring.clone(), 125);
        let mut in_hand = [0u32; 4];
        for calls in 1..=100u64 {
            let member = bounded.pick(&Scene {
                ready: &[0, 1, 2, 3],
                key: 77,
                now: Time::ZERO,
                in_hand: &|member| in_hand[member as usize],
                below: &mut |_| 0,
            });
            in_hand[member as usize] += 1;
            assert!(in_hand.iter().all(|&n| u64::from(n) <= capacity(calls, 4, 125)));
        }
        let home = ring.member(77, |_| true).expect("all serve");
        // ceil(1.25 × 100 / 4) = 32, first reached by the member whose key it is.
        assert_eq!(in_hand[home as usize], 32);
    }
}
