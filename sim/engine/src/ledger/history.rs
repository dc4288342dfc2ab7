//! What the rows of a table were before their latest writes.
//!
//! Kept only while somebody lags behind: a replica that reads the past, or a disk whose tail is
//! not yet safe. Trimmed at the slowest of them.

use std::collections::{BTreeMap, VecDeque};

use super::Lsn;
use super::table::Row;

/// The undo of one table: at most one entry per key and transaction.
#[derive(Clone)]
pub(super) struct History {
    /// What a key was before a transaction wrote it.
    before: BTreeMap<(u64, Lsn), Option<Row>>,
    /// The same entries in the order in which they were written, and how many rows there were
    /// before each.
    order: VecDeque<(Lsn, u64, u64)>,
    /// How many rows there are after the last of them.
    rows: u64,
    /// What was written up to here cannot be undone any more.
    floor: Lsn,
}

impl History {
    /// Of a table that has so many rows.
    pub(super) fn new(rows: u64) -> History {
        History { before: BTreeMap::new(), order: VecDeque::new(), rows, floor: Lsn(0) }
    }

    /// Transaction `lsn` found `before` under `key`. Of several writes in one transaction the
    /// first counts.
    pub(super) fn push(&mut self, lsn: Lsn, key: u64, before: Option<Row>) {
        let (order, rows) = (&mut self.order, &mut self.rows);
        self.before.entry((key, lsn)).or_insert_with(|| {
            order.push_back((lsn, key, *rows));
            *rows += u64::from(before.is_none());
            before
        });
    }

    /// What was under `key` when `lsn` was the last that had been written; `None` if nothing was
    /// written there since.
    pub(super) fn before(&self, key: u64, lsn: Lsn) -> Option<Option<Row>> {
        assert!(lsn >= self.floor, "asked for a past that every follower has left behind");
        let later = (key, Lsn(lsn.0 + 1))..=(key, Lsn(u64::MAX));
        self.before.range(later).next().map(|(_, before)| *before)
    }

    /// How many rows there were when `lsn` was the last that had been written; `None` if nothing
    /// was written since.
    pub(super) fn rows_at(&self, lsn: Lsn) -> Option<u64> {
        let later = self.order.partition_point(|(written, ..)| *written <= lsn);
        self.order.get(later).map(|(_, _, rows)| *rows)
    }

    /// Takes the newest entry out, if it is later than `after`.
    pub(super) fn pop(&mut self, after: Lsn) -> Option<(Lsn, u64, Option<Row>)> {
        let (lsn, key, rows) = *self.order.back().filter(|(lsn, ..)| *lsn > after)?;
        self.order.pop_back();
        self.rows = rows;
        let before = self.before.remove(&(key, lsn)).expect("both hold the same entries");
        Some((lsn, key, before))
    }

    /// Nobody asks for anything before `floor` any more.
    pub(super) fn trim(&mut self, floor: Lsn) {
        self.floor = floor;
        while let Some((lsn, key, _)) = self.order.front().copied().filter(|at| at.0 <= floor) {
            self.order.pop_front();
            self.before.remove(&(key, lsn));
        }
    }

    /// How many entries are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.before.len(), self.order.len());
        self.order.len()
    }
}
