//! A consistent-hash ring: each member has many points, a key belongs to the next point.

/// A ring of members.
#[derive(Clone, Debug)]
pub struct Ring {
    /// (place, member), by place.
    points: Vec<(u64, u16)>,
    /// The circle cut into as many equal arcs as there are points, or up to twice as many; of
    /// each, the first point in it or after it. A look-up begins there.
    arcs: Vec<u32>,
    /// A place shifted right by this is its arc.
    shift: u32,
}

/// A stable 64-bit hash that scatters neighbours (the finaliser of SplitMix64).
#[inline]
pub fn scatter(word: u64) -> u64 {
    let word = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

impl Ring {
    /// `virtual_nodes` points for each of `members` members. Panics if there are none.
    pub fn new(members: u16, virtual_nodes: u32) -> Ring {
        assert!(members > 0 && virtual_nodes > 0, "a ring needs points");
        let point = |member: u16, point: u32| {
            (scatter(scatter(u64::from(member)) ^ u64::from(point)), member)
        };
        let mut points: Vec<(u64, u16)> = (0..members)
            .flat_map(|member| (0..virtual_nodes).map(move |v| point(member, v)))
            .collect();
        points.sort_unstable();
        let bits = points.len().next_power_of_two().ilog2().max(1);
        let shift = 64 - bits;
        let first = |arc: u64| points.partition_point(|&(place, _)| place < arc << shift) as u32;
        let arcs = (0..1 << bits).map(first).collect();
        Ring { points, arcs, shift }
    }

    /// The first point at `place` or after it: its arc's first, and a step or two.
    #[inline]
    fn first(&self, place: u64) -> usize {
        let from = self.arcs[(place >> self.shift) as usize] as usize;
        from + self.points[from..].iter().take_while(|point| point.0 < place).count()
    }

    /// The member that `key` belongs to among those that `serves`; `None` if none does.
    pub fn member(&self, key: u64, mut serves: impl FnMut(u16) -> bool) -> Option<u16> {
        let start = self.first(scatter(key));
        let around = self.points[start..].iter().chain(&self.points[..start]);
        around.map(|&(_, member)| member).find(|&member| serves(member))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owners(ring: &Ring, serves: impl Fn(u16) -> bool + Copy) -> Vec<u16> {
        (0..30_000).map(|key| ring.member(key, serves).expect("somebody serves")).collect()
    }

    /// With v points a member, shares have a relative deviation of about 1/√v: 8 % at 150. Three
    /// deviations are allowed.
    #[test]
    fn shares_are_nearly_equal() {
        let ring = Ring::new(3, 150);
        let owners = owners(&ring, |_| true);
        for member in 0..3 {
            let share = owners.iter().filter(|&&owner| owner == member).count() as f64 / 10_000.0;
            assert!((share - 1.0).abs() < 3.0 / 150f64.sqrt(), "member {member}: {share}");
        }
    }

    #[test]
    fn a_lost_member_moves_its_own_keys_and_no_others() {
        let ring = Ring::new(4, 150);
        let (before, after) = (owners(&ring, |_| true), owners(&ring, |member| member != 2));
        for (was, is) in before.iter().zip(&after) {
            assert!(*is != 2 && (*was == 2 || was == is));
        }
    }

    /// The table of arcs finds what a search of all points finds, also past the last point.
    #[test]
    fn arcs_find_what_a_search_finds() {
        for (members, virtual_nodes) in [(1, 1), (2, 1), (3, 10), (1000, 150)] {
            let ring = Ring::new(members, virtual_nodes);
            let keys = (0..2000).map(scatter).chain([0, u64::MAX]);
            for place in keys {
                let searched = ring.points.partition_point(|point| point.0 < place);
                assert_eq!(ring.first(place), searched);
            }
        }
    }

    #[test]
    fn nobody_serves() {
        assert_eq!(Ring::new(2, 10).member(7, |_| false), None);
    }
}
