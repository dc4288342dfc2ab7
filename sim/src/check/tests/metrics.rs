//! Every metric, of a record small enough to be counted with one's fingers.

use engine::Outcome::{Denied, Done, Refused, TimedOut};
use engine::record::{
    Column, EdgeRecord, GroupRecord, LogRecord, MemberRecord, OperationRecord, Outcomes,
    TableRecord,
};
use engine::{Histogram, RunRecord, Span};

use super::{MILLI, number, operation, quiet};

/// Eight seconds. After the warm-up `s.get` took 20 20 20 20 30 40 60 100 ms, of which 60 ms was a
/// timeout, 30 ms a no and 100 ms a refusal; one journey of `users` took 1000 ms, of which `s.put`
/// was 5 ms.
fn record() -> RunRecord {
    let mut record = quiet(8);
    let get = operation(&[
        &[(Done, 10)],
        &[(Done, 10)],
        &[(Done, 20), (Done, 40)],
        &[(Done, 20), (TimedOut, 60)],
        &[(Done, 20)],
        &[(Done, 20), (Denied, 30)],
        &[],
        &[(Refused, 100)],
    ]);
    record.ages.insert("bill".into(), get.clone());
    record.operations.insert("s.get".into(), get);
    let put = operation(&[&[], &[], &[(Done, 5)], &[], &[], &[], &[], &[]]);
    record.operations.insert("s.put".into(), OperationRecord { whole: false, ..put });
    record
        .operations
        .insert("users".into(), operation(&[&[], &[], &[], &[(Done, 1000)], &[], &[], &[], &[]]));
    record.requests.in_flight = 3;
    record.counters.insert("sold".into(), 7);
    let states = [("held".to_string(), 2)].into();
    let table = TableRecord { rows: 5, states, low: -1, high: 9, sum: 40, stale: 3, lost: 4 };
    record.tables.insert("seat".into(), table);
    record.missing.insert(("orders".into(), "bills".into()), 6);
    let lag = [("billing".to_string(), 3), ("mail".to_string(), 8)].into();
    record.logs.insert("events".into(), LogRecord { appended: 100, lost: 0, lag });
    levels(&mut record);
    record.edges = vec![edge("a", "db", 60, 3), edge("b", "db", 20, 1), edge("a", "idle", 0, 0)];
    let group = |name, arrived: &[u64]| GroupRecord { name, ..shards(arrived) };
    record.groups = vec![cache("cache", 30, 10), cache("cold", 0, 0), shards(&[30, 10, 20])];
    record.groups.extend([group("s".to_string(), &[5, 5]), group("one".to_string(), &[5])]);
    record
}

fn levels(record: &mut RunRecord) {
    let none = f64::NAN;
    let mut column = |component: &str, member: &str, metric: &str, values: [f64; 8]| {
        let (component, member, metric) = (component.into(), member.into(), metric.into());
        let (unit, values) = (String::new(), values.to_vec());
        record.series.columns.push(Column { component, member, metric, unit, values });
    };
    column("events", "", "lag", [50.0, 60.0, 5.0, 9.0, 4.0, 2.0, 1.0, 8.0]);
    column("s", "", "utilisation", [0.9, 0.9, 0.5, none, 0.7, 0.3, 0.0, 0.1]);
    column("s", "s/1", "utilisation", [0.9, 0.9, 0.8, 0.8, 0.8, 0.2, 0.0, 0.1]);
    column("s", "", "queue", [7.0, 7.0, 0.0, 4.0, 2.0, 2.0, 0.0, 1.0]);
    column("cache", "", "hit_ratio", [0.0, 0.2, 0.4, 0.6, 0.8, 0.8, none, 1.0]);
    column("db", "", "imbalance", [9.0, 9.0, 1.5, none, 2.5, 2.0, 9.0, 9.0]);
    column("one", "", "queue", [7.0, 7.0, 3.0, 3.0, 3.0, 3.0, 7.0, 7.0]);
    column("silent", "", "queue", [none; 8]);
}

fn edge(from: &str, to: &str, asked: u64, wasted: u64) -> EdgeRecord {
    let (outcomes, took) = (Outcomes::default(), Histogram::coarse());
    let counted = asked / 2;
    EdgeRecord { from: from.into(), to: to.into(), asked, counted, outcomes, wasted, took }
}

fn cache(name: &str, hits: u64, misses: u64) -> GroupRecord {
    let totals = [("hits".to_string(), hits), ("misses".to_string(), misses)].into();
    GroupRecord { name: name.into(), kind: "Cache".into(), totals, members: Vec::new() }
}

/// Shards that got so many calls.
fn shards(arrived: &[u64]) -> GroupRecord {
    let member = |&arrived: &u64| MemberRecord {
        name: String::new(),
        zone: String::new(),
        arrived,
        counted: 0,
        turned_away: 0,
        busy: Span::ZERO,
        servers: 0.0,
        queue_max: 0.0,
    };
    let members = arrived.iter().map(member).collect();
    GroupRecord { name: "db".into(), kind: "Database".into(), totals: [].into(), members }
}

/// The busiest of three got 30 of 60 calls; in the intervals of the traffic, 1.5 to 2.5 times the
/// mean.
#[test]
fn imbalance() {
    are(&[
        ("imbalance{component=db} < 2", 1.5),
        ("imbalance{component=db} max < 2", 2.5),
        ("imbalance{component=db} mean < 2", 2.0),
        ("imbalance{component=db} < 2 during 2s..3s", 1.5),
    ]);
}

/// All of these, to the precision of counters: 1/256 of a time within a window, 1/1024 of one of
/// the whole run, rounding for everything else.
#[track_caller]
fn are(cases: &[(&str, f64)]) {
    let record = record();
    for (text, expected) in cases {
        let Some(measured) = number(&record, text) else { panic!("{text}: nothing to measure") };
        let of_time = text.starts_with("latency") || text.starts_with("age");
        let allowed = if of_time { expected / 256.0 } else { 1e-12 * expected.abs() };
        assert!((measured - expected).abs() <= allowed, "{text}: {measured}, not {expected}");
    }
}

#[track_caller]
fn cannot_be_measured(cases: &[&str]) {
    let record = record();
    for text in cases {
        assert_eq!(number(&record, text), None, "{text}");
    }
}

const MS: f64 = MILLI as f64;

#[test]
fn latencies_are_of_all_that_ended() {
    are(&[
        // Ranks of eight: ⌈0.5 · 8⌉ = 4, ⌈0.75 · 8⌉ = 6, ⌈0.99 · 8⌉ = 8.
        ("latency{op=s.get} p50 < 1s", 20.0 * MS),
        ("latency{s.get} p75 < 1s", 40.0 * MS),
        ("latency{s.get} p99 < 1s", 100.0 * MS),
        ("latency{s.get} max < 1s", 100.0 * MS),
        ("latency{s.get} min < 1s", 20.0 * MS),
        // 310 / 8
        ("latency{s.get} mean < 1s", 38.75 * MS),
        // What users ask for by itself, and journeys; not the calls these are made of.
        ("latency min < 1s", 20.0 * MS),
        ("latency max < 1s", 1000.0 * MS),
        ("latency{op=s.put} max < 1s", 5.0 * MS),
        ("latency{op=users} max < 1s", 1000.0 * MS),
        ("age{flow=bill} mean < 1s", 38.75 * MS),
        ("age{bill} max < 1s before 2s", 10.0 * MS),
    ]);
    let mut record = record();
    record.operations.retain(|name, _| name == "users");
    // Where there are only journeys they are meant.
    assert_eq!(number(&record, "latency max < 1s"), Some(1000.0 * MS));
}

/// Windows are rounded outward to the intervals that they touch, and know no warm-up.
#[test]
fn windows_are_made_of_intervals() {
    are(&[
        ("latency{s.get} max < 1s during 2s..4s", 60.0 * MS),
        ("latency{s.get} max < 1s during 2s..3s", 40.0 * MS),
        ("latency{s.get} max < 1s during 2.5s..3.5s", 60.0 * MS),
        ("latency{s.get} min < 1s before 2s", 10.0 * MS),
        ("latency{s.get} max < 1s before 2s", 10.0 * MS),
        // `after` ends with the traffic, at 6 s.
        ("latency{s.get} max < 1s after 4s", 30.0 * MS),
        ("latency{s.get} max < 1s during 4s..8s", 100.0 * MS),
        ("latency{s.get} mean < 1s during 4s..6s", 70.0 / 3.0 * MS),
        ("latency{s.get} max < 1s at end", 100.0 * MS),
    ]);
    cannot_be_measured(&[
        "latency{s.get} max < 1s during 6s..7s",
        "latency{s.put} max < 1s at end",
        "age{bill} p50 < 1s during 6s..7s",
        "age{other} p50 < 1s",
    ]);
}

#[test]
fn ends_are_counted_by_what_they_were() {
    are(&[
        ("errors{s.get} = 0", 2.0),
        ("errors{s.get} rate < 1%", 2.0 / 8.0),
        ("errors rate < 1%", 2.0 / 9.0),
        // A timeout, one that was done, and a journey.
        ("errors rate < 1% during 3s..4s", 1.0 / 3.0),
        ("errors{s.put} = 0", 0.0),
        ("denied{s.get} = 0", 1.0),
        ("denied{s.get} rate < 1%", 1.0 / 8.0),
        ("denied rate < 1% during 5s..6s", 1.0 / 2.0),
        ("goodput{s.get} > 1", 5.0),
        // From the end of the warm-up to the end of the traffic: 4 s.
        ("goodput{s.get} rate > 1/s", 5.0 / 4.0),
        ("goodput rate > 1/s during 2s..4s", 4.0 / 2.0),
        ("requests > 1", 9.0),
        ("requests rate > 1/s", 9.0 / 4.0),
        ("requests{s.get} > 1 before 2s", 2.0),
        ("requests{s.get} > 1 during 6s..7s", 0.0),
        ("in_flight = 0", 3.0),
    ]);
}

/// That nothing went wrong where nothing went at all is no good news.
#[test]
fn no_ends_are_no_errors_either() {
    cannot_be_measured(&[
        "errors rate < 1% during 6s..7s",
        "errors = 0 during 6s..7s",
        "errors{s.put} = 0 at end",
        "denied{s.get} = 0 during 6s..7s",
        "denied rate < 1% during 6s..7s",
    ]);
}

#[test]
fn the_ledger_is_read_at_the_end() {
    are(&[
        ("low{seat} >= 0", -1.0),
        ("high{table=seat} < 1", 9.0),
        ("sum{seat} = 1", 40.0),
        ("rows{seat} = 1", 5.0),
        ("finally rows{table=seat, state=held} = 0", 2.0),
        ("rows{table=seat, state=sold} = 0", 0.0),
        ("stale{seat} = 0", 3.0),
        ("lost{seat} = 0", 4.0),
        ("missing{from=orders, in=bills} = 0", 6.0),
        ("appended{topic=events} = 1", 100.0),
        ("count{sold} = 1", 7.0),
    ]);
    cannot_be_measured(&[
        "low{chair} >= 0",
        "missing{from=bills, in=orders} = 0",
        "appended{other} = 0",
        "count{bought} = 0",
    ]);
}

/// Without a window while there was traffic after the warm-up: intervals three to six.
#[test]
fn levels_are_those_of_intervals() {
    are(&[
        ("lag{topic=events} max < 1", 9.0),
        ("lag{events} min < 1", 2.0),
        ("lag{events} mean < 1", 5.0),
        ("lag{events} mean < 1 during 6s..8s", 4.5),
        ("finally lag{events} max < 1", 8.0),
        // The slowest group of consumers, at the end.
        ("lag{events} = 0", 8.0),
        ("lag{events} = 0 at end", 8.0),
        // One of the four intervals has no value.
        ("utilisation{component=s} mean < 1%", 0.5),
        ("utilisation{s} max < 1%", 0.7),
        ("utilisation{s/1} min < 1%", 0.2),
        // The only member is the whole.
        ("queue{one/0} max < 1", 3.0),
        ("queue{s} max < 1", 4.0),
        ("queue{s} mean < 1", 2.0),
        ("queue{s} max < 1 at end", 1.0),
        ("hit_ratio{cache} mean < 1%", 0.65),
        ("hit_ratio{cache} min < 1% before 3s", 0.0),
        // 30 of 40 in the whole run; only the last interval.
        ("hit_ratio{cache} > 1%", 0.75),
        ("hit_ratio{cache} > 1% at end", 1.0),
    ]);
    cannot_be_measured(&[
        "hit_ratio{cold} > 1%",
        "hit_ratio{cache} mean > 1% during 6s..7s",
        "queue{silent} max < 1",
        "queue{silent} mean < 1",
        "queue{s/2} max < 1",
        // What is known of both is not known of one.
        "utilisation{s/0} max < 1%",
        "lag{other} = 0",
    ]);
}

#[test]
fn work_is_of_all_callers() {
    are(&[
        ("work{db} < 1", 80.0),
        // Half of them in the four seconds that count, whatever came before and after.
        ("work{component=db} rate < 1/s", 10.0),
        ("wasted{db} < 1", 4.0),
        ("wasted{db} rate < 1%", 0.05),
        ("work{idle} < 1", 0.0),
    ]);
    cannot_be_measured(&["wasted{idle} rate < 1%"]);
}
