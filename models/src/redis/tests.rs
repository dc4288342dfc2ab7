//! Locks by script. Each command takes 1 ms of the only thread, and there is no network.

use engine::chance::{Dist, Sampler};
use engine::ledger::{TableId, TableSpec};
use engine::{Action, ComponentId, Deed, Discipline, GroupId, OpId, Outcome, Span, Target, Time};

use super::server::{Counters, Rules, Server, lock_word};
use crate::database::program::{Programs, Template};
use crate::key::KeyOf;
use crate::procedure::{Operand, Part, VerbTemplate};
use crate::testing::{Line, Stage, heard};

use Outcome::{Done, Reset, TimedOut};

fn ms(n: u64) -> Span {
    Span::millis(n)
}

fn stage() -> (Stage, GroupId, OpId) {
    let (mut stage, group) = Stage::new(1, Some(Discipline::Fifo { servers: 1 }));
    let builder = &mut stage.builder;
    let command = Sampler { dist: Dist::Fixed(ms(1)), stream: builder.stream("it", "command") };
    let [granted, expired] = ["granted", "expired"].map(|name| builder.counter(group, name));
    let (acquire, counters) = (builder.op("it.acquire"), Counters { granted, expired });
    let me = stage.member(group, 0);
    let (programs, volatile) = programs(&mut stage);
    let rules = Rules { command, acquire, programs, volatile, counters };
    stage.builder.put(me, Server::new(rules, None));
    (stage, group, acquire)
}

/// Two tables of ten rows of 5, the first of them in memory only; `take` takes one from both.
fn programs(stage: &mut Stage) -> (Programs, Vec<TableId>) {
    let builder = &mut stage.builder;
    let take = builder.op("it.take");
    let spec = TableSpec { rows: Some(10), value: 5 };
    let [memory, disk] = ["memory", "disk"].map(|name| builder.ledger().table(name, spec));
    let one = VerbTemplate::Take(Operand::Number(1));
    let from = |table| Template::Table(table, KeyOf::Draw(0), one);
    (Programs::new(vec![(take, Part::Whole, vec![from(memory), from(disk)])]), vec![memory])
}

/// Wants lock 17 of draw 0 at `at`, for `lease`, and lets go at `until`.
fn want(op: OpId, at: u64, lease: Option<u64>, until: Option<u64>) -> Line {
    Line { until: until.map(ms), ..Line::new(ms(at), op, 17, lock_word(0, 17, lease.map(ms))) }
}

fn crash(stage: &mut Stage, id: ComponentId, at: u64) {
    let target = Target::Members { pool: vec![id], pick: None };
    let (at, lasts, name) = (Time::ZERO + ms(at), Some(ms(10)), "crash".into());
    stage.builder.action(Action { name, at, lasts, target, deed: Deed::Crash { silent: false } });
}

/// Line 0 gets the lock at 1 ms with token 1 and lets go at 20 ms; the release is a command of
/// 1 ms, so line 1 has it at 21 ms. Line 2 gives up at 15 ms. Line 3 wants another lock.
#[test]
fn waiters_are_served_in_order_and_those_who_left_are_passed_over() {
    let (mut stage, group, op) = stage();
    let lines = [
        want(op, 0, None, Some(20)),
        Line { timeout: Some(ms(10)), ..want(op, 5, None, None) },
        want(op, 7, None, Some(30)),
        Line { arg: lock_word(1, 17, None), ..want(op, 10, None, None) },
        want(op, 40, None, None),
    ];
    let log = stage.script(group, &lines);
    let world = stage.play(ms(100));
    let expected = [
        (1, 0, Done, 1),
        (11, 3, Done, 2),
        (15, 1, TimedOut, 0),
        (21, 2, Done, 3),
        (41, 4, Done, 4),
    ];
    assert_eq!(heard(&log), expected);
    assert_eq!(world.calls_in_flight(), 2, "lines 3 and 4 hold their locks");
}

/// The lease of 30 ms runs from the grant at 1 ms to 31 ms, then line 1 has the lock, with a
/// higher token. Line 0 is not told; when it lets go at 50 ms, the lock stays with line 1, so
/// line 2 has to wait for the end of that lease at 61 ms.
#[test]
fn a_lease_ends_and_its_late_holder_frees_nothing() {
    let (mut stage, group, op) = stage();
    let lines = [
        want(op, 0, Some(30), Some(50)),
        want(op, 10, Some(30), None),
        want(op, 52, Some(5), None),
    ];
    let log = stage.script(group, &lines);
    let mut world = stage.play(ms(200));
    assert_eq!(heard(&log), [(1, 0, Done, 1), (31, 1, Done, 2), (61, 2, Done, 3)]);
    let record = world.finish(0, &[]);
    assert_eq!(record.groups[0].totals["expired"], 3);
}

/// The holder's process dies at 20 ms. With a lease of 50 ms from 1 ms on, its lock stands until
/// 51 ms; without one it goes with the connection: one command later, at 21 ms.
#[test]
fn a_lock_outlives_its_holder_by_its_lease() {
    for (lease, granted) in [(Some(50), 51), (None, 21)] {
        let (mut stage, group, op) = stage();
        stage.script(group, &[want(op, 0, lease, None)]);
        let log = stage.script(group, &[want(op, 10, lease, None)]);
        let holder = stage.builder.find("script0").expect("the first script");
        let holder = stage.member(holder, 0);
        crash(&mut stage, holder, 20);
        stage.play(ms(40 + granted));
        assert_eq!(heard(&log), [(granted, 0, Done, 2)], "lease {lease:?}");
    }
}

/// The server dies at 20 ms: holder and waiter hear it. It is back at 30 ms with no locks, but
/// its tokens go on.
#[test]
fn a_crash_of_the_server_loses_the_locks_and_keeps_the_tokens() {
    let (mut stage, group, op) = stage();
    let lines = [want(op, 0, None, None), want(op, 10, None, None), want(op, 40, None, None)];
    let log = stage.script(group, &lines);
    let me = stage.member(group, 0);
    crash(&mut stage, me, 20);
    stage.play(ms(100));
    let expected = [(1, 0, Done, 1), (20, 0, Reset, 0), (20, 1, Reset, 0), (41, 2, Done, 2)];
    assert_eq!(heard(&log), expected);
}

/// Two statements, two commands, one effect: at 2 ms and, behind it, at 4 ms. The crash at 20 ms
/// takes what was in memory: there are five again, while the disk has three.
#[test]
fn transactions_take_a_command_per_statement_and_memory_is_lost_in_a_crash() {
    let (mut stage, group, _) = stage();
    let take = stage.builder.op("it.take");
    let lines = [Line::new(ms(0), take, 7, 0), Line::new(ms(1), take, 7, 0)];
    let log = stage.script(group, &lines);
    let me = stage.member(group, 0);
    crash(&mut stage, me, 20);
    let record = stage.play(ms(100)).finish(0, &[]);
    assert_eq!(heard(&log), [(2, 0, Done, 4), (4, 1, Done, 3)]);
    assert_eq!((record.tables["memory"].sum, record.tables["disk"].sum), (50, 48));
    assert_eq!((record.tables["memory"].lost, record.tables["disk"].lost), (1, 0));
}

/// 28 bits of milliseconds, rounded up; three bits of place; 32 of key.
#[test]
fn which_lock_and_which_lease_travel_in_one_word() {
    assert_eq!(lock_word(0, 17, None), 17);
    assert_eq!(lock_word(1, 17, None), (1 << 32) + 17);
    assert_eq!(lock_word(0, u32::MAX, Some(Span(1))), (1 << 35) + 0xffff_ffff);
}
