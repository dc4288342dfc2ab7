//! Coordinated omission: users who wait for an answer before they ask again measure a stall once;
//! users who come by the clock all meet it.

use engine::RunRecord;

use super::{Percent, Table, measure, operation};

/// Something that answers within a millisecond, and stands still for a while.
fn stalled(lasts: &str, at: &str, stall: &str, traffic: &str) -> Vec<RunRecord> {
    let text = format!(
        "(duration: \"{lasts}\", settle: \"10s\",
          components: {{ \"s\": Service(operations: {{ \"get\": [Wait(Always(\"1ms\"))] }}) }},
          timeline: [(at: \"{at}\", for: \"{stall}\", do: Pause(\"s\"))],
          traffic: {{ \"users\": {traffic} }})"
    );
    // There is no chance in it: two seeds agree.
    measure(&text, 2)
}

fn seconds(record: &RunRecord, q: f64) -> f64 {
    operation(record, "s.get").took.quantile(q) as f64 / 1e9
}

/// The example of HdrHistogram: 10 000 requests at 100/s take 1 ms each, then everything stands
/// still for 100 s. Those who came meanwhile waited 100 s, 99.99 s, … 10 ms; in the mean of
/// 20 000 that is (10 000 · 1 ms + Σ 10 ms · k) / 20 000 = 25.003 s. Somebody who waits for each
/// answer sees 10 000 times 1 ms and once 100 s: 10.9989 ms.
#[test]
fn d04_a_hundred_seconds() {
    let mut table = Table::new("D04 coordinated omission");
    let runs =
        stalled("200s", "100s", "100s", "Open(rate: \"100/s\", arrivals: Even, to: \"s.get\")");
    let truth = (10_000.0 + (1..=10_000).map(|k| f64::from(10 * k)).sum::<f64>()) / 20_000.0;
    let mean = |r: &RunRecord| operation(r, "s.get").took.mean() / 1e6;
    table.row("by the clock: mean ms", truth, Percent(0.05), &runs, mean);
    for (label, q, truth) in [("p75", 0.75, 50.0), ("p90", 0.9, 80.0), ("p99", 0.99, 98.0)] {
        let what = format!("by the clock: {label}");
        table.row(&what, truth, Percent(0.2), &runs, |r| seconds(r, q));
    }
    table.row("by the clock: p99.999", 100.0, Percent(0.2), &runs, |r| seconds(r, 0.99999));
    let traffic = "Closed(users: 1, think: Always(\"9ms\"), to: \"s.get\")";
    let runs = stalled("200s", "100s", "100s", traffic);
    let count = |r: &RunRecord| operation(r, "s.get").took.count() as f64;
    table.row("one by one: requests", 10_001.0, Percent(0.0), &runs, count);
    table.row("one by one: mean ms", 10.9989, Percent(0.05), &runs, mean);
    table.row("one by one: p99.99 s", 0.001, Percent(0.2), &runs, |r| seconds(r, 0.9999));
    table.close();
}

/// The second example of wrk2: 2000/s over 100 connections for 19.75 s, of which it stands still
/// for 1.42 s. Of all who came by the clock 7.19 % met the stall, evenly: p99 is
/// 1.42 s · (1 − 0.01 / 0.0719) = 1.2225 s. Of those who wait for answers 100 met it, fewer than
/// one in a hundred, and all of them nearly the whole stall.
#[test]
fn d04_a_second_and_a_half() {
    let mut table = Table::new("D04 wrk2");
    let traffic = "Open(rate: \"2000/s\", arrivals: Even, to: \"s.get\")";
    let runs = stalled("19750ms", "10s", "1420ms", traffic);
    let met = 1.42 / 19.75;
    let truth = 1.42 * (1.0 - 0.01 / met);
    table.row("by the clock: p99", truth, Percent(0.3), &runs, |r| seconds(r, 0.99));
    let traffic = "Closed(users: 100, think: Always(\"49ms\"), ramp: \"50ms\", to: \"s.get\")";
    let runs = stalled("19750ms", "10s", "1420ms", traffic);
    table.row("one by one: p99", 0.001, Percent(0.3), &runs, |r| seconds(r, 0.99));
    // The hundred came within 50 ms.
    table.row("one by one: p99.9", 1.395, Percent(2.0), &runs, |r| seconds(r, 0.999));
    table.close();
}
