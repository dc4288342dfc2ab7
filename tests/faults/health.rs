//! What callers keep about those they ask: connections, and who is well.

use engine::Outcome;

use super::{ends, played};
use crate::theory::measure;

fn took(record: &engine::RunRecord) -> Vec<f64> {
    let ends = ends(record);
    assert!(ends.iter().all(|end| end.0 == Outcome::Done), "{ends:?}");
    ends.into_iter().map(|end| end.1).collect()
}

/// 20 ms between user and service, 20 ms for the lock and the 10 µs that a command takes Redis,
/// 100 ms of work: 140.01 ms. The first one opens
/// a connection, with three round trips (TCP and TLS 1.2) of 20 ms; letting go of a lock leaves it
/// open for all that follow.
#[test]
fn letting_go_keeps_the_connection() {
    let record = played(
        r#"draws: { "user": Uniform(9) },
           policies: { "redis": (connections: (handshake: Tls12)) },"#,
        r#""s": Service(operations: { "get": [Lock("redis", (key: "user"), [Work("100ms")])] }),
           "redis": Redis(tables: { "t": Table(key: "user", rows: 9) })"#,
        r#"timeout: "60s""#,
    );
    let mut expected = vec![140.01; 16];
    expected[0] = 200.01;
    assert_eq!(took(&record), expected);
}

/// 20 ms to the service, 20 ms on to the next, 100 ms of work. That one is down from 9.5 s to
/// 9.7 s, when nobody asks: its idle connection is gone, and a new one takes 20 ms more.
#[test]
fn connections_end_with_their_process() {
    let record = played(
        r#"policies: { "t": (connections: ()) },
           timeline: [(at: "9500ms", for: "200ms", do: Crash("t"))],"#,
        r#""s": Service(operations: { "get": [Call("t.get")] }),
           "t": Service(operations: { "get": [Work("100ms")] })"#,
        r#"timeout: "60s""#,
    );
    let mut expected = vec![140.0; 16];
    (expected[0], expected[10]) = (160.0, 160.0);
    assert_eq!(took(&record), expected);
}

/// Users who resolve names, and one of four servers that fails all: in turn it is asked five times
/// among twenty requests, and ejected. No tick lets it back within the 30 s of its ejection: five
/// failures of 600 requests, whether or not there are names.
#[test]
fn users_with_names_eject_too() {
    for view in ["", "view: Names(ttl: \"5s\"),"] {
        let text = format!(
            r#"(duration: "30s", network: (any: "1ms"),
                components: {{ "s": Service(replicas: 4, operations: {{ "get": [] }}) }},
                policies: {{ "s": ({view} passive: Outliers(max_ejection_percent: "50%")) }},
                traffic: {{ "users": Open(rate: "20/s", arrivals: Even, to: "s.get") }},
                timeline: [(at: "0s", do: Errors("s/1", (rate: "100%")))])"#
        );
        let record = measure(&text, 1).remove(0);
        assert_eq!(record.operations["s.get"].outcomes.of(Outcome::Failed), 5, "{view}");
    }
}

/// Of eight servers the four of zone a are down, one of the other four is ten times as slow.
/// Prequal finds that out by its probes whichever level of priority the four are in: it asks the
/// slow one hardly more than now and then, by chance a quarter of all would go there.
#[test]
fn prequal_probes_the_level_it_picks_from() {
    let asked = |locality: &str| {
        let crashes: String = [0, 2, 4, 6]
            .map(|member| format!(r#"(at: "1s", for: "30s", do: Crash("s/{member}")),"#))
            .concat();
        let text = format!(
            r#"(duration: "20s", warmup: "2s", zones: ["a", "b"], network: (any: "100us"),
                components: {{
                    "lb": Gateway(routes: {{ "/": "s" }}),
                    "s": Service(replicas: 8, server: Threads(workers: 2, queue: 1000),
                        operations: {{ "get": [Work(Exp("5ms"))] }}),
                }},
                policies: {{ "s": (balance: Prequal(), locality: Order(["{locality}"])) }},
                traffic: {{ "users": Open(rate: "200/s", to: "lb.get") }},
                timeline: [{crashes} (at: "1s", for: "30s", do: Slow("s/1", (times: 10)))])"#
        );
        let record = measure(&text, 1).remove(0);
        record.operations["lb.get"].took.mean() / 1e6
    };
    // Three servers of two threads at 200/s: each thread is busy for a sixth of the time, so that
    // hardly anybody waits for more than the work, 5 ms. By chance it would be
    // 3/4 · 5 ms + 1/4 · 50 ms and waiting in front of a server asked for 2.5 times what it can do.
    for locality in ["a", "b"] {
        let mean = asked(locality);
        assert!(mean < 10.0, "first {locality}: {mean} ms");
    }
}

/// Whatever zone users are near, and whatever `default` says of that: of a cache whose keys are on
/// a ring each node has its part, about a quarter each (150 points: 8 % more or less).
#[test]
fn keys_are_asked_for_where_they_are() {
    let text = r#"(duration: "20s", zones: ["a", "b"], network: (any: "1ms"),
        draws: { "user": Uniform(100000) },
        components: { "c": Cache(nodes: 4, by: Ring(key: "user")) },
        policies: { "default": (locality: Order(["a"])) },
        traffic: { "users": Open(rate: "1000/s", to: "c.get") })"#;
    let record = measure(text, 1).remove(0);
    let nodes = &record.groups.iter().find(|group| group.name == "c").unwrap().members;
    let asked: Vec<u64> = nodes.iter().map(|node| node.arrived).collect();
    let all: u64 = asked.iter().sum();
    let share = |n: &u64| *n as f64 / all as f64;
    assert!(asked.iter().all(|n| (0.18..0.33).contains(&share(n))), "{asked:?}");
}
