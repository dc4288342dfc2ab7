//! Hints, read repair and speculation by script, as in [`super::tests`].

use engine::chance::Dist;
use engine::network::Trouble;
use engine::{Deed, Outcome, RunRecord, Span};

use super::tests::{DEAD, act, say, stage, total};
use crate::testing::{Stage, heard, problems};

use Outcome::{Done, Refused};

fn end(stage: Stage, secs: u64) -> RunRecord {
    stage.play(Span::secs(secs)).finish(0, &[])
}

/// Node 2 is dead from 1 to 20 s, and known to be from 4 s on. Row 1 is written at 2 s, when that
/// is not known, and at 10 s. Back again it is told within 10 s, and knows the last write.
#[test]
fn hints_are_replayed_to_who_comes_back() {
    let lines = [(2000, 0, Some(6)), (10_000, 0, Some(7)), (19_999, 1, None), (40_000, 2, None)];
    let play = |hints: &str| {
        let (mut stage, kv) = stage(&format!("down_after: \"3s\", {hints}"));
        act(&mut stage, kv, &[2], (1000, 20_000), DEAD);
        let log = say(&mut stage, kv, &lines);
        let record = end(stage, 50);
        let answers: Vec<_> = heard(&log).into_iter().map(|(.., value)| value).collect();
        let counts = ["hints", "hints_replayed", "hints_refused", "stale"];
        (answers, counts.map(|counter| total(&record, counter)))
    };
    assert_eq!(play(""), (vec![6, 7, 7, 7], [2, 2, 0, 0]));
    assert_eq!(play("hints: (window: \"0s\")"), (vec![6, 7, 7, 5], [0, 0, 2, 1]));
    // At 2 s it has been silent for 1 to 2 s, at 10 s for 9 to 10.
    assert_eq!(play("hints: (window: \"5s\")"), (vec![6, 7, 7, 6], [1, 1, 1, 1]));
    assert_eq!(play("hints: (most: 1)"), (vec![6, 7, 7, 6], [1, 1, 1, 1]));
}

/// 100 writes while node 2 is dead; at 10 hints a second it takes 10 s to tell it.
#[test]
fn replay_is_throttled() {
    let lines: Vec<_> = (0..100).map(|n| (5000 + n, 0, Some(n as i64))).collect();
    let replayed = |secs: u64| {
        let (mut stage, kv) = stage("down_after: \"3s\", hints: (rate: \"10/s\", every: \"1s\")");
        act(&mut stage, kv, &[2], (1000, 20_000), DEAD);
        say(&mut stage, kv, &lines);
        total(&end(stage, secs), "hints_replayed")
    };
    assert_eq!(replayed(20), 0);
    // It is heard of within 1 s, and looked after within another.
    assert!((30..=50).contains(&replayed(25)), "{}", replayed(25));
    assert_eq!(replayed(33), 100);
}

/// A crash takes the hints that are not on disk. Hints are flushed every 10 s: of one that was
/// kept 12 s before the crash nothing is lost, of one that was kept just before it everything.
#[test]
fn a_crash_takes_hints_that_were_not_flushed() {
    for (crash, lost) in [(22_000, 0), (10_005, 1)] {
        let (mut stage, kv) = stage("down_after: \"3s\"");
        act(&mut stage, kv, &[2], (1000, 30_000), DEAD);
        act(&mut stage, kv, &[0], (crash, crash + 100), DEAD);
        say(&mut stage, kv, &[(10_000, 0, Some(7))]);
        let log = say(&mut stage, kv, &[(50_000, 2, None)]);
        let record = end(stage, 55);
        assert_eq!(total(&record, "hints_lost"), lost, "crash at {crash} ms");
        assert_eq!(heard(&log)[0].3, if lost == 0 { 7 } else { 5 });
    }
}

/// All three are dead and known to be, and the fourth node is asked: nobody can take a write, but
/// with Any it is kept as a hint, which nobody can read before it is replayed.
#[test]
fn any_is_content_with_a_hint() {
    for (level, outcome, after) in [("Any", Done, 7), ("One", Refused, 5)] {
        let (mut stage, kv) =
            stage(&format!("nodes: 4, replicas: 3, writes: {level}, down_after: \"3s\""));
        let ([a, b, c], other) = super::tests::replicas_of_row_1();
        act(&mut stage, kv, &[a, b, c], (1000, 20_000), DEAD);
        let write = say(&mut stage, kv, &[(10_000, other, Some(7))]);
        let read = say(&mut stage, kv, &[(19_000, other, None), (40_000, a, None)]);
        end(stage, 45);
        assert_eq!(heard(&write)[0].2, outcome, "{level}");
        let read = heard(&read);
        assert_eq!((read[0].2, read[1].2, read[1].3), (Refused, Done, after), "{level}");
    }
}

/// Node 2 was dead when row 1 was written, and there are no hints. Who reads all three finds that
/// they differ after 1 ms, reads in full (2 ms), and repairs node 2 (3 ms); the next one takes
/// 1 ms, and node 2 knows. Without repair each takes 2 ms.
#[test]
fn reads_repair_what_they_find() {
    let lines = [(10_000, 0, Some(7)), (30_000, 0, None), (31_000, 1, None)];
    let play = |repair: bool| {
        let (mut stage, kv) = stage(&format!(
            "reads: All, down_after: \"3s\", hints: (window: \"0s\"), read_repair: {repair}"
        ));
        act(&mut stage, kv, &[2], (1000, 20_000), DEAD);
        let log = say(&mut stage, kv, &lines);
        let record = end(stage, 40);
        let counts = ["mismatches", "repaired", "stale"].map(|counter| total(&record, counter));
        (heard(&log)[1..].to_vec(), counts)
    };
    let (heard, counts) = play(true);
    assert_eq!(heard, [(30_003, 1, Done, 7), (31_001, 2, Done, 7)]);
    assert_eq!(counts, [1, 1, 0]);
    let (heard, counts) = play(false);
    assert_eq!(heard, [(30_002, 1, Done, 7), (31_002, 2, Done, 7)]);
    assert_eq!(counts, [2, 0, 0]);
}

/// Two must answer: node 0 itself, and one of the others, as chance has it. Node 1 is 100 ms away:
/// who was asked for it asks node 2 as well after 10 ms, and has read after 1 or 11 ms.
#[test]
fn another_replica_is_asked_when_one_takes_long() {
    let (mut stage, kv) = stage("reads: Two, speculate: After(\"10ms\")");
    let far = Trouble::Delay(Dist::Fixed(Span::millis(100)));
    act(&mut stage, kv, &[0, 1], (0, 60_000), Deed::Link(far));
    let lines: Vec<_> = (1..=40).map(|n| (n * 1000, 0, None)).collect();
    let log = say(&mut stage, kv, &lines);
    let record = end(stage, 50);
    let took: Vec<u64> = heard(&log).iter().map(|(at, ..)| at % 1000).collect();
    let late = took.iter().filter(|took| **took == 11).count();
    assert!(took.iter().all(|took| [1, 11].contains(took)), "{took:?}");
    assert_eq!(late as u64, total(&record, "speculated"));
    assert!((8..=32).contains(&late), "half of 40, within four deviations: {late}");
}

/// The mistakes in a store with these fields: where, and in which words.
fn mistakes(fields: &str) -> Vec<(String, String)> {
    let components = format!("{{ \"it\": Store({fields}) }}");
    problems(&["user"], "{}", &components)
}

#[test]
fn stores_that_make_no_sense_are_named() {
    for (fields, at, says) in [
        ("replicas: 0", "it.replicas", "1 to 8 replicas"),
        ("replicas: 9, nodes: 9", "it.replicas", "1 to 8 replicas"),
        ("nodes: 0", "it.nodes", "1 to 64 nodes"),
        ("nodes: 65", "it.nodes", "1 to 64 nodes"),
        ("nodes: 2", "it.replicas", "3 replicas of a row, and 2 nodes"),
        ("replicas: 2, reads: Three", "it.reads", "3 of 2 replicas can never answer"),
        ("writes: Replicas(4)", "it.writes", "4 of 3 replicas can never answer"),
        ("writes: Replicas(0)", "it.writes", "somebody must answer"),
        ("reads: Any", "it.reads", "a hint cannot be read"),
        ("virtual_nodes: 0", "it.virtual_nodes", "at least one virtual node"),
        ("virtual_nodes: 1000000", "it.virtual_nodes", "at most 333333"),
        ("token_aware: \"usr\"", "it.token_aware", "no draw `usr`"),
        ("cpu: 0", "it.cpu", "above zero"),
        ("read_timeout: \"0s\"", "it.read_timeout", "in no time"),
        ("write_timeout: \"0s\"", "it.write_timeout", "in no time"),
        ("speculate: After(\"5s\")", "it.speculate", "failed after 5s"),
        ("heartbeat: \"0s\"", "it.heartbeat", "every millisecond"),
        ("down_after: \"1s\"", "it.down_after", "between two heartbeats of 1s"),
        ("hints: (rate: \"0/s\")", "it.hints.rate", "never replayed"),
        ("hints: (every: \"0s\")", "it.hints.every", "every millisecond"),
        ("tables: {\"a\": Log()}", "it.tables", "`a` is a log"),
        ("tables: {\"a\": Table(key: \"usr\")}", "it.tables.a.key", "no draw `usr`"),
        ("write: Uniform(\"2ms\", \"1ms\")", "it.write", "above the upper"),
    ] {
        let found = mistakes(fields);
        assert_eq!(found.len(), 1, "{fields}: {found:?}");
        assert!(found[0].0.ends_with(at) || at.ends_with(&found[0].0), "{fields}: {found:?}");
        assert!(found[0].1.contains(says), "{fields}: {found:?}");
    }
    let fine = "nodes: 6, replicas: 3, reads: One, writes: Any, token_aware: \"user\", cpu: 8,
        read: Exp(\"1ms\"), speculate: After(\"50ms\"), read_repair: false, clock_skew: \"10ms\",
        hints: (window: \"1h\", rate: \"100/s\", every: \"1s\", most: 10)";
    assert_eq!(mistakes(fine), []);
}

#[test]
fn what_a_store_cannot_do_is_said() {
    for (steps, says) in [
        ("Do(\"kv\", [Take(\"a\")])", "cannot decide by what a row holds"),
        ("Do(\"kv\", [Scan(\"a\")])", "cannot decide by what a row holds"),
        ("Do(\"kv\", [Get(\"a\"), Set(\"a\", (to: \"1\"))])", "one row at a time"),
        ("Do(\"kv\", [Append(\"a\")])", "has no log"),
    ] {
        let components = format!(
            "{{ \"shop\": Service(operations: {{ \"buy\": [{steps}] }}),
                \"kv\": Store(tables: {{ \"a\": Table(key: \"user\") }}) }}"
        );
        let found = problems(&["user"], "{}", &components);
        assert_eq!(found.len(), 1, "{steps}: {found:?}");
        assert!(found[0].1.contains(says), "{steps}: {found:?}");
    }
}
