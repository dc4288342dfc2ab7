//! A log: requests by value, appended at the end, read by offset.
//!
//! One form serves a partition, an outbox, a WAL, an event store and a retry topic. Records carry
//! the request itself, so that root, birth and draws travel on. Memory holds only what somebody
//! may still want: a record goes when every reader group has committed it and every follower has
//! it too, or when it is beyond the retention.

use std::collections::VecDeque;

use super::Lsn;
use crate::call::Request;
use crate::record::LogRecord;

/// Names a log of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogId(pub u16);

#[derive(Clone)]
struct Entry {
    lsn: Lsn,
    request: Request,
}

/// A reader group: its offset is the first record that it has not committed.
#[derive(Clone)]
struct Group {
    name: String,
    committed: u64,
}

#[derive(Clone)]
pub(super) struct Log {
    pub(super) name: String,
    entries: VecDeque<Entry>,
    first: u64,
    groups: Vec<Group>,
    /// With a number: keeps the newest so many, whoever has or has not read them.
    pub(super) retention: Option<u64>,
    /// Somebody who may have to undo, or has not copied yet, has seen up to here.
    pub(super) floor: Option<Lsn>,
    appended: u64,
    pub(super) lost: u64,
}

impl Log {
    pub(super) fn new(name: &str) -> Log {
        Log {
            name: name.to_owned(),
            entries: VecDeque::new(),
            first: 0,
            groups: Vec::new(),
            retention: None,
            floor: None,
            appended: 0,
            lost: 0,
        }
    }

    pub(super) fn first(&self) -> u64 {
        self.first
    }

    pub(super) fn end(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    pub(super) fn get(&self, offset: u64) -> Option<Request> {
        let at = offset.checked_sub(self.first)?;
        self.entries.get(at as usize).map(|entry| entry.request)
    }

    pub(super) fn push(&mut self, lsn: Lsn, request: Request) -> u64 {
        self.entries.push_back(Entry { lsn, request });
        self.appended += 1;
        self.end() - 1
    }

    /// Takes back the newest record of a transaction that came to nothing.
    pub(super) fn unpush(&mut self) {
        self.entries.pop_back();
        self.appended -= 1;
    }

    /// The number of the group of this name, which joins at the first record still there.
    pub(super) fn join(&mut self, name: &str) -> u16 {
        let known = self.groups.iter().position(|group| group.name == name);
        let at = known.unwrap_or_else(|| {
            self.groups.push(Group { name: name.to_owned(), committed: self.first });
            self.groups.len() - 1
        });
        at as u16
    }

    pub(super) fn committed(&self, group: u16) -> u64 {
        self.groups[group as usize].committed.max(self.first)
    }

    pub(super) fn commit(&mut self, group: u16, offset: u64) {
        self.groups[group as usize].committed = offset.clamp(self.first, self.end());
        self.release();
    }

    /// Drops what nobody may want any more.
    pub(super) fn release(&mut self) {
        let end = self.end();
        let from = match self.retention {
            Some(keep) => end.saturating_sub(keep),
            None => self.groups.iter().map(|group| group.committed).min().unwrap_or(end),
        };
        self.trim(from);
    }

    /// Drops the records before `offset`, as far as no follower still needs them.
    pub(super) fn trim(&mut self, offset: u64) {
        let floor = self.floor;
        while let Some(entry) = self.entries.front() {
            if self.first >= offset || floor.is_some_and(|seen| entry.lsn > seen) {
                break;
            }
            self.entries.pop_front();
            self.first += 1;
        }
    }

    /// The records from `offset` on are lost; how many. Groups that had committed them start
    /// again at the new end.
    pub(super) fn truncate(&mut self, offset: u64) -> u64 {
        let lost = self.end().saturating_sub(offset);
        self.entries.truncate(offset.saturating_sub(self.first) as usize);
        self.first = self.first.min(offset);
        let end = self.end();
        self.groups.iter_mut().for_each(|group| group.committed = group.committed.min(end));
        self.lost += lost;
        lost
    }

    /// Truncates what was appended after `after`, as far as it is still here. What was appended
    /// after `told` nobody has heard of: it is not lost.
    pub(super) fn lose(&mut self, after: Lsn, told: Lsn) -> u64 {
        let up_to = |lsn: Lsn| self.entries.partition_point(|entry| entry.lsn <= lsn) as u64;
        let (kept, told) = (up_to(after), up_to(told));
        let unheard = self.end() - self.first - told.max(kept);
        let lost = self.truncate(self.first + kept) - unheard;
        self.lost -= unheard;
        lost
    }

    /// Adds this log's numbers to a record, which may span several partitions.
    pub(super) fn add_to(&self, record: &mut LogRecord) {
        record.appended += self.appended;
        record.lost += self.lost;
        for (group, at) in self.groups.iter().zip(0..) {
            let lag = self.end() - self.committed(at);
            *record.lag.entry(group.name.clone()).or_default() += lag;
        }
    }
}
