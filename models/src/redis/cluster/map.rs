//! Whose slots are whose, and which replica follows whom. What has been decided stands in a log of
//! the ledger that nodes and clients read on from where they were, so that no crash loses it; the
//! gossip that spreads it takes no time here.

use engine::ledger::{Ledger, LogId};
use engine::{OpId, Request, Time};

use crate::policy::placement::slots::{Change, even_split};
use crate::wiring::Wiring;

/// The log of the changes of a cluster's map.
pub(crate) fn log_of(cluster: &str, wiring: &mut Wiring<'_>) -> LogId {
    let log = wiring.log(&format!("__slots.{cluster}"), 0);
    wiring.builder.ledger().retain(log, 1 << 40);
    log
}

/// The next change that a reader has not seen.
pub(crate) fn next_change(ledger: &Ledger, log: LogId, read: &mut u64) -> Option<Change> {
    let record = ledger.record(log, *read)?;
    *read += 1;
    Some(Change::unpack(record.draws))
}

/// The map as one node has it.
#[derive(Clone, Debug)]
pub(super) struct Map {
    log: LogId,
    read: u64,
    owners: Vec<u16>,
    /// How many slots each member has.
    slots: Vec<u16>,
    /// The master of each member; a master's is itself.
    follows: Vec<u16>,
}

impl Map {
    /// `masters` of which the first `serving` share the slots, each with so many replicas: replica
    /// `j` of master `i` is member `masters × (j + 1) + i`.
    pub(super) fn new(log: LogId, masters: u16, replicas: u16, serving: u16) -> Map {
        let members = masters * (1 + replicas);
        let owners = even_split(serving);
        let mut slots = vec![0; members.into()];
        owners.iter().for_each(|owner| slots[*owner as usize] += 1);
        let follows = (0..members).map(|member| member % masters).collect();
        Map { log, read: 0, owners, slots, follows }
    }

    /// Learns the next change, if there is one.
    pub(super) fn learn(&mut self, ledger: &Ledger) -> Option<Change> {
        let change = next_change(ledger, self.log, &mut self.read)?;
        self.apply(change);
        Some(change)
    }

    fn apply(&mut self, change: Change) {
        match change {
            Change::Moved { slot, to } => {
                self.slots[self.owners[slot as usize] as usize] -= 1;
                self.slots[to as usize] += 1;
            }
            Change::TookOver { from, to, .. } => {
                self.slots[to as usize] = std::mem::take(&mut self.slots[from as usize]);
                let theirs = self.follows.iter_mut().filter(|master| **master == from);
                theirs.for_each(|master| *master = to);
                self.follows[to as usize] = to;
            }
        }
        change.apply(&mut self.owners);
    }

    /// Makes a change known to all who read on, itself among them.
    pub(super) fn announce(&self, change: Change, ledger: &mut Ledger, now: Time) {
        let record = Request { draws: change.pack(), ..Request::internal(OpId(0), now) };
        ledger.append(self.log, record);
    }

    pub(super) fn owner(&self, slot: u16) -> u16 {
        self.owners[slot as usize]
    }

    /// Whether it has slots, and so a vote.
    pub(super) fn serves(&self, member: u16) -> bool {
        self.slots[member as usize] > 0
    }

    /// How many have.
    pub(super) fn serving(&self) -> u16 {
        self.slots.iter().filter(|slots| **slots > 0).count() as u16
    }

    /// Whom a replica follows; `None`: it is a master.
    pub(super) fn follows(&self, member: u16) -> Option<u16> {
        Some(self.follows[member as usize]).filter(|master| *master != member)
    }

    /// Who follows a master.
    pub(super) fn replicas(&self, master: u16) -> impl Iterator<Item = u16> {
        let theirs = move |(member, of): &(usize, &u16)| **of == master && *member as u16 != master;
        self.follows.iter().enumerate().filter(theirs).map(|(member, _)| member as u16)
    }

    /// The last slot of a member, if it has any.
    pub(super) fn last_slot(&self, member: u16) -> Option<u16> {
        self.owners.iter().rposition(|owner| *owner == member).map(|slot| slot as u16)
    }

    pub(super) fn members(&self) -> u16 {
        self.follows.len() as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three masters with two replicas each: 0, 1, 2, then 3, 4, 5 and 6, 7, 8. Replica 4 of master
    /// 1 takes over: the others follow it, the old master too.
    #[test]
    fn a_replica_takes_over() {
        let mut ledger = Ledger::new();
        let log = ledger.log("__slots.it");
        ledger.retain(log, 1 << 40);
        let map = Map::new(log, 3, 2, 3);
        let other = map.clone();
        assert_eq!((map.follows(4), map.follows(7), map.follows(1)), (Some(1), Some(1), None));
        assert_eq!(map.replicas(1).collect::<Vec<_>>(), [4, 7]);
        map.announce(Change::TookOver { from: 1, to: 4, writes: 0 }, &mut ledger, Time::ZERO);
        map.announce(Change::Moved { slot: 5461, to: 0 }, &mut ledger, Time::ZERO);
        for mut map in [map, other] {
            while map.learn(&ledger).is_some() {}
            assert_eq!(map.replicas(4).collect::<Vec<_>>(), [1, 7]);
            assert_eq!((map.owner(5461), map.owner(5462), map.serves(1)), (0, 4, false));
            assert_eq!((map.serving(), map.last_slot(4)), (3, Some(10_922)));
            assert_eq!((map.slots[0], map.slots[4]), (5462, 5461));
        }
    }

    #[test]
    fn a_master_may_begin_without_slots() {
        let mut ledger = Ledger::new();
        let map = Map::new(ledger.log("__slots.it"), 4, 0, 3);
        assert_eq!((map.serving(), map.serves(3), map.last_slot(3)), (3, false, None));
    }
}
