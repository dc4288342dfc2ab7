//! What the rows of a table were before their latest writes.
//!
//! Kept only while somebody lags behind: a replica that reads the past, or a disk whose tail is
//! not yet safe. Trimmed at the slowest of them.

use std::collections::{BTreeMap, VecDeque};

use super::Lsn;
use super::table::Row;

/// The undo of one table: at most one entry per key and transaction.
#[derive(Clone, Default)]
pub(super) struct History {
    /// What a key was before a transaction wrote it.
    before: BTreeMap<(u64, Lsn), Option<Row>>,
    /// The same entries in the order in which they were written.
    order: VecDeque<(Lsn, u64)>,
    /// What was written up to here cannot be undone any more.
    floor: Lsn,
}

impl History {
    /// Transaction `lsn` found `before` under `key`. Of several writes in one transaction the
    /// first counts.
    pub(super) fn push(&mut self, lsn: Lsn, key: u64, before: Option<Row>) {
        let order = &mut self.order;
        self.before.entry((key, lsn)).or_insert_with(|| {
            order.push_back((lsn, key));
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

    /// Takes the newest entry out, if it is later than `after`.
    pub(super) fn pop(&mut self, after: Lsn) -> Option<(Lsn, u64, Option<Row>)> {
        let (lsn, key) = *self.order.back().filter(|(lsn, _)| *lsn > after)?;
        self.order.pop_back();
        let before = self.before.remove(&(key, lsn)).expect("both hold the same entries");
        Some((lsn, key, before))
    }

    /// Nobody asks for anything before `floor` any more.
    pub(super) fn trim(&mut self, floor: Lsn) {
        self.floor = floor;
        while let Some((lsn, key)) = self.order.front().copied().filter(|(lsn, _)| *lsn <= floor) {
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
