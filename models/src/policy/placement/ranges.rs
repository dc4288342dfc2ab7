//! Placement by ranges of keys: scans are cheap, and whoever writes in ascending order writes to
//! the last range.

use serde::Deserialize;

use crate::wiring::Wiring;

/// One range of keys, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRange {
    /// The first key.
    pub from: u64,
    /// The last key. Default: no end.
    #[serde(default)]
    pub to: Option<u64>,
    /// Which member keeps them, from 0.
    pub on: u16,
}

/// Ranges in ascending order, without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranges {
    /// The first key of each but the first, which begins at 0.
    starts: Vec<u64>,
    members: Vec<u16>,
}

impl Ranges {
    /// Member `i` keeps what is below `below[i]` and not below the one before; the last member
    /// the rest.
    pub fn split(below: &[u64]) -> Ranges {
        Ranges { starts: below.to_vec(), members: (0..=below.len() as u16).collect() }
    }

    /// Ranges that [`check_ranges`] has found sound.
    pub fn of(ranges: &[KeyRange]) -> Ranges {
        let mut ranges = ranges.to_vec();
        ranges.sort_by_key(|range| range.from);
        Ranges {
            starts: ranges.iter().skip(1).map(|range| range.from).collect(),
            members: ranges.iter().map(|range| range.on).collect(),
        }
    }

    /// The member that keeps `key`.
    #[inline]
    pub fn member(&self, key: u64) -> u16 {
        self.members[self.starts.partition_point(|start| *start <= key)]
    }
}

/// Reports split points that do not ascend, or that are not one fewer than `members`, at the
/// present place; whether they are sound.
pub fn check_split(below: &[u64], members: u16, wiring: &mut Wiring<'_>) -> bool {
    if below.len() + 1 != usize::from(members) {
        let message = format!("{members} shards need {} split points", members - 1);
        let help = "each shard keeps what is below its split point, the last one the rest";
        wiring.problem_with(message, Some(help.into()));
        return false;
    }
    let at = (1..below.len()).find(|&at| below[at] <= below[at - 1]);
    let at = at.or((below.first() == Some(&0)).then_some(0));
    if let Some(at) = at {
        wiring.at_index(at, |w| w.problem("split points ascend from above 0: no key is left here"));
    }
    at.is_none()
}

/// Reports ranges that leave a gap, that overlap, or that are nobody's, each at its place; whether
/// they are sound.
pub fn check_ranges(ranges: &[KeyRange], members: u16, wiring: &mut Wiring<'_>) -> bool {
    let known = wiring.problems.len();
    for (place, range) in ranges.iter().enumerate() {
        if range.on >= members {
            let message = format!("there is no shard {}: there are {members}", range.on);
            wiring.at_index(place, |w| w.at_name("on", |w| w.problem(message)));
        }
        if range.to.is_some_and(|to| to < range.from) {
            wiring.at_index(place, |w| w.problem("a range ends before it begins"));
            return false;
        }
    }
    let mut order: Vec<usize> = (0..ranges.len()).collect();
    order.sort_by_key(|place| ranges[*place].from);
    // The first key that no range before has; none, if one of them has no end.
    let mut next = Some(0);
    for place in order {
        let range = ranges[place];
        wiring.at_index(place, |wiring| border(next, range.from, wiring));
        next = next.zip(range.to).map(|(next, to)| next.max(to.saturating_add(1)));
    }
    if let Some(next) = next {
        let help = "leave out `to` in the last range".to_string();
        wiring.problem_with(format!("a gap: nobody keeps keys from {next} on"), Some(help));
    }
    wiring.problems.len() == known
}

fn border(next: Option<u64>, from: u64, wiring: &mut Wiring<'_>) {
    match next {
        Some(next) if next < from => {
            let message = format!("a gap: nobody keeps keys {next} to {}", from - 1);
            wiring.problem_with(message, Some(format!("from: {next}")));
        }
        Some(next) if next == from => {}
        _ => {
            let help = next.map(|next| format!("from: {next}"));
            wiring.problem_with("this range overlaps the one before it", help);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Up to 1000, up to 2000, up to 3000, the rest: a split point is the first key of the next.
    #[test]
    fn split_points() {
        let ranges = Ranges::split(&[1001, 2001, 3001]);
        let members = [0, 1000, 1001, 2000, 2001, 3000, 3001, u64::MAX].map(|k| ranges.member(k));
        assert_eq!(members, [0, 0, 1, 1, 2, 2, 3, 3]);
        assert_eq!(Ranges::split(&[]).member(7), 0);
    }

    #[test]
    fn ranges_in_any_order() {
        let range = |from, to, on| KeyRange { from, to, on };
        let ranges =
            Ranges::of(&[range(100, None, 0), range(0, Some(9), 2), range(10, Some(99), 1)]);
        assert_eq!([0, 9, 10, 99, 100].map(|key| ranges.member(key)), [2, 2, 1, 1, 0]);
    }
}
