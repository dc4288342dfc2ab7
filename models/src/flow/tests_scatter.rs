//! Asking every shard at once, by script: four shards, a statement takes 5 ms, no network.

use engine::{Action, Deed, Outcome, RunRecord, Span, Target, Time};

use crate::testing::{Line, Stage, heard, problems};

use Outcome::{Done, Refused, TimedOut};

const DB: &str = r#"
    "db": Database(shards: (count: 4, by: Modulo(key: "user")), statement: Always("5ms"),
                   tables: { "row": Table(key: "user", rows: 10, value: 7) }),
"#;

fn shop(options: &str) -> String {
    format!(
        r#"{{ {DB} "shop": Service(operations: {{
            "go": [Scatter("db", ({options}), [Get("row")])] }}) }}"#
    )
}

/// When the query of 10 ms was answered, how, and the books; shard 2 is lost at the beginning if
/// `silent` says in which way.
fn go(options: &str, silent: Option<bool>) -> (u64, Outcome, RunRecord) {
    let mut stage = Stage::wired(&["user"], &shop(options));
    let db = stage.builder.find("db").expect("it is there");
    if let Some(silent) = silent {
        let target = Target::Members { pool: vec![stage.member(db, 2)], pick: None };
        let (name, at, deed) = ("crash".into(), Time::ZERO, Deed::Crash { silent });
        stage.builder.action(Action { name, at, lasts: None, target, deed });
    }
    let op = stage.builder.op("shop.go");
    let shop = stage.builder.find("shop").expect("it is there");
    let log = stage.script(shop, &[Line::new(Span::millis(10), op, 1, 0)]);
    let mut world = stage.play(Span::secs(5));
    assert_eq!(heard(&log).len(), 1);
    let (at, _, outcome, _) = heard(&log)[0];
    (at, outcome, world.finish(0, &[]))
}

#[test]
fn all_shards_work_at_once() {
    let (at, outcome, record) = go("", None);
    assert_eq!((at, outcome), (15, Done));
    let db = record.groups.iter().find(|group| group.name == "db").expect("it is there");
    assert!(db.members.iter().all(|shard| shard.arrived == 1));
}

/// A shard that refuses is known at once; three answers are enough if that is said.
#[test]
fn some_answers_may_be_enough() {
    let (at, outcome, _) = go("", Some(false));
    assert_eq!((at, outcome), (10, Refused));
    let (at, outcome, record) = go(r#"need: 3, partial: "partial""#, Some(false));
    assert_eq!((at, outcome, record.counters["partial"]), (15, Done, 1));
}

/// A shard that says nothing is waited for until time is up.
#[test]
fn time_ends_the_wait() {
    let (at, outcome, _) = go(r#"wait: "20ms""#, Some(true));
    assert_eq!((at, outcome), (30, TimedOut));
    let (at, outcome, record) = go(r#"wait: "20ms", need: 3, partial: "partial""#, Some(true));
    assert_eq!((at, outcome, record.counters["partial"]), (30, Done, 1));
    let (at, outcome, record) = go(r#"wait: "20ms", need: 3, partial: "partial""#, None);
    assert_eq!((at, outcome, record.counters["partial"]), (15, Done, 0));
    let (at, outcome, _) = go(r#"wait: "3ms", need: 3"#, None);
    assert_eq!((at, outcome), (13, TimedOut));
}

/// Eight keys over four shards: one call to each shard that has any, which takes 5 ms for each of
/// its keys; or a call for each key, all of them at once.
#[test]
fn keys_are_asked_for_shard_by_shard() {
    let go = |options: &str| {
        let step = format!(r#"Batch("db", (keys: 8, among: 1000{options}), [Get("row")])"#);
        let shop = format!(r#"{{ {DB} "shop": Service(operations: {{ "go": [{step}] }}) }}"#);
        let mut stage = Stage::wired(&["user"], &shop);
        let op = stage.builder.op("shop.go");
        let shop = stage.builder.find("shop").expect("it is there");
        let log = stage.script(shop, &[Line::new(Span::ZERO, op, 1, 0)]);
        let record = stage.play(Span::secs(5)).finish(0, &[]);
        let db = record.groups.iter().find(|group| group.name == "db").expect("it is there");
        let arrived: Vec<u64> = db.members.iter().map(|shard| shard.arrived).collect();
        let (at, _, outcome, _) = heard(&log)[0];
        assert_eq!(outcome, Done);
        (at, arrived)
    };
    let (at, one_by_one) = go(", grouped: false");
    assert_eq!((at, one_by_one.iter().sum::<u64>()), (5, 8));
    let (at, grouped) = go("");
    assert_eq!(grouped, one_by_one.iter().map(|keys| (*keys).min(1)).collect::<Vec<_>>());
    assert_eq!(at, 5 * one_by_one.iter().max().expect("four"));
}

#[test]
fn what_makes_no_sense_is_named() {
    for (step, at, says) in [
        (r#"Scatter("db", (need: 5), [Get("row")])"#, "1.need", "5 answers of 4"),
        (r#"Scatter("db", (need: 0), [Get("row")])"#, "1.need", "0 answers of 4"),
        (r#"Scatter("db")"#, "0", "is not said"),
        (r#"Scatter("db", (), [Set("row", (to: "1"))])"#, "2.0", "Get, without"),
        (r#"Scatter("db", (), [Get("row", (into: "x"))])"#, "2.0", "Get, without"),
        (r#"Scatter("bd", (), [Get("row")])"#, "0", "no component `bd`"),
        (r#"Batch("db", (keys: 0, among: 9), [Get("row")])"#, "1.keys", "1 to 1000"),
        (r#"Batch("db", (keys: 5, among: 0), [Get("row")])"#, "1.among", "no keys"),
        (r#"Batch("db", (keys: 5, among: 9), [])"#, "0", "is not said"),
        (r#"Scatter("db.find")"#, "0", "no operation `find`"),
    ] {
        let shop = format!(r#"{{ {DB} "shop": Service(operations: {{ "go": [{step}] }}) }}"#);
        let found = problems(&["user"], "{}", &shop);
        assert_eq!(found.len(), 1, "{step}: {found:?}");
        let (place, said) = &found[0];
        assert!(place.ends_with(at) && said.contains(says), "{step}: {found:?}");
    }
}
