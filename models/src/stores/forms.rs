//! How stores are written in a scenario: what is accepted, and what is said about mistakes.

use engine::{Builder, Frame, Span};

use crate::testing::parse;
use crate::wiring::{Problem, Segment, Wiring};
use crate::{ComponentSpec as _, Spec};

fn path(problem: &Problem) -> String {
    let name = |segment: &Segment| match segment {
        Segment::Name(name) => name.clone(),
        Segment::Index(index) => index.to_string(),
    };
    problem.path.iter().map(name).collect::<Vec<_>>().join(".")
}

/// The mistakes in one store that is called `it`: where, and in which words.
fn mistakes(text: &str) -> Vec<(String, String)> {
    let spec: Spec = parse(text);
    let mut builder = Builder::new(Frame::plain(1, Span::secs(1)));
    let zone = builder.zone("a");
    let nodes: Vec<_> = (0..spec.members()).map(|_| builder.node(zone, spec.cpu())).collect();
    let group = builder.group("it", spec.offer().kind, &nodes);
    let mut wiring = Wiring::new(&mut builder, vec!["product".into(), "user".into()]);
    spec.build("it", group, &mut wiring);
    wiring.problems.iter().map(|problem| (path(problem), problem.message.clone())).collect()
}

/// The forms of the example scenarios, and the shortest of each kind.
#[test]
fn forms_of_the_examples_are_accepted() {
    for text in [
        r#"Cache(nodes: 3, by: Ring(key: "product", virtual_nodes: 150), capacity: 20_000,
            evict: Lru, ttl: "10m", coalesce: true,
            access: LogNormal(median: "0.2ms", p99: "1ms"))"#,
        r#"Cache(key: "product")"#,
        r#"Cache(nodes: 2, by: Modulo(key: "user"), coalesce: true, fill: "500ms", of: "stock")"#,
        r#"Cache(nodes: 2, by: Modulo(key: "user"), key: "product", ttl: "1m", sliding: true)"#,
        r#"Cache(key: "user,product", memory: "64MiB",
            size: Pareto(min: "1KiB", max: "1MiB", shape: 1.2),
            overhead: "80B", evict: Never, connections: 10_000)"#,
        r#"Cache(key: "user", ttl: "10m", ttl_denied: "1m", jitter: "10%", stale: "10s",
            stale_if_error: "1h", early: "1s", refresh: "8m", coalesce: true, versioned: true,
            tag: "product")"#,
        r#"Cache(key: "user", load: [Deny("no")], store: [Reply], warm: (top: 100),
            writes: Behind(every: "5s", batch: 50, queue: 1000, full: Drop),
            tune: (every: "10s", most: 20_000, below: "80%", room: "70%", times: 2, then: Lfu))"#,
        r#"Database(shards: (count: 4, by: Ring(key: "product", virtual_nodes: 150)),
            connections: 8, statement: Exp("10ms"), tables: {
                "product": Table(key: "product", rows: 100_000, value: 50),
                "order": Table(key: "request") })"#,
        r#"Database(connections: 32, statement: Exp("2ms"), commit: Group(fsync: Exp("1ms")),
            tables: { "orders": Table(key: "user"), "outbox": Log() })"#,
        "Database()",
        r#"Database(cpu: 2, commit: None, queue: 10, tables: { "events": Log(retain: 1000) })"#,
        r#"Topic(key: "user", partitions: 12, brokers: 3, replication: 3, acks: All,
            min_in_sync: 2)"#,
        r#"Database(shards: (count: 3, by: Ketama(key: "user", weights: [1, 2, 1])))"#,
        r#"Database(shards: (count: 3, by: Range(key: "user", below: [1001, 2001])))"#,
        r#"Database(shards: (count: 2, by: Range(key: "user", each: 100_000)))"#,
        r#"Database(shards: (count: 2, by: Range(key: "user", ranges: [
            (from: 0, to: 9, on: 1), (from: 10, on: 0)])))"#,
        r#"Database(shards: (count: 2, by: Directory(key: "user", homes: [(key: 7, on: 1)])))"#,
        r#"Database(shards: (count: 3, by: Slots(key: "user", prefix: "user:")))"#,
        r#"Cache(nodes: 3, by: Ring(key: "user", weights: [1, 1, 4]))"#,
        r#"Cache(nodes: 3, by: Jump(key: "user"))"#,
        r#"Cache(nodes: 3, by: Rendezvous(key: "user"))"#,
        r#"Cache(nodes: 3, by: Hash(key: "user"))"#,
        "Topic()",
        r#"Topic(acks: None, append: Always("50us"), session: "18s", retain: 1_000_000)"#,
        r#"WaitingRoom(active: 100, admit: (every: "1s", up_to: 100), stay: "5m")"#,
        r#"Redis(command: Exp("0.5ms"))"#,
        r#"Redis(durable: true, tables: { "likes": Table(key: "product") })"#,
    ] {
        assert_eq!(mistakes(text), [], "{text}");
    }
}

/// A cache of two nodes by these ranges.
fn ranges(ranges: &str) -> String {
    format!(r#"Cache(nodes: 2, by: Range(key: "user", ranges: [{ranges}]))"#)
}

/// A cache of two nodes by this directory.
fn homes(homes: &str) -> String {
    format!(r#"Cache(nodes: 2, by: Directory(key: "user", homes: [{homes}]))"#)
}

/// Each of these has one mistake: where, and in which words.
fn named(rows: &[(&str, &str, &str)]) {
    for &(text, at, says) in rows {
        let found = mistakes(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found[0].0, at, "{text}");
        assert!(found[0].1.contains(says), "{text}: {}", found[0].1);
    }
}

#[test]
fn values_that_make_no_sense_for_caches_are_named() {
    named(&[
        ("Cache()", "", "which draw is the key"),
        (r#"Cache(key: "produkt")"#, "key", "no draw `produkt`"),
        (r#"Cache(nodes: 2, key: "product")"#, "", "which of the nodes"),
        (r#"Cache(nodes: 0, by: Ring(key: "product"))"#, "nodes", "at least one node"),
        (r#"Cache(nodes: 2, by: Ring(key: "produkt"))"#, "by", "no draw `produkt`"),
        (r#"Cache(by: Ring(key: "user", virtual_nodes: 0))"#, "by.virtual_nodes", "virtual node"),
        (
            r#"Cache(nodes: 4, by: Ring(key: "user", virtual_nodes: 250001))"#,
            "by.virtual_nodes",
            "250001 virtual nodes per member; at most 250000",
        ),
        (r#"Cache(by: Modulo(key: "user"), key: "user")"#, "key", "`by` names the key"),
        (r#"Cache(key: "user", capacity: 0)"#, "capacity", "between 1 and"),
        (r#"Cache(key: "user", ttl: "0s")"#, "ttl", "never hit"),
        (r#"Cache(key: "user", ttl: "5us")"#, "ttl", "one command takes 10us"),
        (r#"Cache(key: "user,produkt")"#, "key", "no draw `produkt`"),
        (r#"Cache(key: "user", jitter: "5%")"#, "jitter", "with a `ttl`"),
        (r#"Cache(key: "user", stale_if_error: "5s")"#, "stale_if_error", "with a `ttl`"),
        (r#"Cache(key: "user", sliding: true)"#, "sliding", "with a `ttl`"),
        (r#"Cache(key: "user", ttl: "5s", refresh: "5s")"#, "refresh", "is gone"),
        (r#"Cache(key: "user", memory: "0B")"#, "memory", "a node holds 0B"),
        (r#"Cache(key: "user", memory: "1MB", capacity: 10)"#, "memory", "not in both"),
        (r#"Cache(key: "user", size: Always("1kB"))"#, "size", "with `memory`"),
        (r#"Cache(key: "user", memory: "1MB", size: Uniform("2kB", "1kB"))"#, "size", "smaller"),
        (r#"Cache(key: "user", connections: 0)"#, "connections", "nobody can ask"),
        (r#"Cache(key: "user", tag: "colour")"#, "tag", "no draw `colour`"),
        (r#"Cache(key: "user", inside: "shop")"#, "inside", "no component `shop`"),
        (r#"Cache(key: "user", writes: Through)"#, "writes", "with a `store`"),
        (
            r#"Cache(key: "user", store: [Wait(Always("1ms"))], writes: Behind(every: "0s"))"#,
            "writes.every",
            "every 1ms at most",
        ),
        (
            r#"Cache(key: "user", store: [Reply], writes: Behind(every: "1s", queue: 0))"#,
            "writes.queue",
            "without room",
        ),
        (r#"Cache(key: "user", warm: (top: 5))"#, "warm", "without a `load`"),
        (
            r#"Cache(key: "user", load: [Wait(Always("1ms"))], warm: (top: 0))"#,
            "warm.top",
            "some keys",
        ),
        (
            r#"Cache(key: "request", load: [Wait(Always("1ms"))], warm: (top: 5))"#,
            "warm",
            "one draw",
        ),
        (
            r#"Cache(key: "user", tune: (every: "0s", most: 20_000))"#,
            "tune.every",
            "every 1ms at most",
        ),
        (r#"Cache(key: "user", tune: (every: "1s", most: 5))"#, "tune.most", "to begin with"),
        (
            r#"Cache(key: "user", tune: (every: "1s", most: 20_000, times: 1))"#,
            "tune.times",
            "above 1",
        ),
        (r#"Cache(key: "user", fill: "1s")"#, "fill", "coalesce"),
        (r#"Cache(key: "user", coalesce: true, fill: "0s")"#, "fill", "no time"),
    ]);
}

#[test]
fn values_that_make_no_sense_are_named() {
    named(&[
        (r#"Database(shards: (count: 0, by: Modulo(key: "user")))"#, "shards.count", "one shard"),
        (r#"Database(shards: (count: 2, by: Modulo(key: "u")))"#, "shards.by", "no draw `u`"),
        (r#"Cache(nodes: 2, by: Ring(key: "user", weights: [1, 0]))"#, "by.weights.1", "1 to 1000"),
        (r#"Cache(nodes: 2, by: Ketama(key: "user", weights: [1]))"#, "by.weights", "1 weights"),
        (r#"Cache(nodes: 2, by: Range(key: "user"))"#, "by", "is not said"),
        (r#"Cache(nodes: 2, by: Range(key: "user", each: 0))"#, "by.each", "one key"),
        (r#"Cache(nodes: 2, by: Range(key: "user", each: 5, below: [1]))"#, "by", "one of"),
        (r#"Cache(nodes: 2, by: Range(key: "user", below: [1, 2]))"#, "by.below", "1 split points"),
        (r#"Cache(nodes: 3, by: Range(key: "user", below: [5, 5]))"#, "by.below.1", "ascend"),
        (r#"Cache(nodes: 2, by: Range(key: "user", below: [0]))"#, "by.below.0", "ascend"),
        (&ranges("(from: 0, to: 9, on: 0), (from: 15, on: 1)"), "by.ranges.1", "keys 10 to 14"),
        (&ranges("(from: 5, on: 0)"), "by.ranges.0", "keys 0 to 4"),
        (&ranges("(from: 0, to: 9, on: 0)"), "by.ranges", "from 10 on"),
        (&ranges("(from: 0, to: 9, on: 0), (from: 9, on: 1)"), "by.ranges.1", "overlaps"),
        (&ranges("(from: 0, on: 0), (from: 9, to: 20, on: 1)"), "by.ranges.1", "overlaps"),
        (&ranges("(from: 9, to: 3, on: 0)"), "by.ranges.0", "before it begins"),
        (&ranges("(from: 0, on: 2)"), "by.ranges.0.on", "no shard 2"),
        (&homes("(key: 1, on: 2)"), "by.homes.0.on", "no shard 2"),
        (&homes("(key: 1, on: 0), (key: 1, on: 1)"), "by.homes.1", "a home already"),
        ("Database(connections: 0)", "connections", "connection"),
        (r#"Database(tables: {"a": Table(key: "u")})"#, "tables.a.key", "no draw `u`"),
        (r#"Database(tables: {"a": Table(key: "user", rows: 0)})"#, "tables.a.rows", "between 1"),
        (r#"Database(tables: {"a": Table(key: "user", value: 5)})"#, "tables.a.value", "no row"),
        ("Topic(partitions: 0)", "partitions", "between 1 and"),
        ("Topic(brokers: 0)", "brokers", "at least one broker"),
        ("Topic(brokers: 2, replication: 3)", "replication", "there are 2"),
        ("Topic(min_in_sync: 2)", "min_in_sync", "can never be met"),
        (r#"Topic(key: "usr")"#, "key", "no draw `usr`"),
        (r#"Topic(session: "0s")"#, "session", "some time"),
        (r#"WaitingRoom(active: 0, admit: (every: "1s", up_to: 1))"#, "active", "nobody"),
        (r#"WaitingRoom(active: 1, admit: (every: "0s", up_to: 1))"#, "admit.every", "period"),
        (r#"WaitingRoom(active: 1, admit: (every: "1s", up_to: 0))"#, "admit.up_to", "nobody"),
        (r#"WaitingRoom(active: 1, admit: (every: "1s", up_to: 1), stay: "0s")"#, "stay", "last"),
    ]);
}
