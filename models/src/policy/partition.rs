//! Which member of a group keeps a key: what shards and cache nodes are chosen by.

use std::rc::Rc;

use super::ring::Ring;
use crate::by::By;
use crate::key::KeyOf;
use crate::wiring::Wiring;

/// Points of one ring: these take 16 MB, and make the shares of a thousand members equal to 3 %.
const MOST_POINTS: u64 = 1_000_000;

impl By {
    /// The rule for `members` members; problems are reported at the present place.
    pub fn build(&self, members: u16, wiring: &mut Wiring<'_>) -> Option<Partition> {
        let key = KeyOf::named(self.key(), wiring)?;
        match *self {
            By::Ring { virtual_nodes, .. } => {
                Some(Partition::Ring(key, ring(members, virtual_nodes, wiring)?))
            }
            By::Modulo { .. } => Some(Partition::Modulo(key, members)),
            By::Murmur2 { partitions: 0, .. } => {
                wiring.problem("keys need at least one partition");
                None
            }
            By::Murmur2 { partitions, .. } => {
                let leaders = (0..partitions).map(|partition| partition % members);
                Some(Partition::Leaders(key, leaders.collect()))
            }
        }
    }
}

/// The ring of so many points, the same one for all who go by it; problems are reported at the
/// present place.
pub fn ring(members: u16, virtual_nodes: u32, wiring: &mut Wiring<'_>) -> Option<Rc<Ring>> {
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
    let ring = wiring.rings.entry((members, virtual_nodes));
    Some(ring.or_insert_with(|| Rc::new(Ring::new(members, virtual_nodes))).clone())
}

/// A rule that gives every key its member.
#[derive(Clone, Debug)]
pub enum Partition {
    /// A consistent-hash ring: a lost member's keys move to others.
    Ring(KeyOf, Rc<Ring>),
    /// Modulo: a lost member's keys have nowhere to go.
    Modulo(KeyOf, u16),
    /// Partitions, and the member that keeps each as far as is known.
    Leaders(KeyOf, Vec<u16>),
}
