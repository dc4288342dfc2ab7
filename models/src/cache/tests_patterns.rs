//! Patterns of reading and writing by script, to the millisecond: a command of the cache takes
//! 1 ms, a statement of the database 5 ms, and there is no network.

use engine::{Action, Deed, OpId, Outcome, Span, Target, Time, World};

use crate::testing::{Line, Log, Stage, heard, problems};

use Outcome::{Denied, Done, Failed, Refused};

/// The cache `it` with more said about it, a service `shop` with these operations, and `db` with a
/// table whose ten rows hold 5 (or none, if `empty`).
pub(super) fn stage(more: &str, operations: &str, empty: bool) -> Stage {
    let rows = if empty { "" } else { "rows: 10, value: 5" };
    let components = format!(
        r#"{{
            "it": Cache(key: "row", access: Always("1ms"), {more}),
            "shop": Service(operations: {{ "idle": [Work(Always("1ms"))], {operations} }}),
            "db": Database(statement: Always("5ms"),
                           tables: {{ "row": Table(key: "row", {rows}) }}),
        }}"#
    );
    Stage::wired(&["row"], &components)
}

pub(super) fn ms(n: u64) -> Span {
    Span::millis(n)
}

/// Says these operations of a component, for key 1, at these milliseconds.
pub(super) fn say(stage: &mut Stage, to: &str, lines: &[(u64, &str)]) -> Log {
    let group = stage.builder.find(to).expect("it is there");
    let line = |builder: &mut engine::Builder, (at, op): &(u64, &str)| {
        let op: OpId = builder.op(&format!("{to}.{op}"));
        Line::new(ms(*at), op, 1, 0)
    };
    let lines: Vec<Line> = lines.iter().map(|it| line(&mut stage.builder, it)).collect();
    stage.script(group, &lines)
}

/// What the cache and the calls to it count.
pub(super) fn counted(world: &mut World, names: &[&str]) -> Vec<u64> {
    let record = world.finish(0, &[]);
    let it = record.groups.iter().find(|group| group.name == "it").expect("it is there");
    names.iter().map(|name| it.totals[*name]).collect()
}

pub(super) fn crash(stage: &mut Stage, name: &str, from: u64, to: u64) {
    let group = stage.builder.find(name).expect("it is there");
    let target = Target::Members { pool: vec![stage.member(group, 0)], pick: None };
    let (at, lasts) = (Time::ZERO + ms(from), Some(ms(to - from)));
    let deed = Deed::Crash { silent: false };
    stage.builder.action(Action { name: "crash".into(), at, lasts, target, deed });
}

pub(super) const LOAD: &str = r#"load: [Do("db", [Get("row")])]"#;

/// The gets are executed at 1, 2 and 3 ms. Each fetches for itself in 5 ms, or one for all.
#[test]
fn a_cache_that_reads_through_answers_for_its_callers() {
    for (coalesce, at, loads) in [("false", [6, 7, 8], 3), ("true", [6, 6, 6], 1)] {
        let mut stage = stage(&format!("coalesce: {coalesce}, {LOAD}"), "", false);
        let log = say(&mut stage, "it", &[(0, "get"), (0, "get"), (0, "get"), (10, "get")]);
        let mut world = stage.play(ms(100));
        let [first, second, third] = at;
        let expected = [(first, 0), (second, 1), (third, 2), (11, 3)];
        let expected = expected.map(|(at, line)| (at, line, Done, 5));
        assert_eq!(heard(&log), expected);
        assert_eq!(counted(&mut world, &["misses", "hits"]), [loads, 1]);
        assert_eq!(world.calls_in_flight(), 0);
    }
}

/// Loaded at 6 ms. At 21 ms it is 15 ms old, so that it is fetched again while the caller gets the
/// old value; so does the next one at 25 ms. At 26 ms it is new, and at 31 ms too young.
#[test]
fn what_is_asked_for_is_refreshed_ahead_of_its_time() {
    let mut stage = stage(&format!(r#"ttl: "1s", refresh: "10ms", {LOAD}"#), "", false);
    let log = say(&mut stage, "it", &[(0, "get"), (20, "get"), (24, "get"), (30, "get")]);
    let mut world = stage.play(ms(100));
    let expected = [(6, 0, Done, 5), (21, 1, Done, 5), (25, 2, Done, 5), (31, 3, Done, 5)];
    assert_eq!(heard(&log), expected);
    assert_eq!(counted(&mut world, &["misses", "hits", "refreshed"]), [1, 3, 1]);
}

/// There is no row. The first asks the database until 6 ms, and has the cache remember at 7 ms;
/// the second is told at 11 ms; at 27 ms that is forgotten, and the third asks again.
#[test]
fn that_there_is_nothing_is_remembered_for_a_while() {
    let view = r#""view": [Read("row", (through: ["it"], miss: [Do("db", [Get("row")])]))]"#;
    let mut stage = stage(r#"ttl_denied: "20ms""#, view, true);
    let log = say(&mut stage, "shop", &[(0, "view"), (10, "view"), (40, "view")]);
    let mut world = stage.play(ms(100));
    assert_eq!(heard(&log), [(6, 0, Denied, 0), (11, 1, Denied, 0), (46, 2, Denied, 0)]);
    assert_eq!(counted(&mut world, &["misses", "hits"]), [2, 1]);
}

/// The same with a cache that reads through, and two who miss at once.
#[test]
fn that_there_is_nothing_is_shared() {
    let mut stage = stage(&format!(r#"ttl_denied: "20ms", coalesce: true, {LOAD}"#), "", true);
    let log = say(&mut stage, "it", &[(0, "get"), (0, "get"), (10, "get")]);
    let mut world = stage.play(ms(100));
    let heard: Vec<_> = heard(&log).iter().map(|it| (it.0, it.1, it.2)).collect();
    assert_eq!(heard, [(6, 0, Denied), (6, 1, Denied), (11, 2, Denied)]);
    assert_eq!(counted(&mut world, &["misses", "hits"]), [1, 1]);
}

/// Put in at 7 ms for 10 ms. The database is down from 15 ms on: at 21 ms the miss is refused
/// there, and the old entry is fetched until 22 ms. At 151 ms it is too old (17 + 100 ms).
#[test]
fn an_old_entry_is_better_than_an_error() {
    let view = r#""view": [Read("row", (through: ["it"], miss: [Do("db", [Get("row")])]))]"#;
    let mut stage = stage(r#"ttl: "10ms", stale_if_error: "100ms""#, view, false);
    crash(&mut stage, "db", 15, 500);
    let log = say(&mut stage, "shop", &[(0, "view"), (20, "view"), (150, "view")]);
    let mut world = stage.play(ms(300));
    let heard: Vec<_> = heard(&log).iter().map(|it| (it.0, it.1, it.2)).collect();
    assert_eq!(heard, [(6, 0, Done), (22, 1, Done), (152, 2, Refused)]);
    assert_eq!(counted(&mut world, &["misses", "rescued"]), [3, 1]);
}

/// The same for a node that fetches itself: it has the old entry at hand.
#[test]
fn an_old_entry_at_hand_costs_nothing_more() {
    let mut stage = stage(&format!(r#"ttl: "10ms", stale_if_error: "100ms", {LOAD}"#), "", false);
    crash(&mut stage, "db", 15, 500);
    let log = say(&mut stage, "it", &[(0, "get"), (20, "get"), (150, "get")]);
    stage.play(ms(300));
    assert_eq!(heard(&log), [(6, 0, Done, 5), (21, 1, Done, 5), (151, 2, Refused, 0)]);
}

pub(super) const EDIT: &str = r#""edit": [Put("row", (in: ["it"], to: "row + 6"))]"#;
pub(super) const STORE: &str = r#"store: [Do("db", [Set("row", (to: "value"))])]"#;

/// A write takes the cache 1 ms and the database 5 ms; then both have 1 + 6 = 7.
#[test]
fn writing_through_takes_both_their_times() {
    let mut stage = stage(STORE, EDIT, false);
    let log = say(&mut stage, "shop", &[(0, "edit")]);
    let reads = say(&mut stage, "it", &[(10, "get")]);
    let mut world = stage.play(ms(100));
    assert_eq!(heard(&log), [(6, 0, Done, 0)]);
    assert_eq!(heard(&reads), [(11, 0, Done, 7)]);
    let record = world.finish(0, &[]);
    assert_eq!((record.tables["row"].high, record.tables["row"].stale), (7, 0));
}

/// Three writes of one key are acknowledged after 1 ms each, and become one at 50 ms. A read at
/// 30 ms is ahead of the database, not stale.
#[test]
fn writing_behind_makes_one_write_of_many() {
    let more = format!(r#"{STORE}, writes: Behind(every: "50ms")"#);
    let mut stage = stage(&more, EDIT, false);
    let log = say(&mut stage, "shop", &[(0, "edit"), (10, "edit"), (20, "edit")]);
    let reads = say(&mut stage, "it", &[(30, "get"), (60, "get")]);
    let mut world = stage.play(ms(100));
    assert_eq!(heard(&log), [(1, 0, Done, 0), (11, 1, Done, 0), (21, 2, Done, 0)]);
    assert_eq!(heard(&reads), [(31, 0, Done, 7), (61, 1, Done, 7)]);
    assert_eq!(counted(&mut world, &["writes", "written", "dropped"]), [3, 1, 0]);
    let record = world.finish(0, &[]);
    let behind = &record.logs["it.behind"];
    assert_eq!((behind.appended, behind.lost, behind.lag["it"]), (3, 0, 0));
    assert_eq!((record.tables["row"].high, record.tables["row"].stale), (7, 0));
}

/// The first two are written at 50 ms. The node dies at 80 ms with the third, which is lost.
#[test]
fn a_crash_loses_what_was_not_written() {
    let more = format!(r#"{STORE}, writes: Behind(every: "50ms")"#);
    let mut stage = stage(&more, EDIT, false);
    crash(&mut stage, "it", 80, 90);
    say(&mut stage, "shop", &[(0, "edit"), (10, "edit"), (70, "edit")]);
    let mut world = stage.play(ms(300));
    assert_eq!(counted(&mut world, &["writes", "written", "dropped"]), [3, 1, 0]);
    let record = world.finish(0, &[]);
    let behind = &record.logs["it.behind"];
    assert_eq!((behind.appended, behind.lost, behind.lag["it"]), (3, 1, 0));
}

/// As long as the database is down, writes wait; they get there when it is back.
#[test]
fn what_could_not_be_written_is_tried_again() {
    let more = format!(r#"{STORE}, writes: Behind(every: "50ms")"#);
    let mut stage = stage(&more, EDIT, false);
    crash(&mut stage, "db", 40, 120);
    say(&mut stage, "shop", &[(0, "edit"), (60, "edit")]);
    let mut world = stage.play(ms(300));
    assert_eq!(counted(&mut world, &["writes", "written", "dropped"]), [2, 1, 0]);
    let record = world.finish(0, &[]);
    assert_eq!((record.tables["row"].high, record.logs["it.behind"].lag["it"]), (7, 0));
}

/// A reader misses at 1 ms and is slow: it reads 5 until 6 ms, and puts it in at 31 ms. At 7 ms the
/// row is 7, and at 8 ms the key is forgotten. What is put in then is old: it is refused where the
/// reader had a lease, and read until the end of days where not.
#[test]
fn a_lease_keeps_an_old_value_out() {
    let slow = r#"
        "view": [Read("row", (through: ["it"], miss: [
            Do("db", [Get("row")]), Wait(Always("24ms")),
        ]))],
        "edit": [Do("db", [Set("row", (to: "7"))]), Forget("row", (in: ["it"]))]"#;
    for (coalesce, stale) in [("false", 1), ("true", 0)] {
        let mut stage = stage(&format!("coalesce: {coalesce}"), slow, false);
        let log = say(&mut stage, "shop", &[(0, "view"), (2, "edit"), (50, "view")]);
        let mut world = stage.play(ms(200));
        let last = if stale == 1 { 51 } else { 80 };
        let times: Vec<u64> = heard(&log).iter().map(|it| it.0).collect();
        assert_eq!(times, [8, 30, last]);
        assert_eq!(counted(&mut world, &["stale"]), [stale]);
    }
}

/// Two writers: the first to commit is the last to reach the cache. With versions its value is
/// refused.
#[test]
fn versions_settle_the_race_of_two_writers() {
    let writers = r#"
        "slow": [Do("db", [Set("row", (to: "1"))]), Wait(Always("20ms")), Put("row", (in: ["it"]))],
        "fast": [Do("db", [Set("row", (to: "2"))]), Put("row", (in: ["it"]))]"#;
    for (versioned, value, stale) in [("false", 1, 1), ("true", 2, 0)] {
        let mut stage = stage(&format!("versioned: {versioned}"), writers, false);
        say(&mut stage, "shop", &[(0, "slow"), (6, "fast")]);
        let reads = say(&mut stage, "it", &[(50, "get")]);
        let mut world = stage.play(ms(100));
        assert_eq!(heard(&reads), [(51, 0, Done, value)]);
        assert_eq!(counted(&mut world, &["stale"]), [stale]);
    }
}

/// By tag and by prefix: `row` tags its own entries here, and 1 is in the first ten.
#[test]
fn keys_are_forgotten_by_tag_and_by_prefix() {
    for by in ["Tag", "Prefix(1)"] {
        let forget = format!(r#""clear": [Forget("row", (in: ["it"], by: {by}))]"#);
        let mut stage = stage(&format!(r#"tag: "row", {LOAD}"#), &forget, false);
        let log = say(&mut stage, "it", &[(0, "get"), (10, "get"), (30, "get")]);
        say(&mut stage, "shop", &[(20, "clear")]);
        let mut world = stage.play(ms(100));
        assert_eq!(heard(&log), [(6, 0, Done, 5), (11, 1, Done, 5), (36, 2, Done, 5)], "{by}");
        assert_eq!(counted(&mut world, &["cold", "forgotten"]), [1, 1], "{by}");
    }
}

/// Nothing goes, and one entry of 10 + 72 bytes fits in 100.
#[test]
fn a_full_memory_refuses_writes() {
    let more = r#"memory: "100B", size: Always("10B"), evict: Never"#;
    let mut stage = stage(more, EDIT, false);
    let group = stage.builder.find("shop").expect("the shop");
    let op = stage.builder.op("shop.edit");
    let lines =
        [Line::new(ms(0), op, 1, 0), Line::new(ms(10), op, 2, 0), Line::new(ms(20), op, 1, 0)];
    let log = stage.script(group, &lines);
    let mut world = stage.play(ms(100));
    let heard: Vec<_> = heard(&log).iter().map(|it| (it.0, it.2)).collect();
    assert_eq!(heard, [(1, Done), (11, Failed), (21, Done)]);
    assert_eq!(counted(&mut world, &["refused", "evicted"]), [1, 0]);
}

#[test]
fn more_commands_than_connections_are_refused() {
    let mut stage = stage("connections: 2", "", false);
    let log = say(&mut stage, "it", &[(0, "get"), (0, "get"), (0, "get"), (5, "get")]);
    stage.play(ms(100));
    let expected = [(0, 2, Refused, 0), (1, 0, Denied, 0), (2, 1, Denied, 0), (6, 3, Denied, 0)];
    assert_eq!(heard(&log), expected);
}

/// Four keys, two at a time, 5 ms each: done at 10 ms; and again after the crash of 20 to 30 ms.
#[test]
fn a_node_warms_itself_up_in_batches() {
    let mut stage = stage(&format!("warm: (top: 4, batch: 2), {LOAD}"), "", false);
    crash(&mut stage, "it", 20, 30);
    let log = say(&mut stage, "it", &[(7, "get"), (41, "get")]);
    let mut world = stage.play(ms(100));
    assert_eq!(heard(&log), [(8, 0, Done, 5), (42, 1, Done, 5)]);
    assert_eq!(counted(&mut world, &["warmed", "misses"]), [8, 0]);
    let record = world.finish(0, &[]);
    let db = record.groups.iter().find(|group| group.name == "db").expect("it is there");
    assert_eq!(db.members[0].arrived, 8);
}

/// It may hold three to begin with, and six at most. Eight keys in turn never hit: it grows by half
/// every 20 ms, to 5 and to 6, and then it can no more.
#[test]
fn a_cache_that_misses_grows() {
    let tune = r#"capacity: 3, tune: (every: "20ms", most: 6, room: "100%")"#;
    let mut stage = stage(&format!("{tune}, {LOAD}"), "", false);
    let group = stage.builder.find("it").expect("the cache");
    let op = stage.builder.op("it.get");
    let line = |at: u64| Line::new(ms(2 * at), op, (at % 8) as u32, 0);
    let lines: Vec<Line> = (0..60).map(line).collect();
    stage.script(group, &lines);
    let mut world = stage.play(ms(200));
    let record = world.finish(0, &[]);
    let entries = record.series.columns.iter().find(|it| it.metric == "entries");
    assert_eq!(entries.and_then(|it| it.values.last().copied()), Some(6.0));
}

/// What flows ask of caches that these cannot do, and what to write instead.
#[test]
fn what_caches_cannot_do_is_said() {
    let said = |step: &str| {
        let components = format!(
            r#"{{
                "shop": Service(operations: {{ "a": [{step}] }}),
                "mail": Service(operations: {{ "b": [Work(Always("1ms"))] }}),
                "near": Cache(inside: "mail", key: "row"),
                "far": Cache(key: "row", tag: "other"),
            }}"#
        );
        problems(&["row", "other"], "{}", &components)
    };
    for (step, place, says) in [
        (r#"Forget("row", (in: ["far"], by: Tag))"#, "0.0", "`far` has no tag `row`"),
        (r#"Forget("row", (tell: ["near"], by: Tag))"#, "0.0", "`near` has no tag `row`"),
        (r#"Forget("other", (in: ["far"], by: Tag))"#, "", ""),
        (r#"Forget("row", (in: ["far"], by: Prefix(0)))"#, "0", "between 1 and 9"),
        (r#"Forget("row", (in: []))"#, "0", "in which cache"),
        (r#"Forget("row", (tell: ["near"]))"#, "", ""),
        (r#"Read("row", (through: ["near"]))"#, "0.1.through.0", "inside `mail`: only that"),
        (r#"Put("row", (in: ["near"]))"#, "0", "inside `mail`: only that"),
        (r#"Put("rwo", (in: ["far"]))"#, "0.0", "no draw `rwo`"),
        (r#"Read("row", (through: ["far", "far"]))"#, "0.1.through.1", "asked already"),
        (r#"Read("other", (through: ["far"]))"#, "0.0", "`far` keeps its entries by `row`"),
        (r#"Put("other", (in: ["far"]))"#, "0.0", "`far` keeps its entries by `row`"),
        (r#"Put("row", (in: ["shop"]))"#, "0", "no operation `get`"),
    ] {
        let found = said(step);
        match found.as_slice() {
            [] => assert_eq!(says, "", "{step}"),
            [(at, message)] => {
                assert_eq!(at, format!("operations.a.{place}").as_str(), "{step}: {message}");
                assert!(message.contains(says) && !says.is_empty(), "{step}: {message}");
            }
            more => panic!("{step}: {more:?}"),
        }
    }
}
