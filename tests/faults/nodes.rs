//! Actions on processes and machines.

use engine::Outcome;

use super::{FINE, LOST, REFUSED, disturbed, done, ends, expect, patient, played, touched};

/// At 9.05 s the request of 9 s has been worked on for 40 ms.
#[test]
fn a_crash_breaks_what_is_in_hand_and_refuses_what_comes() {
    let record = disturbed(r#"(at: "9.05s", for: "3s", do: Crash("s"))"#);
    // Broken off at 9.05, and the reset takes a hop; then nobody listens until 12.05.
    let reset = (Outcome::Reset, 60.0);
    expect(&record, [reset, REFUSED, REFUSED, REFUSED, FINE]);
    assert_eq!(touched(&record), [["s/0"]]);
}

#[test]
fn a_lost_machine_says_nothing() {
    let record = disturbed(r#"(at: "9.05s", for: "3s", do: Crash("s", (silent: true)))"#);
    expect(&record, [LOST, LOST, LOST, LOST, FINE]);
}

#[test]
fn a_crash_without_an_end_is_for_good() {
    let record = disturbed(r#"(at: "9.05s", do: Crash("s"))"#);
    let ends = ends(&record);
    assert_eq!(ends[8], FINE);
    assert!(ends[10..].iter().all(|end| *end == REFUSED), "{ends:?}");
}

#[test]
fn a_restart_costs_only_what_is_in_hand() {
    let reset = (Outcome::Reset, 60.0);
    let record = disturbed(r#"(at: "9.05s", do: Restart("s"))"#);
    expect(&record, [reset, FINE, FINE, FINE, FINE]);
    let record = disturbed(r#"(at: "9.05s", for: "2s", do: Restart("s"))"#);
    expect(&record, [reset, REFUSED, REFUSED, FINE, FINE]);
}

/// Still from 9.05 to 12.05: 60 ms of the first request are left then, and are done at 12.11; what
/// came meanwhile begins at 12.05. Each answer takes a hop more.
#[test]
fn a_pause_stops_work_and_loses_nothing() {
    let record = patient(r#"(at: "9.05s", for: "3s", do: Pause("s"))"#);
    expect(&record, [done(3120.0), done(2160.0), done(1160.0), done(160.0), FINE]);
}

/// 40 ms at full speed, 60 at a third: 240. The request of 12 s does 40/3 until the end of the
/// action and the other 86.667 after it.
#[test]
fn slowness_reaches_work_that_has_begun() {
    let record = disturbed(r#"(at: "9.05s", for: "3s", do: Slow("s", (times: 3)))"#);
    let last = 10.0 + 40.0 + (100.0 - 40.0 / 3.0) + 10.0;
    expect(&record, [done(240.0), done(320.0), done(320.0), done(last), FINE]);
}

#[test]
fn errors_meet_what_arrives() {
    let record = disturbed(r#"(at: "9.05s", for: "3s", do: Errors("s", (rate: "100%")))"#);
    let failed = (Outcome::Failed, 20.0);
    expect(&record, [FINE, failed, failed, failed, FINE]);
}

/// A share of 30 % of 1000 calls: 300, with a standard deviation of √(1000 · 0.3 · 0.7) = 14.5.
#[test]
fn errors_meet_their_share() {
    let text = r#"(
        duration: "10s",
        components: { "s": Service(operations: { "get": [Wait("1ms")] }) },
        traffic: { "users": Open(rate: "100/s", arrivals: Even, to: "s.get") },
        timeline: [(at: "0s", do: Errors("s", (rate: "30%")))],
    )"#;
    let record = crate::theory::measure(text, 1).remove(0);
    let failed = record.operations["s.get"].outcomes.of(Outcome::Failed) as f64;
    assert!((failed - 300.0).abs() < 4.0 * 14.5, "{failed}");
}

const TWO: &str = r#""s": Service(replicas: 2, operations: { "get": [Work("100ms")] })"#;

/// Replicas take turns: the first has the even seconds, until it is gone.
#[test]
fn one_replica_falls_and_the_other_takes_all() {
    let timeline = r#"timeline: [(at: "9.5s", for: "3s", do: Crash("s/0"))],"#;
    let record = played(timeline, TWO, r#"timeout: "500ms""#);
    expect(&record, [FINE; 5]);
    assert_eq!(touched(&record), [["s/0"]]);
}

/// Zones are dealt out in turn: `s/0` is in `a`. The request of 10 s was with it.
#[test]
fn a_zone_is_lost_in_silence() {
    let more = r#"zones: ["a", "b"], timeline: [(at: "10.05s", for: "3s", do: ZoneLoss("a"))],"#;
    let record = played(more, TWO, r#"timeout: "500ms""#);
    expect(&record, [FINE, LOST, FINE, FINE, FINE]);
    assert_eq!(touched(&record), [["s/0"]]);
}

#[test]
fn selectors_mean_members() {
    let four = r#""s": Service(replicas: 4, operations: { "get": [Work("100ms")] })"#;
    let of = |subject: &str| -> Vec<String> {
        let timeline = format!(
            r#"zones: ["a", "b"], timeline: [(at: "1s", for: "1s", do: Crash("{subject}"))],"#
        );
        let record = played(&timeline, four, "");
        record.actions[0].touched.clone()
    };
    assert_eq!(of("s"), ["s/0", "s/1", "s/2", "s/3"]);
    assert_eq!(of("s/*"), of("s"));
    assert_eq!(of("s/2"), ["s/2"]);
    assert_eq!(of("s/1..3"), ["s/1", "s/2", "s/3"]);
    assert_eq!(of("zone:b"), ["s/1", "s/3"]);
    let drawn = of("any 2 of s");
    assert_eq!(drawn.len(), 2, "{drawn:?}");
    assert!(drawn.iter().all(|name| of("s").contains(name)), "{drawn:?}");
}

/// Partition 1 begins on broker 1; its other replicas are on 2 and 0. A broker that is down for
/// longer than its session of 9 s has been replaced by the next; partition 1 of `alone` has nobody
/// else, and while its broker is down nobody leads it.
#[test]
fn whoever_leads_is_found_when_the_action_begins() {
    let text = r#"(
        duration: "40s",
        components: {
            "s": Service(operations: { "get": [Publish("events"), Publish("alone")] }),
            "events": Topic(partitions: 2, brokers: 3, replication: 3),
            "alone": Topic(partitions: 2, brokers: 2),
        },
        traffic: { "users": Open(rate: "1/s", to: "s.get") },
        timeline: [
            (at: "5s", for: "25s", do: Crash("leader of events/1"), as: "first"),
            (at: "20s", for: "1s", do: Restart("leader of events/1"), as: "second"),
            (at: "5s", for: "25s", do: Crash("leader of alone/1"), as: "third"),
            (at: "20s", for: "1s", do: Pause("leader of alone/1"), as: "fourth"),
        ],
    )"#;
    let record = crate::theory::measure(text, 1).remove(0);
    // In the order in which they begin: first, third, second, fourth.
    assert_eq!(touched(&record), [vec!["events/1"], vec!["alone/1"], vec!["events/2"], vec![]]);
}

/// The first request holds its lock by way of the first gateway, which crashes: the connection is
/// gone, so that the third request finds both as idle as each other, and it is the first one's
/// turn.
#[test]
fn a_grant_broken_by_a_crash_is_no_longer_in_hand() {
    let text = r#"(
        duration: "2500ms", settle: "1s",
        draws: { "item": Uniform(1) },
        components: {
            "locks": Redis(command: Always("1ms")),
            "edge": Gateway(replicas: 2, routes: { "/": "locks" }),
            "s": Service(operations: { "get": [Lock("edge", (key: "item"), [Wait("200ms")])] }),
        },
        policies: { "edge": (balance: LeastOfAll) },
        traffic: { "users": Open(rate: "1/s", arrivals: Even, to: "s.get") },
        timeline: [(at: "100ms", for: "100ms", do: Crash("edge/0"))],
    )"#;
    let record = crate::theory::measure(text, 1).remove(0);
    let edge = record.groups.iter().find(|group| group.name == "edge").expect("it is there");
    let arrived: Vec<u64> = edge.members.iter().map(|member| member.arrived).collect();
    assert_eq!((arrived, record.requests.completed), (vec![2, 1], 3));
}

/// The cache answers in no time; what it misses costs 30 ms of the store's time. Without hops.
#[test]
fn a_flush_empties_a_cache() {
    let text = r#"(
        duration: "5500ms", sample: "1ms",
        draws: { "item": Uniform(1) },
        components: {
            "s": Service(operations: { "get": [
                Read("item", (through: ["cache"], miss: [Work("30ms")])) ] }),
            "cache": Cache(key: "item", capacity: 10),
        },
        traffic: { "users": Open(rate: "1/s", arrivals: Even, to: "s.get") },
        timeline: [(at: "2.5s", do: Flush("cache"))],
    )"#;
    let record = crate::theory::measure(text, 1).remove(0);
    let slow: Vec<bool> = ends(&record).iter().map(|(_, took)| *took > 29.0).collect();
    assert_eq!(slow, [true, false, false, true, false, false]);
    assert_eq!(touched(&record), [["cache/0"]]);
}
