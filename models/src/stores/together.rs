//! Flows and stores together: what each of the protocols between them takes, to the millisecond.
//! There is no network.

use engine::{Action, Deed, GroupId, OpId, Outcome, Span, Target, Time};

use crate::testing::{Line, Stage, heard};

use Outcome::{Denied, Done, Refused, TimedOut};

/// Says `op` of the component `shop` for key 1 at these milliseconds.
fn say(stage: &mut Stage, op: &str, at: &[u64]) -> (GroupId, Vec<Line>) {
    let op: OpId = stage.builder.op(&format!("shop.{op}"));
    let shop = stage.builder.find("shop").expect("the scenario has a shop");
    (shop, at.iter().map(|at| Line::new(Span::millis(*at), op, 1, 0)).collect())
}

/// A miss: 1 ms to ask the cache, 5 ms for the database; the value is put while the user already
/// has it. A hit: 1 ms. After the write at 25 ms the copy is stale, and is seen to be.
#[test]
fn a_read_goes_through_the_cache_and_fills_it() {
    let mut stage = Stage::wired(
        &["product"],
        r#"{
            "shop": Service(operations: {
                "view": [Read("product", (through: ["cache"], miss: [Do("db", [Get("product")])]))],
                "edit": [Do("db", [Take("product")])],
            }),
            "cache": Cache(key: "product", access: Always("1ms")),
            "db": Database(statement: Always("5ms"),
                           tables: { "product": Table(key: "product", rows: 10, value: 7) }),
        }"#,
    );
    let (shop, mut lines) = say(&mut stage, "view", &[0, 10, 30]);
    lines.extend(say(&mut stage, "edit", &[20]).1);
    let log = stage.script(shop, &lines);
    let mut world = stage.play(Span::secs(1));
    assert_eq!(
        heard(&log),
        [(6, 0, Done, 0), (11, 1, Done, 0), (25, 3, Done, 0), (31, 2, Done, 0)]
    );
    assert_eq!(world.finish(0, &[]).tables["product"].stale, 1);
    assert_eq!(world.calls_in_flight(), 0);
}

/// Three miss at once: one asks the database and the others wait for what it puts. The get of the
/// first is executed at 1 ms, those of the others at 2 and 3 ms, the put at 7 ms.
#[test]
fn coalesced_misses_ask_the_database_once() {
    let mut stage = Stage::wired(
        &["product"],
        r#"{
            "shop": Service(operations: {
                "view": [Read("product", (through: ["cache"], miss: [Do("db", [Get("product")])]))],
            }),
            "cache": Cache(key: "product", access: Always("1ms"), coalesce: true),
            "db": Database(statement: Always("5ms"),
                           tables: { "product": Table(key: "product", rows: 10, value: 7) }),
        }"#,
    );
    let (shop, lines) = say(&mut stage, "view", &[0, 0, 0]);
    let log = stage.script(shop, &lines);
    let record = stage.play(Span::secs(5)).finish(0, &[]);
    assert_eq!(heard(&log), [(6, 0, Done, 0), (7, 1, Done, 0), (7, 2, Done, 0)]);
    let db = record.groups.iter().find(|group| group.name == "db").expect("it is there");
    assert_eq!(db.members[0].arrived, 1);
}

/// Both want the lock at 0 ms. The first has it at 1 ms, buys until 6 ms, and lets go; the release
/// is executed at 7 ms, and the second buys until 12 ms. The third finds nothing left: denied
/// after 1 + 5 ms, and the lock is free again for the fourth.
#[test]
fn a_lock_makes_buyers_take_turns() {
    let mut stage = Stage::wired(
        &["product"],
        r#"{
            "shop": Service(operations: { "buy": [
                Lock("locks", (key: "product", wait: "1s", lease: "10s"),
                    [Do("db", [Take("product")])]),
            ] }),
            "locks": Redis(command: Always("1ms")),
            "db": Database(statement: Always("5ms"),
                           tables: { "product": Table(key: "product", rows: 10, value: 2) }),
        }"#,
    );
    let (shop, lines) = say(&mut stage, "buy", &[0, 0, 100, 200]);
    let log = stage.script(shop, &lines);
    let world = stage.play(Span::secs(5));
    let expected = [(6, 0, Done, 0), (12, 1, Done, 0), (106, 2, Denied, 0), (206, 3, Denied, 0)];
    assert_eq!(heard(&log), expected);
    assert_eq!(world.calls_in_flight(), 0);
}

/// A room for one, two seconds each. The first is in from 1 to 3 s. It leaves just after the
/// scheduler has looked at 3 s, so the second is in from 4 to 6 s; the third gives up at 5.5 s.
#[test]
fn a_waiting_room_lets_in_one_after_the_other() {
    let mut stage = Stage::wired(
        &["product"],
        r#"{
            "shop": Service(operations: { "enter": [
                Hold("room", (wait: "5s"), [Wait(Always("2s"))]),
            ] }),
            "room": WaitingRoom(active: 1, admit: (every: "1s", up_to: 1)),
        }"#,
    );
    let (shop, lines) = say(&mut stage, "enter", &[500, 500, 500]);
    let log = stage.script(shop, &lines);
    let world = stage.play(Span::secs(20));
    assert_eq!(heard(&log), [(3_000, 0, Done, 0), (5_500, 2, TimedOut, 0), (6_000, 1, Done, 0)]);
    assert_eq!(world.calls_in_flight(), 0);
}

/// A record is acknowledged after 1 ms on the leader and 1 ms on the followers. While the leader is
/// down and not given up (5 to 14 s) it is refused; then broker 1 takes it. Every record that was
/// acknowledged is consumed, the last one by way of the new leader.
#[test]
fn records_are_published_and_consumed_across_a_change_of_leaders() {
    let mut stage = Stage::wired(
        &["product"],
        r#"{
            "shop": Service(operations: { "order": [Publish("orders")] }),
            "orders": Topic(key: "product", brokers: 3, replication: 3, min_in_sync: 2,
                            append: Always("1ms")),
            "mail": Service(consumes: { "orders": [Work(Always("3ms")), Count("sent")] }),
        }"#,
    );
    let orders = stage.builder.find("orders").expect("the topic");
    let target = Target::Members { pool: vec![stage.member(orders, 0)], pick: None };
    let (at, lasts) = (Time::ZERO + Span::secs(5), Some(Span::secs(30)));
    let deed = Deed::Crash { silent: false };
    stage.builder.action(Action { name: "crash".into(), at, lasts, target, deed });
    let (shop, lines) = say(&mut stage, "order", &[1_000, 6_000, 15_000, 15_500]);
    let log = stage.script(shop, &lines);
    let record = stage.play(Span::secs(30)).finish(0, &[]);
    let expected =
        [(1_002, 0, Done, 0), (6_000, 1, Refused, 0), (15_002, 2, Done, 0), (15_502, 3, Done, 0)];
    assert_eq!(heard(&log), expected);
    assert_eq!(record.counters["sent"], 3);
    let orders = &record.logs["orders"];
    assert_eq!((orders.appended, orders.lost, orders.lag["mail"]), (3, 0, 0));
}

/// The order and its event are one transaction (two statements, 10 ms, and a flush of 2 ms). The
/// relay looks every second.
#[test]
fn an_outbox_is_relayed() {
    let mut stage = Stage::wired(
        &["product"],
        r#"{
            "shop": Service(operations: {
                "place": [Do("db", [Insert("orders"), Append("outbox")])],
            }),
            "db": Database(statement: Always("5ms"), commit: Group(fsync: Always("2ms")),
                           tables: { "orders": Table(key: "request"), "outbox": Log() }),
            "relay": Service(jobs: {
                "relay": Every("1s", [Each("db.outbox", (up_to: 500), [Publish("events")])]),
            }),
            "events": Topic(key: "product"),
        }"#,
    );
    let (shop, lines) = say(&mut stage, "place", &[100, 200, 300]);
    let log = stage.script(shop, &lines);
    let record = stage.play(Span::secs(5)).finish(0, &[]);
    assert_eq!(heard(&log), [(112, 0, Done, 0), (212, 1, Done, 0), (312, 2, Done, 0)]);
    assert_eq!((record.logs["db.outbox"].appended, record.logs["events"].appended), (3, 3));
    assert_eq!(record.tables["orders"].rows, 3);
}
