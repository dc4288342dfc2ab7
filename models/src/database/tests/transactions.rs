//! Transactions by script, as flows ask for them. A statement takes 1 ms, a flush 2 ms, and the
//! work between statements 5 ms; there is no network.

use engine::chance::Dist;
use engine::network::Trouble;
use engine::{Action, Deed, OpId, Outcome, RunRecord, Span, Target, Time};

use crate::testing::{Line, Stage, heard, problems};

use Outcome::{Denied, Done, Failed, Reset, TimedOut};

/// A shop with these operations, and two tables of ten rows of 3.
fn stage(operations: &str, database: &str) -> Stage {
    Stage::wired(
        &["product"],
        &format!(
            r#"{{
                "shop": Service(operations: {{ {operations} }}),
                "db": Database(statement: Always("1ms"), {database}, tables: {{
                    "stock": Table(key: "product", rows: 10, value: 3),
                    "money": Table(key: "product", rows: 10, value: 3),
                    "sold": Table(key: "request"),
                }}),
            }}"#
        ),
    )
}

/// Says operations of the shop for products at milliseconds: what came back, and the books.
fn play(
    mut stage: Stage,
    lines: &[(&str, u64, u32)],
) -> (Vec<(u64, usize, Outcome, i64)>, RunRecord) {
    let shop = stage.builder.find("shop").expect("the scenario has a shop");
    let line = |&(op, at, product): &(&str, u64, u32)| {
        let op: OpId = stage.builder.op(&format!("shop.{op}"));
        Line::new(Span::millis(at), op, product, 0)
    };
    let lines: Vec<Line> = lines.iter().map(line).collect();
    let log = stage.script(shop, &lines);
    let mut world = stage.play(Span::secs(20));
    assert_eq!(world.calls_in_flight(), 0);
    (heard(&log), world.finish(0, &[]))
}

fn counter(record: &RunRecord, name: &str) -> u64 {
    let group = record.groups.iter().find(|group| group.name == "db").expect("it is there");
    group.totals[name]
}

const COMMIT: &str = r#"commit: Group(fsync: Always("2ms"))"#;

/// Read, work, write: with the row locked, what was read is still true when it is written.
const BUY: &str = r#""buy": [Transaction("db", (lock: "stock", wait: "1s"), [
    Do("db", [Get("stock", (into: "n"))]),
    Work(Always("5ms")),
    If("n > 0", [Do("db", [Set("stock", (to: "n - 1"))])], (else: [Deny("sold out")])),
])]"#;

/// The row is locked at 0, read at 2, written at 8, safe at 10 ms: the next one has it then, and
/// takes 10 ms more. The fourth finds nothing at 32 ms + 5 and gives it back without a flush.
#[test]
fn a_row_is_locked_from_the_first_statement_to_the_commit() {
    let lines = [("buy", 0, 1), ("buy", 0, 1), ("buy", 0, 1), ("buy", 0, 1), ("buy", 0, 2)];
    let (heard, record) = play(stage(BUY, COMMIT), &lines);
    let expected = [
        (10, 0, Done, 0),
        (12, 4, Done, 0),
        (20, 1, Done, 0),
        (30, 2, Done, 0),
        (37, 3, Denied, 0),
    ];
    assert_eq!(heard, expected);
    assert_eq!((record.tables["stock"].low, record.tables["stock"].sum), (0, 26));
}

/// Without the lock all of them read 3 at 1 ms and write 2: three were sold, one is gone. The
/// writes wait for one another: 1 ms each, and 2 ms for the flush.
#[test]
fn without_a_lock_updates_are_lost() {
    let buy = BUY.replace(r#"(lock: "stock", wait: "1s")"#, "()");
    let (heard, record) = play(stage(&buy, COMMIT), &[("buy", 0, 1), ("buy", 0, 1), ("buy", 0, 1)]);
    assert_eq!(heard, [(9, 0, Done, 0), (12, 1, Done, 0), (15, 2, Done, 0)]);
    assert_eq!(record.tables["stock"].sum, 29);
}

/// Statement and commit hold the row for 3 ms, whatever else is free: 333 a second at most. Where
/// rows are not locked the second and third share the next flush.
#[test]
fn a_single_statement_holds_its_row_until_its_commit() {
    let take = r#""take": [Do("db", [Take("stock")])]"#;
    let lines = [("take", 0, 1), ("take", 0, 1), ("take", 0, 1)];
    let (heard, _) = play(stage(take, &format!("row_locks: true, {COMMIT}")), &lines);
    assert_eq!(heard, [(3, 0, Done, 0), (6, 1, Done, 0), (9, 2, Done, 0)]);
    let (heard, _) = play(stage(take, COMMIT), &lines);
    assert_eq!(heard, [(3, 0, Done, 0), (5, 1, Done, 0), (5, 2, Done, 0)]);
}

/// What it wrote it sees, others do not; what is denied leaves the rest as it was, unless the flow
/// ends there: then all of it is undone.
#[test]
fn a_transaction_sees_its_own_writes_and_undoes_them_all() {
    let operations = r#"
        "try": [Transaction("db", (), [
            Do("db", [Take("stock", (n: "2"))]),
            Try([Do("db", [Take("stock", (n: "2"))])], (denied: [Count("too many")])),
            Do("db", [Take("stock")]), Do("db", [Insert("sold")]),
        ])],
        "fail": [Transaction("db", (), [
            Do("db", [Take("stock")]), Work(Always("4ms")), Fail("no"),
        ])],
        "look": [Do("db", [Get("stock", (into: "n"))]), If("n < 3", [Count("dirty")])]"#;
    let lines = [("try", 0, 1), ("fail", 0, 2), ("look", 3, 1), ("look", 3, 2)];
    let (heard, record) = play(stage(operations, COMMIT), &lines);
    assert_eq!(heard, [(4, 2, Done, 0), (4, 3, Done, 0), (5, 1, Failed, 0), (6, 0, Done, 0)]);
    assert_eq!((record.counters["too many"], record.counters["dirty"]), (1, 0));
    assert_eq!((record.tables["stock"].sum, record.tables["sold"].rows), (27, 1));
}

/// Two rows, taken in opposite order. At 7 ms the second closes the circle and is rolled back; the
/// first has its row at once and is done after 1 + 2 ms.
#[test]
fn a_circle_of_waiters_costs_one_of_them_its_transaction() {
    let transfer = |name: &str, from: &str, to: &str| {
        format!(
            r#""{name}": [Transaction("db", (), [Do("db", [Take("{from}")]), Work(Always("5ms")),
                                              Do("db", [Put("{to}")])])]"#
        )
    };
    let there = transfer("there", "stock", "money");
    let back = transfer("back", "money", "stock");
    let both = format!("{there}, {back}");
    let lines = [("there", 0, 1), ("back", 1, 1)];
    let (heard, record) = play(stage(&both, COMMIT), &lines);
    assert_eq!(heard, [(7, 1, Failed, 0), (10, 0, Done, 0)]);
    assert_eq!(counter(&record, "deadlocks"), 1);
    assert_eq!((record.tables["stock"].sum, record.tables["money"].sum), (29, 31));
    // As PostgreSQL, which looks after a second: the first to have waited for so long.
    let patient = format!(r#"deadlock_after: "1s", {COMMIT}"#);
    let (heard, _) = play(stage(&both, &patient), &lines);
    assert_eq!(heard, [(1006, 0, Failed, 0), (1009, 1, Done, 0)]);
    // In the same order they take turns: the second writes at 10 and at 16 ms.
    let (heard, _) = play(stage(&there, COMMIT), &[("there", 0, 1), ("there", 1, 1)]);
    assert_eq!(heard, [(9, 0, Done, 0), (18, 1, Done, 0)]);
}

/// The first holds the row for 1 s. The second gives up after 100 ms, the third is given up by
/// the server after 200; the fourth comes when the row is free.
#[test]
fn waiting_for_a_row_has_limits_on_both_sides() {
    let operations = r#"
        "slow": [Transaction("db", (lock: "stock"), [Work(Always("1s"))])],
        "brief": [Transaction("db", (lock: "stock", wait: "100ms"), [])],
        "take": [Do("db", [Take("stock")])]"#;
    let lines = [("slow", 0, 1), ("brief", 10, 1), ("take", 20, 1), ("take", 1500, 1)];
    let (heard, record) = play(stage(operations, r#"lock_timeout: "200ms""#), &lines);
    let expected =
        [(110, 1, TimedOut, 0), (220, 2, Failed, 0), (1001, 0, Done, 0), (1501, 3, Done, 0)];
    assert_eq!(heard, expected);
    assert_eq!(counter(&record, "lock_timeouts"), 1);
}

/// Two connections, and each transaction opens another inside it: both wait for the second one
/// for ever; with a connection more nobody does (HikariCP: threads × (connections each − 1) + 1).
#[test]
fn transactions_within_transactions_can_use_up_the_connections() {
    let nested = r#""nest": [Transaction("db", (), [
        Do("db", [Get("stock")]), Transaction("db", (wait: "10s"), [Do("db", [Get("money")])]),
    ])]"#;
    let lines = [("nest", 0, 1), ("nest", 0, 1)];
    let (heard, _) = play(stage(nested, "connections: 2"), &lines);
    assert_eq!(heard, [(10_001, 0, TimedOut, 0), (10_001, 1, TimedOut, 0)]);
    let (heard, _) = play(stage(nested, "connections: 3"), &lines);
    assert_eq!(heard, [(2, 0, Done, 0), (3, 1, Done, 0)]);
}

/// What the server executes at 5 ms is not asked again when its answer is late: the flow has
/// failed at 8 ms, and nothing is left of it.
#[test]
fn a_statement_of_a_transaction_is_asked_once() {
    let policies = r#"{ "db": (timeout: "8ms", retry: (attempts: 3, backoff: Fixed("20ms"))) }"#;
    let components = r#"{
        "shop": Service(operations: {
            "buy": [Transaction("db", (), [Do("db", [Take("stock")])])],
        }),
        "db": Database(statement: Always("5ms"),
                       tables: { "stock": Table(key: "product", rows: 10, value: 3) }),
    }"#;
    let mut stage = Stage::scenario(&["product"], "{}", policies, components);
    let [shop, db] = ["shop", "db"].map(|name| {
        let group = stage.builder.find(name).expect("it is there");
        stage.member(group, 0)
    });
    let delay = Trouble::Delay(Dist::Fixed(Span::millis(10)));
    let target = Target::Links { from: vec![db], to: vec![shop], both: false };
    let (at, lasts) = (Time::ZERO + Span::millis(3), Some(Span::millis(10)));
    let deed = Deed::Link(delay);
    stage.builder.action(Action { name: "late".into(), at, lasts, target, deed });
    let (heard, record) = play(stage, &[("buy", 0, 1)]);
    assert_eq!(heard, [(8, 0, TimedOut, 0)]);
    assert_eq!(record.tables["stock"].sum, 30);
}

/// Its caller gives it up at 8 ms, and goes on as if nothing were. It is done at 10 ms, and the
/// transaction with it: there is nothing to commit at 18.
#[test]
fn a_cancelled_statement_ends_its_transaction() {
    let policies = r#"{ "db": (timeout: "8ms") }"#;
    let components = r#"{
        "shop": Service(operations: { "buy": [Transaction("db", (), [
            Try([Do("db", [Take("stock")])]), Work(Always("10ms")),
        ])] }),
        "db": Database(statement: Always("10ms"),
                       tables: { "stock": Table(key: "product", rows: 10, value: 3) }),
    }"#;
    let stage = Stage::scenario(&["product"], "{}", policies, components);
    let (heard, record) = play(stage, &[("buy", 0, 1)]);
    assert_eq!(heard, [(18, 0, Failed, 0)]);
    assert_eq!(record.tables["stock"].sum, 30);
}

/// The first says nothing from 1 to 1001 ms. It is rolled back at 201, and the second has the row:
/// until 202. The third says something every 150 ms.
#[test]
fn a_transaction_that_is_idle_for_too_long_is_rolled_back() {
    let operations = r#"
        "slow": [Transaction("db", (lock: "stock"), [Work(Always("1s"))])],
        "steady": [Transaction("db", (lock: "stock"), [
            Work(Always("150ms")), Do("db", [Get("stock")]), Work(Always("150ms")),
        ])],
        "take": [Do("db", [Take("stock")])]"#;
    let lines = [("slow", 0, 1), ("take", 100, 1), ("steady", 2000, 1)];
    let (heard, record) = play(stage(operations, r#"idle_timeout: "200ms""#), &lines);
    assert_eq!(heard, [(202, 1, Done, 0), (1001, 0, Reset, 0), (2302, 2, Done, 0)]);
    assert_eq!(counter(&record, "idle_timeouts"), 1);
}

/// The shop is cut off in the middle of a transaction, and hangs up to nobody. Its row is free
/// 200 ms after its last word.
#[test]
fn who_was_cut_off_does_not_keep_its_rows() {
    let operations = r#"
        "slow": [Transaction("db", (lock: "stock"), [Work(Always("50ms")), Fail("no")])],
        "take": [Do("db", [Take("stock")])]"#;
    let mut stage = stage(operations, r#"idle_timeout: "200ms""#);
    let [shop, db] = ["shop", "db"].map(|name| {
        let group = stage.builder.find(name).expect("it is there");
        stage.member(group, 0)
    });
    let target = Target::Links { from: vec![shop], to: vec![db], both: true };
    let (at, lasts) = (Time::ZERO + Span::millis(10), Some(Span::millis(80)));
    let deed = Deed::Link(Trouble::Cut);
    stage.builder.action(Action { name: "cut".into(), at, lasts, target, deed });
    let (heard, _) = play(stage, &[("slow", 0, 1), ("take", 100, 1)]);
    assert_eq!(heard, [(51, 0, Failed, 0), (202, 1, Done, 0)]);
}

#[test]
fn mistakes_in_transactions_are_named() {
    let told = |step: &str| {
        let components = format!(
            r#"{{
                "shop": Service(operations: {{ "buy": [{step}] }}),
                "db": Database(tables: {{ "stock": Table(key: "product") }}),
                "redis": Redis(),
            }}"#
        );
        problems(&["product"], "{}", &components)
    };
    for (step, at, says) in [
        (r#"Transaction("redis", (), [])"#, "0", "`redis` is no database"),
        (r#"Transaction("dbx", (), [])"#, "0", "no component `dbx`; did you mean `db`?"),
        (r#"Transaction("db", (wait: "0s"), [])"#, "0.1.wait", "nobody could ever begin"),
        (r#"Do("db", [Page("stock", (size: 0))])"#, "0.1.0", "without rows"),
        (r#"Transaction("db", (lock: "stok"), [])"#, "0.1.lock", "did you mean `stock`?"),
        (r#"Transaction("db", (lock: "stock", key: "user"), [])"#, "0.1.key", "no draw `user`"),
        (r#"Transaction("db", (key: "product"), [])"#, "0.1.key", "no table; add lock"),
        (r#"Transaction("db", (), [Do("db", [Get("stok")])])"#, "0.2.0.1.0", "no table `stok`"),
    ] {
        let found = told(step);
        assert_eq!(found.len(), 1, "{step}: {found:?}");
        assert!(found[0].0.ends_with(at), "{step}: {found:?}");
        assert!(found[0].1.contains(says), "{step}: {found:?}");
    }
}

/// Users have shards, and items are locked by their own key: two users could have the same item.
/// What belongs to a user, to a request, or is only made, is in one shard.
#[test]
fn rows_are_locked_where_they_are() {
    let told = |statement: &str, locks: bool| {
        let components = format!(
            r#"{{
                "shop": Service(operations: {{ "buy": [Do("db", [{statement}])] }}),
                "db": Database(row_locks: {locks}, shards: (count: 2, by: Modulo(key: "user")),
                    tables: {{ "item": Table(key: "item"), "basket": Table(key: "user,item"),
                               "order": Table(key: "request") }}),
            }}"#
        );
        problems(&["user", "item"], "{}", &components)
    };
    let found = told(r#"Put("item")"#, true);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].0.ends_with("shards") && found[0].1.contains("`item` would be locked in sev"));
    assert_eq!(told(r#"Put("item")"#, false), []);
    for fine in [
        r#"Get("item")"#,
        r#"Insert("item")"#,
        r#"Put("item", (key: "user"))"#,
        r#"Put("basket")"#,
        r#"Put("order")"#,
    ] {
        assert_eq!(told(fine, true), [], "{fine}");
    }
}

/// A table that is declared wrongly is reported once, however many flows ask for it.
#[test]
fn a_wrong_table_is_one_mistake() {
    let components = r#"{
        "shop": Service(operations: { "buy": [Do("db", [Take("stock")])] }),
        "db": Database(tables: { "stock": Table(key: "product", rows: 1000000000000) }),
    }"#;
    let found = problems(&["product"], "{}", components);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].0.ends_with("rows"), "{found:?}");
}

/// One row, taken 4000 times by one transaction: each statement takes as long as the first.
#[test]
fn a_long_transaction_sees_all_that_it_wrote() {
    let take = r#""take": [Transaction("db", (), [
        Repeat("4000", [Do("db", [Add("stock", (n: "2"))])]),
        Do("db", [Get("stock", (into: "n"))]), If("n == 8003", [Count("all")]),
    ])]"#;
    let (heard, record) = play(stage(take, "connections: 5"), &[("take", 0, 1)]);
    assert_eq!(heard, [(4001, 0, Done, 0)]);
    assert_eq!((record.counters["all"], record.tables["stock"].sum), (1, 8030));
}
