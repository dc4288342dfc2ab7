//! Which member of a group keeps a key: what shards and cache nodes are chosen by.

use super::ring::Ring;
use crate::by::By;
use crate::key::KeyOf;
use crate::wiring::Wiring;

impl By {
    /// The rule for `members` members; problems are reported at the present place.
    pub fn build(&self, members: u16, wiring: &mut Wiring<'_>) -> Option<Partition> {
        let key = KeyOf::named(self.key(), wiring)?;
        match *self {
            By::Ring { virtual_nodes: 0, .. } => {
                wiring.problem("a ring needs at least one virtual node per member");
                None
            }
            By::Ring { virtual_nodes, .. } => {
                Some(Partition::Ring(key, Ring::new(members, virtual_nodes)))
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

/// A rule that gives every key its member.
#[derive(Clone, Debug)]
pub enum Partition {
    /// A consistent-hash ring: a lost member's keys move to others.
    Ring(KeyOf, Ring),
    /// Modulo: a lost member's keys have nowhere to go.
    Modulo(KeyOf, u16),
    /// Partitions, and the member that keeps each as far as is known.
    Leaders(KeyOf, Vec<u16>),
}
