//! Stores by script. Unless a test says otherwise, looking at a question takes no time, reading and
//! writing a row 1 ms each, and there is no network.

use engine::chance::Dist;
use engine::network::Trouble;
use engine::{Action, Deed, GroupId, Outcome, RunRecord, Span, Target, Time, World};

use crate::testing::{Line, Log, Stage, heard};

use Outcome::{Denied, Done, Refused, TimedOut};

/// What the lines of a script ask.
const GET: &str = "kv.do#0";
const SET: &str = "kv.do#1";

/// A store of ten rows that hold 5, with these fields, and somebody who uses it.
pub(super) fn stage(fields: &str) -> (Stage, GroupId) {
    timed("read: Always(\"1ms\"), write: Always(\"1ms\"),", fields)
}

/// As [`stage`], with these times.
fn timed(times: &str, fields: &str) -> (Stage, GroupId) {
    let stage = Stage::wired(
        &["row"],
        &format!(
            r#"{{
                "shop": Service(operations: {{
                    "get": [Do("kv", [Get("row")])],
                    "set": [Do("kv", [Set("row", (to: "row"))])],
                    "then": [Do("kv", [Set("row", (to: "row"))]), Do("kv", [Get("row")])],
                }}),
                "kv": Store(
                    coordinate: Always("0s"), {times}
                    tables: {{ "row": Table(key: "row", rows: 10, value: 5) }},
                    {fields}
                ),
            }}"#
        ),
    );
    let kv = stage.builder.find("kv").expect("it was wired");
    (stage, kv)
}

/// Something happens to these nodes, or to messages from the first of them to the others.
pub(super) fn act(stage: &mut Stage, kv: GroupId, who: &[u16], from_to: (u64, u64), deed: Deed) {
    let mut pool: Vec<_> = who.iter().map(|node| stage.member(kv, *node)).collect();
    let target = match deed {
        Deed::Link(ref trouble) => {
            let to = pool.split_off(1);
            Target::Links { from: pool, to, both: *trouble == Trouble::Cut }
        }
        _ => Target::Members { pool, pick: None },
    };
    let (at, lasts) = (Time::ZERO + Span::millis(from_to.0), Span::millis(from_to.1 - from_to.0));
    let name = format!("{deed:?} {who:?}");
    stage.builder.action(Action { name, at, lasts: Some(lasts), target, deed });
}

pub(super) const DEAD: Deed = Deed::Crash { silent: false };

/// Asks these nodes at these milliseconds: for row 1, or to make it hold a number.
pub(super) fn say(stage: &mut Stage, kv: GroupId, lines: &[(u64, u16, Option<i64>)]) -> Log {
    let [get, set] = [GET, SET].map(|op| stage.builder.op(op));
    let line = |&(at, member, value): &(u64, u16, Option<i64>)| {
        let op = if value.is_some() { set } else { get };
        Line { member, ..Line::new(Span::millis(at), op, 1, value.unwrap_or(0)) }
    };
    let lines: Vec<Line> = lines.iter().map(line).collect();
    stage.script(kv, &lines)
}

pub(super) fn total(record: &RunRecord, counter: &str) -> u64 {
    let kv = record.groups.iter().find(|group| group.name == "kv").expect("it is there");
    kv.totals[counter]
}

fn end(mut world: World) -> RunRecord {
    world.finish(0, &[])
}

/// Replicas answer after 3, 9 and 20 ms: the coordinator itself after the 3 ms that writing takes,
/// the others 6 and 17 ms later. One has answered at 3 ms, two at 9, three at 20.
#[test]
fn a_write_takes_as_long_as_the_kth_fastest_replica() {
    for (level, took) in
        [("One", 3), ("Two", 9), ("Quorum", 9), ("Replicas(2)", 9), ("Three", 20), ("All", 20)]
    {
        let (mut stage, kv) = timed("write: Always(\"3ms\"),", &format!("writes: {level}"));
        for (node, delay) in [(1, 6), (2, 17)] {
            let delay = Trouble::Delay(Dist::Fixed(Span::millis(delay)));
            act(&mut stage, kv, &[0, node], (0, 1000), Deed::Link(delay));
        }
        let log = say(&mut stage, kv, &[(100, 0, Some(7))]);
        stage.play(Span::secs(1));
        assert_eq!(heard(&log), [(100 + took, 0, Done, 7)], "{level}");
    }
}

/// Of four nodes the one that keeps nothing of row 1 is asked; each set of the three others is dead
/// in turn. Two must be there: with 0.99 each that is 3 · 0.99² · 0.01 + 0.99³ = 0.999702.
#[test]
fn a_quorum_is_there_as_often_as_two_of_three() {
    for (level, needed) in [("Quorum", 0.999_702), ("One", 0.999_999), ("All", 0.970_299)] {
        let mut there = [0.0; 2];
        for dead in 0..8u16 {
            let fields = format!("nodes: 4, reads: {level}, writes: {level}, down_after: \"2s\"");
            let (mut stage, kv) = stage(&fields);
            let (replicas, other) = replicas_of_row_1();
            let dying: Vec<u16> = (0..3).filter(|n| dead >> n & 1 == 1).collect();
            for node in &dying {
                act(&mut stage, kv, &[replicas[usize::from(*node)]], (1000, 20_000), DEAD);
            }
            let log = say(&mut stage, kv, &[(10_000, other, Some(7)), (10_100, other, None)]);
            stage.play(Span::secs(15));
            let chance: f64 =
                (0..3).map(|n| if dead >> n & 1 == 1 { 0.01 } else { 0.99 }).product();
            for (_, line, outcome, _) in heard(&log) {
                there[line] += if outcome == Done { chance } else { 0.0 };
                assert!(outcome == Done || outcome == Refused);
            }
        }
        assert!(there.iter().all(|share| (share - needed).abs() < 1e-9), "{level}: {there:?}");
    }
}

/// Who of four nodes keeps row 1, and who does not.
pub(super) fn replicas_of_row_1() -> ([u16; 3], u16) {
    let ring = std::rc::Rc::new(crate::policy::ring::Ring::new(4, 16));
    let replicas = super::place::Places::new(ring, vec![0; 4], 3).of(1);
    let members = [0, 1, 2].map(|place| replicas.member(place));
    let other = (0..4).find(|node| !members.contains(node)).expect("one of four is left");
    (members, other)
}

/// H11: of N replicas W have a write when it is acknowledged, and the others not yet; who reads R
/// at once misses it with C(N−W, R) / C(N, R). Writing takes an exponential time, so that the
/// order in which replicas take a write is any; reading takes none. 3000 writes: 3 deviations are
/// 2.7 %.
#[test]
fn h11_reads_right_after_writes() {
    for (n, r, w, misses) in [
        (3, 1, 1, 0.666_667),
        (3, 2, 1, 0.333_333),
        (3, 1, 2, 0.333_333),
        (3, 2, 2, 0.0),
        (5, 1, 1, 0.8),
        (5, 2, 3, 0.1),
        (5, 3, 3, 0.0),
    ] {
        let fields = format!("replicas: {n}, reads: Replicas({r}), writes: Replicas({w})");
        let times = "read: Always(\"0s\"), write: Exp(\"10ms\"),";
        let (mut stage, _) = timed(times, &fields);
        let shop = stage.builder.find("shop").expect("it was wired");
        let then = stage.builder.op("shop.then");
        let line = |n: u64| Line::new(Span::millis(n * 1000), then, (n % 10) as u32, 0);
        let lines: Vec<Line> = (0..3000).map(line).collect();
        let log = stage.script(shop, &lines);
        let record = end(stage.play(Span::secs(3001)));
        assert_eq!(heard(&log).len(), 3000);
        let share = total(&record, "stale") as f64 / 3000.0;
        assert!((share - misses).abs() < 0.027, "N={n} R={r} W={w}: {share}");
        assert_eq!(share == 0.0, r + w > n, "N={n} R={r} W={w}: {share}");
        assert_eq!(record.tables["row"].stale, total(&record, "stale"));
    }
}

/// A node is dead from 1 s on, and believed to be 3 s after its last heartbeat, by 4 s. All three
/// must write: at 2 s that is waited for in vain for 2 s, at 5 s it is refused at once. Two of
/// three can be had all the time.
#[test]
fn who_cannot_be_had_is_waited_for_until_it_is_known_to_be_gone() {
    let lines = [(2000, 0, Some(1)), (5000, 0, Some(2)), (5100, 1, None)];
    let play = |level: &str| {
        let fields = format!("reads: {level}, writes: {level}, down_after: \"3s\"");
        let (mut stage, kv) = stage(&fields);
        act(&mut stage, kv, &[2], (1000, 60_000), DEAD);
        let log = say(&mut stage, kv, &lines);
        let record = end(stage.play(Span::secs(10)));
        (heard(&log), total(&record, "unavailable"), total(&record, "timeouts"))
    };
    let (all, unavailable, timeouts) = play("All");
    assert_eq!(all, [(4000, 0, TimedOut, 0), (5000, 1, Refused, 0), (5100, 2, Refused, 0)]);
    assert_eq!((unavailable, timeouts), (2, 1));
    let (quorum, ..) = play("Quorum");
    assert_eq!(quorum, [(2001, 0, Done, 1), (5001, 1, Done, 2), (5101, 2, Done, 2)]);
}

/// Node 0 is cut off from the others from 1 to 30 s. Consistent and unavailable: quorums go on
/// where two nodes are, and are refused where one is. Available and stale: with One both sides
/// write and read, and each reads the past; once hints have been replayed, the later write stands
/// everywhere.
#[test]
fn a25_a_partition_leaves_a_choice() {
    let lines = [
        (10_000, 0, Some(1)),
        (11_000, 1, Some(2)),
        (12_000, 0, None),
        (12_000, 2, None),
        (60_000, 0, None),
        (60_000, 1, None),
        (60_000, 2, None),
    ];
    let play = |level: &str| {
        let fields = format!("reads: {level}, writes: {level}, down_after: \"3s\"");
        let (mut stage, kv) = stage(&fields);
        act(&mut stage, kv, &[0, 1, 2], (1000, 30_000), Deed::Link(Trouble::Cut));
        let log = say(&mut stage, kv, &lines);
        let record = end(stage.play(Span::secs(61)));
        let answers =
            heard(&log).into_iter().map(|(_, line, outcome, value)| (line, outcome, value));
        let mut answers: Vec<_> = answers.collect();
        answers.sort_by_key(|(line, ..)| *line);
        (answers, total(&record, "stale"))
    };
    let (quorum, stale) = play("Quorum");
    let refused = |line| (line, Refused, 0);
    let done = |line, value| (line, Done, value);
    assert_eq!(
        quorum,
        [refused(0), done(1, 2), refused(2), done(3, 2), done(4, 2), done(5, 2), done(6, 2)]
    );
    assert_eq!(stale, 0);
    let (one, stale) = play("One");
    assert_eq!(
        one,
        [done(0, 1), done(1, 2), done(2, 1), done(3, 2), done(4, 2), done(5, 2), done(6, 2)]
    );
    assert_eq!(stale, 1, "node 0 does not know what was written at 11 s");
}

/// Each write 1 ms after one through another node, whose clock is wrong by up to a second: of each
/// pair of nodes one clock is ahead, so that three of the six later writes are lost; nobody is
/// told. Clocks that are right lose none.
#[test]
fn clocks_that_are_wrong_lose_writes() {
    let pairs = [(0, 1), (1, 0), (0, 2), (2, 0), (1, 2), (2, 1)];
    for (skew, lost) in [("1s", 3), ("0s", 0)] {
        let (mut stage, kv) =
            stage(&format!("reads: Quorum, writes: Quorum, clock_skew: \"{skew}\""));
        let [get, set] = [GET, SET].map(|op| stage.builder.op(op));
        let mut lines = Vec::new();
        for (row, (first, second)) in (0..).zip(pairs) {
            for (after, member, op, value) in
                [(0, first, set, 7), (2, second, set, 8), (5, 0, get, 0)]
            {
                let at = Span::millis(10_000 + after);
                lines.push(Line { member, ..Line::new(at, op, row, value) });
            }
        }
        let log = stage.script(kv, &lines);
        let record = end(stage.play(Span::secs(20)));
        assert_eq!(total(&record, "lost_updates"), lost, "{skew}");
        let read = heard(&log).into_iter().filter(|(_, line, ..)| line % 3 == 2);
        let old = read.filter(|(.., value)| *value == 7).count() as u64;
        assert_eq!(old, lost, "{skew}");
    }
}

/// There are ten rows, 0 to 9: no eleventh can be written, or read. Others hold 5 from the start.
#[test]
fn rows_that_exist_from_the_start() {
    let (mut stage, kv) = stage("reads: Quorum");
    let [get, set] = [GET, SET].map(|op| stage.builder.op(op));
    let lines = [(get, 3), (get, 10), (set, 10)];
    let lines = lines.map(|(op, row)| Line::new(Span::millis(1), op, row, 9));
    let log = stage.script(kv, &lines);
    let record = end(stage.play(Span::secs(1)));
    let mut answers = heard(&log);
    answers.sort_by_key(|(_, line, ..)| *line);
    assert_eq!(answers, [(2, 0, Done, 5), (2, 1, Denied, 0), (1, 2, Denied, 0)]);
    assert_eq!((total(&record, "stale"), record.tables["row"].sum), (0, 50));
}
