//! What statements cost, by script: a statement takes 1 ms, each row looked at another; there is no
//! network.

use engine::{Outcome, RunRecord, Span};

use crate::testing::{Line, Stage, heard, problems};

/// Asks a database with ten rows for each product at its millisecond: when the answers came.
fn ask(statement: &str, database: &str, asks: &[(u64, u32)]) -> (Vec<u64>, RunRecord) {
    let components = format!(
        r#"{{
            "shop": Service(operations: {{ "ask": [Do("db", [{statement}])] }}),
            "db": Database(statement: Always("1ms"), {database},
                           tables: {{ "stock": Table(key: "product", rows: 10) }}),
        }}"#
    );
    let mut stage = Stage::wired(&["product"], &components);
    let (op, shop) = (stage.builder.op("shop.ask"), stage.builder.find("shop"));
    let line = |&(at, product): &(u64, u32)| Line::new(Span::millis(at), op, product, 0);
    let lines: Vec<Line> = asks.iter().map(line).collect();
    let log = stage.script(shop.expect("the scenario has a shop"), &lines);
    let record = stage.play(Span::secs(10)).finish(0, &[]);
    let done = |(at, _, outcome, _): (u64, usize, Outcome, i64)| {
        assert_eq!(outcome, Outcome::Done);
        at
    };
    (heard(&log).into_iter().map(done).collect(), record)
}

#[test]
fn pages_and_scans_cost_what_they_go_through() {
    let takes = |statement: &str| ask(statement, r#"row: "1ms""#, &[(0, 2)]).0;
    assert_eq!(takes(r#"Get("stock")"#), [1]);
    assert_eq!(takes(r#"Page("stock", (size: 3))"#), [4]);
    assert_eq!(takes(r#"Page("stock", (size: 3, offset: "5"))"#), [9]);
    assert_eq!(takes(r#"Page("stock", (size: 3, offset: "product * 3"))"#), [10]);
    assert_eq!(takes(r#"Scan("stock")"#), [11]);
    assert_eq!(takes(r#"Get("stock"), Scan("stock")"#), [12]);
}

/// Two pages of five rows, and memory for one of them: it is read for 10 ms when it is not there.
#[test]
fn what_is_not_in_memory_is_read() {
    let buffer = r#"buffer: (pages: 1, rows_per_page: 5, read: Always("10ms"))"#;
    let asks = [(0, 1), (20, 4), (30, 7), (50, 9), (60, 0)];
    let (heard, record) = ask(r#"Get("stock")"#, buffer, &asks);
    assert_eq!(heard, [11, 21, 41, 51, 71]);
    let db = record.groups.iter().find(|group| group.name == "db").expect("it is there");
    assert_eq!((db.totals["hits"], db.totals["misses"]), (2, 3));
    // A scan reads both, and leaves the last.
    let (heard, _) = ask(r#"Scan("stock")"#, buffer, &[(0, 0), (50, 0)]);
    assert_eq!(heard, [21, 71]);
}

/// All of the work is for one at a time: two take twice as long, on however many cores.
#[test]
fn sessions_that_contend_are_slower() {
    let two = [(0, 1), (0, 2)];
    assert_eq!(ask(r#"Get("stock")"#, "cpu: 8", &two).0, [1, 1]);
    assert_eq!(ask(r#"Get("stock")"#, "cpu: 8, scaling: (contention: 1)", &two).0, [2, 2]);
    // Two do 2 / (1 + 1 × 2 × 1) = two thirds of the work of one.
    let scaling = "cpu: 8, scaling: (coherency: 1)";
    assert_eq!(ask(r#"Get("stock")"#, scaling, &two).0, [3, 3]);
}

#[test]
fn mistakes_in_costs_are_named() {
    for (database, at, says) in [
        ("scaling: (contention: 0.1)", "scaling", "an unlimited CPU"),
        ("cpu: 4, scaling: (contention: -0.1)", "contention", "0 to 1"),
        ("buffer: (pages: 0)", "buffer.pages", "keeps nothing"),
        ("buffer: (pages: 9, rows_per_page: 0)", "buffer.rows_per_page", "at least one row"),
    ] {
        let found = problems(&[], "{}", &format!(r#"{{"db": Database({database})}}"#));
        assert_eq!(found.len(), 1, "{database}: {found:?}");
        assert!(found[0].0.ends_with(at) && found[0].1.contains(says), "{database}: {found:?}");
    }
}
