//! A table: rows by key, with everything that is asked about all of them kept up to date on
//! every write, so that gauges, sweeps and invariants never scan.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::Lsn;
use super::history::History;
use super::statement::{Effect, Verb};
use crate::call::Request;
use crate::record::TableRecord;
use crate::time::{Span, Time};

/// Names a table of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableId(pub u16);

/// What a table is like at the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableSpec {
    /// With a number: keys `0..rows` exist from the start, and no others ever. Without: rows come
    /// to be as they are written.
    pub rows: Option<u64>,
    /// The value of the rows that exist from the start.
    pub value: i64,
}

/// What has become of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum RowState {
    /// To be had.
    Free,
    /// Somebody's until a deadline.
    Held,
    /// Somebody's for good.
    Sold,
    /// Made during the run, and never claimed yet; to be had like a free one.
    Present,
}

impl RowState {
    /// How many there are.
    pub const COUNT: usize = 4;
    /// All of them, in the order of their numbers.
    pub const ALL: [RowState; RowState::COUNT] =
        [RowState::Free, RowState::Held, RowState::Sold, RowState::Present];

    /// The name in reports and checks.
    pub fn name(self) -> &'static str {
        match self {
            RowState::Free => "free",
            RowState::Held => "held",
            RowState::Sold => "sold",
            RowState::Present => "present",
        }
    }
}

/// One row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// A number: stock, balance, anything.
    pub value: i64,
    /// The root of the request that holds or bought it; 0 if nobody does.
    pub owner: u64,
    /// When a hold runs out.
    pub until: Time,
    /// How often it was written; 0 for a row as it was at the start.
    pub version: u32,
    /// What has become of it. A hold that ran out stays `Held` until it is swept, freed or
    /// claimed by another.
    pub state: RowState,
}

impl Row {
    /// A row that nobody has touched.
    pub(super) fn new(value: i64, state: RowState) -> Row {
        Row { value, owner: 0, until: Time::ZERO, version: 0, state }
    }

    pub(super) fn is_taken(&self) -> bool {
        matches!(self.state, RowState::Held | RowState::Sold)
    }

    pub(super) fn plus(self, n: i64) -> Row {
        Row { value: self.value.saturating_add(n), ..self }
    }

    pub(super) fn freed(self) -> Row {
        Row { owner: 0, until: Time::ZERO, state: RowState::Free, ..self }
    }

    /// Held by `root` from `now` on, if it can be had. Work that no user asked for (root 0) never
    /// counts as the holder: two sweepers are not one.
    pub(super) fn claim(self, root: u64, now: Time, hold: Span) -> Option<Row> {
        let to_be_had = match self.state {
            RowState::Free | RowState::Present => true,
            RowState::Held => self.until <= now || (self.owner == root && root != 0),
            RowState::Sold => false,
        };
        to_be_had.then_some(Row { owner: root, until: now + hold, state: RowState::Held, ..self })
    }

    /// The same, one version later.
    pub(super) fn written(self) -> Row {
        Row { version: self.version + 1, ..self }
    }
}

/// Where the rows are: by place if all keys are known, else by key.
#[derive(Clone)]
enum Rows {
    Dense(Vec<Row>),
    Sparse(BTreeMap<u64, Row>),
}

/// Rows, and what is known about all of them.
#[derive(Clone)]
pub(super) struct Table {
    pub(super) name: String,
    rows: Rows,
    /// What the rows that exist from the start began with.
    initial: i64,
    states: [u64; RowState::COUNT],
    sum: i128,
    /// Lowest and highest value that a finished transaction ever left in a row.
    extremes: Option<(i64, i64)>,
    /// Held rows by when their hold runs out.
    deadlines: BTreeSet<(Time, u64)>,
    pub(super) stale: u64,
    lost: u64,
    pub(super) history: Option<History>,
}

impl Table {
    pub(super) fn new(name: &str, spec: TableSpec) -> Table {
        let count = spec.rows.unwrap_or(0);
        let mut states = [0; RowState::COUNT];
        states[RowState::Free as usize] = count;
        Table {
            name: name.to_owned(),
            rows: match spec.rows {
                None => Rows::Sparse(BTreeMap::new()),
                Some(_) => Rows::Dense(vec![Row::new(spec.value, RowState::Free); count as usize]),
            },
            initial: spec.value,
            states,
            sum: i128::from(spec.value) * i128::from(count),
            extremes: (count > 0).then_some((spec.value, spec.value)),
            deadlines: BTreeSet::new(),
            stale: 0,
            lost: 0,
            history: None,
        }
    }

    pub(super) fn get(&self, key: u64) -> Option<Row> {
        match &self.rows {
            Rows::Dense(rows) => rows.get(key as usize).copied(),
            Rows::Sparse(rows) => rows.get(&key).copied(),
        }
    }

    /// Does `verb` to the row under `key`: what was there, and what became of it. One way down the
    /// tree for the look and the write.
    pub(super) fn change(
        &mut self,
        key: u64,
        verb: Verb,
        by: &Request,
        now: Time,
    ) -> (Option<Row>, Effect) {
        let (before, effect) = match &mut self.rows {
            Rows::Dense(rows) => match rows.get_mut(key as usize) {
                None => return (None, Effect::Denied),
                Some(row) => {
                    let before = Some(*row);
                    (before, verb.effect(before, by, now).written_to(|new| *row = new))
                }
            },
            Rows::Sparse(rows) => match rows.entry(key) {
                Entry::Vacant(place) => {
                    (None, verb.effect(None, by, now).written_to(|new| _ = place.insert(new)))
                }
                Entry::Occupied(mut place) => {
                    let before = Some(*place.get());
                    let write = |new| _ = place.insert(new);
                    (before, verb.effect(before, by, now).written_to(write))
                }
            },
        };
        if let Effect::Write(after) = effect {
            self.count(key, before, Some(after));
        }
        (before, effect)
    }

    /// Puts `row` (or nothing) under `key` and gives what was there.
    pub(super) fn replace(&mut self, key: u64, row: Option<Row>) -> Option<Row> {
        let before = match (&mut self.rows, row) {
            (Rows::Dense(rows), Some(row)) => Some(std::mem::replace(&mut rows[key as usize], row)),
            (Rows::Dense(_), None) => unreachable!("a dense table never loses a row"),
            (Rows::Sparse(rows), Some(row)) => rows.insert(key, row),
            (Rows::Sparse(rows), None) => rows.remove(&key),
        };
        self.count(key, before, row);
        before
    }

    /// Keeps up what is known about all rows.
    fn count(&mut self, key: u64, before: Option<Row>, after: Option<Row>) {
        if let Some(old) = before {
            self.states[old.state as usize] -= 1;
            self.sum -= i128::from(old.value);
            if old.state == RowState::Held {
                self.deadlines.remove(&(old.until, key));
            }
        }
        if let Some(new) = after {
            self.states[new.state as usize] += 1;
            self.sum += i128::from(new.value);
            if new.state == RowState::Held {
                self.deadlines.insert((new.until, key));
            }
        }
    }

    /// A transaction found `before` under `key` and leaves `value` there.
    pub(super) fn settle(&mut self, key: u64, before: Option<Row>, value: i64, lsn: Lsn) {
        let (low, high) = self.extremes.unwrap_or((value, value));
        self.extremes = Some((low.min(value), high.max(value)));
        if let Some(history) = &mut self.history {
            history.push(lsn, key, before);
        }
    }

    /// The row whose hold ran out first, if that was by `now`.
    pub(super) fn overdue(&self, now: Time) -> Option<u64> {
        self.deadlines.first().filter(|(until, _)| *until <= now).map(|(_, key)| *key)
    }

    /// How many rows exist.
    pub(super) fn len(&self) -> u64 {
        self.states.iter().sum()
    }

    /// How many rows are in `state`.
    pub(super) fn in_state(&self, state: RowState) -> u64 {
        self.states[state as usize]
    }

    /// How many rows a page or a scan finds.
    pub(super) fn list(&self, key: u64, verb: Verb) -> u64 {
        self.find(key, verb, self.len(), |_| true)
    }

    /// The same, if there were also rows under the keys `new`.
    pub(super) fn list_with(&self, key: u64, verb: Verb, new: impl Iterator<Item = u64>) -> u64 {
        let (mut more, mut later) = (0, 0);
        for at in new {
            more += 1;
            later += u64::from(at >= key);
        }
        match verb {
            Verb::Page { limit, after: None } => (self.list(key, verb) + later).min(limit.into()),
            _ => self.find(key, verb, self.len() + more, |_| true),
        }
    }

    /// The same as it was when `lsn` had been written and nothing later.
    pub(super) fn list_as_of(&self, key: u64, verb: Verb, lsn: Lsn) -> u64 {
        let then = self.history.as_ref().and_then(|history| history.rows_at(lsn));
        let rows = then.unwrap_or(self.len());
        self.find(key, verb, rows, |key| self.get_as_of(key, lsn).is_some())
    }

    /// How many of `rows`, which are those that `are_there`, a page or a scan finds.
    fn find(&self, key: u64, verb: Verb, rows: u64, are_there: impl Fn(u64) -> bool) -> u64 {
        let Verb::Page { limit, after } = verb else { return rows };
        let most = u64::from(limit);
        match (after, &self.rows) {
            (Some(after), _) => rows.saturating_sub(after).min(most),
            (None, Rows::Dense(_)) => rows.saturating_sub(key).min(most),
            (None, Rows::Sparse(rows)) => {
                let there = rows.range(key..).filter(|(key, _)| are_there(**key));
                there.take(limit as usize).count() as u64
            }
        }
    }

    /// Whether no other rows than those that it began with can be.
    pub(super) fn is_dense(&self) -> bool {
        matches!(self.rows, Rows::Dense(_))
    }

    /// How many rows, `limit` at most, are held by whose hold has run out by `now`.
    pub(super) fn count_overdue(&self, now: Time, limit: u32) -> u64 {
        self.deadlines.range(..=(now, u64::MAX)).take(limit as usize).count() as u64
    }

    /// All keys, in order.
    pub(super) fn keys(&self) -> Box<dyn Iterator<Item = u64> + '_> {
        match &self.rows {
            Rows::Dense(rows) => Box::new(0..rows.len() as u64),
            Rows::Sparse(rows) => Box::new(rows.keys().copied()),
        }
    }

    /// As it was when `lsn` had been written and nothing later.
    pub(super) fn get_as_of(&self, key: u64, lsn: Lsn) -> Option<Row> {
        match self.history.as_ref().and_then(|history| history.before(key, lsn)) {
            Some(before) => before,
            None => self.get(key),
        }
    }

    /// It was in memory, and the memory is gone: as at the start. Rows that are there again get
    /// the next version, so that who read them before holds a stale one. Gives how many rows that
    /// had been written are gone; counted.
    pub(super) fn wipe(&mut self) -> u64 {
        let keys: Vec<u64> = self.keys().collect();
        let mut lost = 0;
        for key in keys {
            let Some(row) = self.get(key).filter(|row| row.version > 0) else { continue };
            let fresh = Row { version: row.version + 1, ..Row::new(self.initial, RowState::Free) };
            self.replace(key, self.is_dense().then_some(fresh));
            lost += 1;
        }
        self.lost += lost;
        lost
    }

    /// Undoes all writes after `lsn`, newest first; how many there were up to `told`. What is
    /// restored gets the next version instead of its old one: who read a lost write then holds a
    /// stale version, as it should.
    pub(super) fn lose(&mut self, after: Lsn, told: Lsn) -> u64 {
        let mut lost = 0;
        while let Some((lsn, key, before)) = self.history.as_mut().and_then(|h| h.pop(after)) {
            let version = self.get(key).map_or(0, |row| row.version + 1);
            self.replace(key, before.map(|row| Row { version, ..row }));
            lost += u64::from(lsn <= told);
        }
        self.lost += lost;
        lost
    }

    /// Adds this table's numbers to a record, which may span several parts of one table.
    pub(super) fn add_to(&self, record: &mut TableRecord) {
        let first = record.rows == 0;
        record.rows += self.len();
        for state in RowState::ALL {
            let count = self.in_state(state);
            if count > 0 {
                *record.states.entry(state.name().to_owned()).or_default() += count;
            }
        }
        if let Some((low, high)) = self.extremes {
            record.low = if first { low } else { record.low.min(low) };
            record.high = if first { high } else { record.high.max(high) };
        }
        let sum = i128::from(record.sum) + self.sum;
        record.sum = sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64;
        record.stale += self.stale;
        record.lost += self.lost;
    }
}
