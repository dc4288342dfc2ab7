//! Logs that are in the memory of one component: what its crash takes, and what had got away.
//!
//! A cache that writes behind has acknowledged what its store has yet to see. A crash takes all of
//! it but for what was on its way and had been written; of what was still on its way, nobody knows
//! until it is written, or never.

use super::{Ledger, LogId};
use crate::group::ComponentId;

/// What `group` has not committed of `log` dies with `owner`.
#[derive(Clone)]
pub(super) struct Volatile {
    log: LogId,
    group: u16,
    owner: ComponentId,
}

/// Records of a volatile log that are being written elsewhere.
#[derive(Clone)]
pub(super) struct Promise {
    root: u64,
    log: LogId,
    records: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// They are written; their owner has yet to learn of it.
    Kept,
    /// Their owner has crashed meanwhile: they count as lost, until they are written after all.
    Doubted,
}

impl Ledger {
    /// What `group` has not committed of `log` is in the memory of `owner` only: its crash
    /// truncates the log, at that instant.
    pub fn volatile(&mut self, log: LogId, group: u16, owner: ComponentId) {
        self.volatile.push(Volatile { log, group, owner });
    }

    /// The owner of `log` begins to write `records` of it elsewhere on behalf of `root`. They
    /// outlive its crash if anything is written for this root then or later, to a table or to
    /// another log; the first such write stands for all of them.
    pub fn promise(&mut self, log: LogId, root: u64, records: u64) {
        let at = self.promises.partition_point(|promise| promise.root <= root);
        self.promises.insert(at, Promise { root, log, records, state: State::Open });
    }

    /// The owner knows how that went.
    pub fn promise_over(&mut self, log: LogId, root: u64) {
        let mine = |it: &Promise| it.log == log && it.state != State::Doubted;
        // Of several for one root, one that is kept.
        let of_root = self.of_root(root);
        let kept = of_root
            .clone()
            .find(|at| mine(&self.promises[*at]) && self.promises[*at].state == State::Kept);
        if let Some(at) = kept.or(of_root.clone().find(|at| mine(&self.promises[*at]))) {
            self.promises.remove(at);
        }
    }

    /// Records of `log` come to nothing although nothing crashed: given up for lack of room, or
    /// refused where they should go. Counted as lost; they keep their places.
    pub fn give_up(&mut self, log: LogId, records: u64) {
        self.logs[log.0 as usize].lost += records;
    }

    /// A component has crashed.
    pub(crate) fn crashed(&mut self, owner: ComponentId) {
        for at in 0..self.volatile.len() {
            let Volatile { log, group, owner: whose } = self.volatile[at];
            if whose != owner {
                continue;
            }
            let mut safe = self.logs[log.0 as usize].committed(group);
            for promise in self.promises.iter_mut().filter(|promise| promise.log == log) {
                match promise.state {
                    State::Kept => safe += promise.records,
                    _ => promise.state = State::Doubted,
                }
            }
            self.promises.retain(|it| it.log != log || it.state == State::Doubted);
            self.logs[log.0 as usize].commit(group, safe);
            self.logs[log.0 as usize].truncate(safe);
        }
    }

    /// Something was written for `root`, to `log` if that is given.
    pub(super) fn wrote(&mut self, root: u64, log: Option<LogId>) {
        let waits = |it: &Promise| it.state != State::Kept && Some(it.log) != log;
        let Some(at) = self.of_root(root).find(|at| waits(&self.promises[*at])) else { return };
        match self.promises[at].state {
            State::Doubted => {
                let Promise { log, records, .. } = self.promises.remove(at);
                self.logs[log.0 as usize].lost -= records;
            }
            _ => self.promises[at].state = State::Kept,
        }
    }

    /// The places of the promises for `root`.
    fn of_root(&self, root: u64) -> std::ops::Range<usize> {
        let from = self.promises.partition_point(|promise| promise.root < root);
        from..self.promises.partition_point(|promise| promise.root <= root)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Ledger, Statement, TableSpec, Verb};
    use super::*;
    use crate::call::{OpId, Request};
    use crate::time::Time;

    const OWNER: ComponentId = ComponentId(7);

    fn by(root: u64) -> Request {
        Request { root, ..Request::internal(OpId(0), Time::ZERO) }
    }

    /// A log of five records whose owner may crash, and a table.
    fn stage() -> (Ledger, LogId, Statement) {
        let mut ledger = Ledger::new();
        let (log, table) = (ledger.log("behind"), ledger.table("item", TableSpec::default()));
        let group = ledger.join(log, "cache");
        ledger.volatile(log, group, OWNER);
        for root in 1..=5 {
            ledger.append(log, by(root));
        }
        (ledger, log, Statement::Table { table, key: 1, verb: Verb::Put { n: 1 } })
    }

    fn lost_and_lag(ledger: &Ledger) -> (u64, u64) {
        let record = &ledger.log_records()["behind"];
        (record.lost, record.lag["cache"])
    }

    #[test]
    fn a_crash_takes_what_is_not_committed_and_only_its_owner_can() {
        let (mut ledger, log, _) = stage();
        ledger.commit(log, 0, 2);
        ledger.crashed(ComponentId(8));
        assert_eq!(lost_and_lag(&ledger), (0, 3));
        ledger.crashed(OWNER);
        assert_eq!(lost_and_lag(&ledger), (3, 0));
        ledger.crashed(OWNER);
        assert_eq!(lost_and_lag(&ledger), (3, 0), "there is nothing left to lose");
    }

    /// Of five, two are written when it crashes, two on their way (of which the store gets one, for
    /// user 3, later), and one waits: 3 are lost at first, 2 in the end.
    #[test]
    fn what_was_on_its_way_is_lost_until_it_gets_there() {
        let (mut ledger, log, write) = stage();
        for (root, records) in [(1, 2), (3, 1), (4, 1)] {
            ledger.promise(log, root, records);
        }
        ledger.apply(&[write], &by(1), Time::ZERO);
        ledger.apply(&[write], &by(1), Time::ZERO);
        ledger.apply(&[write], &by(9), Time::ZERO);
        ledger.crashed(OWNER);
        assert_eq!(lost_and_lag(&ledger), (3, 0));
        ledger.apply(&[write], &by(3), Time::ZERO);
        ledger.apply(&[write], &by(3), Time::ZERO);
        assert_eq!(lost_and_lag(&ledger), (2, 0), "once only");
    }

    /// Reading, being denied, and writing to the very log keep no promise; and one whose end the
    /// owner knows is none any more.
    #[test]
    fn only_what_is_written_elsewhere_counts() {
        let (mut ledger, log, write) = stage();
        ledger.promise(log, 1, 1);
        let Statement::Table { table, key, .. } = write else { unreachable!() };
        let say = |verb| Statement::Table { table, key, verb };
        ledger.apply(&[say(Verb::Take { n: 1 })], &by(1), Time::ZERO);
        ledger.apply(&[write], &by(2), Time::ZERO);
        ledger.apply(&[say(Verb::Get)], &by(1), Time::ZERO);
        ledger.append(log, by(1));
        ledger.promise(log, 2, 1);
        ledger.apply(&[write], &by(2), Time::ZERO);
        ledger.promise_over(log, 2);
        ledger.commit(log, 0, 1);
        ledger.crashed(OWNER);
        assert_eq!(lost_and_lag(&ledger), (5, 0), "six, and one is committed");
    }

    #[test]
    fn what_is_given_up_is_lost_without_a_crash() {
        let (mut ledger, log, _) = stage();
        ledger.give_up(log, 2);
        ledger.commit(log, 0, 5);
        assert_eq!(lost_and_lag(&ledger), (2, 0));
    }
}
