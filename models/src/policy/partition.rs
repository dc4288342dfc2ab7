//! Which member of a group keeps a key: what shards and cache nodes are chosen by.

use std::rc::Rc;

use super::placement::Placement;
use super::placement::ketama::ketama;
use super::placement::ranges::{KeyRange, Ranges, check_ranges, check_split};
use super::ring::Ring;
use crate::by::{By, Home};
use crate::key::KeyOf;
use crate::wiring::Wiring;

/// Points of one ring: these take 16 MB, and make the shares of a thousand members equal to 3 %.
const MOST_POINTS: u64 = 1_000_000;

/// Reports too few or too many points at the present place.
fn points(members: u16, virtual_nodes: u32, wiring: &mut Wiring<'_>) -> Option<()> {
    if virtual_nodes == 0 {
        wiring.problem("a ring needs at least one virtual node per member");
        return None;
    }
    let most = MOST_POINTS / u64::from(members.max(1));
    if u64::from(virtual_nodes) > most {
        let help = format!("{members} members share at most {MOST_POINTS} virtual nodes");
        let message = format!("{virtual_nodes} virtual nodes per member; at most {most}");
        wiring.problem_with(message, Some(help));
        return None;
    }
    Some(())
}

/// The ring of so many points, the same one for all who go by it; problems are reported at the
/// present place.
pub fn ring(members: u16, virtual_nodes: u32, wiring: &mut Wiring<'_>) -> Option<Rc<Ring>> {
    points(members, virtual_nodes, wiring)?;
    let ring = wiring.rings.entry((members, virtual_nodes));
    Some(ring.or_insert_with(|| Rc::new(Ring::new(members, virtual_nodes))).clone())
}

/// A rule that gives every key its member.
#[derive(Clone, Debug)]
pub enum Partition {
    /// A consistent-hash ring: a lost member's keys move to others.
    Ring(KeyOf, Rc<Ring>),
    /// The same with libmemcached's points: places of keys are MD5 digests.
    Ketama(KeyOf, Ring),
    /// Modulo: a lost member's keys have nowhere to go.
    Modulo(KeyOf, u16),
    /// Partitions, and the member that keeps each as far as is known.
    Leaders(KeyOf, Vec<u16>),
    /// Any other rule; a lost member's keys have nowhere to go.
    Placed(KeyOf, Placement),
}

impl By {
    /// The rule for `members` members, at least one; problems are reported at the present place.
    pub fn build(&self, members: u16, wiring: &mut Wiring<'_>) -> Option<Partition> {
        let key = KeyOf::named(self.key(), wiring)?;
        let all = || (0..members).collect();
        let placement = match self {
            By::Ring { virtual_nodes, weights, .. } if weights.is_empty() => {
                return Some(Partition::Ring(key, ring(members, *virtual_nodes, wiring)?));
            }
            By::Ring { virtual_nodes, weights, .. } => {
                points(members, *virtual_nodes, wiring)?;
                let weights = weighed(weights, members, wiring)?;
                let points: Vec<u32> =
                    weights.iter().map(|weight| weight * virtual_nodes).collect();
                return Some(Partition::Ring(key, Rc::new(Ring::weighted(&points))));
            }
            By::Ketama { weights, .. } => {
                let weights = weighed(weights, members, wiring)?;
                let hosts: Vec<String> = (0..members).map(|node| format!("node-{node}")).collect();
                let hosts = hosts.iter().map(String::as_str).zip(weights);
                return Some(Partition::Ketama(key, ketama(hosts)));
            }
            By::Modulo { .. } => return Some(Partition::Modulo(key, members)),
            By::Murmur2 { partitions: 0, .. } => {
                wiring.problem("keys need at least one partition");
                return None;
            }
            By::Murmur2 { partitions, .. } => {
                let leaders = (0..*partitions).map(|partition| partition % members);
                return Some(Partition::Leaders(key, leaders.collect()));
            }
            By::Hash { .. } => Placement::Hash(all()),
            By::Jump { .. } => Placement::Jump(all()),
            By::Rendezvous { .. } => Placement::Rendezvous(all()),
            By::Range { each, below, ranges, .. } => {
                Placement::Range(ranged(*each, below, ranges, members, wiring)?)
            }
            By::Directory { homes, .. } => {
                Placement::Directory(known(homes, members, wiring)?, all())
            }
            By::Slots { prefix, over, .. } => {
                let over = over.unwrap_or(members);
                if !(1..=members).contains(&over) {
                    let message = format!("slots are over 1 to {members} members");
                    wiring.at_name("over", |w| w.problem(message));
                    return None;
                }
                Placement::slots(prefix, over)
            }
        };
        Some(Partition::Placed(key, placement))
    }
}

/// One weight per member: those given, or 1 for everybody.
fn weighed(weights: &[u32], members: u16, wiring: &mut Wiring<'_>) -> Option<Vec<u32>> {
    if weights.is_empty() {
        return Some(vec![1; members.into()]);
    }
    let known = wiring.problems.len();
    wiring.at_name("weights", |wiring| {
        for (place, weight) in weights.iter().enumerate() {
            if !(1..=1000).contains(weight) {
                wiring.at_index(place, |w| w.problem("a weight is 1 to 1000"));
            }
        }
        if weights.len() != usize::from(members) {
            wiring.problem(format!("{} weights for {members} members", weights.len()));
        }
    });
    (wiring.problems.len() == known).then(|| weights.to_vec())
}

fn ranged(
    each: Option<u64>,
    below: &[u64],
    ranges: &[KeyRange],
    members: u16,
    wiring: &mut Wiring<'_>,
) -> Option<Ranges> {
    match (each, below, ranges) {
        (Some(0), [], []) => {
            wiring.at_name("each", |w| w.problem("each shard keeps at least one key"));
            None
        }
        (Some(each), [], []) => {
            let below: Vec<u64> = (1..u64::from(members)).map(|n| n.saturating_mul(each)).collect();
            Some(Ranges::split(&below))
        }
        (None, [], []) => {
            let help = Some("each: 100_000".to_string());
            wiring.problem_with("which keys a shard keeps is not said", help);
            None
        }
        (None, below, []) => {
            let sound = wiring.at_name("below", |w| check_split(below, members, w));
            sound.then(|| Ranges::split(below))
        }
        (None, [], ranges) => {
            let sound = wiring.at_name("ranges", |w| check_ranges(ranges, members, w));
            sound.then(|| Ranges::of(ranges))
        }
        _ => {
            wiring.problem("one of `each`, `below` and `ranges` says it all");
            None
        }
    }
}

fn known(homes: &[Home], members: u16, wiring: &mut Wiring<'_>) -> Option<Vec<(u64, u16)>> {
    let before = wiring.problems.len();
    let mut known: Vec<(u64, u16)> = Vec::new();
    wiring.at_name("homes", |wiring| {
        for (place, Home { key, on }) in homes.iter().enumerate() {
            if *on >= members {
                let message = format!("there is no shard {on}: there are {members}");
                wiring.at_index(place, |w| w.at_name("on", |w| w.problem(message)));
            }
            if known.iter().any(|(other, _)| other == key) {
                wiring.at_index(place, |w| w.problem(format!("key {key} has a home already")));
            }
            known.push((*key, *on));
        }
    });
    known.sort_unstable();
    (wiring.problems.len() == before).then_some(known)
}
