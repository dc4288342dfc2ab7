//! Random transactions against a model that keeps a whole copy of everything at every position.

use std::collections::BTreeMap;

use super::*;
use crate::call::OpId;
use crate::record::TableRecord;
use crate::time::Span;

const KEYS: u64 = 12;

/// A small generator: the story only has to be varied.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % n
    }

    fn verb(&mut self) -> Verb {
        let n = self.below(6) as i64 - 1;
        match self.below(10) {
            0 => Verb::Get,
            1 => Verb::Set { to: n, if_version: Some(self.below(4) as u32) },
            2 => Verb::Take { n },
            3 => Verb::Put { n },
            4 => Verb::Add { n },
            5 => Verb::Insert { value: n },
            6 => Verb::Confirm,
            7 => Verb::Free,
            8 => Verb::Expire { limit: self.below(3) as u32 },
            _ => Verb::Claim { hold: Span(self.below(40)) },
        }
    }
}

type Rows = BTreeMap<u64, Row>;

fn rows(ledger: &Ledger, table: TableId) -> Rows {
    (0..KEYS).filter_map(|key| Some((key, ledger.read(table, key)?))).collect()
}

/// What is kept up on every write, counted afresh.
fn check(ledger: &Ledger, table: TableId, now: Time) {
    let rows = rows(ledger, table);
    for state in RowState::ALL {
        let count = rows.values().filter(|row| row.state == state).count() as u64;
        assert_eq!(ledger.rows_in(table, state), count);
    }
    let table = &ledger.tables[table.0 as usize];
    let sum: i64 = rows.values().map(|row| row.value).sum();
    let mut record = TableRecord::default();
    table.add_to(&mut record);
    assert_eq!((record.sum, record.rows), (sum, rows.len() as u64));
    assert!(rows.values().all(|row| record.low <= row.value && row.value <= record.high));
    let due = rows.iter().filter(|(_, row)| row.state == RowState::Held && row.until <= now);
    let first = due.min_by_key(|(key, row)| (row.until, **key)).map(|(key, _)| *key);
    assert_eq!(table.overdue(now), first);
}

/// Both tables, and where the log ends.
type Everything = (Rows, Rows, u64);

struct Story {
    ledger: Ledger,
    dense: TableId,
    sparse: TableId,
    log: LogId,
    /// It lags behind, and sometimes loses what it has not seen.
    disk: FollowerId,
    past: BTreeMap<Lsn, Everything>,
}

impl Story {
    fn new() -> Story {
        let mut ledger = Ledger::new();
        let dense = ledger.table("dense", TableSpec { rows: Some(KEYS), value: 3 });
        let sparse = ledger.table("sparse", TableSpec::default());
        let log = ledger.log("log");
        ledger.retain(log, 1_000_000);
        let disk = ledger.follow(&[Store::Table(dense), Store::Table(sparse), Store::Log(log)]);
        Story { ledger, dense, sparse, log, disk, past: BTreeMap::new() }
    }

    fn copy(&self) -> Everything {
        let rows = |table| rows(&self.ledger, table);
        (rows(self.dense), rows(self.sparse), self.ledger.end(self.log))
    }

    fn statement(&self, dice: &mut Dice) -> Statement {
        let table = match dice.below(9) {
            0 => return Statement::Append { log: self.log },
            1..5 => self.dense,
            _ => self.sparse,
        };
        Statement::Table { table, key: dice.below(KEYS), verb: dice.verb() }
    }

    fn crash(&mut self) {
        self.ledger.lose(self.disk, Lsn(u64::MAX));
        let now = self.copy();
        let then = &self.past[&self.ledger.seen(self.disk)];
        // All but the versions, which rise.
        let bare = |rows: &Rows| -> Rows {
            rows.iter().map(|(key, row)| (*key, Row { version: 0, ..*row })).collect()
        };
        assert_eq!((bare(&now.0), bare(&now.1), now.2), (bare(&then.0), bare(&then.1), then.2));
        self.past.clear();
        self.ledger.advance(self.disk, self.ledger.position());
    }

    fn sync(&mut self, lag: u64) {
        let (seen, now) = (self.ledger.seen(self.disk), self.ledger.position());
        self.ledger.advance(self.disk, Lsn(now.0 - lag.min(now.0 - seen.0)));
    }

    /// Remembers the present, and reads the oldest past still to be had.
    fn compare(&mut self) {
        self.past.insert(self.ledger.position(), self.copy());
        self.past = self.past.split_off(&self.ledger.seen(self.disk));
        let (at, then) = self.past.first_key_value().expect("the present at least");
        for key in 0..KEYS {
            let read = |table| self.ledger.read_as_of(table, key, *at);
            assert_eq!(read(self.dense), then.0.get(&key).copied());
            assert_eq!(read(self.sparse), then.1.get(&key).copied());
        }
    }
}

#[test]
fn a_random_story_keeps_its_books() {
    let (mut dice, mut story) = (Dice(2026), Story::new());
    let (mut done, mut denied, mut crashes) = (0, 0, 0);
    story.compare();
    for now in (0..30_000).map(|step| Time(step * 2)) {
        let statements: Vec<_> = (0..=dice.below(4)).map(|_| story.statement(&mut dice)).collect();
        let by = Request { root: dice.below(3), ..Request::internal(OpId(0), now) };
        let before = (story.ledger.position(), story.copy());
        match story.ledger.apply(&statements, &by, now).outcome {
            Outcome::Done => done += 1,
            _ => {
                denied += 1;
                assert_eq!((story.ledger.position(), story.copy()), before, "{statements:?}");
            }
        }
        check(&story.ledger, story.dense, now);
        check(&story.ledger, story.sparse, now);
        match dice.below(100) {
            0 => {
                story.crash();
                crashes += 1;
            }
            1..20 => story.sync(dice.below(20)),
            _ => {}
        }
        story.compare();
    }
    assert!(done > 5_000 && denied > 5_000 && crashes > 100, "{done} {denied} {crashes}");
}
