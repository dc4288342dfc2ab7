//! Which member keeps a key: the rules by which stores are sharded, apart from the ring and the
//! remainder, which channels know by heart.
//!
//! All are table look-ups, binary searches or hashes; none looks at every member, but rendezvous,
//! whose idea that is.

pub mod ketama;
mod md5;
pub mod ranges;
pub mod slots;
mod text;

use super::balance::hash::{jump, rendezvous};
use super::ring::scatter;
use ranges::Ranges;
use slots::{Change, even_split, slot_of};

/// A rule that gives every key a member.
#[derive(Clone, Debug)]
pub enum Placement {
    /// The key modulo the members there are.
    Remainder(Vec<u16>),
    /// The hash of the key modulo the members there are.
    Hash(Vec<u16>),
    /// Jump consistent hash over the members there are, in their order.
    Jump(Vec<u16>),
    /// The member there is with the highest random weight.
    Rendezvous(Vec<u16>),
    /// By ranges of keys.
    Range(Ranges),
    /// By what a directory says of a key; the others by their hash. Sorted by key.
    Directory(Vec<(u64, u16)>, Vec<u16>),
    /// By Redis's slots: the prefix that makes a key of a number, and who has each slot.
    Slots(String, Vec<u16>),
}

impl Placement {
    /// Redis's slots, split evenly.
    pub fn slots(prefix: &str, members: u16) -> Placement {
        Placement::Slots(prefix.into(), even_split(members))
    }

    /// Whose key this is.
    #[inline]
    pub fn member(&self, key: u64) -> u16 {
        match self {
            Placement::Remainder(there) => remainder(key, there),
            Placement::Hash(there) => remainder(scatter(key), there),
            Placement::Jump(there) => there[jump(scatter(key), there.len() as u32) as usize],
            Placement::Rendezvous(there) => rendezvous(key, there, &[]),
            Placement::Range(ranges) => ranges.member(key),
            Placement::Directory(homes, there) => {
                let home = homes.binary_search_by_key(&key, |(key, _)| *key);
                home.map_or_else(|_| remainder(scatter(key), there), |at| homes[at].1)
            }
            Placement::Slots(prefix, owners) => owners[slot_of(prefix, key) as usize],
        }
    }

    /// Slots have moved.
    pub fn learn(&mut self, change: Change) {
        if let Placement::Slots(_, owners) = self {
            change.apply(owners);
        }
    }

    /// Somebody who was asked for `key` says that it is with `member`.
    pub fn moved(&mut self, key: u64, member: u16) {
        if let Placement::Slots(prefix, owners) = self {
            owners[slot_of(prefix, key) as usize] = member;
        }
    }

    /// Members have joined or left: these are there now, in order, at least one. Ranges, slots and
    /// what stands in a directory stay where they are until somebody moves them.
    pub fn members_are(&mut self, present: &[u16]) {
        match self {
            Placement::Hash(there) | Placement::Jump(there) | Placement::Rendezvous(there) => {
                *there = present.to_vec();
            }
            Placement::Remainder(there) | Placement::Directory(_, there) => {
                *there = present.to_vec()
            }
            Placement::Range(_) | Placement::Slots(..) => {}
        }
    }
}

fn remainder(key: u64, there: &[u16]) -> u16 {
    there[(key % there.len() as u64) as usize]
}

/// The share of the keys `0..keys` that have another member after than before.
pub fn share_moved(keys: u64, before: impl Fn(u64) -> u16, after: impl Fn(u64) -> u16) -> f64 {
    (0..keys).filter(|&key| before(key) != after(key)).count() as f64 / keys as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::ring::Ring;

    const KEYS: u64 = 100_000;

    fn all(members: u16) -> Vec<u16> {
        (0..members).collect()
    }

    /// What moves from 10 to 11 members, with a standard deviation of 0.1 % of 100 000 keys: 10/11
    /// by remainder, 1/11 by the others (B08); the ring's own points spread that by a fifth more.
    #[test]
    fn b08_keys_moved_when_a_member_is_added() {
        let grown = |mut placement: Placement| {
            let before = placement.clone();
            placement.members_are(&all(11));
            share_moved(KEYS, |key| before.member(key), |key| placement.member(key))
        };
        let near = |share: f64, expected: f64| assert!((share - expected).abs() < 0.004, "{share}");
        near(grown(Placement::Remainder(all(10))), 10.0 / 11.0);
        near(grown(Placement::Hash(all(10))), 10.0 / 11.0);
        near(grown(Placement::Directory(vec![], all(10))), 10.0 / 11.0);
        near(grown(Placement::Jump(all(10))), 1.0 / 11.0);
        near(grown(Placement::Rendezvous(all(10))), 1.0 / 11.0);
        assert_eq!(grown(Placement::slots("", 10)), 0.0);
        let ring = Ring::new(11, 160);
        let owner = |members: u16| {
            let ring = &ring;
            move |key| ring.member(key, |member| member < members).expect("somebody is there")
        };
        let moved = share_moved(KEYS, owner(10), owner(11));
        assert!((moved * 11.0 - 1.0).abs() < 0.25, "{moved}");
    }

    #[test]
    fn a_directory_knows_exceptions() {
        let mut directory = Placement::Directory(vec![(17, 3), (42, 0)], all(2));
        assert_eq!((directory.member(17), directory.member(42)), (3, 0));
        assert!((0..17).all(|key| directory.member(key) < 2));
        directory.members_are(&[1]);
        assert_eq!((directory.member(17), directory.member(18)), (3, 1));
    }

    /// foo's slot is 12182, with the third of three masters (10923 and up).
    #[test]
    fn slots_by_name() {
        assert_eq!(Placement::slots("foo{bar}", 3).member(5), 0); // slot 5061
        assert_eq!(Placement::slots("user:", 3).member(1), 1); // slot 10778
        assert_eq!(Placement::slots("order:", 3).member(50), 2); // slot 12928
    }
}
