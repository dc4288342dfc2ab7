//! Every verb, transactions, the past, and what is lost: scripts worked out by hand.

use super::*;
use crate::call::OpId;
use crate::time::Span;

/// A request of user `root`.
fn by(root: u64) -> Request {
    Request { root, ..Request::internal(OpId(0), Time::ZERO) }
}

fn on(table: TableId, key: u64, verb: Verb) -> Statement {
    Statement::Table { table, key, verb }
}

/// One statement, by user 1 at time 0: outcome, value, version.
fn say(ledger: &mut Ledger, table: TableId, key: u64, verb: Verb) -> (Outcome, i64, u32) {
    say_as(ledger, 1, 0, table, key, verb)
}

fn say_as(
    ledger: &mut Ledger,
    root: u64,
    now: u64,
    table: TableId,
    key: u64,
    verb: Verb,
) -> (Outcome, i64, u32) {
    let answer = ledger.apply(&[on(table, key, verb)], &by(root), Time(now));
    (answer.outcome, answer.value, answer.version)
}

use Outcome::{Denied, Done};

/// Three rows of 5.
fn dense() -> (Ledger, TableId) {
    let mut ledger = Ledger::new();
    let table = ledger.table("stock", TableSpec { rows: Some(3), value: 5 });
    (ledger, table)
}

fn sparse() -> (Ledger, TableId) {
    let mut ledger = Ledger::new();
    let table = ledger.table("orders", TableSpec::default());
    (ledger, table)
}

const HOLD: Verb = Verb::Claim { hold: Span(100) };

#[test]
fn get_reads_what_is_there() {
    let (mut ledger, stock) = dense();
    assert_eq!(say(&mut ledger, stock, 2, Verb::Get), (Done, 5, 0));
    assert_eq!(say(&mut ledger, stock, 3, Verb::Get), (Denied, 0, 0), "rows 0..3 exist");
    assert_eq!(ledger.position(), Lsn(0), "reading writes nothing");
}

#[test]
fn set_writes_if_the_version_is_the_one_named() {
    let (mut ledger, stock) = dense();
    let set = |to, if_version| Verb::Set { to, if_version };
    assert_eq!(say(&mut ledger, stock, 0, set(8, None)), (Done, 8, 1));
    assert_eq!(say(&mut ledger, stock, 0, set(9, Some(0))), (Denied, 8, 1));
    assert_eq!(say(&mut ledger, stock, 0, set(9, Some(1))), (Done, 9, 2));
    assert_eq!(say(&mut ledger, stock, 3, set(1, None)), (Denied, 0, 0));
    let (mut ledger, orders) = sparse();
    assert_eq!(say(&mut ledger, orders, 7, set(1, Some(0))), (Done, 1, 1), "0: not there yet");
    assert_eq!(say(&mut ledger, orders, 7, set(2, Some(0))), (Denied, 1, 1));
}

#[test]
fn take_never_takes_what_is_not_there() {
    let (mut ledger, stock) = dense();
    assert_eq!(say(&mut ledger, stock, 0, Verb::Take { n: 3 }), (Done, 2, 1));
    assert_eq!(say(&mut ledger, stock, 0, Verb::Take { n: 3 }), (Denied, 2, 1));
    assert_eq!(say(&mut ledger, stock, 0, Verb::Take { n: 2 }), (Done, 0, 2));
    assert_eq!(say(&mut ledger, stock, 0, Verb::Take { n: -1 }), (Denied, 0, 2));
    assert_eq!(say(&mut ledger, stock, 0, Verb::Take { n: i64::MIN }), (Denied, 0, 2));
    assert_eq!(say(&mut ledger, stock, 3, Verb::Take { n: 0 }), (Denied, 0, 0));
}

#[test]
fn put_and_add_count_up_and_down() {
    let (mut ledger, stock) = dense();
    assert_eq!(say(&mut ledger, stock, 0, Verb::Put { n: 2 }), (Done, 7, 1));
    assert_eq!(say(&mut ledger, stock, 0, Verb::Put { n: -2 }), (Denied, 7, 1));
    assert_eq!(say(&mut ledger, stock, 0, Verb::Add { n: -9 }), (Done, -2, 2));
    let (mut ledger, counters) = sparse();
    assert_eq!(say(&mut ledger, counters, 9, Verb::Add { n: 3 }), (Done, 3, 1));
    assert_eq!(say(&mut ledger, counters, 8, Verb::Put { n: 4 }), (Done, 4, 1));
    assert_eq!(say(&mut ledger, counters, 9, Verb::Add { n: i64::MAX }), (Done, i64::MAX, 2));
}

#[test]
fn insert_makes_a_row_once() {
    let (mut ledger, orders) = sparse();
    assert_eq!(say(&mut ledger, orders, 4, Verb::Get), (Denied, 0, 0));
    assert_eq!(say(&mut ledger, orders, 4, Verb::Insert { value: 6 }), (Done, 6, 1));
    assert_eq!(say(&mut ledger, orders, 4, Verb::Insert { value: 7 }), (Denied, 6, 1));
    assert_eq!(ledger.read(orders, 4).map(|row| row.state), Some(RowState::Present));
    let (mut ledger, stock) = dense();
    assert_eq!(say(&mut ledger, stock, 0, Verb::Insert { value: 7 }), (Denied, 5, 0));
    assert_eq!(say(&mut ledger, stock, 3, Verb::Insert { value: 7 }), (Denied, 0, 0));
}

#[test]
fn a_claim_holds_until_it_runs_out() {
    let (mut ledger, seats) = dense();
    assert_eq!(say_as(&mut ledger, 1, 10, seats, 0, HOLD), (Done, 5, 1));
    let row = ledger.read(seats, 0).expect("it exists");
    assert_eq!((row.owner, row.until, row.state), (1, Time(110), RowState::Held));
    assert_eq!(say_as(&mut ledger, 2, 109, seats, 0, HOLD), (Denied, 5, 1));
    assert_eq!(say_as(&mut ledger, 2, 110, seats, 0, HOLD), (Done, 5, 2), "it ran out at 110");
    assert_eq!(ledger.read(seats, 0).map(|row| row.owner), Some(2));
    let (mut ledger, keys) = sparse();
    assert_eq!(say(&mut ledger, keys, 77, HOLD), (Done, 0, 1), "set if absent, with expiry");
}

#[test]
fn a_user_renews_a_hold_and_nobody_does_not() {
    let (mut ledger, seats) = dense();
    say_as(&mut ledger, 1, 0, seats, 0, HOLD);
    assert_eq!(say_as(&mut ledger, 1, 60, seats, 0, HOLD).0, Done);
    assert_eq!(ledger.read(seats, 0).map(|row| row.until), Some(Time(160)));
    assert_eq!(say_as(&mut ledger, 0, 0, seats, 1, HOLD).0, Done);
    assert_eq!(say_as(&mut ledger, 0, 60, seats, 1, HOLD).0, Denied, "two sweepers are not one");
}

#[test]
fn a_sale_needs_a_hold_of_ones_own_that_lasts() {
    let (mut ledger, seats) = dense();
    assert_eq!(say_as(&mut ledger, 1, 0, seats, 0, Verb::Confirm).0, Denied, "nobody holds it");
    say_as(&mut ledger, 1, 0, seats, 0, HOLD);
    assert_eq!(say_as(&mut ledger, 2, 50, seats, 0, Verb::Confirm).0, Denied, "another's");
    assert_eq!(say_as(&mut ledger, 1, 100, seats, 0, Verb::Confirm).0, Denied, "ran out");
    assert_eq!(say_as(&mut ledger, 1, 99, seats, 0, Verb::Confirm), (Done, 5, 2));
    assert_eq!(say_as(&mut ledger, 1, 99, seats, 0, Verb::Confirm).0, Denied, "sold already");
    assert_eq!(say_as(&mut ledger, 2, 999, seats, 0, HOLD).0, Denied, "sold for good");
}

#[test]
fn only_the_owner_gives_up_a_row() {
    let (mut ledger, seats) = dense();
    assert_eq!(say_as(&mut ledger, 0, 0, seats, 0, Verb::Free).0, Denied, "nobody's");
    say_as(&mut ledger, 1, 0, seats, 0, HOLD);
    assert_eq!(say_as(&mut ledger, 2, 0, seats, 0, Verb::Free).0, Denied);
    assert_eq!(
        say_as(&mut ledger, 1, 500, seats, 0, Verb::Free).0,
        Done,
        "late, but still its own"
    );
    assert_eq!(say_as(&mut ledger, 2, 500, seats, 0, HOLD).0, Done);
    assert_eq!(say_as(&mut ledger, 2, 501, seats, 0, Verb::Confirm).0, Done);
    assert_eq!(say_as(&mut ledger, 2, 502, seats, 0, Verb::Free).0, Done, "a refund");
    assert_eq!(ledger.rows_in(seats, RowState::Free), 3);
}

/// Holds until 100 (row 2), 110 (row 0) and 120 (row 1); row 1 is sold before it runs out.
#[test]
fn a_sweep_frees_what_ran_out_earliest_first() {
    let (mut ledger, seats) = dense();
    for (now, key) in [(0, 2), (10, 0), (20, 1)] {
        say_as(&mut ledger, key + 1, now, seats, key, HOLD);
    }
    let sweep = Verb::Expire { limit: 10 };
    assert_eq!(say_as(&mut ledger, 0, 99, seats, 0, sweep), (Done, 0, 0));
    say_as(&mut ledger, 2, 99, seats, 1, Verb::Confirm);
    assert_eq!(ledger.rows_in(seats, RowState::Held), 2);
    assert_eq!(say_as(&mut ledger, 0, 200, seats, 0, Verb::Expire { limit: 1 }).1, 1);
    assert_eq!(ledger.expired(), [(seats, 2)]);
    assert_eq!(say_as(&mut ledger, 0, 200, seats, 0, sweep).1, 1);
    assert_eq!(ledger.expired(), [(seats, 0)]);
    assert_eq!(say_as(&mut ledger, 0, 200, seats, 0, sweep).1, 0);
    let in_state = |state| ledger.rows_in(seats, state);
    assert_eq!(RowState::ALL.map(in_state), [2, 0, 1, 0]);
    assert_eq!(ledger.read(seats, 2).map(|row| (row.owner, row.version)), Some((0, 2)));
}

#[test]
fn pages_and_scans_count_rows() {
    let (mut ledger, stock) = dense();
    assert_eq!(say(&mut ledger, stock, 1, Verb::Page { limit: 10, after: None }), (Done, 2, 0));
    assert_eq!(say(&mut ledger, stock, 9, Verb::Page { limit: 10, after: None }), (Done, 0, 0));
    let (mut ledger, orders) = sparse();
    for key in [3, 30, 300] {
        say(&mut ledger, orders, key, Verb::Insert { value: 0 });
    }
    assert_eq!(say(&mut ledger, orders, 4, Verb::Page { limit: 1, after: None }).1, 1);
    assert_eq!(say(&mut ledger, orders, 4, Verb::Page { limit: 9, after: None }).1, 2);
    assert_eq!(say(&mut ledger, orders, 0, Verb::Scan).1, 3);
    // After so many rows, whatever their keys are.
    for (after, there) in [(0, 3), (1, 2), (3, 0), (200, 0)] {
        let page = Verb::Page { limit: 9, after: Some(after) };
        assert_eq!(say(&mut ledger, orders, 100, page).1, there);
    }
}

/// Four things done, the fifth denied: everything is as before, down to versions, gauges,
/// extremes, deadlines and offsets.
#[test]
fn a_denied_transaction_has_done_nothing() {
    let mut ledger = Ledger::new();
    let stock = ledger.table("stock", TableSpec { rows: Some(2), value: 5 });
    let orders = ledger.table("orders", TableSpec::default());
    let outbox = ledger.log("outbox");
    ledger.join(outbox, "relay");
    say_as(&mut ledger, 9, 0, stock, 1, HOLD);
    let before = (ledger.table_records(), ledger.read(stock, 0), ledger.position());
    let script = |sale| {
        [
            on(stock, 0, Verb::Take { n: 4 }),
            on(orders, 7, Verb::Insert { value: 1 }),
            Statement::Append { log: outbox },
            on(stock, 1, Verb::Expire { limit: 9 }),
            on(stock, 0, Verb::Take { n: sale }),
        ]
    };
    let answer = ledger.apply(&script(2), &by(1), Time(500));
    assert_eq!((answer.outcome, answer.value), (Denied, 1), "the one that was left in the way");
    let after = (ledger.table_records(), ledger.read(stock, 0), ledger.position());
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
    assert_eq!((ledger.end(outbox), ledger.expired()), (0, &[][..]));
    assert_eq!(ledger.log_records()["outbox"].appended, 0);

    let answer = ledger.apply(&script(1), &by(1), Time(500));
    assert_eq!((answer.outcome, answer.value, answer.version), (Done, 0, 2));
    assert_eq!((ledger.rows(orders), ledger.end(outbox)), (1, 1));
    assert_eq!(ledger.expired(), [(stock, 1)], "its deadline had been put back");
    assert_eq!(ledger.position().0, before.2.0 + 1, "one transaction is one position");
    assert_eq!(ledger.table_records()["stock"].low, 0);
}

#[test]
fn extremes_are_of_finished_transactions() {
    let (mut ledger, stock) = dense();
    let there_and_back = [on(stock, 0, Verb::Add { n: -9 }), on(stock, 0, Verb::Add { n: 8 })];
    assert_eq!(ledger.apply(&there_and_back, &by(1), Time(0)).value, 4);
    say(&mut ledger, stock, 1, Verb::Put { n: 3 });
    say(&mut ledger, stock, 1, Verb::Take { n: 3 });
    let record = &ledger.table_records()["stock"];
    assert_eq!((record.low, record.high, record.sum, record.rows), (4, 8, 14, 3));
}

/// 5 are there, twice 3 are too many, and then none of them has been taken; what a rehearsal finds
/// out, nobody sees.
#[test]
fn a_rehearsal_answers_and_changes_nothing() {
    let (ledger, stock) = dense();
    let take = |n| on(stock, 0, Verb::Take { n });
    let (now, before) = (Time(0), ledger.position());
    let mut draft = Draft::default();
    let mut say = |statements: &[Statement]| {
        let answer = ledger.rehearse(&mut draft, statements, &by(1), now);
        (answer.outcome, answer.value, answer.version)
    };
    assert_eq!(say(&[take(3), take(3)]), (Denied, 2, 1));
    assert_eq!(say(&[take(1)]), (Done, 4, 1));
    assert_eq!(say(&[take(2), take(3)]), (Denied, 2, 2), "it has 4 by now, not 5");
    assert_eq!(say(&[take(4)]), (Done, 0, 2));
    assert_eq!(say(&[on(stock, 9, Verb::Put { n: 1 })]).0, Denied, "there is no such row");
    assert_eq!(
        (ledger.position(), ledger.read(stock, 0).map(|row| row.version)),
        (before, Some(0))
    );
}

/// Three rows are there; the transaction has made two more, one of them at the end.
#[test]
fn a_draft_lists_its_own_rows() {
    let (mut ledger, orders) = sparse();
    for key in [3, 30, 300] {
        say(&mut ledger, orders, key, Verb::Insert { value: 0 });
    }
    let mut draft = Draft::default();
    let mut say =
        |key, verb| ledger.rehearse(&mut draft, &[on(orders, key, verb)], &by(1), Time(0)).value;
    say(4, Verb::Insert { value: 0 });
    say(400, Verb::Insert { value: 0 });
    say(30, Verb::Put { n: 1 });
    assert_eq!(say(0, Verb::Scan), 5);
    assert_eq!(say(31, Verb::Page { limit: 9, after: None }), 2);
    assert_eq!(say(0, Verb::Page { limit: 3, after: Some(1) }), 3);
    assert_eq!(say(0, Verb::Page { limit: 3, after: Some(4) }), 1);
}

#[test]
fn a_version_older_than_the_truth_is_stale() {
    let (mut ledger, stock) = dense();
    say(&mut ledger, stock, 0, Verb::Put { n: 1 });
    assert!(ledger.stale(stock, 0, 0) && !ledger.stale(stock, 0, 1));
    assert!(!ledger.stale(stock, 1, 0));
    assert!(!ledger.stale(stock, 99, 0), "told that there is none, and there is none");
    assert_eq!(ledger.table_records()["stock"].stale, 1);
}

#[test]
fn a_million_rows_and_what_is_missing() {
    let mut ledger = Ledger::new();
    let orders = ledger.table("orders", TableSpec::default());
    let shards = [0, 1].map(|_| ledger.table("bills", TableSpec::default()));
    for key in 0..1_000_000u64 {
        say(&mut ledger, orders, key * 3, Verb::Insert { value: 1 });
        if key % 1000 != 0 {
            let shard = shards[(key % 2) as usize];
            say(&mut ledger, shard, key * 3, Verb::Insert { value: 2 });
        }
    }
    say(&mut ledger, shards[0], 1, Verb::Insert { value: 2 });
    assert_eq!((ledger.missing("orders", "bills"), ledger.missing("bills", "orders")), (1000, 1));
    let records = ledger.table_records();
    assert_eq!((records["bills"].rows, records["bills"].sum), (999_001, 1_998_002));
    assert_eq!((records["bills"].low, records["orders"].high), (2, 1));
    assert_eq!(records["orders"].states["present"], 1_000_000);
}
