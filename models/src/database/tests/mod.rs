//! Shards by script: each statement takes 5 ms, a flush 10 ms.

mod costs;
mod replicas;
mod transactions;

use engine::chance::{Dist, Sampler};
use engine::ledger::TableSpec;
use engine::{Action, Deed, GroupId, OpId, Outcome, Span, Target, Time};

use super::program::{Programs, Template};
use super::shard::{Counters, Rules, Shard};
use crate::key::KeyOf;
use crate::procedure::{Operand, Part, VerbTemplate};
use crate::testing::{Line, Stage, heard};

use Outcome::{Denied, Done, Reset, Shed, TimedOut};

/// What the shard can be asked: read a row; take what the argument says from it and put the
/// request into a log.
struct Asks {
    read: OpId,
    order: OpId,
}

fn ms(n: u64) -> Span {
    Span::millis(n)
}

/// Ten rows of 5.
fn stage(connections: u32, queue: u32, commit: bool) -> (Stage, GroupId, Asks) {
    let (mut stage, group) = Stage::new(1, None);
    let builder = &mut stage.builder;
    let table = builder.ledger().table("stock", TableSpec { rows: Some(10), value: 5 });
    let log = builder.ledger().log("orders");
    let (read, order) = (builder.op("read"), builder.op("order"));
    let row = |verb| Template::Table(table, KeyOf::Draw(0), verb);
    let take = row(VerbTemplate::Take(Operand::Argument));
    let programs = Programs::new(vec![
        (order, Part::Whole, vec![Template::Append(log), take]),
        (read, Part::Whole, vec![row(VerbTemplate::Get)]),
    ]);
    let sampler = |dist, stream| Sampler { dist, stream };
    let statement = sampler(Dist::Fixed(ms(5)), builder.stream("it", "statement"));
    let fsync = sampler(Dist::Fixed(ms(10)), builder.stream("it", "fsync"));
    let fsync = commit.then_some(fsync);
    let me = stage.member(group, 0);
    let [deadlocks, lock_timeouts, idle_timeouts] = ["deadlocks", "lock_timeouts", "idle_timeouts"]
        .map(|counter| stage.builder.counter(group, counter));
    let rules = Rules {
        connections,
        queue,
        statement,
        fsync,
        programs,
        row_locks: false,
        lock_timeout: None,
        deadlock_after: Span::ZERO,
        idle_timeout: None,
        counters: Counters { deadlocks, lock_timeouts, idle_timeouts },
    };
    stage.builder.put(me, Shard::new(rules));
    (stage, group, Asks { read, order })
}

/// One connection. Two statements take 10 ms; the second call waits its turn; the third finds the
/// line full; the fourth has left it by the time its turn comes, so the fifth is next, at 20 ms.
#[test]
fn calls_wait_in_line_for_a_connection() {
    let (mut stage, group, Asks { read, order }) = stage(1, 2, false);
    let lines = [
        Line::new(ms(0), order, 1, 2),
        Line::new(ms(1), order, 1, 1),
        Line { timeout: Some(ms(5)), ..Line::new(ms(2), read, 1, 0) },
        Line::new(ms(3), read, 1, 0),
        Line::new(ms(8), read, 1, 0),
    ];
    let log = stage.script(group, &lines);
    let world = stage.play(ms(100));
    let expected = [
        (3, 3, Shed, 0),
        (7, 2, TimedOut, 0),
        (10, 0, Done, 3),
        (20, 1, Done, 2),
        (25, 4, Done, 2),
    ];
    assert_eq!(heard(&log), expected);
    assert_eq!(log.borrow()[4].2.version, 2, "the row was written twice");
    assert_eq!(world.calls_in_flight(), 0);
}

/// The second gives up at 6 ms without a word. It takes no room in the line from then on, and no
/// connection at 10 ms.
#[test]
fn who_gives_up_before_its_turn_is_not_served() {
    let (mut stage, group, Asks { read, order }) = stage(1, 1, false);
    let lines = [
        Line::new(ms(0), order, 1, 1),
        Line { timeout: Some(ms(5)), cancel: false, ..Line::new(ms(1), order, 1, 1) },
        Line::new(ms(7), read, 1, 0),
    ];
    let log = stage.script(group, &lines);
    let world = stage.play(ms(100));
    assert_eq!(heard(&log), [(6, 1, TimedOut, 0), (10, 0, Done, 4), (15, 2, Done, 4)]);
    assert_eq!(world.calls_in_flight(), 0);
}

/// 3 + 3 are more than 5: the second is denied, and its record is not in the log either.
#[test]
fn a_denied_transaction_leaves_nothing_behind() {
    let (mut stage, group, Asks { order, .. }) = stage(2, 0, false);
    let lines = [Line::new(ms(0), order, 1, 3), Line::new(ms(1), order, 1, 3)];
    let log = stage.script(group, &lines);
    let record = stage.play(ms(100)).finish(0, &[]);
    assert_eq!(heard(&log), [(10, 0, Done, 2), (11, 1, Denied, 2)]);
    assert_eq!((record.logs["orders"].appended, record.tables["stock"].sum), (1, 47));
}

/// Executed at 10, 12 and 14 ms. The first starts a flush, done at 20 ms; the other two came
/// during it and share the next, done at 30 ms. The read of 1 ms needs no flush.
#[test]
fn whoever_waits_when_a_flush_starts_shares_it() {
    let (mut stage, group, Asks { read, order }) = stage(8, 0, true);
    let lines = [
        Line::new(ms(0), order, 1, 1),
        Line::new(ms(1), read, 1, 0),
        Line::new(ms(2), order, 2, 1),
        Line::new(ms(4), order, 3, 1),
    ];
    let log = stage.script(group, &lines);
    stage.play(ms(100));
    assert_eq!(
        heard(&log),
        [(6, 1, Done, 5), (20, 0, Done, 4), (30, 2, Done, 4), (30, 3, Done, 4)]
    );
}

/// The first commits at 20 ms; the second is in its flush when the shard dies at 25 ms. What was
/// committed is there afterwards, and nothing else.
#[test]
fn a_crash_loses_what_was_not_committed_and_nothing_else() {
    let (mut stage, group, Asks { read, order }) = stage(1, 5, true);
    let target = Target::Members { pool: vec![stage.member(group, 0)], pick: None };
    let (at, deed) = (Time::ZERO + ms(25), Deed::Crash { silent: false });
    let crash = Action { name: "crash".into(), at, lasts: Some(ms(10)), target, deed };
    stage.builder.action(crash);
    let lines = [
        Line::new(ms(0), order, 1, 1),
        Line::new(ms(1), order, 1, 1),
        Line::new(ms(2), read, 1, 0),
        Line::new(ms(40), read, 1, 0),
    ];
    let log = stage.script(group, &lines);
    let world = stage.play(ms(100));
    let expected = [(20, 0, Done, 4), (25, 1, Reset, 0), (25, 2, Reset, 0), (45, 3, Done, 4)];
    assert_eq!(heard(&log), expected);
    assert_eq!(world.calls_in_flight(), 0);
}

/// Two connections, one busy for 10 of 20 ms: a quarter used.
#[test]
fn utilisation_is_that_of_the_connections() {
    let (mut stage, group, Asks { order, .. }) = stage(2, 0, false);
    stage.script(group, &[Line::new(ms(0), order, 1, 1)]);
    let record = stage.play(ms(20)).finish(0, &[]);
    let group = record.groups.iter().find(|group| group.name == "it").expect("it is there");
    let member = &group.members[0];
    assert_eq!((member.busy, member.servers), (ms(10), 2.0));
}
