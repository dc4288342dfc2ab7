//! Same scenario, same seed, same numbers: whatever the threads, the order of the file, or what
//! else stands in it.

use std::path::Path;

use engine::RunRecord;
use sim::prepare::{Prepared, Wishes, prepare};
use sim::sweep::{Runs, sweep};
use sim::text::Diagnostics;

const WEB: &str = r#"(
    duration: "5s",
    zones: ["a", "b"],
    network: (any: LogNormal(median: "0.25ms", p99: "1ms")),
    draws: { "item": Zipf(items: 1000, exponent: 0.99) },
    components: { COMPONENTS },
    policies: { "shop": (timeout: "1s", balance: LeastRequest(choices: 2)) },
    traffic: { "users": Open(rate: "500/s", to: "shop.view") },
    timeline: [(at: "2s", for: "1s", do: Crash("any 1 of shop"))],
)"#;
const SHOP: &str = r#""shop": Service(replicas: 3, cpu: 2, operations: { "view": [
    Work(Exp("1ms")), Read("item", (through: ["cache"], miss: [Do("db", [Get("item")])])) ] })"#;
const CACHE: &str = r#""cache": Cache(key: "item", capacity: 100)"#;
const DB: &str = r#""db": Database(connections: 8, statement: Exp("2ms"),
    tables: { "item": Table(key: "item", rows: 1000, value: 5) })"#;
const IDLE: &str = r#""attic": Service(replicas: 2, operations: { "sleep": [Wait(Exp("1s"))] })"#;

fn prepared(name: &str, components: &[&str]) -> Prepared {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.ron"));
    std::fs::write(&file, WEB.replace("COMPONENTS", &components.join(", "))).unwrap();
    let mut diagnostics = Diagnostics::default();
    let prepared = prepare(&file, &Wishes::default(), &mut diagnostics);
    prepared.unwrap_or_else(|| panic!("{}", diagnostics.render()))
}

fn played(prepared: &Prepared, seeds: &[u64], jobs: usize) -> Vec<RunRecord> {
    let runs = sweep(&prepared.variants, seeds, &[], jobs, &|_, _| {}).unwrap();
    let [Runs { records, .. }] = <[Runs; 1]>::try_from(runs).unwrap();
    records
}

/// What each component and each operation did.
fn numbers(record: &RunRecord) -> String {
    let mut text = format!("{:?}\n", record.requests);
    for (name, operation) in &record.operations {
        text += &format!("{name} {:?} {}\n", operation.outcomes, operation.took.quantile(0.99));
    }
    for group in record.groups.iter().filter(|group| group.name != "attic") {
        text += &format!("{group:?}\n");
    }
    text
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let prepared = prepared("threads", &[SHOP, CACHE, DB]);
    let digests = |jobs| -> Vec<u64> {
        played(&prepared, &[1, 2, 3, 4], jobs).iter().map(|record| record.digest).collect()
    };
    let one = digests(1);
    assert_eq!(one, digests(2));
    assert!(one.windows(2).all(|two| two[0] != two[1]), "seeds that change nothing: {one:?}");
}

#[test]
fn order_and_idle_neighbours_change_nothing() {
    let plain = played(&prepared("plain", &[SHOP, CACHE, DB]), &[1], 1);
    let shuffled = played(&prepared("shuffled", &[DB, SHOP, CACHE]), &[1], 1);
    let crowded = played(&prepared("crowded", &[SHOP, IDLE, CACHE, DB]), &[1], 1);
    assert!(plain[0].requests.completed > 2000, "{:?}", plain[0].requests);
    assert_eq!(plain[0].digest, shuffled[0].digest);
    assert_eq!(numbers(&plain[0]), numbers(&crowded[0]));
}
