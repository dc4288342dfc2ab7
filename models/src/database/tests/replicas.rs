//! Replicas by script. A statement takes 1 ms, applying a transaction 10 ms; there is no network.

use engine::network::Trouble;
use engine::{Action, Deed, OpId, Outcome, RunRecord, Span, Target, Time};

use crate::testing::{Line, Stage, heard, problems};

use Outcome::{Done, Failed, Refused};

const SHOP: &str = r#"
    "take": [Do("db", [Take("stock")])],
    "look": [Do("db", [Get("stock", (into: "n"))]), If("n == 3", [Count("old")])]"#;

/// A shop, and a database with these replicas of ten rows of 3. The draw is product and user.
fn stage(replicas: &str) -> Stage {
    Stage::wired(
        &["product"],
        &format!(
            r#"{{
                "shop": Service(operations: {{ {SHOP} }}),
                "db": Database(
                    statement: Always("1ms"),
                    replicas: (apply: Always("10ms"), {replicas}),
                    tables: {{ "stock": Table(key: "product", rows: 10, value: 3) }},
                ),
            }}"#
        ),
    )
}

/// Says operations at milliseconds, for product 1: what came back, and the books.
fn play(mut stage: Stage, lines: &[(&str, u64)]) -> (Vec<(u64, usize, Outcome, i64)>, RunRecord) {
    let shop = stage.builder.find("shop").expect("the scenario has a shop");
    let line = |&(op, at): &(&str, u64)| {
        let op: OpId = stage.builder.op(&format!("shop.{op}"));
        Line::new(Span::millis(at), op, 1, 0)
    };
    let lines: Vec<Line> = lines.iter().map(line).collect();
    let log = stage.script(shop, &lines);
    let mut world = stage.play(Span::secs(60));
    (heard(&log), world.finish(0, &[]))
}

fn counter(record: &RunRecord, name: &str) -> u64 {
    let group = record.groups.iter().find(|group| group.name == "db").expect("it is there");
    group.totals[name]
}

/// Something happens to the primary from `at` on, for `lasts` milliseconds.
fn strike(stage: &mut Stage, at: u64, lasts: u64, deed: Deed) {
    let db = stage.builder.find("db").expect("the scenario has a database");
    let (primary, replica) = (stage.member(db, 0), stage.member(db, 1));
    let target = match deed {
        Deed::Link(_) => Target::Links { from: vec![primary], to: vec![replica], both: true },
        _ => Target::Members { pool: vec![primary], pick: None },
    };
    let (at, lasts) = (Time::ZERO + Span::millis(at), Some(Span::millis(lasts)));
    stage.builder.action(Action { name: "strike".into(), at, lasts, target, deed });
}

/// Committed at 1 ms, applied at 11 ms. A look at 5 ms sees the past, one at 20 ms does not.
#[test]
fn a_replica_tells_the_past_until_it_has_applied() {
    let lines = [("take", 0), ("look", 5), ("look", 20)];
    let (heard, record) = play(stage("count: 1, reads: Replica"), &lines);
    assert_eq!(heard, [(1, 0, Done, 0), (6, 1, Done, 0), (21, 2, Done, 0)]);
    assert_eq!((record.counters["old"], record.tables["stock"].stale), (1, 1));
    let (_, record) = play(stage("count: 1"), &lines);
    assert_eq!((record.counters["old"], record.tables["stock"].stale), (0, 0));
}

/// Four looks of somebody who has not written: of three members each has its turn.
#[test]
fn reads_take_turns() {
    let lines = [("look", 1), ("look", 2), ("look", 3), ("look", 4)];
    let arrived = |replicas: &str| {
        let (_, record) = play(stage(replicas), &lines);
        let db = record.groups.iter().find(|group| group.name == "db").expect("it is there");
        db.members.iter().map(|of| of.arrived).collect::<Vec<_>>()
    };
    assert_eq!(arrived("count: 2, reads: Any"), [2, 1, 1]);
    assert_eq!(arrived("count: 2, reads: Replica"), [0, 2, 2]);
    assert_eq!(arrived("count: 2"), [4, 0, 0]);
}

/// The user who has written at 1 ms reads from the primary: for 30 ms, or until the replica is
/// there at 11 ms.
#[test]
fn users_see_their_own_writes() {
    let lines = [("take", 0), ("look", 5), ("look", 20), ("look", 40)];
    for own in [r#"Sticky(key: "product", for: "30ms")"#, r#"CaughtUp(key: "product")"#] {
        let own = format!("count: 1, reads: Replica, own_writes: {own}");
        let (_, record) = play(stage(&own), &lines);
        assert_eq!((record.counters["old"], record.tables["stock"].stale), (0, 0), "{own}");
    }
}

/// Received at once, for there is no network; applied at 11 ms, and the next one at 21 ms.
#[test]
fn commits_wait_for_replicas() {
    let lines = [("take", 0), ("take", 5)];
    let answers = |replicas: &str| play(stage(replicas), &lines).0;
    assert_eq!(answers("count: 2, acks: Received(1)"), [(1, 0, Done, 0), (6, 1, Done, 0)]);
    assert_eq!(answers("count: 2, acks: Applied(2)"), [(11, 0, Done, 0), (21, 1, Done, 0)]);
}

/// The primary dies at 2.5 s. It was last reached at 2 s; at 5 s both give it up, at 6 s the first
/// of them sees that they agree, and takes its place at 7 s. What was committed is all there. The
/// old primary comes back at 20 s, as a replica.
#[test]
fn a_replica_takes_over() {
    let failover = r#"count: 2, failover: (detect: "3s", promote: "1s")"#;
    let lines =
        [("take", 1000), ("take", 4000), ("take", 7500), ("take", 30_000), ("look", 31_000)];
    let mut with = stage(failover);
    strike(&mut with, 2500, 17_500, Deed::Crash { silent: false });
    let (heard, record) = play(with, &lines);
    let expected = [
        (1001, 0, Done, 0),
        (4000, 1, Refused, 0),
        (7501, 2, Done, 0),
        (30_001, 3, Done, 0),
        (31_001, 4, Done, 0),
    ];
    assert_eq!(heard, expected);
    assert_eq!((counter(&record, "failovers"), counter(&record, "lost_writes")), (1, 0));
    assert_eq!((record.tables["stock"].sum, record.tables["stock"].stale), (27, 0));
}

/// The replica hears nothing from 1 s on, so that the write of 1.5 s is lost with the primary at
/// 2 s; unless its answer waits for the replica: then nobody was told that it is there.
#[test]
fn what_was_not_received_is_lost() {
    let story = |acks: &str| {
        let failover = r#"count: 1, failover: (detect: "3s", promote: "1s")"#;
        let mut stage = stage(&format!("{failover}, acks: {acks}"));
        strike(&mut stage, 1000, 1500, Deed::Link(Trouble::Cut));
        strike(&mut stage, 2000, 50_000, Deed::Crash { silent: false });
        let (heard, record) = play(stage, &[("take", 500), ("take", 1500), ("look", 10_000)]);
        let lost = (counter(&record, "lost_writes"), record.tables["stock"].lost);
        (heard.iter().map(|(_, line, outcome, _)| (*line, *outcome)).collect::<Vec<_>>(), lost)
    };
    assert_eq!(story("Async"), (vec![(0, Done), (1, Done), (2, Done)], (1, 1)));
    assert_eq!(story("Received(1)"), (vec![(0, Done), (1, Outcome::Reset), (2, Done)], (0, 0)));
}

/// The two are cut off from each other from 1 to 20 s. The replica takes over at 5 s, and callers
/// hear of it ten seconds later: what they write at 6 s the old primary confirms, or refuses.
#[test]
fn two_primaries_lose_writes_unless_the_old_one_is_fenced() {
    let story = |fencing: bool| {
        let mut stage = stage(&format!(
            r#"count: 1, failover: (detect: "3s", promote: "1s",
                                    notice: "10s", fencing: {fencing})"#
        ));
        strike(&mut stage, 1500, 18_500, Deed::Link(Trouble::Cut));
        let (heard, record) = play(stage, &[("take", 7000), ("take", 17_000), ("take", 25_000)]);
        let outcomes: Vec<Outcome> = heard.iter().map(|(_, _, outcome, _)| *outcome).collect();
        (outcomes, record.tables["stock"].sum, counter(&record, "split_brain_writes"))
    };
    assert_eq!(story(true), (vec![Failed, Done, Done], 28, 0));
    assert_eq!(story(false), (vec![Done, Done, Done], 28, 1));
}

/// The promotion takes half a second. At the other replica's next heartbeat it is 4 s since that
/// one last reached the primary; but that was another: it does not depose this one.
#[test]
fn a_new_primary_is_not_taken_for_the_old_one() {
    for promote in ["0s", "500ms", "999ms", "1s"] {
        let failover = format!(r#"count: 2, failover: (detect: "3s", promote: "{promote}")"#);
        let mut stage = stage(&failover);
        strike(&mut stage, 2500, 17_500, Deed::Crash { silent: false });
        let (heard, record) = play(stage, &[("take", 1000), ("take", 7500), ("take", 30_000)]);
        assert!(heard.iter().all(|(_, _, outcome, _)| *outcome == Done), "{promote}: {heard:?}");
        assert_eq!(counter(&record, "failovers"), 1, "{promote}");
        assert_eq!(record.tables["stock"].sum, 27, "{promote}");
    }
}

/// As above, but commits wait for a replica: the old primary does not hear of any, and confirms
/// nothing. It learns at 20 s (its replica's next word) that there is another.
#[test]
fn who_waits_for_replicas_confirms_nothing_alone() {
    let story = |acks: &str| {
        let mut stage = stage(&format!(
            r#"count: 1, {acks}, failover: (detect: "3s", promote: "1s",
                                            notice: "10s", fencing: false)"#
        ));
        strike(&mut stage, 1500, 18_500, Deed::Link(Trouble::Cut));
        let (heard, record) = play(stage, &[("take", 7000), ("take", 25_000)]);
        (heard, record.tables["stock"].sum, counter(&record, "split_brain_writes"))
    };
    let (heard, sum, split) = story("acks: Received(1)");
    assert_eq!((heard, sum, split), (vec![(20_000, 0, Failed, 0), (25_001, 1, Done, 0)], 29, 0));
    // It goes on alone after 5 s, as MySQL does.
    let (heard, sum, split) = story(r#"acks: Received(1), acks_timeout: "5s""#);
    assert_eq!((heard, sum, split), (vec![(12_001, 0, Done, 0), (25_001, 1, Done, 0)], 29, 1));
}

/// The replica is down from 1 to 20 s. The write of 2 s waits for 10 s, and from then on nobody
/// does. It is up to date at the first heartbeat after 20 s, so that writes wait for it again; and
/// as it is down again from 40 s on, the next one does so for another 10 s.
#[test]
fn commits_wait_for_replicas_so_long_and_no_longer() {
    let mut stage = stage(r#"count: 1, acks: Received(1), acks_timeout: "10s""#);
    let db = stage.builder.find("db").expect("the scenario has a database");
    let replica = stage.member(db, 1);
    for (at, lasts) in [(1000, 19_000), (40_000, 19_000)] {
        let target = Target::Members { pool: vec![replica], pick: None };
        let (at, lasts) = (Time::ZERO + Span::millis(at), Some(Span::millis(lasts)));
        let deed = Deed::Crash { silent: false };
        stage.builder.action(Action { name: "crash".into(), at, lasts, target, deed });
    }
    let (heard, record) = play(stage, &[("take", 2000), ("take", 15_000), ("take", 45_000)]);
    assert_eq!(heard, [(12_001, 0, Done, 0), (15_001, 1, Done, 0), (55_001, 2, Done, 0)]);
    assert_eq!((counter(&record, "acks_timeouts"), record.tables["stock"].sum), (2, 27));
}

#[test]
fn mistakes_in_replicas_are_named() {
    for (replicas, at, says) in [
        ("count: 0", "replicas.count", "no replicas"),
        ("count: 1, acks: Received(2)", "replicas.acks", "waits for 2 replicas, and there are 1"),
        ("count: 1, acks: Applied(0)", "replicas.acks", "waits for 0"),
        ("count: 101", "replicas.count", "100 replicas at most"),
        (
            r#"count: 1, own_writes: CaughtUp(key: "usr")"#,
            "replicas.own_writes",
            "no draw `usr`; did you mean `user`?",
        ),
        (r#"count: 1, acks_timeout: "1s""#, "replicas.acks_timeout", "no commit waits; say what"),
        (
            r#"count: 1, acks: Received(1), acks_timeout: "0s""#,
            "replicas.acks_timeout",
            "nobody could wait",
        ),
        (r#"count: 1, failover: (detect: "1s")"#, "replicas.failover.detect", "2s at least"),
    ] {
        let found =
            problems(&["user"], "{}", &format!(r#"{{"db": Database(replicas: ({replicas}))}}"#));
        assert_eq!(found.len(), 1, "{replicas}: {found:?}");
        assert!(found[0].0 == at && found[0].1.contains(says), "{replicas}: {found:?}");
    }
    let both =
        r#"{"db": Database(shards: (count: 2, by: Modulo(key: "user")), replicas: (count: 1))}"#;
    let found = problems(&["user"], "{}", both);
    assert!(found[0].1.contains("shards or replicas, not both"), "{found:?}");
}

/// Sent 100 ms after the first of them, at 101 ms; applied at 111 and 121.
#[test]
fn commits_are_sent_together() {
    let lines = [("take", 0), ("look", 90), ("look", 130), ("take", 150), ("look", 200)];
    let (_, record) = play(stage(r#"count: 1, reads: Replica, ship: "100ms""#), &lines);
    assert_eq!((record.counters["old"], record.tables["stock"].stale), (1, 2));
}

/// Sent 20 s after the first of them, whatever is said meanwhile: a look at 10 s sees the past.
/// What had not been sent at 15 s is lost with the primary.
#[test]
fn what_waits_to_be_sent_is_not_sent_by_heartbeats() {
    let ship = r#"count: 1, reads: Replica, ship: "20s""#;
    let (_, record) = play(stage(ship), &[("take", 0), ("look", 10_000), ("look", 30_000)]);
    assert_eq!((record.counters["old"], record.tables["stock"].stale), (1, 1));
    let mut stage = stage(&format!(r#"{ship}, failover: (detect: "3s", promote: "1s")"#));
    strike(&mut stage, 15_000, 30_000, Deed::Crash { silent: false });
    let (_, record) = play(stage, &[("take", 0)]);
    assert_eq!((counter(&record, "lost_writes"), record.tables["stock"].sum), (1, 30));
}

/// The order of 0 ms is there from 1 ms on, and on the replica from 11 ms on. At 5 ms that has no
/// rows to list, whatever the primary has; at 20 ms it has one. Of ten rows of stock, two are there
/// after eight: the offset is worked out by the flow.
#[test]
fn a_replica_lists_what_it_has_applied() {
    let story = |list: &str| {
        let components = format!(
            r#"{{
                "shop": Service(operations: {{
                    "order": [Do("db", [Insert("order")])],
                    "list": [Do("db", [{list}]), If("n == 1", [Count("one")]),
                             If("n == 0", [Count("none")])],
                    "page": [Do("db", [Page("stock", (size: 3, offset: "product * 8", into: "n"))]),
                             If("n == 2", [Count("two")])],
                }}),
                "db": Database(
                    statement: Always("1ms"),
                    replicas: (count: 1, reads: Replica, apply: Always("10ms")),
                    tables: {{ "order": Table(key: "request"),
                               "stock": Table(key: "product", rows: 10) }},
                ),
            }}"#
        );
        let lines = [("order", 0), ("list", 5), ("list", 20), ("page", 30)];
        let (_, record) = play(Stage::wired(&["product"], &components), &lines);
        let counted = ["none", "one", "two"].map(|name| record.counters[name]);
        (counted, record.tables["order"].stale)
    };
    assert_eq!(story(r#"Scan("order", (into: "n"))"#), ([1, 1, 1], 1));
    assert_eq!(story(r#"Page("order", (size: 9, offset: "0", into: "n"))"#), ([1, 1, 1], 1));
}
