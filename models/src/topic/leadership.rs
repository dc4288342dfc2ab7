//! Who leads a partition and who is in sync: what Kafka's controller knows.
//!
//! The controller quorum itself is not modelled: it is always there, and everybody knows at once
//! what it decided. Its decisions stand in a small table of the ledger, one row per partition, so
//! that all brokers read the same truth and no crash can lose it.

use engine::ledger::{Ledger, Statement, TableId, TableSpec, Verb};
use engine::{OpId, Request, Time};

/// The most replicas of a partition.
pub(super) const MOST_REPLICAS: u16 = 16;

/// Where the replicas of all partitions are, and the table with the controller's decisions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leadership {
    table: TableId,
    pub partitions: u16,
    pub brokers: u16,
    pub replication: u16,
}

/// The state of one partition. Replicas go by *slot*: slot 0 is the preferred leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// `None`: offline, because nobody who is in sync is there.
    pub leader: Option<u16>,
    /// One bit per slot.
    pub in_sync: u32,
}

impl State {
    /// All replicas in sync, the preferred one leading.
    pub(super) fn initial(replication: u16) -> State {
        State { leader: Some(0), in_sync: (1 << replication) - 1 }
    }

    pub(super) fn is_in_sync(self, slot: u16) -> bool {
        self.in_sync & 1 << slot != 0
    }

    /// Takes a replica out. The last one in sync stays, even if it is dead: it alone has all
    /// that was acknowledged. The next leader is the first in sync, in order of slots.
    pub(super) fn without(self, slot: u16) -> State {
        let left = self.in_sync & !(1 << slot);
        let deposed = self.leader == Some(slot);
        match (left, deposed) {
            (0, true) => State { leader: None, ..self },
            (0, false) => self,
            (_, true) => State { leader: Some(left.trailing_zeros() as u16), in_sync: left },
            (_, false) => State { in_sync: left, ..self },
        }
    }

    /// A replica has caught up.
    pub(super) fn with(self, slot: u16) -> State {
        State { in_sync: self.in_sync | 1 << slot, ..self }
    }

    /// Another leader.
    pub(super) fn led_by(self, slot: u16) -> State {
        State { leader: Some(slot), ..self }
    }

    /// A broker is back: if the partition waits for it, it leads.
    pub(super) fn returned(self, slot: u16) -> State {
        let leader = self.leader.or(self.is_in_sync(slot).then_some(slot));
        State { leader, ..self }
    }

    fn pack(self) -> i64 {
        i64::from(self.leader.map_or(0, |slot| slot + 1)) << 32 | i64::from(self.in_sync)
    }

    fn unpack(word: i64) -> State {
        let leader = ((word >> 32) as u16).checked_sub(1);
        State { leader, in_sync: word as u32 }
    }
}

impl Leadership {
    /// Partition `p` starts on broker `p mod brokers`, its other replicas on the next ones.
    pub(super) fn new(ledger: &mut Ledger, topic: &str, partitions: u16, on: (u16, u16)) -> Self {
        let (brokers, replication) = on;
        let value = State::initial(replication).pack();
        let spec = TableSpec { rows: Some(u64::from(partitions)), value };
        let table = ledger.table(&format!("__leaders.{topic}"), spec);
        Leadership { table, partitions, brokers, replication }
    }

    /// The broker of a slot.
    pub(super) fn member(&self, partition: u16, slot: u16) -> u16 {
        ((u32::from(partition) + u32::from(slot)) % u32::from(self.brokers)) as u16
    }

    /// The slot that a broker has in a partition, if any.
    pub(super) fn slot(&self, partition: u16, member: u16) -> Option<u16> {
        (0..self.replication).find(|slot| self.member(partition, *slot) == member)
    }

    /// What the controller has decided about a partition.
    pub(super) fn state(&self, ledger: &Ledger, partition: u16) -> State {
        let row = ledger.read(self.table, u64::from(partition)).expect("one row per partition");
        State::unpack(row.value)
    }

    /// The broker that leads.
    pub(super) fn leader(&self, ledger: &Ledger, partition: u16) -> Option<u16> {
        let leader = self.state(ledger, partition).leader;
        leader.map(|slot| self.member(partition, slot))
    }

    /// The controller decides.
    pub(super) fn decide(&self, ledger: &mut Ledger, partition: u16, state: State, now: Time) {
        if state == self.state(ledger, partition) {
            return;
        }
        let verb = Verb::Set { to: state.pack(), if_version: None };
        let set = Statement::Table { table: self.table, key: u64::from(partition), verb };
        ledger.apply(&[set], &Request::internal(OpId(0), now), now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(leader: Option<u16>, in_sync: u32) -> State {
        State { leader, in_sync }
    }

    #[test]
    fn leadership_moves_down_the_slots_and_the_last_in_sync_stays() {
        let all = State::initial(3);
        assert_eq!(all, state(Some(0), 0b111));
        assert_eq!(all.without(1), state(Some(0), 0b101));
        assert_eq!(all.without(0), state(Some(1), 0b110));
        let last = all.without(0).without(1);
        assert_eq!(last, state(Some(2), 0b100));
        let offline = last.without(2);
        assert_eq!(offline, state(None, 0b100));
        assert_eq!(offline.returned(0), offline, "it does not have everything");
        assert_eq!(offline.without(0), offline, "nor does this change anything");
        assert_eq!(offline.returned(2).with(0), state(Some(2), 0b101));
    }

    #[test]
    fn a_state_survives_the_ledger() {
        let mut ledger = Ledger::new();
        let leaders = Leadership::new(&mut ledger, "orders", 5, (4, 3));
        assert_eq!(leaders.state(&ledger, 4), state(Some(0), 0b111));
        for wanted in [state(None, 0b100), state(Some(2), 0b110), state(Some(0), 1)] {
            leaders.decide(&mut ledger, 4, wanted, Time::ZERO);
            assert_eq!(leaders.state(&ledger, 4), wanted);
        }
        assert_eq!(leaders.leader(&ledger, 3), Some(3));
        assert_eq!((0..3).map(|slot| leaders.member(3, slot)).collect::<Vec<_>>(), [3, 0, 1]);
        assert_eq!((leaders.slot(3, 1), leaders.slot(3, 2)), (Some(2), None));
    }
}
