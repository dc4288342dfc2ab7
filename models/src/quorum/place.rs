//! Which nodes keep a row: those next on the ring, of different zones while there are any.

use std::rc::Rc;

use crate::policy::ring::Ring;

/// Replicas of a row at most.
pub const MOST_REPLICAS: usize = 8;
/// Nodes of a store at most: sets of them are words of 64 bits.
pub const MOST_NODES: u16 = 64;

/// Where rows are, as Cassandra's NetworkTopologyStrategy places them with zones for racks.
#[derive(Clone)]
pub struct Places {
    ring: Rc<Ring>,
    /// Each node's zone, by number.
    zones: Rc<[u16]>,
    /// How many zones there are.
    different: u32,
    replicas: u8,
}

/// The nodes that keep a row; the first of them comes first on the ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replicas {
    members: [u16; MOST_REPLICAS],
    count: u8,
}

impl Replicas {
    /// How many there are.
    pub fn len(&self) -> u8 {
        self.count
    }

    /// Which node is at this place.
    pub fn member(&self, place: u8) -> u16 {
        self.members[usize::from(place)]
    }
}

impl Places {
    /// On this ring of nodes, each in the zone of that number, so many replicas, which are not
    /// more than the nodes.
    pub fn new(ring: Rc<Ring>, zones: Vec<u16>, replicas: u8) -> Places {
        let different = zones.iter().fold(0u64, |set, zone| set | bit(*zone)).count_ones();
        Places { ring, zones: zones.into(), different, replicas }
    }

    /// Whether two nodes are in the same zone.
    pub fn near(&self, one: u16, other: u16) -> bool {
        self.zones[usize::from(one)] == self.zones[usize::from(other)]
    }

    /// Who keeps `key`.
    pub fn of(&self, key: u64) -> Replicas {
        let mut replicas = Replicas::default();
        let (mut taken, mut zones) = (0u64, 0u64);
        while replicas.count < self.replicas {
            let elsewhere = zones.count_ones() < self.different;
            let zone = |member: u16| bit(self.zones[usize::from(member)]);
            let fits =
                |member: u16| taken & bit(member) == 0 && !(elsewhere && zones & zone(member) != 0);
            let next = self.ring.member(key, fits).expect("there are as many nodes as replicas");
            (taken, zones) = (taken | bit(next), zones | zone(next));
            replicas.members[usize::from(replicas.count)] = next;
            replicas.count += 1;
        }
        replicas
    }
}

fn bit(number: u16) -> u64 {
    1 << (number % MOST_NODES)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points at 10, 20 … of nodes 0, 1, 2, 3, in this order around the ring.
    fn places(zones: [u16; 4], replicas: u8) -> Places {
        let points = (0..4).map(|node| (u64::from(node) << 62 | 1 << 61, node)).collect();
        Places::new(Rc::new(Ring::of(points)), zones.to_vec(), replicas)
    }

    fn members(replicas: Replicas) -> Vec<u16> {
        (0..replicas.len()).map(|place| replicas.member(place)).collect()
    }

    /// Node n is followed by n + 1 …: in zones a a b b, the second replica of a row of node 0 is
    /// node 2, the next of another zone, and the third node 1, the next of all.
    #[test]
    fn replicas_are_next_on_the_ring_and_of_other_zones_first() {
        let mut seen = [false; 4];
        for key in 0..100 {
            let plain = members(places([0; 4], 3).of(key));
            let first = plain[0];
            assert_eq!(plain, [first, (first + 1) % 4, (first + 2) % 4]);
            let zoned = members(places([0, 0, 1, 1], 3).of(key));
            let expected = match first {
                0 => [0, 2, 1],
                1 => [1, 2, 3],
                2 => [2, 0, 3],
                _ => [3, 0, 1],
            };
            assert_eq!(zoned, expected);
            seen[usize::from(first)] = true;
        }
        assert_eq!(seen, [true; 4]);
        assert_eq!(members(places([0, 1, 2, 3], 4).of(7)).len(), 4);
    }
}
