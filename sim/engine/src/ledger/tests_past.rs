//! Logs, lagging readers and lost tails.

use super::*;
use crate::call::OpId;

fn by(root: u64) -> Request {
    Request { root, ..Request::internal(OpId(0), Time::ZERO) }
}

fn put(ledger: &mut Ledger, table: TableId, key: u64, n: i64) {
    let statement = Statement::Table { table, key, verb: Verb::Put { n } };
    assert_eq!(ledger.apply(&[statement], &by(1), Time::ZERO).outcome, Outcome::Done);
}

fn value(row: Option<Row>) -> Option<i64> {
    row.map(|row| row.value)
}

/// Position 1: key 5 = 10. Position 2: key 5 = 11, key 6 = 1. Position 3: key 5 = 13.
fn written() -> (Ledger, TableId, FollowerId) {
    let mut ledger = Ledger::new();
    let table = ledger.table("t", TableSpec::default());
    let follower = ledger.follow(&[Store::Table(table)]);
    put(&mut ledger, table, 5, 10);
    let on = |key, n| Statement::Table { table, key, verb: Verb::Put { n } };
    ledger.apply(&[on(5, 3), on(6, 1), on(5, -2)], &by(1), Time::ZERO); // denied: no trace
    let both = [on(5, 0), on(6, 1), on(5, 1)];
    ledger.apply(&both, &by(1), Time::ZERO);
    put(&mut ledger, table, 5, 2);
    (ledger, table, follower)
}

#[test]
fn a_lagging_reader_sees_whole_transactions_of_the_past() {
    let (ledger, table, _) = written();
    let seen = |position| [5, 6].map(|key| value(ledger.read_as_of(table, key, Lsn(position))));
    assert_eq!(seen(0), [None, None]);
    assert_eq!(seen(1), [Some(10), None]);
    assert_eq!(seen(2), [Some(11), Some(1)]);
    assert_eq!(seen(3), [Some(13), Some(1)]);
    assert_eq!(ledger.position(), Lsn(3));
    assert_eq!(ledger.read_as_of(table, 5, Lsn(1)).map(|row| row.version), Some(1));
}

#[test]
fn the_past_is_kept_for_the_slowest_follower_only() {
    let (mut ledger, table, slow) = written();
    let fast = ledger.follow(&[Store::Table(table)]);
    assert_eq!((ledger.seen(slow), ledger.seen(fast)), (Lsn(0), Lsn(3)));
    ledger.advance(slow, Lsn(2));
    assert_eq!(value(ledger.read_as_of(table, 5, Lsn(2))), Some(11));
    let kept = |ledger: &Ledger| ledger.tables[0].history.as_ref().map(History::len);
    assert_eq!(kept(&ledger), Some(1), "position 3");
    ledger.advance(slow, Lsn(3));
    assert_eq!(kept(&ledger), Some(0));
    for _ in 0..1000 {
        put(&mut ledger, table, 5, 1);
        ledger.advance(slow, ledger.position());
        assert_eq!(kept(&ledger), Some(1), "the other may want it");
        ledger.advance(fast, ledger.position());
        assert_eq!(kept(&ledger), Some(0));
    }
}

#[test]
#[should_panic(expected = "left behind")]
fn a_past_that_nobody_kept_cannot_be_read() {
    let (mut ledger, table, follower) = written();
    ledger.advance(follower, Lsn(2));
    ledger.read_as_of(table, 5, Lsn(1));
}

/// Synced up to position 1, then the machine is lost: two writes of position 2 (a transaction
/// counts by rows) and one of position 3.
#[test]
fn an_unsynced_tail_is_lost_and_counted() {
    let (mut ledger, table, disk) = written();
    ledger.advance(disk, Lsn(1));
    assert_eq!(ledger.lose(disk, Lsn(u64::MAX)), 3);
    assert_eq!((value(ledger.read(table, 5)), ledger.read(table, 6)), (Some(10), None));
    let record = &ledger.table_records()["t"];
    assert_eq!((record.lost, record.sum, record.rows, record.high), (3, 10, 1, 13));
    assert_eq!(ledger.lose(disk, Lsn(u64::MAX)), 0, "nothing more to lose");
    // Key 5 had version 4 (10; 10, 11; 13); who read that, or the lost key 6, was told the past.
    assert!(ledger.stale(table, 5, 4) && ledger.stale(table, 6, 1));
    put(&mut ledger, table, 5, 5);
    assert_eq!(ledger.position(), Lsn(4), "positions are not used twice");
    assert_eq!(value(ledger.read_as_of(table, 5, Lsn(3))), Some(10));
}

/// The leader and its log are followed by one replica. What the leader wrote after the replica
/// stopped applying goes with it: the row's second write and the log's second record.
#[test]
fn a_promoted_replica_keeps_what_it_had() {
    let mut ledger = Ledger::new();
    let table = ledger.table("t", TableSpec { rows: Some(1), value: 0 });
    let log = ledger.log("outbox");
    let relay = ledger.join(log, "relay");
    let replica = ledger.follow(&[Store::Table(table), Store::Log(log)]);
    let both =
        [Statement::Table { table, key: 0, verb: Verb::Add { n: 1 } }, Statement::Append { log }];
    ledger.apply(&both, &by(1), Time::ZERO);
    ledger.advance(replica, ledger.position());
    ledger.apply(&both, &by(2), Time::ZERO);
    ledger.commit(log, relay, 2);
    assert_eq!(ledger.first(log), 1, "kept for the replica, though the relay has read it");
    assert_eq!(ledger.lose(replica, Lsn(u64::MAX)), 2);
    assert_eq!((value(ledger.read(table, 0)), ledger.end(log)), (Some(1), 1));
    assert_eq!((ledger.committed(log, relay), ledger.log_records()["outbox"].lost), (1, 1));
}

#[test]
fn records_travel_whole_and_leave_when_all_have_read_them() {
    let mut ledger = Ledger::new();
    let log = ledger.log("events");
    let (a, b) = (ledger.join(log, "a"), ledger.join(log, "b"));
    assert_eq!((ledger.join(log, "a"), a, b), (0, 0, 1));
    for root in 0..5 {
        let record = Request { draws: [root as u32; 4], ..by(root) };
        assert_eq!(ledger.append(log, record), root);
    }
    assert_eq!(ledger.record(log, 3).map(|r| (r.root, r.draws[2])), Some((3, 3)));
    assert!(ledger.record(log, 5).is_none());
    ledger.commit(log, a, 4);
    assert_eq!((ledger.first(log), ledger.lag(log, a), ledger.lag(log, b)), (0, 1, 5));
    ledger.commit(log, b, 2);
    assert_eq!((ledger.first(log), ledger.record(log, 1).is_none()), (2, true));
    ledger.commit(log, b, 0); // back, as far as there is anything
    assert_eq!(ledger.committed(log, b), 2);
    let record = &ledger.log_records()["events"];
    assert_eq!((record.appended, record.lag["a"], record.lag["b"]), (5, 1, 3));
}

#[test]
fn what_nobody_reads_is_not_kept_unless_asked_for() {
    let mut ledger = Ledger::new();
    let (unread, kept) = (ledger.log("unread"), ledger.log("kept"));
    ledger.retain(kept, 3);
    let late = ledger.join(kept, "late");
    for root in 0..10 {
        ledger.append(unread, by(root));
        ledger.append(kept, by(root));
    }
    assert_eq!((ledger.first(unread), ledger.end(unread)), (10, 10));
    assert_eq!((ledger.first(kept), ledger.committed(kept, late)), (7, 7), "0..7 were missed");
    ledger.commit(kept, late, 10);
    assert_eq!(ledger.first(kept), 7, "kept, though everybody has read it");
    ledger.trim(kept, 9);
    assert_eq!((ledger.first(kept), ledger.end(kept)), (9, 10));
}

/// Ten records; the new leader has six. A reader that had committed eight goes on at the new end,
/// and its late commit of ten counts as the end.
#[test]
fn a_truncated_log_counts_what_it_lost() {
    let mut ledger = Ledger::new();
    let log = ledger.log("events");
    let (a, b) = (ledger.join(log, "a"), ledger.join(log, "b"));
    (0..10).for_each(|root| _ = ledger.append(log, by(root)));
    ledger.commit(log, a, 8);
    ledger.commit(log, b, 7);
    assert_eq!((ledger.first(log), ledger.truncate(log, 6)), (7, 4));
    assert_eq!((ledger.first(log), ledger.end(log)), (6, 6));
    ledger.commit(log, a, 10);
    assert_eq!((ledger.committed(log, a), ledger.lag(log, b)), (6, 0));
    assert_eq!(ledger.append(log, by(77)), 6);
    assert_eq!(ledger.record(log, 6).map(|record| record.root), Some(77));
    assert_eq!((ledger.lag(log, a), ledger.truncate(log, 99)), (1, 0));
    assert_eq!(ledger.log_records()["events"].lost, 4);
}

/// Keys 1 and 3 are there at position 2, key 2 comes at 3 and key 9 at 5; at 4 an old row is
/// written.
#[test]
fn lists_are_as_they_were() {
    let mut ledger = Ledger::new();
    let table = ledger.table("t", TableSpec::default());
    ledger.follow(&[Store::Table(table)]);
    for key in [1, 3, 2, 1, 9] {
        put(&mut ledger, table, key, 1);
    }
    let mut at = |position, verb| ledger.list_as_of(table, 2, verb, Lsn(position)).value;
    let from = |after| Verb::Page { limit: 10, after };
    assert_eq!([0, 1, 2, 3, 4, 5].map(|lsn| at(lsn, Verb::Scan)), [0, 1, 2, 3, 3, 4]);
    assert_eq!([0, 1, 2, 3, 4, 5].map(|lsn| at(lsn, from(None))), [0, 0, 1, 2, 2, 3]);
    assert_eq!([0, 1, 2, 3, 4, 5].map(|lsn| at(lsn, from(Some(1)))), [0, 0, 1, 2, 2, 3]);
    assert_eq!(ledger.table_records()["t"].stale, 15, "all but those of the present");
}

/// Of two rows that are lost somebody was told of one.
#[test]
fn what_nobody_was_told_of_is_not_lost() {
    let mut ledger = Ledger::new();
    let (table, log) = (ledger.table("t", TableSpec::default()), ledger.log("l"));
    let replica = ledger.follow(&[Store::Table(table), Store::Log(log)]);
    for key in [1, 2] {
        let put = Statement::Table { table, key, verb: Verb::Put { n: 1 } };
        ledger.apply(&[put, Statement::Append { log }], &by(1), Time::ZERO);
    }
    assert_eq!(ledger.lose(replica, Lsn(1)), 2, "a row and a record");
    let lost = (ledger.table_records()["t"].lost, ledger.log_records()["l"].lost);
    assert_eq!((ledger.rows(table), ledger.end(log), lost), (0, 0, (1, 1)));
}
