//! Which member of a group keeps a key: what shards and cache nodes are chosen by.

use std::rc::Rc;

use super::balance::Balance;
use super::check::check_weights;
use super::placement::Placement;
use super::placement::ketama::{digests, ketama};
use super::placement::ranges::{KeyRange, Ranges, check_ranges, check_split};
use super::ring::{Ring, RingKind};
use crate::by::{By, Home};
use crate::key::KeyOf;
use crate::wiring::Wiring;

/// Points of one ring: these take 16 MB, and make the shares of a thousand members equal to 3 %.
const MOST_POINTS: u64 = 1_000_000;

/// The ring on which members have these multiples of so many points, the same one for all who go
/// by it; problems are reported at the field `virtual_nodes` of the present place.
pub fn ring(weights: Vec<u32>, virtual_nodes: u32, wiring: &mut Wiring<'_>) -> Option<Rc<Ring>> {
    let shares: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    let most = MOST_POINTS / shares.max(1);
    let problem = match u64::from(virtual_nodes) {
        0 => Some(("a ring needs at least one virtual node per member".to_string(), None)),
        wanted if wanted > most => {
            let message = format!("{wanted} virtual nodes per member; at most {most}");
            let help = match weights.iter().any(|weight| *weight > 1) {
                true => format!("weights of {shares} in all share {MOST_POINTS} virtual nodes"),
                false => format!("{shares} members share at most {MOST_POINTS} virtual nodes"),
            };
            Some((message, Some(help)))
        }
        _ => None,
    };
    if let Some((message, help)) = problem {
        wiring.at_name("virtual_nodes", |w| w.problem_with(message, help));
        return None;
    }
    let points: Vec<u32> = weights.iter().map(|weight| weight * virtual_nodes).collect();
    let new = || Rc::new(Ring::weighted(&points));
    Some(wiring.rings.entry((RingKind::Scattered, points.clone())).or_insert_with(new).clone())
}

/// libmemcached's ring of so many members, likewise; a problem with a weight of which no point is
/// left is reported at its place.
fn ketama_ring(weights: &[u32], wiring: &mut Wiring<'_>) -> Option<Rc<Ring>> {
    let digests = digests(weights);
    if let Some(place) = digests.iter().position(|digests| *digests == 0) {
        let message = "of this weight no point is left: it is below 1/40 of the average";
        wiring.at_name("weights", |w| w.at_index(place, |w| w.problem(message)));
        return None;
    }
    let new = || {
        let hosts: Vec<String> = (0..digests.len()).map(|node| format!("node-{node}")).collect();
        Rc::new(ketama(hosts.iter().map(String::as_str).zip(digests.iter().copied())))
    };
    Some(wiring.rings.entry((RingKind::Ketama, digests.clone())).or_insert_with(new).clone())
}

impl By {
    /// The rule for `members` members, at least one; problems are reported at the present place.
    pub fn build(&self, members: u16, wiring: &mut Wiring<'_>) -> Option<Balance> {
        let key = KeyOf::named(self.key(), wiring)?;
        let all = || (0..members).collect();
        let placement = match self {
            By::Ring { virtual_nodes, weights, .. } => {
                let weights = weighed(weights, members, wiring)?;
                return Some(Balance::Ring(key, ring(weights, *virtual_nodes, wiring)?));
            }
            By::Ketama { weights, .. } => {
                let weights = weighed(weights, members, wiring)?;
                return Some(Balance::Ring(key, ketama_ring(&weights, wiring)?));
            }
            By::Modulo { .. } => return Some(Balance::Modulo(key, members)),
            By::Murmur2 { partitions: 0, .. } => {
                wiring.at_name("partitions", |w| w.problem("keys need at least one partition"));
                return None;
            }
            By::Murmur2 { partitions, .. } => {
                let leaders = (0..*partitions).map(|partition| partition % members);
                return Some(Balance::Leaders(key, leaders.collect()));
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
        Some(Balance::Placed(key, Box::new(placement)))
    }
}

/// One weight per member: those given, or 1 for everybody.
fn weighed(weights: &[u32], members: u16, wiring: &mut Wiring<'_>) -> Option<Vec<u32>> {
    if weights.is_empty() {
        return Some(vec![1; members.into()]);
    }
    let known = wiring.problems.len();
    wiring.at_name("weights", |w| check_weights(weights, 1000, Some(members), w));
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
