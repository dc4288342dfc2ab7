//! What caches do when things go wrong, by script: loads that fail, nodes that die with writes in
//! hand, and values that come too late. To the millisecond: a command takes 1 ms, a statement of
//! the database 5 ms, and there is no network.

use engine::{Action, Deed, Outcome, Target, Time, Word as _, World};

use super::node::Lever;
use super::tests_patterns::{EDIT, LOAD, STORE, counted, crash, ms, say, stage};
use crate::testing::{Line, Stage, heard};

use Outcome::{Denied, Done, Refused};

const ASIDE: &str = r#""view": [Read("row", (through: ["it"], miss: [Do("db", [Get("row")])]))]"#;
const THROUGH: &str = r#""view": [Read("row", (through: ["it"]))]"#;

fn ends(log: &crate::testing::Log) -> Vec<(u64, Outcome)> {
    heard(log).iter().map(|it| (it.0, it.2)).collect()
}

/// The database is down: whoever fetches, a read that misses is refused, and nothing is kept.
#[test]
fn a_read_ends_as_the_load_does() {
    for (more, view) in [(LOAD, THROUGH), ("", ASIDE)] {
        let mut stage = stage(more, view, false);
        crash(&mut stage, "db", 0, 30);
        let log = say(&mut stage, "shop", &[(5, "view"), (20, "view"), (40, "view")]);
        let mut world = stage.play(ms(100));
        assert_eq!(ends(&log), [(6, Refused), (21, Refused), (46, Done)], "{view}");
        assert_eq!(counted(&mut world, &["misses", "hits"]), [3, 0], "{view}");
    }
}

/// There is no row. Asked at 1, 11 and 41 ms; the database takes until 6, 16 and 46 ms, but that
/// there is nothing is known from 6 (or 7, if the caller tells) for 20 ms.
#[test]
fn a_read_of_nothing_is_denied_whoever_fetches() {
    for (more, view, second, counts) in [
        (LOAD.to_owned(), THROUGH, 16, [3, 0]),
        (format!(r#"ttl_denied: "20ms", {LOAD}"#), THROUGH, 11, [2, 1]),
        (r#"ttl_denied: "20ms""#.to_owned(), ASIDE, 11, [2, 1]),
    ] {
        let mut stage = stage(&more, view, true);
        let log = say(&mut stage, "shop", &[(0, "view"), (10, "view"), (40, "view")]);
        let mut world = stage.play(ms(100));
        assert_eq!(ends(&log), [(6, Denied), (second, Denied), (46, Denied)], "{more}");
        assert_eq!(counted(&mut world, &["misses", "hits"]), counts, "{more}");
    }
}

/// The near cache is told at 7 ms, and knows at 8; it answers at 21 ms by itself.
#[test]
fn a_near_cache_learns_from_a_far_one_that_there_is_nothing() {
    let mut stage = Stage::wired(
        &["row"],
        r#"{
            "near": Cache(key: "row", access: Always("1ms"), ttl_denied: "100ms"),
            "it": Cache(key: "row", access: Always("1ms"), load: [Do("db", [Get("row")])]),
            "shop": Service(operations: { "view": [Read("row", (through: ["near", "it"]))] }),
            "db": Database(statement: Always("5ms"), tables: { "row": Table(key: "row") }),
        }"#,
    );
    let log = say(&mut stage, "shop", &[(0, "view"), (20, "view")]);
    let mut world = stage.play(ms(100));
    assert_eq!(ends(&log), [(7, Denied), (21, Denied)]);
    assert_eq!(counted(&mut world, &["misses", "hits"]), [1, 0]);
}

/// Renewed by hits at 11 and 21 ms, it would last for ever; it lasts from 7 to 27 ms.
#[test]
fn that_there_is_nothing_is_not_prolonged_by_asking() {
    let more = r#"ttl: "30ms", ttl_denied: "20ms", sliding: true"#;
    let mut stage = stage(more, ASIDE, true);
    let lines = [(0, "view"), (10, "view"), (20, "view"), (30, "view")];
    let log = say(&mut stage, "shop", &lines);
    let mut world = stage.play(ms(100));
    assert_eq!(ends(&log), [(6, Denied), (11, Denied), (21, Denied), (36, Denied)]);
    assert_eq!(counted(&mut world, &["misses", "hits"]), [2, 2]);
}

/// Records appended and lost, and the lag at the end.
fn behind(world: &mut World) -> [u64; 3] {
    let record = world.finish(0, &[]);
    let log = &record.logs["it.behind"];
    [log.appended, log.lost, log.lag["it"]]
}

/// Two are written at 50 ms, and one waits when the node dies for good at 80 ms.
#[test]
fn a_node_that_never_comes_back_has_lost_what_it_had() {
    let more = format!(r#"{STORE}, writes: Behind(every: "50ms")"#);
    let mut stage = stage(&more, EDIT, false);
    crash(&mut stage, "it", 80, 9000);
    say(&mut stage, "shop", &[(0, "edit"), (10, "edit"), (70, "edit")]);
    let mut world = stage.play(ms(300));
    assert_eq!(behind(&mut world), [3, 1, 0]);
}

/// Key 1 was written twice, key 2 once. The flush begins at 50 ms; the database has one connection,
/// writes key 1 until 55 ms, and would go on with key 2. If the node dies before 50 ms all three
/// writes are lost; at 52 ms, only the one that the database has not begun; at 56 ms the same: it
/// has begun by then, but it is not known at 57 ms, when nobody has written it yet; at 61 ms none.
#[test]
fn a_crash_during_a_flush_loses_what_the_store_never_gets() {
    for (at, until, lost, sum) in
        [(49, 300, 3, 50), (52, 300, 1, 52), (56, 57, 1, 52), (56, 300, 0, 55), (61, 300, 0, 55)]
    {
        let components = format!(
            r#"{{
                "it": Cache(key: "row", access: Always("1ms"), {STORE},
                            writes: Behind(every: "50ms")),
                "shop": Service(operations: {{ {EDIT} }}),
                "db": Database(connections: 1, statement: Always("5ms"),
                               tables: {{ "row": Table(key: "row", rows: 10, value: 5) }}),
            }}"#
        );
        let mut stage = Stage::wired(&["row"], &components);
        crash(&mut stage, "it", at, 9000);
        let (group, op) =
            (stage.builder.find("shop").expect("a shop"), stage.builder.op("shop.edit"));
        let line = |(at, key)| Line::new(ms(at), op, key, 0);
        stage.script(group, &[(0, 1), (10, 1), (20, 2)].map(line));
        let mut world = stage.play(ms(until));
        assert_eq!(behind(&mut world), [3, lost, 0], "{at} until {until}");
        assert_eq!(world.finish(0, &[]).tables["row"].sum, sum, "{at} until {until}");
    }
}

/// 7 cannot be taken from 5: at 55 ms the database has said so, and the value is not served.
#[test]
fn what_the_store_denies_is_lost_and_not_served_any_more() {
    let more = r#"store: [Do("db", [Take("row", (n: "value"))])], writes: Behind(every: "50ms")"#;
    let mut stage = stage(more, EDIT, false);
    say(&mut stage, "shop", &[(0, "edit")]);
    let reads = say(&mut stage, "it", &[(20, "get"), (60, "get")]);
    let mut world = stage.play(ms(100));
    assert_eq!(heard(&reads), [(21, 0, Done, 7), (61, 1, Denied, 0)]);
    assert_eq!(counted(&mut world, &["writes", "written", "dropped"]), [1, 0, 1]);
    assert_eq!(behind(&mut world), [1, 1, 0]);
}

/// There is room for one key: key 2 takes the place of key 1, whose write is lost.
#[test]
fn what_is_dropped_for_lack_of_room_is_lost_and_not_served_any_more() {
    let more = format!(r#"{STORE}, writes: Behind(every: "50ms", queue: 1, full: Drop)"#);
    let mut stage = stage(&more, EDIT, false);
    let (group, op) = (stage.builder.find("shop").expect("a shop"), stage.builder.op("shop.edit"));
    stage.script(group, &[(0, 1), (10, 2)].map(|(at, key)| Line::new(ms(at), op, key, 0)));
    let reads = say(&mut stage, "it", &[(5, "get"), (20, "get")]);
    let mut world = stage.play(ms(100));
    assert_eq!(heard(&reads), [(6, 0, Done, 7), (21, 1, Denied, 0)]);
    assert_eq!(behind(&mut world), [2, 1, 0]);
}

/// Key 2 waits to be written; that is no reason to refuse an older version of key 1.
#[test]
fn a_key_that_waits_to_be_written_changes_nothing_for_others() {
    let more = format!(r#"{STORE}, writes: Behind(every: "50ms")"#);
    let mut stage = stage(&more, EDIT, false);
    let (group, op) = (stage.builder.find("shop").expect("a shop"), stage.builder.op("shop.edit"));
    stage.script(group, &[Line::new(ms(0), op, 2, 0)]);
    let (group, builder) = (stage.builder.find("it").expect("it"), &mut stage.builder);
    let [put, get] = ["it.put", "it.get"].map(|op| builder.op(op));
    let puts = [(10, 3), (20, 2)].map(|(at, version)| {
        Line::new(ms(at), put, 1, super::fill_word(10 * version, version as u32))
    });
    stage.script(group, &puts);
    let log = stage.script(group, &[Line::new(ms(30), get, 1, 0)]);
    let mut world = stage.play(ms(49));
    assert_eq!(heard(&log), [(31, 0, Done, 20)]);
    assert_eq!(counted(&mut world, &["refused"]), [0]);
}

/// More than 32 bits, through the cache and behind it.
#[test]
fn large_values_reach_the_store_and_the_readers_whole() {
    let edit = r#""edit": [Put("row", (in: ["it"], to: "5000000000"))]"#;
    for writes in ["Through", r#"Behind(every: "20ms")"#] {
        let mut stage = stage(&format!("{STORE}, writes: {writes}"), edit, false);
        say(&mut stage, "shop", &[(0, "edit")]);
        let reads = say(&mut stage, "it", &[(10, "get"), (50, "get")]);
        let mut world = stage.play(ms(100));
        let whole = 5_000_000_000;
        assert_eq!(heard(&reads), [(11, 0, Done, whole), (51, 1, Done, whole)], "{writes}");
        assert_eq!(world.finish(0, &[]).tables["row"].high, whole, "{writes}");
    }
}

/// A reader misses at 1 ms, reads 5 until 6 ms, and puts it in at 31 ms. At 7 ms the row is 7, and
/// at 8 ms the entry is forgotten in one way or another: what the reader has is old.
#[test]
fn however_a_key_is_forgotten_its_lease_is_void() {
    let forget = |by: &str| format!(r#", Forget("row", (in: ["it"], by: {by}))"#);
    let ways = ["Key", "Tag", "Prefix(1)"].map(forget);
    for forget in ways.iter().map(String::as_str).chain([""]) {
        let slow = format!(
            r#""view": [Read("row", (through: ["it"], miss: [
                Do("db", [Get("row")]), Wait(Always("24ms")),
            ]))],
            "edit": [Do("db", [Set("row", (to: "7"))]){forget}]"#
        );
        let mut stage = stage(r#"coalesce: true, tag: "row""#, &slow, false);
        if forget.is_empty() {
            let group = stage.builder.find("it").expect("the cache");
            let target = Target::Members { pool: vec![stage.member(group, 0)], pick: None };
            let (at, deed) =
                (Time::ZERO + ms(8), Deed::Lever { word: Lever::Flush.pack(), to: 1.0 });
            stage.builder.action(Action { name: "flush".into(), at, lasts: None, target, deed });
        }
        say(&mut stage, "shop", &[(0, "view"), (2, "edit")]);
        let log = say(&mut stage, "it", &[(50, "get")]);
        let mut world = stage.play(ms(200));
        assert_eq!(heard(&log), [(51, 0, Denied, 0)], "{forget}");
        assert_eq!(counted(&mut world, &["stale", "refused"]), [0, 1], "{forget}");
    }
}

/// The same reader with a lease that has run out at 11 ms, when nobody was in line; and one whose
/// key was written through the cache at 13 ms.
#[test]
fn what_comes_without_a_lease_is_not_put_in() {
    let view = r#""view": [Read("row", (through: ["it"], miss: [
        Do("db", [Get("row")]), Wait(Always("24ms")),
    ]))]"#;
    let aside = r#""edit": [Do("db", [Set("row", (to: "7"))]), Forget("row", (in: ["it"]))]"#;
    let through = r#""edit": [Put("row", (in: ["it"], to: "7"))]"#;
    for (more, edit, found) in [
        (r#"coalesce: true, fill: "10ms""#.to_owned(), aside, (51, 0, Denied, 0)),
        (format!("coalesce: true, {STORE}"), through, (51, 0, Done, 7)),
    ] {
        let mut stage = stage(&more, &format!("{view}, {edit}"), false);
        say(&mut stage, "shop", &[(0, "view"), (2, "edit")]);
        let log = say(&mut stage, "it", &[(50, "get")]);
        let mut world = stage.play(ms(200));
        assert_eq!(heard(&log), [found], "{edit}");
        assert_eq!(counted(&mut world, &["stale", "refused"]), [0, 1], "{edit}");
    }
}

/// The first misses at 1 ms and reads until 61 ms; the second waits, and has the lease from 31 ms
/// on, until 91 ms. Nothing was written, so that what the node itself has fetched first is good.
#[test]
fn a_load_that_outlives_its_lease_is_kept_if_nothing_was_written() {
    let more =
        r#"coalesce: true, fill: "30ms", load: [Do("db", [Get("row")]), Wait(Always("55ms"))]"#;
    let mut stage = stage(more, "", false);
    let log = say(&mut stage, "it", &[(0, "get"), (10, "get"), (70, "get")]);
    let mut world = stage.play(ms(200));
    assert_eq!(heard(&log), [(61, 0, Done, 5), (71, 2, Done, 5), (91, 1, Done, 5)]);
    assert_eq!(counted(&mut world, &["hits", "refused"]), [1, 1]);
}
