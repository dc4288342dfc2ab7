//! The ledger: the values of the simulated world, in tables and logs.
//!
//! It lives in the kernel, apart from the components, so that what is stale, lost, doubled or
//! oversold is observed by somebody who knows the truth. Components decide *when* a statement
//! takes effect; here it takes no time and never fails, it is done or denied.

mod books;
mod draft;
mod history;
mod log;
mod statement;
mod table;
mod transaction;
mod volatile;

use crate::call::{Answer, Outcome, Request};
use crate::time::Time;

use history::History;
use log::Log;
use statement::Effect;
use table::Table;
use volatile::{Promise, Volatile};

pub use draft::Draft;
pub use log::LogId;
pub use statement::{Statement, Verb};
pub use table::{Row, RowState, TableId, TableSpec};

/// A position in the order of all transactions that wrote something; the first is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lsn(pub u64);

/// A table or a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Store {
    /// A table.
    Table(TableId),
    /// A log.
    Log(LogId),
}

/// Names somebody who lags behind: see [`Ledger::follow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FollowerId(pub u16);

#[derive(Clone)]
struct Follower {
    seen: Lsn,
    stores: Vec<Store>,
}

/// One thing that a transaction did, while it may yet be denied.
#[derive(Clone, Copy)]
enum Step {
    /// It found `before`, and leaves `value`.
    Row {
        table: TableId,
        key: u64,
        before: Option<Row>,
        value: i64,
    },
    Append(LogId),
}

/// All tables and logs of a run.
#[derive(Clone, Default)]
pub struct Ledger {
    tables: Vec<Table>,
    logs: Vec<Log>,
    followers: Vec<Follower>,
    position: Lsn,
    /// Of the transaction under way; empty between transactions.
    steps: Vec<Step>,
    expired: Vec<(TableId, u64)>,
    volatile: Vec<Volatile>,
    /// In the order of their roots.
    promises: Vec<Promise>,
}

impl Ledger {
    /// No tables, no logs.
    pub fn new() -> Ledger {
        Ledger::default()
    }

    /// Adds a table. Several may share a name: shards of one table.
    pub fn table(&mut self, name: &str, spec: TableSpec) -> TableId {
        let id = u16::try_from(self.tables.len()).expect("more than 65536 tables");
        self.tables.push(Table::new(name, spec));
        TableId(id)
    }

    /// The table of this name, if there is one; of several, the first.
    pub fn find(&self, name: &str) -> Option<TableId> {
        let at = self.tables.iter().position(|table| table.name == name)?;
        Some(TableId(at as u16))
    }

    /// The logs of this name, in the order in which they were added.
    pub fn find_logs(&self, name: &str) -> Vec<LogId> {
        let named = |(_, log): &(usize, &Log)| log.name == name;
        self.logs.iter().enumerate().filter(named).map(|(at, _)| LogId(at as u16)).collect()
    }

    /// Adds a log. Several may share a name: partitions of one topic.
    pub fn log(&mut self, name: &str) -> LogId {
        let id = u16::try_from(self.logs.len()).expect("more than 65536 logs");
        self.logs.push(Log::new(name));
        LogId(id)
    }

    /// The rows that the last [`Ledger::apply`] freed because their holds had run out.
    pub fn expired(&self) -> &[(TableId, u64)] {
        &self.expired
    }

    /// The row as it is.
    pub fn read(&self, table: TableId, key: u64) -> Option<Row> {
        self.tables[table.0 as usize].get(key)
    }

    /// The row as it was at `position`, which a follower of the table must not have passed.
    pub fn read_as_of(&self, table: TableId, key: u64, position: Lsn) -> Option<Row> {
        self.tables[table.0 as usize].get_as_of(key, position)
    }

    /// What a page or a scan finds in `table` as it was at `position`: how many rows. A follower of
    /// the table must not have passed that. Counted as stale if there are others now.
    pub fn list_as_of(&mut self, table: TableId, key: u64, verb: Verb, position: Lsn) -> Answer {
        let table = &mut self.tables[table.0 as usize];
        let then = table.list_as_of(key, verb, position);
        table.stale += u64::from(then != table.list(key, verb));
        Answer::done(then as i64)
    }

    /// Whether somebody who was given `version` of a row (0: that there is none) was told the
    /// past: it was written since, or the row was lost. Counted.
    pub fn stale(&mut self, table: TableId, key: u64, version: u32) -> bool {
        let table = &mut self.tables[table.0 as usize];
        let stale = table.get(key).map_or(version > 0, |row| version < row.version);
        table.stale += u64::from(stale);
        stale
    }

    /// How many rows `table` has.
    pub fn rows(&self, table: TableId) -> u64 {
        self.tables[table.0 as usize].len()
    }

    /// How many of them are in `state`.
    pub fn rows_in(&self, table: TableId, state: RowState) -> u64 {
        self.tables[table.0 as usize].in_state(state)
    }

    /// The last transaction that wrote something.
    pub fn position(&self) -> Lsn {
        self.position
    }

    /// Somebody who will want the past of `stores`: a replica that applies writes late, or a disk
    /// that syncs now and then. It has seen everything up to now; from here on undo is kept.
    pub fn follow(&mut self, stores: &[Store]) -> FollowerId {
        let id = u16::try_from(self.followers.len()).expect("more than 65536 followers");
        self.followers.push(Follower { seen: self.position, stores: stores.to_vec() });
        stores.iter().for_each(|store| self.release_undo(*store));
        FollowerId(id)
    }

    /// The follower has seen (or made safe) everything up to `position`; never backwards.
    pub fn advance(&mut self, follower: FollowerId, position: Lsn) {
        let entry = &mut self.followers[follower.0 as usize];
        entry.seen = entry.seen.max(position);
        for at in 0..self.followers[follower.0 as usize].stores.len() {
            self.release_undo(self.followers[follower.0 as usize].stores[at]);
        }
    }

    /// How far the follower has come.
    pub fn seen(&self, follower: FollowerId) -> Lsn {
        self.followers[follower.0 as usize].seen
    }

    /// Undoes what was written to the follower's stores after it last advanced: a tail that was
    /// not synced, the promotion of a replica that lagged. Gives how many writes and records;
    /// counted. Those after `told`, of which nobody has heard, are no loss.
    pub fn lose(&mut self, follower: FollowerId, told: Lsn) -> u64 {
        let Follower { seen, ref stores } = self.followers[follower.0 as usize];
        let mut lost = 0;
        for store in stores {
            lost += match *store {
                Store::Table(table) => self.tables[table.0 as usize].lose(seen, told),
                Store::Log(log) => self.logs[log.0 as usize].lose(seen, told),
            };
        }
        lost
    }

    /// The memory that a table was kept in is gone: it is as at the start. Gives how many rows
    /// that had been written are gone; counted. Not for tables that somebody follows.
    pub fn wipe(&mut self, table: TableId) -> u64 {
        self.tables[table.0 as usize].wipe()
    }

    /// Appends one record, outside a transaction; its offset.
    pub fn append(&mut self, log: LogId, record: Request) -> u64 {
        let offset = self.put_record(log, &record).value;
        self.settle();
        if !self.promises.is_empty() {
            self.wrote(record.root, Some(log));
        }
        offset as u64
    }

    /// The record at `offset`, if it has been written and is still kept.
    pub fn record(&self, log: LogId, offset: u64) -> Option<Request> {
        self.logs[log.0 as usize].get(offset)
    }

    /// The offset of the oldest record kept.
    pub fn first(&self, log: LogId) -> u64 {
        self.logs[log.0 as usize].first()
    }

    /// The offset of the next record to be appended.
    pub fn end(&self, log: LogId) -> u64 {
        self.logs[log.0 as usize].end()
    }

    /// A crash or a promotion lost the records from `offset` on. Gives how many; counted.
    pub fn truncate(&mut self, log: LogId, offset: u64) -> u64 {
        self.logs[log.0 as usize].truncate(offset)
    }

    /// Records before `offset` are not wanted any more, whoever has not read them.
    pub fn trim(&mut self, log: LogId, before: u64) {
        self.logs[log.0 as usize].trim(before);
    }

    /// From now on the log keeps its newest `records`, read or not.
    pub fn retain(&mut self, log: LogId, records: u64) {
        self.logs[log.0 as usize].retention = Some(records);
    }

    /// A group of readers of the log, by name; the same name gives the same number. It reads from
    /// the oldest record kept. **A log without readers, followers and retention keeps only its
    /// length**, so groups join before the run begins.
    pub fn join(&mut self, log: LogId, group: &str) -> u16 {
        self.logs[log.0 as usize].join(group)
    }

    /// `group` is done with the records before `offset`, durably. May go backwards, as far as
    /// records are kept; beyond the end (the records may have been lost since) means the end.
    pub fn commit(&mut self, log: LogId, group: u16, offset: u64) {
        self.logs[log.0 as usize].commit(group, offset);
    }

    /// The first offset that `group` has not committed and that is still kept.
    pub fn committed(&self, log: LogId, group: u16) -> u64 {
        self.logs[log.0 as usize].committed(group)
    }

    /// Records written and not yet committed by `group`.
    pub fn lag(&self, log: LogId, group: u16) -> u64 {
        self.end(log) - self.committed(log, group)
    }

    fn do_verb(&mut self, id: TableId, key: u64, verb: Verb, by: &Request, now: Time) -> Answer {
        let table = &mut self.tables[id.0 as usize];
        match verb {
            Verb::Expire { limit } => return self.expire(id, limit, now),
            Verb::Page { .. } | Verb::Scan => return Answer::done(table.list(key, verb) as i64),
            _ => {}
        }
        let (before, effect) = table.change(key, verb, by, now);
        let (row, outcome) = match effect {
            Effect::Denied => (before, Outcome::Denied),
            Effect::Read(row) => (Some(row), Outcome::Done),
            Effect::Write(row) => {
                self.note(id, key, before, row.value);
                (Some(row), Outcome::Done)
            }
        };
        let (value, version) = row.map_or((0, 0), |row| (row.value, row.version));
        Answer { value, version, outcome, more: false }
    }

    /// Remembers a write; of several to one row, what the first found and the last leaves.
    fn note(&mut self, id: TableId, at: u64, before: Option<Row>, left: i64) {
        for step in &mut self.steps {
            if let Step::Row { table, key, value, .. } = step
                && (*table, *key) == (id, at)
            {
                *value = left;
                return;
            }
        }
        self.steps.push(Step::Row { table: id, key: at, before, value: left });
    }

    fn expire(&mut self, id: TableId, limit: u32, now: Time) -> Answer {
        let table = &mut self.tables[id.0 as usize];
        let mut freed = 0;
        while let Some(key) = table.overdue(now).filter(|_| freed < limit) {
            let row = table.get(key).expect("a deadline belongs to a row");
            table.replace(key, Some(row.freed().written()));
            // Not noted as other writes are: that would look through all the others.
            self.steps.push(Step::Row { table: id, key, before: Some(row), value: row.value });
            self.expired.push((id, key));
            freed += 1;
        }
        Answer::done(i64::from(freed))
    }

    fn put_record(&mut self, log: LogId, record: &Request) -> Answer {
        let lsn = Lsn(self.position.0 + 1);
        let offset = self.logs[log.0 as usize].push(lsn, *record);
        self.steps.push(Step::Append(log));
        Answer::done(offset as i64)
    }

    fn roll_back(&mut self) {
        self.expired.clear();
        while let Some(step) = self.steps.pop() {
            match step {
                Step::Row { table, key, before, .. } => {
                    self.tables[table.0 as usize].replace(key, before);
                }
                Step::Append(log) => self.logs[log.0 as usize].unpush(),
            }
        }
    }

    /// The transaction stands.
    fn settle(&mut self) {
        if self.steps.is_empty() {
            return;
        }
        self.position.0 += 1;
        for step in self.steps.drain(..) {
            match step {
                Step::Row { table, key, before, value } => {
                    self.tables[table.0 as usize].settle(key, before, value, self.position);
                }
                Step::Append(log) => self.logs[log.0 as usize].release(),
            }
        }
    }

    /// Drops the undo that no follower of `store` can want.
    fn release_undo(&mut self, store: Store) {
        let followers = self.followers.iter().filter(|f| f.stores.contains(&store));
        let floor = followers.map(|f| f.seen).min().expect("its follower asked");
        match store {
            Store::Table(table) => {
                let table = &mut self.tables[table.0 as usize];
                let rows = table.len();
                table.history.get_or_insert_with(|| History::new(rows)).trim(floor);
            }
            Store::Log(log) => {
                let log = &mut self.logs[log.0 as usize];
                log.floor = Some(floor);
                log.release();
            }
        }
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_past;
#[cfg(test)]
mod tests_random;
