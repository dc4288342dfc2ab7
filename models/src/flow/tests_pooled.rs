//! Pools by script: one statement of the database takes 5 ms, and there is no network. Pools are
//! full from the start unless making a connection takes time; scripts begin at 1 ms.

use engine::{Builder, Frame, OpId, Outcome, RunRecord, Span};

use crate::testing::{Line, Stage, heard, parse};
use crate::wiring::{Segment, Wiring};

use Outcome::{Done, TimedOut};

pub(super) type Heard = Vec<(u64, usize, Outcome, i64)>;

/// A shop that asks a database over a pool.
pub(super) fn stage(pool: &str, shop: &str) -> Stage {
    let policies = format!(r#"{{ "db": ({pool}) }}"#);
    let components = format!(
        r#"{{
            "shop": Service({shop}),
            "db": Database(connections: 100, statement: Always("5ms"),
                           tables: {{ "stock": Table(key: "product", rows: 10, value: 9) }}),
        }}"#
    );
    Stage::scenario(&["product"], "{}", &policies, &components)
}

pub(super) const ASK: &str = r#"operations: { "ask": [Do("db", [Get("stock")])] }"#;

pub(super) fn play(mut stage: Stage, lines: &[Line]) -> (Heard, RunRecord) {
    let shop = stage.builder.find("shop").expect("the scenario has a shop");
    let log = stage.script(shop, lines);
    let mut world = stage.play(Span::secs(20));
    assert_eq!(world.calls_in_flight(), 0);
    (heard(&log), world.finish(0, &[]))
}

/// Asks at these milliseconds.
pub(super) fn ask(mut stage: Stage, at: &[u64]) -> (Heard, RunRecord) {
    let op: OpId = stage.builder.op("shop.ask");
    let lines: Vec<Line> = at.iter().map(|ms| Line::new(Span::millis(*ms), op, 1, 0)).collect();
    play(stage, &lines)
}

/// Two connections: the third question is asked when the first has been answered.
#[test]
fn questions_wait_for_a_connection_in_order() {
    let (heard, record) = ask(stage("pool: (maximum: 2)", ASK), &[1, 1, 2, 3]);
    assert_eq!(heard, [(6, 0, Done, 0), (6, 1, Done, 0), (11, 2, Done, 0), (11, 3, Done, 0)]);
    let shop = record.groups.iter().find(|group| group.name == "shop").expect("it is there");
    assert_eq!(shop.totals["pool_timeouts"], 0);
}

/// The first connection is there at 50 ms, the second at 100, one after the other.
#[test]
fn connections_are_made_one_after_the_other() {
    let pool = r#"pool: (maximum: 2, create: Always("50ms"))"#;
    let (heard, _) = ask(stage(pool, ASK), &[1, 1, 98, 99]);
    assert_eq!(heard, [(55, 0, Done, 0), (60, 1, Done, 0), (103, 2, Done, 0), (105, 3, Done, 0)]);
}

/// One connection, 5 ms each; who has waited for 8 ms gives up, and is not asked for.
#[test]
fn who_waits_too_long_has_timed_out() {
    let pool = r#"pool: (maximum: 1, timeout: "8ms")"#;
    let (heard, record) = ask(stage(pool, ASK), &[1, 1, 1, 10]);
    assert_eq!(heard, [(6, 0, Done, 0), (9, 2, TimedOut, 0), (11, 1, Done, 0), (16, 3, Done, 0)]);
    let shop = record.groups.iter().find(|group| group.name == "shop").expect("it is there");
    assert_eq!(shop.totals["pool_timeouts"], 1);
    let db = record.groups.iter().find(|group| group.name == "db").expect("it is there");
    assert_eq!(db.members[0].arrived, 3);
}

/// It keeps the only connection from 1 to 16 ms, through the work between its statements; what is
/// asked inside it goes over the same one. Then it is the next one's turn.
#[test]
fn a_transaction_keeps_its_connection() {
    let shop = r#"operations: {
        "ask": [Do("db", [Get("stock")])],
        "buy": [Transaction("db", (), [
            Do("db", [Take("stock")]), Work(Always("5ms")), Do("db", [Get("stock")]),
        ])],
    }"#;
    let mut stage = stage("pool: (maximum: 1)", shop);
    let [ask, buy] = ["ask", "buy"].map(|op| stage.builder.op(&format!("shop.{op}")));
    let lines = [(1, buy), (2, ask)].map(|(at, op)| Line::new(Span::millis(at), op, 1, 0));
    let (heard, _) = play(stage, &lines);
    assert_eq!(heard, [(16, 0, Done, 0), (21, 1, Done, 0)]);
}

/// The second leaves the line at 3 ms, the third has the connection at 6 ms.
#[test]
fn who_has_left_gets_no_connection() {
    let mut stage = stage("pool: (maximum: 1)", &format!("drop_left: true, {ASK}"));
    let op = stage.builder.op("shop.ask");
    let line = |at| Line::new(Span::millis(at), op, 1, 0);
    let leaves = Line { until: Some(Span::millis(3)), ..line(1) };
    let (heard, _) = play(stage, &[line(1), leaves, line(2)]);
    assert_eq!(heard, [(6, 0, Done, 0), (11, 2, Done, 0)]);
}

/// It is given up at 4 ms, and its connection with it: the next one is there at 54 ms.
#[test]
fn a_connection_whose_question_was_given_up_is_closed() {
    let pool = r#"timeout: "3ms", pool: (maximum: 1, create: Always("50ms"))"#;
    let fast = r#"operations: { "ask": [Do("db", [Get("stock")])] }"#;
    let (heard, _) = ask(stage(pool, fast), &[100, 101]);
    assert_eq!(heard, [(103, 0, TimedOut, 0), (156, 1, TimedOut, 0)]);
}

/// The flow goes on after 2 ms of waiting for something else. That was not the connection's fault,
/// which is there for the second one: a new one would be at 157 ms.
#[test]
fn what_was_caught_before_does_not_close_a_connection() {
    let shop = r#"operations: { "ask": [
        Try([Parallel((timeout: "2ms"), [[Wait(Always("5ms"))]])]),
        Transaction("db", (), [Do("db", [Get("stock")])]),
    ] }"#;
    let (heard, _) = ask(stage(r#"pool: (maximum: 1, create: Always("50ms"))"#, shop), &[100, 110]);
    assert_eq!(heard, [(107, 0, Done, 0), (117, 1, Done, 0)]);
}

#[test]
fn leaks_use_a_pool_up() {
    let pool = r#"pool: (maximum: 2, leak: "100%", timeout: "50ms")"#;
    let (heard, _) = ask(stage(pool, ASK), &[1, 10, 20]);
    assert_eq!(heard, [(6, 0, Done, 0), (15, 1, Done, 0), (70, 2, TimedOut, 0)]);
}

/// Eight threads that need three connections each, at once: HikariCP's rule 8 × (3 − 1) + 1 = 17
/// (case H07). One fewer, and each has two and waits for the third.
#[test]
fn the_smallest_pool_without_deadlock() {
    let nested = r#"operations: { "ask": [Transaction("db", (), [Transaction("db", (), [
        Transaction("db", (), [Do("db", [Get("stock")])]),
    ])])] }"#;
    let outcomes = |maximum: u32| {
        let pool = format!(r#"pool: (maximum: {maximum}, timeout: "1s")"#);
        let (heard, _) = ask(stage(&pool, nested), &[1; 8]);
        heard.iter().map(|(_, _, outcome, _)| *outcome).collect::<Vec<_>>()
    };
    assert_eq!(outcomes(17), [Done; 8]);
    assert_eq!(outcomes(16), [TimedOut; 8]);
}

/// One connection by each of two policies: the second question by the first one waits.
#[test]
fn each_policy_has_its_own_pool() {
    let policies = r#"{ "api": (pool: (maximum: 1)), "other": (pool: (maximum: 1)) }"#;
    let components = r#"{
        "api": Service(operations: { "get": [Wait(Always("5ms"))] }),
        "shop": Service(operations: {
            "a": [Call("api.get")],
            "b": [Call("api.get", (policy: "other"))],
        }),
    }"#;
    let mut stage = Stage::scenario(&[], "{}", policies, components);
    let [a, b] = ["a", "b"].map(|op| stage.builder.op(&format!("shop.{op}")));
    let lines = [(1, a), (1, b), (2, a)].map(|(at, op)| Line::new(Span::millis(at), op, 1, 0));
    let (heard, _) = play(stage, &lines);
    assert_eq!(heard, [(6, 0, Done, 0), (6, 1, Done, 0), (11, 2, Done, 0)]);
}

/// Two shards, or two keys, over one connection: one after the other.
#[test]
fn parts_of_a_question_need_a_connection_each() {
    let ends = |step: &str, maximum: u32| {
        let policies = format!(r#"{{ "db": (pool: (maximum: {maximum})) }}"#);
        let components = format!(
            r#"{{
                "shop": Service(operations: {{ "ask": [{step}] }}),
                "db": Database(shards: (count: 2, by: Modulo(key: "product")),
                               statement: Always("5ms"),
                               tables: {{ "stock": Table(key: "product", rows: 10) }}),
            }}"#
        );
        let (heard, _) = ask(Stage::scenario(&["product"], "{}", &policies, &components), &[1]);
        (heard[0].0, heard[0].2)
    };
    for step in [
        r#"Scatter("db", (), [Get("stock")])"#,
        r#"Batch("db", (keys: 2, among: 10, grouped: false), [Get("stock")])"#,
    ] {
        assert_eq!((ends(step, 2), ends(step, 1)), ((6, Done), (11, Done)), "{step}");
    }
}

/// The connection is in use from 1 to 16 ms. The second would wait for 8 ms; the third has it at
/// 16, and its row would be locked at 21: 1 ms after its time.
#[test]
fn a_transaction_waits_for_connection_and_row_together() {
    let shop = r#"operations: {
        "long": [Transaction("db", (), [
            Do("db", [Take("stock")]), Work(Always("5ms")), Do("db", [Get("stock")]),
        ])],
        "short": [Transaction("db", (wait: "8ms", lock: "stock"), [])],
        "fair": [Transaction("db", (wait: "17ms", lock: "stock"), [])],
    }"#;
    let mut stage = stage("pool: (maximum: 1)", shop);
    let ops = ["long", "short", "fair"].map(|op| stage.builder.op(&format!("shop.{op}")));
    let lines = [(1, ops[0]), (2, ops[1]), (3, ops[2])]
        .map(|(at, op)| Line::new(Span::millis(at), op, 1, 0));
    let (heard, record) = play(stage, &lines);
    assert_eq!(heard, [(10, 1, TimedOut, 0), (16, 0, Done, 0), (20, 2, TimedOut, 0)]);
    let shop = record.groups.iter().find(|group| group.name == "shop").expect("it is there");
    assert_eq!(shop.totals["pool_timeouts"], 1);
}

/// It is answered at the latest when its caller has no time left, pool or not.
#[test]
fn nobody_waits_for_a_connection_beyond_its_deadline() {
    let policies = r#"{ "hurry": (total: "10ms"), "db": (pool: (maximum: 1)) }"#;
    let components = r#"{
        "front": Service(operations: {
            "wait": [Call("shop.ask")],
            "ask": [Call("shop.ask", (policy: "hurry"))],
        }),
        "shop": Service(operations: { "ask": [Do("db", [Get("stock")])] }),
        "db": Database(statement: Always("30ms"),
                       tables: { "stock": Table(key: "product", rows: 10) }),
    }"#;
    let mut stage = Stage::scenario(&["product"], "{}", policies, components);
    let front = stage.builder.find("front").expect("it is there");
    let [wait, ask] = ["wait", "ask"].map(|op| stage.builder.op(&format!("front.{op}")));
    let lines = [(1, wait), (2, ask)].map(|(at, op)| Line::new(Span::millis(at), op, 1, 0));
    stage.script(front, &lines);
    let record = stage.play(Span::millis(20)).finish(0, &[]);
    let shop = record.groups.iter().find(|group| group.name == "shop").expect("it is there");
    // The second, at 12 ms; the first has the connection until 31.
    assert_eq!(shop.totals["pool_timeouts"], 1);
}

#[test]
fn a_pool_is_for_flows() {
    let mut builder = Builder::new(Frame::plain(1, Span::secs(1)));
    let mut wiring = Wiring::new(&mut builder, Vec::new());
    wiring.policies = parse(r#"{ "shop": (pool: (maximum: 1)), "default": (pool: ()) }"#);
    for (callee, problems) in [("db", 0), ("shop", 1)] {
        wiring.policy_without_pool(callee);
        assert_eq!(wiring.problems.len(), problems, "{callee}");
    }
    assert!(wiring.problems[0].message.contains("the policy `shop` is for flows"));
}

#[test]
fn mistakes_in_pools_are_named() {
    for (pool, at, says) in [
        ("maximum: 0", "maximum", "lends none"),
        ("maximum: 100_000", "maximum", "65535 connections at most"),
        ("maximum: 5, minimum_idle: 6", "minimum_idle", "never more than 5"),
        (r#"timeout: "0s""#, "timeout", "some time"),
        (r#"lifetime: "0s""#, "lifetime", "some time"),
        (r#"create: Uniform("2ms", "1ms")"#, "create", ""),
    ] {
        let mut builder = Builder::new(Frame::plain(1, Span::secs(1)));
        let mut wiring = Wiring::new(&mut builder, Vec::new());
        wiring.policies = parse(&format!(r#"{{ "db": (pool: ({pool})) }}"#));
        wiring.check_policies();
        let [found] = &wiring.problems[..] else { panic!("{pool}: {:?}", wiring.problems) };
        assert_eq!(found.path.last(), Some(&Segment::Name(at.into())), "{pool}");
        assert!(found.message.contains(says), "{pool}: {}", found.message);
    }
}
