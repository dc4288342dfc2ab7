//! Cache nodes by script. Each command takes 1 ms of the node's only thread.

use engine::ledger::{Statement, Verb};
use engine::{Action, Deed, Outcome, Request, Span, Target, Time, Word};

use super::fill_word;
use super::node::Lever;
use super::rules::Ops;
use crate::testing::{Line, Stage, heard};

use Outcome::{Denied, Done, Reset, TimedOut};

/// One node of two entries, with more said about it; and its operations. The table `row` has one
/// row for each of ten keys, written by nobody yet.
fn stage(more: &str) -> (Stage, engine::GroupId, Ops) {
    let components = format!(
        r#"{{
            "it": Cache(key: "row", capacity: 2, access: Always("1ms"), {more}),
            "db": Database(tables: {{ "row": Table(key: "row", rows: 10, value: 5) }}),
        }}"#
    );
    let mut stage = Stage::wired(&["row"], &components);
    let group = stage.builder.find("it").expect("the cache");
    let ops = Ops::new(|op| stage.builder.op(&format!("it.{op}")));
    (stage, group, ops)
}

fn ms(n: u64) -> Span {
    Span::millis(n)
}

/// hits, misses, evicted, expired, coalesced.
fn totals(world: &mut engine::World) -> [u64; 5] {
    let record = world.finish(0, &[]);
    let group = record.groups.iter().find(|group| group.name == "it").expect("it is there");
    ["hits", "misses", "evicted", "expired", "coalesced"].map(|name| group.totals[name])
}

/// Two entries fit. Key 1 is used after key 2 was put, so putting 3 evicts 2.
/// The commands at 20 ms queue behind each other: 21, 22, 23 ms.
#[test]
fn misses_hits_and_evictions_in_the_order_of_the_loop() {
    let (mut stage, group, ops) = stage("");
    let lines = [
        Line::new(ms(0), ops.get, 1, 0),
        Line::new(ms(5), ops.put, 1, fill_word(-7, 3)),
        Line::new(ms(6), ops.put, 2, fill_word(8, 1)),
        Line::new(ms(10), ops.get, 1, 0),
        Line::new(ms(15), ops.put, 3, fill_word(9, 1)),
        Line::new(ms(20), ops.get, 1, 0),
        Line::new(ms(20), ops.get, 2, 0),
        Line::new(ms(20), ops.get, 3, 0),
        Line::new(ms(30), ops.forget, 3, 0),
        Line::new(ms(40), ops.get, 3, 0),
    ];
    let log = stage.script(group, &lines);
    let mut world = stage.play(ms(100));
    let expected = [
        (1, 0, Denied, 0),
        (6, 1, Done, 0),
        (7, 2, Done, 0),
        (11, 3, Done, -7),
        (16, 4, Done, 0),
        (21, 5, Done, -7),
        (22, 6, Denied, 0),
        (23, 7, Done, 9),
        (31, 8, Done, 0),
        (41, 9, Denied, 0),
    ];
    assert_eq!(heard(&log), expected);
    assert_eq!(log.borrow()[3].2.version, 3);
    assert_eq!(totals(&mut world), [3, 3, 1, 0, 0]);
    assert_eq!(world.calls_in_flight(), 0);
}

/// Filled at 1 ms for 10 ms: alive at 10 ms, gone at 11 ms. Both misses have that for a cause.
#[test]
fn entries_expire_when_they_are_asked_for() {
    let (mut stage, group, ops) = stage(r#"ttl: "10ms""#);
    let lines = [
        Line::new(ms(0), ops.put, 1, fill_word(5, 0)),
        Line::new(ms(9), ops.get, 1, 0),
        Line::new(ms(10), ops.get, 1, 0),
        Line::new(ms(20), ops.get, 1, 0),
    ];
    let log = stage.script(group, &lines);
    let mut world = stage.play(ms(100));
    let expected = [(1, 0, Done, 0), (10, 1, Done, 5), (11, 2, Denied, 0), (21, 3, Denied, 0)];
    assert_eq!(heard(&log), expected);
    assert_eq!(totals(&mut world), [1, 2, 0, 2, 0]);
}

/// Filled at 1 ms for 10 ms. At 12 ms it has expired: line 1 is to refresh it, line 2 gets the old
/// value; line 3 after the refresh gets the new one. At 60 ms even the grace of 30 ms is over.
#[test]
fn one_refreshes_and_the_others_get_the_old_value() {
    let (mut stage, group, ops) = stage(r#"ttl: "10ms", stale: "30ms""#);
    let lines = [
        Line::new(ms(0), ops.put, 1, fill_word(5, 0)),
        Line::new(ms(11), ops.get, 1, 0),
        Line::new(ms(12), ops.get, 1, 0),
        Line::new(ms(13), ops.put, 1, fill_word(6, 0)),
        Line::new(ms(14), ops.get, 1, 0),
        Line::new(ms(60), ops.get, 1, 0),
    ];
    let log = stage.script(group, &lines);
    let mut world = stage.play(ms(100));
    let expected = [
        (1, 0, Done, 0),
        (12, 1, Denied, 0),
        (13, 2, Done, 5),
        (14, 3, Done, 0),
        (15, 4, Done, 6),
        (61, 5, Denied, 0),
    ];
    assert_eq!(heard(&log), expected);
    assert_eq!(totals(&mut world), [2, 2, 0, 1, 0]);
}

/// Line 0 misses and fills; 1 and 2 wait; the put at 40 ms answers both when it is executed.
#[test]
fn one_fills_for_all_who_miss_meanwhile() {
    let (mut stage, group, ops) = stage("coalesce: true");
    let lines = [
        Line::new(ms(0), ops.get, 1, 0),
        Line::new(ms(10), ops.get, 1, 0),
        Line::new(ms(20), ops.get, 1, 0),
        Line::new(ms(30), ops.get, 2, 0),
    ];
    let log = stage.script(group, &lines);
    // The first request of a script: the same as the one that has the lease.
    let put = stage.script(group, &[Line::new(ms(40), ops.put, 1, fill_word(5, 0))]);
    let mut world = stage.play(ms(100));
    let expected = [(1, 0, Denied, 0), (31, 3, Denied, 0), (41, 1, Done, 5), (41, 2, Done, 5)];
    assert_eq!((heard(&log), heard(&put)), (expected.to_vec(), vec![(41, 0, Done, 0)]));
    assert_eq!(totals(&mut world), [0, 2, 0, 0, 2]);
}

/// The filler of 0 ms never fills. Its lease of 50 ms ends at 51 ms; line 1 has left by then (it
/// waited 20 ms), so line 2 gets the miss, and line 3 goes on waiting until 51 + 50 ms.
#[test]
fn a_filler_that_fails_is_replaced_when_its_lease_ends() {
    for cancel in [true, false] {
        a_filler_that_fails(cancel);
    }
}

/// With `cancel`, line 1 says that it leaves.
fn a_filler_that_fails(cancel: bool) {
    let (mut stage, group, ops) = stage(r#"coalesce: true, fill: "50ms""#);
    let impatient = Line { timeout: Some(ms(20)), cancel, ..Line::new(ms(10), ops.get, 1, 0) };
    let lines = [
        Line::new(ms(0), ops.get, 1, 0),
        impatient,
        Line::new(ms(20), ops.get, 1, 0),
        Line::new(ms(40), ops.get, 1, 0),
    ];
    let log = stage.script(group, &lines);
    let mut world = stage.play(ms(200));
    let expected =
        [(1, 0, Denied, 0), (30, 1, TimedOut, 0), (51, 2, Denied, 0), (101, 3, Denied, 0)];
    assert_eq!(heard(&log), expected);
    assert_eq!(totals(&mut world), [0, 3, 0, 0, 3]);
    assert_eq!(world.calls_in_flight(), 0);
}

/// The row was written once, so it has version 1. A copy that was read before has version 0: a
/// hit on it is stale. After it is filled again, hits are fresh.
#[test]
fn hits_that_are_older_than_the_row_are_counted() {
    let (mut stage, group, ops) = stage("");
    let table = stage.builder.ledger().find("row").expect("the table");
    let by = Request::internal(ops.get, Time::ZERO);
    let write = Statement::Table { table, key: 1, verb: Verb::Put { n: 1 } };
    stage.builder.ledger().apply(&[write], &by, Time::ZERO);
    let lines = [
        Line::new(ms(0), ops.put, 1, fill_word(5, 0)),
        Line::new(ms(10), ops.get, 1, 0),
        Line::new(ms(20), ops.put, 1, fill_word(6, 1)),
        Line::new(ms(30), ops.get, 1, 0),
    ];
    stage.script(group, &lines);
    let record = stage.play(ms(100)).finish(0, &[]);
    assert_eq!(record.tables["row"].stale, 1);
}

fn action(at: Span, lasts: Option<Span>, deed: Deed, id: engine::ComponentId) -> Action {
    let target = Target::Members { pool: vec![id], pick: None };
    Action { name: "test".into(), at: Time::ZERO + at, lasts, target, deed }
}

/// Filled at 1 ms; flushed at 10 ms; filled again at 21 ms; crashed from 30 to 40 ms with a
/// command in hand.
#[test]
fn a_flush_and_a_crash_both_empty_it() {
    let (mut stage, group, ops) = stage("");
    let me = stage.member(group, 0);
    let flush = Deed::Lever { word: Lever::Flush.pack(), to: 1.0 };
    stage.builder.action(action(ms(10), None, flush, me));
    let crash = Deed::Crash { silent: false };
    stage.builder.action(action(ms(30), Some(ms(10)), crash, me));
    let lines = [
        Line::new(ms(0), ops.put, 1, fill_word(5, 0)),
        Line::new(ms(5), ops.get, 1, 0),
        Line::new(ms(11), ops.get, 1, 0),
        Line::new(ms(20), ops.put, 1, fill_word(5, 0)),
        Line::new(Span(29_500_000), ops.get, 1, 0),
        Line::new(ms(50), ops.get, 1, 0),
    ];
    let log = stage.script(group, &lines);
    let world = stage.play(ms(100));
    let expected = [
        (1, 0, Done, 0),
        (6, 1, Done, 5),
        (12, 2, Denied, 0),
        (21, 3, Done, 0),
        (30, 4, Reset, 0),
        (51, 5, Denied, 0),
    ];
    assert_eq!(heard(&log), expected);
    assert_eq!(world.calls_in_flight(), 0);
}
