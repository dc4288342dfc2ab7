//! Shuffle sharding (AWS Builders' Library, "Workload isolation using shuffle-sharding"): each key
//! has a few members of its own, drawn by its hash, so that what one key does to its members hurts
//! hardly anybody else whole.

use super::rule::Scene;
use crate::policy::ring::scatter;

/// So many members for each key.
#[derive(Clone, Debug)]
pub struct Shuffle {
    shard: u32,
    /// The size of the group: members are drawn below this.
    count: u16,
    /// Those that are part of it now, in order.
    present: Vec<u16>,
    /// The members of the last key asked for.
    members: Vec<u16>,
}

impl Shuffle {
    /// Shards of `shard` members of so many.
    pub fn new(shard: u32, count: u16) -> Shuffle {
        let members = Vec::with_capacity(shard as usize);
        Shuffle { shard, count, present: (0..count).collect(), members }
    }

    /// Members have joined or left: these are there now, in order. Keys that had one of those
    /// that left have another in its stead.
    pub fn members_are(&mut self, present: &[u16]) {
        self.present.clear();
        self.present.extend_from_slice(present);
    }

    /// The members of `key`: the first of a shuffle that the key decides, those passed over that
    /// are no part of the group.
    pub fn members(&mut self, key: u64) -> &[u16] {
        self.members.clear();
        let mut word = scatter(key);
        let everybody = self.present.len() == usize::from(self.count);
        while self.members.len() < (self.shard as usize).min(self.present.len()) {
            word = scatter(word.wrapping_add(0x9e37_79b9_7f4a_7c15));
            let member = ((u128::from(word) * u128::from(self.count)) >> 64) as u16;
            let is_there = everybody || self.present.binary_search(&member).is_ok();
            if is_there && !self.members.contains(&member) {
                self.members.push(member);
            }
        }
        &self.members
    }

    /// Any of the key's members that is ready; if none is, its first all the same: others are not
    /// to suffer from what brought these down.
    pub fn pick(&mut self, scene: &mut Scene<'_>) -> u16 {
        let first = self.members(scene.key)[0];
        let is_ready = |member: &u16| scene.ready.binary_search(member).is_ok();
        self.members.retain(is_ready);
        match self.members.len() {
            0 => first,
            count => self.members[(scene.below)(count as u32) as usize],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Time;

    /// Case B15: how many of its k members a key shares with another, of n members in all
    /// (hypergeometric), within three standard errors.
    #[test]
    fn b15_overlaps_of_shards() {
        let cases: [(u16, u32, &[f64]); 2] = [
            (8, 2, &[0.5357143, 0.4285714, 0.03571429]),
            (100, 5, &[0.76959, 0.2114258, 0.01838485, 0.0005930598]),
        ];
        const PAIRS: u64 = 100_000;
        for (count, shard, expected) in cases {
            let mut shuffle = Shuffle::new(shard, count);
            let mut seen = vec![0; shard as usize + 1];
            for pair in 0..PAIRS {
                let one = shuffle.members(2 * pair).to_vec();
                let other = shuffle.members(2 * pair + 1);
                seen[one.iter().filter(|member| other.contains(member)).count()] += 1;
            }
            for (shared, &p) in expected.iter().enumerate() {
                let error = (p * (1.0 - p) / PAIRS as f64).sqrt();
                let share = f64::from(seen[shared]) / PAIRS as f64;
                assert!(
                    (share - p).abs() < 3.0 * error,
                    "{count}/{shard}: {shared} shared {share}"
                );
            }
        }
    }

    /// A key's shard does not change; of its members one that is out is left out, and if all are
    /// out nobody else is asked.
    #[test]
    fn nobody_else_is_asked() {
        let mut shuffle = Shuffle::new(2, 8);
        let [a, b] = shuffle.members(7).try_into().expect("two members");
        let others: Vec<u16> = (0..8).filter(|member| ![a, b].contains(member)).collect();
        let mut picked = |ready: &[u16]| {
            shuffle.pick(&mut Scene {
                ready,
                key: 7,
                now: Time::ZERO,
                in_hand: &|_| 0,
                below: &mut |n| n - 1,
            })
        };
        let all: Vec<u16> = (0..8).collect();
        assert_eq!((picked(&all), picked(&[a]), picked(&[b]), picked(&others)), (b, a, b, a));
    }

    /// Of four, 2 and 3 leave: all keys have 0 and 1, in whichever order they were drawn. When 2 is
    /// back, a key that had not 3 has what it had at first.
    #[test]
    fn who_has_left_is_replaced() {
        let mut shuffle = Shuffle::new(2, 4);
        let shard = |shuffle: &mut Shuffle, key| {
            let mut members = shuffle.members(key).to_vec();
            members.sort_unstable();
            members
        };
        let before: Vec<Vec<u16>> = (0..50).map(|key| shard(&mut shuffle, key)).collect();
        shuffle.members_are(&[0, 1]);
        assert!((0..50).all(|key| shard(&mut shuffle, key) == [0, 1]));
        shuffle.members_are(&[0, 1, 2]);
        for (key, had) in (0..).zip(before) {
            let has = shard(&mut shuffle, key);
            assert!(has == had || had.contains(&3) && !has.contains(&3), "{had:?} {has:?}");
        }
    }
}
